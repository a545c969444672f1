//! Kubernetes' protobuf: kubectl's typed commands send their objects in it. Only requests are read; answers are JSON, which
//! every client takes.
//!
//! The shapes of fields are the schema's; their numbers are in `data/fields.txt`. What a message carries although it is
//! empty (Go's messages always carry what is no pointer) the API server's own decoding leaves out again.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use drydock_schema::{Schema, Shape, TypeRef};
use drydock_value::{Time, Value, parse_json};

/// The content type.
pub(crate) const MEDIA: &str = "application/vnd.kubernetes.protobuf";

/// What every body begins with.
const MAGIC: &[u8] = b"k8s\0";
/// How deep messages may lie in each other.
const DEPTH_MAX: usize = 64;

pub(crate) const FIELDS: &str = include_str!("../data/fields.txt");

type Numbers = BTreeMap<u64, Row>;

/// What a number stands for.
enum Row {
    Field(&'static str),
    /// A message whose fields stand in the type itself.
    Inline(Numbers),
}

/// Reads `1=a 2=(1=b 2=c) ...` up to a closing bracket.
fn numbers(text: &'static str) -> (Numbers, &'static str) {
    let mut rows = Numbers::new();
    let mut rest = text.trim_start();
    while let Some((number, after)) = rest.split_once('=') {
        let Ok(number) = number.trim().parse() else { break };
        if let Some(inside) = after.strip_prefix('(') {
            let (inner, after) = numbers(inside);
            rows.insert(number, Row::Inline(inner));
            rest = after.strip_prefix(')').unwrap_or(after).trim_start();
            continue;
        }
        let end = after.find([' ', ')']).unwrap_or(after.len());
        rows.insert(number, Row::Field(&after[..end]));
        rest = &after[end..];
        if rest.starts_with(')') {
            break;
        }
        rest = rest.trim_start();
    }
    (rows, rest)
}

fn table() -> &'static BTreeMap<&'static str, Numbers> {
    static TABLE: OnceLock<BTreeMap<&'static str, Numbers>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let lines = FIELDS.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once(' ')).map(|(name, rest)| (name, numbers(rest).0)).collect()
    })
}

/// A field as it lies in a message.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

const TRUNCATED: &str = "unexpected EOF";

fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(TRUNCATED)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err("proto: integer overflow".into())
}

/// The fields of a message.
fn fields(mut bytes: &[u8]) -> Result<Vec<(u64, Wire<'_>)>, String> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let mut take = |length: usize| -> Result<&[u8], String> {
            let (taken, rest) = bytes.split_at_checked(length).ok_or(TRUNCATED)?;
            bytes = rest;
            Ok(taken)
        };
        let little = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let wire = match key & 7 {
            0 => Wire::Number(varint(&mut bytes)?),
            1 => Wire::Number(little(take(8)?)),
            2 => {
                let length = varint(&mut bytes)?;
                let length = usize::try_from(length).map_err(|_| TRUNCATED)?;
                let (taken, rest) = bytes.split_at_checked(length).ok_or(TRUNCATED)?;
                bytes = rest;
                Wire::Bytes(taken)
            }
            5 => Wire::Number(little(take(4)?)),
            other => return Err(format!("proto: illegal wireType {other}")),
        };
        found.push((key >> 3, wire));
    }
    Ok(found)
}

impl<'a> Wire<'a> {
    fn bytes(self) -> Result<&'a [u8], String> {
        match self {
            Wire::Bytes(bytes) => Ok(bytes),
            Wire::Number(_) => Err("proto: wrong wireType".into()),
        }
    }

    fn number(self) -> Result<i64, String> {
        match self {
            // Negative numbers are written as 64 bits, whatever their type.
            Wire::Number(number) => Ok(number as i64),
            Wire::Bytes(_) => Err("proto: wrong wireType".into()),
        }
    }

    fn text(self) -> Result<String, String> {
        Ok(String::from_utf8_lossy(self.bytes()?).into_owned())
    }
}

/// One field of a small message.
fn part(bytes: &[u8], number: u64) -> Result<Option<Wire<'_>>, String> {
    Ok(fields(bytes)?.into_iter().find(|(found, _)| *found == number).map(|(_, wire)| wire))
}

