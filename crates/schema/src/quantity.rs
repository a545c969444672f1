//! Amounts of resources: `500m`, `1.5`, `2Gi`, `1e3`. Exact, with Kubernetes' canonical form and rounding.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use drydock_value::Value;

/// In which family of suffixes a quantity is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `k`, `M`, `G`, `m`...
    #[default]
    DecimalSi,
    /// `Ki`, `Mi`, `Gi`...
    BinarySi,
    /// `e3`, `e6`...
    DecimalExponent,
}

/// Why a text is no quantity, in Kubernetes' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuantityError {
    /// It has not the form of one.
    Format,
    /// Its suffix is unknown.
    Suffix,
    /// Its number cannot be read.
    Numeric,
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            QuantityError::Format => {
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            }
            QuantityError::Suffix => "unable to parse quantity's suffix",
            QuantityError::Numeric => "unable to parse numeric part of quantity",
        })
    }
}

impl std::error::Error for QuantityError {}

/// An amount: `number * 10^scale`. Nothing below a billionth, everything else exact (up to 38 digits).
#[derive(Debug, Clone, Copy, Default)]
pub struct Quantity {
    number: i128,
    scale: i32,
    format: Format,
}

const NANO: i32 = -9;
/// Kubernetes takes its fast way for numbers of up to this many digits, and keeps some of their texts as they are.
const FAST_DIGITS: i32 = 18;
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// A text taken apart.
struct Parts<'a> {
    negative: bool,
    /// The digits before the point, without leading zeros ("0" when there are none).
    whole: &'a str,
    /// The digits behind the point.
    fraction: &'a str,
    suffix: &'a str,
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn take_apart(text: &str) -> Result<Parts<'_>, QuantityError> {
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let rest = rest.trim_start_matches('0');
    let (whole, rest) = rest.split_at(digits(rest));
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(digits(rest)),
        None => ("", rest),
    };
    // Letters of suffixes, a sign, digits: an exponent.
    let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let exponent = letters.strip_prefix(['-', '+']).unwrap_or(letters);
    if digits(exponent) != exponent.len() {
        return Err(QuantityError::Format);
    }
    Ok(Parts { negative, whole: if whole.is_empty() { "0" } else { whole }, fraction, suffix })
}

/// The power of the suffix (of ten, or of two for the binary ones) and the family.
fn interpret(suffix: &str) -> Result<(i32, Format), QuantityError> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Ok((*exponent, Format::DecimalSi));
    }
    if let Some(at) = BINARY.iter().position(|name| *name == suffix) {
        return Ok((10 * (at as i32 + 1), Format::BinarySi));
    }
    match suffix.strip_prefix(['e', 'E']) {
        Some(exponent) if !exponent.is_empty() => {
            let exponent: i64 = exponent.parse().map_err(|_| QuantityError::Suffix)?;
            Ok((exponent as i32, Format::DecimalExponent))
        }
        _ => Err(QuantityError::Suffix),
    }
}

