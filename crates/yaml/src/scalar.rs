//! What a scalar means: YAML 1.1 as go-yaml reads it.

use crate::Error;

/// A scalar's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number above `i64::MAX`.
    Large(u64),
    Float(f64),
    /// A date or a time; go-yaml hands it on as the text it was, but prints such strings quoted.
    Timestamp,
    Text,
}

const PREFIX: &str = "tag:yaml.org,2002:";

impl Scalar {
    fn short_tag(&self) -> &'static str {
        match self {
            Scalar::Null => "!!null",
            Scalar::Bool(_) => "!!bool",
            Scalar::Int(_) | Scalar::Large(_) => "!!int",
            Scalar::Float(_) => "!!float",
            Scalar::Timestamp => "!!timestamp",
            Scalar::Text => "!!str",
        }
    }
}

/// Resolves a scalar that carries a tag.
pub(crate) fn resolve_tagged(tag: &str, text: &str) -> Result<Scalar, Error> {
    let Some(name) = tag.strip_prefix(PREFIX) else { return Ok(Scalar::Text) };
    if !matches!(name, "bool" | "int" | "float" | "null" | "timestamp") {
        return Ok(Scalar::Text);
    }
    let found = resolve_with(text, name == "timestamp");
    match (name, &found) {
        ("float", Scalar::Int(number)) => Ok(Scalar::Float(*number as f64)),
        _ if found.short_tag().strip_prefix("!!") == Some(name) => Ok(found),
        _ => Err(Error::yaml(format_args!("cannot decode {} `{text}` as a !!{name}", found.short_tag()))),
    }
}

/// Resolves a plain scalar without a tag.
pub(crate) fn resolve(text: &str) -> Scalar {
    resolve_with(text, true)
}

fn resolve_with(text: &str, timestamps: bool) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    match text.as_bytes().first() {
        Some(b'.') => decimal(text).map_or(Scalar::Text, Scalar::Float),
        Some(b'+' | b'-' | b'0'..=b'9') => {
            if timestamps && is_timestamp(text) {
                return Scalar::Timestamp;
            }
            number(&text.replace('_', ""))
        }
        _ => Scalar::Text,
    }
}

fn number(plain: &str) -> Scalar {
    let (negative, digits) = match plain.as_bytes().first() {
        Some(b'-') => (true, &plain[1..]),
        Some(b'+') => (false, &plain[1..]),
        _ => (false, plain),
    };
    // Go's base 0: 0x, 0o and 0b prefixes, and a leading zero alone means octal.
    let (radix, body) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    let well_formed = !body.is_empty() && body.chars().all(|c| c.is_digit(radix));
    if well_formed && let Ok(size) = i128::from_str_radix(body, radix) {
        let value = if negative { -size } else { size };
        if let Ok(value) = i64::try_from(value) {
            return Scalar::Int(value);
        }
        if let (Ok(value), false) = (u64::try_from(value), plain.starts_with('+')) {
            return Scalar::Large(value);
        }
        if radix != 10 {
            return Scalar::Float(value as f64);
        }
    }
    decimal(plain).map_or(Scalar::Text, Scalar::Float)
}

/// A decimal number as `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, when it is finite.
fn decimal(text: &str) -> Option<f64> {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = body.split_once(['e', 'E']).map_or((body, None), |(m, e)| (m, Some(e)));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['+', '-']).unwrap_or(e);
        !e.is_empty() && all_digits(e)
    });
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) || !exponent_fits {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether go-yaml takes the text for a date or a time.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 5 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    timestamp(text).is_some()
}

