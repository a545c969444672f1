//! SHA-256 (FIPS 180-4), for the hashes in names and what is signed. The standard's constants are the fractions of roots of primes.

use std::sync::OnceLock;

/// The state at the start, and what each round adds.
fn constants() -> ([u32; 8], Vec<u32>) {
    let primes: Vec<u32> = (2..312).filter(|n| (2..*n).all(|d| n % d != 0)).collect();
    let mut start = [0_u32; 8];
    for (word, prime) in start.iter_mut().zip(&primes) {
        *word = fraction(*prime, 2);
    }
    (start, primes.iter().take(64).map(|prime| fraction(*prime, 3)).collect())
}

fn shared() -> &'static ([u32; 8], Vec<u32>) {
    static CONSTANTS: OnceLock<([u32; 8], Vec<u32>)> = OnceLock::new();
    CONSTANTS.get_or_init(constants)
}

/// The digest of some bytes.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(bytes);
    digest.finish()
}

/// A digest of bytes that come in pieces.
#[derive(Debug, Clone)]
pub struct Sha256 {
    state: [u32; 8],
    /// What does not fill a block of 64 bytes yet.
    partial: Vec<u8>,
    length: u64,
}

impl Default for Sha256 {
    fn default() -> Sha256 {
        Sha256::new()
    }
}

impl Sha256 {
    /// The one of nothing yet.
    pub fn new() -> Sha256 {
        Sha256 { state: shared().0, partial: Vec::new(), length: 0 }
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.length = self.length.wrapping_add(bytes.len() as u64);
        self.partial.extend_from_slice(bytes);
        let whole = self.partial.len() / 64 * 64;
        for block in self.partial[..whole].chunks_exact(64) {
            compress(&mut self.state, block, &shared().1);
        }
        self.partial.drain(..whole);
    }

    /// The digest of all.
    pub fn finish(mut self) -> [u8; 32] {
        let bits = self.length.wrapping_mul(8);
        let zeros = (119 - self.partial.len()) % 64;
        self.update(&[0x80]);
        self.update(&vec![0; zeros]);
        self.update(&bits.to_be_bytes());
        let mut digest = [0; 32];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        digest
    }
}

/// The first 32 bits behind the point of a prime's square or cube root, in whole numbers.
fn fraction(prime: u32, root: u32) -> u32 {
    // The root of prime << (32 * root) is the root of the prime, with 32 bits behind the point.
    let target = u128::from(prime) << (32 * root);
    let (mut low, mut high) = (0_u128, 1 << 40);
    while high - low > 1 {
        let middle = (low + high) / 2;
        let fits =
            (1..root).try_fold(middle, |power, _| power.checked_mul(middle)).is_some_and(|power| power <= target);
        if fits {
            low = middle;
        } else {
            high = middle;
        }
    }
    low as u32
}

fn compress(state: &mut [u32; 8], block: &[u8], constants: &[u32]) {
    let mut words: Vec<u32> =
        block.chunks_exact(4).map(|bytes| bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte))).collect();
    let at = |words: &[u32], back: usize| words.get(words.len() - back).copied().unwrap_or(0);
    while words.len() < 64 {
        let (a, b) = (at(&words, 15), at(&words, 2));
        let s0 = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
        let s1 = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
        words.push(at(&words, 16).wrapping_add(s0).wrapping_add(at(&words, 7)).wrapping_add(s1));
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (word, constant) in words.iter().zip(constants) {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let first = h.wrapping_add(s1).wrapping_add(choice).wrapping_add(*constant).wrapping_add(*word);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        let second = s0.wrapping_add(majority);
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(first), c, b, a, first.wrapping_add(second));
    }
    for (word, more) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(more);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn known_digests() {
        let hex = |bytes: &[u8]| super::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        // Longer than a block, in pieces.
        let mut long = super::Sha256::new();
        for _ in 0..100 {
            long.update(b"0123456789");
        }
        let long = long.finish();
        assert_eq!(long, super::digest("0123456789".repeat(100).as_bytes()));
        assert_eq!(long[..4], [0xab, 0x6c, 0x5f, 0x32]);
        assert_eq!(hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
