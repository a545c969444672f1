//! What components know of the cluster: one shared cache a kind, fed by the API server's change feed, with indices.
//!
//! - [`Informers`]: the caches. Components read them freely; they lag behind the API server by the watch's latency, as
//!   in a real cluster, so whoever writes must not expect to read its own writes at once.
//! - [`Change`]: one change as components hear of it, with the object before and after.
//!
//! Objects come in by [`Informers::pull`] only. Events are not cached: nobody acts on them.

mod index;

use drydock_sorted::SortedMap;
use std::sync::Arc;

use crate::store::{Kind, kinds};
use drydock_value::{Str, Value};

use crate::objects::{Key, Object};
use crate::store::{ApiServer, ChangeKind};
use index::Index;

/// One change of one object. At least one of `old` and `new` is there.
#[derive(Debug, Clone)]
pub struct Change {
    /// Of which kind.
    pub kind: Kind,
    /// Before; None when it was created, or became visible.
    pub old: Option<Arc<Object>>,
    /// After; None when it is gone.
    pub new: Option<Arc<Object>>,
}

impl Change {
    /// The object after the change, or, when it is gone, before.
    pub fn object(&self) -> &Arc<Object> {
        match (&self.new, &self.old) {
            (Some(object), _) | (None, Some(object)) => object,
            (None, None) => unreachable!("a change has an object"),
        }
    }

    /// Where the object is.
    pub fn key(&self) -> &Key {
        &self.object().key
    }

    /// Whether what lies at a path differs before and after.
    pub fn differs(&self, path: &[&str]) -> bool {
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => {
                let (old, new) = (old.value.at(path), new.value.at(path));
                !old.ptr_eq(new) && old != new
            }
            _ => true,
        }
    }
}

/// The caches of all kinds.
#[derive(Debug, Clone)]
pub struct Informers {
    shelves: Vec<Arc<SortedMap<Key, Arc<Object>>>>,
    seen: Vec<u64>,
    /// The kinds that CRDs define, as they were when last looked at.
    customs: Vec<Kind>,
    revision: u64,
    index: Index,
}

impl Default for Informers {
    fn default() -> Informers {
        Informers {
            shelves: Kind::all().map(|_| Arc::default()).collect(),
            seen: vec![0; Kind::all().count()],
            customs: Vec::new(),
            revision: 0,
            index: Index::default(),
        }
    }
}

impl Informers {
    /// The API server's revision up to which everything is known.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// One object.
    pub fn get(&self, kind: Kind, key: &Key) -> Option<&Arc<Object>> {
        self.shelves.get(kind.index())?.get(key)
    }

    /// One object by namespace and name.
    pub fn find(&self, kind: Kind, namespace: impl Into<Str>, name: impl Into<Str>) -> Option<&Arc<Object>> {
        self.get(kind, &Key::new(namespace, name))
    }

    /// Every object of a kind, by namespace and name.
    pub fn all(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        self.shelves.get(kind.index()).into_iter().flat_map(|shelf| shelf.values())
    }

