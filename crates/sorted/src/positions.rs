//! Going through chunks in order.

/// The most entries that a chunk has: inserting moves at most so many.
pub(crate) const CHUNK: usize = 64;

/// Where an entry is: the chunk and the place in it. The end is (number of chunks, 0).
pub(crate) type Position = (usize, usize);

/// The entries of a [`SortedMap`](crate::SortedMap) in order, or a range of them.
pub struct Iter<'a, K, V> {
    pub(crate) chunks: &'a [Vec<(K, V)>],
    pub(crate) front: Position,
    pub(crate) back: Position,
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Iter { chunks: self.chunks, front: self.front, back: self.back }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let chunk = &self.chunks[self.front.0];
        let (key, value) = &chunk[self.front.1];
        self.front.1 += 1;
        if self.front.1 == chunk.len() {
            self.front = (self.front.0 + 1, 0);
        }
        Some((key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.front >= self.back {
            return (0, Some(0));
        }
        let whole: usize = self.chunks[self.front.0..self.back.0].iter().map(Vec::len).sum();
        let len = whole + self.back.1 - self.front.1;
        (len, Some(len))
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        if self.back.1 == 0 {
            self.back.0 -= 1;
            self.back.1 = self.chunks[self.back.0].len();
        }
        self.back.1 -= 1;
        let (key, value) = &self.chunks[self.back.0][self.back.1];
        Some((key, value))
    }
}

impl<K, V> ExactSizeIterator for Iter<'_, K, V> {}

/// The keys of a [`SortedMap`](crate::SortedMap), in order.
pub struct Keys<'a, K, V>(pub(crate) Iter<'a, K, V>);

/// The values of a [`SortedMap`](crate::SortedMap), in the order of their keys.
pub struct Values<'a, K, V>(pub(crate) Iter<'a, K, V>);

impl<K, V> Clone for Keys<'_, K, V> {
    fn clone(&self) -> Self {
        Keys(self.0.clone())
    }
}

impl<K, V> Clone for Values<'_, K, V> {
    fn clone(&self) -> Self {
        Values(self.0.clone())
    }
}

impl<'a, K, V> Iterator for Keys<'a, K, V> {
    type Item = &'a K;

    fn next(&mut self) -> Option<&'a K> {
        self.0.next().map(|(key, _)| key)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<'a, K, V> Iterator for Values<'a, K, V> {
    type Item = &'a V;

    fn next(&mut self) -> Option<&'a V> {
        self.0.next().map(|(_, value)| value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V> DoubleEndedIterator for Keys<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, _)| key)
    }
}

impl<K, V> DoubleEndedIterator for Values<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(_, value)| value)
    }
}

impl<K, V> ExactSizeIterator for Keys<'_, K, V> {}
impl<K, V> ExactSizeIterator for Values<'_, K, V> {}
