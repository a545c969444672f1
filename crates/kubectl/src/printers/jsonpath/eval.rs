//! Finding what an expression means in an object.

use drydock_value::Value;

use super::{Bound, Node};

type Found = Result<Vec<Value>, String>;

pub(super) fn find(nodes: &[Node], data: &Value, allow_missing: bool) -> Result<Vec<Vec<Value>>, String> {
    let mut run = Run { nodes, allow_missing, begin: 0, inside: 0, end: 0, last_end: None };
    run.find(0, data, 0)
}

/// How deep ranges may nest: each level multiplies the work.
const MAX_RANGES: u32 = 32;

struct Run<'n> {
    nodes: &'n [Node],
    allow_missing: bool,
    /// Ranges that were just met and not yet begun.
    begin: u32,
    /// Ranges that are being worked through.
    inside: u32,
    /// Ends that were just met.
    end: u32,
    /// The node of the end that was met last.
    last_end: Option<usize>,
}

impl Run<'_> {
    fn find(&mut self, from: usize, data: &Value, depth: u32) -> Result<Vec<Vec<Value>>, String> {
        if depth > MAX_RANGES {
            return Err("ranges are nested too deeply".into());
        }
        let current = [data.clone()];
        let mut all = Vec::new();
        let mut at = from;
        while let Some(node) = self.nodes.get(at) {
            let results = self.walk(&current, node)?;
            if self.end > 0 && self.end <= self.inside {
                self.end -= 1;
                self.last_end = Some(at);
                break;
            }
            if self.begin > 0 {
                self.begin -= 1;
                self.inside += 1;
                if results.is_empty() {
                    // Nothing to go through: the nodes up to the end are passed over.
                    self.find(at + 1, &Value::Null, depth + 1)?;
                }
                for value in &results {
                    all.extend(self.find(at + 1, value, depth + 1)?);
                }
                self.inside -= 1;
                match self.last_end {
                    Some(end) if end > at => at = end + 1,
                    _ => at += 1,
                }
                continue;
            }
            all.push(results);
            at += 1;
        }
        Ok(all)
    }

    fn list(&mut self, input: &[Value], nodes: &[Node]) -> Found {
        let mut current = input.to_vec();
        for node in nodes {
            current = self.walk(&current, node)?;
        }
        Ok(current)
    }

    fn walk(&mut self, input: &[Value], node: &Node) -> Found {
        match node {
            Node::List(nodes) => self.list(input, nodes),
            Node::Text(text) => Ok(vec![Value::from(text)]),
            Node::Bool(b) => Ok(input.iter().map(|_| Value::from(*b)).collect()),
            Node::Int(number) => Ok(input.iter().map(|_| Value::from(*number)).collect()),
            Node::Float(number) => Ok(input.iter().map(|_| Value::from(*number)).collect()),
            Node::Field(name) => {
                if input.is_empty() {
                    return Ok(Vec::new());
                }
                let found: Vec<Value> = input.iter().filter_map(|value| value.get(name)).cloned().collect();
                if found.is_empty() && !self.allow_missing {
                    return Err(format!("{name} is not found"));
                }
                Ok(found)
            }
            Node::Identifier(name) => match name.as_str() {
                "range" => {
                    self.begin += 1;
                    Ok(input.to_vec())
                }
                "end" if self.inside > 0 => {
                    self.end += 1;
                    Ok(Vec::new())
                }
                "end" => Err("not in range, nothing to end".into()),
                name => Err(format!("unrecognized identifier {name}")),
            },
            Node::Array(bounds) => {
                let mut found = Vec::new();
                for value in input.iter().filter(|value| !value.is_null()) {
                    let Value::Array(items) = value else {
                        return Err(format!("{} is not array or slice", go_type(value)));
                    };
                    slice(items, *bounds, &mut found)?;
                }
                Ok(found)
            }
            Node::Wildcard => Ok(input.iter().flat_map(children).collect()),
            Node::Recursive => {
                let mut found = Vec::new();
                for value in input {
                    descend(value, &mut found, 0);
                }
                Ok(found)
            }
            Node::Union(parts) => {
                let mut found = Vec::new();
                for part in parts {
                    found.extend(self.list(input, part)?);
                }
                Ok(found)
            }
            Node::Filter(left, right, operator) => self.filter(input, left, right, operator),
        }
    }

    fn filter(&mut self, input: &[Value], left: &[Node], right: &[Node], operator: &str) -> Found {
        let mut found = Vec::new();
        for value in input {
            let Value::Array(items) = value else {
                return Err(format!("{} is not array or slice and cannot be filtered", super::go::print(value)));
            };
            for item in items.iter() {
                let item = std::slice::from_ref(item);
                let lefts = self.list(item, left);
                if operator == "exists" {
                    if lefts.is_ok_and(|lefts| !lefts.is_empty()) {
                        found.extend_from_slice(item);
                    }
                    continue;
                }
                let lefts = lefts?;
                let one = |values: Vec<Value>| match values.len() {
                    0 | 1 => Ok(values.into_iter().next()),
                    _ => Err("can only compare one element at a time".to_owned()),
                };
                let Some(a) = one(lefts)? else { continue };
                let Some(b) = one(self.list(item, right)?)? else { continue };
                if compare(&a, &b, operator)? {
                    found.extend_from_slice(item);
                }
            }
        }
        Ok(found)
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn slice(items: &[Value], [start, end, step]: [Bound; 3], found: &mut Vec<Value>) -> Result<(), String> {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let mut from = if start.known { start.value } else { 0 };
    if from < 0 {
        from += length;
    }
    let mut to = if end.known { end.value } else { length };
    if to < 0 || (to == 0 && end.derived) {
        to += length;
    }
    if from == to {
        return Ok(());
    }
    if from >= length || from < 0 {
        return Err(format!("array index out of bounds: index {from}, length {length}"));
    }
    if to > length || to < 0 {
        return Err(format!("array index out of bounds: index {}, length {length}", to - 1));
    }
    if from > to {
        return Err(format!("starting index {from} is greater than ending index {to}"));
    }
    let by = if step.known { step.value } else { 1 };
    let by = usize::try_from(by).ok().filter(|by| *by > 0).ok_or("step must be > 0")?;
    // Both lie within the array, as was just checked.
    let (from, to) = (usize::try_from(from).unwrap_or(0), usize::try_from(to).unwrap_or(0));
    found.extend(items.get(from..to).unwrap_or_default().iter().step_by(by).cloned());
    Ok(())
}

fn children(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.to_vec(),
        Value::Object(map) => map.values().cloned().collect(),
        Value::String(text) => text.bytes().map(|byte| Value::from(i64::from(byte))).collect(),
        _ => Vec::new(),
    }
}

