//! JSON patches (RFC 6902).

use drydock_value::Value;

/// Why a JSON patch cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonPatchError {
    /// It is no list of operations, or one of them is not well-formed.
    Malformed(String),
    /// A `test` found something else. The text is the path.
    TestFailed(String),
    /// An operation names what is not there, or what cannot be done.
    Failed(String),
}

impl std::fmt::Display for JsonPatchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            JsonPatchError::Malformed(text) | JsonPatchError::Failed(text) => f.write_str(text),
            JsonPatchError::TestFailed(path) => write!(f, "testing value {path} failed: test failed"),
        }
    }
}

impl std::error::Error for JsonPatchError {}

/// More operations than this are refused, as by the API server.
const OPERATIONS_MAX: usize = 10_000;

fn malformed(text: impl Into<String>) -> JsonPatchError {
    JsonPatchError::Malformed(text.into())
}

/// Applies a JSON patch; the document is not changed when any operation fails.
///
/// # Errors
/// See [`JsonPatchError`].
pub fn json_patch(document: &Value, patch: &Value) -> Result<Value, JsonPatchError> {
    let Some(operations) = patch.as_array() else {
        return Err(malformed("json: cannot unmarshal object into Go value of type jsonpatch.Patch"));
    };
    if operations.len() > OPERATIONS_MAX {
        let count = operations.len();
        return Err(malformed(format!(
            "The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {count}"
        )));
    }
    operations.iter().try_fold(document.clone(), |mut result, operation| {
        apply(&mut result, operation)?;
        Ok(result)
    })
}

fn apply(document: &mut Value, operation: &Value) -> Result<(), JsonPatchError> {
    let kind = operation["op"].str();
    let path = operation["path"].as_str().ok_or_else(|| {
        JsonPatchError::Failed(format!(
            "{kind} operation failed to decode path: missing operation: missing or invalid path"
        ))
    })?;
    let value = || {
        operation
            .get("value")
            .cloned()
            .ok_or_else(|| JsonPatchError::Failed(format!("{kind} operation does not apply: missing value")))
    };
    let from = || {
        operation["from"].as_str().ok_or_else(|| {
            JsonPatchError::Failed(format!(
                "{kind} operation failed to decode from: missing operation: missing or invalid from"
            ))
        })
    };
    match kind {
        "add" => add(document, path, value()?, "add"),
        "remove" => remove(document, path, "remove").map(drop),
        "replace" => {
            let value = value()?;
            *find(document, path, "replace")? = value;
            Ok(())
        }
        "move" => {
            let moved = remove(document, from()?, "move")?;
            add(document, path, moved, "move")
        }
        "copy" => {
            let copied = find(document, from()?, "copy")?.clone();
            add(document, path, copied, "copy")
        }
        "test" => {
            let wanted = operation["value"].clone();
            let found = find(document, path, "test").map(|found| found.clone());
            match found {
                Ok(found) if found == wanted => Ok(()),
                Err(_) if wanted.is_null() => Ok(()),
                Ok(_) => Err(JsonPatchError::TestFailed(path.into())),
                Err(error) => Err(error),
            }
        }
        other => Err(JsonPatchError::Failed(format!("Unexpected kind: {other}"))),
    }
}

/// The steps of a JSON pointer.
fn steps(path: &str) -> impl Iterator<Item = String> + '_ {
    path.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"))
}

fn missing(kind: &str, path: &str) -> JsonPatchError {
    JsonPatchError::Failed(format!("{kind} operation does not apply: doc is missing path: {path}: missing value"))
}

fn missing_key(kind: &str, path: &str) -> JsonPatchError {
    match kind {
        "remove" => JsonPatchError::Failed(format!(
            "remove operation does not apply: doc is missing path: {path}: missing value"
        )),
        "replace" => JsonPatchError::Failed(format!(
            "replace operation does not apply: doc is missing key: {path}: missing value"
        )),
        "test" => JsonPatchError::Failed(format!("error in test for path: '{path}': missing value")),
        kind => missing(kind, path),
    }
}

fn index(step: &str, length: usize, kind: &str, path: &str) -> Result<usize, JsonPatchError> {
    let number: i64 = step.parse().map_err(|_| {
        JsonPatchError::Failed(format!(
            "{kind} operation does not apply: strconv.Atoi: parsing \"{step}\": invalid syntax"
        ))
    })?;
    let size = i64::try_from(length).unwrap_or(i64::MAX);
    let at = if number < 0 { number + size } else { number };
    usize::try_from(at).ok().filter(|at| *at < length).ok_or_else(|| {
        let _ = path;
        JsonPatchError::Failed(format!(
            "{kind} operation does not apply: Unable to access invalid index: {number}: invalid index referenced"
        ))
    })
}

/// What a path leads to, for changing.
fn find<'a>(document: &'a mut Value, path: &str, kind: &str) -> Result<&'a mut Value, JsonPatchError> {
    let mut place = document;
    for step in steps(path) {
        place = match place {
            Value::Array(items) => {
                let at = index(&step, items.len(), kind, path)?;
                &mut place.items_mut()[at]
            }
            _ => place.get_mut(&step).ok_or_else(|| missing_key(kind, path))?,
        };
    }
    Ok(place)
}

/// The container that a path's last step is in, and that step.
fn parent<'a>(document: &'a mut Value, path: &str, kind: &str) -> Result<(&'a mut Value, String), JsonPatchError> {
    let (above, _) = path.rsplit_once('/').ok_or_else(|| missing(kind, path))?;
    let last = steps(path).last().unwrap_or_default();
    let container = find(document, above, kind).map_err(|_| missing(kind, path))?;
    Ok((container, last))
}

fn add(document: &mut Value, path: &str, value: Value, kind: &str) -> Result<(), JsonPatchError> {
    if path.is_empty() {
        *document = value;
        return Ok(());
    }
    let (container, last) = parent(document, path, kind)?;
    match container {
        Value::Array(items) => {
            let length = items.len();
            let at = if last == "-" { length } else { index(&last, length + 1, kind, path)? };
            container.items_mut().insert(at, value);
            Ok(())
        }
        Value::Object(map) => {
            map.insert(last, value);
            Ok(())
        }
        _ => Err(missing(kind, path)),
    }
}

fn remove(document: &mut Value, path: &str, kind: &str) -> Result<Value, JsonPatchError> {
    let (container, last) = parent(document, path, kind)?;
    match container {
        Value::Array(items) => {
            let at = index(&last, items.len(), kind, path)?;
            Ok(container.items_mut().remove(at))
        }
        Value::Object(map) => map.remove(&last).ok_or_else(|| {
            JsonPatchError::Failed(format!(
                "{kind} operation does not apply: Unable to remove nonexistent key: {last}: missing value"
            ))
        }),
        _ => Err(missing(kind, path)),
    }
}
