//! Types as OpenAPI schemas.

use drydock_api::GroupVersionKind;
use drydock_schema::{Descriptions, Field, ListType, Schema, Shape, TypeRef};
use drydock_value::{Map, Value, value};

use super::Edition;
use crate::custom::Version;

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";
const GVK: &str = "x-kubernetes-group-version-kind";

/// Types without fields of their own: their names, and the schemas behind them.
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
const MICRO_TIME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
const RAW: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";
const FIELDS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1";

/// Collects the schemas that a document refers to.
pub(super) struct Writer<'a> {
    pub(super) edition: Edition,
    descriptions: Option<&'a Descriptions>,
    out: Map,
    /// Types that are referred to and not written yet.
    waiting: Vec<TypeRef>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(edition: Edition, descriptions: Option<&'a Descriptions>) -> Writer<'a> {
        Writer { edition, descriptions, out: Map::new(), waiting: Vec::new() }
    }

    /// The schemas, with all that they refer to.
    pub(super) fn finish(mut self) -> Map {
        while let Some(of) = self.waiting.pop() {
            let schema = self.object(of);
            self.out.insert(of.name(), schema);
        }
        self.out
    }

    fn reference(&self, name: &str) -> Value {
        let at = match self.edition {
            Edition::V2 => "#/definitions/",
            Edition::V3 => "#/components/schemas/",
        };
        value!({"$ref": format!("{at}{name}")})
    }

    /// A reference to a type, which becomes part of the document.
    fn type_ref(&mut self, of: TypeRef) -> Value {
        if self.out.get(of.name()).is_none() {
            // Marks it as seen; the schema follows.
            self.out.insert(of.name(), Value::Null);
            self.waiting.push(of);
        }
        self.reference(of.name())
    }

    /// A reference to a kind; None for one that has no type.
    pub(super) fn kind_ref(&mut self, group: &str, version: &str, kind: &str) -> Option<Value> {
        Schema::get().by_parts(group, version, kind).map(|of| self.type_ref(of))
    }

    /// A reference to a type of `meta/v1`.
    pub(super) fn meta_ref(&mut self, name: &str) -> Value {
        match Schema::get().by_name(&format!("{META}.{name}")) {
            Some(of) => self.type_ref(of),
            None => {
                let full = format!("{META}.{name}");
                if self.out.get(&full).is_none() {
                    self.out.insert(full.as_str(), value!({"type": "object"}));
                }
                self.reference(&full)
            }
        }
    }

    fn leaf_ref(&mut self, name: &str) -> Value {
        if self.out.get(name).is_none() {
            let v3 = self.edition == Edition::V3;
            let mut schema = match name {
                QUANTITY if v3 => value!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
                QUANTITY => value!({"type": "string"}),
                INT_OR_STRING if v3 => {
                    value!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]})
                }
                INT_OR_STRING => value!({"format": "int-or-string", "type": "string"}),
                TIME | MICRO_TIME => value!({"format": "date-time", "type": "string"}),
                _ => value!({"type": "object"}),
            };
            let words = self.descriptions.map_or("", |all| all.of_type(name));
            if !words.is_empty() {
                schema.set("description", words);
            }
            self.out.insert(name, schema);
        }
        self.reference(name)
    }

    fn object(&mut self, of: TypeRef) -> Value {
        let mut properties = Map::new();
        let mut required: Vec<&str> = Vec::new();
        for field in of.fields() {
            let schema = self.field(of, field);
            properties.insert(field.name, schema);
            if field.required() {
                required.push(field.name);
            }
        }
        let mut schema = value!({"type": "object"});
        let words = self.descriptions.map_or("", |all| all.of_type(of.name()));
        if !words.is_empty() {
            schema.set("description", words);
        }
        if !properties.is_empty() {
            schema.set("properties", properties);
        }
        if !required.is_empty() {
            schema.set("required", required);
        }
        if of.is_atomic() {
            schema.set("x-kubernetes-map-type", "atomic");
        }
        let kinds: Vec<Value> = Schema::get()
            .kinds()
            .filter(|(_, known)| *known == of)
            .map(|(gvk, _)| value!({"group": gvk.group, "version": gvk.version, "kind": gvk.kind}))
            .collect();
        if !kinds.is_empty() {
            schema.set(GVK, kinds);
        }
        schema
    }

    fn field(&mut self, owner: TypeRef, field: Field) -> Value {
        let mut schema = self.shape(field.shape, Some(field));
        let mut words = self.descriptions.map_or("", |all| all.of_field(owner.name(), field.name)).to_owned();
        if words.is_empty()
            && field.name == "items"
            && let Some(plural) = listed(owner)
        {
            words = format!("List of {plural}");
        }
        let default = field.default().or_else(|| match field.shape {
            Shape::Object(_) if !field.is_pointer() => Some(Value::object()),
            Shape::String if field.required() && !field.is_pointer() => Some("".into()),
            _ => None,
        });
        // In version 3, nothing may stand beside a reference.
        if self.edition == Edition::V3 && schema.get("$ref").is_some() && (!words.is_empty() || default.is_some()) {
            schema = value!({"allOf": [schema]});
        }
        if !words.is_empty() {
            schema.set("description", words);
        }
        if let Some(default) = default.filter(|_| self.edition == Edition::V3) {
            schema.set("default", default);
        }
        let values: Vec<&str> = field.enum_values().collect();
        if !values.is_empty() {
            // Of a list, the items are of these values.
            if schema["items"].is_null() { &mut schema } else { &mut schema["items"] }.set("enum", values);
        }
        if let Some(list) = field.list_type() {
            let word = match list {
                ListType::Atomic => "atomic",
                ListType::Set => "set",
                ListType::Map => "map",
            };
            schema.set("x-kubernetes-list-type", word);
            let keys: Vec<&str> = field.list_map_keys().collect();
            if !keys.is_empty() {
                schema.set("x-kubernetes-list-map-keys", keys);
            }
        }
        if field.is_atomic() && !matches!(field.shape, Shape::Object(inner) if inner.is_atomic()) {
            schema.set("x-kubernetes-map-type", "atomic");
        }
        if let Some(key) = field.merge_key() {
            schema.set("x-kubernetes-patch-merge-key", key);
        }
        let strategy = match (field.patch_merges(), field.patch_retains_keys()) {
            (true, true) => "merge,retainKeys",
            (true, false) => "merge",
            (false, true) => "retainKeys",
            (false, false) => "",
        };
        if !strategy.is_empty() {
            schema.set("x-kubernetes-patch-strategy", strategy);
        }
        schema
    }

    fn shape(&mut self, shape: Shape, field: Option<Field>) -> Value {
        match shape {
            Shape::String => value!({"type": "string"}),
            Shape::Bytes => value!({"type": "string", "format": "byte"}),
            Shape::Integer { bits } => value!({"type": "integer", "format": format!("int{bits}")}),
            Shape::Number => value!({"type": "number", "format": "double"}),
            Shape::Boolean => value!({"type": "boolean"}),
            Shape::Quantity => self.leaf_ref(QUANTITY),
            Shape::Time => self.leaf_ref(TIME),
            Shape::MicroTime => self.leaf_ref(MICRO_TIME),
            Shape::IntOrString => self.leaf_ref(INT_OR_STRING),
            Shape::Raw if field.is_some_and(|field| field.name == "fieldsV1") => self.leaf_ref(FIELDS),
            Shape::Raw => self.leaf_ref(RAW),
            Shape::Any => {
                // JSON of any kind goes by the name of its Go type.
                let name = field.map(|field| field.go_name()).unwrap_or_default();
                match name.rsplit(['.', ']']).next().filter(|name| name.starts_with("JSON")) {
                    Some(name) => {
                        self.leaf_ref(&format!("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.{name}"))
                    }
                    None => value!({}),
                }
            }
            Shape::Object(of) => self.type_ref(of),
            Shape::List(inner) => {
                let items = self.item(inner.get(), field);
                value!({"type": "array", "items": items})
            }
            Shape::Map(inner) => {
                let items = self.item(inner.get(), field);
                value!({"type": "object", "additionalProperties": items})
            }
        }
    }

    fn item(&mut self, shape: Shape, field: Option<Field>) -> Value {
        let mut schema = self.shape(shape, field);
        if self.edition == Edition::V3 {
            match shape {
                Shape::Object(_) => schema = value!({"allOf": [schema], "default": {}}),
                Shape::String => schema.set("default", ""),
                _ => {}
            }
        }
        schema
    }

    /// A reference to a custom kind, or to its list.
    pub(super) fn custom_ref(&mut self, version: &Version, list: bool) -> Value {
        let gvk = version.served.gvk();
        let name = custom_name(&gvk, if list { "List" } else { "" });
        if self.out.get(&name).is_none() {
            self.out.insert(name.as_str(), Value::Null);
            let schema = if list { self.custom_list(version, &gvk) } else { self.custom(version, &gvk) };
            self.out.insert(name.as_str(), schema);
        }
        self.reference(&name)
    }

    fn words(&self, of: &str, field: &str) -> Option<String> {
        let words = self.descriptions?.of_field(of, field);
        (!words.is_empty()).then(|| words.to_owned())
    }

    /// Adds the fields that every object has.
    fn with_object_fields(&mut self, schema: &mut Value, meta: &str) {
        for field in ["apiVersion", "kind"] {
            let mut inner = value!({"type": "string"});
            if let Some(words) = self.words(&format!("{META}.DeleteOptions"), field) {
                inner.set("description", words);
            }
            schema["properties"].set(field, inner);
        }
        let reference = self.meta_ref(meta);
        let mut inner = match self.edition {
            Edition::V2 => reference,
            Edition::V3 => value!({"allOf": [reference]}),
        };
        if let Some(words) = self.words("io.k8s.api.core.v1.Pod", "metadata") {
            inner.set("description", words);
        }
        schema["properties"].set("metadata", inner);
    }

    fn custom(&mut self, version: &Version, gvk: &GroupVersionKind) -> Value {
        let mut schema = version.schema.clone();
        let free = schema["x-kubernetes-preserve-unknown-fields"].as_bool() == Some(true);
        if self.edition == Edition::V2 {
            schema = for_v2(&schema);
        }
        if !(free && schema["properties"].is_empty() && self.edition == Edition::V2) {
            self.with_object_fields(&mut schema, "ObjectMeta");
        }
        schema.set(GVK, value!([{"group": &gvk.group, "version": &gvk.version, "kind": &gvk.kind}]));
        schema
    }

    fn custom_list(&mut self, version: &Version, gvk: &GroupVersionKind) -> Value {
        let item = self.custom_ref(version, false);
        let kind = format!("{}List", gvk.kind);
        let mut schema = value!({
            "description": format!("{kind} is a list of {}", gvk.kind), "type": "object", "required": ["items"],
            "properties": {"items": {"type": "array", "items": item}}
        });
        self.with_object_fields(&mut schema, "ListMeta");
        schema.set(GVK, value!([{"group": &gvk.group, "version": &gvk.version, "kind": kind}]));
        schema
    }
}

/// What a list holds, by the resource's name.
fn listed(list: TypeRef) -> Option<&'static str> {
    let (gvk, _) = Schema::get().kinds().find(|(_, known)| *known == list)?;
    let kind = gvk.kind.strip_suffix("List")?.to_owned();
    let row = drydock_schema::resource_of_kind(&GroupVersionKind { kind, ..gvk })?;
    Some(&row.resource.id.resource)
}

/// The name of a custom kind's schema: the group backwards, as packages are named.
fn custom_name(gvk: &GroupVersionKind, suffix: &str) -> String {
    let mut parts: Vec<&str> = gvk.group.split('.').collect();
    parts.reverse();
    format!("{}.{}.{}{suffix}", parts.join("."), gvk.version, gvk.kind)
}

/// Without what version 2 cannot say.
fn for_v2(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, value) in map.iter() {
                match key {
                    "nullable" | "oneOf" | "anyOf" | "allOf" | "not" | "default" => {}
                    "properties" => {
                        let inner: Map = value.entries().map(|(key, value)| (key, for_v2(value))).collect();
                        out.insert(key, inner);
                    }
                    "items" | "additionalProperties" => drop(out.insert(key, for_v2(value))),
                    _ => drop(out.insert(key, value.clone())),
                }
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}