impl Quantity {
    /// Reads a quantity.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Quantity, QuantityError> {
        parse(text).map(|(quantity, _)| quantity)
    }

    /// The text that the API server makes of a quantity's text: the canonical form, except that what is written well
    /// enough stays as it is (`1e3`, `+5`).
    ///
    /// # Errors
    /// When the text is none.
    pub fn canonical(text: &str) -> Result<String, QuantityError> {
        let (quantity, keep) = parse(text)?;
        Ok(if keep { text.to_owned() } else { quantity.to_string() })
    }

    /// The quantity that a JSON value holds (text or number).
    ///
    /// # Errors
    /// When it holds none.
    pub fn of(value: &Value) -> Result<Quantity, QuantityError> {
        match value {
            Value::String(text) => Quantity::parse(text.trim()),
            Value::Null => Ok(Quantity::default()),
            other => Quantity::parse(&other.to_string()),
        }
    }

    /// A whole number.
    pub fn new(value: i64) -> Quantity {
        Quantity { number: value.into(), scale: 0, format: Format::DecimalSi }
    }

    /// So many bytes, written with binary suffixes.
    pub fn bytes(value: i64) -> Quantity {
        Quantity { number: value.into(), scale: 0, format: Format::BinarySi }
    }

    /// So many thousandths.
    pub fn from_milli(value: i64) -> Quantity {
        Quantity { number: value.into(), scale: -3, format: Format::DecimalSi }
    }

    /// In which family of suffixes it is written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether it is nothing.
    pub fn is_zero(&self) -> bool {
        self.number == 0
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i32 {
        self.number.signum() as i32
    }

    /// The amount in units of `10^scale`, rounded away from zero, and whether that was exact.
    fn at_scale(&self, scale: i32) -> (i128, bool) {
        let shift = self.scale.saturating_sub(scale);
        if shift >= 0 {
            let number = power(10, shift).and_then(|factor| self.number.checked_mul(factor));
            return (number.unwrap_or_else(|| saturated(self.number)), true);
        }
        let Some(divisor) = power(10, -shift) else { return (i128::from(self.sign()), self.number == 0) };
        let rest = self.number % divisor;
        let number = self.number / divisor + if rest == 0 { 0 } else { rest.signum() };
        (number, rest == 0)
    }

    /// The amount as a whole number, rounded up; capped to what fits.
    pub fn value(&self) -> i64 {
        clamp(self.at_scale(0).0)
    }

    /// The amount in thousandths, rounded up; capped to what fits.
    pub fn milli_value(&self) -> i64 {
        clamp(self.at_scale(-3).0)
    }

    /// The amount as a whole number when it is one.
    pub fn exact(&self) -> Option<i64> {
        let (number, exact) = self.at_scale(0);
        if exact { i64::try_from(number).ok() } else { None }
    }

    /// The nearest floating point number.
    pub fn as_f64(&self) -> f64 {
        self.number as f64 * 10f64.powi(self.scale)
    }

    /// Rounds up to thousandths, as the API server does with a container's resources.
    #[must_use]
    pub fn rounded_to_milli(self) -> Quantity {
        if self.scale >= -3 {
            return self;
        }
        Quantity { number: self.at_scale(-3).0, scale: -3, ..self }
    }

    /// The sum. Nothing takes the other's way of writing.
    #[must_use]
    pub fn add(&self, other: &Quantity) -> Quantity {
        let scale = self.scale.min(other.scale);
        let format = if self.is_zero() { other.format } else { self.format };
        Quantity { number: self.at_scale(scale).0.saturating_add(other.at_scale(scale).0), scale, format }
    }

    /// The difference. Nothing takes the other's way of writing.
    #[must_use]
    pub fn sub(&self, other: &Quantity) -> Quantity {
        self.add(&other.negated()).in_format(if self.is_zero() { other.format } else { self.format })
    }

    /// The product with a whole number.
    #[must_use]
    pub fn times(&self, factor: i64) -> Quantity {
        Quantity { number: self.number.saturating_mul(factor.into()), ..*self }
    }

    /// The opposite.
    #[must_use]
    pub fn negated(&self) -> Quantity {
        Quantity { number: self.number.saturating_neg(), ..*self }
    }

    /// The same amount in another way of writing.
    #[must_use]
    pub fn in_format(self, format: Format) -> Quantity {
        Quantity { format, ..self }
    }
}

fn power(base: i128, exponent: i32) -> Option<i128> {
    base.checked_pow(u32::try_from(exponent).ok()?)
}

fn saturated(number: i128) -> i128 {
    match number.signum() {
        0 => 0,
        1 => i128::MAX,
        _ => i128::MIN + 1,
    }
}

