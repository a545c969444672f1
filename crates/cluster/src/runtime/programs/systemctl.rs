//! `systemctl` and `sudo`, as far as a node's shell needs them: the units are the kubelet and the runtime.

use drydock_shell::{Program, Spawn, Step, Sys};

use super::node::{Ask, Asked};

/// Units with their descriptions.
const UNITS: [(&str, &str); 2] =
    [("kubelet", "kubelet: The Kubernetes Node Agent"), ("containerd", "containerd container runtime")];

/// `systemctl`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Systemctl {
    ask: Ask,
}

impl Program for Systemctl {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let args: Vec<String> = sys.args().iter().skip(1).filter(|word| !word.starts_with('-')).cloned().collect();
        let (verb, unit) = match args.as_slice() {
            [verb] if verb == "daemon-reload" => return Step::Exit(0),
            [verb, unit] => (verb.as_str(), unit.trim_end_matches(".service")),
            _ => {
                sys.eprint("Usage: systemctl start|stop|restart|status|is-active UNIT\n");
                return Step::Exit(1);
            }
        };
        let Some((unit, about)) = UNITS.iter().find(|(known, _)| *known == unit) else {
            let (text, code) = match verb {
                "status" | "is-active" => (format!("Unit {unit}.service could not be found.\n"), 4),
                _ => (format!("Failed to {verb} {unit}.service: Unit {unit}.service not found.\n"), 5),
            };
            sys.eprint(&text);
            return Step::Exit(code);
        };
        let ask = |sys: &mut Sys<'_>, verb: &str| sys.host().control(&["kubelet".to_owned(), verb.to_owned()]);
        let active = *unit != "kubelet" || ask(sys, "state").is_ok_and(|state| state == "active");
        match verb {
            "status" => {
                let (dot, state) = if active { ("●", "active (running)") } else { ("○", "inactive (dead)") };
                let (since, log) = match (*unit == "kubelet").then(|| self.ask.step(&["status"], sys)) {
                    Some(Asked::Waits(step)) => return step,
                    Some(Asked::Answer(true, text)) => {
                        let (since, log) = text.split_once('\n').unwrap_or((&text, ""));
                        (format!(" since {since}"), format!("\n{log}"))
                    }
                    _ => (String::new(), String::new()),
                };
                sys.print(&format!(
                    "{dot} {unit}.service - {about}\n     Loaded: loaded (/lib/systemd/system/{unit}.service; enabled)\n     \
                     Active: {state}{since}\n{log}"
                ));
                Step::Exit(if active { 0 } else { 3 })
            }
            "is-active" => {
                sys.print(if active { "active\n" } else { "inactive\n" });
                Step::Exit(if active { 0 } else { 3 })
            }
            "enable" | "disable" => Step::Exit(0),
            "start" | "stop" | "restart" if *unit == "kubelet" => {
                let steps: &[&str] = match verb {
                    "start" if !active => &["start"],
                    "stop" if active => &["stop"],
                    "restart" if active => &["stop", "start"],
                    "restart" => &["start"],
                    _ => &[],
                };
                let failed = steps.iter().find_map(|step| ask(sys, step).err());
                failed.map_or(Step::Exit(0), |why| {
                    sys.eprint(&format!("{why}\n"));
                    Step::Exit(1)
                })
            }
            "start" => Step::Exit(0),
            _ => {
                sys.eprint(&format!("Failed to {verb} {unit}.service: Operation refused.\n"));
                Step::Exit(4)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(*self)
    }
}

/// `sudo`: everybody on a node is root already.
#[derive(Debug, Clone, Copy)]
pub struct Sudo;

impl Program for Sudo {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let words: Vec<String> = sys.args().iter().skip(1).skip_while(|word| word.starts_with('-')).cloned().collect();
        let Some(name) = words.first().cloned() else {
            sys.eprint("usage: sudo command [arguments]\n");
            return Step::Exit(1);
        };
        match sys.exec(Spawn::new(words)) {
            Ok(()) => Step::Continue,
            Err(_) => {
                sys.eprint(&format!("sudo: {name}: command not found\n"));
                Step::Exit(1)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(*self)
    }
}
