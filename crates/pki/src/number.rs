//! Large whole numbers as words of 32 bits, the lowest first.

/// Multiplies a number by a word, and adds another number times a word. What does not fit is lost.
pub(crate) fn multiply_add(number: &mut [u32], factor: u32, other: &[u32], by: u32) {
    let mut carry = 0u64;
    let others = other.iter().chain(std::iter::repeat(&0));
    for (word, other) in number.iter_mut().zip(others) {
        // Two products may be wider than a word's double: their upper halves are carried apart.
        let (first, second) = (u64::from(*word) * u64::from(factor), u64::from(*other) * u64::from(by));
        let low = (first & 0xffff_ffff) + (second & 0xffff_ffff) + (carry & 0xffff_ffff);
        *word = low as u32;
        carry = (first >> 32) + (second >> 32) + (carry >> 32) + (low >> 32);
    }
}

/// Takes one number from another of as many words, unless it is larger; whether it was taken.
pub(crate) fn reduce(number: &mut [u32], by: &[u32]) -> bool {
    if number.iter().rev().lt(by.iter().rev()) {
        return false;
    }
    subtract(number, by);
    true
}

fn subtract(number: &mut [u32], by: &[u32]) {
    let mut borrow = 0i64;
    for (word, by) in number.iter_mut().zip(by) {
        let left = i64::from(*word) - i64::from(*by) + borrow;
        *word = left as u32;
        borrow = left >> 32;
    }
}

/// What is left of a number divided by a word.
pub(crate) fn remainder(number: &[u32], by: u32) -> u32 {
    number.iter().rev().fold(0, |left, word| (left << 32 | u64::from(*word)) % u64::from(by)) as u32
}

/// Divides a number by a word.
pub(crate) fn divide(number: &mut [u32], by: u32) {
    number.iter_mut().rev().fold(0, |left, word| {
        let now = left << 32 | u64::from(*word);
        *word = (now / u64::from(by)) as u32;
        now % u64::from(by)
    });
}

/// The product of two numbers.
pub(crate) fn product(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut out = vec![0; a.len() + b.len()];
    for (at, word) in a.iter().enumerate() {
        multiply_add(&mut out[at..], 1, b, *word);
    }
    out
}

/// A number of so many words as bytes, the highest first.
pub(crate) fn write(number: &[u32]) -> Vec<u8> {
    number.iter().rev().flat_map(|word| word.to_be_bytes()).collect()
}

/// Bytes as a number of so many words, and one more than there need be, for sums.
pub(crate) fn read(bytes: &[u8], words: usize) -> Vec<u32> {
    let mut out = vec![0; words + 1];
    for (at, byte) in bytes.iter().rev().enumerate().take(words * 4) {
        out[at / 4] |= u32::from(*byte) << (at % 4 * 8);
    }
    out
}

/// An odd number to count by (Montgomery's way).
pub(crate) struct Modulus {
    number: Vec<u32>,
    /// What makes the lowest word of a number divisible: minus one divided by that of this one.
    factor: u32,
    /// The square of the words' range.
    square: Vec<u32>,
}

impl Modulus {
    /// The one of some bytes; its highest and lowest bits must be set.
    pub(crate) fn new(bytes: &[u8]) -> Option<Modulus> {
        if !bytes.len().is_multiple_of(4) || bytes.first()? < &0x80 || bytes.last()? & 1 == 0 {
            return None;
        }
        let words = bytes.len() / 4;
        let number = read(bytes, words);
        let low = number.first().copied()?;
        // Each turn doubles the bits that are right.
        let inverse = (0..5).fold(1u32, |out, _| out.wrapping_mul(2u32.wrapping_sub(low.wrapping_mul(out))));
        let mut square = read(&[1], words);
        for _ in 0..words * 64 {
            multiply_add(&mut square, 2, &[], 0);
            reduce(&mut square, &number);
        }
        Some(Modulus { number, factor: inverse.wrapping_neg(), square })
    }

