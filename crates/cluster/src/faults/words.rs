//! How faults are written: `fault node minikube-m02 power-off`.

use std::fmt;
use std::time::Duration;

use super::{Fault, Part, Side};
use crate::Cluster;
use crate::objects::Key;

/// What `fault --help` prints.
pub const HELP: &str = "\
Lets something fail, and heals it. What follows is the cluster's own doing: watch it with kubectl.

Usage:
  fault node NODE power-off|power-on          the machine loses its power; it boots when it has power again
  fault node NODE stop-kubelet|start-kubelet  containers run on, nobody looks after them
  fault node NODE fill-disk|free-disk         the disk is full
  fault node NODE fill-memory|free-memory     something that is no pod takes the memory
  fault node NODE cut|join                    the node's network cable
  fault node NODE slow MILLISECONDS|fast      everything to and from the node takes longer
  fault pod POD [-n NAMESPACE] crash [-c CONTAINER]
  fault pod POD [-n NAMESPACE] cut|join|slow MILLISECONDS|fast
  fault link A B cut|join                     between two sides only; each is a node, or pod/POD
  fault registry stop|start                   where images come from
  fault scheduler|controller-manager|apiserver|etcd stop|start
  fault etcd lose                             its data is gone: `start` begins with an empty cluster, or restore a
                                              snapshot (etcdctl snapshot restore FILE)
  fault list                                  what holds now
  fault heal NUMBER|all                       ends it
";

const PARTS: [(&str, Part); 4] = [
    ("scheduler", Part::Scheduler),
    ("controller-manager", Part::ControllerManager),
    ("apiserver", Part::ApiServer),
    ("etcd", Part::Etcd),
];

/// A fault of a node by its name.
type OfNode = fn(String) -> Fault;

/// What is done to a node: the words that begin and end it.
const NODE: [(&str, &str, OfNode); 4] = [
    ("power-off", "power-on", Fault::PoweredOff),
    ("stop-kubelet", "start-kubelet", Fault::KubeletStopped),
    ("fill-disk", "free-disk", Fault::DiskFull),
    ("fill-memory", "free-memory", Fault::MemoryFull),
];

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Command {
    Begin(Fault),
    End(Fault),
    /// Ends whatever slows a side.
    Fast(Side),
    List,
    Heal(usize),
    HealAll,
    Help,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Side::Node(name) => f.write_str(name),
            Side::Pod(key) => write!(f, "pod/{}/{}", key.namespace, key.name),
        }
    }
}

/// A side as the subject of a command.
fn subject(side: &Side) -> String {
    match side {
        Side::Node(name) => format!("node {name}"),
        Side::Pod(key) => format!("pod {} -n {}", key.name, key.namespace),
    }
}

impl fmt::Display for Fault {
    /// The words that begin it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Crash(key, container) => {
                write!(f, "pod {} -n {} crash", key.name, key.namespace)?;
                container.as_ref().map_or(Ok(()), |name| write!(f, " -c {name}"))
            }
            Fault::PoweredOff(node) => write!(f, "node {node} power-off"),
            Fault::KubeletStopped(node) => write!(f, "node {node} stop-kubelet"),
            Fault::DiskFull(node) => write!(f, "node {node} fill-disk"),
            Fault::MemoryFull(node) => write!(f, "node {node} fill-memory"),
            Fault::Cut(side, None) => write!(f, "{} cut", subject(side)),
            Fault::Cut(one, Some(other)) => write!(f, "link {one} {other} cut"),
            Fault::Slow(side, wait) => write!(f, "{} slow {}", subject(side), wait.as_millis()),
            Fault::RegistryAway => f.write_str("registry stop"),
            Fault::StorageLost => f.write_str("etcd lose"),
            Fault::Stopped(part) => {
                let name = PARTS.iter().find(|(_, known)| known == part).map_or("", |(name, _)| name);
                write!(f, "{name} stop")
            }
        }
    }
}

/// A node, `pod/NAME` or `pod/NAMESPACE/NAME`.
fn side(word: &str) -> Side {
    match word.split('/').collect::<Vec<_>>().as_slice() {
        ["pod" | "pods" | "po", name] => Side::Pod(Key::new("default", *name)),
        ["pod" | "pods" | "po", namespace, name] => Side::Pod(Key::new(*namespace, *name)),
        _ => Side::Node(word.strip_prefix("node/").unwrap_or(word).to_owned()),
    }
}

/// What is done to the network of a side.
fn network(side: Side, words: &[&str]) -> Option<Command> {
    Some(match words {
        ["cut"] => Command::Begin(Fault::Cut(side, None)),
        ["join"] => Command::End(Fault::Cut(side, None)),
        ["slow", wait] => {
            let millis = wait.trim_end_matches("ms").parse().ok().filter(|millis| *millis <= 60_000)?;
            Command::Begin(Fault::Slow(side, Duration::from_millis(millis)))
        }
        ["fast"] => Command::Fast(side),
        _ => return None,
    })
}

