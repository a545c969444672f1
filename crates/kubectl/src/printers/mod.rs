//! What `-o` says, and tables.
//!
//! - [`for_output`]: the printer of `-o`, or None where the command prints in its own way (no `-o`, or `wide`).
//! - [`for_operation`]: the printer of a command that changes something: `deployment.apps/x created` without `-o`.
//! - [`Printer::print`]: prints one object (or list). Keep one printer for all objects of a command: it knows whether
//!   something was printed before (`---` between YAML documents, headers of columns).
//! - [`table`]: tables from the server; [`tabs`]: columns; [`jsonpath`], [`template`], [`columns`]: the templates.

pub mod columns;
pub mod go;
pub mod jsonpath;
pub mod kyaml;
pub mod sort;
pub mod table;
pub mod tabs;
pub mod template;

use drydock_api::GroupVersionKind;
use drydock_sorted::Sort;
use drydock_value::{Value, to_json_pretty};

use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};
use jsonpath::JsonPath;

/// Which formats a command has beyond the usual ones (json, yaml, kyaml, name, and the templates).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Formats {
    /// `custom-columns`
    pub columns: bool,
    /// `wide`
    pub wide: bool,
}

/// Formats of `get`.
pub const GET: Formats = Formats { columns: true, wide: true };

/// A way to print objects.
#[derive(Debug, Clone)]
pub struct Printer {
    form: Form,
    managed_fields: bool,
    printed: usize,
}

#[derive(Debug, Clone)]
enum Form {
    Json,
    Yaml,
    Kyaml,
    Name { operation: String },
    Template { text: String, template: Box<template::Template> },
    JsonPath { text: String, path: JsonPath, json: bool },
    Columns(columns::Columns),
}

/// The printer of `-o`; None when there is none or `wide`.
///
/// # Errors
/// An unknown format, or a template that can't be read.
pub fn for_output(inv: &Invocation, io: &mut Io<'_>, formats: Formats) -> Result<Option<Printer>, Failure> {
    let output = inv.flags.str("output");
    let argument = inv.flags.str("template");
    let output = if output.is_empty() && !argument.is_empty() { "go-template" } else { output };
    if output.is_empty() || (output == "wide" && formats.wide) {
        return Ok(None);
    }
    of(inv, io, output, formats).map(Some)
}

/// The printer of a format, whatever `-o` says.
///
/// # Errors
/// As [`for_output`].
pub fn of_format(inv: &Invocation, io: &mut Io<'_>, output: &str) -> Result<Printer, Failure> {
    of(inv, io, output, Formats::default())
}

/// The printer of `-o` alone: for what prints in its own way even when there is a template.
///
/// # Errors
/// As [`for_output`].
pub fn for_output_given(inv: &Invocation, io: &mut Io<'_>) -> Result<Option<Printer>, Failure> {
    if inv.flags.str("output").is_empty() { Ok(None) } else { for_output(inv, io, Formats::default()) }
}

fn of(inv: &Invocation, io: &mut Io<'_>, output: &str, formats: Formats) -> Result<Printer, Failure> {
    let argument = inv.flags.str("template");
    let form = match output {
        "json" => Form::Json,
        "yaml" => Form::Yaml,
        "kyaml" => Form::Kyaml,
        "name" => Form::Name { operation: String::new() },
        output => match with_template(inv, io, output, argument, formats)? {
            Some(form) => form,
            None => return Err(unknown(output, formats)),
        },
    };
    let managed_fields = inv.flags.bool("show-managed-fields");
    Ok(Printer { form, managed_fields, printed: 0 })
}

/// The printer of a command that changes something: without `-o` it says what was done (`pod/x created (dry run)`).
///
/// # Errors
/// As [`for_output`].
pub fn for_operation(inv: &Invocation, io: &mut Io<'_>, operation: &str, dry_run: DryRun) -> Result<Printer, Failure> {
    let printer = for_output(inv, io, Formats::default())?;
    Ok(printer.unwrap_or_else(|| Printer {
        form: Form::Name { operation: format!("{operation}{}", dry_run.suffix()) },
        managed_fields: false,
        printed: 0,
    }))
}

fn with_template(
    inv: &Invocation,
    io: &mut Io<'_>,
    output: &str,
    argument: &str,
    formats: Formats,
) -> Result<Option<Form>, Failure> {
    // `format=template`, or `--template` with the format alone.
    let (format, text) = match output.split_once('=') {
        Some((format, text)) if argument.is_empty() => (format, text),
        _ => (output, argument),
    };
    let needed = || Failure::from("template format specified but no template given");
    let columns_needed = || Failure::from("custom-columns format specified but no custom columns given");
    let read = |io: &mut Io<'_>, words: &str| -> Result<String, Failure> {
        let bytes = inv.read_file(io, text).map_err(|failure| match failure {
            failure @ (Failure::WantStdin | Failure::Later(_)) => failure,
            other => Failure::Error(format!("{words} {text}, {}", other.words())),
        })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok(Some(match format {
        "go-template" | "go-template-file" | "template" | "templatefile" => {
            if text.is_empty() {
                return Err(needed());
            }
            let text = if format.ends_with("file") { read(io, "error reading --template")? } else { text.to_owned() };
            let template = template::Template::parse("output", &text)
                .map_err(|why| Failure::Error(format!("error parsing template {text}, {why}\n")))?;
            let template = Box::new(template.allow_missing(inv.flags.bool("allow-missing-template-keys")));
            Form::Template { text, template }
        }
        "jsonpath" | "jsonpath-file" | "jsonpath-as-json" => {
            if text.is_empty() {
                return Err(needed());
            }
            let text = if format == "jsonpath-file" { read(io, "error reading --template")? } else { text.to_owned() };
            let mut path = JsonPath::parse(&text)
                .map_err(|why| Failure::Error(format!("error parsing jsonpath {text}, {why}\n")))?;
            path.allow_missing = inv.flags.bool("allow-missing-template-keys");
            Form::JsonPath { text, path, json: format == "jsonpath-as-json" }
        }
        "custom-columns" | "custom-columns-file" if formats.columns => {
            if text.is_empty() {
                return Err(columns_needed());
            }
            let no_headers = inv.flags.bool("no-headers");
            let columns = if format == "custom-columns-file" {
                columns::Columns::from_file(&read(io, "error reading template")?)
            } else {
                columns::Columns::from_spec(text, no_headers)
            };
            Form::Columns(columns.map_err(Failure::Error)?)
        }
        _ => return Ok(None),
    }))
}

