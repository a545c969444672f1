//! Whatever is done to it, a [`SortedMap`] holds what a `BTreeMap` holds.

use std::collections::BTreeMap;
use std::ops::Bound;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Insert(u16, u8),
    Remove(u16),
    Entry(u16),
    PopFirst,
    PopLast,
    Retain(u16),
    SplitOff(u16),
    Extend(Vec<(u16, u8)>),
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0u16..600;
    prop_oneof![
        8 => (key.clone(), any::<u8>()).prop_map(|(key, value)| Step::Insert(key, value)),
        4 => key.clone().prop_map(Step::Remove),
        4 => key.clone().prop_map(Step::Entry),
        1 => Just(Step::PopFirst),
        1 => Just(Step::PopLast),
        1 => (2u16..9).prop_map(Step::Retain),
        1 => key.clone().prop_map(Step::SplitOff),
        2 => proptest::collection::vec((key, any::<u8>()), 0..300).prop_map(Step::Extend),
    ]
}

fn check(ours: &SortedMap<u16, u8>, theirs: &BTreeMap<u16, u8>) {
    assert!(ours.iter().eq(theirs.iter()));
    assert!(ours.iter().rev().eq(theirs.iter().rev()));
    assert_eq!((ours.len(), ours.iter().len()), (theirs.len(), theirs.len()));
    assert!(ours.chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= CHUNK));
    for range in [(10, 20), (0, 599), (64, 64), (300, 301)] {
        let bounds = (Bound::Excluded(range.0), Bound::Included(range.1));
        let wanted: Vec<_> = theirs.iter().filter(|(key, _)| **key > range.0 && **key <= range.1).collect();
        assert_eq!(ours.range(bounds).collect::<Vec<_>>(), wanted);
        assert_eq!(ours.range(bounds).len(), wanted.len());
        assert!(ours.range(range.0..).eq(theirs.range(range.0..)));
    }
}

proptest! {
    #[test]
    fn holds_what_a_tree_holds(steps in proptest::collection::vec(step(), 0..60)) {
        let (mut ours, mut theirs) = (SortedMap::new(), BTreeMap::new());
        for step in steps {
            match step {
                Step::Insert(key, value) => assert_eq!(ours.insert(key, value), theirs.insert(key, value)),
                Step::Remove(key) => assert_eq!(ours.remove(&key), theirs.remove(&key)),
                Step::Entry(key) => {
                    *ours.entry(key).or_default() ^= 1;
                    *theirs.entry(key).or_default() ^= 1;
                }
                Step::PopFirst => assert_eq!(ours.pop_first(), theirs.pop_first()),
                Step::PopLast => assert_eq!(ours.pop_last(), theirs.pop_last()),
                Step::Retain(factor) => {
                    ours.retain(|key, _| key % factor != 0);
                    theirs.retain(|key, _| key % factor != 0);
                }
                Step::SplitOff(key) => {
                    let (our_rest, their_rest) = (ours.split_off(&key), theirs.split_off(&key));
                    check(&our_rest, &their_rest);
                }
                Step::Extend(entries) => {
                    let (new_ours, new_theirs): (SortedMap<_, _>, BTreeMap<_, _>) =
                        (entries.iter().copied().collect(), entries.iter().copied().collect());
                    check(&new_ours, &new_theirs);
                    ours.extend(new_ours);
                    theirs.extend(new_theirs);
                }
            }
            check(&ours, &theirs);
        }
    }
}
