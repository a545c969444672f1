//! `memcmp`, which every comparison of texts ends in. What the compiler brings for wasm goes byte by byte.

use std::cmp::Ordering;

/// Bytes that are compared at once.
const STEP: usize = size_of::<u64>();

/// C's `memcmp`: below, at or above 0 as the first byte that differs is less or greater.
///
/// # Safety
/// `len` bytes can be read at both places.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, len: usize) -> i32 {
    // SAFETY: the caller's word; eight bytes are read only where eight are left.
    unsafe {
        let mut at = 0;
        while at + STEP <= len {
            let x = a.add(at).cast::<u64>().read_unaligned();
            let y = b.add(at).cast::<u64>().read_unaligned();
            if x != y {
                // The first byte counts most.
                return sign(x.to_be().cmp(&y.to_be()));
            }
            at += STEP;
        }
        while at < len {
            let (x, y) = (a.add(at).read(), b.add(at).read());
            if x != y {
                return sign(x.cmp(&y));
            }
            at += 1;
        }
    }
    0
}

/// C's `bcmp`: 0 when the bytes are the same.
///
/// # Safety
/// As [`memcmp`].
#[cfg(target_family = "wasm")]
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, len: usize) -> i32 {
    // SAFETY: the same demands.
    unsafe { memcmp(a, b, len) }
}

fn sign(order: Ordering) -> i32 {
    order as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of up to 19 bytes in which one differs, at every place.
    #[test]
    fn compares_as_slices_do() {
        for len in 0..20 {
            let a: Vec<u8> = (0..len).map(|at| 100 + at).collect();
            // SAFETY: both slices are as long as it says.
            let compare = |a: &[u8], b: &[u8]| unsafe { memcmp(a.as_ptr(), b.as_ptr(), a.len()) };
            assert_eq!(compare(&a, &a.clone()), 0);
            for (at, other) in (0..usize::from(len)).flat_map(|at| [0, 99, 255].map(|other| (at, other))) {
                let mut b = a.clone();
                b[at] = other;
                assert_eq!(compare(&a, &b), sign(a.cmp(&b)), "{a:?} {b:?}");
                assert_eq!(compare(&b, &a), sign(b.cmp(&a)), "{a:?} {b:?}");
            }
        }
    }
}
