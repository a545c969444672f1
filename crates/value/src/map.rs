//! Objects of a JSON tree: key-value pairs, sorted by key, shared until changed.

use drydock_sorted::Sort;
use std::sync::{Arc, OnceLock};

use crate::compare::{order, same};
use crate::value::{Str, Value};

/// A key of an object. A shared string, so that ten thousand pods hold the word "metadata" as pointers to one text
/// where they came from one template.
pub type Key = Str;

/// A JSON object: pairs sorted by key (byte order, as Go prints maps). A clone costs a pointer.
#[derive(Clone, PartialEq)]
pub struct Map(Arc<Vec<(Key, Value)>>);

impl Default for Map {
    /// An empty object. They are all one, until something is put in: documents are full of them.
    fn default() -> Map {
        static EMPTY: OnceLock<Map> = OnceLock::new();
        EMPTY.get_or_init(|| Map(Arc::default())).clone()
    }
}

/// Up to so many keys, all are looked at.
const LINEAR: usize = 12;

impl Map {
    /// An empty object.
    pub fn new() -> Map {
        Map::default()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(k, _)| order(k, key))
    }

    /// The value of `key`, if it is there.
    #[inline(never)]
    pub fn get(&self, key: &str) -> Option<&Value> {
        // Most objects have a handful of keys, and most keys differ in their length: looking at each is faster than
        // comparing strings for order.
        if self.0.len() <= LINEAR {
            return self.0.iter().find(|(of, _)| same(of, key)).map(|(_, value)| value);
        }
        self.position(key).ok().map(|at| &self.0[at].1)
    }

    /// Whether `key` is there (its value may be null).
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_ok()
    }

    /// The value of `key` for changing, if it is there. Copies this level when it is shared.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let at = self.position(key).ok()?;
        Some(&mut Arc::make_mut(&mut self.0)[at].1)
    }

    /// Sets `key` and answers what was there before.
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        self.put(key.into(), value.into())
    }

    // Never inlined: it would be copied into each of the thousands of places that write a field.
    #[inline(never)]
    fn put(&mut self, key: Key, value: Value) -> Option<Value> {
        match self.position(key.as_str()) {
            Ok(at) => Some(std::mem::replace(&mut Arc::make_mut(&mut self.0)[at].1, value)),
            Err(at) => {
                Arc::make_mut(&mut self.0).insert(at, (key, value));
                None
            }
        }
    }

    /// The value of `key` for changing; null is put there first when the key is new.
    #[inline(never)]
    pub fn entry(&mut self, key: &str) -> &mut Value {
        let at = match self.position(key) {
            Ok(at) => at,
            Err(at) => {
                Arc::make_mut(&mut self.0).insert(at, (Key::from(key), Value::Null));
                at
            }
        };
        &mut Arc::make_mut(&mut self.0)[at].1
    }

    /// Takes `key` out and answers its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.position(key).ok()?;
        Some(Arc::make_mut(&mut self.0).remove(at).1)
    }

    /// Keeps the pairs that `keep` approves.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        Arc::make_mut(&mut self.0).retain_mut(|(k, v)| keep(k.as_str(), v));
    }

    /// The pairs in key order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Value)> + ExactSizeIterator + Clone {
        self.0.iter().map(|(k, v)| (k.as_str(), v))
    }

    /// The pairs in key order, with the shared keys.
    pub fn shared_iter(&self) -> impl DoubleEndedIterator<Item = (&Key, &Value)> + ExactSizeIterator {
        self.0.iter().map(|(k, v)| (k, v))
    }

    /// The values in key order, for changing. Copies this level when it is shared.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Value)> {
        Arc::make_mut(&mut self.0).iter_mut().map(|(k, v)| (k.as_str(), v))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(k, _)| k)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.iter().map(|(_, v)| v)
    }

    /// Whether both are the same object in memory: equal for sure, found without looking inside.
    pub fn ptr_eq(&self, other: &Map) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Where the object is in memory: nobody else's place for as long as somebody holds it.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// An object from pairs that are sorted and without doubles already.
    pub(crate) fn from_sorted(pairs: Vec<(Key, Value)>) -> Map {
        debug_assert!(pairs.windows(2).all(|w| w[0].0 < w[1].0));
        Map(Arc::new(pairs))
    }
}

