//! What the kubelet has done, as its log on the machine tells it: `journalctl -u kubelet`.

use std::collections::VecDeque;

use drydock_value::{Str, Time};

use super::Kubelet;
use super::worker::Worker;
use crate::ctx::Ctx;
use crate::events::Reference;
use crate::objects::Key;

/// No more entries are kept.
const KEPT: usize = 400;

/// Something that was done. Words are put to it only when somebody reads them.
#[derive(Debug, Clone)]
enum Entry {
    /// The unit was started, or stopped.
    Unit(bool),
    /// A loop of the kubelet heard of a pod: `ADD`, `DELETE`, `REMOVE`.
    Heard(&'static str, Key),
    /// A container started, or ended: pod, its UID, the container's ID's seed, whether it started.
    Container(Key, Str, Str, bool),
    /// A container is being ended.
    Killing(Key, Str, Str),
    /// A warning about a pod: reason and message.
    Warning(Key, Str, Str, Str),
    /// Something about the node.
    Node(Str),
}

/// The log.
#[derive(Debug, Clone, Default)]
pub(super) struct Journal(VecDeque<(Time, Entry)>);

impl Journal {
    fn add(&mut self, now: Time, entry: Entry) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((now, entry));
    }

    /// When the kubelet was last started or stopped.
    pub(super) fn since(&self) -> Option<Time> {
        self.0.iter().rev().find(|(_, entry)| matches!(entry, Entry::Unit(_))).map(|(at, _)| *at)
    }

    /// Its lines from a moment on.
    pub(super) fn lines(&self, node: &str, version: &str, from: Time) -> Vec<String> {
        let mut lines = Vec::new();
        for (at, entry) in self.0.iter().filter(|(at, _)| *at >= from) {
            let (_, month, day, hour, minute, second) = at.civil();
            let date = format!("{} {day:02} {hour:02}:{minute:02}:{second:02} {node}", month_name(month));
            let stamp = format!("{month:02}{day:02} {hour:02}:{minute:02}:{second:02}.{:06}    1422", at.0 % 1_000_000);
            let mut say = |who: &str, text: String| lines.push(format!("{date} {who}: {text}"));
            let mut unit = |texts: &[&str]| {
                for text in texts {
                    say("systemd[1]", (*text).to_owned());
                }
            };
            match entry {
                Entry::Unit(true) => {
                    unit(&["Started kubelet.service - kubelet: The Kubernetes Node Agent."]);
                    say(
                        "kubelet[1422]",
                        format!("I{stamp} server.go:525] \"Kubelet version\" kubeletVersion=\"{version}\""),
                    );
                }
                Entry::Unit(false) => unit(&[
                    "Stopping kubelet.service - kubelet: The Kubernetes Node Agent...",
                    "kubelet.service: Deactivated successfully.",
                    "Stopped kubelet.service - kubelet: The Kubernetes Node Agent.",
                ]),
                Entry::Heard(what, pod) => say(
                    "kubelet[1422]",
                    format!("I{stamp} kubelet.go:2537] \"SyncLoop {what}\" source=\"api\" pods=[\"{pod}\"]"),
                ),
                Entry::Container(pod, uid, id, began) => {
                    let what = if *began { "ContainerStarted" } else { "ContainerDied" };
                    say(
                        "kubelet[1422]",
                        format!(
                            "I{stamp} kubelet.go:2569] \"SyncLoop (PLEG): event for pod\" pod=\"{pod}\" \
                             event={{\"ID\":\"{uid}\",\"Type\":\"{what}\",\"Data\":\"{id}\"}}"
                        ),
                    );
                }
                Entry::Killing(pod, uid, message) => say(
                    "kubelet[1422]",
                    format!(
                        "I{stamp} kuberuntime_container.go:864] \"Killing container with a grace period\" pod=\"{pod}\" \
                         podUID=\"{uid}\" message={message:?}"
                    ),
                ),
                Entry::Warning(pod, uid, reason, message) => say(
                    "kubelet[1422]",
                    format!(
                        "E{stamp} pod_workers.go:1324] \"Error syncing pod, skipping\" err=\"{reason}: {}\" pod=\"{pod}\" \
                         podUID=\"{uid}\"",
                        message.replace('"', "\\\"")
                    ),
                ),
                Entry::Node(text) => {
                    say("kubelet[1422]", format!("I{stamp} kubelet_node_status.go:736] \"{text}\" node=\"{node}\""));
                }
            }
        }
        lines
    }
}

