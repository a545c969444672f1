//! What a schema of a CustomResourceDefinition may say, part by part.

use drydock_value::Value;

use super::rules::{self, Around, Rules};
use super::structural::{self, wrong_type};
use crate::validation::{Errors, Path};

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const LIST_TYPE: &str = "x-kubernetes-list-type";
const LIST_KEYS: &str = "x-kubernetes-list-map-keys";
const MAP_TYPE: &str = "x-kubernetes-map-type";

/// Words of JSON Schema that Kubernetes has no use for.
const UNSUPPORTED: [&str; 6] = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];

/// The schema of a version at `path`.
pub(super) fn check(schema: &Value, path: &Path<'_>, errors: &mut Errors) {
    if schema["nullable"].is_true() {
        errors.forbidden(&path.field("nullable"), "nullable cannot be true at the root");
    }
    let before = errors.len();
    let structured = structural::has_form(schema);
    if structured {
        structural::check(schema, path, errors);
    }
    if errors.len() == before {
        structural::defaults(schema, path, errors);
    }
    let compiles = structured && errors.len() == before;
    let mut walk = Walk { rules: Rules::default(), about_rules: Errors::default() };
    walk.part(schema, &Place { root: true, compiles, meta: None, around: Around::root() }, path, errors);
    errors.0.append(&mut walk.about_rules.0);
    walk.rules.finish(path, errors);
}

/// What stands around a part.
#[derive(Clone)]
struct Place {
    root: bool,
    /// Whether rules are looked at: not within `allOf` and the like.
    compiles: bool,
    /// Whether it is, or is in, `metadata`, `kind` or `apiVersion` of a resource; and the words why it has no defaults.
    meta: Option<Option<String>>,
    around: Around,
}

impl Place {
    fn inside(&self, schema: &Value, key: &str, path: &Path<'_>) -> Place {
        Place { root: false, around: self.around.inside(schema, key, path), ..self.clone() }
    }

    /// The same for a property.
    fn property(&self, schema: &Value, name: &str, path: &Path<'_>) -> Place {
        let mut place = self.inside(schema, "properties", path);
        let resource = self.root || schema["x-kubernetes-embedded-resource"].is_true();
        if resource && matches!(name, "metadata" | "kind" | "apiVersion") {
            let why = if self.root { Some(format!("in top-level {name}")) } else { place.meta.take().flatten() };
            place.meta = Some(why);
        }
        place
    }
}

struct Walk {
    rules: Rules,
    /// Errors about rules, which come after all others.
    about_rules: Errors,
}

impl Walk {
    fn part(&mut self, schema: &Value, place: &Place, path: &Path<'_>, errors: &mut Errors) {
        if schema.as_object().is_none() {
            return;
        }
        let before = errors.len();
        words(schema, place, path, errors);
        self.inner(schema, place, path, errors);
        collections(schema, path, errors);
        rules::form(schema, path, errors);
        // What is wrong with the schema here or below is told first: rules would only say the same in other words.
        if errors.len() == before && place.compiles {
            self.rules.compile(schema, place.root, &place.around, path, &mut self.about_rules);
        }
    }

    fn inner(&mut self, schema: &Value, place: &Place, path: &Path<'_>, errors: &mut Errors) {
        let others = &schema["additionalProperties"];
        let beside = path.field("additionalProperties");
        if !schema["properties"].is_empty() && !others.is_null() && !others.is_true() {
            errors.forbidden(&beside, "additionalProperties and properties are mutual exclusive");
        }
        let mut inside = place.inside(schema, "additionalProperties", path);
        if inside.meta.is_some() {
            inside.meta = Some(Some("inside additionalProperties applying to object metadata".into()));
        }
        self.part(others, &inside, &beside, errors);
        let properties = path.field("properties");
        for (key, inner) in schema["properties"].entries() {
            self.part(inner, &place.property(schema, key, path), &properties.key(key), errors);
        }
        let apart = Place { root: false, compiles: false, ..place.clone() };
        self.part(&schema["not"], &apart, &path.field("not"), errors);
        for key in ["allOf", "oneOf", "anyOf"] {
            let list = path.field(key);
            for (at, inner) in schema[key].items().iter().enumerate() {
                self.part(inner, &apart, &list.index(at), errors);
            }
        }
        for key in ["definitions", "dependencies"] {
            let map = path.field(key);
            for (name, inner) in schema[key].entries() {
                self.part(inner, &apart, &map.key(name), errors);
            }
        }
        let (items, inside) = (path.field("items"), place.inside(schema, "items", path));
        self.part(&schema["items"], &inside, &items, errors);
        for (at, inner) in schema["items"].items().iter().enumerate() {
            self.part(inner, &inside, &items.index(at), errors);
        }
    }
}

/// Words that are not supported, here or at all.
fn words(schema: &Value, place: &Place, path: &Path<'_>, errors: &mut Errors) {
    let kind = schema["type"].str();
    if !kind.is_empty() && !TYPES.contains(&kind) {
        errors.not_supported(&path.field("type"), kind, &TYPES);
    }
    if let Some(Some(why)) = &place.meta
        && !schema["default"].is_null()
    {
        errors.forbidden(&path.field("default"), format!("must not be set {why}"));
    }
    for key in UNSUPPORTED {
        if !schema[key].is_empty() {
            errors.forbidden(&path.field(key), format!("{key} is not supported"));
        }
    }
    if kind == "null" {
        errors.forbidden(&path.field("type"), "type cannot be set to null, use nullable as an alternative");
    }
    if !schema["items"].items().is_empty() {
        errors.forbidden(&path.field("items"), "items must be a schema object and not an array");
    }
    if place.meta.is_some() && schema["x-kubernetes-embedded-resource"].is_true() {
        errors.forbidden(&path.field("x-kubernetes-embedded-resource"), "must not be used inside of resource meta");
    }
    if schema["uniqueItems"].is_true() {
        let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.forbidden(&path.field("uniqueItems"), why);
    }
}

