//! The types as tables. Everything is static: a type or a field is a small number, and following one costs an index.

mod field;

use drydock_api::GroupVersionKind;
use drydock_value::Value;

pub use field::{Field, ListType};

mod rows {
    #![allow(clippy::all)]
    include!(concat!(env!("OUT_DIR"), "/tables.rs"));

    pub(super) fn string(at: u16) -> &'static str {
        let at = usize::from(at);
        match (OFFSETS.get(at), OFFSETS.get(at + 1)) {
            (Some(start), Some(end)) => TEXT.get(*start as usize..*end as usize).unwrap_or(""),
            _ => "",
        }
    }

    pub(super) fn type_row(at: u16) -> (u16, u16, bool) {
        TYPES.get(usize::from(at)).copied().unwrap_or_default()
    }

    pub(super) fn type_count() -> u16 {
        // The last row only says where the fields end.
        (TYPES.len() - 1) as u16
    }

    pub(super) fn field_row(at: u16) -> (u16, u16, u16, u16) {
        FIELDS.get(usize::from(at)).copied().unwrap_or_default()
    }

    pub(super) fn shape_row(at: u16) -> (u8, u16) {
        SHAPES.get(usize::from(at)).copied().unwrap_or_default()
    }

    pub(super) fn extra_row(at: u16) -> [u16; 7] {
        EXTRAS.get(usize::from(at)).copied().unwrap_or_default()
    }

    pub(super) fn list(start: u16, length: u16) -> &'static [u16] {
        let start = usize::from(start);
        LISTS.get(start..start + usize::from(length)).unwrap_or(&[])
    }

    pub(super) fn kinds() -> &'static [(u16, u16, u16, u16)] {
        KINDS
    }
}

/// The door to the types.
#[derive(Debug, Clone, Copy)]
pub struct Schema(());

impl Schema {
    /// The types of Kubernetes v1.36.
    pub fn get() -> &'static Schema {
        static SCHEMA: Schema = Schema(());
        &SCHEMA
    }

    /// The type of a kind.
    pub fn by_kind(&self, gvk: &GroupVersionKind) -> Option<TypeRef> {
        self.by_parts(&gvk.group, &gvk.version, &gvk.kind)
    }

    /// The type of a kind, by its parts.
    pub fn by_parts(&self, group: &str, version: &str, kind: &str) -> Option<TypeRef> {
        let kinds = rows::kinds();
        let at = kinds
            .binary_search_by(|(g, v, k, _)| {
                (rows::string(*g), rows::string(*v), rows::string(*k)).cmp(&(group, version, kind))
            })
            .ok()?;
        kinds.get(at).map(|(.., t)| TypeRef(*t))
    }

    /// The type of an object, by its `apiVersion` and `kind`.
    pub fn of(&self, object: &Value) -> Option<TypeRef> {
        let api_version = object["apiVersion"].str();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.by_parts(group, version, object["kind"].str())
    }

    /// The type of a full name, such as `io.k8s.api.core.v1.Pod`.
    pub fn by_name(&self, name: &str) -> Option<TypeRef> {
        let (mut low, mut high) = (0, rows::type_count());
        while low < high {
            let middle = (low + high) / 2;
            match rows::string(rows::type_row(middle).0).cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(TypeRef(middle)),
            }
        }
        None
    }

    /// All types, by name.
    pub fn types(&self) -> impl Iterator<Item = TypeRef> + use<> {
        (0..rows::type_count()).map(TypeRef)
    }

    /// All kinds with their types, by group, version and kind.
    pub fn kinds(&self) -> impl Iterator<Item = (GroupVersionKind, TypeRef)> + use<> {
        rows::kinds().iter().map(|(g, v, k, t)| {
            (GroupVersionKind::new(rows::string(*g), rows::string(*v), rows::string(*k)), TypeRef(*t))
        })
    }
}

/// A type: an object with known fields.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeRef(u16);

