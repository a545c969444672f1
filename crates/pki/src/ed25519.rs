//! Ed25519 signatures (RFC 8032), small rather than fast, and not for secrets: how long it takes depends on the key.

use std::sync::OnceLock;

use crate::sha512::digest;

/// 256 bits, the lowest first.
type Number = [u64; 4];

/// The order of the group.
const ORDER: Number = [0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 0x1000_0000_0000_0000];
/// 2²⁵⁵ − 19.
const PRIME: Number = [0xffff_ffff_ffff_ffed, u64::MAX, u64::MAX, 0x7fff_ffff_ffff_ffff];
/// Twice the curve's d.
const TWICE_D: Number = [0xebd6_9b94_26b2_f159, 0x00e0_149a_8283_b156, 0x198e_80f2_eef3_d130, 0x2406_d9dc_56df_fce7];
const BASE: Point = Point {
    x: [0xc956_2d60_8f25_d51a, 0x692c_c760_9525_a7b2, 0xc0a4_e231_fdd6_dc5c, 0x2169_36d3_cd6e_53fe],
    y: [0x6666_6666_6666_6658, 0x6666_6666_6666_6666, 0x6666_6666_6666_6666, 0x6666_6666_6666_6666],
    z: ONE,
    t: [0x6dde_8ab3_a5b7_dda3, 0x20f0_9f80_7751_52f5, 0x66ea_4e8e_64ab_e37d, 0x6787_5f0f_d78b_7665],
};
const ZERO: Number = [0; 4];
const ONE: Number = [1, 0, 0, 0];

/// A sum, and what is carried out of it.
fn sum(a: Number, b: Number) -> (Number, bool) {
    let (mut out, mut carry) = (ZERO, false);
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        let (partial, first) = a.overflowing_add(b);
        let (whole, second) = partial.overflowing_add(carry.into());
        (*out, carry) = (whole, first | second);
    }
    (out, carry)
}

/// A difference, and whether it is below zero.
fn difference(a: Number, b: Number) -> (Number, bool) {
    let (out, carry) = sum(a, b.map(|limb| !limb));
    let (out, more) = sum(out, ONE);
    (out, !(carry | more))
}

/// By halves of limbs, whose products fit into 64 bits: a browser has no wider ones.
fn product(a: Number, b: Number) -> [u64; 8] {
    let (a, b) = (short(a), short(b));
    let mut out = [0u32; 16];
    for (i, a) in a.into_iter().enumerate() {
        let mut carry = 0;
        for (out, b) in out[i..].iter_mut().zip(b) {
            let place = u64::from(a) * u64::from(b) + u64::from(*out) + carry;
            *out = place as u32;
            carry = place >> 32;
        }
        out[i + 8] = carry as u32;
    }
    let mut long = [0; 8];
    for (long, short) in long.iter_mut().zip(out.chunks_exact(2)) {
        *long = u64::from(short[1]) << 32 | u64::from(short[0]);
    }
    long
}

fn short(a: Number) -> [u32; 8] {
    let mut out = [0; 8];
    for (out, limb) in out.chunks_exact_mut(2).zip(a) {
        (out[0], out[1]) = (limb as u32, (limb >> 32) as u32);
    }
    out
}

fn halves(wide: [u64; 8]) -> (Number, Number) {
    let [a, b, c, d, e, f, g, h] = wide;
    ([a, b, c, d], [e, f, g, h])
}

// Arithmetic modulo the prime, on numbers of up to 256 bits: 2²⁵⁶ is 38 there.

fn add(a: Number, b: Number) -> Number {
    let (mut out, mut carry) = sum(a, b);
    while carry {
        (out, carry) = sum(out, [38, 0, 0, 0]);
    }
    out
}

fn subtract(a: Number, b: Number) -> Number {
    let (mut out, mut below) = difference(a, b);
    while below {
        (out, below) = difference(out, [38, 0, 0, 0]);
    }
    out
}

fn multiply(a: Number, b: Number) -> Number {
    let (mut low, high) = halves(product(a, b));
    let mut carry = 0;
    for (low, high) in low.iter_mut().zip(high) {
        // Two parts, for the same reason.
        let first = (high & 0xffff_ffff) * 38 + (*low & 0xffff_ffff) + carry;
        let second = (high >> 32) * 38 + (*low >> 32) + (first >> 32);
        (*low, carry) = (second << 32 | first & 0xffff_ffff, second >> 32);
    }
    add(low, [carry * 38, 0, 0, 0])
}

/// The number between 0 and the prime.
fn canonical(mut a: Number) -> Number {
    while let (smaller, false) = difference(a, PRIME) {
        a = smaller;
    }
    a
}

/// One divided by a number: its power to the prime less 2, which is 2²⁵⁵ − 21. Nearly all of its bits are set, so powers
/// with 10, 20 and more set bits are made of each other.
fn inverse(a: Number) -> Number {
    let square = |a: Number, times: u32| (0..times).fold(a, |out, _| multiply(out, out));
    let longer = |a: Number, bits: u32, b: Number| multiply(square(a, bits), b);
    let two = square(a, 1);
    let nine = longer(two, 2, a);
    let eleven = multiply(nine, two);
    let five = longer(eleven, 1, nine);
    let ten = longer(five, 5, five);
    let twenty = longer(ten, 10, ten);
    let fifty = longer(longer(twenty, 20, twenty), 10, ten);
    let hundred = longer(fifty, 50, fifty);
    longer(longer(longer(hundred, 100, hundred), 50, fifty), 5, eleven)
}

/// From the highest to the lowest.
fn bits(a: Number) -> impl Iterator<Item = bool> {
    (0..256usize).rev().map(move |at| a[at / 64] >> (at % 64) & 1 == 1)
}

