//! MD5 and SHA-1.

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

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: Vec<u8>) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn known_digests() {
        for (text, md5, sha1) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ] {
            let (mut a, mut b) = (Md5::new(), Sha1::new());
            a.update(text.as_bytes());
            b.update(text.as_bytes());
            assert_eq!(hex(a.finish()), md5);
            assert_eq!(hex(b.finish()), sha1);
        }
    }
}
