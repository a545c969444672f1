//! [`SortedMap`].

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::{Bound, RangeBounds};

use crate::order::Sort;
use crate::positions::{CHUNK, Iter, Keys, Position, Values};

/// A map in order of its keys. Finding costs two binary searches; inserting and removing move at most a chunk.
#[derive(Clone)]
pub struct SortedMap<K, V> {
    /// No chunk is empty or longer than [`CHUNK`].
    chunks: Vec<Vec<(K, V)>>,
    len: usize,
}

impl<K, V> SortedMap<K, V> {
    /// An empty map.
    pub const fn new() -> Self {
        SortedMap { chunks: Vec::new(), len: 0 }
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes all entries away.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.len = 0;
    }

    fn end(&self) -> Position {
        (self.chunks.len(), 0)
    }

    /// All entries in order.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter { chunks: &self.chunks, front: (0, 0), back: self.end() }
    }

    /// All entries in order, values to be changed.
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        IterMut(self.chunks.iter_mut().flatten())
    }

    /// All keys in order.
    pub fn keys(&self) -> Keys<'_, K, V> {
        Keys(self.iter())
    }

    /// All values in the order of their keys.
    pub fn values(&self) -> Values<'_, K, V> {
        Values(self.iter())
    }

    /// All values in the order of their keys, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.iter_mut().map(|(_, value)| value)
    }

    /// The keys alone, in order.
    pub fn into_keys(self) -> impl DoubleEndedIterator<Item = K> {
        self.into_iter().map(|(key, _)| key)
    }

    /// The values alone, in the order of their keys.
    pub fn into_values(self) -> impl DoubleEndedIterator<Item = V> {
        self.into_iter().map(|(_, value)| value)
    }

    /// The first entry.
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next()
    }

    /// The last entry.
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next_back()
    }

    /// Takes the first entry out.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        if self.is_empty() { None } else { Some(self.take((0, 0))) }
    }

    /// Takes the last entry out.
    pub fn pop_last(&mut self) -> Option<(K, V)> {
        let chunk = self.chunks.len().checked_sub(1)?;
        Some(self.take((chunk, self.chunks[chunk].len() - 1)))
    }

    /// Keeps the entries of which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        for chunk in &mut self.chunks {
            chunk.retain_mut(|(key, value)| keep(key, value));
        }
        self.chunks.retain(|chunk| !chunk.is_empty());
        self.len = self.chunks.iter().map(Vec::len).sum();
    }

    fn take(&mut self, (chunk, at): Position) -> (K, V) {
        let entry = self.chunks[chunk].remove(at);
        if self.chunks[chunk].is_empty() {
            self.chunks.remove(chunk);
        }
        self.len -= 1;
        entry
    }

    /// Puts an entry where it belongs, and answers where it came to be.
    fn put(&mut self, (mut chunk, mut at): Position, entry: (K, V)) -> Position {
        self.len += 1;
        if chunk == self.chunks.len() {
            // Behind everything: at the end of the last chunk if there is room.
            match self.chunks.last() {
                Some(last) if last.len() < CHUNK => {
                    chunk -= 1;
                    at = last.len();
                }
                _ => self.chunks.push(Vec::new()),
            }
        }
        let full = &mut self.chunks[chunk];
        if full.len() == CHUNK {
            let upper = full.split_off(CHUNK / 2);
            self.chunks.insert(chunk + 1, upper);
            if at > CHUNK / 2 {
                chunk += 1;
                at -= CHUNK / 2;
            }
        }
        self.chunks[chunk].insert(at, entry);
        (chunk, at)
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    /// Where the first entry is whose key is not less than `key` (`orEqual`: not less or equal).
    fn seek<Q: Ord + ?Sized>(&self, key: &Q, past_equal: bool) -> Position
    where
        K: Borrow<Q>,
    {
        let before = |entry: &(K, V)| match entry.0.borrow().cmp(key) {
            Ordering::Less => true,
            Ordering::Equal => past_equal,
            Ordering::Greater => false,
        };
        // Of the chunks, the first whose last entry is not before.
        let chunk = self.chunks.partition_point(|chunk| chunk.last().is_some_and(before));
        let at = self.chunks.get(chunk).map_or(0, |entries| entries.partition_point(before));
        (chunk, at)
    }

    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<Position, Position>
    where
        K: Borrow<Q>,
    {
        let position = self.seek(key, false);
        let entry = self.chunks.get(position.0).and_then(|chunk| chunk.get(position.1));
        if entry.is_some_and(|entry| entry.0.borrow() == key) { Ok(position) } else { Err(position) }
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// The entry of a key.
    pub fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let (chunk, at) = self.find(key).ok()?;
        let (key, value) = &self.chunks[chunk][at];
        Some((key, value))
    }

    /// The value of a key, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let (chunk, at) = self.find(key).ok()?;
        Some(&mut self.chunks[chunk][at].1)
    }

    /// Whether there is an entry of a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Sets the value of a key, and answers the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok((chunk, at)) => Some(std::mem::replace(&mut self.chunks[chunk][at].1, value)),
            Err(position) => {
                self.put(position, (key, value));
                None
            }
        }
    }

    /// Takes the entry of a key out, and answers its value.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.remove_entry(key).map(|(_, value)| value)
    }

    /// Takes the entry of a key out.
    pub fn remove_entry<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
    {
        let position = self.find(key).ok()?;
        Some(self.take(position))
    }

    /// The place of a key, whether it is taken or not.
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        match self.find(&key) {
            Ok(position) => Entry::Occupied(OccupiedEntry { map: self, position }),
            Err(position) => Entry::Vacant(VacantEntry { map: self, position, key }),
        }
    }

    /// The entries whose keys are in a range, in order. A range that ends before it begins is empty.
    pub fn range<Q: Ord + ?Sized>(&self, range: impl RangeBounds<Q>) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let front = match range.start_bound() {
            Bound::Included(key) => self.seek(key, false),
            Bound::Excluded(key) => self.seek(key, true),
            Bound::Unbounded => (0, 0),
        };
        let back = match range.end_bound() {
            Bound::Included(key) => self.seek(key, true),
            Bound::Excluded(key) => self.seek(key, false),
            Bound::Unbounded => self.end(),
        };
        Iter { chunks: &self.chunks, front, back }
    }

    /// Takes the entries out whose keys are not less than `key`.
    pub fn split_off<Q: Ord + ?Sized>(&mut self, key: &Q) -> Self
    where
        K: Borrow<Q>,
    {
        let (chunk, at) = self.seek(key, false);
        if chunk == self.chunks.len() {
            return SortedMap::new();
        }
        let first = self.chunks[chunk].split_off(at);
        let mut chunks = vec![first];
        chunks.extend(self.chunks.drain(chunk + 1..));
        self.chunks.retain(|chunk| !chunk.is_empty());
        let len = chunks.iter().map(Vec::len).sum();
        self.len -= len;
        SortedMap { chunks, len }
    }

    /// Takes all entries of another map over.
    pub fn append(&mut self, other: &mut Self) {
        self.extend(std::mem::take(other));
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        SortedMap::new()
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    /// Of several entries with one key the last counts.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut entries: Vec<(K, V)> = entries.into_iter().collect();
        entries.sort_compact_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        let len = entries.len();
        let mut chunks = Vec::with_capacity(len.div_ceil(CHUNK));
        if len <= CHUNK {
            chunks.extend(Some(entries).filter(|entries| !entries.is_empty()));
        } else {
            let mut entries = entries.into_iter();
            while entries.len() > 0 {
                chunks.push(entries.by_ref().take(CHUNK).collect());
            }
        }
        SortedMap { chunks, len }
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for SortedMap<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K: Ord, V> Extend<(K, V)> for SortedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Ord + Borrow<Q>, Q: Ord + ?Sized, V> std::ops::Index<&Q> for SortedMap<K, V> {
    type Output = V;

    /// # Panics
    /// When the key is not there, as `BTreeMap` does.
    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("no entry found for key")
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for SortedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<K: Eq, V: Eq> Eq for SortedMap<K, V> {}

impl<K: PartialOrd, V: PartialOrd> PartialOrd for SortedMap<K, V> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.iter().partial_cmp(other.iter())
    }
}

