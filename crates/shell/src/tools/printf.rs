//! `printf`.

use drydock_value::Time;

use super::Call;
use crate::Flavour;
use crate::shell::quote::{quote, unescape};

/// Whose words errors use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Bash,
    Busybox,
    Dash,
}

/// What `printf` prints and complains of.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub bytes: Vec<u8>,
    pub errors: Vec<String>,
}

/// What a printf may grow to.
const BYTES_MAX: usize = 1 << 20;
const WIDTH_MAX: usize = 10_000;

struct Directive {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

struct Printer<'a> {
    arguments: std::slice::Iter<'a, String>,
    used: bool,
    style: Style,
    out: Output,
}

/// Prints arguments by a format, again and again until all are used.
pub(crate) fn format(format: &str, arguments: &[String], style: Style, now: Time) -> Output {
    let mut printer = Printer { arguments: arguments.iter(), used: false, style, out: Output::default() };
    loop {
        printer.used = false;
        let stopped = printer.pass(format, now);
        if stopped || !printer.used || printer.arguments.as_slice().is_empty() || printer.out.bytes.len() > BYTES_MAX {
            return printer.out;
        }
    }
}

impl Printer<'_> {
    fn next(&mut self) -> Option<String> {
        self.used = true;
        self.arguments.next().cloned()
    }

    /// One pass over the format. Whether a `\c` ended it all.
    fn pass(&mut self, format: &str, now: Time) -> bool {
        let mut chars = format.chars().peekable();
        let mut literal = String::new();
        while let Some(c) = chars.next() {
            match c {
                '\\' => {
                    literal.push('\\');
                    literal.extend(chars.next());
                    continue;
                }
                '%' => {}
                c => {
                    literal.push(c);
                    continue;
                }
            }
            self.literal(&mut literal);
            if chars.next_if_eq(&'%').is_some() {
                self.out.bytes.push(b'%');
                continue;
            }
            let mut directive = Directive {
                minus: false,
                plus: false,
                space: false,
                zero: false,
                alternate: false,
                width: 0,
                precision: None,
            };
            let mut spec = String::from("%");
            while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | ' ' | '0' | '#' | '\'')) {
                spec.push(flag);
                match flag {
                    '-' => directive.minus = true,
                    '+' => directive.plus = true,
                    ' ' => directive.space = true,
                    '0' => directive.zero = true,
                    '#' => directive.alternate = true,
                    _ => {}
                }
            }
            let mut number = |printer: &mut Self, spec: &mut String| -> Option<i64> {
                if chars.next_if_eq(&'*').is_some() {
                    let text = printer.next().unwrap_or_default();
                    return Some(printer.integer(&text));
                }
                let mut digits = String::new();
                while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                    digits.push(digit);
                }
                spec.push_str(&digits);
                digits.parse().ok()
            };
            if let Some(width) = number(self, &mut spec) {
                directive.minus |= width < 0;
                directive.width = (width.unsigned_abs() as usize).min(WIDTH_MAX);
            }
            if chars.next_if_eq(&'.').is_some() {
                spec.push('.');
                let mut number = |printer: &mut Self| -> Option<i64> {
                    if chars.next_if_eq(&'*').is_some() {
                        let text = printer.next().unwrap_or_default();
                        return Some(printer.integer(&text));
                    }
                    let mut digits = String::new();
                    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                        digits.push(digit);
                    }
                    digits.parse().ok()
                };
                let precision = number(self).unwrap_or(0);
                directive.precision = usize::try_from(precision).ok().map(|p| p.min(WIDTH_MAX));
            }
            while chars.next_if(|c| matches!(c, 'l' | 'h' | 'j' | 'z' | 't' | 'L')).is_some() {}
            match chars.next() {
                Some('(') => {
                    let mut pattern = String::new();
                    let mut depth = 0;
                    for c in chars.by_ref() {
                        match c {
                            '(' => depth += 1,
                            ')' if depth == 0 => break,
                            ')' => depth -= 1,
                            _ => {}
                        }
                        pattern.push(c);
                    }
                    chars.next_if_eq(&'T');
                    let time = match self.next().map(|text| text.parse::<i64>()) {
                        Some(Ok(seconds)) if seconds >= 0 => Time::from_seconds(seconds as u64),
                        _ => now,
                    };
                    let text = super::date::strftime(if pattern.is_empty() { "%X" } else { &pattern }, time);
                    self.pad(&text, &directive);
                }
                Some(conversion) => {
                    if self.convert(conversion, &directive, &spec) {
                        return true;
                    }
                }
                None => {
                    self.out.errors.push(match self.style {
                        Style::Bash => format!("`{spec}': missing format character"),
                        _ => format!("{spec}: invalid format"),
                    });
                    return true;
                }
            }
            if self.out.bytes.len() > BYTES_MAX {
                return true;
            }
        }
        self.literal(&mut literal);
        false
    }

    fn literal(&mut self, text: &mut String) {
        // In a format, octal numbers need no leading zero, and `\c` means nothing.
        let (bytes, _) = unescape(&text.replace("\\c", "\\\\c"), true);
        self.out.bytes.extend(bytes);
        text.clear();
    }

    /// Whether it ends everything.
    fn convert(&mut self, conversion: char, directive: &Directive, spec: &str) -> bool {
        match conversion {
            's' => {
                let text = self.next().unwrap_or_default();
                self.text(text, directive);
            }
            'b' => {
                let text = self.next().unwrap_or_default();
                let (bytes, stopped) = unescape(&text, false);
                if directive.width > 0 || directive.precision.is_some() {
                    self.text(crate::text::lossy(bytes), directive);
                } else {
                    self.out.bytes.extend(bytes);
                }
                return stopped;
            }
            'q' => {
                let text = self.next().unwrap_or_default();
                let quoted = if text.is_empty() { "''".into() } else { backslashed(&text) };
                self.text(quoted, directive);
            }
            'c' => {
                let text = self.next().unwrap_or_default();
                let first = text.chars().next().map(String::from).unwrap_or_default();
                self.pad(&first, directive);
            }
            'd' | 'i' => {
                let text = self.next().unwrap_or_default();
                let value = self.integer(&text);
                self.signed(&value.unsigned_abs().to_string(), value < 0, directive);
            }
            'u' | 'x' | 'X' | 'o' => {
                let text = self.next().unwrap_or_default();
                let value = self.integer(&text) as u64;
                let digits = match conversion {
                    'u' => value.to_string(),
                    'x' => format!("{}{value:x}", if directive.alternate && value > 0 { "0x" } else { "" }),
                    'X' => format!("{}{value:X}", if directive.alternate && value > 0 { "0X" } else { "" }),
                    _ => format!("{}{value:o}", if directive.alternate { "0" } else { "" }),
                };
                let plain = Directive { plus: false, space: false, ..*directive };
                self.signed(&digits, false, &plain);
            }
            'f' | 'F' | 'e' | 'E' | 'g' | 'G' => {
                let text = self.next().unwrap_or_default();
                let value = self.float(&text);
                let digits = float_text(value.abs(), conversion, directive.precision, directive.alternate);
                let plain = Directive { precision: None, ..*directive };
                self.signed(&digits, value.is_sign_negative() && !value.is_nan(), &plain);
            }
            other => {
                self.out.errors.push(match self.style {
                    Style::Bash => format!("`{other}': invalid format character"),
                    _ => format!("{spec}{other}: invalid format"),
                });
                return true;
            }
        }
        false
    }

    fn text(&mut self, text: String, directive: &Directive) {
        let text = match directive.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text,
        };
        self.pad(&text, directive);
    }

    fn pad(&mut self, text: &str, directive: &Directive) {
        let fill = " ".repeat(directive.width.saturating_sub(text.chars().count()));
        if directive.minus {
            self.out.bytes.extend(text.bytes().chain(fill.bytes()));
        } else {
            self.out.bytes.extend(fill.bytes().chain(text.bytes()));
        }
    }

    fn signed(&mut self, digits: &str, negative: bool, directive: &Directive) {
        let sign = match (negative, directive.plus, directive.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let mut digits = digits.to_owned();
        if let Some(precision) = directive.precision
            && digits.len() < precision
        {
            digits.insert_str(0, &"0".repeat(precision - digits.len()));
        }
        if directive.zero && !directive.minus && directive.precision.is_none() {
            let missing = directive.width.saturating_sub(digits.len() + sign.len());
            digits.insert_str(0, &"0".repeat(missing));
        }
        self.pad(&format!("{sign}{digits}"), directive);
    }

    /// A number as C writes it, or the code of a character after a quote.
    fn integer(&mut self, text: &str) -> i64 {
        if let Some(c) = text.strip_prefix(['\'', '"']) {
            return c.chars().next().map_or(0, |c| i64::from(c as u32));
        }
        let trimmed = text.trim_start();
        let (negative, digits) = match trimmed.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        let (radix, digits) = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            (16, hex)
        } else if digits.len() > 1 && digits.starts_with('0') {
            (8, digits)
        } else {
            (10, digits)
        };
        let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
        if end < digits.len() || (digits.is_empty() && !text.is_empty()) {
            self.invalid(text);
        }
        let value = i128::from_str_radix(digits.get(..end).unwrap_or("0"), radix).unwrap_or(0);
        let value = if negative { -value } else { value };
        i64::try_from(value).unwrap_or(if radix == 10 && !negative { i64::MAX } else { value as i64 })
    }

    fn float(&mut self, text: &str) -> f64 {
        if text.is_empty() {
            return 0.0;
        }
        match text.trim().parse() {
            Ok(value) => value,
            Err(_) => {
                self.invalid(text);
                let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
                text.get(..end).and_then(|number| number.parse().ok()).unwrap_or(0.0)
            }
        }
    }

    fn invalid(&mut self, text: &str) {
        self.out.errors.push(match self.style {
            Style::Bash => format!("{text}: invalid number"),
            Style::Busybox => format!("invalid number '{text}'"),
            Style::Dash => format!("{text}: expected numeric value"),
        });
    }
}