fn value(shape: Shape, wire: Wire<'_>, depth: usize) -> Result<Value, String> {
    Ok(match shape {
        Shape::String => wire.text()?.into(),
        Shape::Integer { .. } => wire.number()?.into(),
        Shape::Number => match wire {
            Wire::Number(bits) => f64::from_bits(bits).into(),
            Wire::Bytes(_) => return Err("proto: wrong wireType".into()),
        },
        Shape::Boolean => (wire.number()? != 0).into(),
        Shape::Bytes => BASE64_STANDARD.encode(wire.bytes()?).into(),
        Shape::Quantity => part(wire.bytes()?, 1)?.map(Wire::text).transpose()?.unwrap_or_default().into(),
        Shape::Time | Shape::MicroTime => {
            let bytes = wire.bytes()?;
            let seconds = part(bytes, 1)?.map(Wire::number).transpose()?.unwrap_or_default();
            let nanos = part(bytes, 2)?.map(Wire::number).transpose()?.unwrap_or_default();
            match u64::try_from(seconds) {
                Ok(seconds @ 1..=253_402_300_799) => {
                    let time = Time(seconds * 1_000_000 + nanos.unsigned_abs().min(999_999_999) / 1000);
                    if shape == Shape::Time { time.rfc3339() } else { time.rfc3339_micros() }.into()
                }
                _ => Value::Null,
            }
        }
        Shape::IntOrString => {
            let bytes = wire.bytes()?;
            let kind = part(bytes, 1)?.map(Wire::number).transpose()?.unwrap_or_default();
            match part(bytes, if kind == 0 { 2 } else { 3 })? {
                None => {
                    if kind == 0 {
                        0.into()
                    } else {
                        "".into()
                    }
                }
                Some(wire) if kind == 0 => wire.number()?.into(),
                Some(wire) => wire.text()?.into(),
            }
        }
        // JSON in bytes.
        Shape::Any | Shape::Raw => match part(wire.bytes()?, 1)? {
            None => Value::Null,
            Some(raw) => parse_json(&raw.text()?).map_err(|error| error.to_string())?,
        },
        Shape::Object(of) => message(of, wire.bytes()?, depth)?,
        // A list as a map's value is a message with its items.
        Shape::List(inner) => {
            let items: Result<Vec<Value>, String> =
                fields(wire.bytes()?)?.into_iter().map(|(_, item)| value(inner.get(), item, depth)).collect();
            items?.into_iter().collect()
        }
        Shape::Map(_) => return Err("proto: a map where none can be".into()),
    })
}

fn message(of: TypeRef, bytes: &[u8], depth: usize) -> Result<Value, String> {
    let rows = table().get(of.name()).ok_or_else(|| format!("proto: {} is not known", of.name()))?;
    let mut out = Value::object();
    fill(of, rows, bytes, depth + 1, &mut out)?;
    Ok(out)
}

fn fill(of: TypeRef, rows: &Numbers, bytes: &[u8], depth: usize, out: &mut Value) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err("proto: messages lie too deep in each other".into());
    }
    for (number, wire) in fields(bytes)? {
        // Fields that are not known are passed over, as everywhere in protobuf.
        let name = match rows.get(&number) {
            None => continue,
            Some(Row::Inline(inner)) => {
                fill(of, inner, wire.bytes()?, depth + 1, out)?;
                continue;
            }
            Some(Row::Field(name)) => *name,
        };
        let Some(field) = of.field(name) else { continue };
        match field.shape {
            Shape::List(inner) => {
                let item = value(inner.get(), wire, depth)?;
                if out[name].is_null() {
                    out.set(name, Value::array(Vec::<Value>::new()));
                }
                out[name].push(item);
            }
            Shape::Map(inner) => {
                let entry = fields(wire.bytes()?)?;
                let of_number = |number: u64| entry.iter().find(|(found, _)| *found == number).map(|(_, wire)| *wire);
                let key = of_number(1).map(Wire::text).transpose()?.unwrap_or_default();
                let item = match of_number(2) {
                    Some(wire) => value(inner.get(), wire, depth)?,
                    None => Value::from(""),
                };
                if out[name].is_null() {
                    out.set(name, Value::object());
                }
                out[name].set(&key, item);
            }
            shape => out.set(name, value(shape, wire, depth)?),
        }
    }
    Ok(())
}

