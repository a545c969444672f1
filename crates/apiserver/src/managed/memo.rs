//! Objects as readers see them, remembered: most of what is listed or watched has not changed since it was last shown.

use std::sync::{Mutex, PoisonError};

use drydock_sorted::SortedMap;
use drydock_value::Value;

use super::shown;
use crate::kinds::Kind;

/// So many objects are remembered at least once they were shown, and twice as many at most.
const OBJECTS: usize = 8192;

/// Objects by their place in memory, which stays theirs while they are held here: as they are kept, and as shown. Two
/// ages: what was not asked for while the younger one filled up is forgotten.
#[derive(Debug, Default)]
struct Ages {
    young: SortedMap<usize, (Value, Value)>,
    old: SortedMap<usize, (Value, Value)>,
}

/// What [`shown`] has answered lately. A clone of a server begins with nothing. Reading a server fills it, so it is locked;
/// nobody waits for it, as a server belongs to one thread.
#[derive(Debug, Default)]
pub(crate) struct Memo(Mutex<Ages>);

impl Clone for Memo {
    fn clone(&self) -> Memo {
        Memo::default()
    }
}

impl Memo {
    /// The object as a reader sees it.
    pub(crate) fn shown(&self, kind: Option<Kind>, object: &Value) -> Value {
        let Some(map) = object.as_object() else { return object.clone() };
        let at = map.address();
        // The maps are whole between any two statements: a panic elsewhere does not spoil them.
        let mut ages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, shown)) = ages.young.get(&at) {
            return shown.clone();
        }
        let entry = match ages.old.remove(&at) {
            Some(entry) => entry,
            None => {
                let shown = shown(kind, object);
                if shown.ptr_eq(object) {
                    return shown;
                }
                (object.clone(), shown)
            }
        };
        let shown = entry.1.clone();
        if ages.young.len() >= OBJECTS {
            ages.old = std::mem::take(&mut ages.young);
        }
        ages.young.insert(at, entry);
        shown
    }
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_and_right() {
        let memo = Memo::default();
        let pod = |number: usize| {
            value!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("p{number}"), "managedFields": [
                {"manager": "m", "operation": "Update", "apiVersion": "v1", "time": "t"}
            ]}, "spec": {"nodeName": "n"}})
        };
        let first = pod(0);
        let kind = Some(crate::kinds::PODS);
        let once = memo.shown(kind, &first);
        assert_eq!(once["metadata"]["managedFields"][0]["fieldsV1"], value!({"f:spec": {"f:nodeName": {}}}));
        assert!(memo.shown(kind, &first).ptr_eq(&once));
        for number in 0..3 * OBJECTS {
            memo.shown(kind, &pod(number));
        }
        assert!(!memo.shown(kind, &first).ptr_eq(&once));
        assert_eq!(memo.shown(kind, &first), once);
        let ages = memo.0.lock().unwrap();
        assert!(ages.young.len() + ages.old.len() <= 2 * OBJECTS);
    }
}
