//! JSON in the order in which Go declares the fields, as the real server writes objects. What the schema does not know
//! (custom resources) is sorted by name, as there.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use drydock_schema::{Schema, Shape, TypeRef};
use drydock_value::{Map, Value};

use crate::protobuf::FIELDS;

/// What the schema has no types for: the documents that describe the API itself.
const OTHERS: [(&str, &str); 3] = [
    ("APIVersions", "kind apiVersion versions serverAddressByClientCIDRs"),
    ("APIGroupList", "kind apiVersion groups"),
    ("APIGroup", "kind apiVersion name versions preferredVersion serverAddressByClientCIDRs"),
];

struct Row {
    name: &'static str,
    rank: usize,
    shape: Shape,
    /// The name as it stands in a document, with quotes and colon.
    written: Box<[u8]>,
}

/// What is to be known of a type.
struct Fields {
    /// By name.
    rows: Vec<Row>,
    /// Whether objects of it stand for themselves.
    is_kind: bool,
}

/// The types by their index.
fn table() -> &'static [Fields] {
    static TABLE: OnceLock<Vec<Fields>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let lines = FIELDS.lines().filter_map(|line| line.split_once(' '));
        let orders: BTreeMap<&str, &str> = lines.collect();
        let types = Schema::get().types().map(|of| {
            let order = orders.get(of.name()).copied().unwrap_or_default();
            // Of `2=(1=hostPath` and `3=emptyDir)` it is the names that count here.
            let names = order.split(' ').filter_map(|field| field.rsplit('=').next());
            let own: Vec<&str> = names.map(|name| name.trim_end_matches(')')).collect();
            // Objects begin with these; where a type has them among its own, they have their places there.
            let first = ["kind", "apiVersion"].into_iter().filter(|name| !own.contains(name));
            let names: Vec<&str> = first.chain(own.iter().copied()).collect();
            let rank = |name: &str| names.iter().position(|known| *known == name).unwrap_or(names.len());
            let row = |name: &'static str, shape| Row {
                name,
                rank: rank(name),
                shape,
                written: format!("\"{name}\":").into_bytes().into(),
            };
            let rows: Vec<Row> = of.fields().map(|field| row(field.name, field.shape)).collect();
            let has = |name: &str| rows.iter().any(|row| row.name == name);
            Fields { is_kind: has("kind") && has("metadata"), rows }
        });
        types.collect()
    })
}

/// Writes a document. Characters that mean something in HTML are escaped, as Go's encoder escapes them.
pub(crate) fn write(document: &Value, out: &mut Vec<u8>) {
    if let (Some(kind), Value::Object(event)) = (document["type"].as_str(), document)
        && event.len() == 2
    {
        // An event of a watch.
        out.extend_from_slice(b"{\"type\":");
        text(kind, out);
        out.extend_from_slice(b",\"object\":");
        write(&document["object"], out);
        out.push(b'}');
        return;
    }
    if let Some(of) = Schema::get().of(document) {
        return shaped(document, Shape::Object(of), out);
    }
    match document["apiVersion"].str() {
        "meta.k8s.io/v1" if document["kind"] == "Table" => return table_of_cells(document, out),
        // Types of which only the metadata is known here.
        version if version == "meta.k8s.io/v1" || version.starts_with("resource.k8s.io/") => {
            return headed(document, out);
        }
        _ => {}
    }
    match OTHERS.iter().find(|(kind, _)| document["kind"] == **kind) {
        Some((_, order)) => named(document, order, out),
        None => plain(document, out),
    }
}

/// Writes fields of an object, each by its own means: those of these names first, then the rest.
fn in_order(object: &Value, first: &[&str], out: &mut Vec<u8>, write: impl Fn(&str, &Value, &mut Vec<u8>)) {
    let rest = object.entries().map(|(key, _)| key).filter(|key| !first.contains(key));
    out.push(b'{');
    let start = out.len();
    for key in first.iter().copied().chain(rest) {
        let Some(value) = object.get(key) else { continue };
        if out.len() > start {
            out.push(b',');
        }
        text(key, out);
        out.push(b':');
        write(key, value, out);
    }
    out.push(b'}');
}

/// An object of which only the metadata is known, or a list of them.
fn headed(document: &Value, out: &mut Vec<u8>) {
    in_order(document, &["kind", "apiVersion", "metadata", "spec", "status"], out, |key, value, out| {
        match (key, value) {
            ("metadata", Value::Object(_)) if document["items"].is_null() => metadata(value, out),
            ("items", Value::Array(items)) => each(items, out, headed),
            _ => plain(value, out),
        }
    });
}

fn metadata(value: &Value, out: &mut Vec<u8>) {
    match (Schema::get().by_name("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"), value) {
        (Some(of), Value::Object(map)) if map.len() >= WORTH_KEEPING => {
            crate::written::write(map, of.index(), out, |out| fields(map, of, out));
        }
        (Some(of), _) => shaped(value, Shape::Object(of), out),
        _ => plain(value, out),
    }
}