fn clamp(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

/// Reads a quantity, and tells whether Kubernetes keeps its text.
fn parse(text: &str) -> Result<(Quantity, bool), QuantityError> {
    if text.is_empty() {
        return Err(QuantityError::Format);
    }
    let parts = take_apart(text)?;
    let (exponent, format) = interpret(parts.suffix)?;
    let shifted = format!("{}{}", parts.whole, parts.fraction);
    let (length, whole) = (shifted.len() as i32, parts.whole.len() as i32);
    let fraction = parts.fraction.len() as i32;
    let signed = |number: i128| if parts.negative { -number } else { number };
    if format == Format::BinarySi {
        let number = shifted.parse::<i128>().ok().and_then(|n| n.checked_mul(power(2, exponent)?));
        let mut quantity = Quantity { number: number.unwrap_or(i128::MAX), scale: -fraction, format };
        let fast = fraction == 0 && 15 - whole - exponent * 3 / 10 > 0;
        if fast {
            let value: i128 = shifted.parse().unwrap_or(0);
            quantity.number = signed(quantity.number);
            return Ok((quantity, value & 7 != 0));
        }
        quantity = to_nano(quantity);
        if quantity.at_scale(0).0 > i128::from(i64::MAX) {
            quantity = Quantity::new(i64::MAX).in_format(format);
        }
        if quantity.number != 0 && quantity < Quantity::new(1) {
            quantity.format = Format::DecimalSi;
        }
        quantity.number = signed(quantity.number);
        return Ok((quantity, false));
    }
    let scale = exponent.saturating_sub(fraction);
    let number = shifted.parse::<i128>().unwrap_or(i128::MAX);
    if FAST_DIGITS >= length && scale >= NANO {
        let keep = scale % 3 == 0 && !shifted.ends_with("000") && !shifted.starts_with('0');
        return Ok((Quantity { number: signed(number), scale, format }, keep));
    }
    let quantity = to_nano(Quantity { number, scale, format });
    Ok((Quantity { number: signed(quantity.number), ..quantity }, false))
}

/// Rounds up what is smaller than a billionth.
fn to_nano(quantity: Quantity) -> Quantity {
    if quantity.scale >= NANO || quantity.number == 0 {
        return quantity;
    }
    Quantity { number: quantity.at_scale(NANO).0, scale: NANO, ..quantity }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Quantity, QuantityError> {
        Quantity::parse(text)
    }
}

impl PartialEq for Quantity {
    /// By amount, however it is written.
    fn eq(&self, other: &Quantity) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Quantity) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Quantity) -> Ordering {
        if self.number == 0 || other.number == 0 {
            return self.number.signum().cmp(&other.number.signum());
        }
        let scale = self.scale.min(other.scale);
        self.at_scale(scale).0.cmp(&other.at_scale(scale).0)
    }
}

/// Takes factors of `base` out of a number: what is left and how often it went.
fn without_factors(mut number: i128, base: i128) -> (i128, i32) {
    let mut times = 0;
    while number != 0 && number % base == 0 {
        number /= base;
        times += 1;
    }
    (number, times)
}

