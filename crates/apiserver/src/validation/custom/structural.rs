//! What makes a schema structural: every field that is spoken of is also described, and what stands within `allOf`, `anyOf`,
//! `oneOf` and `not` only restricts.

use drydock_api::Cause;
use drydock_schema::structural;
use drydock_sorted::Sort;
use drydock_value::Value;

use crate::validation::{Errors, Path};

/// Where a part of a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

const NOT_STRUCTURAL: [&str; 7] =
    ["id", "$schema", "$ref", "patternProperties", "dependencies", "additionalItems", "definitions"];

/// Whether a schema has the form of a structural one at all, whatever it says.
pub(super) fn has_form(schema: &Value) -> bool {
    if schema.is_null() {
        return true;
    }
    let parts = ["properties"].into_iter().flat_map(|key| schema[key].entries().map(|(_, inner)| inner));
    let lists = ["allOf", "anyOf", "oneOf"].into_iter().flat_map(|key| schema[key].items());
    let single = ["items", "additionalProperties", "not"].into_iter().map(|key| &schema[key]);
    NOT_STRUCTURAL.iter().all(|key| schema[*key].is_empty())
        && schema["items"].as_array().is_none()
        && schema["x-kubernetes-preserve-unknown-fields"].as_bool() != Some(false)
        && parts.chain(lists).chain(single).all(has_form)
}

/// What keeps a schema from being structural, in the order of the words.
pub(super) fn check(schema: &Value, path: &Path<'_>, errors: &mut Errors) {
    let mut found = Errors::default();
    invariants(schema, Level::Root, path, &mut found);
    complete(schema, schema, path, path, &mut found);
    found.0.sort_compact_by_key(|cause| format!("{}: {}", cause.field, cause.message));
    errors.0.append(&mut found.0);
}

fn invariants(schema: &Value, level: Level, path: &Path<'_>, errors: &mut Errors) {
    let kind = schema["type"].str();
    if kind == "array" && schema["items"].is_null() {
        errors.required(&path.field("items"), "must be specified");
    }
    if !schema["items"].is_null() {
        invariants(&schema["items"], Level::Item, &path.field("items"), errors);
    }
    let properties = path.field("properties");
    for (key, inner) in schema["properties"].entries() {
        invariants(inner, Level::Field, &properties.key(key), errors);
    }
    let others = &schema["additionalProperties"];
    if !others.is_null() {
        let path = path.field("additionalProperties");
        if level == Level::Root {
            errors.forbidden(&path, "must not be used at the root");
        }
        if others.as_object().is_some() {
            invariants(others, Level::Field, &path, errors);
        }
    }
    let flag = |key: &str| schema[key].is_true();
    let (either, free) = (flag("x-kubernetes-int-or-string"), flag("x-kubernetes-preserve-unknown-fields"));
    let embedded = flag("x-kubernetes-embedded-resource");
    for key in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
        if either && flag(key) {
            errors.invalid(&path.field(key), true, "must be false if x-kubernetes-int-or-string is true");
        }
    }
    values(schema, is_int_or_string(&schema["anyOf"]), is_int_or_string(&schema["allOf"][0]["anyOf"]), path, errors);
    types(schema, level, path, errors);
    if embedded && !others.is_null() {
        errors.forbidden(
            &path.field("additionalProperties"),
            "must not be used if x-kubernetes-embedded-resource is set",
        );
    }
    meta(schema, level, path, errors);
    if embedded && !free && schema["properties"].is_empty() {
        let why =
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        errors.required(&properties, why);
    }
}

fn types(schema: &Value, level: Level, path: &Path<'_>, errors: &mut Errors) {
    let flag = |key: &str| schema[key].is_true();
    let (kind, place) = (schema["type"].str(), path.field("type"));
    if flag("x-kubernetes-embedded-resource") && kind != "object" {
        wrong_type(kind, &place, "must be object if x-kubernetes-embedded-resource is true", errors);
    } else if kind.is_empty() && !flag("x-kubernetes-int-or-string") && !flag("x-kubernetes-preserve-unknown-fields") {
        errors.required(
            &place,
            match level {
                Level::Root => "must not be empty at the root",
                Level::Item => "must not be empty for specified array items",
                Level::Field => "must not be empty for specified object fields",
            },
        );
    }
    if level == Level::Root && !kind.is_empty() && kind != "object" {
        errors.invalid(&place, kind, "must be object at the root");
    }
}

/// A type that is missing or another than it must be.
pub(super) fn wrong_type(kind: &str, path: &Path<'_>, why: &str, errors: &mut Errors) {
    if kind.is_empty() { errors.required(path, why) } else { errors.invalid(path, kind, why) }
}

/// `apiVersion`, `kind` and `metadata` of a resource are known already; hardly anything may be said of them.
fn meta(schema: &Value, level: Level, path: &Path<'_>, errors: &mut Errors) {
    let resource = level == Level::Root || schema["x-kubernetes-embedded-resource"].is_true();
    let properties = path.field("properties");
    for key in ["kind", "apiVersion"] {
        let inner = &schema["properties"][key];
        if resource && !inner.is_null() && inner["type"] != "string" {
            errors.invalid(&properties.key(key).field("type"), inner["type"].str(), "must be string");
        }
    }
    let inner = &schema["properties"]["metadata"];
    if inner.is_null() {
        return;
    }
    let path = properties.key("metadata");
    if resource && inner["type"] != "object" {
        errors.invalid(&path.field("type"), inner["type"].str(), "must be object");
    }
    let names_only = inner["properties"].entries().all(|(key, _)| matches!(key, "name" | "generateName"));
    let other = |(key, value): (&str, &Value)| match key {
        "type" | "default" => false,
        "properties" => !names_only,
        _ => !value.is_empty() && value.as_bool() != Some(false),
    };
    if level == Level::Root && inner.entries().any(other) {
        let why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.forbidden(&path, why);
    }
}

