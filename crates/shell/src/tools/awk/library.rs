//! The functions of `awk`.

use super::ast::Expr;
use super::run::{Awk, Stop, Value, leading_number, to_number};
use crate::tools::Call;
use crate::tools::printf::{self, Style};

/// Calls a function of the library.
pub(super) fn call(awk: &mut Awk, name: &str, arguments: &[Expr], call: &mut Call<'_, '_>) -> Result<Value, Stop> {
    let number = |value: f64| Ok(Value::Number(value));
    match name {
        "length" => match arguments.first() {
            None => number(awk.record().chars().count() as f64),
            Some(Expr::Var(array)) if awk.is_named_array(array) => number(awk.array(array).len() as f64),
            Some(expr) => number(text(awk, expr, call)?.chars().count() as f64),
        },
        "split" => split(awk, arguments, call),
        "sub" | "gsub" => substitute(awk, name == "gsub", arguments, call),
        "gensub" => gensub(awk, arguments, call),
        "match" => {
            let subject = argument_text(awk, arguments, 0, call)?;
            let Some(pattern) = arguments.get(1) else { return missing(name) };
            let regex = awk.pattern(pattern, call)?;
            let (start, length) = match regex.find(&subject) {
                Some(found) => (
                    subject.get(..found.start()).unwrap_or("").chars().count() as f64 + 1.0,
                    found.as_str().chars().count() as f64,
                ),
                None => (0.0, -1.0),
            };
            awk.set_number("RSTART", start);
            awk.set_number("RLENGTH", length);
            if let (Some(Expr::Var(array)), Some(captures)) = (arguments.get(2), regex.captures(&subject)) {
                let groups: Vec<String> =
                    captures.iter().map(|group| group.map_or(String::new(), |group| group.as_str().into())).collect();
                let array = awk.array(array);
                array.clear();
                for (at, group) in groups.into_iter().enumerate() {
                    array.insert(at.to_string(), Value::Input(group.into()));
                }
            }
            number(start)
        }
        _ => {
            let mut values = Vec::with_capacity(arguments.len());
            for expr in arguments {
                values.push(awk.eval(expr, call)?);
            }
            plain(awk, name, &values, call)
        }
    }
}

fn missing(name: &str) -> Result<Value, Stop> {
    Err(Stop::Error(format!("not enough arguments passed to function {name}")))
}

fn text(awk: &mut Awk, expr: &Expr, call: &mut Call<'_, '_>) -> Result<String, Stop> {
    let value = awk.eval(expr, call)?;
    Ok(awk.to_text(&value))
}

fn argument_text(awk: &mut Awk, arguments: &[Expr], at: usize, call: &mut Call<'_, '_>) -> Result<String, Stop> {
    match arguments.get(at) {
        Some(expr) => text(awk, expr, call),
        None => Ok(String::new()),
    }
}

