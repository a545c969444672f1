//! Stable sorting by one merge sort that all types share.

use std::cmp::Ordering;

/// Stable sorting that adds little code for each type: indices are sorted by code that exists once, then the elements
/// are put in their places.
pub trait Sort {
    /// What is sorted.
    type Item;

    /// Sorts by what `compare` says; equal elements keep their order.
    fn sort_compact_by(&mut self, compare: impl FnMut(&Self::Item, &Self::Item) -> Ordering);

    /// Sorts by a key; elements with equal keys keep their order.
    fn sort_compact_by_key<K: Ord>(&mut self, mut key: impl FnMut(&Self::Item) -> K) {
        self.sort_compact_by(|a, b| key(a).cmp(&key(b)));
    }

    /// Sorts in the elements' own order.
    fn sort_compact(&mut self)
    where
        Self::Item: Ord,
    {
        self.sort_compact_by(Ord::cmp);
    }
}

impl<T> Sort for [T] {
    type Item = T;

    fn sort_compact_by(&mut self, mut compare: impl FnMut(&T, &T) -> Ordering) {
        let order = order(self.len(), &mut |a, b| compare(&self[a], &self[b]));
        if let Some(order) = order {
            put_in_places(order, &mut |a, b| self.swap(a, b));
        }
    }
}

/// The indices in sorted order; nothing if they are in order as they are.
fn order(len: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Option<Vec<usize>> {
    if (1..len).all(|at| compare(at - 1, at) != Ordering::Greater) {
        return None;
    }
    let mut from: Vec<usize> = (0..len).collect();
    let mut into = from.clone();
    let mut width = 1;
    while width < len {
        for start in (0..len).step_by(2 * width) {
            let (middle, end) = ((start + width).min(len), (start + 2 * width).min(len));
            let (mut left, mut right) = (start, middle);
            for slot in &mut into[start..end] {
                let take_left =
                    left < middle && (right >= end || compare(from[left], from[right]) != Ordering::Greater);
                let next = if take_left { &mut left } else { &mut right };
                *slot = from[*next];
                *next += 1;
            }
        }
        std::mem::swap(&mut from, &mut into);
        width *= 2;
    }
    Some(from)
}

/// Swaps until the element that was at `order[i]` is at `i`, for all `i`.
fn put_in_places(mut order: Vec<usize>, swap: &mut dyn FnMut(usize, usize)) {
    for start in 0..order.len() {
        let mut at = start;
        // Follow the cycle that begins here: each swap puts one element where it belongs.
        while order[at] != start {
            let next = order[at];
            swap(at, next);
            order[at] = at;
            at = next;
        }
        order[at] = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sorts_as_the_standard_library_does(items in proptest::collection::vec((0u8..20, any::<u16>()), 0..200)) {
            let (mut ours, mut theirs) = (items.clone(), items);
            ours.sort_compact_by_key(|item| item.0);
            theirs.sort_by_key(|item| item.0);
            prop_assert_eq!(&ours, &theirs);
            ours.sort_compact();
            theirs.sort();
            prop_assert_eq!(ours, theirs);
        }
    }
}
