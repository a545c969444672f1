//! JSON text to and from values. The reading and the escaping are serde_json's; the number format is Go's.

use std::fmt::Write as _;
use std::marker::PhantomData;

use serde::de::DeserializeSeed;

use crate::{Error, Value};

/// Reads one JSON document.
///
/// # Errors
/// serde_json's message with line and column, when the text is not one JSON document.
pub fn parse_json(text: &str) -> Result<Value, Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    // Its own limit is half of what YAML may be; ours is kept by the visitor.
    reader.disable_recursion_limit();
    let value = Visitor { depth: 0 }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error: serde_json::Error| Error(error.to_string()))
}

/// How deep lists and objects may lie in each other, in JSON and YAML: what walks a value calls itself, and the stack of
/// a page's module is small. Go reads 10,000 levels.
pub const DEPTH_LIMIT: usize = 256;

/// Compact JSON with sorted keys, as Go's `json.Marshal` of a map: `<`, `>` and `&` are not escaped.
pub fn to_json(value: &Value) -> String {
    let mut out = String::new();
    write(value, None, 0, &mut out);
    out
}

/// JSON with sorted keys, indented by `indent` spaces a level, as `kubectl -o json` prints it (with 4).
pub fn to_json_pretty(value: &Value, indent: usize) -> String {
    let mut out = String::new();
    write(value, Some(indent), 0, &mut out);
    out
}

fn newline(indent: Option<usize>, depth: usize, out: &mut String) {
    if let Some(width) = indent {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', width * depth));
    }
}

fn write(value: &Value, indent: Option<usize>, depth: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        // Writing to a string cannot fail.
        Value::Int(i) => drop(write!(out, "{i}")),
        Value::Float(f) => out.push_str(&float(*f)),
        Value::String(s) => string(s, out),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                newline(indent, depth + 1, out);
                write(item, indent, depth + 1, out);
            }
            newline(indent, depth, out);
            out.push(']');
        }
        Value::Object(map) if map.is_empty() => out.push_str("{}"),
        Value::Object(map) => {
            out.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                newline(indent, depth + 1, out);
                string(key, out);
                out.push_str(if indent.is_some() { ": " } else { ":" });
                write(item, indent, depth + 1, out);
            }
            newline(indent, depth, out);
            out.push('}');
        }
    }
}

/// A float as Go's encoding/json writes it: shortest digits, an exponent below 1e-6 and from 1e21 on.
fn float(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(("+", exponent), |e| ("-", e));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{number}")
}

/// The escapes of Go's encoder where it leaves HTML alone; what needs none is copied in runs.
fn string(text: &str, out: &mut String) {
    out.push('"');
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[copied..at]);
        copied = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            // Writing to a string cannot fail.
            _ => drop(write!(out, "\\u{byte:04x}")),
        }
    }
    out.push_str(&text[copied..]);
    out.push('"');
}

impl std::str::FromStr for Value {
    type Err = Error;

    fn from_str(text: &str) -> Result<Value, Error> {
        parse_json(text)
    }
}

impl<'de> serde::Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(Visitor { depth: 0 })
    }
}

/// Reads a value that lies so deep.
#[derive(Clone, Copy)]
struct Visitor {
    depth: usize,
}

impl Visitor {
    fn below<E: serde::de::Error>(self) -> Result<Visitor, E> {
        if self.depth < DEPTH_LIMIT {
            return Ok(Visitor { depth: self.depth + 1 });
        }
        Err(E::custom(format_args!("exceeded max depth of {DEPTH_LIMIT}")))
    }
}

impl<'de> DeserializeSeed<'de> for Visitor {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Visitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_some<D: serde::Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(self)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        if number.is_finite() { Ok(Value::Float(number)) } else { Err(E::custom("number out of range")) }
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }
    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        let below = self.below()?;
        while let Some(item) = seq.next_element_seed(below)? {
            items.push(item);
        }
        Ok(Value::from(items))
    }
    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut pairs = Vec::new();
        let below = self.below()?;
        while let Some(pair) = access.next_entry_seed(PhantomData::<String>, below)? {
            pairs.push(pair);
        }
        Ok(Value::Object(pairs.into_iter().collect()))
    }
}

impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(b) => serializer.serialize_bool(*b),
            Value::Int(i) => serializer.serialize_i64(*i),
            Value::Float(f) => serializer.serialize_f64(*f),
            Value::String(s) => serializer.serialize_str(s),
            Value::Array(items) => serializer.collect_seq(items.iter()),
            Value::Object(map) => serializer.collect_map(map.iter()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{parse_json, to_json, to_json_pretty, value};

    #[test]
    fn prints_as_go_does() {
        let cases = [
            (value!({"b": [1, 2.5], "a": null}), r#"{"a":null,"b":[1,2.5]}"#),
            (value!("<a> & \"b\"\n"), r#""<a> & \"b\"\n""#),
            (value!([1e21, 1e-7, 100000.0]), "[1e+21,1e-07,100000]"),
            (value!({}), "{}"),
        ];
        for (value, text) in cases {
            assert_eq!(to_json(&value), text);
        }
        assert_eq!(to_json_pretty(&value!({"a": [1]}), 4), "{\n    \"a\": [\n        1\n    ]\n}");
    }

    #[test]
    fn escapes_what_must_be() {
        let every: String = (0..0x100u32).filter_map(char::from_u32).chain("\u{2028}😀".chars()).collect();
        for text in [every.as_str(), "", "plain", "\"", "a\\"] {
            assert_eq!(to_json(&value!(text)), serde_json::to_string(text).unwrap());
        }
    }

    #[test]
    fn reads_what_it_prints() {
        let text = r#"{"a":[1,-2,3.5,"x",true,null,{}],"b":"é"}"#;
        assert_eq!(to_json(&parse_json(text).unwrap()), text);
        assert!(parse_json("{").is_err());
        assert!(parse_json("1 1").is_err());
    }

    #[test]
    fn is_only_so_deep() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(to_json(&parse_json(&nested(256)).unwrap()), nested(256));
        for levels in [257, 300_000] {
            let why = parse_json(&nested(levels)).unwrap_err().0;
            assert!(why.starts_with("exceeded max depth of 256 at line 1"), "{why}");
        }
    }
}
