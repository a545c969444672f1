//! Documents as messages.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use drydock_schema::{Schema, Shape, TypeRef};
use drydock_value::{Time, Value, to_json};

use super::table::{Numbers, Row, table};
use super::{MAGIC, Union, schema_type};

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn number(field: u64, value: u64, out: &mut Vec<u8>) {
    varint(field << 3, out);
    varint(value, out);
}

fn bytes(field: u64, value: &[u8], out: &mut Vec<u8>) {
    varint(field << 3 | 2, out);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// A message inside of a message.
fn inside(field: u64, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    write(&mut inner);
    bytes(field, &inner, out);
}

/// One value of a field, with its number.
fn value(field: u64, shape: Shape, from: &Value, out: &mut Vec<u8>) {
    match shape {
        Shape::String => bytes(field, from.str().as_bytes(), out),
        Shape::Integer { .. } => number(field, from.int() as u64, out),
        Shape::Number => {
            varint(field << 3 | 1, out);
            out.extend_from_slice(&from.as_f64().unwrap_or_default().to_bits().to_le_bytes());
        }
        Shape::Boolean => number(field, u64::from(from.as_bool() == Some(true)), out),
        Shape::Bytes => bytes(field, &BASE64_STANDARD.decode(from.str()).unwrap_or_default(), out),
        Shape::Quantity => inside(field, out, |out| bytes(1, from.str().as_bytes(), out)),
        Shape::Time | Shape::MicroTime => inside(field, out, |out| {
            if let Some(time) = Time::parse_rfc3339(from.str()) {
                number(1, time.seconds(), out);
                number(2, time.0 % 1_000_000 * 1000, out);
            }
        }),
        Shape::IntOrString => inside(field, out, |out| match from.as_str() {
            Some(text) => {
                number(1, 1, out);
                number(2, 0, out);
                bytes(3, text.as_bytes(), out);
            }
            None => {
                number(1, 0, out);
                number(2, from.int() as u64, out);
                bytes(3, b"", out);
            }
        }),
        // JSON in bytes.
        Shape::Any | Shape::Raw => inside(field, out, |out| bytes(1, to_json(from).as_bytes(), out)),
        Shape::Object(of) => inside(field, out, |out| message(of, from, out)),
        // A list as a map's value is a message with its items.
        Shape::List(inner) => {
            inside(field, out, |out| from.items().iter().for_each(|item| value(1, inner.get(), item, out)));
        }
        Shape::Map(inner) => {
            for (key, item) in from.entries() {
                inside(field, out, |out| {
                    bytes(1, key.as_bytes(), out);
                    value(2, inner.get(), item, out);
                });
            }
        }
    }
}

fn union(field: u64, kind: Union, from: &Value, out: &mut Vec<u8>) {
    let schema = |field: u64, from: &Value, out: &mut Vec<u8>| {
        if let Some(of) = schema_type() {
            inside(field, out, |out| message(of, from, out));
        }
    };
    match (kind, from) {
        (Union::Empty, _) => bytes(field, b"", out),
        (Union::SchemaOrList, Value::Array(items)) => {
            inside(field, out, |out| items.iter().for_each(|item| schema(2, item, out)));
        }
        (Union::SchemaOrList, _) => inside(field, out, |out| schema(1, from, out)),
        (Union::SchemaOrBool, Value::Bool(allows)) => inside(field, out, |out| number(1, u64::from(*allows), out)),
        (Union::SchemaOrBool, _) => inside(field, out, |out| {
            number(1, 1, out);
            schema(2, from, out);
        }),
        (Union::SchemaOrNames, _) => {
            for (key, item) in from.entries() {
                inside(field, out, |out| {
                    bytes(1, key.as_bytes(), out);
                    inside(2, out, |out| match item {
                        Value::Array(names) => names.iter().for_each(|name| bytes(2, name.str().as_bytes(), out)),
                        _ => schema(1, item, out),
                    });
                });
            }
        }
    }
}

fn message(of: TypeRef, from: &Value, out: &mut Vec<u8>) {
    if let Some(rows) = table().get(of.name()) {
        fill(of, rows, from, out);
    }
}

fn fill(of: TypeRef, rows: &Numbers, from: &Value, out: &mut Vec<u8>) {
    for (number, row) in rows {
        let name = match row {
            Row::Inline(inner) => {
                inside(*number, out, |out| fill(of, inner, from, out));
                continue;
            }
            Row::Field(name) => *name,
        };
        let (Some(field), Some(found)) = (of.field(name), from.get(name)) else { continue };
        match (Union::of(of, name), field.shape) {
            _ if found.is_null() => {}
            (Some(kind), _) => union(*number, kind, found, out),
            (None, Shape::List(inner)) => found.items().iter().for_each(|item| value(*number, inner.get(), item, out)),
            (None, shape) => value(*number, shape, found, out),
        }
    }
}

/// The message of a document without its envelope; none for what has no message.
fn raw(document: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    if let Some(of) = Schema::get().of(document) {
        fill(of, table().get(of.name())?, document, &mut out);
        return Some(out);
    }
    let meta = |name| Schema::get().by_name(&format!("io.k8s.apimachinery.pkg.apis.meta.v1.{name}"));
    if !document["apiVersion"].str().starts_with("meta.k8s.io/") {
        return None;
    }
    match document["kind"].str() {
        "PartialObjectMetadata" => inside(1, &mut out, |out| {
            meta("ObjectMeta").into_iter().for_each(|of| message(of, &document["metadata"], out));
        }),
        "PartialObjectMetadataList" => {
            inside(1, &mut out, |out| {
                meta("ListMeta").into_iter().for_each(|of| message(of, &document["metadata"], out));
            });
            for item in document["items"].items() {
                inside(2, &mut out, |out| {
                    inside(1, out, |out| {
                        meta("ObjectMeta").into_iter().for_each(|of| message(of, &item["metadata"], out));
                    });
                });
            }
        }
        _ => return None,
    }
    Some(out)
}

/// The body of a document; none for what has no message.
pub(crate) fn encode(document: &Value) -> Option<Vec<u8>> {
    let raw = raw(document)?;
    let mut out = Vec::with_capacity(raw.len() + 64);
    out.extend_from_slice(MAGIC);
    inside(1, &mut out, |out| {
        bytes(1, document["apiVersion"].str().as_bytes(), out);
        bytes(2, document["kind"].str().as_bytes(), out);
    });
    bytes(2, &raw, &mut out);
    // Encoding and type of what is inside: its own.
    bytes(3, b"", &mut out);
    bytes(4, b"", &mut out);
    Some(out)
}

/// An event of a watch, with its length before it; none for what has no message.
pub(crate) fn frame(event: &Value) -> Option<Vec<u8>> {
    let object = encode(&event["object"])?;
    let mut message = Vec::with_capacity(object.len() + 32);
    bytes(1, event["type"].str().as_bytes(), &mut message);
    inside(2, &mut message, |out| bytes(1, &object, out));
    let mut out = u32::try_from(message.len()).ok()?.to_be_bytes().to_vec();
    out.append(&mut message);
    Some(out)
}