/// A text with backslashes, as bash's `%q` writes it.
fn backslashed(text: &str) -> String {
    if text.chars().any(char::is_control) {
        return quote(text);
    }
    let mut out = String::new();
    for c in text.chars() {
        if !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '=' | '@' | '%' | '+')) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A number as C's `%f`, `%e` and `%g` write it, without a sign.
pub(crate) fn float_text(value: f64, conversion: char, precision: Option<usize>, alternate: bool) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return "inf".into();
    }
    let precision = precision.unwrap_or(6).min(300);
    let scientific = |precision: usize| {
        let text = format!("{value:.precision$e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let sign = if exponent < 0 { '-' } else { '+' };
        (format!("{mantissa}e{sign}{:02}", exponent.abs()), exponent)
    };
    let text = match conversion {
        'f' | 'F' => format!("{value:.precision$}"),
        'e' | 'E' => scientific(precision).0,
        _ => {
            let significant = precision.max(1);
            let (text, exponent) = scientific(significant - 1);
            let text = if exponent < -4 || exponent >= significant as i32 {
                text
            } else {
                format!("{value:.*}", (significant as i32 - 1 - exponent).max(0) as usize)
            };
            if alternate {
                text
            } else {
                let (number, exponent) = text.split_once('e').map_or((text.as_str(), None), |(n, e)| (n, Some(e)));
                let number =
                    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
                exponent.map_or_else(|| number.to_owned(), |exponent| format!("{number}e{exponent}"))
            }
        }
    };
    if conversion.is_ascii_uppercase() { text.to_uppercase() } else { text }
}

pub(super) fn run(call: &mut Call<'_, '_>) -> i32 {
    let busybox = call.sys.flavour() == Flavour::Busybox;
    let style = if busybox { Style::Busybox } else { Style::Bash };
    let Some((pattern, arguments)) = call.args.split_first() else {
        return call.usage_error("missing operand");
    };
    let output = format(pattern, arguments, style, call.sys.now());
    for error in &output.errors {
        // The utility and bash's builtin quote differently.
        let error = if busybox { error.clone() } else { error.replacen(": ", "’: ", 1) };
        let error =
            if busybox { error } else { format!("‘{error}").replace("invalid number", "expected a numeric value") };
        call.error(&error);
    }
    call.put(&output.bytes);
    i32::from(!output.errors.is_empty())
}