/// Functions whose arguments are plain values.
fn plain(awk: &mut Awk, name: &str, values: &[Value], call: &mut Call<'_, '_>) -> Result<Value, Stop> {
    let text_at = |awk: &Awk, at: usize| values.get(at).map_or_else(String::new, |value| awk.to_text(value));
    let number_at = |at: usize| values.get(at).map_or(0.0, to_number);
    let number = |value: f64| Ok(Value::Number(value));
    let owned = |text: String| Ok(Value::Text(text.into()));
    match name {
        "substr" => {
            let chars: Vec<char> = text_at(awk, 0).chars().collect();
            let start = number_at(1).round();
            let end = match values.get(2) {
                Some(length) => start + to_number(length).round(),
                None => f64::INFINITY,
            };
            let clamp = |at: f64| (at - 1.0).clamp(0.0, chars.len() as f64) as usize;
            let (from, to) = (clamp(start), clamp(end));
            owned(chars.get(from..to.max(from)).unwrap_or_default().iter().collect())
        }
        "index" => {
            let (subject, part) = (text_at(awk, 0), text_at(awk, 1));
            let found = subject.find(&part).map_or(0, |at| subject.get(..at).unwrap_or("").chars().count() + 1);
            number(found as f64)
        }
        "tolower" => owned(text_at(awk, 0).to_lowercase()),
        "toupper" => owned(text_at(awk, 0).to_uppercase()),
        "sprintf" => owned(sprintf(awk, values)?),
        "int" => number(number_at(0).trunc()),
        "sqrt" => number(number_at(0).sqrt()),
        "exp" => number(number_at(0).exp()),
        "log" => number(number_at(0).ln()),
        "sin" => number(number_at(0).sin()),
        "cos" => number(number_at(0).cos()),
        "atan2" => number(number_at(0).atan2(number_at(1))),
        "rand" => {
            awk.random = awk.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            number((awk.random >> 11) as f64 / (1u64 << 53) as f64)
        }
        "srand" => {
            let old = awk.seed;
            awk.seed = if values.is_empty() { call.sys.now().seconds() as f64 } else { number_at(0) };
            awk.random = awk.seed.to_bits();
            number(old)
        }
        "systime" => number(call.sys.now().seconds() as f64),
        "strftime" => {
            let format = if values.is_empty() { "%a %b %e %H:%M:%S %Z %Y".into() } else { text_at(awk, 0) };
            let time = match values.get(1) {
                Some(seconds) => drydock_value::Time::from_seconds(to_number(seconds).clamp(0.0, 1e12) as u64),
                None => call.sys.now(),
            };
            owned(crate::tools::date::strftime(&format, time))
        }
        "close" => {
            let name = text_at(awk, 0);
            let closed = awk.close(&name, call);
            number(if closed { 0.0 } else { -1.0 })
        }
        "fflush" => {
            call.flush();
            number(0.0)
        }
        "system" => Err(Stop::Error("system() is not supported here".into())),
        "" => values.last().cloned().map_or(Ok(Value::None), Ok),
        name => Err(Stop::Error(format!("function {name} not defined"))),
    }
}

fn split(awk: &mut Awk, arguments: &[Expr], call: &mut Call<'_, '_>) -> Result<Value, Stop> {
    let subject = argument_text(awk, arguments, 0, call)?;
    let Some(Expr::Var(array)) = arguments.get(1) else { return missing("split") };
    let parts = match arguments.get(2) {
        Some(Expr::Regex(pattern)) => {
            // A pattern of one character is no plain separator here.
            let pattern = if pattern.chars().count() == 1 { format!("[{pattern}]") } else { pattern.clone() };
            awk.split(&subject, &pattern)?
        }
        Some(expr) => {
            let separator = text(awk, expr, call)?;
            awk.split(&subject, &separator)?
        }
        None => {
            let separator = awk.text_of("FS");
            awk.split(&subject, &separator)?
        }
    };
    let count = parts.len();
    let array = awk.array(array);
    array.clear();
    for (at, part) in parts.into_iter().enumerate() {
        array.insert((at + 1).to_string(), Value::Input(part.into()));
    }
    Ok(Value::Number(count as f64))
}

fn substitute(awk: &mut Awk, all: bool, arguments: &[Expr], call: &mut Call<'_, '_>) -> Result<Value, Stop> {
    let (Some(pattern), Some(with)) = (arguments.first(), arguments.get(1)) else { return missing("sub") };
    let regex = awk.pattern(pattern, call)?;
    let with = text(awk, with, call)?;
    let target = arguments.get(2).cloned().unwrap_or_else(|| Expr::Field(Box::new(Expr::Number(0.0))));
    let subject = text(awk, &target, call)?;
    let (mut out, mut at, mut count) = (String::new(), 0, 0);
    for found in regex.find_iter(&subject) {
        out.push_str(subject.get(at..found.start()).unwrap_or(""));
        replace(&with, |group| if group == 0 { found.as_str() } else { "" }, false, &mut out);
        at = found.end();
        count += 1;
        if !all {
            break;
        }
    }
    if count > 0 {
        out.push_str(subject.get(at..).unwrap_or(""));
        awk.check(out.len())?;
        awk.assign(&target, Value::Text(out.into()), call)?;
    }
    Ok(Value::Number(f64::from(count)))
}

