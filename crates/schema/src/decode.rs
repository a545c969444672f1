//! Reading objects as the API server does: JSON into Go structs and out again.
//!
//! What comes in is any JSON; what goes out is the object as the server keeps it: unknown fields gone (and named, for
//! strict validation), nulls and empty optional values left out, parts that Go always writes put in (`resources: {}`,
//! `status: {}`), quantities and times in their canonical form. Or the error that Go's decoder would have given.

use drydock_value::{Key, Map, Value};

use crate::quantity::Quantity;
use crate::table::{Field, Shape, TypeRef};
use crate::{base64, time};

/// An object as the API server keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The object.
    pub value: Value,
    /// What strict decoding complains about, in the order of the text: `unknown field "spec.foo"`.
    pub unknown: Vec<String>,
}

/// How many complaints strict decoding keeps.
const UNKNOWN_LIMIT: usize = 100;

/// Reads an object of a type. An object that is in order already comes back as it is, shared.
///
/// # Errors
/// When a value has the wrong type, in the words of Go: `json: cannot unmarshal string into Go struct field
/// DeploymentSpec.spec.replicas of type int32`.
pub fn decode(of: TypeRef, value: &Value) -> Result<Decoded, String> {
    decode_update(of, value, &Value::Null)
}

/// As [`decode`], for the next version of an object: whatever is shared with `before`, which went through here, is known
/// to be in order and not looked at again. A new status costs no look at the spec.
///
/// # Errors
/// As [`decode`].
pub fn decode_update(of: TypeRef, value: &Value, before: &Value) -> Result<Decoded, String> {
    let Value::Object(map) = value else {
        return Err(format!("json: cannot unmarshal {} into Go value of type {}", word(value), of.go_name()));
    };
    let mut decoder = Decoder::default();
    let result = decoder.object(of, map, before);
    let changed = result.map_err(|Abort(message)| message)?;
    match decoder.error {
        Some(message) => Err(message),
        None => Ok(Decoded { value: changed.map_or_else(|| value.clone(), Value::Object), unknown: decoder.unknown }),
    }
}

/// The object as Go would write it after reading it, unknown fields and all errors ignored: what `kubectl create
/// --dry-run=client -o yaml` prints.
pub fn normalize(of: TypeRef, value: &Value) -> Value {
    decode(of, value).map_or_else(|_| value.clone(), |decoded| decoded.value)
}

/// What Go writes for a field that nothing was said of; None when it leaves it out.
pub fn unset(of: TypeRef, name: &str) -> Option<Value> {
    match kept(of.field(name)?, &Value::Null) {
        Kept::Zero(value) => Some(value),
        Kept::AsIs | Kept::Gone => None,
    }
}

/// An error of a type that reads itself (a quantity, a time): it ends the decoding at once.
struct Abort(String);

#[derive(Default)]
struct Decoder {
    /// The fields from the root to here, with indices and map keys: for unknown fields.
    path: Vec<Step>,
    /// The fields alone: for type errors.
    fields: Vec<&'static str>,
    /// The innermost struct.
    owner: Option<TypeRef>,
    /// The first type error.
    error: Option<String>,
    unknown: Vec<String>,
}

enum Step {
    Field(&'static str),
    Index(usize),
    Key(Key),
}

/// Go's word for a JSON value.
pub fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What became of a value: `None` when it may stay as it is.
type Changed<T> = Result<Option<T>, Abort>;

impl Decoder {
    fn type_error(&self, what: &str, go_type: &str) -> String {
        match self.owner {
            Some(owner) => format!(
                "json: cannot unmarshal {what} into Go struct field {}.{} of type {go_type}",
                owner.short_name(),
                self.fields.join(".")
            ),
            None => format!("json: cannot unmarshal {what} into Go value of type {go_type}"),
        }
    }

    /// Notes the first type error; the value counts as absent.
    fn mismatch(&mut self, what: &str, go_type: &str) -> Option<Value> {
        if self.error.is_none() {
            self.error = Some(self.type_error(what, go_type));
        }
        Some(Value::Null)
    }