/// A point of the curve: (x/z, y/z), with t = xy/z.
#[derive(Clone, Copy)]
struct Point {
    x: Number,
    y: Number,
    z: Number,
    t: Number,
}

const NONE: Point = Point { x: ZERO, y: ONE, z: ONE, t: ZERO };

/// The sums of any of the base point's multiples by 1, 2⁶⁴, 2¹²⁸ and 2¹⁹²; which ones, the bits of the place say.
fn sums_of_bases() -> [Point; 16] {
    let (mut sums, mut base) = ([NONE; 16], BASE);
    for limb in 0..4 {
        for at in 0..1 << limb {
            sums[at | 1 << limb] = sums[at].plus(&base);
        }
        base = (0..64).fold(base, |base, _| base.plus(&base));
    }
    sums
}

impl Point {
    /// Holds for any two points, equal ones too.
    fn plus(&self, other: &Point) -> Point {
        let a = multiply(subtract(self.y, self.x), subtract(other.y, other.x));
        let b = multiply(add(self.y, self.x), add(other.y, other.x));
        let c = multiply(multiply(self.t, TWICE_D), other.t);
        let d = multiply(add(self.z, self.z), other.z);
        let (e, f, g, h) = (subtract(b, a), subtract(d, c), add(d, c), add(b, a));
        Point { x: multiply(e, f), y: multiply(g, h), z: multiply(f, g), t: multiply(e, h) }
    }

    /// The base point so many times. The four limbs of the factor are gone through together, with the sums of the points
    /// that stand for their lowest bits.
    fn base_times(factor: Number) -> Point {
        static SUMS: OnceLock<[Point; 16]> = OnceLock::new();
        let sums = SUMS.get_or_init(sums_of_bases);
        (0..64).rev().fold(NONE, |out, at| {
            let limbs = factor.iter().enumerate();
            let which = limbs.fold(0, |which, (limb, bits)| which | (bits >> at & 1) << limb) as usize;
            out.plus(&out).plus(&sums[which])
        })
    }

    fn bytes(&self) -> [u8; 32] {
        let scale = inverse(self.z);
        let (x, mut y) = (canonical(multiply(self.x, scale)), canonical(multiply(self.y, scale)));
        y[3] |= x[0] << 63;
        write(y)
    }
}

fn write(a: Number) -> [u8; 32] {
    let mut out = [0; 32];
    for (bytes, limb) in out.chunks_exact_mut(8).zip(a) {
        bytes.copy_from_slice(&limb.to_le_bytes());
    }
    out
}

fn read(bytes: &[u8]) -> Number {
    let mut out = ZERO;
    for (limb, bytes) in out.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = bytes.iter().rev().fold(0, |limb, byte| limb << 8 | u64::from(*byte));
    }
    out
}

/// What is left of 512 bits after division by the group's order.
fn remainder(high: Number, low: Number) -> Number {
    bits(high).chain(bits(low)).fold(ZERO, |left, bit| {
        let (doubled, _) = sum(left, left);
        let (next, _) = sum(doubled, [bit.into(), 0, 0, 0]);
        match difference(next, ORDER) {
            (smaller, false) => smaller,
            _ => next,
        }
    })
}

/// A key for signing.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    factor: Number,
    prefix: [u8; 32],
    /// The public key.
    pub public: [u8; 32],
}

impl Key {
    /// The key that 32 bytes of chance are.
    pub fn new(secret: &[u8; 32]) -> Key {
        let [low, prefix] = split(digest(&[secret]));
        let mut factor = read(&low);
        factor[0] &= !7;
        factor[3] = factor[3] & !(3 << 62) | 1 << 62;
        Key { factor, prefix, public: Point::base_times(factor).bytes() }
    }

    /// The signature of a text.
    pub fn sign(&self, text: &[u8]) -> [u8; 64] {
        let scalar = |parts: &[&[u8]]| {
            let [low, high] = split(digest(parts)).map(|half| read(&half));
            remainder(high, low)
        };
        let nonce = scalar(&[&self.prefix, text]);
        let point = Point::base_times(nonce).bytes();
        let challenge = scalar(&[&point, &self.public, text]);
        let (low, high) = halves(product(challenge, self.factor));
        let (low, carry) = sum(low, nonce);
        let (high, _) = sum(high, [carry.into(), 0, 0, 0]);
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&point);
        signature[32..].copy_from_slice(&write(remainder(high, low)));
        signature
    }
}

fn split(bytes: [u8; 64]) -> [[u8; 32]; 2] {
    let mut halves = [[0; 32]; 2];
    for (half, bytes) in halves.iter_mut().zip(bytes.chunks_exact(32)) {
        half.copy_from_slice(bytes);
    }
    halves
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn digests_of_short_texts() {
        assert!(hex(&digest(&[b"abc"])).starts_with("ddaf35a193617abacc417349ae204131"));
        assert!(hex(&digest(&[])).starts_with("cf83e1357eefb8bdf1542850d66d8007"));
        // Two blocks.
        assert!(hex(&digest(&[&[b'a'; 64], &[b'a'; 64]])).starts_with("b73d1929aa615934e61a871596b3f3b3"));
    }

    #[test]
    fn keys_and_signatures_of_the_rfc() {
        let cases = [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
        ];
        for (secret, public, text, signature) in cases {
            let secret: [u8; 32] = bytes(secret).try_into().unwrap();
            let key = Key::new(&secret);
            assert_eq!(hex(&key.public), public);
            assert_eq!(hex(&key.sign(&bytes(text))), signature);
        }
    }
}
