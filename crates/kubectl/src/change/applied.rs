//! The annotation in which `kubectl apply` keeps what was applied last.

use drydock_value::{Value, parse_json, to_json, value};

/// The annotation's key.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// JSON as Go's encoder writes it, with a line break at its end: what HTML gives a meaning is escaped.
pub fn go_json(value: &Value) -> String {
    escape_html(&to_json(value)) + "\n"
}

/// `<`, `>` and `&`, which occur in JSON within strings only, as Go's encoder escapes them.
pub fn escape_html(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// What was applied last, as text, if the object says so.
pub fn original(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"][LAST_APPLIED].as_str()
}

/// What was applied last.
///
/// # Errors
/// When the annotation is not JSON.
pub fn original_value(object: &Value) -> Result<Option<Value>, String> {
    original(object).map(|text| parse_json(text).map_err(|error| error.to_string())).transpose()
}

/// An object without the annotation. Its annotations are there, if empty.
pub fn without(object: &Value) -> Value {
    let mut bare = object.clone();
    let annotations = &mut bare["metadata"]["annotations"];
    annotations.object_mut().remove(LAST_APPLIED);
    bare
}

/// An object that carries itself in the annotation: what is sent to be applied.
pub fn annotated(object: &Value) -> Value {
    let mut bare = without(object);
    let text = go_json(&bare);
    bare["metadata"]["annotations"].set(LAST_APPLIED, text);
    bare
}

/// A merge patch that puts an object into its own annotation.
pub fn annotation_patch(object: &Value) -> Value {
    value!({"metadata": {"annotations": {(LAST_APPLIED): go_json(object)}}})
}

/// What `--save-config` does: the annotation is set when `create` is true, brought up to date when it is there, and
/// otherwise left out. `encode` writes the object as text.
pub fn create_or_update(object: &mut Value, create: bool, encode: impl FnOnce(&Value) -> String) {
    if !create && original(object).is_none() {
        return;
    }
    let text = encode(&without(object));
    object["metadata"]["annotations"].set(LAST_APPLIED, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_carries_itself() {
        let object = value!({"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "<v>"}});
        let sent = annotated(&object);
        let kept = original(&sent).unwrap();
        assert_eq!(
            kept,
            "{\"data\":{\"k\":\"\\u003cv\\u003e\"},\"kind\":\"ConfigMap\",\"metadata\":{\"annotations\":{},\"name\":\"a\"}}\n"
        );
        // Applied once more, nothing is nested.
        assert_eq!(annotated(&sent), sent);
    }
}
