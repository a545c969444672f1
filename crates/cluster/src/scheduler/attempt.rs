//! What became of an attempt, node by node: for the message, and for whoever asks later why a pod is where it is.

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;

use drydock_value::{Str, Time};

use super::filters::Refusal;
use super::scores::{PLUGINS, Scores, total};

/// What one node was found to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It cannot take the pod.
    Refused(Refusal),
    /// It can; these are its scores by plugin, in the order of [`PLUGINS`].
    Scored(Scores),
}

/// One attempt to find a node for a pod.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// When.
    pub at: Time,
    /// The pod's attempts so far, this one included.
    pub number: u32,
    /// What was found of the nodes; not of all of them where there are very many.
    pub nodes: Vec<(Str, Verdict)>,
    /// The node chosen; None when there was none.
    pub chosen: Option<Str>,
    /// The message, when none was found.
    pub message: String,
}

/// How many nodes' verdicts an attempt keeps.
pub(super) const MOST_NODES: usize = 64;
/// How many attempts are kept.
const MOST_ATTEMPTS: usize = 512;

/// The latest attempt of every pod, as far back as there is room.
#[derive(Debug, Clone, Default)]
pub struct Attempts {
    by_pod: SortedMap<Str, (u64, Attempt)>,
    order: SortedMap<u64, Str>,
    clock: u64,
}

impl Attempts {
    /// Keeps an attempt for a pod, by its UID.
    pub fn keep(&mut self, uid: &Str, mut attempt: Attempt) {
        attempt.nodes.truncate(MOST_NODES);
        self.clock += 1;
        if let Some((old, _)) = self.by_pod.insert(uid.clone(), (self.clock, attempt)) {
            self.order.remove(&old);
        }
        self.order.insert(self.clock, uid.clone());
        if self.order.len() > MOST_ATTEMPTS
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.by_pod.remove(&oldest);
        }
    }

    /// The latest attempt for a pod, by its UID.
    pub fn get(&self, uid: &str) -> Option<&Attempt> {
        self.by_pod.get(uid).map(|(_, attempt)| attempt)
    }
}

impl Attempt {
    /// The nodes' total scores, best first.
    pub fn ranking(&self) -> Vec<(&Str, i64)> {
        let mut ranking: Vec<(&Str, i64)> = self
            .nodes
            .iter()
            .filter_map(|(name, verdict)| match verdict {
                Verdict::Scored(scores) => Some((name, total(scores))),
                Verdict::Refused(_) => None,
            })
            .collect();
        ranking.sort_compact_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        ranking
    }

    /// The names of the plugins that a node's scores stand for.
    pub fn plugins() -> impl Iterator<Item = &'static str> {
        PLUGINS.iter().map(|(name, _)| *name)
    }
}

/// The sentence of a FitError: how many nodes, and how often each reason.
pub fn sentence<'r>(nodes: usize, reasons: impl Iterator<Item = &'r str>) -> String {
    let mut counts: SortedMap<&str, usize> = SortedMap::new();
    for reason in reasons {
        *counts.entry(reason).or_default() += 1;
    }
    let mut texts: Vec<String> = counts.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    texts.sort_compact();
    let mut text = format!("0/{nodes} nodes are available:");
    if !texts.is_empty() {
        text.push(' ');
        text.push_str(&texts.join(", "));
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_and_sorted() {
        let reasons = ["Insufficient memory", "Insufficient cpu", "Insufficient cpu"];
        assert_eq!(
            sentence(2, reasons.into_iter()),
            "0/2 nodes are available: 1 Insufficient memory, 2 Insufficient cpu."
        );
    }

    #[test]
    fn old_attempts_make_room() {
        let mut attempts = Attempts::default();
        for number in 0..600u32 {
            let attempt = Attempt { at: Time(0), number, nodes: Vec::new(), chosen: None, message: String::new() };
            attempts.keep(&number.to_string().into(), attempt);
        }
        assert!(attempts.get("0").is_none());
        assert_eq!(attempts.get("599").map(|attempt| attempt.number), Some(599));
    }
}
