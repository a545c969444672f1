//! JSON patches (RFC 6902), with the errors of the library that the API server uses.

use drydock_value::Value;

/// Why a JSON patch was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonPatchError {
    /// It is no JSON patch: the API server answers BadRequest.
    Malformed(String),
    /// It has more operations than a server takes.
    TooLong(String),
    /// It does not fit the object, or a test failed: the API server answers that the request is invalid.
    Failed(String),
}

impl std::fmt::Display for JsonPatchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (JsonPatchError::Malformed(message) | JsonPatchError::TooLong(message) | JsonPatchError::Failed(message)) =
            self;
        f.write_str(message)
    }
}

impl std::error::Error for JsonPatchError {}

/// How many operations the API server takes.
const OPERATION_LIMIT: usize = 10_000;

/// Applies the operations of `patch`, an array, one after the other.
///
/// # Errors
/// When it is no patch, or an operation does not apply; then nothing is changed.
pub fn json_patch(document: &Value, patch: &Value) -> Result<Value, JsonPatchError> {
    let Value::Array(operations) = patch else {
        if patch.is_null() {
            return Ok(document.clone());
        }
        return Err(JsonPatchError::Malformed(format!(
            "json: cannot unmarshal {} into Go value of type jsonpatch.Patch",
            crate::json_word(patch)
        )));
    };
    if operations.len() > OPERATION_LIMIT {
        return Err(JsonPatchError::TooLong(format!(
            "The allowed maximum operations in a JSON patch is {OPERATION_LIMIT}, got {}",
            operations.len()
        )));
    }
    if let Some(other) = operations.iter().find(|operation| operation.as_object().is_none()) {
        return Err(JsonPatchError::Malformed(format!(
            "json: cannot unmarshal {} into Go value of type jsonpatch.Operation",
            if other.as_str().is_some() { "string" } else { "number" }
        )));
    }
    let mut out = document.clone();
    for operation in operations.iter() {
        apply(&mut out, operation).map_err(JsonPatchError::Failed)?;
    }
    Ok(out)
}

const MISSING: &str = "missing value";

fn apply(document: &mut Value, operation: &Value) -> Result<(), String> {
    let kind = operation["op"].str();
    let path = |name: &str, what: &str| match operation[name].as_str() {
        Some(path) => Ok(path.to_owned()),
        None if kind == "test" => {
            Err(format!("test operation failed to decode path: operation missing path field: {MISSING}"))
        }
        None => Err(format!("{kind} operation failed to decode {what}: {MISSING}")),
    };
    let value = || operation["value"].clone();
    match kind {
        "add" => {
            let path = path("path", "path")?;
            if path.is_empty() {
                *document = value();
                return Ok(());
            }
            let (parent, key) = container(document, &path)
                .ok_or_else(|| format!("add operation does not apply: doc is missing path: \"{path}\": {MISSING}"))?;
            add(parent, &key, value()).map_err(|error| format!("error in add for path: '{path}': {error}"))
        }
        "remove" => {
            let path = path("path", "path")?;
            let (parent, key) = container(document, &path).ok_or_else(|| {
                format!("remove operation does not apply: doc is missing path: \"{path}\": {MISSING}")
            })?;
            remove(parent, &key).map(drop).map_err(|error| format!("error in remove for path: '{path}': {error}"))
        }
        "replace" => {
            let path = path("path", "path")?;
            if path.is_empty() {
                *document = value();
                return Ok(());
            }
            let (parent, key) = container(document, &path)
                .ok_or_else(|| format!("replace operation does not apply: doc is missing path: {path}: {MISSING}"))?;
            if get(parent, &key).is_err() {
                return Err(format!("replace operation does not apply: doc is missing key: {path}: {MISSING}"));
            }
            match parent {
                Value::Array(_) => {
                    let at = index(&key, parent.items().len())?;
                    if let Some(slot) = parent.items_mut().get_mut(at) {
                        *slot = value();
                    }
                }
                _ => parent.set(key, value()),
            }
            Ok(())
        }
        "move" => {
            let from = path("from", "from")?;
            let (parent, key) = container(document, &from)
                .ok_or_else(|| format!("move operation does not apply: doc is missing from path: {from}: {MISSING}"))?;
            let moved = remove(parent, &key).map_err(|error| format!("error in move for path: '{key}': {error}"))?;
            let path = path("path", "path")?;
            let (parent, key) = container(document, &path).ok_or_else(|| {
                format!("move operation does not apply: doc is missing destination path: {path}: {MISSING}")
            })?;
            add(parent, &key, moved).map_err(|error| format!("error in move for path: '{path}': {error}"))
        }
        "copy" => {
            let from = path("from", "from")?;
            let (parent, key) = container(document, &from)
                .ok_or_else(|| format!("copy operation does not apply: doc is missing from path: {from}: {MISSING}"))?;
            let copied = get(parent, &key).map_err(|error| format!("error in copy for from: '{from}': {error}"))?;
            let path = path("path", "path")?;
            let (parent, key) = container(document, &path).ok_or_else(|| {
                format!("copy operation does not apply: doc is missing destination path: {path}: {MISSING}")
            })?;
            add(parent, &key, copied).map_err(|error| format!("error while adding value during copy: {error}"))
        }
        "test" => {
            let path = path("path", "path")?;
            let failed = || format!("testing value {path} failed: test failed");
            if path.is_empty() {
                return if *document == value() { Ok(()) } else { Err(failed()) };
            }
            let (parent, key) = container(document, &path)
                .ok_or_else(|| format!("test operation does not apply: is missing path: {path}: {MISSING}"))?;
            let found = get(parent, &key).map_err(|error| format!("error in test for path: '{path}': {error}"))?;
            if same(&found, &operation["value"]) { Ok(()) } else { Err(failed()) }
        }
        _ => Err(format!("Unexpected kind: {}", if kind.is_empty() { "unknown" } else { kind })),
    }
}