fn descend(value: &Value, found: &mut Vec<Value>, depth: u32) {
    if depth > 1000 {
        return;
    }
    match value {
        Value::String(text) if !text.is_empty() => found.push(value.clone()),
        Value::Array(_) | Value::Object(_) if !value.is_empty() => {
            found.push(value.clone());
            for child in children(value) {
                descend(&child, found, depth + 1);
            }
        }
        _ => {}
    }
}

/// Go's comparison of template values: only like with like.
fn compare(a: &Value, b: &Value, operator: &str) -> Result<bool, String> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let ordering = match (a, b) {
        (Value::Bool(a), Value::Bool(b)) if matches!(operator, "==" | "!=") => Some(a.cmp(b)),
        (Value::Bool(_), Value::Bool(_)) => return Err("invalid type for comparison".into()),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Null | Value::Array(_) | Value::Object(_), _)
        | (_, Value::Null | Value::Array(_) | Value::Object(_)) => {
            return if matches!(operator, "<" | ">" | "==" | "!=" | "<=" | ">=") {
                Err("invalid type for comparison".into())
            } else {
                Err(format!("unrecognized filter operator {operator}"))
            };
        }
        _ => None,
    };
    let known = matches!(operator, "<" | ">" | "==" | "!=" | "<=" | ">=");
    if !known {
        return Err(format!("unrecognized filter operator {operator}"));
    }
    let Some(ordering) = ordering else { return Err("incompatible types for comparison".into()) };
    Ok(match operator {
        "<" => ordering == Less,
        ">" => ordering == Greater,
        "==" => ordering == Equal,
        "!=" => ordering != Equal,
        "<=" => ordering != Greater,
        _ => ordering != Less,
    })
}
