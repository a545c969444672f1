//! Go's text/template, as `-o go-template` has it: actions, pipelines, variables, `if`, `range`, `with`, `define`,
//! `template`, the built-in functions, and kubectl's `exists` and `base64decode`.
//!
//! [`Template::parse`] reads a text (`lex`, `parse`), [`print`] applies it to an object (`exec`, `funcs`, `format`). The
//! words of errors, with line and column, are Go's.

mod exec;
mod format;
mod funcs;
mod lex;
mod parse;

use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_value::{Value, to_json};

use super::go;
use crate::env::Io;
use crate::failure::{Failure, quote};

/// A parsed template. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Template {
    name: String,
    text: Arc<str>,
    templates: Arc<SortedMap<String, Vec<Node>>>,
    missing_is_error: bool,
}

/// A piece of a template.
#[derive(Debug, Clone)]
enum Node {
    Text(String),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template { at: usize, name: String, pipe: Option<Pipe> },
    Break,
    Continue,
}

/// `{{if PIPE}} … {{else}} … {{end}}`
#[derive(Debug, Clone)]
struct Branch {
    pipe: Pipe,
    then: Vec<Node>,
    otherwise: Vec<Node>,
}

/// `$x := a | b`
#[derive(Debug, Clone)]
struct Pipe {
    at: usize,
    text: String,
    declares: Vec<String>,
    assigns: bool,
    commands: Vec<Command>,
}

/// `f x y`
#[derive(Debug, Clone)]
struct Command {
    at: usize,
    text: String,
    words: Vec<Word>,
}

/// One operand, with its place and its text.
#[derive(Debug, Clone)]
struct Word {
    at: usize,
    text: String,
    kind: WordKind,
}

#[derive(Debug, Clone)]
enum WordKind {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    /// `.a.b`
    Field(Vec<String>),
    /// `$x.a.b`
    Variable(String, Vec<String>),
    /// `f`
    Function(String),
    /// `(…)`
    Pipe(Box<Pipe>),
    /// `(…).a.b`
    Chain(Box<Word>, Vec<String>),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Go's words: `template: output:1: unclosed action`.
    pub fn parse(name: &str, text: &str) -> Result<Template, String> {
        let templates = parse::parse(name, text)?;
        Ok(Template {
            name: name.to_owned(),
            text: text.into(),
            templates: Arc::new(templates),
            missing_is_error: false,
        })
    }

    /// Whether missing keys are `<no value>` rather than errors.
    #[must_use]
    pub fn allow_missing(mut self, allow: bool) -> Template {
        self.missing_is_error = !allow;
        self
    }

    /// Applies the template. What was written before an error is there too.
    pub fn execute(&self, data: &Value) -> (String, Result<(), String>) {
        exec::execute(self, data)
    }
}