/// The object of a body.
///
/// # Errors
/// When it is none, in words like the real server's.
pub(crate) fn decode(body: &[u8]) -> Result<Value, String> {
    let bytes = body
        .strip_prefix(MAGIC)
        .ok_or("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")?;
    let envelope = fields(bytes)?;
    let of_number = |number: u64| envelope.iter().find(|(found, _)| *found == number).map(|(_, wire)| *wire);
    let about = of_number(1).map(Wire::bytes).transpose()?.unwrap_or_default();
    let api_version = part(about, 1)?.map(Wire::text).transpose()?.unwrap_or_default();
    let kind = part(about, 2)?.map(Wire::text).transpose()?.unwrap_or_default();
    let raw = of_number(2).map(Wire::bytes).transpose()?.unwrap_or_default();
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let schema = Schema::get();
    let of = schema
        .by_parts(group, version, &kind)
        // Options belong to no group, or to all of them.
        .or_else(|| schema.by_name(&format!("io.k8s.apimachinery.pkg.apis.meta.v1.{kind}")))
        .ok_or_else(|| format!("no kind {kind:?} is registered for version {api_version:?}"))?;
    let mut object = message(of, raw, 0)?;
    object.set("apiVersion", api_version);
    object.set("kind", kind);
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::to_json;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn every_row_is_a_field_of_its_type() {
        fn check(of: TypeRef, rows: &Numbers) {
            for row in rows.values() {
                match row {
                    Row::Field(name) => assert!(of.field(name).is_some(), "{}.{name}", of.name()),
                    Row::Inline(inner) => check(of, inner),
                }
            }
        }
        assert!(table().len() > 400);
        for (name, rows) in table() {
            check(Schema::get().by_name(name).unwrap_or_else(|| panic!("{name}")), rows);
        }
    }

    #[test]
    fn a_deployment_of_kubectls_is_read() {
        // `kubectl create deployment web-real --image=nginx`, as kubectl v1.36.4 sends it.
        let body = hex(concat!(
            "6b3873000a150a07617070732f7631120a4465706c6f796d656e7412c0010a290a087765622d7265616c12001a0022002a00320038",
            "0042005a0f0a0361707012087765622d7265616c128401080212110a0f0a0361707012087765622d7265616c1a650a210a0012001a",
            "0022002a003200380042005a0f0a0361707012087765622d7265616c124012220a056e67696e7812056e67696e782a004200",
            "6a007200800100880100900100a201001a00320042004a0052005800600068008201008a01009a0100c2010022020a00280038001a",
            "0c0800100018002000280038001a002200",
        ));
        let object = decode(&body).unwrap();
        assert_eq!((object["apiVersion"].str(), object["kind"].str()), ("apps/v1", "Deployment"));
        assert_eq!(object["metadata"]["name"].str(), "web-real");
        assert_eq!(object["metadata"]["creationTimestamp"], Value::Null);
        assert_eq!(to_json(&object["spec"]["selector"]), r#"{"matchLabels":{"app":"web-real"}}"#);
        assert_eq!(object["spec"]["replicas"].int(), 2);
        let container = &object["spec"]["template"]["spec"]["containers"][0];
        assert_eq!((container["name"].str(), container["image"].str()), ("nginx", "nginx"));
        let decoded = drydock_schema::decode(Schema::get().of(&object).unwrap(), &object).unwrap();
        assert_eq!(
            to_json(&decoded.value["spec"]["template"]["spec"]),
            r#"{"containers":[{"image":"nginx","name":"nginx","resources":{}}]}"#
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for body in [
            &b""[..],
            b"{}",
            b"k8s\0\x0a\xff",
            b"k8s\0\x0a\x02\x0a\x09",
            b"k8s\0",
            b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert!(decode(body).is_err(), "{body:?}");
        }
    }
}
