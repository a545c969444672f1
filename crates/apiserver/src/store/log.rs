//! The changes of one kind, in order, bounded in length.

use std::collections::VecDeque;
use std::sync::Arc;

use drydock_value::{Str, Time, Value};

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One write.
#[derive(Debug, Clone)]
pub struct Change {
    /// The store's revision that the write made.
    pub revision: u64,
    /// What happened.
    pub kind: ChangeKind,
    /// The object after the write; of a deletion its last state, with the deletion's resourceVersion.
    pub object: Value,
    /// The object before the write.
    pub old: Option<Value>,
    /// Whose write it was.
    pub by: Writer,
}

/// Who writes, how and when.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    /// The user's name.
    pub actor: Str,
    /// `create`, `update`, `delete`, or the subresource that was updated.
    pub verb: &'static str,
    /// The moment.
    pub at: Time,
}

/// Changes are kept in chunks of this many, so that a cloned log shares all but its last chunk.
const CHUNK: usize = 256;

/// The change log of one kind. A clone costs a pointer for every 256 changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    chunks: VecDeque<Arc<Vec<Change>>>,
    length: usize,
    /// The revision of the newest change that was let go; 0 while none was.
    forgotten: u64,
}

impl Log {
    /// Appends a change and lets go of the oldest chunk when more than `limit` changes are kept.
    pub(crate) fn push(&mut self, change: Change, limit: usize) {
        match self.chunks.back_mut() {
            Some(last) if last.len() < CHUNK => Arc::make_mut(last).push(change),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(change);
                self.chunks.push_back(Arc::new(chunk));
            }
        }
        self.length += 1;
        while self.length > limit.max(CHUNK) {
            let Some(oldest) = self.chunks.pop_front() else { break };
            self.length -= oldest.len();
            self.forgotten = oldest.last().map_or(self.forgotten, |change| change.revision);
        }
    }

    /// Lets go of everything up to `revision`: whoever reads on has to list again.
    pub(crate) fn forget(&mut self, revision: u64) {
        *self = Log { forgotten: revision, ..Log::default() };
    }

    /// Whether every change after `revision` is still there.
    pub(crate) fn reaches(&self, revision: u64) -> bool {
        revision >= self.forgotten
    }

    /// The revision from which on every change is there.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The changes after `revision`, in order. The start is found by bisection.
    pub(crate) fn since(&self, revision: u64) -> impl Iterator<Item = &Change> {
        let chunk = self.chunks.partition_point(|chunk| chunk.last().is_none_or(|last| last.revision <= revision));
        let skip = self.chunks.get(chunk).map_or(0, |chunk| chunk.partition_point(|c| c.revision <= revision));
        self.chunks.range(chunk..).flat_map(|chunk| chunk.iter()).skip(skip)
    }

    /// The newest change's revision; 0 when there is none.
    pub(crate) fn newest(&self) -> u64 {
        self.chunks.back().and_then(|chunk| chunk.last()).map_or(self.forgotten, |change| change.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest_and_knows_what_it_forgot() {
        let mut log = Log::default();
        for revision in 1..=1000 {
            log.push(
                Change { revision, kind: ChangeKind::Added, object: Value::Null, old: None, by: Writer::default() },
                512,
            );
        }
        assert!(!log.reaches(10));
        assert!(log.reaches(999));
        assert_eq!(log.newest(), 1000);
        for from in [600, 767, 768, 769, 1000] {
            let seen: Vec<u64> = log.since(from).map(|change| change.revision).collect();
            assert_eq!(seen, (from + 1..=1000).collect::<Vec<_>>());
        }
    }
}
