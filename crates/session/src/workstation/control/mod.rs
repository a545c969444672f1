//! The commands that act on the simulation itself, and that no real machine has: `fault`, `clock`, `story`, `why`. And
//! `etcdctl`, as far as it takes and restores snapshots.
//!
//! What they do to the cluster they do through [`Host::control`](drydock_shell::Host::control), which ends in [`run`].

mod clock;
mod etcd;
mod story;
mod why;

use drydock_cluster::Cluster;
use drydock_shell::{Pid, Program, Spawn, Step, Sys, Wait};
use drydock_value::Time;

use super::host::Surroundings;
pub(crate) use story::row as difference_row;

/// The commands.
pub(super) const NAMES: [&str; 6] = ["fault", "clock", "story", "why", "etcdctl", "etcdutl"];

/// Words of a command line.
type Words<'a> = [&'a str];

/// Does what the words say.
pub(super) fn run(words: &Words<'_>, cluster: &mut Cluster, around: &mut Surroundings) -> Result<String, String> {
    let Some((name, rest)) = words.split_first() else { return Ok(String::new()) };
    match *name {
        "fault" => cluster.fault_command(rest),
        "story" => story::run(rest, cluster),
        "why" => why::run(rest, cluster),
        "clock" => clock::run(rest, cluster, around),
        "etcdctl" | "etcdutl" => etcd::run(rest, cluster),
        "ssh" => match rest {
            [node, how, argv @ ..] => {
                let argv = argv.iter().map(|word| (*word).to_owned()).collect();
                cluster.login(node, *how == "tty", argv).map(|stream| stream.0.to_string())
            }
            _ => Err("ssh: no node".into()),
        },
        "machines" => Ok(machines(cluster)),
        name => Err(format!("{name}: no such command")),
    }
}

/// How the API server and the nodes' machines are, one a line, for `minikube`.
fn machines(cluster: &Cluster) -> String {
    let state = |good: bool| if good { "Running" } else { "Stopped" };
    let api = match cluster.api_answers() {
        Ok(()) => "Running",
        Err(status) if status.code == 0 => "Stopped",
        Err(_) => "Error",
    };
    let row =
        |m: drydock_cluster::Machine| format!("{} {} {} {}\n", m.name, m.ip, state(m.up), state(m.up && m.kubelet));
    let rows: String = cluster.machines().into_iter().map(row).collect();
    format!("{api}\n{rows}")
}

/// One of the commands, running.
#[derive(Debug, Clone, Default)]
pub(super) enum Control {
    /// Not begun.
    #[default]
    Start,
    /// Lets time pass until a moment, or, without one, until something is written after a revision; then tells what was.
    Passing { until: Option<Time>, revision: u64, give_up: Time },
    /// Waits for another program while time leaps.
    Waiting(Pid),
}

impl Control {
    fn ask(sys: &mut Sys<'_>, words: &Words<'_>) -> Result<String, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        sys.host().control(&words)
    }

    fn number(sys: &mut Sys<'_>, what: &str) -> u64 {
        Self::ask(sys, &["clock", what]).ok().and_then(|text| text.trim().parse().ok()).unwrap_or_default()
    }

    /// Asks whoever drives the session to let time go on to a moment at once.
    fn leap(sys: &mut Sys<'_>, to: Time) -> Step {
        let _ = Self::ask(sys, &["clock", "@leap", &to.0.to_string()]);
        Wait::until(to).into()
    }

    fn done(sys: &mut Sys<'_>, result: Result<String, String>) -> Step {
        match result {
            Ok(text) => {
                sys.print(&text);
                Step::Exit(0)
            }
            Err(text) => {
                sys.eprint(&format!("{}\n", text.trim_end()));
                Step::Exit(1)
            }
        }
    }

    fn start(&mut self, sys: &mut Sys<'_>) -> Step {
        let args = sys.args();
        let mut words: Vec<&str> = args.iter().map(String::as_str).collect();
        if let Some(first) = words.first_mut() {
            *first = first.rsplit('/').next().unwrap_or(first);
        }
        match words.as_slice() {
            ["clock", "step", rest @ ..] => {
                let until = match rest {
                    [] => None,
                    [duration] => match clock::duration(duration) {
                        Ok(duration) => Some(sys.now() + duration),
                        Err(why) => return Self::done(sys, Err(why)),
                    },
                    _ => return Self::done(sys, Err("clock step takes one duration, such as 30s".into())),
                };
                let revision = Self::number(sys, "@revision");
                *self = Control::Passing { until, revision, give_up: sys.now() + clock::STEP_MAX };
                Step::Continue
            }
            ["clock", "until", rest @ ..] if !rest.is_empty() => {
                let child = Spawn::new(["kubectl", "wait"].iter().chain(rest).copied());
                match sys.spawn(child) {
                    Ok(child) => {
                        *self = Control::Waiting(child);
                        Step::Continue
                    }
                    Err(error) => Self::done(sys, Err(format!("clock: kubectl: {}", error.message()))),
                }
            }
            ["etcdctl" | "etcdutl", rest @ ..] => {
                let result = etcd::start(rest, sys);
                Self::done(sys, result)
            }
            words => {
                let result = Self::ask(sys, words);
                Self::done(sys, result)
            }
        }
    }
}

impl Program for Control {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        match self {
            Control::Start => self.start(sys),
            Control::Waiting(child) => match sys.wait(*child) {
                Some(code) => Step::Exit(code),
                None => {
                    let to = sys.now() + clock::LEAP;
                    let _ = Self::ask(sys, &["clock", "@leap", &to.0.to_string()]);
                    Wait { until: Some(to), child: true, ..Wait::default() }.into()
                }
            },
            Control::Passing { until, revision, give_up } => {
                let (until, revision, give_up) = (*until, *revision, *give_up);
                let written = Self::number(sys, "@revision") > revision;
                let over = match until {
                    Some(until) => until <= sys.now(),
                    None => written || give_up <= sys.now(),
                };
                if !over {
                    let next = Time(Self::number(sys, "@next")).max(Time(sys.now().0 + 1));
                    return Self::leap(sys, until.unwrap_or(next.min(give_up)));
                }
                let told = Self::ask(sys, &["story", "--after", &revision.to_string()]);
                Self::done(sys, told)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
