//! The words that everybody writes, kept once: names of fields, kinds, conditions.
//!
//! `"metadata"` is written by whoever makes an object; as one shared text it costs no memory of its own, and comparing it
//! with itself costs a pointer. The first word that comes to a slot of the table stays there. Nothing depends on whether a
//! text is one of them: only time and memory.

use std::sync::OnceLock;

use crate::compare::same;
use crate::{Hash, Str};

/// Slots of the table, a power of two: about four times the words of the API.
const SLOTS: usize = 8192;

/// Longer ones are hardly words.
const LONGEST: usize = 32;

static WORDS: OnceLock<Vec<OnceLock<Str>>> = OnceLock::new();

/// The shared text of a word; none for what is no word (names of objects have digits or dashes), or whose slot another
/// word has.
pub(crate) fn known(text: &str) -> Option<&'static Str> {
    // Signs and digits come before letters.
    if text.len() > LONGEST || text.bytes().fold(u8::MAX, u8::min) <= b'9' {
        return None;
    }
    let slot = Hash::of(text).slot(SLOTS);
    let words = WORDS.get_or_init(|| vec![OnceLock::new(); SLOTS]);
    let word = words.get(slot)?.get_or_init(|| Str::own(text));
    same(word, text).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_text_and_names_are_not() {
        let one = |text: &str| std::ptr::eq(Str::from(text).as_str(), Str::from(text).as_str());
        assert!(one("metadata") && one("") && one("PersistentVolumeClaim"));
        assert!(!one("web-5d7f") && !one(&"a".repeat(LONGEST + 1)));
        for text in ["metadata", "web-5d7f", "", "ä"] {
            assert_eq!(Str::from(text).as_str(), text);
        }
    }
}
