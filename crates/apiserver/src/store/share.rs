//! Equal parts of objects are kept once.
//!
//! Ten thousand pods have the same tolerations and the same volumes, and whoever writes an object makes all of those anew.
//! What goes into the store passes through a table of fixed size that remembers parts seen lately; an array or object that
//! is equal to a remembered one is replaced by it. Texts are not: the common ones are one already ([`drydock_value::Str`]),
//! and for the others a copy of all that they stand in would cost more time than they take room. Nothing depends on what
//! was remembered: only memory.

use std::sync::Arc;

use drydock_value::{Hash, Map, Str, Value};

use crate::kinds::{self, Kind};

/// Slots for arrays and objects. A power of two.
const PARTS: usize = 4096;

/// Whether objects of a kind have parts in common that are worth looking for: events have few, roles come once.
pub(crate) fn worth(kind: Kind) -> bool {
    ![kinds::EVENTS, kinds::CLUSTER_ROLES, kinds::CLUSTER_ROLE_BINDINGS, kinds::ROLES].contains(&kind)
}

/// The table. A clone starts with the same memory.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Tables>);

#[derive(Debug, Clone)]
struct Tables {
    parts: Vec<Value>,
    /// Arrays and objects that came out of here lately, by their place in memory, with their hashes: whatever is made from
    /// stored objects is not looked into again.
    known: Vec<(Value, Hash)>,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared(Arc::new(Tables { parts: vec![Value::Null; PARTS], known: vec![(Value::Null, Hash(0)); PARTS] }))
    }
}

/// The slot of an array's or object's place in memory.
fn place(value: &Value) -> Option<usize> {
    let address = match value {
        Value::Array(items) => Arc::as_ptr(items).addr(),
        Value::Object(map) => std::ptr::from_ref(map.shared_iter().next()?.0).addr(),
        _ => return None,
    };
    Some(Hash::number(address as u64).slot(PARTS))
}

impl Shared {
    /// The object with its parts replaced by remembered ones. Parts that are the old object's own stay as they are.
    pub(crate) fn share(&mut self, object: Value, old: Option<&Value>) -> Value {
        let tables = Arc::make_mut(&mut self.0);
        // The top of an object is its own; what is in it may be anybody's.
        let Value::Object(map) = &object else { return object };
        let mut changed: Vec<(Str, Value)> = Vec::new();
        for (key, value) in map.shared_iter() {
            let before = old.map_or(&Value::Null, |old| &old[key.as_str()]);
            let (shared, _) = tables.part(value, before);
            if !same(&shared, value) {
                changed.push((key.clone(), shared));
            }
        }
        let mut object = object;
        for (key, value) in changed {
            object.set(key, value);
        }
        object
    }
}

impl Tables {
    /// A part and its hash. What is the old object's own part was shared when that was stored; its hash is not needed, as
    /// whatever holds it is new.
    fn part(&mut self, value: &Value, old: &Value) -> (Value, Hash) {
        match value {
            Value::Null => (Value::Null, Hash(1)),
            Value::Bool(b) => (Value::Bool(*b), Hash(2 + u64::from(*b))),
            Value::Int(number) => (value.clone(), Hash(3).mix(*number as u64)),
            Value::Float(number) => (value.clone(), Hash(4).mix(number.to_bits())),
            Value::String(text) => (value.clone(), Hash::of(text)),
            _ if value.ptr_eq(old) => (value.clone(), Hash(5)),
            Value::Array(_) | Value::Object(_) => {
                let at = place(value);
                if let Some((known, hash)) = at.and_then(|at| self.known.get(at))
                    && known.ptr_eq(value)
                {
                    return (value.clone(), *hash);
                }
                let (shared, hash) = self.inside(value, old);
                if let Some(slot) = place(&shared).and_then(|at| self.known.get_mut(at)) {
                    *slot = (shared.clone(), hash);
                }
                (shared, hash)
            }
        }
    }

    fn inside(&mut self, value: &Value, old: &Value) -> (Value, Hash) {
        match value {
            Value::Array(items) => {
                let mut hash = Hash(6).mix(items.len() as u64);
                // Copied from the first item on that changes.
                let mut copy: Option<Vec<Value>> = None;
                for (at, item) in items.iter().enumerate() {
                    let (new, inner) = self.part(item, &old[at]);
                    hash = hash.mix(inner.0);
                    match &mut copy {
                        Some(copy) => copy.push(new),
                        None if !same(&new, item) => {
                            let mut items = items.get(..at).unwrap_or_default().to_vec();
                            items.push(new);
                            copy = Some(items);
                        }
                        None => {}
                    }
                }
                (self.remembered(copy.map_or_else(|| value.clone(), Value::from), hash), hash)
            }
            Value::Object(map) => {
                let mut hash = Hash(7).mix(map.len() as u64);
                let mut copy: Option<Map> = None;
                for (key, item) in map.shared_iter() {
                    let (new, inner) = self.part(item, &old[key.as_str()]);
                    hash = hash.mix(Hash::of(key).0).mix(inner.0);
                    if !same(&new, item) {
                        copy.get_or_insert_with(|| map.clone()).insert(key.clone(), new);
                    }
                }
                let value = copy.map_or_else(|| value.clone(), Value::Object);
                (self.remembered(value, hash), hash)
            }
            other => (other.clone(), Hash(0)),
        }
    }

    fn remembered(&mut self, value: Value, hash: Hash) -> Value {
        match self.parts.get_mut(hash.slot(PARTS)) {
            Some(known) if alike(known, &value) => known.clone(),
            Some(place) => {
                place.clone_from(&value);
                value
            }
            None => value,
        }
    }
}

/// Whether a value is still the same one in memory. Only arrays and objects are ever replaced.
fn same(a: &Value, b: &Value) -> bool {
    !matches!(a, Value::Array(_) | Value::Object(_)) || a.ptr_eq(b)
}

/// Whether two parts are equal. Their own parts are shared already, so most of the time one look is enough.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            x.ptr_eq(y)
                || x.len() == y.len()
                    && x.shared_iter()
                        .zip(y.shared_iter())
                        .all(|((ka, va), (kb, vb))| ka == kb && (va.ptr_eq(vb) || va == vb))
        }
        (Value::Array(x), Value::Array(y)) => {
            Arc::ptr_eq(x, y) || x.len() == y.len() && x.iter().zip(y.iter()).all(|(va, vb)| va.ptr_eq(vb) || va == vb)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn equal_parts_become_one() {
        let mut shared = Shared::default();
        let pod = |name: &str| value!({"metadata": {"name": name, "labels": {"app": "x"}}, "spec": {"tolerations": [{"key": "a"}], "n": 1}});
        let first = shared.share(pod("a"), None);
        let second = shared.share(pod("b"), None);
        assert_eq!((&first, &second), (&pod("a"), &pod("b")));
        assert!(first["spec"].ptr_eq(&second["spec"]));
        assert!(first["metadata"]["labels"].ptr_eq(&second["metadata"]["labels"]));
        assert!(!first["metadata"].ptr_eq(&second["metadata"]));
        let mut third = second.clone();
        third["metadata"].set("labels", value!({"app": "y"}));
        let stored = shared.share(third.clone(), Some(&second));
        assert_eq!(stored, third);
        assert!(stored["spec"].ptr_eq(&second["spec"]));
    }
}