fn parse(words: &[&str]) -> Option<Command> {
    let state = |fault: Fault, word: &str| match word {
        "stop" => Some(Command::Begin(fault)),
        "start" => Some(Command::End(fault)),
        _ => None,
    };
    match words {
        [] | ["help" | "--help" | "-h", ..] => Some(Command::Help),
        ["list"] => Some(Command::List),
        ["heal", "all"] => Some(Command::HealAll),
        ["heal", number] => number.parse().ok().map(Command::Heal),
        ["node", name, rest @ ..] => {
            let name = (*name).to_owned();
            for (begin, end, fault) in NODE {
                match rest {
                    [word] if *word == begin => return Some(Command::Begin(fault(name))),
                    [word] if *word == end => return Some(Command::End(fault(name))),
                    _ => {}
                }
            }
            network(Side::Node(name), rest)
        }
        ["pod", rest @ ..] => {
            let (mut plain, mut namespace, mut container) = (Vec::new(), "default", None);
            let mut words = rest.iter();
            while let Some(word) = words.next() {
                match *word {
                    "-n" | "--namespace" => namespace = words.next()?,
                    "-c" | "--container" => container = Some((*words.next()?).to_owned()),
                    word => plain.push(word),
                }
            }
            let (name, rest) = plain.split_first()?;
            let key = Key::new(namespace, *name);
            match rest {
                ["crash"] => Some(Command::Begin(Fault::Crash(key, container))),
                _ => network(Side::Pod(key), rest),
            }
        }
        ["link", one, other, word] => {
            let fault = Fault::Cut(side(one), Some(side(other)));
            match *word {
                "cut" => Some(Command::Begin(fault)),
                "join" => Some(Command::End(fault)),
                _ => None,
            }
        }
        ["registry", word] => state(Fault::RegistryAway, word),
        ["etcd", "lose"] => Some(Command::Begin(Fault::StorageLost)),
        [part, word] => {
            let (_, part) = PARTS.iter().find(|(name, _)| name == part)?;
            state(Fault::Stopped(*part), word)
        }
        _ => None,
    }
}

impl Cluster {
    /// Does what the words of a `fault` command say, and answers what it prints.
    ///
    /// # Errors
    /// Why not, for a person.
    pub fn fault_command(&mut self, words: &[&str]) -> Result<String, String> {
        let command = parse(words).ok_or_else(|| {
            format!("fault: I don't understand \"{}\"; `fault --help` shows what can fail", words.join(" "))
        })?;
        match command {
            Command::Help => return Ok(HELP.to_owned()),
            Command::List => return Ok(self.fault_list()),
            Command::Begin(fault) => self.fault(fault)?,
            // What is lost is started like what was stopped.
            Command::End(Fault::Stopped(Part::Etcd)) if self.faults.has(&Fault::StorageLost) => {
                self.heal(&Fault::StorageLost)?;
            }
            Command::End(fault) => self.heal(&fault)?,
            Command::Fast(side) => {
                let slow = self.faults.active().find(|(fault, _)| matches!(fault, Fault::Slow(of, _) if *of == side));
                let fault = slow.map(|(fault, _)| fault.clone()).ok_or("that side is not slow")?;
                self.heal(&fault)?;
            }
            Command::Heal(number) => {
                let found = number.checked_sub(1).and_then(|at| self.faults.active().nth(at));
                let fault = found.map(|(fault, _)| fault.clone());
                self.heal(&fault.ok_or_else(|| format!("there is no fault {number}; `fault list` shows them"))?)?;
            }
            Command::HealAll => {
                let all: Vec<Fault> = self.faults.active().map(|(fault, _)| fault.clone()).collect();
                for fault in all {
                    self.heal(&fault)?;
                }
            }
        }
        Ok(String::new())
    }

    fn fault_list(&self) -> String {
        if self.faults.active.is_empty() {
            return "Nothing fails.\n".to_owned();
        }
        let now = self.now();
        let row = |(at, (fault, since)): (usize, &(Fault, drydock_value::Time))| {
            format!("{:<3} {:<6} {fault}\n", at + 1, drydock_schema::duration::human(now.since(*since)))
        };
        format!("NR  SINCE  FAULT\n{}", self.faults.active.iter().enumerate().map(row).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_written_as_they_are_read() {
        for words in [
            "pod web-0 -n shop crash",
            "pod web-0 -n shop crash -c app",
            "node minikube power-off",
            "node minikube stop-kubelet",
            "node minikube fill-disk",
            "node minikube fill-memory",
            "node minikube cut",
            "node minikube slow 200",
            "pod web -n default cut",
            "link minikube minikube-m02 cut",
            "link pod/default/a pod/shop/b cut",
            "registry stop",
            "etcd lose",
            "etcd stop",
            "scheduler stop",
        ] {
            let split: Vec<&str> = words.split(' ').collect();
            match parse(&split) {
                Some(Command::Begin(fault)) => assert_eq!(fault.to_string(), words),
                other => panic!("{words}: {other:?}"),
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for words in
            ["node", "node a", "node a explode", "pod -n", "pod a", "etcd", "link a b", "heal x", "node a slow x"]
        {
            let split: Vec<&str> = words.split(' ').collect();
            assert_eq!(parse(&split), None, "{words}");
        }
    }
}
