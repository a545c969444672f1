//! [`Hash`]: a quick, repeatable hash, for tables that only save time or memory, and for keys of many texts.

const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash that grows with what is mixed in. The same on every machine, and no defence against texts made to collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hash(pub u64);

impl Hash {
    /// Of a text.
    pub fn of(text: &str) -> Hash {
        Hash(SEED).text(text)
    }

    /// Of a number.
    pub fn number(number: u64) -> Hash {
        Hash(SEED).mix(number)
    }

    /// With a number mixed in.
    #[must_use]
    pub fn mix(self, more: u64) -> Hash {
        Hash((self.0 ^ more).wrapping_mul(FACTOR).rotate_left(23))
    }

    /// With a text mixed in: its length, then eight bytes at a time.
    #[must_use]
    pub fn text(self, text: &str) -> Hash {
        let (words, rest) = text.as_bytes().as_chunks::<8>();
        let hash = words.iter().fold(self.mix(text.len() as u64), |hash, word| hash.mix(u64::from_le_bytes(*word)));
        match rest {
            [] => hash,
            rest => hash.mix(rest.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))),
        }
    }

    /// A place in a table with so many slots, a power of two.
    pub fn slot(self, slots: usize) -> usize {
        (self.0 >> 32) as usize & (slots - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_and_every_order_counts() {
        let texts = ["", "a", "b", "ab", "ba", "abcdefgh", "abcdefg", "abcdefghi", "abcdefgi", "\0", "\0\0"];
        let hashes: std::collections::BTreeSet<Hash> = texts.into_iter().map(Hash::of).collect();
        assert_eq!(hashes.len(), texts.len());
        assert_ne!(Hash::of("a").text("b"), Hash::of("b").text("a"));
        assert_ne!(Hash::of("ab").text(""), Hash::of("a").text("b"));
        assert!(texts.into_iter().all(|text| Hash::of(text).slot(16) < 16));
    }
}