/// Equal, whether whole numbers are written as such or not.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

/// The object or array that a path's last step stands in, and that step.
fn container<'a>(document: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let mut steps: Vec<String> =
        path.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let last = steps.pop()?;
    let mut at = document;
    for step in steps {
        at = match at {
            Value::Object(map) => map.get_mut(&step)?,
            Value::Array(_) => {
                let length = at.items().len();
                let index = index(&step, length).ok()?;
                at.items_mut().get_mut(index)?
            }
            _ => return None,
        };
    }
    matches!(at, Value::Object(_) | Value::Array(_)).then_some((at, last))
}

/// An index into an array of so many items; negative ones count from the end.
fn index(key: &str, length: usize) -> Result<usize, String> {
    let at: i64 = key.parse().map_err(|_| {
        format!("value was not a proper array index: '{key}': strconv.Atoi: parsing \"{key}\": invalid syntax")
    })?;
    let wrong = || format!("Unable to access invalid index: {at}: invalid index referenced");
    let from_start = if at < 0 { at + i64::try_from(length).unwrap_or(i64::MAX) } else { at };
    usize::try_from(from_start).ok().filter(|at| *at < length).ok_or_else(wrong)
}

/// What is there; null where an object has no such key, which the library does not mind.
fn get(parent: &Value, key: &str) -> Result<Value, String> {
    match parent {
        Value::Array(items) => Ok(items.get(index(key, items.len())?).cloned().unwrap_or_default()),
        _ => Ok(parent[key].clone()),
    }
}

fn add(parent: &mut Value, key: &str, value: Value) -> Result<(), String> {
    match parent {
        Value::Array(_) if key == "-" => parent.push(value),
        Value::Array(items) => {
            // One more than there are items: adding at the end is fine.
            let at = index(key, items.len() + 1)?;
            parent.items_mut().insert(at, value);
        }
        _ => parent.set(key, value),
    }
    Ok(())
}

fn remove(parent: &mut Value, key: &str) -> Result<Value, String> {
    match parent {
        Value::Array(items) => {
            let at = index(key, items.len())
                .map_err(|error| error.replace(&format!("value was not a proper array index: '{key}': "), ""))?;
            Ok(parent.items_mut().remove(at))
        }
        Value::Object(map) => {
            map.remove(key).ok_or_else(|| format!("Unable to remove nonexistent key: {key}: {MISSING}"))
        }
        _ => Err(MISSING.into()),
    }
}