impl fmt::Display for Quantity {
    /// The canonical form: no fraction, the largest suffix that allows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.number == 0 {
            return f.write_str("0");
        }
        if self.format == Format::BinarySi {
            let (whole, exact) = self.at_scale(0);
            if exact && whole.abs() >= 1024 {
                let (number, times) = without_factors(whole, 1024);
                let suffix = times.checked_sub(1).and_then(|at| BINARY.get(at as usize)).copied().unwrap_or("");
                return write!(f, "{number}{suffix}");
            }
        }
        let (mut number, times) = without_factors(self.number, 10);
        let mut exponent = self.scale.saturating_add(times);
        while exponent % 3 != 0 {
            number = number.saturating_mul(10);
            exponent -= 1;
        }
        if self.format == Format::DecimalExponent {
            return if exponent == 0 { write!(f, "{number}") } else { write!(f, "{number}e{exponent}") };
        }
        // Beyond the last suffix Kubernetes loses it, and so the size.
        let suffix = DECIMAL.iter().find(|(_, power)| *power == exponent).map_or("", |(suffix, _)| suffix);
        write!(f, "{number}{suffix}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What `kubectl create quota --hard=k=TEXT --dry-run=client -o yaml` prints.
    #[test]
    fn canonical_forms_are_kubectls() {
        let cases = "
            1000m=1 1024Mi=1Gi 1.5=1500m 1.5Gi=1536Mi 0.1=100m 1e3=1e3 1E3=1E3 .001Ki=1024m 0.5n=1n 1000000Ki=1000000Ki
            12345678901234567890123=12345678901234567890123 +5=+5 5.=5. -1.20=-1200m 1500=1500 1Ei=1Ei
            16Ei=9223372036854775807 0=0 0.0=0 00100=00100 0.5=500m 1000k=1M 1e-3=1e-3 100e3=100e3
            123456789012345678901234567890Gi=9223372036854775807 1.7Ki=1740800m 0Gi=0 1000000u=1 0.000000001Ki=1024n
            3.14159265358979323846=3141592654n 1e18=1e18 9223372036854775808=9223372036854775808 -1.5Gi=-1536Mi
            1500n=1500n 0.3Ki=307200m 1.2e3=1200 1e1=10 12e-1=1200e-3 1e-1=100e-3 1e9=1e9 1e10=10e9 1.5e10=1.5e10
            10E=10E 1000E=1 8Ei=9223372036854775807 7.5Ei=7680Pi 1.0000000001=1000000001n 1023Ki=1023Ki 2048=2048
            2048Ki=2Mi 0.000000000001Ki=2n 100m=100m 0.1k=100 1.1k=1100 -0=0 -0.5=-500m
            1234567890.123456789=1234567890123456789n 1n=1n 999n=999n 1e0=1e0 5e-9=5e-9 5e-10=1e-9 1e-10=1e-9
            100Mi=100Mi 0.5Gi=512Mi 0.5Mi=512Ki 0.25Ki=256 1.00Gi=1Gi .=0 e5=0 1e99999=1e99999
        ";
        for case in cases.split_whitespace() {
            let (text, expected) = case.split_once('=').unwrap();
            assert_eq!(Quantity::canonical(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_in_kubernetes_words() {
        for text in ["", "1.2.3", "abc", "1 Gi", "0x10", "1__0", "1Gx", "1KI"] {
            assert_eq!(Quantity::parse(text), Err(QuantityError::Format), "{text}");
        }
        for text in ["1i", "1eE", "1ki", "--1", "1e"] {
            assert_eq!(Quantity::parse(text), Err(QuantityError::Suffix), "{text}");
        }
    }

    fn q(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    #[test]
    fn calculates() {
        assert_eq!(q("1").add(&q("500m")).to_string(), "1500m");
        assert_eq!(q("0").add(&q("1Gi")).to_string(), "1Gi");
        assert_eq!(q("1Gi").sub(&q("512Mi")).to_string(), "512Mi");
        assert_eq!(q("100m").times(3).to_string(), "300m");
        assert!(q("1Gi") > q("1G") && q("1000m") == q("1"));
        assert_eq!((q("1.2").value(), q("1.2").milli_value(), q("100u").milli_value()), (2, 1200, 1));
        assert_eq!((q("-1.2").value(), q("1Gi").value(), q("1e30").value()), (-2, 1 << 30, i64::MAX));
        assert_eq!((q("1.5").exact(), q("2Ki").exact()), (None, Some(2048)));
        assert_eq!(q("1500u").rounded_to_milli().to_string(), "2m");
    }

    proptest! {
        #[test]
        fn the_canonical_form_means_the_same(number in -1_000_000_000i64..1_000_000_000, at in 0usize..16) {
            let suffix = ["n", "u", "m", "", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "e3", "e-3", ".5"][at];
            let quantity = q(&format!("{number}{suffix}"));
            let canonical = q(&quantity.to_string());
            prop_assert_eq!(quantity, canonical);
            prop_assert_eq!(quantity.to_string(), canonical.to_string());
        }

        #[test]
        fn sums_do_not_depend_on_the_order(a in "[0-9]{1,8}(m|k|Mi|Gi)?", b in "[0-9]{1,8}(m|k|Mi|Gi)?") {
            prop_assert_eq!(q(&a).add(&q(&b)), q(&b).add(&q(&a)));
            prop_assert_eq!(q(&a).add(&q(&b)).sub(&q(&b)), q(&a));
        }

        #[test]
        fn garbage_never_panics(text in "[-+0-9.eEinumkKMGTP]{0,40}") {
            if let Ok(quantity) = Quantity::parse(&text) {
                let _ = (quantity.to_string(), quantity.value(), quantity.milli_value(), quantity.add(&quantity));
            }
        }
    }
}