impl<K: Ord, V: Ord> Ord for SortedMap<K, V> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl<K: std::hash::Hash, V: std::hash::Hash> std::hash::Hash for SortedMap<K, V> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_usize(self.len);
        self.iter().for_each(|entry| entry.hash(state));
    }
}

impl<K: std::fmt::Debug, V: std::fmt::Debug> std::fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The entries of a [`SortedMap`] in order, values to be changed.
pub struct IterMut<'a, K, V>(std::iter::Flatten<std::slice::IterMut<'a, Vec<(K, V)>>>);

impl<'a, K, V> Iterator for IterMut<'a, K, V> {
    type Item = (&'a K, &'a mut V);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (&*key, value))
    }
}

impl<K, V> DoubleEndedIterator for IterMut<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, value)| (&*key, value))
    }
}

/// The entries of a [`SortedMap`] that is used up.
pub struct IntoIter<K, V> {
    entries: std::iter::Flatten<std::vec::IntoIter<Vec<(K, V)>>>,
    len: usize,
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        let entry = self.entries.next()?;
        self.len -= 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }
}

impl<K, V> DoubleEndedIterator for IntoIter<K, V> {
    fn next_back(&mut self) -> Option<(K, V)> {
        let entry = self.entries.next_back()?;
        self.len -= 1;
        Some(entry)
    }
}

