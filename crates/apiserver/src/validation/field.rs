//! Paths of fields and the errors at them, in the words of `k8s.io/apimachinery/pkg/util/validation/field`.

use std::fmt::{self, Write as _};

use drydock_api::Cause;
use drydock_value::{Value, to_json};

/// A path such as `spec.containers[0].name`. It lives on the stack and is only spelled out for an error.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> Path<'a> {
    /// The first step.
    pub(crate) const fn new(field: &'a str) -> Path<'a> {
        Path { parent: None, step: Step::Field(field) }
    }

    /// Whether nothing is above: the spec of an object itself, not of a template in it.
    pub(crate) const fn is_root(&self) -> bool {
        self.parent.is_none()
    }

    /// A field below.
    pub(crate) const fn field<'b>(&'b self, field: &'b str) -> Path<'b> {
        Path { parent: Some(self), step: Step::Field(field) }
    }

    /// An item of a list.
    pub(crate) const fn index(&self, at: usize) -> Path<'_> {
        Path { parent: Some(self), step: Step::Index(at) }
    }

    /// A value of a map.
    pub(crate) const fn key<'b>(&'b self, key: &'b str) -> Path<'b> {
        Path { parent: Some(self), step: Step::Key(key) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Field("") => Ok(()),
            Step::Field(name) if self.parent.is_some() => write!(f, ".{name}"),
            Step::Field(name) => f.write_str(name),
            Step::Index(at) => write!(f, "[{at}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
}

/// What a validation found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Errors(pub(crate) Vec<Cause>);

impl Errors {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn add(&mut self, reason: &str, path: &Path<'_>, message: String) {
        self.0.push(Cause { reason: reason.into(), message, field: path.to_string() });
    }

    /// `Required value` with an optional detail.
    pub(crate) fn required(&mut self, path: &Path<'_>, detail: &str) {
        let message = if detail.is_empty() { "Required value".into() } else { format!("Required value: {detail}") };
        self.add("FieldValueRequired", path, message);
    }

    /// `Invalid value: "x": detail`.
    pub(crate) fn invalid(&mut self, path: &Path<'_>, shown: impl Into<Value>, detail: impl AsRef<str>) {
        let message = with_detail("Invalid value", Some(&shown.into()), detail.as_ref());
        self.add("FieldValueInvalid", path, message);
    }

    /// An `Invalid value` that is shown as Go prints the type in question (a text made by the caller).
    pub(crate) fn invalid_text(&mut self, path: &Path<'_>, shown: &str, detail: &str) {
        let shown = if shown.is_empty() { String::new() } else { format!("{shown}: ") };
        self.add("FieldValueInvalid", path, format!("Invalid value: {shown}{detail}"));
    }

    /// One `Invalid value` a message.
    pub(crate) fn all_invalid(&mut self, path: &Path<'_>, shown: impl Into<Value>, details: Vec<String>) {
        if details.is_empty() {
            return;
        }
        let shown = shown.into();
        for detail in details {
            self.invalid(path, &shown, detail);
        }
    }

    /// `Unsupported value: "x": supported values: "a", "b"`.
    pub(crate) fn not_supported(&mut self, path: &Path<'_>, shown: impl Into<Value>, supported: &[&str]) {
        self.not_supported_text(path, &show(&shown.into()), supported);
    }

    /// The same, for a value that Go prints in its own way.
    pub(crate) fn not_supported_text(&mut self, path: &Path<'_>, shown: &str, supported: &[&str]) {
        let mut message = format!("Unsupported value: {shown}");
        for (at, value) in supported.iter().enumerate() {
            let _ = write!(message, "{}{value:?}", if at == 0 { ": supported values: " } else { ", " });
        }
        self.add("FieldValueNotSupported", path, message);
    }

    /// `Forbidden: detail`.
    pub(crate) fn forbidden(&mut self, path: &Path<'_>, detail: impl AsRef<str>) {
        self.add("FieldValueForbidden", path, format!("Forbidden: {}", detail.as_ref()));
    }

    /// `Duplicate value: "x"`.
    pub(crate) fn duplicate(&mut self, path: &Path<'_>, shown: impl Into<Value>) {
        let message = with_detail("Duplicate value", Some(&shown.into()), "");
        self.add("FieldValueDuplicate", path, message);
    }

    /// The same, for a value that Go prints in its own way.
    pub(crate) fn duplicate_text(&mut self, path: &Path<'_>, shown: &str) {
        self.add("FieldValueDuplicate", path, format!("Duplicate value: {shown}"));
    }

    /// `Not found: "x"`.
    pub(crate) fn not_found(&mut self, path: &Path<'_>, shown: impl Into<Value>) {
        let message = with_detail("Not found", Some(&shown.into()), "");
        self.add("FieldValueNotFound", path, message);
    }

    /// `Not found: "x": detail`.
    pub(crate) fn not_found_in(&mut self, path: &Path<'_>, shown: &str, detail: &str) {
        self.add("FieldValueNotFound", path, with_detail("Not found", Some(&shown.into()), detail));
    }

    /// `Too long: may not be more than 63 bytes`.
    pub(crate) fn too_long(&mut self, path: &Path<'_>, bytes: usize) {
        self.add("FieldValueTooLong", path, format!("Too long: may not be more than {bytes} bytes"));
    }

    /// `Too many: 33: must have at most 32 items`.
    pub(crate) fn too_many(&mut self, path: &Path<'_>, actual: usize, most: usize) {
        let items = if most == 1 { "item" } else { "items" };
        self.add("FieldValueTooMany", path, format!("Too many: {actual}: must have at most {most} {items}"));
    }
}

/// A value as the messages show it: strings quoted, the rest as JSON.
fn show(value: &Value) -> String {
    match value {
        Value::String(text) => go_quote(text),
        other => to_json(other),
    }
}

/// Go's `%q`, near enough: JSON's escapes.
pub(crate) fn go_quote(text: &str) -> String {
    to_json(&Value::from(text))
}

fn with_detail(what: &str, shown: Option<&Value>, detail: &str) -> String {
    let mut message = what.to_owned();
    if let Some(value) = shown {
        message.push_str(": ");
        message.push_str(&show(value));
    }
    if !detail.is_empty() {
        message.push_str(": ");
        message.push_str(detail);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn says_it_as_kubernetes_does() {
        let mut errors = Errors::default();
        let spec = Path::new("spec");
        let containers = spec.field("containers");
        errors.required(&containers, "");
        errors.invalid(&containers.index(0).field("name"), "a.b", "must not contain dots");
        errors.not_supported(&spec.field("x"), value!(null), &["storage"]);
        errors.duplicate(&containers.index(2).field("name"), "c");
        errors.invalid(&spec.field("hard").key("pods"), "-1", "no");
        let texts: Vec<String> = errors.0.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        assert_eq!(
            texts,
            [
                "spec.containers: Required value",
                "spec.containers[0].name: Invalid value: \"a.b\": must not contain dots",
                "spec.x: Unsupported value: null: supported values: \"storage\"",
                "spec.containers[2].name: Duplicate value: \"c\"",
                "spec.hard[pods]: Invalid value: \"-1\": no",
            ]
        );
    }
}