fn timestamp(text: &str) -> Option<()> {
    let mut rest = text.get(5..)?;
    let year: i64 = text.get(..4)?.parse().ok()?;
    let month = take_number(&mut rest, 1, 12)?;
    rest = rest.strip_prefix('-')?;
    let day = take_number(&mut rest, 1, 31)?;
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day > days {
        return None;
    }
    if rest.is_empty() {
        return Some(());
    }
    let zoned = !rest.starts_with(' ');
    rest = rest.strip_prefix(['T', 't', ' '])?;
    take_number(&mut rest, 0, 23)?;
    rest = rest.strip_prefix(':')?;
    take_number(&mut rest, 0, 59)?;
    rest = rest.strip_prefix(':')?;
    take_number(&mut rest, 0, 59)?;
    if let Some(fraction) = rest.strip_prefix('.').filter(|f| f.starts_with(|c: char| c.is_ascii_digit())) {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    if !zoned {
        return rest.is_empty().then_some(());
    }
    if rest == "Z" {
        return Some(());
    }
    let zone = rest.strip_prefix(['+', '-'])?.as_bytes();
    matches!(zone, [h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit())).then_some(())
}

/// Takes one or two digits whose value lies in the range.
fn take_number(text: &mut &str, low: u32, high: u32) -> Option<u32> {
    let length = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let value = text.get(..length)?.parse().ok()?;
    *text = &text[length..];
    (low..=high).contains(&value).then_some(value)
}

/// Whether a string would be read as something else when it stood there without quotes. Sexagesimal numbers (`1:30`)
/// count, though go-yaml itself no longer reads them.
pub(crate) fn needs_quotes(text: &str) -> bool {
    resolve(text) != Scalar::Text || is_base_60(text)
}

fn is_base_60(text: &str) -> bool {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !body.starts_with(|c: char| c.is_ascii_digit()) || !body.contains(':') {
        return false;
    }
    let (body, fraction) = body.split_once('.').unwrap_or((body, ""));
    let mut parts = body.split(':');
    let head = parts.next().is_some_and(|first| first.bytes().all(|b| b.is_ascii_digit() || b == b'_'));
    let tail = parts.all(|part| match part.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [tens, digit] => (b'0'..=b'5').contains(tens) && digit.is_ascii_digit(),
        _ => false,
    });
    head && tail && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_as_yaml_1_1() {
        let cases = [
            ("yes", Scalar::Bool(true)),
            ("n", Scalar::Bool(false)),
            ("Off", Scalar::Bool(false)),
            ("yEs", Scalar::Text),
            ("~", Scalar::Null),
            ("", Scalar::Null),
            ("0x1F", Scalar::Int(31)),
            ("0o17", Scalar::Int(15)),
            ("017", Scalar::Int(15)),
            ("08", Scalar::Float(8.0)),
            ("-0b11", Scalar::Int(-3)),
            ("1_000", Scalar::Int(1000)),
            ("+5", Scalar::Int(5)),
            ("1.", Scalar::Float(1.0)),
            (".5", Scalar::Float(0.5)),
            ("1e3", Scalar::Float(1000.0)),
            ("1e400", Scalar::Text),
            ("18446744073709551615", Scalar::Large(u64::MAX)),
            ("99999999999999999999", Scalar::Float(1e20)),
            ("2001-01-01", Scalar::Timestamp),
            ("2001-1-1T1:2:3Z", Scalar::Timestamp),
            ("2001-12-14 21:59:43.10", Scalar::Timestamp),
            ("2001-13-01", Scalar::Text),
            ("2001-02-29", Scalar::Text),
            ("2001-12-14t21:59:43+05:30", Scalar::Timestamp),
            ("1.2.3", Scalar::Text),
            ("1:30", Scalar::Text),
            ("-", Scalar::Text),
            ("0x", Scalar::Text),
            ("<<", Scalar::Text),
        ];
        for (text, expected) in cases {
            assert_eq!(resolve(text), expected, "{text}");
        }
        assert!(matches!(resolve(".NaN"), Scalar::Float(number) if number.is_nan()));
    }

    #[test]
    fn tags_win_or_fail() {
        assert_eq!(resolve_tagged("tag:yaml.org,2002:str", "5"), Ok(Scalar::Text));
        assert_eq!(resolve_tagged("tag:yaml.org,2002:float", "5"), Ok(Scalar::Float(5.0)));
        assert_eq!(resolve_tagged("!mine", "5"), Ok(Scalar::Text));
        let error = resolve_tagged("tag:yaml.org,2002:int", "x").unwrap_err();
        assert_eq!(error.message, "yaml: cannot decode !!str `x` as a !!int");
    }

    #[test]
    fn quotes_what_would_change() {
        for text in ["1", "true", "y", "null", "", "1:30", "12:30:45", "-1", "0x1", "1e3", "2020-01-01", ".5"] {
            assert!(needs_quotes(text), "{text}");
        }
        for text in ["a", "1.2.3", "1:99", "10m", "1Gi", "<<", "=", "yEs"] {
            assert!(!needs_quotes(text), "{text}");
        }
    }
}
