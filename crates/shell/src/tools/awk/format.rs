//! awk's `printf`.

use super::value::Value;

/// More columns than this in one directive are taken as a mistake.
const WIDTH_MAX: usize = 100_000;

#[derive(Default)]
struct Directive {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

/// Fills a format in.
pub(super) fn format(format: &str, values: &[Value]) -> String {
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    let mut values = values.iter();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        let mut directive = Directive::default();
        while let Some(flag) = chars.peek() {
            match flag {
                '-' => directive.left = true,
                '0' => directive.zero = true,
                '+' => directive.plus = true,
                ' ' => directive.space = true,
                '#' => directive.alternate = true,
                _ => break,
            }
            chars.next();
        }
        let mut number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| -> Option<i64> {
            if chars.peek() == Some(&'*') {
                chars.next();
                return Some(values.next().map_or(0, |value| value.number() as i64));
            }
            let mut number = None;
            while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                number = Some((number.unwrap_or(0) * 10 + i64::from(digit)).min(WIDTH_MAX as i64));
                chars.next();
            }
            number
        };
        let width = number(&mut chars).unwrap_or(0);
        directive.left |= width < 0;
        directive.width = usize::try_from(width.abs()).unwrap_or(0).min(WIDTH_MAX);
        if chars.peek() == Some(&'.') {
            chars.next();
            directive.precision = Some(usize::try_from(number(&mut chars).unwrap_or(0)).unwrap_or(0).min(WIDTH_MAX));
        }
        while matches!(chars.peek(), Some('l' | 'h' | 'L' | 'q')) {
            chars.next();
        }
        let Some(conversion) = chars.next() else {
            out.push('%');
            break;
        };
        let value = values.next().cloned().unwrap_or(Value::Unset);
        out.push_str(&directive.fill(conversion, &value));
    }
    out
}

impl Directive {
    fn fill(&self, conversion: char, value: &Value) -> String {
        let (text, numeric) = match conversion {
            'd' | 'i' => {
                (self.sign(value.number().trunc(), &self.digits(format!("{}", value.number().abs() as u64))), true)
            }
            'u' => (self.digits(format!("{}", value.number() as u64)), true),
            'o' => (self.digits(format!("{:o}", value.number() as i64)), true),
            'x' => {
                (self.digits(format!("{}{:x}", if self.alternate { "0x" } else { "" }, value.number() as i64)), true)
            }
            'X' => {
                (self.digits(format!("{}{:X}", if self.alternate { "0X" } else { "" }, value.number() as i64)), true)
            }
            'f' | 'F' => {
                let precision = self.precision.unwrap_or(6);
                (self.sign(value.number(), &format!("{:.precision$}", value.number().abs())), true)
            }
            'e' | 'E' => (
                self.sign(value.number(), &exponent(value.number().abs(), self.precision.unwrap_or(6), conversion)),
                true,
            ),
            'g' | 'G' => (
                self.sign(value.number(), &general(value.number().abs(), self.precision.unwrap_or(6), conversion)),
                true,
            ),
            'c' => (character(value), false),
            's' => {
                let text = value.to_text("%.6g");
                (text.chars().take(self.precision.unwrap_or(usize::MAX)).collect(), false)
            }
            other => return format!("%{other}"),
        };
        self.pad(text, numeric)
    }

    fn digits(&self, digits: String) -> String {
        let missing = self.precision.unwrap_or(0).saturating_sub(digits.len());
        format!("{}{digits}", "0".repeat(missing))
    }

    fn sign(&self, number: f64, digits: &str) -> String {
        let sign = match number {
            n if n < 0.0 => "-",
            _ if self.plus => "+",
            _ if self.space => " ",
            _ => "",
        };
        format!("{sign}{digits}")
    }

    fn pad(&self, text: String, numeric: bool) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        if self.left {
            format!("{text}{}", " ".repeat(missing))
        } else if self.zero && numeric {
            let signs = text.len() - text.trim_start_matches(['+', '-', ' ']).len();
            format!("{}{}{}", &text[..signs], "0".repeat(missing), &text[signs..])
        } else {
            format!("{}{text}", " ".repeat(missing))
        }
    }
}

fn character(value: &Value) -> String {
    match value {
        Value::Number(number) => char::from_u32(*number as u32).map(String::from).unwrap_or_default(),
        value => value.to_text("%.6g").chars().next().map(String::from).unwrap_or_default(),
    }
}

fn exponent(number: f64, precision: usize, letter: char) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}{letter}{sign}{digits:0>2}")
}

fn general(number: f64, precision: usize, letter: char) -> String {
    let precision = precision.max(1);
    if number == 0.0 {
        return "0".into();
    }
    let scientific = format!("{number:.*e}", precision - 1);
    let magnitude: i32 = scientific.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let trim = |text: &str| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
    };
    if magnitude < -4 || magnitude >= i32::try_from(precision).unwrap_or(i32::MAX) {
        let text = exponent(number, precision - 1, if letter == 'G' { 'E' } else { 'e' });
        let split = text.find(['e', 'E']).unwrap_or(text.len());
        format!("{}{}", trim(&text[..split]), &text[split..])
    } else {
        let decimals = usize::try_from(i32::try_from(precision).unwrap_or(0) - 1 - magnitude).unwrap_or(0);
        trim(&format!("{number:.decimals$}"))
    }
}
