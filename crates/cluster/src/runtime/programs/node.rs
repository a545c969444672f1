//! `crictl` and `journalctl` on a node: what they are asked, the machine's kubelet and runtime answer.

use std::time::Duration;

use drydock_shell::{Program, Step, Sys, Wait};
use drydock_value::Time;

/// Where a program leaves what it asks.
pub(crate) const QUESTION: &str = "/run/.runtime-question";
/// Where it finds the answer: a code and a text.
pub(crate) const ANSWER: &str = "/run/.runtime-answer";
/// An answer takes this long.
const SOON: Duration = Duration::from_millis(1);
/// Without one, nothing runs that could answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks, and has the answer when it is there.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ask {
    until: Option<Time>,
}

/// What has become of a question.
pub(crate) enum Asked {
    Waits(Step),
    Answer(bool, String),
}

impl Ask {
    /// Goes on with a question.
    pub(crate) fn step(&mut self, words: &[&str], sys: &mut Sys<'_>) -> Asked {
        let now = sys.now();
        let Some(until) = self.until else {
            let _ = sys.files().remove(ANSWER);
            let _ = sys.files().write(QUESTION, words.join("\u{1f}").as_bytes());
            self.until = Some(now + PATIENCE);
            return Asked::Waits(Wait::until(now + SOON).into());
        };
        match sys.files().read_text(ANSWER) {
            Ok(text) => {
                let _ = sys.files().remove(ANSWER);
                let (code, text) = text.split_once('\n').unwrap_or(("1", ""));
                Asked::Answer(code == "0", text.to_owned())
            }
            Err(_) if now < until => Asked::Waits(Wait::until(now + SOON).into()),
            Err(_) => {
                let _ = sys.files().remove(QUESTION);
                Asked::Answer(false, "connection error: no such file or directory".into())
            }
        }
    }
}

/// Either of them.
#[derive(Debug, Clone, Default)]
pub struct NodeTool {
    ask: Ask,
}

const CRICTL: &str = "NAME:
   crictl - client for CRI

USAGE:
   crictl [global options] command [command options] [arguments...]

COMMANDS:
   images, image, img  List images
   inspect             Display the status of one or more containers
   logs                Fetch the logs of a container
   pods                List pods
   ps                  List containers
   stop                Stop one or more running containers
";

impl Program for NodeTool {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let args = sys.args();
        let journal = args.first().is_some_and(|name| name.ends_with("journalctl"));
        let rest: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
        let mut words = rest.clone();
        if journal {
            let unit = rest.iter().position(|word| matches!(*word, "-u" | "--unit"));
            let unit = unit.and_then(|at| rest.get(at + 1)).copied();
            let unit =
                unit.or_else(|| rest.iter().find_map(|word| word.strip_prefix("-u").or(word.strip_prefix("--unit="))));
            if unit.is_some_and(|unit| unit.trim_end_matches(".service") != "kubelet") {
                sys.print("-- No entries --\n");
                return Step::Exit(0);
            }
            words.retain(|word| {
                !matches!(*word, "-f" | "-e" | "-x" | "-xe" | "-xeu")
                    && word.strip_prefix("-u").is_none_or(str::is_empty)
            });
            words.retain(|word| *word != "kubelet" && *word != "kubelet.service" && *word != "-u");
            words.insert(0, "journal");
        } else if rest.is_empty() || matches!(rest.first(), Some(&("-h" | "--help" | "help"))) {
            sys.print(CRICTL);
            return Step::Exit(0);
        }
        match self.ask.step(&words, sys) {
            Asked::Waits(step) => step,
            Asked::Answer(true, text) => {
                sys.print(&text);
                Step::Exit(0)
            }
            Asked::Answer(false, text) => {
                sys.eprint(&format!("{}{text}\n", if journal { "journalctl: " } else { "FATA[0000] " }));
                Step::Exit(1)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
