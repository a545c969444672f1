//! The indices over the caches: who owns what, which pods are where, so that nobody scans.

use std::sync::Arc;

use drydock_sorted::{SortedMap, SortedSet};

use crate::store::{Kind, kinds};
use drydock_value::Str;

use crate::objects::{Key, Object};

/// Which service an EndpointSlice belongs to.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The indices.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// With the objects themselves: controllers go through what they own again and again.
    owned: SortedMap<Str, SortedMap<(Kind, Key), Arc<Object>>>,
    uids: SortedMap<Str, (Kind, Key)>,
    on_node: SortedMap<Str, SortedSet<Key>>,
    orphans: SortedMap<Str, SortedSet<Key>>,
    labels: SortedMap<(Str, String), SortedSet<Key>>,
    slices: SortedMap<Key, SortedSet<Key>>,
}

fn insert<I: Ord, K: Ord>(map: &mut SortedMap<I, SortedSet<K>>, at: I, key: K) {
    map.entry(at).or_default().insert(key);
}

fn remove<I: Ord, K: Ord>(map: &mut SortedMap<I, SortedSet<K>>, at: &I, key: &K) {
    if let Some(keys) = map.get_mut(at) {
        keys.remove(key);
        if keys.is_empty() {
            map.remove(at);
        }
    }
}

fn is_orphan_pod(object: &Object) -> bool {
    object.controller().is_none()
}

fn label_key(object: &Object, label: &str, value: &str) -> (Str, String) {
    (object.namespace().clone(), format!("{label}={value}"))
}

impl Index {
    /// Notes that an object changed.
    pub(super) fn change(&mut self, kind: Kind, old: Option<&Arc<Object>>, new: Option<&Arc<Object>>) {
        if let (Some(old), Some(new)) = (old, new) {
            let same = old.uid == new.uid
                && old.owners == new.owners
                && old.pod().node == new.pod().node
                && (old.labels().ptr_eq(new.labels()) || old.labels() == new.labels());
            if same {
                for owner in &new.owners {
                    self.own(owner.uid.clone(), kind, new);
                }
                return;
            }
        }
        if let Some(old) = old {
            self.forget(kind, old);
        }
        if let Some(new) = new {
            self.note(kind, new);
        }
    }

    fn own(&mut self, owner: Str, kind: Kind, object: &Arc<Object>) {
        self.owned.entry(owner).or_default().insert((kind, object.key.clone()), object.clone());
    }

    fn note(&mut self, kind: Kind, object: &Arc<Object>) {
        let key = &object.key;
        self.uids.insert(object.uid.clone(), (kind, key.clone()));
        for owner in &object.owners {
            self.own(owner.uid.clone(), kind, object);
        }
        if kind == kinds::PODS {
            let node = &object.pod().node;
            if !node.is_empty() {
                insert(&mut self.on_node, node.clone(), key.clone());
            }
            if is_orphan_pod(object) {
                insert(&mut self.orphans, key.namespace.clone(), key.clone());
            }
            for (label, value) in object.labels().iter() {
                insert(&mut self.labels, label_key(object, label, value.str()), key.clone());
            }
        }
        if kind == kinds::ENDPOINT_SLICES {
            insert(&mut self.slices, Key::new(&key.namespace, object.label(SERVICE_NAME)), key.clone());
        }
    }

    fn forget(&mut self, kind: Kind, object: &Object) {
        let key = &object.key;
        self.uids.remove(&object.uid);
        for owner in &object.owners {
            if let Some(objects) = self.owned.get_mut(&owner.uid) {
                objects.remove(&(kind, key.clone()));
                if objects.is_empty() {
                    self.owned.remove(&owner.uid);
                }
            }
        }
        if kind == kinds::PODS {
            remove(&mut self.on_node, &object.pod().node, key);
            if is_orphan_pod(object) {
                remove(&mut self.orphans, &key.namespace, key);
            }
            for (label, value) in object.labels().iter() {
                remove(&mut self.labels, &label_key(object, label, value.str()), key);
            }
        }
        if kind == kinds::ENDPOINT_SLICES {
            remove(&mut self.slices, &Key::new(&key.namespace, object.label(SERVICE_NAME)), key);
        }
    }

    pub(super) fn owned<'a>(&'a self, uid: &str) -> impl Iterator<Item = (Kind, &'a Arc<Object>)> + use<'a> {
        self.owned.get(uid).into_iter().flatten().map(|((kind, _), object)| (*kind, object))
    }

    pub(super) fn by_uid(&self, uid: &str) -> Option<&(Kind, Key)> {
        self.uids.get(uid)
    }

    pub(super) fn on_node<'a>(&'a self, node: &str) -> impl Iterator<Item = &'a Key> + use<'a> {
        self.on_node.get(node).into_iter().flatten()
    }

    pub(super) fn orphans<'a>(&'a self, namespace: &str) -> impl Iterator<Item = &'a Key> + use<'a> {
        self.orphans.get(namespace).into_iter().flatten()
    }

    pub(super) fn with_label<'a>(
        &'a self,
        namespace: &str,
        label: &str,
        value: &str,
    ) -> impl Iterator<Item = &'a Key> + use<'a> {
        self.labels.get(&(Str::from(namespace), format!("{label}={value}"))).into_iter().flatten()
    }

    pub(super) fn slices<'a>(&'a self, service: &Key) -> impl Iterator<Item = &'a Key> + use<'a> {
        self.slices.get(service).into_iter().flatten()
    }
}