/// Prints an object by a template; on an error also what may help to find it.
///
/// # Errors
/// `error executing template "…": …`
pub fn print(template: &Template, text: &str, object: &Value, io: &mut Io<'_>) -> Result<(), Failure> {
    let (out, result) = template.execute(object);
    io.print(out);
    result.map_err(|why| {
        io.print(format!(
            "Error executing template: {why}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t{text}\n\traw data was:\n\t\t{}\n\tobject given to template engine was:\n\t\t{}\n\n",
            go::escape_html(&to_json(object)),
            go::print(object)
        ));
        Failure::Error(format!("error executing template {}: {why}", quote(text)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    fn run(text: &str, data: &Value) -> Result<String, String> {
        let (out, result) = Template::parse("output", text)?.execute(data);
        result.map(|()| out)
    }

    #[test]
    fn prints_what_go_prints() {
        let data = value!({
            "kind": "Pod",
            "metadata": {"name": "alpha", "labels": {"app": "web", "rank": "10"}, "annotations": {"note": "a b"}},
            "spec": {"priority": 0, "grace": 30, "links": true, "f": 1.5, "none": null, "containers": [
                {"name": "x", "image": "nginx:1.27", "ports": [{"containerPort": 80}, {"containerPort": 443}]},
                {"name": "w", "image": "redis:7"}]},
            "data": {"k": "dg=="},
            "items": [{"n": "a"}, {"n": "b"}, {"n": "c"}]
        });
        let cases: &[(&str, &str)] = &[
            ("{{range .items}}{{.n}}{{\"\\t\"}}{{end}}", "a\tb\tc\t"),
            ("{{range $i, $p := .items}}{{if $i}}, {{end}}{{$i}}:{{$p.n}}{{end}}", "0:a, 1:b, 2:c"),
            ("{{.metadata.labels.app | printf \"%-6s|\"}}{{printf \"%q\" .metadata.name}}", "web   |\"alpha\""),
            ("{{range $k, $v := .metadata.labels}}{{$k}}={{$v}};{{end}}", "app=web;rank=10;"),
            ("{{index .metadata.labels \"app\"}} {{(index .spec.containers 1).image}}", "web redis:7"),
            (
                "{{with .status.podIP}}ip {{.}}{{else}}no ip{{end}} {{.metadata.nope}} {{or .spec.nope \"dflt\"}} {{and 1 0}} {{not true}}",
                "no ip <no value> dflt 0 false",
            ),
            (
                "{{.spec.priority}} {{.spec.grace}} {{.spec.links}} {{.spec.f}} {{lt 2 10}} {{ne \"a\" \"b\"}} {{gt .spec.grace 5}}",
                "0 30 true 1.5 true true true",
            ),
            (
                "{{range .spec.containers}}{{.name}}{{range .ports}} {{.containerPort}}{{else}} none{{end}}; {{end}}",
                "x 80 443; w none; ",
            ),
            (
                "{{- /* a comment */ -}} {{ $n := .metadata.name }}{{ len $n }} {{ slice $n 1 3 }} {{ print 1 2 \"x\" }} {{ println \"end\" }}",
                "5 lp 1 2x end\n",
            ),
            ("{{html \"<a>\"}} {{urlquery \"a b&c\"}} {{js \"it's\"}}", "&lt;a&gt; a+b%26c it\\'s"),
            ("{{.data.k | base64decode}} {{.data.k}}", "v dg=="),
            ("{{define \"T\"}}<{{.}}>{{end}}{{template \"T\" .metadata.name}}", "<alpha>"),
            (
                "{{exists . \"spec\" \"containers\"}} {{exists . \"spec\" \"nope\"}} {{exists .spec.containers 1 \"image\"}}",
                "true false true",
            ),
            ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
            ("{{range .items}}{{if eq .n \"b\"}}{{break}}{{end}}{{.n}}{{end}}", "a"),
            ("{{range .items}}{{if eq .n \"b\"}}{{continue}}{{end}}{{.n}}{{end}}", "ac"),
            ("{{if eq .kind \"List\"}}l{{else if eq .kind \"Pod\"}}p{{else}}o{{end}}", "p"),
            ("{{.metadata.labels}} {{.items}}", "map[app:web rank:10] [map[n:a] map[n:b] map[n:c]]"),
            ("a  {{- 1 -}}  b", "a1b"),
            ("{{range 3}}{{.}}{{end}}", "012"),
            ("{{.spec.none}} {{eq .spec.none nil}}", "<no value> true"),
            (
                "{{printf \"%d %5d|%-5d|%05d %x %v %t %s\" 7 7 7 7 255 .spec.grace true \"s\"}}",
                "7     7|7    |00007 ff 30 true s",
            ),
            ("{{printf \"%s %d\" 5 \"x\"}}", "%!s(int=5) %!d(string=x)"),
            ("{{block \"B\" .kind}}[{{.}}]{{end}}", "[Pod]"),
            ("{{`raw`}} {{'a'}} {{1e3}} {{0x10}}", "raw 97 1000 16"),
        ];
        for (text, want) in cases {
            assert_eq!(run(text, &data), Ok((*want).to_owned()), "{text}");
        }
    }

    #[test]
    fn errors_are_gos() {
        let data = value!({"metadata": {"name": "s!"}, "spec": {"containers": [1, 2]}});
        let cases: &[(&str, &str)] = &[
            ("{{.metadata.name", "template: output:1: unclosed action"),
            ("{{nofunc 1}}", "template: output:1: function \"nofunc\" not defined"),
            ("{{if}}x{{end}}", "template: output:1: missing value for if"),
            ("{{end}}", "template: output:1: unexpected {{end}}"),
            ("{{9999999999999999999}}", "template: output:1: integer overflow: \"9999999999999999999\""),
            (
                "{{range $i, $x := 5}}{{end}}",
                "template: output:1:18: executing \"output\" at <5>: can't use 5 to iterate over more than one variable",
            ),
            ("{{range .x}}", "template: output:1: unexpected EOF"),
            ("{{$x}}", "template: output:1: undefined variable \"$x\""),
            ("{{.a ~}}", "template: output:1: unexpected \"~\" in operand"),
            ("{{}}", "template: output:1: missing value for command"),
            (
                "{{.metadata.name | base64decode}}",
                "template: output:1:19: executing \"output\" at <base64decode>: error calling base64decode: base64 decode failed: illegal base64 data at input byte 1",
            ),
            (
                "{{range .items}}x{{end}}|{{index .spec.containers 5}}",
                "template: output:1:27: executing \"output\" at <index .spec.containers 5>: error calling index: index out of range: 5",
            ),
            (
                "{{template \"T\"}}",
                "template: output:1:11: executing \"output\" at <{{template \"T\"}}>: template \"T\" not defined",
            ),
            (
                "{{.metadata.name.x}}",
                "template: output:1:11: executing \"output\" at <.metadata.name.x>: can't evaluate field x in type interface {}",
            ),
            (
                "{{call .metadata.name}}",
                "template: output:1:2: executing \"output\" at <call .metadata.name>: error calling call: non-function .metadata.name of type string",
            ),
            ("{{len 3}}", "template: output:1:2: executing \"output\" at <len 3>: error calling len: len of type int"),
            (
                "{{eq 1 \"a\"}}",
                "template: output:1:2: executing \"output\" at <eq 1 \"a\">: error calling eq: incompatible types for comparison: int and string",
            ),
        ];
        for (text, want) in cases {
            assert_eq!(run(text, &data), Err((*want).to_owned()), "{text}");
        }
    }

    #[test]
    fn runaway_templates_end() {
        for text in ["{{define \"T\"}}{{template \"T\"}}{{end}}{{template \"T\"}}", "{{range 100000000000}}{{end}}"] {
            assert!(run(text, &Value::Null).is_err(), "{text}");
        }
    }
}
