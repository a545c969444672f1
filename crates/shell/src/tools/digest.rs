//! MD5, SHA-1 and SHA-256.

/// Collects a message into blocks of 64 bytes.
#[derive(Clone, Default)]
struct Blocks {
    partial: Vec<u8>,
    length: u64,
}

impl Blocks {
    fn update(&mut self, bytes: &[u8], mut block: impl FnMut(&[u8])) {
        self.length = self.length.wrapping_add(bytes.len() as u64);
        self.partial.extend_from_slice(bytes);
        let whole = self.partial.len() / 64 * 64;
        for piece in self.partial.get(..whole).unwrap_or_default().chunks_exact(64) {
            block(piece);
        }
        self.partial.drain(..whole);
    }

    /// The padding that ends the message.
    fn finish(&mut self, big_endian: bool, mut block: impl FnMut(&[u8])) {
        let bits = self.length.wrapping_mul(8);
        let mut tail = std::mem::take(&mut self.partial);
        tail.push(0x80);
        while tail.len() % 64 != 56 {
            tail.push(0);
        }
        tail.extend(if big_endian { bits.to_be_bytes() } else { bits.to_le_bytes() });
        for piece in tail.chunks_exact(64) {
            block(piece);
        }
    }
}

fn words<const N: usize>(block: &[u8], big_endian: bool) -> [u32; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        if let [a, b, c, d] = bytes {
            *word =
                if big_endian { u32::from_be_bytes([*a, *b, *c, *d]) } else { u32::from_le_bytes([*a, *b, *c, *d]) };
        }
    }
    words
}

/// MD5 (RFC 1321).
#[derive(Clone)]
pub(super) struct Md5 {
    state: [u32; 4],
    blocks: Blocks,
}

const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

