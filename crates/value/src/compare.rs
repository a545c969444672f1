//! Comparing texts eight bytes at a time.
//!
//! The compiler's `memcmp` for wasm goes byte by byte. The page's modules bring a better one (`crates/wasm`); this is for
//! the places where texts are compared most, without a call: names of pods differ in their last five letters, and tables
//! of ten thousand are searched all the time.

use std::cmp::Ordering;

/// Whether two texts are equal.
pub(crate) fn same(a: &str, b: &str) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let ((words, rest), (others, other_rest)) = (a.as_bytes().as_chunks::<8>(), b.as_bytes().as_chunks::<8>());
    words.iter().zip(others).all(|(a, b)| u64::from_ne_bytes(*a) == u64::from_ne_bytes(*b))
        && rest.iter().zip(other_rest).all(|(a, b)| a == b)
}

/// The order of two texts, by their bytes.
pub(crate) fn order(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let (words, others) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
    for (x, y) in words.iter().zip(others) {
        if x != y {
            return u64::from_be_bytes(*x).cmp(&u64::from_be_bytes(*y));
        }
    }
    let compared = words.len().min(others.len()) * 8;
    a.iter().skip(compared).cmp(b.iter().skip(compared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_standard_library_compares() {
        let mut texts: Vec<String> = vec![String::new(), "\0".into(), "\0\0".into(), "é".into()];
        for length in 0..20 {
            for last in ["", "a", "b", "\0", "é"] {
                texts.push(format!("{}{last}", "x".repeat(length)));
                texts.push(format!("{last}{}", "x".repeat(length)));
            }
        }
        for a in &texts {
            for b in &texts {
                assert_eq!(same(a, b), a == b, "{a:?} {b:?}");
                assert_eq!(order(a, b), a.cmp(b), "{a:?} {b:?}");
            }
        }
    }
}
