//! Where objects live: one ordered map a kind, a revision that grows with every write, and the changes that led here.
//!
//! - [`Store`] knows no rules: it keeps what the verbs hand it, stamps `metadata.resourceVersion`, keeps the indices and
//!   the change logs, and enforces the limits.
//! - [`log`]: the bounded change log of a kind, which watches and informers read.
//! - [`index`]: from labels and a few fields to objects.
//! - [`share`]: equal parts of objects are kept once.
//!
//! A clone of a store costs a pointer a kind; the first write to a kind after that copies that kind's maps (not its
//! objects).

mod index;
mod log;
mod share;

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_api::Status;
use drydock_value::{Str, Time, Value};

pub(crate) use index::{Id, field_key, label_key};
pub(crate) use log::Log;
pub use log::{Change, ChangeKind, Writer};

use crate::config::Limits;
use crate::kinds::Kind;

/// What one kind holds.
#[derive(Debug, Clone, Default)]
struct Shelf {
    /// By namespace ("" for cluster-scoped kinds), then by name.
    objects: SortedMap<Str, SortedMap<Str, Value>>,
    count: usize,
    index: index::Index,
    log: Log,
}

/// All objects.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    shelves: Vec<Arc<Shelf>>,
    revision: u64,
    count: usize,
    limits: Limits,
    digest: u64,
    shared: share::Shared,
    /// Whose the writes are that come now.
    writer: Writer,
}

impl Store {
    pub(crate) fn new(limits: Limits) -> Store {
        Store {
            shelves: Kind::all().map(|_| Arc::default()).collect(),
            revision: 0,
            count: 0,
            limits,
            digest: 0xcbf2_9ce4_8422_2325,
            shared: share::Shared::default(),
            writer: Writer::default(),
        }
    }

    /// Notes whose the writes are that come now.
    pub(crate) fn written_by(&mut self, actor: &str, verb: &'static str, at: Time) {
        if *self.writer.actor != *actor {
            self.writer.actor = actor.into();
        }
        (self.writer.verb, self.writer.at) = (verb, at);
    }

    /// The revision of the last write.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// FNV-1a over every write: revision, what happened, and whose object it was.
    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    /// How many objects there are in all.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// How many objects a kind has.
    pub(crate) fn count_of(&self, kind: Kind) -> usize {
        self.shelf(kind).count
    }

    /// How many objects of a kind a namespace has.
    pub(crate) fn count_in(&self, kind: Kind, namespace: &str) -> usize {
        self.shelf(kind).objects.get(namespace).map_or(0, SortedMap::len)
    }

    fn shelf(&self, kind: Kind) -> &Shelf {
        static NONE: std::sync::OnceLock<Shelf> = std::sync::OnceLock::new();
        // A custom kind has a shelf from its first object on.
        self.shelves.get(kind.index()).map_or_else(|| NONE.get_or_init(Shelf::default), Arc::as_ref)
    }

    /// One object.
    pub(crate) fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Value> {
        self.shelf(kind).objects.get(namespace)?.get(name)
    }