    /// How many objects of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.shelves.get(kind.index()).map_or(0, |shelf| shelf.len())
    }

    /// The objects of a kind in a namespace, by name.
    pub fn in_namespace<'a>(&'a self, kind: Kind, namespace: &Str) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        let start = Key { namespace: namespace.clone(), name: Str::default() };
        let namespace = namespace.clone();
        self.shelves
            .get(kind.index())
            .into_iter()
            .flat_map(move |shelf| shelf.range(start.clone()..))
            .take_while(move |(key, _)| key.namespace == namespace)
            .map(|(_, object)| object)
    }

    /// The objects of a kind that name `uid` among their owners.
    pub fn owned<'a>(&'a self, kind: Kind, uid: &str) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        self.index.owned(uid).filter(move |(of, _)| *of == kind).map(|(_, object)| object)
    }

    /// The objects of any kind that name `uid` among their owners.
    pub fn dependents<'a>(&'a self, uid: &str) -> impl Iterator<Item = (Kind, &'a Arc<Object>)> + use<'a> {
        self.index.owned(uid)
    }

    /// The objects of a kind that the object `uid` manages: the owner reference has `controller: true`.
    pub fn controlled<'a>(&'a self, kind: Kind, uid: &Str) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        let wanted = uid.clone();
        self.owned(kind, uid).filter(move |object| object.controller().is_some_and(|owner| owner.uid == wanted))
    }

    /// The object with a UID, of whatever kind.
    pub fn by_uid(&self, uid: &str) -> Option<(Kind, &Arc<Object>)> {
        let (kind, key) = self.index.by_uid(uid)?;
        Some((*kind, self.get(*kind, key)?))
    }

    /// The pods bound to a node.
    pub fn pods_on<'a>(&'a self, node: &str) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        self.index.on_node(node).filter_map(|key| self.get(kinds::PODS, key))
    }

    /// The pods of a namespace that no controller manages.
    pub fn orphan_pods<'a>(&'a self, namespace: &str) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        self.index.orphans(namespace).filter_map(|key| self.get(kinds::PODS, key))
    }

    /// The pods of a namespace with a label: where to look for those that a selector matches.
    pub fn pods_with_label<'a>(
        &'a self,
        namespace: &str,
        label: &str,
        value: &str,
    ) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        self.index.with_label(namespace, label, value).filter_map(|key| self.get(kinds::PODS, key))
    }

    /// The EndpointSlices of a service.
    pub fn slices_of<'a>(&'a self, service: &Key) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        self.index.slices(service).filter_map(|key| self.get(kinds::ENDPOINT_SLICES, key))
    }

    /// Takes in everything that the API server holds beyond what is known, and answers the changes: kind by kind, in
    /// the order of writing within a kind.
    pub(crate) fn pull(&mut self, api: &ApiServer) -> Vec<Change> {
        let mut changes = Vec::new();
        let customs = api.custom_kinds();
        self.follow(&customs, &mut changes);
        for kind in Kind::all().filter(|kind| *kind != kinds::EVENTS).chain(customs) {
            let Some(seen) = self.seen.get(kind.index()).copied() else { continue };
            if api.newest_change(kind) <= seen {
                continue;
            }
            match api.changes_since(kind, seen) {
                Some(feed) => {
                    for change in feed {
                        let object = &change.object;
                        let new = (change.kind != ChangeKind::Deleted)
                            .then(|| Object::read(object.clone(), kind == kinds::PODS));
                        let key = new.as_ref().map_or_else(|| Key::of(object), |new| new.key.clone());
                        changes.extend(self.store(kind, key, new));
                    }
                }
                None => self.relist(kind, api, &mut changes),
            }
            if let Some(seen) = self.seen.get_mut(kind.index()) {
                *seen = api.newest_change(kind);
            }
        }
        self.revision = api.revision();
        changes
    }

    /// Takes note of what CRDs define now. A kind that is defined otherwise is another one: its objects go and come back.
    fn follow(&mut self, customs: &[Kind], changes: &mut Vec<Change>) {
        if self.customs == customs {
            return;
        }
        let gone = std::mem::replace(&mut self.customs, customs.to_vec());
        for kind in gone.into_iter().filter(|kind| !customs.contains(kind)) {
            let keys: Vec<Key> = self.shelves[kind.index()].keys().cloned().collect();
            for key in keys {
                changes.extend(self.store(kind, key, None));
            }
            self.seen[kind.index()] = 0;
        }
        let places = customs.iter().map(|kind| kind.index() + 1).max().unwrap_or_default().max(self.seen.len());
        self.shelves.resize_with(places, Arc::default);
        self.seen.resize(places, 0);
    }

    /// Compares a whole list with the cache, since changes between were forgotten.
    fn relist(&mut self, kind: Kind, api: &ApiServer, changes: &mut Vec<Change>) {
        let pods = kind == kinds::PODS;
        let list: SortedMap<Key, Value> =
            api.objects(kind, "").map(|object| (Key::of(object), object.clone())).collect();
        let gone: Vec<Key> = self
            .shelves
            .get(kind.index())
            .map(|shelf| shelf.keys().filter(|key| !list.contains_key(*key)).cloned().collect())
            .unwrap_or_default();
        for key in gone {
            changes.extend(self.store(kind, key, None));
        }
        for (key, value) in list {
            let version = value["metadata"]["resourceVersion"].str();
            if self.get(kind, &key).is_none_or(|known| known.resource_version() != version) {
                changes.extend(self.store(kind, key, Some(Object::read(value, pods))));
            }
        }
    }

    fn store(&mut self, kind: Kind, key: Key, new: Option<Arc<Object>>) -> Option<Change> {
        let shelf = Arc::make_mut(self.shelves.get_mut(kind.index())?);
        let old = match &new {
            Some(object) => shelf.insert(key, object.clone()),
            None => shelf.remove(&key),
        };
        self.index.change(kind, old.as_ref(), new.as_ref());
        (old.is_some() || new.is_some()).then_some(Change { kind, old, new })
    }
}