impl TypeRef {
    /// The full name: `io.k8s.api.core.v1.PodSpec`.
    pub fn name(self) -> &'static str {
        rows::string(rows::type_row(self.0).0)
    }

    /// The name without its package: `PodSpec`.
    pub fn short_name(self) -> &'static str {
        self.name().rsplit('.').next().unwrap_or_default()
    }

    /// The name as Go prints it: `v1.PodSpec`.
    pub fn go_name(self) -> &'static str {
        let name = self.name();
        match name.rmatch_indices('.').nth(1) {
            Some((at, _)) => &name[at + 1..],
            None => name,
        }
    }

    /// Its place in the order of [`Schema::types`].
    pub fn index(self) -> usize {
        self.0.into()
    }

    /// The kind that this is the type of, if it is one.
    pub fn gvk(self) -> Option<GroupVersionKind> {
        let row = rows::kinds().iter().find(|row| row.3 == self.0)?;
        Some(GroupVersionKind::new(rows::string(row.0), rows::string(row.1), rows::string(row.2)))
    }

    /// Whether server-side apply takes objects of it as one piece (`x-kubernetes-map-type: atomic`).
    pub fn is_atomic(self) -> bool {
        rows::type_row(self.0).2
    }

    fn field_range(self) -> std::ops::Range<u16> {
        rows::type_row(self.0).1..rows::type_row(self.0 + 1).1
    }

    /// The fields, by name.
    pub fn fields(self) -> impl ExactSizeIterator<Item = Field> {
        self.field_range().map(Field::at)
    }

    /// The field of that name.
    pub fn field(self, name: &str) -> Option<Field> {
        let std::ops::Range { start: mut low, end: mut high } = self.field_range();
        while low < high {
            let middle = low + (high - low) / 2;
            match rows::string(rows::field_row(middle).0).cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(Field::at(middle)),
            }
        }
        None
    }
}

impl std::fmt::Debug for TypeRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What values of a field, an item or a map's value look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    String,
    /// A whole number of 32 or 64 bits.
    Integer {
        /// 32 or 64.
        bits: u8,
    },
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// Bytes, as base64 text.
    Bytes,
    /// Anything.
    Any,
    /// An object without known fields.
    Raw,
    /// An amount such as `500m` or `1Gi`.
    Quantity,
    /// A moment, to the second.
    Time,
    /// A moment, to the microsecond.
    MicroTime,
    /// A whole number or text.
    IntOrString,
    /// An object with known fields.
    Object(TypeRef),
    /// A list of these.
    List(Inner),
    /// An object whose values are these.
    Map(Inner),
}

/// The shape inside of a list or map.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Inner(u16);

impl Inner {
    /// The shape.
    pub fn get(self) -> Shape {
        Shape::at(self.0)
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.get(), f)
    }
}

impl Shape {
    pub(super) fn at(row: u16) -> Shape {
        let (tag, argument) = rows::shape_row(row);
        match tag {
            0 => Shape::String,
            1 => Shape::Integer { bits: 32 },
            2 => Shape::Integer { bits: 64 },
            3 => Shape::Boolean,
            4 => Shape::Number,
            5 => Shape::Bytes,
            6 => Shape::Any,
            8 => Shape::Quantity,
            9 => Shape::Time,
            10 => Shape::MicroTime,
            11 => Shape::IntOrString,
            20 => Shape::List(Inner(argument)),
            21 => Shape::Map(Inner(argument)),
            22 => Shape::Object(TypeRef(argument)),
            _ => Shape::Raw,
        }
    }

    /// The object type at the bottom: of the shape itself, of a list's items or of a map's values.
    pub fn object(self) -> Option<TypeRef> {
        match self {
            Shape::Object(inner) => Some(inner),
            Shape::List(inner) | Shape::Map(inner) => inner.get().object(),
            _ => None,
        }
    }

    /// The type as `kubectl explain` writes it, without what `-required-` and enums add: `<[]Object>`,
    /// `<map[string]string>`. Object types are named by their short name, as explain does.
    pub fn explain(self) -> String {
        match self {
            Shape::String | Shape::Time | Shape::MicroTime | Shape::Bytes => "string".into(),
            Shape::Integer { .. } => "integer".into(),
            Shape::Number => "number".into(),
            Shape::Boolean => "boolean".into(),
            Shape::Any | Shape::Raw => "Object".into(),
            Shape::Quantity => "Quantity".into(),
            Shape::IntOrString => "IntOrString".into(),
            Shape::Object(inner) => inner.short_name().into(),
            Shape::List(inner) => format!("[]{}", inner.get().explain()),
            Shape::Map(inner) => format!("map[string]{}", inner.get().explain()),
        }
    }