impl<K, V> ExactSizeIterator for IntoIter<K, V> {}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> IntoIter<K, V> {
        IntoIter { len: self.len, entries: self.chunks.into_iter().flatten() }
    }
}

impl<'a, K, V> IntoIterator for &'a SortedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<'a, K, V> IntoIterator for &'a mut SortedMap<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    fn into_iter(self) -> IterMut<'a, K, V> {
        self.iter_mut()
    }
}

/// The place of a key in a [`SortedMap`].
pub enum Entry<'a, K, V> {
    /// The key has a value.
    Occupied(OccupiedEntry<'a, K, V>),
    /// The key has none.
    Vacant(VacantEntry<'a, K, V>),
}

/// The place of a key that has a value.
pub struct OccupiedEntry<'a, K, V> {
    map: &'a mut SortedMap<K, V>,
    position: Position,
}

/// The place of a key that has no value.
pub struct VacantEntry<'a, K, V> {
    map: &'a mut SortedMap<K, V>,
    position: Position,
    key: K,
}

impl<'a, K, V> OccupiedEntry<'a, K, V> {
    /// The value.
    pub fn get(&self) -> &V {
        &self.map.chunks[self.position.0][self.position.1].1
    }

    /// The value, to be changed.
    pub fn get_mut(&mut self) -> &mut V {
        &mut self.map.chunks[self.position.0][self.position.1].1
    }

    /// The value, to be changed as long as the map is borrowed.
    pub fn into_mut(self) -> &'a mut V {
        &mut self.map.chunks[self.position.0][self.position.1].1
    }

    /// Sets the value, and answers the one before.
    pub fn insert(&mut self, value: V) -> V {
        std::mem::replace(self.get_mut(), value)
    }

    /// Takes the entry out.
    pub fn remove(self) -> V {
        self.map.take(self.position).1
    }
}

impl<'a, K, V> VacantEntry<'a, K, V> {
    /// The key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Sets the value.
    pub fn insert(self, value: V) -> &'a mut V {
        let (chunk, at) = self.map.put(self.position, (self.key, value));
        &mut self.map.chunks[chunk][at].1
    }
}

impl<'a, K, V> Entry<'a, K, V> {
    /// The value, which is `make`'s if there was none.
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> &'a mut V {
        match self {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(make()),
        }
    }

    /// The value, which is what `make` makes of the key if there was none.
    pub fn or_insert_with_key(self, make: impl FnOnce(&K) -> V) -> &'a mut V {
        match self {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let value = make(&entry.key);
                entry.insert(value)
            }
        }
    }

    /// The value, which is `value` if there was none.
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// The value, which is the type's default if there was none.
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }

    /// Changes the value if there is one.
    pub fn and_modify(mut self, change: impl FnOnce(&mut V)) -> Self {
        if let Entry::Occupied(entry) = &mut self {
            change(entry.get_mut());
        }
        self
    }
}

#[cfg(test)]
mod tests;