fn md5_block(state: &mut [u32; 4], block: &[u8]) {
    let message: [u32; 16] = words(block, false);
    let [mut a, mut b, mut c, mut d] = *state;
    for round in 0..64usize {
        let (mix, place) = match round / 16 {
            0 => ((b & c) | (!b & d), round),
            1 => ((d & b) | (!d & c), (5 * round + 1) % 16),
            2 => (b ^ c ^ d, (3 * round + 5) % 16),
            _ => (c ^ (b | !d), (7 * round) % 16),
        };
        let constant = (((round + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
        let word = message.get(place).copied().unwrap_or(0);
        let shift = SHIFTS.get(round / 16).and_then(|row| row.get(round % 4)).copied().unwrap_or(0);
        let sum = a.wrapping_add(mix).wrapping_add(constant).wrapping_add(word);
        (a, d, c, b) = (d, c, b, b.wrapping_add(sum.rotate_left(shift)));
    }
    for (word, value) in state.iter_mut().zip([a, b, c, d]) {
        *word = word.wrapping_add(value);
    }
}

impl Md5 {
    pub fn new() -> Md5 {
        Md5 { state: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476], blocks: Blocks::default() }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        let state = &mut self.state;
        self.blocks.update(bytes, |block| md5_block(state, block));
    }

    pub fn finish(mut self) -> Vec<u8> {
        let state = &mut self.state;
        self.blocks.finish(false, |block| md5_block(state, block));
        self.state.iter().flat_map(|word| word.to_le_bytes()).collect()
    }
}

/// SHA-1 (RFC 3174).
#[derive(Clone)]
pub(super) struct Sha1 {
    state: [u32; 5],
    blocks: Blocks,
}

fn sha1_block(state: &mut [u32; 5], block: &[u8]) {
    let mut schedule: Vec<u32> = words::<16>(block, true).to_vec();
    for at in 16..80usize {
        let word = |back: usize| schedule.get(at - back).copied().unwrap_or(0);
        let next = (word(3) ^ word(8) ^ word(14) ^ word(16)).rotate_left(1);
        schedule.push(next);
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (round, word) in schedule.iter().enumerate() {
        let (mix, constant) = match round / 20 {
            0 => ((b & c) | (!b & d), 0x5a82_7999),
            1 => (b ^ c ^ d, 0x6ed9_eba1),
            2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6_u32),
        };
        let next = a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
        (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
    }
    for (word, value) in state.iter_mut().zip([a, b, c, d, e]) {
        *word = word.wrapping_add(value);
    }
}

impl Sha1 {
    pub fn new() -> Sha1 {
        Sha1 { state: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0], blocks: Blocks::default() }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        let state = &mut self.state;
        self.blocks.update(bytes, |block| sha1_block(state, block));
    }

    pub fn finish(mut self) -> Vec<u8> {
        let state = &mut self.state;
        self.blocks.finish(true, |block| sha1_block(state, block));
        self.state.iter().flat_map(|word| word.to_be_bytes()).collect()
    }
}

/// SHA-256 (FIPS 180-4).
#[derive(Clone)]
pub(super) struct Sha256 {
    state: [u32; 8],
    blocks: Blocks,
}

/// The first 32 bits of the fractional parts of the first 64 primes' roots of a degree: square for the initial state,
/// cubic for the rounds.
fn root_bits(count: usize, cubic: bool) -> Vec<u32> {
    let is_prime = |n: u64| (2..n).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
    (2u64..)
        .filter(|n| is_prime(*n))
        .take(count)
        .map(|prime| {
            // An integer root of prime * 2^64 (or 2^96), so that no rounding is involved.
            let power = if cubic { 3 } else { 2 };
            let target = u128::from(prime) << (32 * power);
            let (mut low, mut high) = (0u128, 1u128 << 36);
            while high - low > 1 {
                let middle = (low + high) / 2;
                let value = if cubic {
                    middle.checked_mul(middle).and_then(|m| m.checked_mul(middle))
                } else {
                    middle.checked_mul(middle)
                };
                if value.is_some_and(|value| value <= target) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            low as u32
        })
        .collect()
}

fn sha256_block(state: &mut [u32; 8], block: &[u8], constants: &[u32]) {
    let mut schedule: Vec<u32> = words::<16>(block, true).to_vec();
    for at in 16..64usize {
        let word = |back: usize| schedule.get(at - back).copied().unwrap_or(0);
        let (x, y) = (word(15), word(2));
        let s0 = x.rotate_right(7) ^ x.rotate_right(18) ^ (x >> 3);
        let s1 = y.rotate_right(17) ^ y.rotate_right(19) ^ (y >> 10);
        let next = word(16).wrapping_add(s0).wrapping_add(word(7)).wrapping_add(s1);
        schedule.push(next);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (word, constant) in schedule.iter().zip(constants) {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let first = h.wrapping_add(s1).wrapping_add(choice).wrapping_add(*constant).wrapping_add(*word);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        let second = s0.wrapping_add(majority);
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(first), c, b, a, first.wrapping_add(second));
    }
    for (word, value) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(value);
    }
}

impl Sha256 {
    pub fn new() -> Sha256 {
        let mut state = [0; 8];
        for (word, root) in state.iter_mut().zip(root_bits(8, false)) {
            *word = root;
        }
        Sha256 { state, blocks: Blocks::default() }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        let constants = root_bits(64, true);
        let state = &mut self.state;
        self.blocks.update(bytes, |block| sha256_block(state, block, &constants));
    }

    pub fn finish(mut self) -> Vec<u8> {
        let constants = root_bits(64, true);
        let state = &mut self.state;
        self.blocks.finish(true, |block| sha256_block(state, block, &constants));
        self.state.iter().flat_map(|word| word.to_be_bytes()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: Vec<u8>) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn known_digests() {
        for (text, md5, sha1, sha256) in [
            (
                "",
                "d41d8cd98f00b204e9800998ecf8427e",
                "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                "abc",
                "900150983cd24fb0d6963f7d28e17f72",
                "a9993e364706816aba3e25717850c26c9cd0d89d",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
        ] {
            let (mut a, mut b, mut c) = (Md5::new(), Sha1::new(), Sha256::new());
            a.update(text.as_bytes());
            b.update(text.as_bytes());
            c.update(text.as_bytes());
            assert_eq!(hex(a.finish()), md5);
            assert_eq!(hex(b.finish()), sha1);
            assert_eq!(hex(c.finish()), sha256);
        }
        // Longer than a block, in pieces.
        let mut long = Sha256::new();
        for _ in 0..100 {
            long.update(b"0123456789");
        }
        assert_eq!(hex(long.finish()), "ab6c5f3237f551d208fc2ca5225a4cca20b3fd638794a804f0ed5549d5041734");
    }
}
