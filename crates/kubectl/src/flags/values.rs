//! The values of flags, read and typed as pflag does.

use drydock_sorted::SortedMap;
use std::time::Duration;

use super::table::{FlagInfo, Kind};

/// What was given on the command line, by the flags' long names. A flag that was not given has its default.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    given: SortedMap<&'static str, Vec<String>>,
    known: SortedMap<&'static str, FlagInfo>,
}

impl Flags {
    /// With these flags known, none given.
    pub fn new(known: impl IntoIterator<Item = FlagInfo>) -> Flags {
        Flags { given: SortedMap::new(), known: known.into_iter().map(|flag| (flag.name, flag)).collect() }
    }

    /// Sets a flag as the command line does.
    ///
    /// # Errors
    /// Go's words when the value is not what the flag holds.
    pub fn set(&mut self, flag: &FlagInfo, value: &str) -> Result<(), String> {
        match flag.kind {
            Kind::Bool | Kind::Tristate => {
                parse_bool(value).ok_or_else(|| format!("strconv.ParseBool: parsing {value:?}: invalid syntax"))?;
            }
            Kind::Int => {
                let number = parse_int(value)?;
                // Some are Go's int32.
                let small = matches!(
                    (flag.name, flag.short),
                    ("replicas", Some('r')) | ("port", None) | ("value" | "max" | "min" | "cpu-percent", _)
                );
                if small && i32::try_from(number).is_err() {
                    return Err(out_of_range(value));
                }
            }
            Kind::Duration => {
                // Flags of Go's own package tell less.
                let own = flag.name == "log-flush-frequency";
                parse_duration(value).map_err(|why| if own { "parse error".into() } else { why })?;
            }
            Kind::List | Kind::Map => {
                let values = if value.is_empty() { Vec::new() } else { split_csv(value)? };
                if flag.kind == Kind::Map
                    && let Some(bad) = values.iter().find(|pair| !pair.contains('='))
                {
                    // One is a flag of a kind of its own.
                    return Err(match flag.name {
                        "aggregation-rule" => "malformed pair, expect string=string".into(),
                        _ => format!("{bad} must be formatted as key=value"),
                    });
                }
                self.given.entry(flag.name).or_default().extend(values);
                return Ok(());
            }
            Kind::Array => {
                self.given.entry(flag.name).or_default().push(value.to_owned());
                return Ok(());
            }
            Kind::String | Kind::Optional => {
                let numbered = |pair: &str| pair.split_once('=').is_some_and(|(_, number)| parse_int(number).is_ok());
                if flag.name == "vmodule" && !value.split(',').filter(|pair| !pair.is_empty()).all(numbered) {
                    return Err("syntax error: expect comma-separated list of filename=N".into());
                }
            }
        }
        self.given.insert(flag.name, vec![value.to_owned()]);
        Ok(())
    }

    /// The same without these flags: what a command means by a name of its own is not what the global flag means.
    #[must_use]
    pub fn without<'f>(&self, names: impl IntoIterator<Item = &'f str>) -> Flags {
        let mut flags = self.clone();
        for name in names {
            flags.given.remove(name);
            flags.known.remove(name);
        }
        flags
    }

    /// Whether the flag was given.
    pub fn given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// The names of the flags that were given, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.given.keys().copied()
    }

    /// The text of a flag, or its default; empty for a flag that the command does not have.
    pub fn str(&self, name: &str) -> &str {
        match self.given.get(name).and_then(|values| values.last()) {
            Some(value) => value,
            None => self.known.get(name).map_or("", |flag| flag.default),
        }
    }

    /// The text, or None when it is empty.
    pub fn non_empty(&self, name: &str) -> Option<&str> {
        Some(self.str(name)).filter(|text| !text.is_empty())
    }

    /// Whether a flag is true.
    pub fn bool(&self, name: &str) -> bool {
        parse_bool(self.str(name)).unwrap_or(false)
    }

    /// A number.
    pub fn int(&self, name: &str) -> i64 {
        parse_int(self.str(name)).unwrap_or(0)
    }

    /// A duration; negative ones count as zero.
    pub fn duration(&self, name: &str) -> Duration {
        parse_duration(self.str(name)).map_or(Duration::ZERO, |nanos| Duration::from_nanos(nanos.max(0).unsigned_abs()))
    }

    /// The values of a list.
    pub fn list(&self, name: &str) -> Vec<String> {
        match self.given.get(name) {
            Some(values) => values.clone(),
            None => {
                let default = self.known.get(name).map_or("", |flag| flag.default);
                if default.is_empty() { Vec::new() } else { default.split(',').map(str::to_owned).collect() }
            }
        }
    }
}

