//! Version 2 in protocol buffers, as gnostic's `openapi.v2.Document` has it: the only form in which client-go asks for it.
//! Types only; whoever wants the paths reads JSON.

use drydock_value::{Value, to_json};

/// The content type.
pub(super) const TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// Whether a client asks for it.
pub(super) fn is_wanted(accept: &str) -> bool {
    accept.contains("proto-openapi.spec.v2") && accept.contains("+protobuf")
}

/// Bytes of one message.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.number(field << 3 | 2);
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u64, inner: Message) {
        self.bytes(field, &inner.0);
    }

    fn text(&mut self, field: u64, text: &str) {
        if !text.is_empty() {
            self.bytes(field, text.as_bytes());
        }
    }

    fn flag(&mut self, field: u64, value: &Value) {
        if value.as_bool() == Some(true) {
            self.number(field << 3);
            self.number(1);
        }
    }

    fn integer(&mut self, field: u64, value: &Value) {
        if let Some(number) = value.as_i64() {
            self.number(field << 3);
            self.number(number as u64);
        }
    }

    fn double(&mut self, field: u64, value: &Value) {
        let number = match value {
            Value::Int(number) => *number as f64,
            Value::Float(number) => *number,
            _ => return,
        };
        self.number(field << 3 | 1);
        self.0.extend_from_slice(&number.to_le_bytes());
    }
}

/// A value of any type, as YAML.
fn any(value: &Value) -> Message {
    let mut out = Message::default();
    out.text(2, &to_json(value));
    out
}

fn named(name: &str, value: Message) -> Message {
    let mut out = Message::default();
    out.text(1, name);
    out.message(2, value);
    out
}

fn named_schemas(schemas: &Value) -> Message {
    let mut out = Message::default();
    for (name, inner) in schemas.entries() {
        out.message(1, named(name, schema(inner)));
    }
    out
}

fn schema(from: &Value) -> Message {
    let mut out = Message::default();
    for (field, key) in [(1, "$ref"), (2, "format"), (3, "title"), (4, "description"), (13, "pattern")] {
        out.text(field, from[key].str());
    }
    if let Some(default) = from.get("default") {
        out.message(5, any(default));
    }
    for (field, key) in [(6, "multipleOf"), (7, "maximum"), (9, "minimum")] {
        out.double(field, &from[key]);
    }
    for (field, key) in [(8, "exclusiveMaximum"), (10, "exclusiveMinimum"), (16, "uniqueItems")] {
        out.flag(field, &from[key]);
    }
    let counts = [
        (11, "maxLength"),
        (12, "minLength"),
        (14, "maxItems"),
        (15, "minItems"),
        (17, "maxProperties"),
        (18, "minProperties"),
    ];
    for (field, key) in counts {
        out.integer(field, &from[key]);
    }
    for name in from["required"].items() {
        out.text(19, name.str());
    }
    for value in from["enum"].items() {
        out.message(20, any(value));
    }
    match &from["additionalProperties"] {
        inner @ Value::Object(_) => {
            let mut item = Message::default();
            item.message(1, schema(inner));
            out.message(21, item);
        }
        inner @ Value::Bool(true) => {
            let mut item = Message::default();
            item.flag(2, inner);
            out.message(21, item);
        }
        _ => {}
    }
    if !from["type"].str().is_empty() {
        let mut item = Message::default();
        item.text(1, from["type"].str());
        out.message(22, item);
    }
    if from["items"].as_object().is_some() {
        let mut item = Message::default();
        item.message(1, schema(&from["items"]));
        out.message(23, item);
    }
    if !from["properties"].is_empty() {
        out.message(25, named_schemas(&from["properties"]));
    }
    for (key, value) in from.entries().filter(|(key, _)| key.starts_with("x-")) {
        out.message(31, named(key, any(value)));
    }
    out
}

/// The document of these types.
pub(super) fn document(version: &str, schemas: &Value) -> Vec<u8> {
    let mut info = Message::default();
    info.text(1, "Kubernetes");
    info.text(2, version);
    let mut out = Message::default();
    out.text(1, "2.0");
    out.message(2, info);
    out.message(8, Message::default());
    out.message(9, named_schemas(schemas));
    out.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn messages_are_what_protocol_buffers_say() {
        let bytes = document("1", &value!({"A": {"type": "object", "required": ["b"], "maxLength": 300}}));
        let wanted: Vec<u8> = [
            &b"\x0a\x032.0"[..],
            b"\x12\x0f\x0a\x0aKubernetes\x12\x011",
            b"\x42\x00",
            b"\x4a\x19\x0a\x17\x0a\x01A\x12\x12\x58\xac\x02\x9a\x01\x01b\xb2\x01\x08\x0a\x06object",
        ]
        .concat();
        // 0x58: field 11 as a number; 0x9a01: field 19 as bytes; 0xb201: field 22 as bytes.
        assert_eq!(bytes, wanted);
    }
}
