//! RS256: signatures of tokens (PKCS #1 v1.5 with SHA-256, RFC 8017), quick and small, and not for secrets: the modulus is
//! made of 64 primes of 32 bits, so that a signature is 64 powers of small numbers instead of one of a large one, and
//! anybody can take it apart. Who checks a signature cannot tell the difference.

use drydock_schema::sha256::digest;

use crate::random::Random;

/// How many words a number of 2048 bits has.
const WORDS: usize = 64;
/// The public exponent.
const EXPONENT: u32 = 65_537;
/// Primes are at least this large, so that their product has 2048 bits.
const LEAST: u32 = 0xff00_0000;
/// What comes before the digest in what is signed: that it is one of SHA-256.
const PREFIX: [u8; 19] = [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
/// What comes before the modulus, and after it, in the writing of a public key (RFC 5280).
const BEFORE: [u8; 33] = [
    0x30, 0x82, 1, 0x22, 0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0, 3, 0x82, 1, 0x0f, 0,
    0x30, 0x82, 1, 0x0a, 2, 0x82, 1, 1, 0,
];
const AFTER: [u8; 5] = [2, 3, 1, 0, 1];

/// The lowest word first; one more than there need be, for sums.
type Number = [u32; WORDS + 1];

const ZERO: Number = [0; WORDS + 1];

/// One of the modulus's primes.
#[derive(Debug, Clone, Copy)]
struct Prime {
    number: u32,
    /// The exponent that undoes the public one here.
    exponent: u32,
    /// One divided by the product of all others.
    share: u32,
}

/// A key for signing.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    primes: Vec<Prime>,
    modulus: Number,
}

fn times(a: u32, b: u32, modulus: u32) -> u32 {
    (u64::from(a) * u64::from(b) % u64::from(modulus)) as u32
}

fn power(mut base: u32, mut exponent: u32, modulus: u32) -> u32 {
    let mut out = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            out = times(out, base, modulus);
        }
        base = times(base, base, modulus);
        exponent >>= 1;
    }
    out
}

/// Whether an odd number is a prime (Miller and Rabin; these three witnesses are enough for 32 bits).
fn is_prime(number: u32) -> bool {
    let twos = (number - 1).trailing_zeros();
    [2, 7, 61].into_iter().all(|witness| {
        let mut now = power(witness, (number - 1) >> twos, number);
        if now == 1 {
            return true;
        }
        for _ in 0..twos {
            if now == number - 1 {
                return true;
            }
            now = times(now, now, number);
        }
        false
    })
}

/// One divided by the public exponent, counted by a number that it does not divide.
fn inverse_of_exponent(modulus: u32) -> u32 {
    let exponent = u64::from(EXPONENT);
    // Of the multiples of the modulus, one more than one of them can be divided.
    let left = u64::from(modulus) % exponent;
    let factor = (0..exponent).find(|factor| (factor * left + 1) % exponent == 0).unwrap_or(0);
    ((factor * u64::from(modulus) + 1) / exponent) as u32
}

/// Multiplies a number by a word, and adds another number times a word.
fn multiply_add(number: &mut [u32], factor: u32, other: &[u32], by: u32) {
    let mut carry = 0u64;
    for (word, other) in number.iter_mut().zip(other) {
        // Two products may be wider than a word's double: their upper halves are carried apart.
        let (first, second) = (u64::from(*word) * u64::from(factor), u64::from(*other) * u64::from(by));
        let low = (first & 0xffff_ffff) + (second & 0xffff_ffff) + (carry & 0xffff_ffff);
        *word = low as u32;
        carry = (first >> 32) + (second >> 32) + (carry >> 32) + (low >> 32);
    }
}

/// Takes one number from another, unless it is larger; whether it was taken.
fn reduce(number: &mut [u32], by: &[u32]) -> bool {
    if number.iter().rev().lt(by.iter().rev()) {
        return false;
    }
    let mut borrow = 0i64;
    for (word, by) in number.iter_mut().zip(by) {
        let left = i64::from(*word) - i64::from(*by) + borrow;
        *word = left as u32;
        borrow = left >> 32;
    }
    true
}

fn write(number: &Number) -> Vec<u8> {
    number.iter().rev().skip(1).flat_map(|word| word.to_be_bytes()).collect()
}

fn read(bytes: &[u8]) -> Number {
    let mut out = ZERO;
    for (at, byte) in bytes.iter().rev().enumerate().take(WORDS * 4) {
        out[at / 4] |= u32::from(*byte) << (at % 4 * 8);
    }
    out
}