/// How lists and maps are merged.
fn collections(schema: &Value, path: &Path<'_>, errors: &mut Errors) {
    const FREE: &str = "x-kubernetes-preserve-unknown-fields";
    if schema[FREE].as_bool() == Some(false) {
        errors.invalid(&path.field(FREE), false, "must be true or undefined");
    }
    let (kind, type_path) = (schema["type"].str(), path.field("type"));
    if let Some(map) = schema[MAP_TYPE].as_str() {
        if kind != "object" {
            wrong_type(kind, &type_path, "must be object if x-kubernetes-map-type is specified", errors);
        }
        if !matches!(map, "atomic" | "granular") {
            errors.not_supported(&path.field(MAP_TYPE), map, &["atomic", "granular"]);
        }
    }
    let list = schema[LIST_TYPE].as_str();
    if list.is_some() && kind != "array" {
        wrong_type(kind, &type_path, "must be array if x-kubernetes-list-type is specified", errors);
    } else if list == Some("set") {
        set_items(schema, path, errors);
    }
    if let Some(list) = list.filter(|list| !matches!(*list, "atomic" | "set" | "map")) {
        errors.not_supported(&path.field(LIST_TYPE), list, &["atomic", "set", "map"]);
    }
    if !schema[LIST_KEYS].is_empty() && list != Some("map") {
        let why = "must be map if x-kubernetes-list-map-keys is non-empty";
        wrong_type(list.unwrap_or_default(), &path.field(LIST_TYPE), why, errors);
    }
    if list == Some("map") {
        keyed(schema, path, errors);
    }
    let items = &schema["items"];
    if let Some(list @ ("set" | "map")) = list
        && items["nullable"].is_true()
    {
        let why = format!("cannot be nullable when x-kubernetes-list-type is {list}");
        errors.forbidden(&path.field("items").field("nullable"), why);
    }
    if list == Some("map") {
        key_fields(schema, path, errors);
    }
}

/// The items of a set are compared as a whole.
fn set_items(schema: &Value, path: &Path<'_>, errors: &mut Errors) {
    const WHY: &str = "must be atomic as item of a list with x-kubernetes-list-type=set";
    let (items, path) = (&schema["items"], path.field("items"));
    match items["type"].str() {
        "array" if !items[LIST_TYPE].is_null() && items[LIST_TYPE] != "atomic" => {
            errors.invalid(&path.field(LIST_TYPE), &items[LIST_TYPE], WHY);
        }
        // The real server shows the type of lists here, too.
        "object" if items[MAP_TYPE] != "atomic" => errors.invalid(&path.field(MAP_TYPE), &items[LIST_TYPE], WHY),
        _ => {}
    }
}

/// A list of what is told apart by keys.
fn keyed(schema: &Value, path: &Path<'_>, errors: &mut Errors) {
    let (keys, items) = (&schema[LIST_KEYS], &schema["items"]);
    let (keys_path, items_path) = (path.field(LIST_KEYS), path.field("items"));
    if keys.is_empty() {
        errors.required(&keys_path, "must not be empty if x-kubernetes-list-type is map");
    }
    if items.is_null() {
        return errors.required(&items_path, "must have a schema if x-kubernetes-list-type is map");
    }
    if items["type"] != "object" {
        let why = "must be object if parent array's x-kubernetes-list-type is map";
        return errors.invalid(&items_path.field("type"), items["type"].str(), why);
    }
    let properties = items_path.field("properties");
    for (at, key) in keys.items().iter().enumerate() {
        match items["properties"].get(key.str()) {
            Some(property) if matches!(property["type"].str(), "array" | "object") => {
                let why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                errors.invalid(&properties.key(key.str()).field("type"), items["type"].str(), why);
            }
            Some(_) => {}
            None => errors.invalid(&keys_path, keys, "entries must all be names of item properties"),
        }
        if keys.items().iter().take(at).any(|earlier| earlier == key) {
            errors.invalid(&keys_path, keys, "must not contain duplicate entries");
        }
    }
}

/// Keys are always there.
fn key_fields(schema: &Value, path: &Path<'_>, errors: &mut Errors) {
    const KEY: &str = "this property is in x-kubernetes-list-map-keys, so it";
    let items = &schema["items"];
    let items_path = path.field("items");
    let properties = items_path.field("properties");
    for key in schema[LIST_KEYS].items() {
        let Some(property) = items["properties"].get(key.str()) else { continue };
        let path = properties.key(key.str());
        if !items["required"].items().contains(key) && property["default"].is_null() {
            errors.required(&path.field("default"), &format!("{KEY} must have a default or be a required property"));
        }
        if property["nullable"].is_true() {
            errors.forbidden(&path.field("nullable"), format!("{KEY} cannot be nullable"));
        }
    }
}
