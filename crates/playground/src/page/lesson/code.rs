//! Code blocks: commands run in the terminal, manifests open in the editor, everything copies.

use yew::{Callback, Html, Properties, classes, function_component, html};

use crate::page::icons::icon;
use crate::page::lesson::Wish;

/// Programs that set up a machine: such a block is for the learner's own, not for this one.
const SET_UP: &[&str] =
    &["brew", "apt", "apt-get", "sudo", "choco", "winget", "snap", "dnf", "yum", "docker", "helm", "git"];

/// The commands of a block, ready to be typed; nothing when it's not for this terminal. Prompts in front of commands
/// are taken away.
pub fn commands(language: &str, text: &str) -> Option<String> {
    if !matches!(language, "bash" | "sh" | "shell" | "console" | "zsh" | "shell-session") {
        return None;
    }
    let prompted = language == "console" || language == "shell-session";
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !prompted || line.starts_with("$ "))
        .map(|line| line.strip_prefix("$ ").unwrap_or(line))
        .collect();
    let text = lines.join("\n").trim().to_owned();
    let first_words = text.lines().filter_map(|line| line.split_whitespace().next());
    let sets_up = first_words.into_iter().any(|word| SET_UP.contains(&word));
    (!text.is_empty() && !sets_up).then_some(text)
}

/// A file name for a manifest that the text gives none.
pub fn file_name(text: &str) -> String {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let kind = field("kind:").and_then(|kind| kind.split_whitespace().next()).unwrap_or("manifest");
    format!("{}.yaml", kind.to_ascii_lowercase())
}

/// What a block is given.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The fence's language.
    pub language: String,
    /// The text.
    pub text: String,
    /// The file that the lesson suggests.
    pub file: Option<String>,
    /// What to do.
    pub on_wish: Callback<Wish>,
}

/// A code block.
#[function_component]
pub fn CodeBlock(props: &Props) -> Html {
    let wish = |wish: Wish| props.on_wish.reform(move |_| wish.clone());
    let text = props.text.trim_end_matches('\n').to_owned();
    let run = commands(&props.language, &text);
    let yaml = matches!(props.language.as_str(), "yaml" | "yml");
    let file = props.file.clone().unwrap_or_else(|| file_name(&text));
    let output = props.language.is_empty() || props.language == "text";
    html! {
        <figure class={classes!("code", run.is_some().then_some("runnable"), output.then_some("output"))}>
            <pre tabindex="0"><code>{ highlight::code(&props.language, &text) }</code></pre>
            <figcaption>
                if let Some(run) = &run {
                    <button class="button small" onclick={wish(Wish::Run(run.clone()))}
                        title="Type this into the terminal and run it">{ icon("play") }{ "Run" }</button>
                }
                if yaml {
                    <button class="button small" onclick={wish(Wish::Edit(file.clone(), format!("{text}\n")))}
                        title="Put this into a file and open it">{ icon("pencil") }{ format!("Open as {file}") }</button>
                }
                if !output {
                    <button class="icon-button" onclick={wish(Wish::Copy(run.unwrap_or(text)))} aria-label="Copy"
                        title="Copy">{ icon("copy") }</button>
                }
            </figcaption>
        </figure>
    }
}

/// Colours for YAML and shell, line by line: enough for reading, without a highlighter's weight.
pub mod highlight {
    use yew::{Html, html};

    /// The text of a block with its comments, keys, strings and commands told apart.
    pub fn code(language: &str, text: &str) -> Html {
        let line: fn(&str) -> Vec<(&'static str, &str)> = match language {
            "yaml" | "yml" => yaml,
            "bash" | "sh" | "shell" | "zsh" | "console" => shell,
            _ => |line| vec![("", line)],
        };
        let mut lines = Vec::new();
        for (at, each) in text.split('\n').enumerate() {
            if at > 0 {
                lines.push(html! { "\n" });
            }
            for (class, part) in line(each) {
                let part = part.to_owned();
                lines.push(if class.is_empty() {
                    html! { part }
                } else {
                    html! { <span {class}>{ part }</span> }
                });
            }
        }
        html! { <>{ for lines }</> }
    }

