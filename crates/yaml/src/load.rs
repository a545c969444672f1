//! From the tree to a value: scalars resolved, keys as strings, aliases and merge keys expanded.

use drydock_sorted::SortedMap;

use drydock_value::{Map, Value, to_json};

use crate::Error;
use crate::scalar::{self, Scalar};
use crate::tree::{Kind, Node, NodeId, Tree};

/// What came out of a document.
pub(crate) struct Loaded {
    pub value: Value,
    /// `line 5: key "a" already set in map`, in the order of the text.
    pub duplicates: Vec<String>,
}

/// Turns a document of the tree into a value.
pub(crate) fn load(tree: &Tree, root: NodeId) -> Result<Loaded, Error> {
    let mut loader = Loader { tree, steps: 0, alias_steps: 0, alias_depth: 0, duplicates: Vec::new() };
    let value = loader.node(root)?;
    Ok(Loaded { value, duplicates: loader.duplicates })
}

struct Loader<'a> {
    tree: &'a Tree,
    /// Nodes visited, and how many of them through an alias.
    steps: u64,
    alias_steps: u64,
    alias_depth: u32,
    duplicates: Vec<String>,
}

/// How large a part of the work may come from aliases; go-yaml's guard against documents that grow as they are read.
fn allowed_alias_ratio(steps: u64) -> f64 {
    const LOW: u64 = 400_000;
    const HIGH: u64 = 4_000_000;
    match steps {
        0..=LOW => 0.99,
        HIGH.. => 0.10,
        _ => 0.99 - 0.89 * ((steps - LOW) as f64 / (HIGH - LOW) as f64),
    }
}

impl Loader<'_> {
    fn node(&mut self, id: NodeId) -> Result<Value, Error> {
        self.steps += 1;
        if self.alias_depth > 0 {
            self.alias_steps += 1;
        }
        if self.alias_steps > 100
            && self.steps > 1000
            && self.alias_steps as f64 / self.steps as f64 > allowed_alias_ratio(self.steps)
        {
            return Err(Error::yaml("document contains excessive aliasing"));
        }
        let tree = self.tree;
        let node = tree.node(id);
        match &node.kind {
            Kind::Alias(target) => {
                self.alias_depth += 1;
                let value = self.node(*target);
                self.alias_depth -= 1;
                value
            }
            Kind::Scalar { text, plain } => scalar_value(node, text, *plain),
            Kind::Sequence(items) => {
                items.iter().map(|item| self.node(*item)).collect::<Result<Vec<Value>, Error>>().map(Value::from)
            }
            Kind::Mapping(pairs) => {
                let mut map = Pairs::default();
                self.mapping(pairs, &mut map)?;
                Ok(Value::Object(map.pairs.into_iter().collect::<Map>()))
            }
        }
    }

    fn mapping(&mut self, pairs: &[(NodeId, NodeId)], into: &mut Pairs) -> Result<(), Error> {
        for (key, value) in pairs {
            if is_merge(self.tree.node(*key)) {
                self.merge(*value, into)?;
                continue;
            }
            let (name, shown) = self.key(*key, *value)?;
            let line = self.tree.node(*value).span.start.line + 1;
            let value = self.node(*value)?;
            let message = format!("line {line}: key {shown} already set in map");
            if into.set(name, shown, value) {
                self.duplicates.push(message);
            }
        }
        Ok(())
    }

    /// The key as a string, and as Go would write it down.
    fn key(&mut self, id: NodeId, value: NodeId) -> Result<(String, String), Error> {
        let tree = self.tree;
        let mut node = tree.node(id);
        if let Kind::Alias(target) = node.kind {
            node = tree.node(target);
        }
        let Kind::Scalar { text, plain } = &node.kind else {
            let key = self.node(id)?;
            return Err(Error::yaml(format_args!("invalid map key: {}", go_syntax(&key))));
        };
        Ok(match resolve(node, text, *plain)? {
            Scalar::Bool(b) => (b.to_string(), b.to_string()),
            Scalar::Int(number) => (number.to_string(), number.to_string()),
            Scalar::Large(number) => {
                let value = go_syntax(&self.node(value)?);
                let message = format!("unsupported map key of type: uint64, key: {number:#x}, value: {value}");
                return Err(Error::conversion(message));
            }
            Scalar::Float(number) if number.is_nan() => (".nan".into(), "NaN".into()),
            Scalar::Float(number) if number.is_infinite() => {
                let sign = if number < 0.0 { "-" } else { "" };
                (format!("{sign}.inf"), format!("{}Inf", if number < 0.0 { "-" } else { "+" }))
            }
            Scalar::Float(number) => {
                let text = crate::emit::float(f64::from(number as f32), true);
                (text.clone(), text)
            }
            Scalar::Null => {
                let value = go_syntax(&self.node(value)?);
                let message = format!("unsupported map key of type: %!s(<nil>), key: <nil>, value: {value}");
                return Err(Error::conversion(message));
            }
            Scalar::Text | Scalar::Timestamp => {
                let text = scalar_value(node, text, *plain)?.str().to_owned();
                let shown = to_json(&Value::from(&text));
                (text, shown)
            }
        })
    }

    /// `<<`: one mapping, or several of which the first wins.
    fn merge(&mut self, id: NodeId, into: &mut Pairs) -> Result<(), Error> {
        const WRONG: &str = "map merge requires map or sequence of maps as the value";
        let tree = self.tree;
        match &tree.node(id).kind {
            Kind::Mapping(_) => self.merge_one(id, into),
            Kind::Alias(target) if matches!(tree.node(*target).kind, Kind::Mapping(_)) => {
                self.alias_depth += 1;
                let result = self.merge_one(*target, into);
                self.alias_depth -= 1;
                result
            }
            Kind::Sequence(items) => {
                for item in items.iter().rev() {
                    match &tree.node(*item).kind {
                        Kind::Mapping(_) => self.merge_one(*item, into)?,
                        Kind::Alias(target) if matches!(tree.node(*target).kind, Kind::Mapping(_)) => {
                            self.merge_one(*target, into)?;
                        }
                        _ => return Err(Error::yaml(WRONG)),
                    }
                }
                Ok(())
            }
            _ => Err(Error::yaml(WRONG)),
        }
    }

    fn merge_one(&mut self, id: NodeId, into: &mut Pairs) -> Result<(), Error> {
        self.steps += 1;
        match &self.tree.node(id).kind {
            Kind::Mapping(pairs) => self.mapping(pairs, into),
            _ => Ok(()),
        }
    }
}

