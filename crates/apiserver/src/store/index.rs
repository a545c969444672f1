//! Inverted indices: from a label or an indexed field to the objects that carry it.
//!
//! Every label is indexed, so that a list by equality costs what it finds; and a few fields that clients select by.

use drydock_sorted::{SortedMap, SortedSet};

use drydock_value::{Str, Value};

use crate::kinds::{self, Kind};

/// Namespace and name.
pub(crate) type Id = (Str, Str);

/// The fields of a kind that are indexed besides labels, as (name in field selectors, path).
fn indexed_fields(kind: Kind) -> &'static [(&'static str, &'static [&'static str])] {
    match kind {
        kinds::PODS => &[("spec.nodeName", &["spec", "nodeName"])],
        kinds::EVENTS => {
            &[("involvedObject.uid", &["involvedObject", "uid"]), ("involvedObject.name", &["involvedObject", "name"])]
        }
        _ => &[],
    }
}

/// The index of one kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index(SortedMap<Str, SortedSet<Id>>);

/// The index entry of a label's value.
pub(crate) fn label_key(label: &str, value: &str) -> String {
    format!("{label}={value}")
}

/// The index entry of a field's value, where the field is indexed.
pub(crate) fn field_key(kind: Kind, field: &str, value: &str) -> Option<String> {
    indexed_fields(kind).iter().any(|(name, _)| *name == field).then(|| format!(".{field}={value}"))
}

fn keys(kind: Kind, object: &Value) -> Vec<String> {
    let mut keys: Vec<String> =
        object["metadata"]["labels"].entries().map(|(label, value)| label_key(label, value.str())).collect();
    for (name, path) in indexed_fields(kind) {
        let value = object.at(path).str();
        if !value.is_empty() {
            keys.push(format!(".{name}={value}"));
        }
    }
    keys
}

impl Index {
    /// Notes that the object `id` changed from `old` to `new`.
    pub(crate) fn change(&mut self, kind: Kind, id: &Id, old: Option<&Value>, new: Option<&Value>) {
        if let (Some(old), Some(new)) = (old, new) {
            let labels_same = old["metadata"]["labels"] == new["metadata"]["labels"];
            if labels_same && indexed_fields(kind).iter().all(|(_, path)| old.at(path) == new.at(path)) {
                return;
            }
        }
        for key in old.map(|old| keys(kind, old)).unwrap_or_default() {
            if let Some(ids) = self.0.get_mut(key.as_str()) {
                ids.remove(id);
                if ids.is_empty() {
                    self.0.remove(key.as_str());
                }
            }
        }
        for key in new.map(|new| keys(kind, new)).unwrap_or_default() {
            match self.0.get_mut(key.as_str()) {
                Some(ids) => {
                    ids.insert(id.clone());
                }
                None => {
                    self.0.insert(Str::from(key), SortedSet::from([id.clone()]));
                }
            }
        }
    }

    /// The objects that carry a key.
    pub(crate) fn get(&self, key: &str) -> Option<&SortedSet<Id>> {
        self.0.get(key)
    }
}