fn gensub(awk: &mut Awk, arguments: &[Expr], call: &mut Call<'_, '_>) -> Result<Value, Stop> {
    let (Some(pattern), Some(with)) = (arguments.first(), arguments.get(1)) else { return missing("gensub") };
    let regex = awk.pattern(pattern, call)?;
    let with = text(awk, with, call)?;
    let which = argument_text(awk, arguments, 2, call)?;
    let subject = match arguments.get(3) {
        Some(expr) => text(awk, expr, call)?,
        None => awk.record().to_owned(),
    };
    let all = which.starts_with(['g', 'G']);
    let wanted = leading_number(&which).max(1.0) as usize;
    let (mut out, mut at) = (String::new(), 0);
    for (index, captures) in regex.captures_iter(&subject).enumerate() {
        if !all && index + 1 != wanted {
            continue;
        }
        let Some(whole) = captures.get(0) else { continue };
        out.push_str(subject.get(at..whole.start()).unwrap_or(""));
        replace(&with, |group| captures.get(group).map_or("", |found| found.as_str()), true, &mut out);
        at = whole.end();
    }
    out.push_str(subject.get(at..).unwrap_or(""));
    awk.check(out.len())?;
    Ok(Value::Text(out.into()))
}

/// Writes a replacement: `&` is the match, `\&` an ampersand, with `groups` also `\1`.
fn replace<'t>(with: &str, group: impl Fn(usize) -> &'t str, groups: bool, out: &mut String) {
    let mut chars = with.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '&' => out.push_str(group(0)),
            '\\' => match chars.peek() {
                Some('&') => {
                    chars.next();
                    out.push('&');
                }
                Some('\\') => {
                    chars.next();
                    out.push('\\');
                }
                Some(digit) if groups && digit.is_ascii_digit() => {
                    out.push_str(group(*digit as usize - '0' as usize));
                    chars.next();
                }
                _ => out.push('\\'),
            },
            c => out.push(c),
        }
    }
}

/// `sprintf`: the first value is the format. Numbers are cut to whole ones where the format wants those.
pub(super) fn sprintf(awk: &mut Awk, values: &[Value]) -> Result<String, Stop> {
    let Some((format, values)) = values.split_first() else { return Ok(String::new()) };
    let format = awk.to_text(format);
    let mut out = String::new();
    let mut values = values.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.next_if_eq(&'%').is_some() {
            out.push('%');
            continue;
        }
        let mut spec = String::from("%");
        let mut conversion = None;
        for c in chars.by_ref() {
            if c == '*' {
                let width = values.next().map_or(0.0, to_number);
                spec.push_str(&format!("{}", width as i64));
            } else if c.is_ascii_alphabetic() && c != 'l' && c != 'h' {
                conversion = Some(c);
                break;
            } else {
                spec.push(c);
            }
        }
        let Some(conversion) = conversion else {
            out.push_str(&spec);
            break;
        };
        let value = values.next().cloned().unwrap_or(Value::None);
        let (conversion, argument) = match conversion {
            'd' | 'i' => ('d', format!("{}", to_number(&value).trunc() as i64)),
            'u' | 'x' | 'X' | 'o' => (conversion, format!("{}", to_number(&value).trunc() as i64)),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => (conversion, format!("{}", to_number(&value))),
            'c' => match &value {
                Value::Number(code) => ('s', char::from_u32(*code as u32).unwrap_or('\0').to_string()),
                value => ('s', awk.to_text(value).chars().take(1).collect()),
            },
            's' => ('s', awk.to_text(&value)),
            other => {
                out.push_str(&spec);
                out.push(other);
                continue;
            }
        };
        spec.push(conversion);
        let piece = printf::format(&spec, &[argument], Style::Bash, drydock_value::Time::default());
        out.push_str(&String::from_utf8_lossy(&piece.bytes));
        awk.check(out.len())?;
    }
    Ok(out)
}