/// The one list that says a type within `anyOf`.
fn is_int_or_string(any: &Value) -> bool {
    let items = any.items();
    let only =
        |at: usize, kind: &str| items[at].as_object().is_some_and(|map| map.len() == 1) && items[at]["type"] == *kind;
    items.len() == 2 && only(0, "integer") && only(1, "string")
}

/// What a part says of values.
fn values(schema: &Value, skip_any: bool, skip_first: bool, path: &Path<'_>, errors: &mut Errors) {
    for key in ["anyOf", "allOf", "oneOf"] {
        let list = path.field(key);
        for (at, inner) in schema[key].items().iter().enumerate() {
            if !(skip_any && key == "anyOf") {
                nested(inner, skip_first && key == "allOf" && at == 0, &list.index(at), errors);
            }
        }
    }
    if !schema["not"].is_null() {
        nested(&schema["not"], false, &path.field("not"), errors);
    }
    let pattern = schema["pattern"].str();
    if !pattern.is_empty()
        && let Err(why) = drydock_schema::pattern::check(pattern)
    {
        let why = format!("must be a valid regular expression, but isn't: {why}");
        errors.invalid(&path.field("pattern"), pattern, why);
    }
}

/// What must not be said within `allOf` and the like: field, and the word for what it must be.
const FORBIDDEN: [(&str, &str); 13] = [
    ("type", "empty"),
    ("additionalProperties", "undefined"),
    ("default", "undefined"),
    ("title", "empty"),
    ("description", "empty"),
    ("nullable", "false"),
    ("x-kubernetes-preserve-unknown-fields", "false"),
    ("x-kubernetes-embedded-resource", "false"),
    ("x-kubernetes-int-or-string", "false"),
    ("x-kubernetes-list-map-keys", "empty"),
    ("x-kubernetes-list-type", "undefined"),
    ("x-kubernetes-map-type", "undefined"),
    ("x-kubernetes-validations", "empty"),
];

fn nested(schema: &Value, skip_any: bool, path: &Path<'_>, errors: &mut Errors) {
    values(schema, skip_any, false, path, errors);
    if !schema["items"].is_null() {
        nested(&schema["items"], false, &path.field("items"), errors);
    }
    let properties = path.field("properties");
    for (key, inner) in schema["properties"].entries() {
        nested(inner, false, &properties.key(key), errors);
    }
    for (key, wanted) in FORBIDDEN {
        let value = &schema[key];
        let absent = match wanted {
            "undefined" => value.is_null(),
            "false" => !value.is_true(),
            _ => value.is_empty(),
        };
        if !absent {
            errors.forbidden(&path.field(key), format!("must be {wanted} to be structural"));
        }
    }
    if !schema["properties"]["metadata"].is_null() {
        errors.forbidden(&properties.key("metadata"), "must not be specified in a nested context");
    }
}

/// Whether what is restricted is also described.
fn complete(values: &Value, schema: &Value, path: &Path<'_>, within: &Path<'_>, errors: &mut Errors) {
    if !values["not"].is_null() {
        described(&values["not"], schema, path, &within.field("not"), errors);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        let list = within.field(key);
        for (at, inner) in values[key].items().iter().enumerate() {
            described(inner, schema, path, &list.index(at), errors);
        }
    }
}

fn described(values: &Value, schema: &Value, path: &Path<'_>, within: &Path<'_>, errors: &mut Errors) {
    if schema.is_null() {
        return errors.required(path, &format!("because it is defined in {within}"));
    }
    complete(values, schema, path, within, errors);
    if !values["items"].is_null() {
        described(&values["items"], &schema["items"], &path.field("items"), &within.field("items"), errors);
    }
    let (properties, inside) = (path.field("properties"), within.field("properties"));
    for (key, inner) in values["properties"].entries() {
        described(inner, &schema["properties"][key], &properties.key(key), &inside.key(key), errors);
    }
}

/// What is wrong with the defaults of a schema, which must be as if they had been written in an object.
pub(super) fn defaults(schema: &Value, path: &Path<'_>, errors: &mut Errors) {
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        let path = path.field("default");
        if structural::has_unknown(schema, default) {
            errors.invalid(&path, default, "must not have unknown fields");
        }
        for fault in structural::validate(schema, default) {
            let message = fault.message.replace(&format!(": {} in body", fault.path), ":  in body");
            let dot = if fault.path.is_empty() { "" } else { "." };
            let field = format!("{path}{dot}{}", fault.path);
            errors.0.push(Cause { reason: fault.reason.words().into(), message, field });
        }
    }
    if !schema["items"].is_null() {
        defaults(&schema["items"], &path.field("items"), errors);
    }
    let properties = path.field("properties");
    for (key, inner) in schema["properties"].entries() {
        defaults(inner, &properties.key(key), errors);
    }
}