    /// The type as Go prints it in messages, where no name of its own is known: `[]string`, `int32`, `v1.PodSpec`.
    pub fn go_name(self) -> String {
        match self {
            Shape::String => "string".into(),
            Shape::Integer { bits: 32 } => "int32".into(),
            Shape::Integer { .. } => "int64".into(),
            Shape::Number => "float64".into(),
            Shape::Boolean => "bool".into(),
            Shape::Bytes => "[]uint8".into(),
            Shape::Any => "interface {}".into(),
            Shape::Raw => "runtime.RawExtension".into(),
            Shape::Quantity => "resource.Quantity".into(),
            Shape::Time => "v1.Time".into(),
            Shape::MicroTime => "v1.MicroTime".into(),
            Shape::IntOrString => "intstr.IntOrString".into(),
            Shape::Object(inner) => inner.go_name().into(),
            Shape::List(inner) => format!("[]{}", inner.get().go_name()),
            Shape::Map(inner) => format!("map[string]{}", inner.get().go_name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(type_name: &str, name: &str) -> Field {
        Schema::get().by_name(type_name).unwrap().field(name).unwrap()
    }

    #[test]
    fn finds_types() {
        let schema = Schema::get();
        let deployment = schema.by_parts("apps", "v1", "Deployment").unwrap();
        assert_eq!(deployment.name(), "io.k8s.api.apps.v1.Deployment");
        assert_eq!((deployment.short_name(), deployment.go_name()), ("Deployment", "v1.Deployment"));
        assert_eq!(deployment.gvk().unwrap().to_owned(), GroupVersionKind::new("apps", "v1", "Deployment"));
        assert_eq!(schema.by_parts("apps", "v1", "Pod"), None);
        assert_eq!(schema.by_name("io.k8s.api.core.v1.Nope"), None);
        assert!(schema.types().count() > 500);
        for t in schema.types() {
            assert_eq!(schema.by_name(t.name()), Some(t));
            for field in t.fields() {
                assert_eq!(t.field(field.name), Some(field), "{t:?}");
            }
        }
        for (gvk, t) in schema.kinds() {
            assert_eq!(schema.by_kind(&gvk), Some(t));
        }
    }

    #[test]
    fn fields_carry_their_facts() {
        let containers = field("io.k8s.api.core.v1.PodSpec", "containers");
        assert!(containers.required() && containers.patch_merges());
        assert_eq!(containers.merge_key(), Some("name"));
        assert_eq!(containers.list_type(), Some(ListType::Map));
        assert_eq!(containers.explain(), "[]Container");
        assert_eq!(field("io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry", "fieldsV1").explain(), "FieldsV1");
        let schema = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
        assert_eq!(field(schema, "enum").explain(), "[]JSON");
        assert_eq!(field(schema, "dependencies").explain(), "map[string]JSONSchemaPropsOrStringArray");
        let ports = field("io.k8s.api.core.v1.Container", "ports");
        assert_eq!(ports.list_map_keys().collect::<Vec<_>>(), ["containerPort", "protocol"]);
        let pull = field("io.k8s.api.core.v1.Container", "imagePullPolicy");
        assert_eq!(pull.enum_values().collect::<Vec<_>>(), ["Always", "IfNotPresent", "Never"]);
        assert_eq!(pull.go_name(), "v1.PullPolicy");
        let protocol = field("io.k8s.api.core.v1.ServicePort", "protocol");
        assert_eq!(protocol.default(), Some(Value::from("TCP")));
        let replicas = field("io.k8s.api.apps.v1.DeploymentSpec", "replicas");
        assert!(replicas.is_pointer() && replicas.omits_empty());
        assert_eq!(replicas.shape, Shape::Integer { bits: 32 });
        assert!(field("io.k8s.api.apps.v1.DeploymentSpec", "strategy").patch_retains_keys());
        assert!(field("io.k8s.api.core.v1.PodSpec", "nodeSelector").is_atomic());
        assert!(field("io.k8s.api.core.v1.EnvVarSource", "configMapKeyRef").is_atomic());
    }
}