fn month_name(month: u32) -> &'static str {
    const NAMES: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    NAMES.get((month as usize).wrapping_sub(1)).copied().unwrap_or("Jan")
}

impl Kubelet {
    /// Notes that the kubelet was started, or stopped.
    pub(super) fn note_unit(&mut self, runs: bool, now: Time) {
        self.journal.add(now, Entry::Unit(runs));
    }

    /// Notes what it heard of a pod.
    pub(super) fn note_heard(&mut self, what: &'static str, key: &Key, now: Time) {
        self.journal.add(now, Entry::Heard(what, key.clone()));
    }

    /// Notes the end of a container.
    pub(super) fn note_end(&mut self, number: u64, now: Time) {
        let Some(container) = self.runtime.container(number) else { return };
        let Some(worker) = self.workers.get(&container.pod) else { return };
        let id = container.id().into();
        self.journal.add(now, Entry::Container(worker.pod.key.clone(), worker.pod.uid.clone(), id, false));
    }

    /// Notes something about the node.
    pub(super) fn note_node(&mut self, text: &str, now: Time) {
        self.journal.add(now, Entry::Node(text.into()));
    }

    /// Records an event about a pod.
    pub(super) fn pod_event(&mut self, worker: &Worker, kind: &str, reason: &str, message: &str, ctx: &mut Ctx<'_>) {
        self.note_event(worker, None, kind, reason, message, ctx.now);
        ctx.event(&self.source, &about(worker), kind, reason, message);
    }

    /// Records an event about a container.
    pub(super) fn container_event(
        &mut self,
        worker: &Worker,
        slot: usize,
        kind: &str,
        reason: &str,
        message: &str,
        ctx: &mut Ctx<'_>,
    ) {
        self.note_event(worker, Some(slot), kind, reason, message, ctx.now);
        let about = about(worker).field(worker.field_path(slot));
        ctx.event(&self.source, &about, kind, reason, message);
    }

    fn note_event(&mut self, worker: &Worker, slot: Option<usize>, kind: &str, reason: &str, message: &str, now: Time) {
        let (pod, uid) = (worker.pod.key.clone(), worker.pod.uid.clone());
        let entry = match (kind, reason) {
            ("Warning", _) => Entry::Warning(pod, uid, reason.into(), message.into()),
            (_, "Started") => {
                let number = slot.and_then(|slot| worker.slots.get(slot)).and_then(|slot| slot.current);
                let container = number.and_then(|number| self.runtime.container(number));
                let Some(container) = container else { return };
                Entry::Container(pod, uid, container.id().into(), true)
            }
            (_, "Killing") => Entry::Killing(pod, uid, message.into()),
            _ => return,
        };
        self.journal.add(now, entry);
    }
}

fn about(worker: &Worker) -> Reference {
    let mut about = Reference::of(&worker.pod.value);
    (about.api_version, about.kind) = ("v1".into(), "Pod".into());
    about
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_tells_what_was_done_and_keeps_so_much() {
        let mut journal = Journal::default();
        let at = Time::from_seconds(1_795_359_409);
        journal.add(at, Entry::Heard("ADD", Key::new("default", "a")));
        journal.add(at, Entry::Unit(false));
        let lines = journal.lines("n", "v1", Time::default());
        let heard = "Nov 22 14:56:49 n kubelet[1422]: I1122 14:56:49.000000    1422 kubelet.go:2537] \"SyncLoop ADD\" \
                     source=\"api\" pods=[\"default/a\"]";
        assert_eq!(lines[0], heard);
        assert_eq!((lines.len(), journal.since()), (4, Some(at)));
        for _ in 0..2 * KEPT {
            journal.add(at, Entry::Node("x".into()));
        }
        assert_eq!(journal.0.len(), KEPT);
    }
}
