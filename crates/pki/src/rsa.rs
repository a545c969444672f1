//! RSA keys and signatures (PKCS #1 v1.5 with SHA-256, RFC 8017), quick and small, and not for secrets: the modulus is
//! made of primes of 32 bits, so that a key is found at once and anybody can take it apart. Who checks a signature cannot
//! tell the difference.

use crate::der::{INTEGER, OCTETS, SEQUENCE, children, element, integer, wrap};
use crate::number::{Modulus, divide, multiply_add, product, read, reduce, remainder, write};
use crate::sha256::digest;

/// The public exponent.
const EXPONENT: u32 = 65_537;
/// Primes are at least this large, so that the product of up to 128 of them has all of its bits.
const LEAST: u32 = 0xff00_0000;
/// What comes before the digest in what is signed: that it is one of SHA-256.
const PREFIX: [u8; 19] = [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
/// How keys say that they are RSA's: an algorithm with nothing to choose.
pub const KIND: [u8; 15] = [0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
/// How signatures do, with SHA-256.
pub const SIGNATURE: [u8; 15] = [0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0];

/// One of the modulus's primes.
#[derive(Debug, Clone, Copy)]
struct Prime {
    number: u32,
    /// One divided by the product of all others.
    share: u32,
}

/// A key for quick signatures.
#[derive(Debug, Clone)]
pub struct Key {
    primes: Vec<Prime>,
    modulus: Vec<u32>,
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

/// How often a number goes into the first of its multiples that the public exponent divides once one is added.
fn turns(left: u32) -> u32 {
    let (left, exponent) = (u64::from(left), u64::from(EXPONENT));
    (0..EXPONENT).find(|turns| (u64::from(*turns) * left + 1).is_multiple_of(exponent)).unwrap_or(0)
}

/// One divided by the public exponent, counted by a number that it does not divide.
fn inverse_of_exponent(modulus: u32) -> u32 {
    ((u64::from(turns(modulus % EXPONENT)) * u64::from(modulus) + 1) / u64::from(EXPONENT)) as u32
}

/// The same for large numbers.
fn large_inverse_of_exponent(modulus: &[u32]) -> Vec<u32> {
    let mut out = modulus.to_vec();
    out.push(0);
    let turns = turns(remainder(&out, EXPONENT));
    multiply_add(&mut out, turns, &[1], 1);
    divide(&mut out, EXPONENT);
    out.pop();
    out
}

/// The product of some words.
fn multiplied(words: impl Iterator<Item = u32>, length: usize) -> Vec<u32> {
    let mut out = read(&[1], length);
    words.for_each(|word| multiply_add(&mut out, word, &[], 0));
    out.truncate(length);
    out
}

fn primes(numbers: &[u32]) -> Vec<Prime> {
    let prime = |number: u32| {
        let others = numbers.iter().filter(|other| **other != number);
        let product = others.fold(1, |product, other| times(product, *other % number, number));
        Prime { number, share: power(product, number - 2, number) }
    };
    numbers.iter().map(|number| prime(*number)).collect()
}

/// The number of which each prime leaves something: a sum of fractions whose two parts grow together.
fn combined(primes: &[Prime], left: &dyn Fn(u32) -> u32) -> Vec<u32> {
    let (mut sum, mut product) = (vec![0; primes.len() + 1], read(&[1], primes.len()));
    for (at, prime) in primes.iter().enumerate() {
        let part = times(left(prime.number), prime.share, prime.number);
        let (sum, product) = (&mut sum[..at + 2], &mut product[..at + 2]);
        multiply_add(sum, prime.number, product, part);
        multiply_add(product, prime.number, &[], 0);
        while reduce(sum, product) {}
    }
    sum.pop();
    sum
}

/// What is signed for a text, in so many bytes.
fn padded(text: &[u8], length: usize) -> Option<Vec<u8>> {
    let filled = length.checked_sub(PREFIX.len() + 32 + 3)?;
    Some([&[0, 1][..], &vec![0xff; filled], &[0], &PREFIX, &digest(text)].concat())
}

/// Different primes, by chance: `below` draws a number below another.
fn draw(count: usize, below: &mut dyn FnMut(u32) -> u32) -> Vec<u32> {
    let mut numbers: Vec<u32> = Vec::with_capacity(count);
    while numbers.len() < count {
        let number = (LEAST + below(u32::MAX - LEAST)) | 1;
        if is_prime(number) && !(number - 1).is_multiple_of(EXPONENT) && !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    numbers
}

impl Key {
    /// A key of 2048 bits, by chance: `below` draws a number below another.
    pub fn new(below: &mut dyn FnMut(u32) -> u32) -> Key {
        let numbers = draw(64, below);
        Key { primes: primes(&numbers), modulus: multiplied(numbers.iter().copied(), 64) }
    }

    /// The public key's modulus.
    pub fn modulus(&self) -> Vec<u8> {
        write(&self.modulus)
    }

    /// What tells this key from others.
    pub fn id(&self) -> [u8; 32] {
        digest(&public(&self.modulus(), &EXPONENT.to_be_bytes()))
    }

    /// The signature of a text.
    pub fn sign(&self, text: &[u8]) -> Vec<u8> {
        let message = read(&padded(text, self.primes.len() * 4).unwrap_or_default(), self.primes.len());
        let part = |prime: u32| power(remainder(&message, prime), inverse_of_exponent(prime - 1), prime);
        write(&combined(&self.primes, &part))
    }
}

/// A public key as files and certificates have it (DER of RFC 5280), of its modulus and its exponent.
pub fn public(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = wrap(SEQUENCE, &[integer(modulus), integer(exponent)].concat());
    wrap(SEQUENCE, &[&KIND[..], &crate::der::bits(0, &numbers)].concat())
}

/// The modulus and the exponent of a public key.
pub fn read_public(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (SEQUENCE, outer, _) = element(der)? else { return None };
    let (SEQUENCE, _, rest) = element(outer)? else { return None };
    if !outer.starts_with(&KIND) {
        return None;
    }
    let (crate::der::BITS, bits, _) = element(rest)? else { return None };
    let (SEQUENCE, numbers, _) = element(bits.get(1..)?)? else { return None };
    match children(numbers).as_slice() {
        [(INTEGER, modulus), (INTEGER, exponent)] => Some((bare(modulus), bare(exponent))),
        _ => None,
    }
}

/// A number's bytes without the zeros before them.
fn bare(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes[zeros..].to_vec()
}

/// A private key as files have it: modulus, public and private exponent, two factors with their exponents, and one
/// divided by the second factor counted by the first (RFC 8017). Bytes begin with the highest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Private {
    /// The numbers, in that order.
    pub numbers: [Vec<u8>; 8],
}

impl Private {
    /// A key of so many bits, a multiple of 64, by chance: `below` draws a number below another.
    pub fn new(bits: usize, below: &mut dyn FnMut(u32) -> u32) -> Private {
        let half = bits / 64;
        let all = draw(half * 2, below);
        let (first, second) = all.split_at(half);
        let product = |numbers: &[u32]| multiplied(numbers.iter().copied(), numbers.len());
        let exponent = |numbers: &[u32]| {
            large_inverse_of_exponent(&multiplied(numbers.iter().map(|prime| prime - 1), numbers.len()))
        };
        let other = product(second);
        let share = |prime: u32| power(remainder(&other, prime), prime - 2, prime);
        let coefficient = combined(&primes(first), &share);
        let numbers = [
            product(&all),
            vec![EXPONENT],
            exponent(&all),
            product(first),
            other.clone(),
            exponent(first),
            exponent(second),
            coefficient,
        ];
        Private { numbers: numbers.map(|number| bare(&write(&number))) }
    }

    /// The public key that belongs to it (DER).
    pub fn public(&self) -> Vec<u8> {
        let [modulus, exponent, ..] = &self.numbers;
        public(modulus, exponent)
    }

    /// As files have it (DER of PKCS #1).
    pub fn write(&self) -> Vec<u8> {
        let numbers: Vec<u8> = self.numbers.iter().flat_map(|number| integer(number)).collect();
        wrap(SEQUENCE, &[&integer(&[0])[..], &numbers].concat())
    }

    /// Reads what files have: a key of PKCS #1, or one of PKCS #8 around it.
    pub fn read(der: &[u8]) -> Option<Private> {
        let (SEQUENCE, content, _) = element(der)? else { return None };
        let parts = children(content);
        match parts.as_slice() {
            [(INTEGER, _), (SEQUENCE, _), (OCTETS, inner), ..] if contains_kind(content) => Private::read(inner),
            [(INTEGER, _), rest @ ..] if rest.len() == 8 => {
                let mut numbers = rest.iter().map(|(_, number)| bare(number));
                Some(Private { numbers: std::array::from_fn(|_| numbers.next().unwrap_or_default()) })
            }
            _ => None,
        }
    }

    /// The signature of a text; none if the key is none.
    pub fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        let [modulus, _, _, first, second, exponent, other, coefficient] = &self.numbers;
        let (p, q) = (Modulus::new(first)?, Modulus::new(second)?);
        let words = modulus.len() / 4;
        if p.words() + q.words() != words || p.words() != q.words() {
            return None;
        }
        let message = read(&padded(text, modulus.len())?, words);
        let (one, two) = (p.power(&p.left(&message), exponent), q.power(&q.left(&message), other));
        let turns = p.product(&p.difference(&one, &p.left(&two)), &p.left(&read(coefficient, p.words())));
        let mut out = product(&turns, &read(second, q.words()));
        multiply_add(&mut out, 1, &two, 1);
        out.truncate(words);
        Some(write(&out))
    }
}

fn contains_kind(content: &[u8]) -> bool {
    element(content).is_some_and(|(_, _, rest)| rest.starts_with(&KIND))
}

/// Whether the holder of the key that belongs to a public one, of the usual exponent, has signed a text.
pub fn verifies(modulus: &[u8], text: &[u8], signature: &[u8]) -> bool {
    let Some(counted) = Modulus::new(modulus).filter(|_| signature.len() == modulus.len()) else { return false };
    let number = read(signature, counted.words());
    let opened = counted.power(&number, &EXPONENT.to_be_bytes());
    padded(text, modulus.len()).is_some_and(|padded| write(&opened[..counted.words()]) == padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chance that is always the same.
    fn chance(mut state: u64) -> impl FnMut(u32) -> u32 {
        move |bound| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (((state >> 32) * u64::from(bound)) >> 32) as u32
        }
    }

    #[test]
    fn what_is_signed_is_verified() {
        for seed in [0, 1, 7] {
            let key = Key::new(&mut chance(seed));
            let (modulus, signature) = (key.modulus(), key.sign(b"text"));
            assert_eq!((modulus.len(), signature.len(), modulus[0] >> 7), (256, 256, 1));
            assert!(verifies(&modulus, b"text", &signature));
            assert_eq!(signature, Key::new(&mut chance(seed)).sign(b"text"));
            if seed == 0 {
                assert!(!verifies(&modulus, b"other", &signature));
                assert!(!verifies(&modulus, b"text", &signature[1..]));
                assert!(!verifies(&Key::new(&mut chance(9)).modulus(), b"text", &signature));
            }
        }
    }

    #[test]
    fn keys_in_files_sign_as_well() {
        for bits in [512, 1024, 2048] {
            let key = Private::new(bits, &mut chance(3));
            let text = key.write();
            let again = Private::read(&text).unwrap();
            assert_eq!(again, key);
            let (modulus, exponent) = read_public(&key.public()).unwrap();
            assert_eq!((modulus.len(), exponent), (bits / 8, vec![1, 0, 1]));
            assert!(verifies(&modulus, b"text", &again.sign(b"text").unwrap()), "{bits}");
            // The private exponent alone does the same.
            let counted = Modulus::new(&modulus).unwrap();
            let message = read(&padded(b"text", bits / 8).unwrap(), bits / 32);
            assert_eq!(write(&counted.power(&message, &key.numbers[2])[..bits / 32]), key.sign(b"text").unwrap());
        }
        assert_eq!(Private::read(b"nonsense"), None);
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
