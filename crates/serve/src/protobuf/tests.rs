use drydock_schema::{Schema, Shape, TypeRef};
use drydock_value::{Value, parse_json, to_json};

use super::table::{Numbers, Row, table};
use super::*;

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

/// A document of a type with something in every field that has a number.
fn full(of: TypeRef, depth: usize) -> Value {
    fn sample(shape: Shape, depth: usize) -> Value {
        match shape {
            Shape::String => "text".into(),
            Shape::Integer { .. } => (-7).into(),
            Shape::Number => 1.5.into(),
            Shape::Boolean => true.into(),
            Shape::Bytes => "AP8=".into(),
            Shape::Any | Shape::Raw => parse_json(r#"{"a":[1,"x",null]}"#).unwrap(),
            Shape::Quantity => "500m".into(),
            Shape::Time => "2026-11-24T08:09:10Z".into(),
            Shape::MicroTime => "2026-11-24T08:09:10.000042Z".into(),
            Shape::IntOrString => "25%".into(),
            Shape::Object(of) => full(of, depth + 1),
            Shape::List(inner) => [sample(inner.get(), depth), sample(inner.get(), depth)].into_iter().collect(),
            Shape::Map(inner) => {
                let mut map = Value::object();
                map.set("key", sample(inner.get(), depth));
                map
            }
        }
    }
    fn names(rows: &Numbers, out: &mut Vec<&'static str>) {
        rows.values().for_each(|row| match row {
            Row::Field(name) => out.push(name),
            Row::Inline(inner) => names(inner, out),
        });
    }
    let mut known = Vec::new();
    names(&table()[of.name()], &mut known);
    let mut out = Value::object();
    for name in known {
        let field = of.field(name).unwrap();
        let deep = depth > 6;
        let schema = || if deep { Value::object() } else { full(schema_type().unwrap(), depth + 5) };
        let value = match (Union::of(of, name), field.shape) {
            (Some(Union::SchemaOrList), _) => [schema(), schema()].into_iter().collect(),
            (Some(Union::SchemaOrBool), _) if deep => false.into(),
            (Some(Union::SchemaOrBool), _) => schema(),
            (Some(Union::SchemaOrNames), _) => parse_json(r#"{"a":["b","c"],"d":{"type":"object"}}"#).unwrap(),
            (Some(Union::Empty), _) => Value::object(),
            (None, Shape::Object(_)) if deep => Value::object(),
            (None, Shape::List(inner) | Shape::Map(inner)) if deep && inner.get().object().is_some() => continue,
            (None, shape) => sample(shape, depth),
        };
        out.set(name, value);
    }
    out
}

#[test]
fn what_is_written_is_read_again() {
    let mut kinds = 0;
    for (gvk, of) in Schema::get().kinds().filter(|(_, of)| table().contains_key(of.name())) {
        let mut document = full(of, 0);
        document.set("apiVersion", gvk.group_version().to_string());
        document.set("kind", gvk.kind.to_string());
        let body = encode(&document).unwrap();
        assert_eq!(to_json(&decode(&body).unwrap()), to_json(&document), "{}", of.name());
        kinds += 1;
    }
    assert!(kinds > 100, "{kinds}");
}

#[test]
fn every_field_of_every_type_has_a_number() {
    fn has(rows: &Numbers, name: &str) -> bool {
        rows.values().any(|row| match row {
            Row::Field(field) => *field == name,
            Row::Inline(inner) => has(inner, name),
        })
    }
    for of in Schema::get().types().filter(|of| of.fields().len() > 0) {
        let rows = &table()[of.name()];
        for field in of.fields().filter(|field| !matches!(field.name, "apiVersion" | "kind")) {
            assert!(has(rows, field.name), "{}.{}", of.name(), field.name);
        }
    }
}

#[test]
fn broken_bodies_are_read_or_refused() {
    let of = Schema::get().by_parts("apiextensions.k8s.io", "v1", "CustomResourceDefinition").unwrap();
    let mut document = full(of, 5);
    document.set("apiVersion", "apiextensions.k8s.io/v1");
    document.set("kind", "CustomResourceDefinition");
    let body = encode(&document).unwrap();
    // Every byte once cut off, turned over, and made a long length.
    for at in (0..body.len()).step_by(1 + body.len() / 4000) {
        let _ = decode(&body[..at]);
        for byte in [body[at] ^ 0xff, 0xff, 0, body[at] ^ 7] {
            let mut broken = body.clone();
            broken[at] = byte;
            let _ = decode(&broken);
        }
    }
}
