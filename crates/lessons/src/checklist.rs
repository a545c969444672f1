//! A `Try It` without exercise data: the commands that it names become its tasks.

use crate::model::{Check, Task};

/// First words that make an inline code span a command rather than a name, a value or a file.
const COMMANDS: &[&str] =
    &["kubectl", "minikube", "echo", "cat", "curl", "ls", "mkdir", "sed", "grep", "watch", "wget"];

/// The tasks of a `Try It`: one for each different command among its inline code spans, or a single one to tick by hand
/// when it names none.
pub(crate) fn tasks(code_spans: &[String], whole_html: &str) -> Vec<Task> {
    let mut commands: Vec<&String> = Vec::new();
    for span in code_spans {
        let is_command = span.split_whitespace().next().is_some_and(|word| COMMANDS.contains(&word));
        if is_command && span.split_whitespace().count() > 1 && !commands.contains(&span) {
            commands.push(span);
        }
    }
    if commands.is_empty() {
        return vec![Task {
            html: format!("I have done this: {}", first_sentence(whole_html)),
            check: Check::ByHand,
            hints: Vec::new(),
            solution: String::new(),
        }];
    }
    let task = |command: &String| Task {
        html: format!("Run <code>{}</code>", crate::markdown::escape(command)),
        check: Check::Command(command.clone()),
        hints: Vec::new(),
        // A placeholder or a command that is only begun cannot be run as it stands.
        solution: if command.contains('<') { String::new() } else { format!("{command}\n") },
    };
    commands.into_iter().map(task).collect()
}

/// The first sentence of rendered text, without its tags.
fn first_sentence(html: &str) -> String {
    let mut text = String::new();
    let mut inside_tag = false;
    for c in html.chars() {
        match c {
            '<' => inside_tag = true,
            '>' => inside_tag = false,
            c if !inside_tag => text.push(c),
            _ => {}
        }
    }
    let text = text.trim().trim_start_matches("Try It").trim_start_matches(':').trim();
    text.split_inclusive(". ").next().unwrap_or(text).trim().to_owned()
}

/// Whether a typed command line does what a named one asks: its words begin with the named ones, where `<name>` stands
/// for any word. In a pipeline or list one command must match.
///
/// ```
/// use drydock_lessons::matches_command;
/// assert!(matches_command("kubectl rollout status", "kubectl rollout status deployment/web"));
/// assert!(matches_command("kubectl describe pod <name>", "kubectl  describe pod nginx"));
/// assert!(matches_command("kubectl get pods", "clear; kubectl get pods -A"));
/// assert!(!matches_command("kubectl get pods", "kubectl get nodes"));
/// ```
pub fn matches_command(named: &str, typed: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split_whitespace().map(|word| word.replace(['"', '\''], "")).filter(|word| !word.is_empty()).collect()
    };
    let named_words = words(named);
    let begins = |typed: &str| {
        let typed = words(typed);
        typed.len() >= named_words.len()
            && named_words.iter().zip(&typed).all(|(n, t)| n == t || (n.starts_with('<') && n.ends_with('>')))
    };
    if named_words.is_empty() {
        return false;
    }
    begins(typed) || typed.split([';', '&', '|', '\n']).any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_become_tasks_once_each() {
        let spans = ["pod.yaml", "kubectl apply -f pod.yaml", "nginx:1.27", "kubectl apply -f pod.yaml", "k8s/"];
        let tasks = tasks(&spans.map(String::from), "");
        assert_eq!(tasks.len(), 1);
        assert_eq!(tasks[0].check, Check::Command("kubectl apply -f pod.yaml".into()));
    }

    #[test]
    fn without_commands_there_is_one_box_to_tick() {
        let tasks = tasks(&["describe".into()], "<p><strong>Try It</strong>: Do it all. Then more.</p>");
        assert_eq!(tasks[0].check, Check::ByHand);
        assert_eq!(tasks[0].html, "I have done this: Do it all.");
    }

    #[test]
    fn pipes_match_whole_or_in_part() {
        assert!(matches_command("echo \"YWJjMTIz\" | base64 -d", "echo YWJjMTIz | base64 -d"));
        assert!(!matches_command("", "kubectl get pods"));
    }
}