fn each(items: &[Value], out: &mut Vec<u8>, write: fn(&Value, &mut Vec<u8>)) {
    out.push(b'[');
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

/// A table as `kubectl get` asks for it.
fn table_of_cells(document: &Value, out: &mut Vec<u8>) {
    fn column(column: &Value, out: &mut Vec<u8>) {
        in_order(column, &["name", "type", "format", "description", "priority"], out, |_, value, out| {
            plain(value, out)
        });
    }
    fn row(row: &Value, out: &mut Vec<u8>) {
        in_order(row, &["cells", "conditions", "object"], out, |key, value, out| match key {
            "object" => write(value, out),
            _ => plain(value, out),
        });
    }
    let names = ["kind", "apiVersion", "metadata", "columnDefinitions", "rows"];
    in_order(document, &names, out, |key, value, out| match (key, value) {
        ("columnDefinitions", Value::Array(columns)) => each(columns, out, column),
        ("rows", Value::Array(rows)) => each(rows, out, row),
        _ => plain(value, out),
    });
}

fn plain(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::String(value) => text(value, out),
        Value::Array(items) => list(items, None, out),
        Value::Object(map) => members(map.iter().map(|(key, value)| (key, value, None)), out),
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        number => out.extend_from_slice(drydock_value::to_json(number).as_bytes()),
    }
}

/// What stands for a byte inside a string; nothing for those that stand for themselves.
fn escape(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        0x08 => "\\b",
        0x0c => "\\f",
        b'<' => "\\u003c",
        b'>' => "\\u003e",
        b'&' => "\\u0026",
        _ => return None,
    })
}

/// Which bytes stand for themselves.
static PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut control = 0;
    while control < b' ' as usize {
        plain[control] = false;
        control += 1;
    }
    let mut signs: &[u8] = b"\"\\<>&";
    while let [sign, rest @ ..] = signs {
        plain[*sign as usize] = false;
        signs = rest;
    }
    plain
};

/// Whether some of eight bytes do not stand for themselves. It may err for bytes beyond ASCII, which are looked at then.
fn needs_a_look(word: u64) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // The highest bit of each byte that is zero.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let is = |byte: u8| zero(word ^ (ONES * u64::from(byte)));
    let control = word.wrapping_sub(ONES * u64::from(b' ')) & !word & HIGH;
    // `<` and `>` differ by one bit.
    let angle = zero((word | (ONES * 2)) ^ (ONES * u64::from(b'>')));
    (control | is(b'"') | is(b'\\') | is(b'&') | angle) != 0
}

/// A string, with HTML's characters escaped as Go does. What needs no escape is copied in runs.
fn text(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.push(b'"');
    let (mut copied, mut at) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        if let Some(Ok(word)) = bytes.get(at..at + 8).map(<[u8; 8]>::try_from)
            && !needs_a_look(u64::from_le_bytes(word))
        {
            at += 8;
            continue;
        }
        if PLAIN[byte as usize] {
            at += 1;
            continue;
        }
        out.extend_from_slice(&bytes[copied..at]);
        at += 1;
        copied = at;
        match escape(byte) {
            Some(escape) => out.extend_from_slice(escape.as_bytes()),
            None => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

fn list(items: &[Value], shape: Option<Shape>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        match shape {
            Some(shape) => shaped(item, shape, out),
            None => plain(item, out),
        }
    }
    out.push(b']');
}

fn members<'a>(members: impl Iterator<Item = (&'a str, &'a Value, Option<Shape>)>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (number, (key, value, shape)) in members.enumerate() {
        if number > 0 {
            out.push(b',');
        }
        text(key, out);
        out.push(b':');
        match shape {
            Some(shape) => shaped(value, shape, out),
            None => plain(value, out),
        }
    }
    out.push(b'}');
}

/// Parts of an object with fewer fields are written anew each time.
const WORTH_KEEPING: usize = 4;

/// A field of an object. Its big parts (metadata, spec, status) change far less often than they are written.
fn member(of_kind: bool, value: &Value, shape: Shape, out: &mut Vec<u8>) {
    match (value, shape) {
        (Value::Object(map), Shape::Object(inner)) if of_kind && map.len() >= WORTH_KEEPING => {
            crate::written::write(map, inner.index(), out, |out| fields(map, inner, out));
        }
        _ => shaped(value, shape, out),
    }
}

fn shaped(value: &Value, shape: Shape, out: &mut Vec<u8>) {
    match (value, shape) {
        (Value::Object(map), Shape::Object(of)) => fields(map, of, out),
        (Value::Object(map), Shape::Map(inner)) => {
            members(map.iter().map(|(key, value)| (key, value, Some(inner.get()))), out);
        }
        (Value::Array(items), Shape::List(inner)) => list(items, Some(inner.get()), out),
        _ => plain(value, out),
    }
}

