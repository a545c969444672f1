//! What many printers need.

use drydock_value::{Time, Value};

use crate::types::human;

/// An object to print, and now.
pub(super) struct Print<'a> {
    pub(super) object: &'a Value,
    pub(super) now: Time,
}

impl Print<'_> {
    pub(super) fn name(&self) -> Value {
        self.object["metadata"]["name"].clone()
    }

    /// How long ago the object was created.
    pub(super) fn own_age(&self) -> Value {
        self.age(&self.object["metadata"]["creationTimestamp"]).into()
    }

    /// How long ago a moment was; `<unknown>` when it is not set.
    pub(super) fn age(&self, moment: &Value) -> String {
        match Time::parse_rfc3339(moment.str()) {
            Some(moment) => human(self.now.since(moment)),
            None => "<unknown>".into(),
        }
    }

    pub(super) fn spec(&self) -> &Value {
        &self.object["spec"]
    }

    pub(super) fn status(&self) -> &Value {
        &self.object["status"]
    }

    /// Whether a condition has the status "True".
    pub(super) fn has_condition(&self, kind: &str) -> bool {
        self.status()["conditions"].find("type", kind).is_some_and(|condition| condition["status"] == "True")
    }
}

/// The text, or what stands for none.
pub(super) fn or<'a>(text: &'a str, none: &'a str) -> &'a str {
    if text.is_empty() { none } else { text }
}

/// Names and images of a pod template's containers.
pub(super) fn containers(spec: &Value) -> (String, String) {
    let join = |key: &str| spec["containers"].items().iter().map(|c| c[key].str()).collect::<Vec<_>>().join(",");
    (join("name"), join("image"))
}

/// `a=b,c=d`, or `<none>`.
pub(super) fn labels(map: &Value) -> String {
    let pairs: Vec<String> = map.entries().map(|(key, value)| format!("{key}={}", value.str())).collect();
    or(&pairs.join(","), "<none>").to_owned()
}

pub(crate) use drydock_schema::labels::format_label_selector as label_selector;

/// Up to three items, and how many more there are.
pub(super) fn first_three(items: &[String], none: &str) -> String {
    let shown = items.iter().take(3).cloned().collect::<Vec<_>>().join(",");
    if items.len() > 3 {
        return format!("{shown} + {} more...", items.len() - 3);
    }
    or(&shown, none).to_owned()
}

/// Strings of an array, joined.
pub(super) fn join(items: &Value, separator: &str) -> String {
    items.items().iter().map(Value::str).collect::<Vec<_>>().join(separator)
}