fn unknown(output: &str, formats: Formats) -> Failure {
    let mut allowed = vec![
        "go-template",
        "go-template-file",
        "json",
        "jsonpath",
        "jsonpath-as-json",
        "jsonpath-file",
        "kyaml",
        "name",
        "template",
        "templatefile",
        "yaml",
    ];
    if formats.columns {
        allowed.extend(["custom-columns", "custom-columns-file"]);
    }
    if formats.wide {
        allowed.push("wide");
    }
    allowed.sort_compact();
    Failure::Error(format!(
        "unable to match a printer suitable for the output format {}, allowed formats are: {}",
        crate::failure::quote(output),
        allowed.join(",")
    ))
}

impl Printer {
    /// As `-o yaml` prints.
    pub fn yaml() -> Printer {
        Printer { form: Form::Yaml, managed_fields: false, printed: 0 }
    }

    /// As `-o json` prints.
    pub fn json() -> Printer {
        Printer { form: Form::Json, managed_fields: false, printed: 0 }
    }

    /// As `-o name` prints, with words behind it: `pod/x created`.
    pub fn name(operation: &str) -> Printer {
        Printer { form: Form::Name { operation: operation.to_owned() }, managed_fields: false, printed: 0 }
    }

    /// Whether this prints names (with or without an operation) rather than objects.
    pub fn is_name(&self) -> bool {
        matches!(self.form, Form::Name { .. })
    }

    /// Whether this says what was done: no `-o` was given.
    pub fn is_operation(&self) -> bool {
        matches!(&self.form, Form::Name { operation } if !operation.is_empty())
    }

    /// Changes what was done, when this says it.
    pub fn set_operation(&mut self, words: &str) {
        if let Form::Name { operation } = &mut self.form
            && !operation.is_empty()
        {
            words.clone_into(operation);
        }
    }

    /// Prints an object or list.
    ///
    /// # Errors
    /// When a template does not fit the object.
    pub fn print(&mut self, io: &mut Io<'_>, object: &Value) -> Result<(), Failure> {
        // Templates see them.
        let whole = self.managed_fields || !matches!(self.form, Form::Json | Form::Yaml | Form::Kyaml);
        let object = if whole { object.clone() } else { without_managed_fields(object) };
        self.printed += 1;
        match &mut self.form {
            Form::Json => {
                io.print(go::escape_html(&to_json_pretty(&object, 4)));
                io.print("\n");
            }
            Form::Yaml => {
                if self.printed > 1 {
                    io.print("---\n");
                }
                io.print(drydock_yaml::to_yaml(&object));
            }
            Form::Kyaml => io.print(kyaml::print(&object)),
            Form::Name { operation } => {
                if is_list(&object) {
                    for item in object["items"].items() {
                        io.println(format!("{}{}", name_of(item), spaced(operation)));
                    }
                } else {
                    io.println(format!("{}{}", name_of(&object), spaced(operation)));
                }
            }
            Form::Template { text, template } => template::print(template, text, &object, io)?,
            Form::JsonPath { text, path, json } => {
                let text = jsonpath::print(path, text, *json, &object)?;
                io.print(text);
            }
            Form::Columns(columns) => {
                let (text, problem) = columns.print(&object);
                io.print(text);
                problem.map_err(Failure::Error)?;
            }
        }
        Ok(())
    }
}

fn spaced(operation: &str) -> String {
    if operation.is_empty() { String::new() } else { format!(" {operation}") }
}

/// `pod/x` or `deployment.apps/x`.
pub fn name_of(object: &Value) -> String {
    let gvk = GroupVersionKind::of(object);
    let name = object["metadata"]["name"].as_str().filter(|name| !name.is_empty()).unwrap_or("<unknown>");
    let kind = gvk.kind.to_lowercase();
    if gvk.group.is_empty() { format!("{kind}/{name}") } else { format!("{kind}.{}/{name}", gvk.group) }
}

/// Whether an object is a list of objects.
pub fn is_list(object: &Value) -> bool {
    object["items"].as_array().is_some() && object["kind"].str().ends_with("List")
}

/// An object, or a list of some, without `managedFields`.
pub fn without_managed_fields(object: &Value) -> Value {
    let mut object = object.clone();
    if object["metadata"].get("managedFields").is_some() {
        object["metadata"].remove("managedFields");
    }
    if is_list(&object) && object["items"].items().iter().any(|item| item["metadata"].get("managedFields").is_some()) {
        for item in object["items"].items_mut() {
            item["metadata"].remove("managedFields");
        }
    }
    object
}
