//! JSONPath in kubectl's own dialect (client-go's `util/jsonpath`): `{.items[*].metadata.name}`, `{range}`…`{end}`,
//! filters, unions, recursive descent, quoted text.
//!
//! [`JsonPath::parse`] reads an expression, [`JsonPath::find`] answers what it finds: one list of values for each
//! `{…}` or piece of text.

mod eval;
mod parse;

use drydock_value::{Value, to_json, to_json_pretty};

use super::go;
use crate::failure::Failure;

/// A parsed expression.
#[derive(Debug, Clone)]
pub struct JsonPath {
    nodes: Vec<Node>,
    /// Whether a missing field is nothing, rather than an error.
    pub allow_missing: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    List(Vec<Node>),
    Text(String),
    Bool(bool),
    Int(i64),
    Float(f64),
    Field(String),
    Identifier(String),
    Array([Bound; 3]),
    Filter(Vec<Node>, Vec<Node>, String),
    Wildcard,
    Recursive,
    Union(Vec<Vec<Node>>),
}

/// One of the three numbers of `[start:end:step]`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Bound {
    value: i64,
    known: bool,
    derived: bool,
}

impl JsonPath {
    /// Reads an expression. Missing fields are nothing.
    ///
    /// # Errors
    /// client-go's words.
    pub fn parse(text: &str) -> Result<JsonPath, String> {
        Ok(JsonPath { nodes: parse::parse(text)?, allow_missing: true })
    }

    /// What the expression finds in `data`.
    ///
    /// # Errors
    /// client-go's words.
    pub fn find(&self, data: &Value) -> Result<Vec<Vec<Value>>, String> {
        eval::find(&self.nodes, data, self.allow_missing)
    }
}

/// `metadata.name`, `.metadata.name`, `{metadata.name}` and `{.metadata.name}` as `{.metadata.name}`.
///
/// # Errors
/// When it is none of these.
pub fn relaxed(expression: &str) -> Result<String, String> {
    if expression.is_empty() {
        return Ok(String::new());
    }
    let inner = expression.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(expression);
    let inner = if inner.len() > 1 { inner.strip_prefix('.').unwrap_or(inner) } else { inner };
    if inner.is_empty() || inner.contains(['{', '}']) {
        return Err(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"
                .into(),
        );
    }
    Ok(format!("{{.{inner}}}"))
}

/// Prints what a template finds in an object, as `-o jsonpath` does.
///
/// # Errors
/// When the template does not fit the object.
pub fn print(path: &JsonPath, template: &str, as_json: bool, object: &Value) -> Result<String, Failure> {
    let results = path.find(object).map_err(|why| {
        Failure::Error(format!(
            "error executing jsonpath {}: Error executing template: {why}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t{template}\n\tobject given to jsonpath engine was:\n\t\t{}\n\n\n",
            crate::failure::quote(template),
            go::syntax(object)
        ))
    })?;
    let mut out = String::new();
    for values in results {
        if as_json {
            out += &go::escape_html(&to_json_pretty(&Value::from(values), 4));
            out.push('\n');
            continue;
        }
        for (i, value) in values.iter().enumerate() {
            if i > 0 {
                out.push(' ');
            }
            match value {
                Value::Array(_) | Value::Object(_) => out += &go::escape_html(&to_json(value)),
                Value::Null => out += "null",
                scalar => out += &go::print(scalar),
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    fn run(template: &str, object: &Value) -> Result<String, String> {
        let path = JsonPath::parse(template).map_err(|why| format!("parse: {why}"))?;
        print(&path, template, false, object).map_err(|failure| {
            let words = failure.words();
            let start = words.find("Error executing template: ").map_or(0, |at| at + 26);
            words[start..].split(". Printing more").next().unwrap_or_default().to_owned()
        })
    }

    #[test]
    fn finds_what_client_go_finds() {
        let pod = value!({
            "metadata": {"name": "one", "labels": {"app": "web", "app.kubernetes.io/name": "shop"}},
            "spec": {"n": 5, "f": 1.5, "yes": true, "containers": [
                {"name": "a", "ports": [{"containerPort": 80}, {"containerPort": 443}]},
                {"name": "b", "ports": [{"containerPort": 6379}], "limits": {"cpu": "1"}},
                {"name": "c"},
                {"name": "d"}]}
        });
        let cases: &[(&str, Result<&str, &str>)] = &[
            ("{.spec.containers[0].name}|{.spec.containers[-1].name}|{.spec.containers[-1:].name}", Ok("a|d|d")),
            (
                "{.spec.containers[0:2].name}|{.spec.containers[1:].name}|{.spec.containers[::2].name}",
                Ok("a b|b c d|a c"),
            ),
            ("{.spec.containers[0:4:3].name}", Ok("a d")),
            ("{.spec.containers[0,2].name}", Ok("a c")),
            ("{.spec.containers[*]['name']}", Ok("a b c d")),
            ("{..containerPort}", Ok("80 443 6379")),
            (
                "{range .spec.containers[*]}{.name}:{range .ports[*]}{.containerPort},{end};{end}",
                Ok("a:80,443,;b:6379,;c:;d:;"),
            ),
            ("{.spec.containers[?(@.name==\"b\")].limits}", Ok("{\"cpu\":\"1\"}")),
            ("{.spec.containers[?(@.ports)].name}", Ok("a b")),
            ("{.spec.containers[*].ports[?(@.containerPort>=443)].containerPort}", Ok("443 6379")),
            ("{.metadata.labels.app\\.kubernetes\\.io/name}", Ok("shop")),
            ("{.metadata.labels['app\\.kubernetes\\.io/name']}", Ok("shop")),
            ("{.spec.n} {.spec.f} {.spec.yes} {.nope}|{'q\\'s'}{\"\\t\"}", Ok("5 1.5 true |q's\t")),
            ("plain {$.metadata.name} {@.metadata.name}", Ok("plain one one")),
            ("{.spec.containers[9].name}", Err("array index out of bounds: index 9, length 4")),
            ("{metadata.name}", Err("unrecognized identifier metadata")),
            ("{.name}{end}", Err("not in range, nothing to end")),
            ("{.spec.containers[?(@.name=\"b\")].x}", Err("unrecognized filter operator =")),
            ("{.spec.containers[?(@.name==b)].x}", Err("unrecognized identifier b")),
            ("{.metadata.name", Err("parse: unclosed action")),
            ("{.a[x]}", Err("parse: invalid array index x")),
            ("{.a[-]}", Err("parse: array index - is not a number")),
            ("{.a[9999999999999999999]}", Err("parse: array index 9999999999999999999 is not a number")),
            ("{.a[?(@.image=~/nginx/)].name}", Err("parse: unrecognized character in action: U+007E '~'")),
            ("{.a[", Err("parse: unterminated array")),
        ];
        for (template, want) in cases {
            assert_eq!(run(template, &pod), want.map(str::to_owned).map_err(str::to_owned), "{template}");
        }
    }

    #[test]
    fn relaxed_expressions() {
        for text in ["metadata.name", ".metadata.name", "{metadata.name}", "{.metadata.name}"] {
            assert_eq!(relaxed(text).unwrap(), "{.metadata.name}");
        }
        assert!(relaxed("{.x").is_err());
    }
}
