//! Messages as the documents that they mean.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use drydock_schema::{Schema, Shape, TypeRef};
use drydock_value::{Time, Value, parse_json};

use super::table::{Numbers, Row, table};
use super::{DEPTH_MAX, MAGIC, Union, schema_type};

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
        if let Some(kind) = Union::of(of, name) {
            union(kind, name, wire.bytes()?, depth, out)?;
            continue;
        }
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

/// Puts into an object what one of the places has that JSON has no message for.
fn union(kind: Union, name: &str, bytes: &[u8], depth: usize, out: &mut Value) -> Result<(), String> {
    let of = schema_type().ok_or("proto: schemas are not known")?;
    let schema = |wire: Wire<'_>| message(of, wire.bytes()?, depth + 1);
    let found = fields(bytes)?;
    let with = |number: u64| found.iter().filter(move |(at, _)| *at == number).map(|(_, wire)| *wire);
    let value = match kind {
        Union::Empty => Value::object(),
        Union::SchemaOrList => match with(1).next() {
            Some(wire) => schema(wire)?,
            None => with(2).map(schema).collect::<Result<Vec<Value>, String>>()?.into_iter().collect(),
        },
        Union::SchemaOrBool => match with(2).next() {
            Some(wire) => schema(wire)?,
            None => (with(1).next().map(Wire::number).transpose()?.unwrap_or_default() != 0).into(),
        },
        Union::SchemaOrNames => {
            let key = with(1).next().map(Wire::text).transpose()?.unwrap_or_default();
            let inner = fields(with(2).next().map(Wire::bytes).transpose()?.unwrap_or_default())?;
            let item = match inner.iter().find(|(number, _)| *number == 1) {
                Some((_, wire)) => schema(*wire)?,
                None => {
                    let names = inner.iter().map(|(_, wire)| Ok(wire.text()?.into()));
                    names.collect::<Result<Vec<Value>, String>>()?.into_iter().collect()
                }
            };
            if out[name].is_null() {
                out.set(name, Value::object());
            }
            out[name].set(&key, item);
            return Ok(());
        }
    };
    out.set(name, value);
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