/// The pairs of an object that is being written down, in any order: what [`crate::value!`] fills. One growing list, sorted
/// once, instead of a search and a shift for each pair.
#[derive(Debug)]
pub struct Pairs(Vec<(Key, Value)>);

impl Default for Pairs {
    /// No pairs yet, and room for as many as most objects have.
    #[inline(never)]
    fn default() -> Pairs {
        Pairs(Vec::with_capacity(8))
    }
}

impl Pairs {
    /// Adds a pair; a later one with the same key wins.
    pub fn add(&mut self, key: impl Into<Key>, value: impl Into<Value>) {
        self.put(key.into(), value.into());
    }

    #[inline(never)]
    fn put(&mut self, key: Key, value: Value) {
        self.0.push((key, value));
    }

    /// The object.
    #[inline(never)]
    pub fn object(self) -> Value {
        Value::Object(Map::from_pairs(self.0))
    }
}

impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Map {
    /// Later pairs win over earlier ones with the same key.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Map {
        Map::from_pairs(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl Map {
    /// Later pairs win over earlier ones with the same key.
    fn from_pairs(mut pairs: Vec<(Key, Value)>) -> Map {
        if pairs.is_empty() {
            return Map::new();
        }
        if pairs.windows(2).all(|w| w[0].0 < w[1].0) {
            return Map::from_sorted(pairs);
        }
        sort(&mut pairs);
        let mut unique: Vec<(Key, Value)> = Vec::with_capacity(pairs.len());
        for pair in pairs {
            match unique.last_mut() {
                Some(last) if last.0 == pair.0 => *last = pair,
                _ => unique.push(pair),
            }
        }
        Map::from_sorted(unique)
    }
}

/// Sorts pairs by key; equal keys keep their order. A handful, as most objects have, one by one into its place: the keys
/// before it are in order, and most of what is written down is nearly in order already.
fn sort(pairs: &mut [(Key, Value)]) {
    const FEW: usize = 32;
    if pairs.len() > FEW {
        return pairs.sort_compact_by(|a, b| a.0.cmp(&b.0));
    }
    for at in 1..pairs.len() {
        let (sorted, rest) = pairs.split_at(at);
        let place = sorted.iter().rposition(|pair| pair.0 <= rest[0].0).map_or(0, |before| before + 1);
        if place < at {
            pairs[place..=at].rotate_right(1);
        }
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Key, &'a Value);
    type IntoIter = std::iter::Map<std::slice::Iter<'a, (Key, Value)>, fn(&'a (Key, Value)) -> (&'a Key, &'a Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(k, v)| (k, v))
    }
}

impl std::fmt::Debug for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_sorted_and_unique() {
        let mut map: Map = [("b", 1), ("a", 2), ("b", 3)].into_iter().collect();
        assert_eq!(map.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(map.get("b"), Some(&Value::from(3)));
        map.insert("aa", 4);
        assert_eq!(map.keys().collect::<Vec<_>>(), ["a", "aa", "b"]);
        assert_eq!(map.remove("a"), Some(Value::from(2)));
        assert_eq!(map.remove("a"), None);
    }

    #[test]
    fn a_change_leaves_the_clone_alone() {
        let first: Map = [("a", 1)].into_iter().collect();
        let mut second = first.clone();
        assert!(first.ptr_eq(&second));
        *second.entry("a") = Value::from(2);
        assert_eq!(first.get("a"), Some(&Value::from(1)));
        assert_eq!(second.get("a"), Some(&Value::from(2)));
    }
}
