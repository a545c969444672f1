//! Snapshots of the cluster's storage, as `etcdctl snapshot` takes and restores them.
//!
//! A snapshot shares its objects with the cluster, so it is kept here; the file that is written holds what finds it
//! again. It can be copied and moved like any other file.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::Cluster;
use crate::store::{Kind, Snapshot};

use super::{Fault, Part};

/// Snapshots that are kept; the oldest is let go for one more.
const KEPT_MAX: usize = 16;
/// How a snapshot's file begins.
const HEAD: &str = "etcd snapshot";

/// The kept snapshots.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshots {
    /// What an empty cluster holds.
    empty: Option<Arc<Snapshot>>,
    kept: VecDeque<(u32, Arc<Snapshot>)>,
}

impl Snapshots {
    /// None yet.
    pub fn new(empty: Snapshot) -> Snapshots {
        Snapshots { empty: Some(Arc::new(empty)), kept: VecDeque::new() }
    }
}

/// What `etcdctl snapshot status` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// A checksum.
    pub hash: u32,
    /// The revision of the last write in it.
    pub revision: u64,
    /// How many objects.
    pub keys: usize,
    /// How many bytes they are as text.
    pub bytes: usize,
}

impl SnapshotInfo {
    /// Reads a snapshot's file.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(text: &str) -> Result<SnapshotInfo, String> {
        let mut words = text.strip_prefix(HEAD).unwrap_or("").split_whitespace();
        let mut number = |radix| words.next().and_then(|word| u64::from_str_radix(word, radix).ok());
        match (number(16), number(10), number(10), number(10)) {
            (Some(hash), Some(revision), Some(keys), Some(bytes)) => {
                Ok(SnapshotInfo { hash: hash as u32, revision, keys: keys as usize, bytes: bytes as usize })
            }
            _ => Err("snapshot file integrity check failed: it is not a snapshot".to_owned()),
        }
    }

    fn write(&self) -> String {
        format!("{HEAD} {:08x} {} {} {}\n", self.hash, self.revision, self.keys, self.bytes)
    }
}

impl Cluster {
    /// Takes a snapshot, and answers the file for it.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub fn save_snapshot(&mut self) -> Result<String, String> {
        if self.faults.storage_gone().is_some() || self.network.conditions.is_off(crate::NodeId(0)) {
            return Err("context deadline exceeded: dial tcp 127.0.0.1:2379: connect: connection refused".to_owned());
        }
        let snapshot = self.api.snapshot();
        let digest = snapshot.digest();
        let objects = Kind::all().flat_map(|kind| self.api.objects(kind, ""));
        let info = SnapshotInfo {
            hash: (digest ^ (digest >> 32)) as u32,
            revision: snapshot.revision(),
            keys: snapshot.objects(),
            bytes: objects.map(|object| object.to_string().len()).sum(),
        };
        let kept = &mut self.faults.snapshots.kept;
        kept.retain(|(hash, _)| *hash != info.hash);
        kept.push_back((info.hash, Arc::new(snapshot)));
        if kept.len() > KEPT_MAX {
            kept.pop_front();
        }
        Ok(info.write())
    }

    /// Puts back what a snapshot's file stands for. Storage that was lost or stopped runs again; everybody lists anew.
    ///
    /// # Errors
    /// When the file is no snapshot, or an old one that is not kept any more.
    pub fn restore_snapshot(&mut self, text: &str) -> Result<SnapshotInfo, String> {
        let info = SnapshotInfo::read(text)?;
        let kept = self.faults.snapshots.kept.iter().find(|(hash, _)| *hash == info.hash);
        let snapshot = kept.map(|(_, snapshot)| snapshot.clone());
        let snapshot = snapshot.ok_or_else(|| format!("only the last {KEPT_MAX} snapshots can be restored"))?;
        self.replace_storage(&snapshot);
        Ok(info)
    }

    /// Storage that begins with nothing.
    pub(super) fn empty_storage(&mut self) {
        if let Some(empty) = self.faults.snapshots.empty.clone() {
            self.replace_storage(&empty);
        }
    }

    fn replace_storage(&mut self, snapshot: &Snapshot) {
        // Everything that reads the storage starts again: it would otherwise go on with what it remembers.
        let stopped = Fault::Stopped(Part::Etcd);
        if !self.faults.has(&stopped) {
            self.faults.active.push((stopped.clone(), self.now()));
        }
        self.take_effect(None);
        self.api.restore(snapshot);
        self.faults.active.retain(|(fault, _)| *fault != stopped && *fault != Fault::StorageLost);
        self.take_effect(None);
    }
}