    /// A line with its comment cut off: a `#` at the start or after a blank.
    fn comment(line: &str) -> (&str, &str) {
        let at = line.char_indices().find(|(at, c)| {
            *c == '#' && line.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t']))
        });
        at.map_or((line, ""), |(at, _)| line.split_at(at))
    }

    /// Class and text of the parts of a line of YAML.
    pub fn yaml(line: &str) -> Vec<(&'static str, &str)> {
        let (code, note) = comment(line);
        let mut parts = Vec::new();
        let start = code.len() - code.trim_start_matches([' ', '-']).len();
        let (indent, rest) = code.split_at(start);
        parts.push(("", indent));
        let key_ends = rest.find(": ").or_else(|| rest.ends_with(':').then(|| rest.len() - 1)).or_else(|| {
            let trimmed = rest.trim_end();
            trimmed.ends_with(':').then(|| trimmed.len() - 1)
        });
        match key_ends {
            Some(at) => {
                let (key, value) = rest.split_at(at);
                parts.push(("hl-key", key));
                parts.push(("", value.get(..1).unwrap_or_default()));
                let value = value.get(1..).unwrap_or_default();
                parts.push((scalar(value), value));
            }
            None => parts.push((scalar(rest), rest)),
        }
        parts.push(("hl-comment", note));
        parts.retain(|(_, text)| !text.is_empty());
        parts
    }

    fn scalar(value: &str) -> &'static str {
        let value = value.trim();
        match value.chars().next() {
            None => "",
            Some(_) if value.parse::<f64>().is_ok() || matches!(value, "true" | "false" | "null") => "hl-number",
            Some(_) => "hl-string",
        }
    }

    /// Class and text of the parts of a line of shell.
    pub fn shell(line: &str) -> Vec<(&'static str, &str)> {
        let (code, note) = comment(line);
        let start = code.len() - code.trim_start().len();
        let (indent, rest) = code.split_at(start);
        let (command, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
        let mut parts = vec![("", indent), ("hl-command", command), ("", rest), ("hl-comment", note)];
        parts.retain(|(_, text)| !text.is_empty());
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_can_be_run_here() {
        let cases = [
            ("bash", "kubectl get pods\n", Some("kubectl get pods")),
            ("sh", "# list\nkubectl get nodes", Some("# list\nkubectl get nodes")),
            ("console", "$ kubectl get pods\nNAME\n", Some("kubectl get pods")),
            ("bash", "# macOS\nbrew install minikube kubectl\n", None),
            ("bash", "curl -LO x\nsudo install x\n", None),
            ("yaml", "kind: Pod", None),
            ("", "NAME READY", None),
            ("bash", "\n", None),
        ];
        for (language, text, expected) in cases {
            assert_eq!(commands(language, text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn manifests_without_a_name_are_named_after_their_kind() {
        assert_eq!(file_name("apiVersion: v1\nkind: ConfigMap # x\n"), "configmap.yaml");
        assert_eq!(file_name("a: 1\n"), "manifest.yaml");
    }

    #[test]
    fn lines_are_coloured_whole() {
        let cases = [
            (
                "  - name: nginx # the name",
                vec![
                    ("", "  - "),
                    ("hl-key", "name"),
                    ("", ":"),
                    ("hl-string", " nginx "),
                    ("hl-comment", "# the name"),
                ],
            ),
            ("spec:", vec![("hl-key", "spec"), ("", ":")]),
            ("replicas: 3", vec![("hl-key", "replicas"), ("", ":"), ("hl-number", " 3")]),
            ("# only", vec![("hl-comment", "# only")]),
        ];
        for (line, expected) in cases {
            let parts = highlight::yaml(line);
            assert_eq!(parts, expected, "{line}");
            assert_eq!(parts.iter().map(|(_, text)| *text).collect::<String>(), line);
        }
        assert_eq!(
            highlight::shell("kubectl get pods # all"),
            [("hl-command", "kubectl"), ("", " get pods "), ("hl-comment", "# all")]
        );
    }
}