/// The pairs read so far: the key as Go writes it, which tells 1 from "1", with the place in `pairs`.
#[derive(Default)]
struct Pairs {
    pairs: Vec<(String, Value)>,
    known: SortedMap<String, usize>,
}

impl Pairs {
    /// Sets a pair; true when the key was there before.
    fn set(&mut self, key: String, shown: String, value: Value) -> bool {
        if let Some(pair) = self.known.get(&shown).and_then(|at| self.pairs.get_mut(*at)) {
            pair.1 = value;
            return true;
        }
        self.known.insert(shown, self.pairs.len());
        self.pairs.push((key, value));
        false
    }
}

fn is_merge(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar { text, plain } => {
            text == "<<" && ((*plain && node.tag.is_none()) || node.tag.as_deref() == Some("tag:yaml.org,2002:merge"))
        }
        _ => false,
    }
}

fn resolve(node: &Node, text: &str, plain: bool) -> Result<Scalar, Error> {
    match node.tag.as_deref() {
        None | Some("" | "!") if plain => Ok(scalar::resolve(text)),
        None | Some("" | "!") => Ok(Scalar::Text),
        Some(tag) => scalar::resolve_tagged(tag, text),
    }
}

fn scalar_value(node: &Node, text: &str, plain: bool) -> Result<Value, Error> {
    if node.tag.as_deref() == Some("tag:yaml.org,2002:binary") {
        let bytes = decode_base64(text).ok_or_else(|| Error::yaml("!!binary value contains invalid base64 data"))?;
        return Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned()));
    }
    Ok(match resolve(node, text, plain)? {
        Scalar::Null => Value::Null,
        Scalar::Bool(b) => Value::Bool(b),
        Scalar::Int(number) => Value::Int(number),
        Scalar::Large(number) => Value::from(number),
        Scalar::Float(number) if number.is_finite() => {
            // JSON knows no difference between 1.0 and 1.
            let whole = number.fract() == 0.0 && number.abs() < 9.2e18;
            if whole { Value::Int(number as i64) } else { Value::Float(number) }
        }
        Scalar::Float(number) => {
            let name = if number.is_nan() {
                "NaN"
            } else if number > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            return Err(Error::conversion(format!("json: unsupported value: {name}")));
        }
        Scalar::Text | Scalar::Timestamp => Value::from(text),
    })
}

/// Standard base64 with padding; line breaks are allowed, as in Go.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count, mut padding) = (0u32, 0u32, 0u32);
    for byte in text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' if count % 4 >= 2 => {
                padding += 1;
                count += 1;
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        bits = bits << 6 | u32::from(digit);
        count += 1;
        let shift = match count % 4 {
            1 => continue,
            2 => 4,
            3 => 2,
            _ => 0,
        };
        bytes.push((bits >> shift & 0xFF) as u8);
    }
    (count % 4 == 0 && padding <= 2).then_some(bytes)
}

/// A value as Go's `%#v` prints what go-yaml made of it.
fn go_syntax(value: &Value) -> String {
    if value.is_null() { "<nil>".into() } else { go_syntax_inside(value) }
}

fn go_syntax_inside(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".into(),
        Value::String(_) => to_json(value),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_syntax_inside).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let pairs: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}:{}", to_json(&Value::from(key)), go_syntax_inside(value)))
                .collect();
            format!("map[interface {{}}]interface {{}}{{{}}}", pairs.join(", "))
        }
        other => to_json(other),
    }
}
