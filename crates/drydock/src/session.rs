//! `drydock session`: a file of commands, one JSON object a command.

use std::io::Write;
use std::path::Path;

use drydock_session::{Options, Profile, Session};

pub const EXAMPLES: &str = "\
Examples:
  drydock session pods.session
  drydock session pods.session --profile minikube --seed 7

A session file:
  # Comments begin with a hash.
  $ kubectl run nginx --image=nginx
  $ cat > pod.yaml <<'YAML'
  kind: Pod
  YAML

Each command runs in a shell of its own in the home directory; `sleep N` lets N seconds of the cluster's time pass.
A line of output: {\"cmd\": \"…\", \"stdout\": \"…\", \"stderr\": \"…\", \"code\": 0}";

/// Plays a file on a new cluster.
///
/// # Errors
/// When the file cannot be read, or the output cannot be written.
pub fn play(file: &Path, profile: Profile, seed: u64) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut session = Session::new(Options { seed, profile, ..Options::default() });
    session.describe(drydock_descriptions::TEXT.as_bytes())?;
    let mut out = std::io::stdout().lock();
    for command in commands(&text) {
        let output = session.run(&command);
        let line = serde_json::json!({
            "cmd": command, "stdout": output.stdout, "stderr": output.stderr, "code": output.code,
        });
        writeln!(out, "{line}").map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The commands of a session file. What follows a command belongs to it (here-documents), comments directly after a
/// command that has none aside.
fn commands(text: &str) -> Vec<String> {
    let mut commands: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(vec![command]);
        } else if let Some(current) = commands.last_mut() {
            let comment = line.starts_with("# ") && current.len() == 1 && !current[0].contains("<<");
            if !comment {
                current.push(line);
            }
        }
    }
    commands.into_iter().map(|lines| lines.join("\n").trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn here_documents_belong_to_their_command_and_comments_do_not() {
        let text = "# first\n$ ls\n# about the next\n$ cat <<'E'\n# kept\nE\n\n$ true\n";
        assert_eq!(commands(text), ["ls", "cat <<'E'\n# kept\nE", "true"]);
    }
}
