//! Interpreters and compilers whose languages are not simulated: they tell their version, and end at once where nobody types.

use drydock_shell::{Program, Step, Sys};

/// One of them.
#[derive(Debug, Clone)]
pub struct Interpreter;

impl Program for Interpreter {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let args = sys.args();
        let name = args.first().map(|word| word.rsplit('/').next().unwrap_or(word).to_owned()).unwrap_or_default();
        let version = sys.env("TOOL_VERSION").unwrap_or_default();
        match args.get(1).map(String::as_str) {
            // What is typed ends at once.
            None => Step::Exit(0),
            Some("-v" | "-V" | "--version" | "-version" | "version") => {
                let text = match name.as_str() {
                    "node" => format!("v{version}\n"),
                    "go" => format!("go version go{version} linux/amd64\n"),
                    "java" => format!("openjdk {version}\n"),
                    _ => format!("{name} {version}\n"),
                };
                sys.print(&text);
                Step::Exit(0)
            }
            Some(_) => {
                sys.eprint(&format!("{name}: this program is not simulated\n"));
                Step::Exit(126)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