    fn note_unknown(&mut self, key: &str) {
        if self.unknown.len() >= UNKNOWN_LIMIT {
            return;
        }
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Field(name) => {
                    path.push_str(name);
                    path.push('.');
                }
                Step::Key(key) => {
                    path.push_str(key);
                    path.push('.');
                }
                Step::Index(index) => {
                    // An index belongs to the name before it.
                    path.pop();
                    path.push_str(&format!("[{index}]."));
                }
            }
        }
        self.unknown.push(format!("unknown field \"{path}{key}\""));
    }

    fn object(&mut self, of: TypeRef, map: &Map, before: &Value) -> Changed<Map> {
        let outer = self.owner.replace(of);
        let mut out = Rewrite::new(map);
        let mut given = map.shared_iter().peekable();
        for field in of.fields() {
            while let Some((key, _)) = given.next_if(|(key, _)| key.as_str() < field.name) {
                self.note_unknown(key);
                out.drop_key();
            }
            let value = given.next_if(|(key, _)| key.as_str() == field.name);
            match value {
                Some((key, value)) => {
                    self.path.push(Step::Field(field.name));
                    self.fields.push(field.name);
                    let changed = self.value(field.shape, value, &before[field.name], Some(field))?;
                    self.path.pop();
                    self.fields.pop();
                    let now = changed.as_ref().unwrap_or(value);
                    match kept(field, now) {
                        Kept::AsIs => match changed {
                            None => out.keep(key, value),
                            Some(value) => out.replace(key, value),
                        },
                        Kept::Gone => out.drop_key(),
                        Kept::Zero(zero) if zero == *value => out.keep(key, value),
                        Kept::Zero(zero) => out.replace(key, zero),
                    }
                }
                None => {
                    if let Kept::Zero(value) = kept(field, &Value::Null) {
                        out.insert(field.name, value);
                    }
                }
            }
        }
        for (key, _) in given {
            self.note_unknown(key);
            out.drop_key();
        }
        self.owner = outer;
        Ok(out.finish())
    }

    fn value(&mut self, shape: Shape, value: &Value, before: &Value, field: Option<Field>) -> Changed<Value> {
        if value.is_null() || value.ptr_eq(before) {
            return Ok(None);
        }
        let go_type = |decoder: &Decoder| match field {
            Some(field) => field.go_name(),
            None => decoder.item_type(shape),
        };
        Ok(match (shape, value) {
            (Shape::String, Value::String(_)) | (Shape::Boolean, Value::Bool(_)) | (Shape::Any, _) => None,
            (Shape::Number, Value::Int(_) | Value::Float(_)) => None,
            (Shape::Integer { bits }, Value::Int(_) | Value::Float(_)) => match value.as_i64() {
                Some(number) if bits == 64 || i32::try_from(number).is_ok() => {
                    (!matches!(value, Value::Int(_))).then_some(Value::Int(number))
                }
                _ => self.mismatch(&format!("number {value}"), &go_type(self)),
            },
            (Shape::Bytes, Value::String(text)) => match base64::decode(text) {
                Ok(bytes) => {
                    let canonical = base64::encode(&bytes);
                    (canonical != text.as_str()).then(|| canonical.into())
                }
                Err(error) => {
                    self.error.get_or_insert_with(|| error.to_string());
                    Some(Value::Null)
                }
            },
            (Shape::Quantity, _) => {
                let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
                let canonical = Quantity::canonical(&text).map_err(|error| Abort(error.to_string()))?;
                (value.as_str() != Some(canonical.as_str())).then(|| canonical.into())
            }
            (Shape::Time, Value::String(text)) if time::is_canonical(text) => None,
            (Shape::Time | Shape::MicroTime, Value::String(text)) => {
                let canonical = if shape == Shape::Time {
                    time::parse(text).map(|time| time.rfc3339())
                } else {
                    time::parse_micro(text).map(|time| time.rfc3339_micros())
                };
                let canonical = canonical.map_err(Abort)?;
                (canonical != text.as_str()).then(|| canonical.into())
            }
            (Shape::Time | Shape::MicroTime, _) => return Err(Abort(self.type_error(word(value), "string"))),
            (Shape::IntOrString, Value::String(_) | Value::Int(_)) => None,
            (Shape::IntOrString, Value::Float(number)) => match value.as_i64() {
                Some(number) => Some(Value::Int(number)),
                None => return Err(Abort(self.type_error(&format!("number {number}"), "int32"))),
            },
            (Shape::IntOrString, _) => return Err(Abort(self.type_error(word(value), "int32"))),
            // Raw JSON: anything goes in, and what is not an object is nobody's business here.
            (Shape::Raw, _) => None,
            (Shape::Object(of), Value::Object(map)) => self.object(of, map, before)?.map(Value::Object),
            (Shape::List(inner), Value::Array(items)) => self.list(inner.get(), items, before)?,
            (Shape::Map(inner), Value::Object(map)) => self.map(inner.get(), map, before)?,
            _ => self.mismatch(word(value), &go_type(self)),
        })
    }

    /// The Go type of the items of the list, or the values of the map, that we are in.
    fn item_type(&self, shape: Shape) -> String {
        let field = self.owner.and_then(|owner| owner.field(self.fields.last()?));
        let list = field.map(Field::go_name).unwrap_or_default();
        let item = list.strip_prefix("[]").or_else(|| {
            let (_, value) = list.strip_prefix("map[")?.split_once(']')?;
            Some(value)
        });
        match item {
            Some(item) if !matches!(shape, Shape::List(_) | Shape::Map(_)) => {
                // A map of lists: what is wrong is an item of an inner list.
                item.strip_prefix("[]").filter(|_| shape != Shape::Bytes).unwrap_or(item).into()
            }
            Some(item) => item.into(),
            None => shape.go_name(),
        }
    }

    fn list(&mut self, shape: Shape, items: &[Value], before: &Value) -> Changed<Value> {
        let mut out: Option<Vec<Value>> = None;
        for (index, item) in items.iter().enumerate() {
            self.path.push(Step::Index(index));
            let mut changed = self.value(shape, item, &before[index], None)?;
            self.path.pop();
            if item.is_null() {
                changed = zero_item(shape);
            }
            if let Some(value) = changed {
                let list = out.get_or_insert_with(|| items.get(..index).unwrap_or_default().to_vec());
                list.push(value);
            } else if let Some(list) = &mut out {
                list.push(item.clone());
            }
        }
        Ok(out.map(Value::from))
    }

    fn map(&mut self, shape: Shape, map: &Map, before: &Value) -> Changed<Value> {
        let mut out = Rewrite::new(map);
        for (key, value) in map.shared_iter() {
            self.path.push(Step::Key(key.clone()));
            let mut changed = self.value(shape, value, &before[key.as_str()], None)?;
            self.path.pop();
            if value.is_null() {
                changed = zero_item(shape);
            }
            match changed {
                None => out.keep(key, value),
                Some(value) => out.replace(key, value),
            }
        }
        Ok(out.finish().map(Value::Object))
    }
}