/// Go's `strconv.ParseBool`.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

fn out_of_range(text: &str) -> String {
    format!("strconv.ParseInt: parsing {text:?}: value out of range")
}

fn parse_int(text: &str) -> Result<i64, String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return Err(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"));
    }
    i64::from_str_radix(&format!("{sign}{digits}"), base).map_err(|_| out_of_range(text))
}

/// Go's `time.ParseDuration`, in nanoseconds.
///
/// # Errors
/// Go's words.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let parsed = drydock_schema::duration::parse(text)?;
    let nanos = i64::try_from(parsed.duration.as_nanos()).unwrap_or(i64::MAX);
    Ok(if parsed.negative { -nanos } else { nanos })
}

/// One line of comma-separated values, quotes as Go's encoding/csv has them.
///
/// # Errors
/// Go's words.
pub fn split_csv(text: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let chars: Vec<char> = text.lines().next().unwrap_or("").chars().collect();
    let mut at = 0;
    loop {
        let mut field = String::new();
        if chars.get(at) == Some(&'"') {
            at += 1;
            loop {
                match chars.get(at) {
                    Some('"') if chars.get(at + 1) == Some(&'"') => {
                        field.push('"');
                        at += 2;
                    }
                    Some('"') => {
                        at += 1;
                        break;
                    }
                    Some(c) => {
                        field.push(*c);
                        at += 1;
                    }
                    None => {
                        return Err(format!(
                            "record on line 1; parse error on line 1, column {}: extraneous or missing \" in quoted-field",
                            at + 1
                        ));
                    }
                }
            }
            if !matches!(chars.get(at), None | Some(',')) {
                return Err(format!("parse error on line 1, column {}: extraneous or missing \" in quoted-field", at));
            }
        } else {
            while let Some(c) = chars.get(at).filter(|c| **c != ',') {
                if *c == '"' {
                    return Err(format!("parse error on line 1, column {}: bare \" in non-quoted-field", at + 1));
                }
                field.push(*c);
                at += 1;
            }
        }
        fields.push(field);
        match chars.get(at) {
            Some(_) => at += 1,
            None => return Ok(fields),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_go_reads_them() {
        let cases: &[(&str, Result<i64, &str>)] = &[
            ("0", Ok(0)),
            ("60s", Ok(60_000_000_000)),
            ("1h30m", Ok(5_400_000_000_000)),
            ("1.5s", Ok(1_500_000_000)),
            ("-1s", Ok(-1_000_000_000)),
            ("5", Err("time: missing unit in duration \"5\"")),
            ("5x", Err("time: unknown unit \"x\" in duration \"5x\"")),
            ("", Err("time: invalid duration \"\"")),
            ("s", Err("time: invalid duration \"s\"")),
        ];
        for (text, want) in cases {
            assert_eq!(parse_duration(text), want.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn lists_are_csv() {
        assert_eq!(split_csv("a,b").unwrap(), ["a", "b"]);
        assert_eq!(split_csv("\"a,b\",c").unwrap(), ["a,b", "c"]);
        assert_eq!(split_csv("a,").unwrap(), ["a", ""]);
        assert!(split_csv("a\"b").is_err());
    }
}
