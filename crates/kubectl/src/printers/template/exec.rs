//! Applying a template to a value.

use drydock_value::Value;

use super::{Branch, Command, Node, Pipe, Template, Word, WordKind, funcs};
use crate::failure::quote;
use crate::printers::go;

/// A value while a template runs: there, or missing (Go's invalid value, printed as `<no value>`).
pub(super) type Val = Option<Value>;

/// How many nodes a template may run through: a runaway one ends with an error.
const MAX_STEPS: u32 = 2_000_000;
/// How deep templates may call each other.
const MAX_DEPTH: u32 = 100;
/// How much a template may print.
const MAX_OUTPUT: usize = 64 << 20;

pub(super) fn execute(template: &Template, data: &Value) -> (String, Result<(), String>) {
    let mut run = Run {
        template,
        name: template.name.clone(),
        out: String::new(),
        variables: vec![("$".to_owned(), Some(data.clone()))],
        steps: 0,
        depth: 0,
    };
    let result = match template.templates.get(&template.name) {
        Some(nodes) => run.nodes(nodes, &Some(data.clone())).map(|_| ()),
        None => Ok(()),
    };
    (run.out, result)
}

struct Run<'t> {
    template: &'t Template,
    /// The template that runs.
    name: String,
    out: String,
    variables: Vec<(String, Val)>,
    steps: u32,
    depth: u32,
}

/// What a list of nodes came to.
#[derive(PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

type Result<T, E = String> = std::result::Result<T, E>;

/// Go's name of a value's type, as it stands in an `interface{}`.
pub(super) fn type_of(value: &Val) -> &'static str {
    match value {
        None => "<nil>",
        Some(value) => match value {
            Value::Null => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float64",
            Value::String(_) => "string",
            Value::Array(_) => "[]interface {}",
            Value::Object(_) => "map[string]interface {}",
        },
    }
}

pub(super) fn truth(value: &Val) -> bool {
    value.as_ref().is_some_and(|value| !value.is_empty())
}

