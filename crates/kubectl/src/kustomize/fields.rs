//! Places in objects: paths of fields with `/` between, tables of them by kind, and visiting what lies there.

use drydock_value::Value;

use super::resource::Id;

/// A row of a table: the kinds that have the field (none: all), the path, and whether the field is made when it is not
/// there.
pub(super) type Row = (&'static str, &'static str, bool);

/// Visits what lies at a path. Lists on the way are gone through (`[]` behind a field only says so to the reader); with
/// `create`, fields that are not there are made.
pub(super) fn visit(value: &mut Value, path: &str, create: bool, act: &mut dyn FnMut(&mut Value)) {
    if let Value::Array(_) = value {
        for item in value.items_mut() {
            visit(item, path, create, act);
        }
        return;
    }
    if path.is_empty() {
        act(value);
        return;
    }
    let (field, rest) = split(path);
    let is_list = field.ends_with("[]");
    let field = field.trim_end_matches("[]");
    if value.get(field).is_none_or(Value::is_null) {
        if !create || is_list || !matches!(value, Value::Object(_) | Value::Null) {
            return;
        }
        // What is acted upon at the end decides what it becomes; on the way there are objects.
        value.set(field, if rest.is_empty() { Value::Null } else { Value::object() });
    }
    if let Some(inner) = value.get_mut(field) {
        visit(inner, rest, create, act);
    }
}

/// The first field of a path and the rest; `\/` is a slash in a name.
fn split(path: &str) -> (&str, &str) {
    let bytes = path.as_bytes();
    let at = (0..bytes.len()).find(|at| bytes[*at] == b'/' && (*at == 0 || bytes[*at - 1] != b'\\'));
    at.map_or((path, ""), |at| (&path[..at], &path[at + 1..]))
}

/// Visits the fields of a table that the object's kind has.
pub(super) fn visit_rows(object: &mut Value, rows: &[Row], act: &mut dyn FnMut(&mut Value)) {
    let kind = object["kind"].str().to_owned();
    for (kinds, path, create) in rows {
        if kinds.is_empty() || kinds.split(' ').any(|other| other == kind) {
            visit(object, path, *create, act);
        }
    }
}

/// Visits the fields that a kustomization names itself (`fields`, `fieldSpecs`).
pub(super) fn visit_specs(object: &mut Value, specs: &Value, act: &mut dyn FnMut(&mut Value)) {
    let gvk = Id::of(object).gvk;
    for spec in specs.items() {
        let fits = [("group", &gvk.group), ("version", &gvk.version), ("kind", &gvk.kind)]
            .iter()
            .all(|(key, value)| spec[*key].str().is_empty() || spec[*key].str() == *value);
        if fits {
            visit(object, spec["path"].str(), spec["create"].is_true(), act);
        }
    }
}

/// Where the pods' spec lies in a kind that makes pods.
pub(super) fn pod_spec(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Pod" => "spec",
        "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet" | "ReplicationController" | "Job" => {
            "spec/template/spec"
        }
        "CronJob" => "spec/jobTemplate/spec/template/spec",
        "PodTemplate" => "template/spec",
        _ => return None,
    })
}