    /// How many words it has.
    pub(crate) fn words(&self) -> usize {
        self.number.len() - 1
    }

    /// What is left of a number.
    pub(crate) fn left(&self, number: &[u32]) -> Vec<u32> {
        let mut out = vec![0; self.number.len()];
        for at in (0..number.len() * 32).rev() {
            multiply_add(&mut out, 2, &[1], number[at / 32] >> (at % 32) & 1);
            reduce(&mut out, &self.number);
        }
        out
    }

    /// What is left of the difference of two numbers that are smaller.
    pub(crate) fn difference(&self, a: &[u32], b: &[u32]) -> Vec<u32> {
        let mut out = a.to_vec();
        multiply_add(&mut out, 1, &self.number, 1);
        subtract(&mut out, b);
        reduce(&mut out, &self.number);
        out
    }

    /// The product of two numbers, divided by the words' range.
    fn scaled(&self, a: &[u32], b: &[u32]) -> Vec<u32> {
        let words = self.words();
        let mut out = vec![0; words + 2];
        for word in &a[..words] {
            multiply_add(&mut out, 1, b, *word);
            let factor = out[0].wrapping_mul(self.factor);
            multiply_add(&mut out, 1, &self.number, factor);
            out.rotate_left(1);
            out[words + 1] = 0;
        }
        out.truncate(words + 1);
        reduce(&mut out, &self.number);
        out
    }

    /// The product of two numbers.
    pub(crate) fn product(&self, a: &[u32], b: &[u32]) -> Vec<u32> {
        self.scaled(&self.scaled(a, b), &self.square)
    }

    /// A power of a number; the exponent's bytes begin with the highest.
    pub(crate) fn power(&self, base: &[u32], exponent: &[u8]) -> Vec<u32> {
        let base = self.scaled(base, &self.square);
        let mut out = self.scaled(&read(&[1], self.words()), &self.square);
        for bit in exponent.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)) {
            out = self.scaled(&out, &out);
            if bit == 1 {
                out = self.scaled(&out, &base);
            }
        }
        self.scaled(&out, &read(&[1], self.words()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest prime of 64 bits.
    const PRIME: u64 = 0xffff_ffff_ffff_ffc5;

    fn number(value: u64) -> Vec<u32> {
        read(&value.to_be_bytes(), 2)
    }

    fn value(number: &[u32]) -> u64 {
        number.iter().rev().fold(0, |out, word| out << 32 | u64::from(*word))
    }

    #[test]
    fn numbers_are_counted_by_a_prime() {
        let modulus = Modulus::new(&PRIME.to_be_bytes()).unwrap();
        for (a, b) in [(0, 5), (1, 1), (PRIME - 1, PRIME - 1), (0x1234_5678_9abc_def0, 0xfedc_ba98_7654_3210)] {
            let expected = (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64;
            assert_eq!(value(&modulus.product(&number(a), &number(b))), expected, "{a} * {b}");
            assert_eq!(value(&modulus.left(&product(&number(a), &number(b)))), expected, "{a} * {b}");
            let expected = ((u128::from(a) + u128::from(PRIME) - u128::from(b)) % u128::from(PRIME)) as u64;
            assert_eq!(value(&modulus.difference(&number(a), &number(b))), expected, "{a} - {b}");
            // Fermat's little theorem.
            let one = modulus.power(&number(a), &(PRIME - 1).to_be_bytes());
            assert_eq!(value(&one), u64::from(a != 0), "{a}");
        }
        let mut tenth = number(PRIME);
        divide(&mut tenth, 10);
        assert_eq!((value(&tenth), remainder(&number(PRIME), 10)), (PRIME / 10, (PRIME % 10) as u32));
        assert!(
            [&[0x7f, 0, 0, 1][..], &[0x80, 0, 0, 2], &[0x80], &[]].iter().all(|bytes| Modulus::new(bytes).is_none())
        );
    }
}