/// What is signed for a text.
fn padded(text: &[u8]) -> Vec<u8> {
    let mut out = vec![0xff; WORDS * 4 - PREFIX.len() - 32];
    (out[0], out[1]) = (0, 1);
    if let Some(last) = out.last_mut() {
        *last = 0;
    }
    out.extend(PREFIX);
    out.extend(digest(text));
    out
}

impl Key {
    /// The key that a number of chance stands for.
    pub(crate) fn new(seed: u64) -> Key {
        let mut random = Random::new(seed ^ 0x5e71_ace0_acc0_0275);
        let mut numbers: Vec<u32> = Vec::with_capacity(WORDS);
        while numbers.len() < WORDS {
            let number = (LEAST + random.below(u32::MAX - LEAST)) | 1;
            if is_prime(number) && !(number - 1).is_multiple_of(EXPONENT) && !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        let mut modulus = ZERO;
        modulus[0] = 1;
        for number in &numbers {
            multiply_add(&mut modulus, *number, &ZERO, 0);
        }
        let prime = |number: u32| {
            let others = numbers.iter().filter(|other| **other != number);
            let product = others.fold(1, |product, other| times(product, *other % number, number));
            Prime { number, exponent: inverse_of_exponent(number - 1), share: power(product, number - 2, number) }
        };
        Key { primes: numbers.iter().map(|number| prime(*number)).collect(), modulus }
    }

    /// The public key's modulus.
    pub(crate) fn modulus(&self) -> Vec<u8> {
        write(&self.modulus)
    }

    /// The public key as files and certificates have it.
    pub(crate) fn public(&self) -> Vec<u8> {
        [&BEFORE[..], &self.modulus(), &AFTER[..]].concat()
    }

    /// What tells this key from others.
    pub(crate) fn id(&self) -> [u8; 32] {
        digest(&self.public())
    }

    /// The signature of a text.
    pub(crate) fn sign(&self, text: &[u8]) -> Vec<u8> {
        let message = read(&padded(text));
        // The sum of what each prime has left, times the product of all others: a fraction whose two parts grow together.
        let (mut sum, mut product) = (ZERO, ZERO);
        product[0] = 1;
        for (at, prime) in self.primes.iter().enumerate() {
            let number = u64::from(prime.number);
            let left = message.iter().rev().fold(0, |left, word| (left << 32 | u64::from(*word)) % number);
            let part = times(power(left as u32, prime.exponent, prime.number), prime.share, prime.number);
            let (sum, product) = (&mut sum[..at + 2], &mut product[..at + 2]);
            multiply_add(sum, prime.number, product, part);
            multiply_add(product, prime.number, &ZERO, 0);
            while reduce(sum, product) {}
        }
        write(&sum)
    }
}

/// Whether the holder of the key that belongs to a public one, of 2048 bits and the usual exponent, has signed a text.
pub fn verifies(modulus: &[u8], text: &[u8], signature: &[u8]) -> bool {
    if modulus.len() != WORDS * 4 || modulus[0] < 0x80 || signature.len() != modulus.len() {
        return false;
    }
    let (modulus, signature) = (read(modulus), read(signature));
    let product = |a: &Number, b: &Number| {
        let mut out = ZERO;
        for at in (0..WORDS * 32).rev() {
            multiply_add(&mut out, 2, a, b[at / 32] >> (at % 32) & 1);
            while reduce(&mut out, &modulus) {}
        }
        out
    };
    let squares = (0..16).fold(signature, |out, _| product(&out, &out));
    write(&product(&squares, &signature)) == padded(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_verified() {
        for seed in [0, 1, 7] {
            let key = Key::new(seed);
            let (modulus, signature) = (key.modulus(), key.sign(b"text"));
            assert_eq!((modulus.len(), signature.len(), modulus[0] >> 7), (256, 256, 1));
            assert!(verifies(&modulus, b"text", &signature));
            assert_eq!(signature, Key::new(seed).sign(b"text"));
            if seed == 0 {
                assert!(!verifies(&modulus, b"other", &signature));
                assert!(!verifies(&modulus, b"text", &signature[1..]));
                assert!(!verifies(&Key::new(9).modulus(), b"text", &signature));
            }
        }
    }

    #[test]
    fn numbers_are_prime_or_not() {
        for (number, prime) in
            [(0xff00_0001, false), (4_294_967_291, true), (4_294_967_279, true), (4_294_967_293, false)]
        {
            assert_eq!(is_prime(number), prime, "{number}");
        }
        for number in [4_294_967_291u32, 4_294_967_279] {
            assert_eq!(times(inverse_of_exponent(number - 1), EXPONENT, number - 1), 1);
        }
    }
}
