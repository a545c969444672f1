//! How a value is taken apart.

use drydock_value::Value;

use crate::table::{Field, ListType, Schema, Shape};

/// What is known of a value's type.
#[derive(Clone, Copy)]
pub enum Type<'a> {
    /// A built-in type; with the field that holds the value, where one does.
    Table(Shape, Option<Field>),
    /// A structural schema. At the root of a custom object the metadata is built in.
    Structural {
        /// The schema.
        schema: &'a Value,
        /// Whether it is an object's root.
        root: bool,
    },
    /// Nothing: objects key by key, lists as one piece.
    Free,
}

/// How a value is taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Not at all.
    Leaf,
    /// By key. Whether keys are fields that the type names.
    Object,
    /// A list of scalars, each once.
    Set,
    /// A list of objects, told apart by their keys.
    Keyed,
}

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
}

impl<'a> Type<'a> {
    /// A type of the tables, by its kind.
    pub fn of_kind(gvk: &drydock_api::GroupVersionKind) -> Option<Type<'a>> {
        Schema::get().by_kind(gvk).map(|of| Type::Table(Shape::Object(of), None))
    }

    pub(super) fn how(self, value: &Value) -> How {
        let list = |list_type| match list_type {
            Some(ListType::Set) => How::Set,
            Some(ListType::Map) => How::Keyed,
            _ => How::Leaf,
        };
        match (self, value) {
            (Type::Table(shape, field), _) => match shape {
                _ if field.is_some_and(Field::is_atomic) => How::Leaf,
                Shape::Object(of) if !of.is_atomic() => How::Object,
                Shape::Map(_) => How::Object,
                Shape::List(_) => list(field.and_then(Field::list_type)),
                _ => How::Leaf,
            },
            (Type::Structural { schema, .. }, Value::Object(_)) => {
                if schema["x-kubernetes-map-type"] == "atomic" {
                    How::Leaf
                } else {
                    How::Object
                }
            }
            (Type::Structural { schema, .. }, Value::Array(_)) => list(match schema["x-kubernetes-list-type"].str() {
                "set" => Some(ListType::Set),
                "map" => Some(ListType::Map),
                _ => None,
            }),
            (Type::Free, Value::Object(_)) => How::Object,
            _ => How::Leaf,
        }
    }

    /// The type of what lies under a key, and whether the key is one that the type names.
    pub(super) fn child(self, key: &str) -> Option<(Type<'a>, bool)> {
        match self {
            Type::Table(Shape::Object(of), _) => {
                of.field(key).map(|field| (Type::Table(field.shape, Some(field)), true))
            }
            Type::Table(Shape::Map(inner), _) => Some((Type::Table(inner.get(), None), false)),
            Type::Table(..) | Type::Free => Some((Type::Free, false)),
            Type::Structural { schema, root } => {
                let resource = root || is_true(&schema["x-kubernetes-embedded-resource"]);
                match key {
                    "apiVersion" | "kind" if resource => return Some((Type::Table(Shape::String, None), true)),
                    "metadata" if resource => {
                        let meta = Schema::get().by_name("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")?;
                        return Some((Type::Table(Shape::Object(meta), None), true));
                    }
                    _ => {}
                }
                let under = |schema| Type::Structural { schema, root: false };
                if let Some(schema) = schema["properties"].get(key) {
                    return Some((under(schema), true));
                }
                match &schema["additionalProperties"] {
                    schema @ Value::Object(_) => Some((under(schema), false)),
                    Value::Bool(true) => Some((Type::Free, false)),
                    _ => is_true(&schema["x-kubernetes-preserve-unknown-fields"]).then_some((Type::Free, false)),
                }
            }
        }
    }

    /// The type of a list's items.
    pub(super) fn item(self) -> Type<'a> {
        match self {
            Type::Table(Shape::List(inner), _) => Type::Table(inner.get(), None),
            Type::Structural { schema, .. } => Type::Structural { schema: &schema["items"], root: false },
            _ => Type::Free,
        }
    }

    /// The keys that tell a list's items apart, each with what counts when an item leaves it out.
    pub(super) fn keys(self) -> Vec<(&'a str, Option<Value>)> {
        match self {
            Type::Table(shape, Some(field)) => {
                let of = shape.object();
                let default = |key: &str| match of.and_then(|of| of.field(key)) {
                    None => None,
                    Some(field) => field.default().or(match field.shape {
                        _ if field.is_pointer() => None,
                        Shape::String => Some("".into()),
                        Shape::Integer { .. } => Some(0.into()),
                        Shape::Boolean => Some(false.into()),
                        _ => None,
                    }),
                };
                field.list_map_keys().map(|key| (key, default(key))).collect()
            }
            Type::Structural { schema, .. } => {
                let properties = &schema["items"]["properties"];
                let keys = schema["x-kubernetes-list-map-keys"].items();
                keys.iter().map(|key| (key.str(), properties[key.str()].get("default").cloned())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What [`check`](super::check) finds wrong with a value that is no object or list.
    pub(super) fn mismatch(self, value: &Value) -> Option<String> {
        let odd = |wanted: &str| Some(format!("expected {wanted}, got &{{{}}}", crate::go::plain(value)));
        let unstructured = |wanted: &str| {
            Some(format!("expected {wanted}, got &value.valueUnstructured{{Value:{}}}", go_literal(value)))
        };
        let word = match self {
            _ if value.is_null() => return None,
            Type::Table(shape, _) => match shape {
                Shape::String | Shape::Bytes | Shape::Time | Shape::MicroTime => "string",
                Shape::Integer { .. } | Shape::Number => "number",
                Shape::Boolean => "boolean",
                Shape::Quantity | Shape::IntOrString => "scalar",
                Shape::Object(_) | Shape::Map(_) => "object",
                Shape::List(_) => "array",
                Shape::Any | Shape::Raw => return None,
            },
            Type::Structural { schema, .. } if is_true(&schema["x-kubernetes-int-or-string"]) => "scalar",
            Type::Structural { schema, .. } => schema["type"].str(),
            Type::Free => return None,
        };
        match (word, value) {
            ("string", Value::String(_))
            | ("number" | "integer", Value::Int(_) | Value::Float(_))
            | ("boolean", Value::Bool(_))
            | ("object", Value::Object(_))
            | ("array", Value::Array(_))
            | ("scalar", Value::Int(_) | Value::Float(_) | Value::String(_)) => None,
            ("number" | "integer", _) => Some(format!("expected numeric (int or float), got {}", go_word(value))),
            ("string", _) => unstructured("string"),
            ("boolean", _) => unstructured("boolean"),
            ("object", _) => odd("map"),
            ("array", _) => odd("list"),
            ("scalar", _) => Some(format!("expected a scalar, got {}", go_word(value))),
            _ => None,
        }
    }
}

fn go_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn go_literal(value: &Value) -> String {
    match value {
        Value::String(text) => crate::go::quote(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_literal).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let pairs: Vec<String> =
                map.iter().map(|(key, v)| format!("{}:{}", crate::go::quote(key), go_literal(v))).collect();
            format!("map[string]interface {{}}{{{}}}", pairs.join(", "))
        }
        other => crate::go::plain(other),
    }
}