impl Run<'_> {
    fn error(&self, at: usize, context: &str, words: impl std::fmt::Display) -> String {
        let before = self.template.text.get(..at).unwrap_or("");
        let line = 1 + before.matches('\n').count();
        let column = before.rfind('\n').map_or(at, |newline| at - newline - 1);
        format!(
            "template: {}:{line}:{column}: executing {} at <{context}>: {words}",
            self.template.name,
            quote(&self.name)
        )
    }

    fn spend(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.out.len() > MAX_OUTPUT {
            return Err(format!("template: {}: the template does not come to an end", self.template.name));
        }
        Ok(())
    }

    fn nodes(&mut self, nodes: &[Node], dot: &Val) -> Result<Flow> {
        let mark = self.variables.len();
        for node in nodes {
            self.spend()?;
            let flow = self.node(node, dot)?;
            if flow != Flow::On {
                self.variables.truncate(mark);
                return Ok(flow);
            }
        }
        self.variables.truncate(mark);
        Ok(Flow::On)
    }

    fn node(&mut self, node: &Node, dot: &Val) -> Result<Flow> {
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Action(pipe) => {
                let value = self.pipe(pipe, dot)?;
                if pipe.declares.is_empty() {
                    self.out.push_str(&show(&value));
                }
            }
            Node::If(branch) | Node::With(branch) => {
                let mark = self.variables.len();
                let value = self.pipe(&branch.pipe, dot)?;
                let flow = if truth(&value) {
                    let inner = if matches!(node, Node::With(_)) { &value } else { dot };
                    self.nodes(&branch.then, inner)
                } else {
                    self.nodes(&branch.otherwise, dot)
                };
                self.variables.truncate(mark);
                return flow;
            }
            Node::Range(branch) => return self.range(branch, dot),
            Node::Template { at, name, pipe } => {
                let value = match pipe {
                    Some(pipe) => self.pipe(pipe, dot)?,
                    None => None,
                };
                let clause = pipe.as_ref().map_or(String::new(), |pipe| format!(" {}", pipe.text));
                let context = format!("{{{{template {}{clause}}}}}", quote(name));
                let Some(nodes) = self.template.templates.get(name) else {
                    return Err(self.error(*at, &context, format!("template {} not defined", quote(name))));
                };
                if self.depth >= MAX_DEPTH {
                    return Err(self.error(*at, &context, format!("exceeded maximum template depth ({MAX_DEPTH})")));
                }
                self.depth += 1;
                let variables = std::mem::replace(&mut self.variables, vec![("$".to_owned(), value.clone())]);
                let outer = std::mem::replace(&mut self.name, name.clone());
                self.nodes(nodes, &value)?;
                self.name = outer;
                self.variables = variables;
                self.depth -= 1;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn range(&mut self, branch: &Branch, dot: &Val) -> Result<Flow> {
        let mark = self.variables.len();
        let value = self.pipe(&branch.pipe, dot)?;
        let mut any = false;
        let mut each = |run: &mut Self, key: Value, item: Value| -> Result<bool> {
            run.spend()?;
            any = true;
            let declares = &branch.pipe.declares;
            let first = if declares.len() > 1 { key } else { item.clone() };
            let values = [first, item.clone()];
            for (name, value) in declares.iter().zip(values) {
                if branch.pipe.assigns {
                    run.assign(name, Some(value));
                } else if let Some(slot) = run.variables.iter_mut().rev().find(|(n, _)| n == name) {
                    slot.1 = Some(value);
                }
            }
            Ok(run.nodes(&branch.then, &Some(item))? == Flow::Break)
        };
        match &value {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                for (i, item) in items.iter().enumerate() {
                    if each(self, Value::from(i), item.clone())? {
                        break;
                    }
                }
            }
            Some(Value::Object(map)) => {
                for (key, item) in map.iter() {
                    if each(self, Value::from(key), item.clone())? {
                        break;
                    }
                }
            }
            Some(Value::Int(count)) if branch.pipe.declares.len() > 1 => {
                return Err(
                    self.not_ranged(branch, format!("can't use {count} to iterate over more than one variable"))
                );
            }
            Some(Value::Int(count)) => {
                for i in 0..*count {
                    if each(self, Value::from(i), Value::from(i))? {
                        break;
                    }
                }
            }
            Some(other) => {
                return Err(self.not_ranged(branch, format!("range can't iterate over {}", go::print(other))));
            }
        }
        let flow = if any { Ok(Flow::On) } else { self.nodes(&branch.otherwise, dot) };
        self.variables.truncate(mark);
        flow
    }

    /// The error of a range: at the word that was looked at last.
    fn not_ranged(&self, branch: &Branch, words: String) -> String {
        match branch.pipe.commands.last().and_then(|command| command.words.last()) {
            Some(word) => self.error(word.at, &word.text, words),
            None => self.error(branch.pipe.at, &branch.pipe.text, words),
        }
    }

    fn assign(&mut self, name: &str, value: Val) {
        if let Some(slot) = self.variables.iter_mut().rev().find(|(n, _)| n == name) {
            slot.1 = value;
        }
    }

    fn pipe(&mut self, pipe: &Pipe, dot: &Val) -> Result<Val> {
        let mut value: Option<Val> = None;
        for command in &pipe.commands {
            self.spend()?;
            value = Some(self.command(command, dot, value.take())?);
            // A null in an interface is nothing at all from here on.
            if matches!(value, Some(Some(Value::Null))) {
                value = Some(None);
            }
        }
        let value = value.unwrap_or_default();
        for name in &pipe.declares {
            if pipe.assigns {
                self.assign(name, value.clone());
            } else {
                self.variables.push((name.clone(), value.clone()));
            }
        }
        Ok(value)
    }

    fn command(&mut self, command: &Command, dot: &Val, last: Option<Val>) -> Result<Val> {
        let Some((first, rest)) = command.words.split_first() else { return Ok(None) };
        if let WordKind::Function(name) = &first.kind {
            return self.call(name, command, rest, dot, last);
        }
        if (!rest.is_empty() || last.is_some())
            && !matches!(
                first.kind,
                WordKind::Pipe(_) | WordKind::Field(_) | WordKind::Chain(..) | WordKind::Variable(..)
            )
        {
            return Err(self.error(
                first.at,
                &first.text,
                format!("can't give argument to non-function {}", first.text),
            ));
        }
        if matches!(first.kind, WordKind::Nil) {
            return Err(self.error(first.at, &first.text, "nil is not a command"));
        }
        let has_arguments = !rest.is_empty() || last.is_some();
        if has_arguments {
            let name = match &first.kind {
                WordKind::Field(path) | WordKind::Variable(_, path) | WordKind::Chain(_, path) if !path.is_empty() => {
                    let field = path.last().map_or("", String::as_str);
                    return Err(self.error(
                        first.at,
                        &first.text,
                        format!("{field} is not a method but has arguments"),
                    ));
                }
                _ => &first.text,
            };
            return Err(self.error(first.at, &first.text, format!("can't give argument to non-function {name}")));
        }
        self.word(first, dot)
    }

    fn word(&mut self, word: &Word, dot: &Val) -> Result<Val> {
        Ok(match &word.kind {
            WordKind::Dot => dot.clone(),
            WordKind::Nil => None,
            WordKind::Bool(b) => Some(Value::from(*b)),
            WordKind::Int(number) => Some(Value::from(*number)),
            WordKind::Float(number) => Some(Value::from(*number)),
            WordKind::String(text) => Some(Value::from(text)),
            WordKind::Field(path) => self.fields(word, dot.clone(), path)?,
            WordKind::Variable(name, path) => {
                let value = self.variables.iter().rev().find(|(n, _)| n == name).and_then(|(_, value)| value.clone());
                self.fields(word, value, path)?
            }
            WordKind::Chain(inner, path) => {
                let value = self.word(inner, dot)?;
                self.fields(word, value, path)?
            }
            WordKind::Pipe(pipe) => self.pipe(pipe, dot)?,
            WordKind::Function(name) => {
                let command = Command { at: word.at, text: word.text.clone(), words: vec![word.clone()] };
                self.call(name, &command, &[], dot, None)?
            }
        })
    }

    /// The fields of a value, one in the other. Missing ones are missing; of what is no map there are none.
    fn fields(&self, word: &Word, value: Val, path: &[String]) -> Result<Val> {
        let mut value = value;
        for (i, field) in path.iter().enumerate() {
            let words = match value {
                None if self.template.missing_is_error => format!("nil data; no entry for key {}", quote(field)),
                None => continue,
                Some(Value::Object(map)) => match map.get(field) {
                    None if self.template.missing_is_error => format!("map has no entry for key {}", quote(field)),
                    inner => {
                        value = inner.cloned();
                        continue;
                    }
                },
                Some(Value::Null) => format!("nil pointer evaluating interface {{}}.{field}"),
                Some(other) => {
                    // What was found in a map or list stands in an interface.
                    let kind = if i > 0 { "interface {}" } else { type_of(&Some(other)) };
                    format!("can't evaluate field {field} in type {kind}")
                }
            };
            return Err(self.error(word.at, &word.text, words));
        }
        Ok(value)
    }

    fn call(&mut self, name: &str, command: &Command, words: &[Word], dot: &Val, last: Option<Val>) -> Result<Val> {
        let count = words.len() + usize::from(last.is_some());
        if let Some(words) = funcs::wrong_count(name, count) {
            return Err(self.error(command.at, name, words));
        }
        if matches!(name, "and" | "or") {
            // The last argument that was needed; the others are not looked at.
            let mut value = None;
            for word in words {
                value = self.word(word, dot)?;
                if truth(&value) == (name == "or") {
                    return Ok(value);
                }
            }
            return Ok(last.unwrap_or(value));
        }
        let mut arguments = Vec::with_capacity(count);
        let mut types = Vec::with_capacity(count);
        for (i, word) in words.iter().enumerate() {
            let value = self.word(word, dot)?;
            // Numbers of the object are int64, those of the template int.
            let from_object =
                matches!(word.kind, WordKind::Field(_) | WordKind::Variable(..) | WordKind::Chain(..) | WordKind::Dot);
            let kind = if from_object && matches!(value, Some(Value::Int(_))) { "int64" } else { type_of(&value) };
            if i == 0
                && funcs::wants_string(name)
                && let Some(words) = not_a_string(&value, kind, word)
            {
                return Err(self.error(word.at, &word.text, words));
            }
            types.push(kind);
            arguments.push(value);
        }
        if let Some(last) = last {
            types.push(if matches!(last, Some(Value::Int(_))) { "int64" } else { type_of(&last) });
            arguments.push(last);
        }
        let piped = arguments.first().map(super::format::plain).unwrap_or_default();
        let callee = words.first().map_or(piped.as_str(), |word| &word.text);
        funcs::call(name, callee, &arguments, &types)
            .map_err(|why| self.error(command.at, &command.text, format!("error calling {name}: {why}")))
    }
}

/// What is wrong with an argument that must be a string.
fn not_a_string(value: &Val, kind: &str, word: &Word) -> Option<String> {
    match (value, &word.kind) {
        (Some(Value::String(_)), _) => None,
        (_, WordKind::Bool(_) | WordKind::Int(_) | WordKind::Float(_)) => {
            Some(format!("expected string; found {}", word.text))
        }
        (_, WordKind::Nil) => Some("cannot assign nil to string".into()),
        (None | Some(Value::Null), _) => Some("invalid value; expected string".into()),
        _ => Some(format!("wrong type for value; expected string; got {kind}")),
    }
}

/// A value as an action prints it.
fn show(value: &Val) -> String {
    match value {
        None | Some(Value::Null) => "<no value>".into(),
        Some(value) => go::print(value),
    }
}
