//! Types: what the checker knows of an expression, and what a schema says of its values.

use std::sync::Arc;

use drydock_value::Value;

use crate::table::{Schema, Shape, TypeRef};

/// A type.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Anything: what it is shows when the program runs.
    Dyn,
    /// What was wrong, and has been told.
    Error,
    /// Null.
    Null,
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A whole number that is not negative.
    Uint,
    /// Any number.
    Double,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// A moment.
    Timestamp,
    /// A length of time.
    Duration,
    /// A list of these.
    List(Arc<Type>, Listed),
    /// Keys and values.
    Map(Arc<Type>, Arc<Type>),
    /// An object with known fields.
    Object(Arc<Object>),
    /// A type of a library, by its name.
    Opaque(&'static str),
    /// One of these, or nothing.
    Optional(Arc<Type>),
    /// The type of types.
    Type(Arc<Type>),
    /// A type that is found out later; `A`, `B` in declarations.
    Var(u32),
}

/// What a schema says of the order of a list (`x-kubernetes-list-type`). To the checker all lists are alike.
#[derive(Debug, Clone, Default)]
pub enum Listed {
    /// Items have their places.
    #[default]
    Ordered,
    /// Each item once, in no order.
    Set,
    /// Objects that are told apart by these fields, in no order.
    Keyed(Arc<[String]>),
}

impl PartialEq for Listed {
    fn eq(&self, _: &Listed) -> bool {
        true
    }
}

impl Listed {
    fn of_schema(schema: &Value) -> Listed {
        match schema["x-kubernetes-list-type"].str() {
            "set" => Listed::Set,
            "map" => {
                let keys = schema["x-kubernetes-list-map-keys"].items().iter();
                Listed::Keyed(keys.map(|key| key.str().to_owned()).collect())
            }
            _ => Listed::Ordered,
        }
    }
}

/// An object type.
#[derive(Debug)]
pub struct Object {
    name: String,
    fields: Fields,
}

impl PartialEq for Object {
    fn eq(&self, other: &Object) -> bool {
        self.name == other.name
    }
}

#[derive(Debug)]
enum Fields {
    /// A structural schema, and whether it is that of a whole resource.
    Schema(Value, bool),
    Table(TypeRef),
    /// The variables of a policy, found out so far.
    Known(Vec<(String, Type)>),
    /// Any: values are made of it, and nothing is known of their fields.
    Open,
}

/// The words that a field's name may not be, as it is written in an expression.
const WORDS: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

const ESCAPES: [(&str, &str); 4] = [("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")];