    /// The objects of a namespace, by name; `after` (exclusive) starts in the middle.
    pub(crate) fn in_namespace<'a>(
        &'a self,
        kind: Kind,
        namespace: &str,
        after: Option<&str>,
    ) -> impl Iterator<Item = &'a Value> + use<'a> {
        use std::ops::Bound;
        let start = after.map_or(Bound::Unbounded, |name| Bound::Excluded(Str::from(name)));
        self.shelf(kind)
            .objects
            .get(namespace)
            .into_iter()
            .flat_map(move |names| names.range((start.clone(), Bound::Unbounded)).map(|(_, object)| object))
    }

    /// The namespaces that hold objects of a kind, in the order of the real storage: its keys end a namespace with a
    /// slash, so `team-a` comes before `team`.
    pub(crate) fn namespaces_of(&self, kind: Kind) -> Vec<&Str> {
        let mut namespaces: Vec<&Str> = self.shelf(kind).objects.keys().collect();
        namespaces.sort_compact_by(|a, b| a.bytes().chain([b'/']).cmp(b.bytes().chain([b'/'])));
        namespaces
    }

    /// Every object of a kind, in storage order.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        let shelf = self.shelf(kind);
        self.namespaces_of(kind).into_iter().filter_map(|ns| shelf.objects.get(ns.as_str())).flat_map(|n| n.values())
    }

    /// The ids that an index entry holds; None when there are none.
    pub(crate) fn indexed(&self, kind: Kind, key: &str) -> Option<&drydock_sorted::SortedSet<Id>> {
        self.shelf(kind).index.get(key)
    }

    /// Puts an object and answers it as stored, with its new resourceVersion. The key is the object's own metadata.
    pub(crate) fn put(&mut self, kind: Kind, mut object: Value) -> Result<Value, Status> {
        let metadata = &object["metadata"];
        let (namespace, name) = (as_str(&metadata["namespace"]), as_str(&metadata["name"]));
        let old = self.get(kind, &namespace, &name).cloned();
        if old.is_none() && self.count >= self.limits.objects {
            return Err(Status::too_large(format!(
                "the simulated cluster holds {} objects, which is its limit: delete some first",
                self.count
            )));
        }
        self.revision += 1;
        object["metadata"].set("resourceVersion", self.revision.to_string());
        let object = if share::worth(kind) { self.shared.share(object, old.as_ref()) } else { object };
        let what = if old.is_some() { ChangeKind::Modified } else { ChangeKind::Added };
        self.note(kind, what, &namespace, &name);
        let revision = self.revision;
        let limit = self.limits.history;
        let shelf = shelf_mut(&mut self.shelves, kind);
        let id: Id = (namespace, name);
        shelf.index.change(kind, &id, old.as_ref(), Some(&object));
        if old.is_none() {
            shelf.count += 1;
            self.count += 1;
        }
        shelf.objects.entry(id.0).or_default().insert(id.1, object.clone());
        shelf.log.push(Change { revision, kind: what, object: object.clone(), old, by: self.writer.clone() }, limit);
        Ok(object)
    }

    /// Takes an object away and answers its last state, with the deletion's resourceVersion.
    pub(crate) fn remove(&mut self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        let limit = self.limits.history;
        self.get(kind, namespace, name)?;
        let shelf = shelf_mut(&mut self.shelves, kind);
        let names = shelf.objects.get_mut(namespace)?;
        let (name, old) = names.remove_entry(name)?;
        if names.is_empty() {
            shelf.objects.remove(namespace);
        }
        shelf.count -= 1;
        self.count -= 1;
        self.revision += 1;
        let revision = self.revision;
        let mut last = old.clone();
        last["metadata"].set("resourceVersion", revision.to_string());
        let id: Id = (as_str(&old["metadata"]["namespace"]), name);
        shelf.index.change(kind, &id, Some(&old), None);
        let by = self.writer.clone();
        shelf.log.push(Change { revision, kind: ChangeKind::Deleted, object: last.clone(), old: Some(old), by }, limit);
        self.note(kind, ChangeKind::Deleted, &id.0, &id.1);
        Some(last)
    }

    /// The changes of a kind after a revision; None when some of them are forgotten.
    pub(crate) fn changes_since(&self, kind: Kind, revision: u64) -> Option<impl Iterator<Item = &Change>> {
        let log = &self.shelf(kind).log;
        log.reaches(revision).then(|| log.since(revision))
    }

    /// Every change of a kind that is remembered, in order.
    pub(crate) fn kept_changes(&self, kind: Kind) -> impl Iterator<Item = &Change> {
        self.shelf(kind).log.since(0)
    }

    /// The revision of the newest change of a kind that was let go; 0 while none was.
    pub(crate) fn forgotten(&self, kind: Kind) -> u64 {
        self.shelf(kind).log.forgotten()
    }

    /// The revision of a kind's newest change.
    pub(crate) fn newest_change(&self, kind: Kind) -> u64 {
        self.shelf(kind).log.newest()
    }

    /// Puts back an earlier state. The revision goes on from where it is, and all that was read has to be listed again.
    pub(crate) fn restore(&mut self, earlier: &Store) {
        let revision = self.revision.max(earlier.revision) + 1;
        let (digest, kinds) = (self.digest, self.shelves.len().max(earlier.shelves.len()));
        *self = earlier.clone();
        (self.revision, self.digest) = (revision, digest);
        self.shelves.resize(kinds, Arc::default());
        for shelf in &mut self.shelves {
            Arc::make_mut(shelf).log.forget(revision);
        }
    }

    fn note(&mut self, kind: Kind, what: ChangeKind, namespace: &str, name: &str) {
        let mut digest = self.digest;
        let mut eat = |bytes: &[u8]| {
            for byte in bytes {
                digest = (digest ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
            }
        };
        eat(&self.revision.to_le_bytes());
        eat(&[kind.index() as u8, what as u8]);
        eat(namespace.as_bytes());
        eat(b"/");
        eat(name.as_bytes());
        self.digest = digest;
    }
}

fn shelf_mut(shelves: &mut Vec<Arc<Shelf>>, kind: Kind) -> &mut Shelf {
    while shelves.len() <= kind.index() {
        shelves.push(Arc::default());
    }
    Arc::make_mut(&mut shelves[kind.index()])
}

/// A value's shared string; empty when it is none.
fn as_str(value: &Value) -> Str {
    match value {
        Value::String(text) => text.clone(),
        _ => Str::default(),
    }
}