fn fields(map: &Map, of: TypeRef, out: &mut Vec<u8>) {
    // Both are sorted by name, so one walk finds the row of each field.
    let fields = table().get(of.index());
    let mut rows = fields.map_or(&[][..], |fields| &fields.rows).iter().peekable();
    let mut found: Vec<(usize, &str, &Value, Option<&Row>)> = Vec::with_capacity(map.len());
    for (key, value) in map.iter() {
        while rows.next_if(|row| row.name < key).is_some() {}
        let row = rows.next_if(|row| row.name == key);
        found.push((row.map_or(usize::MAX, |row| row.rank), key, value, row));
    }
    found.sort_unstable_by_key(|(rank, key, ..)| (*rank, *key));
    out.push(b'{');
    for (number, (_, key, value, row)) in found.into_iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        match row {
            Some(row) => {
                out.extend_from_slice(&row.written);
                member(fields.is_some_and(|fields| fields.is_kind), value, row.shape, out);
            }
            None => {
                text(key, out);
                out.push(b':');
                plain(value, out);
            }
        }
    }
    out.push(b'}');
}

/// Writes a document with its fields in the order of a list of names.
pub(crate) fn write_named(document: &Value, order: &str, out: &mut Vec<u8>) {
    named(document, order, out);
}

/// A document whose fields, and those of what lies in it, have the places that their names have in a list.
fn named(value: &Value, order: &str, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            let mut found: Vec<(&str, &Value)> = map.iter().collect();
            let rank = |name: &str| order.split(' ').position(|known| known == name).unwrap_or(usize::MAX);
            found.sort_by_key(|(key, _)| rank(key));
            out.push(b'{');
            for (number, (key, value)) in found.into_iter().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                text(key, out);
                out.push(b':');
                named(value, if key == "groups" { OTHERS[2].1 } else { order }, out);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                named(item, order, out);
            }
            out.push(b']');
        }
        _ => plain(value, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_is_found_wherever_it_stands() {
        for code in (0..=0xff).chain([0x2027, 0x20ac, 0x1_f600]) {
            let Some(sign) = char::from_u32(code) else { continue };
            for at in 0..20 {
                let whole = format!("{}{sign}{}", "x".repeat(at), "~é}".repeat(3));
                let mut out = Vec::new();
                text(&whole, &mut out);
                let written = String::from_utf8(out).unwrap();
                let escaped = sign < ' ' || "\"\\<>&".contains(sign);
                assert_eq!(written.contains('\\'), escaped, "{written}");
                assert_eq!(drydock_value::parse_json(&written).unwrap().str(), whole);
            }
        }
    }

    #[test]
    fn fields_come_as_go_declares_them() {
        for (document, expected) in [
            (
                r#"{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"b":"1","a":"2"},"name":"x"},"spec":{"containers":[{"image":"i","name":"c"}],"volumes":[{"emptyDir":{},"name":"v"}]},"zzz":1}"#,
                r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x","labels":{"a":"2","b":"1"}},"spec":{"volumes":[{"name":"v","emptyDir":{}}],"containers":[{"name":"c","image":"i"}]},"zzz":1}"#,
            ),
            (
                r#"{"object":{"apiVersion":"v1","kind":"Status","message":"m","metadata":{},"status":"Failure"},"type":"ERROR"}"#,
                r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"m"}}"#,
            ),
            (
                r#"{"apiVersion":"v1","kind":"APIGroup","name":"batch","preferredVersion":{},"versions":[]}"#,
                r#"{"kind":"APIGroup","apiVersion":"v1","name":"batch","versions":[],"preferredVersion":{}}"#,
            ),
            (
                r#"{"apiVersion":"meta.k8s.io/v1","columnDefinitions":[{"description":"d","format":"","name":"Name","priority":0,"type":"string"}],"kind":"Table","metadata":{},"rows":[{"cells":["a"],"object":{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata","metadata":{"labels":{},"name":"a"}}},{"cells":[],"object":null}]}"#,
                r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{},"columnDefinitions":[{"name":"Name","type":"string","format":"","description":"d","priority":0}],"rows":[{"cells":["a"],"object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a","labels":{}}}},{"cells":[],"object":null}]}"#,
            ),
            (
                r#"{"apiVersion":"a/v1","kind":"Own","metadata":{}}"#,
                r#"{"apiVersion":"a/v1","kind":"Own","metadata":{}}"#,
            ),
            (
                r#"["<a&b>","&","a\nb>","",1.5,-7,null,true]"#,
                r#"["\u003ca\u0026b\u003e","\u0026","a\nb\u003e","",1.5,-7,null,true]"#,
            ),
        ] {
            let mut out = Vec::new();
            write(&drydock_value::parse_json(document).unwrap(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