/// A field's name as an expression writes it; None when it cannot be written.
pub fn escape(name: &str) -> Option<String> {
    if WORDS.contains(&name) {
        return Some(format!("__{name}__"));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(fits) {
        return None;
    }
    Some(ESCAPES.iter().fold(name.to_owned(), |name, (from, to)| name.replace(from, to)))
}

/// A field's name as the object has it.
pub fn unescape(name: &str) -> String {
    if let Some(word) = name.strip_prefix("__").and_then(|name| name.strip_suffix("__"))
        && WORDS.contains(&word)
    {
        return word.to_owned();
    }
    ESCAPES.iter().rev().fold(name.to_owned(), |name, (to, from)| name.replace(from, to))
}

fn is(schema: &Value, key: &str) -> bool {
    schema[key].is_true()
}

impl Type {
    /// A list of a type.
    pub fn list(of: Type) -> Type {
        Type::List(Arc::new(of), Listed::Ordered)
    }

    /// Keys that are texts, and values of a type.
    pub fn map(of: Type) -> Type {
        Type::Map(Arc::new(Type::String), Arc::new(of))
    }

    /// One of this type, or nothing.
    #[must_use]
    pub fn optional(&self) -> Type {
        Type::Optional(Arc::new(self.clone()))
    }

    /// What a structural schema describes. None for what expressions cannot see: parts without a type.
    pub fn of_schema(schema: &Value, resource: bool, name: &str) -> Option<Type> {
        if is(schema, "x-kubernetes-int-or-string") || schema["type"] == "dyn" {
            return Some(Type::Dyn);
        }
        let kind = schema["type"].str();
        let text = match schema["format"].str() {
            "byte" => Type::Bytes,
            "duration" => Type::Duration,
            "date" | "date-time" => Type::Timestamp,
            _ => Type::String,
        };
        Some(match kind {
            "array" => {
                let items = &schema["items"];
                let inner =
                    Type::of_schema(items, is(items, "x-kubernetes-embedded-resource"), &format!("{name}.@idx"));
                Type::List(Arc::new(inner?), Listed::of_schema(schema))
            }
            "object" if schema["additionalProperties"].as_object().is_some() && !resource => {
                let inner = &schema["additionalProperties"];
                let resource = is(inner, "x-kubernetes-embedded-resource");
                Type::map(Type::of_schema(inner, resource, &format!("{name}.@elem"))?)
            }
            "object" => {
                let fields = Fields::Schema(schema.clone(), resource);
                Type::Object(Arc::new(Object { name: name.to_owned(), fields }))
            }
            _ if resource => {
                let fields = Fields::Schema(schema.clone(), resource);
                Type::Object(Arc::new(Object { name: name.to_owned(), fields }))
            }
            "string" => text,
            "boolean" => Type::Bool,
            "number" => Type::Double,
            "integer" => Type::Int,
            _ => return None,
        })
    }

    /// What a built-in type describes.
    pub fn of_table(of: TypeRef, name: &str) -> Type {
        Type::Object(Arc::new(Object { name: name.to_owned(), fields: Fields::Table(of) }))
    }

    fn of_shape(shape: Shape, name: String) -> Type {
        match shape {
            Shape::String => Type::String,
            Shape::Time | Shape::MicroTime => Type::Timestamp,
            Shape::Bytes => Type::Bytes,
            Shape::Integer { .. } => Type::Int,
            Shape::Number => Type::Double,
            Shape::Boolean => Type::Bool,
            Shape::Any | Shape::Raw | Shape::Quantity | Shape::IntOrString => Type::Dyn,
            Shape::Object(of) => Type::of_table(of, &name),
            Shape::List(inner) => Type::list(Type::of_shape(inner.get(), format!("{name}.@idx"))),
            Shape::Map(inner) => Type::map(Type::of_shape(inner.get(), format!("{name}.@elem"))),
        }
    }

    /// An object of which exactly these fields are known.
    pub fn of_fields(name: &str, fields: Vec<(String, Type)>) -> Type {
        Type::Object(Arc::new(Object { name: name.to_owned(), fields: Fields::Known(fields) }))
    }

    /// An object that programs make, with whatever fields.
    pub fn open(name: &str) -> Type {
        Type::Object(Arc::new(Object { name: name.to_owned(), fields: Fields::Open }))
    }

    /// As messages write it.
    pub fn text(&self) -> String {
        match self {
            Type::Dyn => "dyn".into(),
            Type::Error => "!error!".into(),
            Type::Null => "null".into(),
            Type::Bool => "bool".into(),
            Type::Int => "int".into(),
            Type::Uint => "uint".into(),
            Type::Double => "double".into(),
            Type::String => "string".into(),
            Type::Bytes => "bytes".into(),
            Type::Timestamp => "timestamp".into(),
            Type::Duration => "duration".into(),
            Type::List(of, _) => format!("list({})", of.text()),
            Type::Map(key, of) => format!("map({}, {})", key.text(), of.text()),
            Type::Object(object) => object.name.clone(),
            Type::Opaque(name) => (*name).into(),
            Type::Optional(of) => format!("optional_type({})", of.text()),
            Type::Type(of) if **of == Type::Dyn => "type".into(),
            Type::Type(of) => format!("type({})", of.text()),
            Type::Var(number) => format!("_var{number}"),
        }
    }
}

impl Object {
    /// The type of a field by its name as expressions write it.
    pub(super) fn field(&self, written: &str) -> Option<Type> {
        let name = unescape(written);
        let inner = || format!("{}.{name}", self.name);
        match &self.fields {
            Fields::Open => Some(Type::Dyn),
            Fields::Known(fields) => fields.iter().find(|(known, _)| known == written).map(|(_, ty)| ty.clone()),
            Fields::Table(of) => match name.as_str() {
                "kind" | "apiVersion" if of.gvk().is_some() => Some(Type::String),
                _ => of.field(&name).map(|field| Type::of_shape(field.shape, inner())),
            },
            Fields::Schema(schema, resource) => {
                if *resource {
                    match name.as_str() {
                        "kind" | "apiVersion" => return Some(Type::String),
                        "metadata" if is(schema, "full-metadata") => {
                            let of = Schema::get().by_name("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")?;
                            return Some(Type::of_table(of, &inner()));
                        }
                        "metadata" => {
                            let own = &schema["properties"]["metadata"]["properties"];
                            let typed = |key: &str| {
                                let found = Type::of_schema(&own[key], false, key).unwrap_or(Type::String);
                                (key.to_owned(), found)
                            };
                            return Some(Type::of_fields(&inner(), vec![typed("name"), typed("generateName")]));
                        }
                        _ => {}
                    }
                }
                let own = &schema["properties"][name.as_str()];
                if own.is_null() || escape(&name).as_deref() != Some(written) && name != written {
                    return None;
                }
                Type::of_schema(own, is(own, "x-kubernetes-embedded-resource"), &inner())
            }
        }
    }
}