/// What a null in a list or a map reads as.
fn zero_item(shape: Shape) -> Option<Value> {
    match shape {
        Shape::Any | Shape::Raw | Shape::Time | Shape::MicroTime => None,
        _ => Some(zero(shape)),
    }
}

/// What becomes of a field when the object is written.
enum Kept {
    AsIs,
    Gone,
    Zero(Value),
}

fn kept(field: Field, value: &Value) -> Kept {
    if !value.is_null() {
        let droppable = match field.shape {
            Shape::Object(_) => field.omits_zero() && !field.is_pointer(),
            Shape::Quantity | Shape::Time | Shape::MicroTime | Shape::IntOrString | Shape::Raw | Shape::Any => false,
            _ => field.omits_empty() && !field.is_pointer(),
        };
        return if droppable && value.is_empty() { Kept::Gone } else { Kept::AsIs };
    }
    if field.is_pointer() {
        return if field.omits_empty() { Kept::Gone } else { Kept::Zero(Value::Null) };
    }
    match field.shape {
        Shape::Object(_) | Shape::Quantity | Shape::IntOrString if !field.omits_zero() => Kept::Zero(zero(field.shape)),
        Shape::Time | Shape::MicroTime if !field.omits_zero() => Kept::Zero(Value::Null),
        _ if field.omits_empty() || field.omits_zero() => Kept::Gone,
        shape => Kept::Zero(zero(shape)),
    }
}

/// The value of something that was not given.
fn zero(shape: Shape) -> Value {
    match shape {
        Shape::String => Value::from(""),
        Shape::Integer { .. } | Shape::Number | Shape::IntOrString => Value::Int(0),
        Shape::Boolean => Value::Bool(false),
        Shape::Quantity => Value::from("0"),
        Shape::Object(of) => {
            let filled = Decoder::default().object(of, &Map::new(), &Value::Null);
            Value::Object(filled.ok().flatten().unwrap_or_default())
        }
        Shape::Time | Shape::MicroTime | Shape::Bytes | Shape::Any | Shape::Raw | Shape::List(_) | Shape::Map(_) => {
            Value::Null
        }
    }
}

/// An object that is copied only once something in it changes.
struct Rewrite<'a> {
    from: &'a Map,
    /// How many pairs of `from` are dealt with.
    seen: usize,
    out: Option<Vec<(Key, Value)>>,
}

impl<'a> Rewrite<'a> {
    fn new(from: &'a Map) -> Rewrite<'a> {
        Rewrite { from, seen: 0, out: None }
    }

    fn started(&mut self) -> &mut Vec<(Key, Value)> {
        let (from, seen) = (self.from, self.seen);
        self.out.get_or_insert_with(|| {
            from.shared_iter().take(seen).map(|(key, value)| (key.clone(), value.clone())).collect()
        })
    }

    fn keep(&mut self, key: &Key, value: &Value) {
        if let Some(out) = &mut self.out {
            out.push((key.clone(), value.clone()));
        }
        self.seen += 1;
    }

    fn drop_key(&mut self) {
        self.started();
        self.seen += 1;
    }

    fn replace(&mut self, key: &Key, value: Value) {
        self.started().push((key.clone(), value));
        self.seen += 1;
    }

    fn insert(&mut self, key: &'static str, value: Value) {
        self.started().push((Key::from(key), value));
    }

    fn finish(self) -> Option<Map> {
        self.out.map(|pairs| pairs.into_iter().collect())
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
