//! Tables: what the server made of objects, with the columns that the client adds.

use drydock_sorted::Sort;
use drydock_value::{Time, Value, value};

use super::go;
use super::tabs::Tabs;

/// What a table shows beyond the server's columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// `--no-headers`
    pub no_headers: bool,
    /// A column NAMESPACE first.
    pub namespace: bool,
    /// Names with this kind before them: `pod/x`.
    pub kind: Option<String>,
    /// `-o wide`: columns of low priority too.
    pub wide: bool,
    /// `--show-labels`
    pub labels: bool,
    /// `-L`: a column for each of these labels.
    pub label_columns: Vec<String>,
}

/// Prints tables; remembers columns from one to the next, as a watch needs.
#[derive(Debug, Clone)]
pub struct TablePrinter {
    options: Options,
    columns: Value,
    printed_headers: bool,
}

impl TablePrinter {
    /// With these options.
    pub fn new(options: Options) -> TablePrinter {
        TablePrinter { options, columns: Value::Null, printed_headers: false }
    }

    /// Adds a table to the lines. `event` is the type of a watch event, when it shall be shown.
    pub fn print(&mut self, table: &Value, event: Option<&str>, now: Time, out: &mut Tabs) {
        let made;
        let table = if table["kind"] == "Table" {
            table
        } else {
            made = plain(table, now);
            &made
        };
        let mut options = self.options.clone();
        let own = &table["columnDefinitions"];
        if self.printed_headers && (own.is_empty() || *own == self.columns) {
            options.no_headers = true;
        }
        if !own.is_empty() && *own != self.columns {
            self.columns = own.clone();
            self.printed_headers = false;
        }
        let rows = table["rows"].items();
        if rows.is_empty() {
            return;
        }
        self.printed_headers = true;
        let columns = self.columns.items();
        let shown: Vec<bool> = columns.iter().map(|column| options.wide || column["priority"].int() == 0).collect();
        if !options.no_headers {
            let mut header: Vec<String> = Vec::new();
            if event.is_some() {
                header.push("EVENT".into());
            }
            if options.namespace {
                header.push("NAMESPACE".into());
            }
            let names = columns.iter().zip(&shown).filter(|(_, shown)| **shown);
            header.extend(names.map(|(column, _)| column["name"].str().to_uppercase()));
            let last = |label: &String| label.rsplit('/').next().unwrap_or_default().to_uppercase();
            header.extend(options.label_columns.iter().map(last));
            if options.labels {
                header.push("LABELS".into());
            }
            out.row(&header);
        }
        let name_column = columns.iter().position(|c| c["format"] == "name" && c["type"] == "string");
        for row in rows {
            let metadata = &row["object"]["metadata"];
            let mut cells: Vec<String> = Vec::new();
            cells.extend(event.map(|event| format!("{event:<8}")));
            if options.namespace {
                cells.push(metadata["namespace"].str().to_owned());
            }
            for (i, cell) in row["cells"].items().iter().enumerate().take(columns.len()) {
                if !shown.get(i).copied().unwrap_or(false) {
                    continue;
                }
                let text = match cell {
                    Value::Null => String::new(),
                    other => clean(&go::print(other)),
                };
                cells.push(match &options.kind {
                    Some(kind) if name_column == Some(i) => format!("{kind}/{text}"),
                    _ => text,
                });
            }
            let labels = &metadata["labels"];
            cells.extend(options.label_columns.iter().map(|label| labels[label.as_str()].str().to_owned()));
            if options.labels {
                cells.push(format_labels(labels));
            }
            out.row(&cells);
        }
    }
}

/// A cell's first line, without what would confuse a terminal.
fn clean(text: &str) -> String {
    let (text, cut) = match text.find(['\u{c}', '\n', '\r']) {
        Some(at) => (&text[..at], "..."),
        None => (text, ""),
    };
    format!("{}{cut}", text.replace('\u{1b}', "^["))
}

/// Labels as `a=b,c=d`, or `<none>`.
pub fn format_labels(labels: &Value) -> String {
    let mut pairs: Vec<String> = labels.entries().map(|(key, value)| format!("{key}={}", value.str())).collect();
    // Sorted as texts: `a-b=1` comes before `a=1`.
    pairs.sort_compact();
    if pairs.is_empty() { "<none>".into() } else { pairs.join(",") }
}

/// A table of names and ages, of an object or list that the server did not make a table of.
fn plain(object: &Value, now: Time) -> Value {
    if object["kind"] == "Status" {
        let cells = value!([object["status"].str(), object["reason"].str(), object["message"].str()]);
        return value!({
            "kind": "Table",
            "columnDefinitions": [
                {"name": "Status", "type": "string"},
                {"name": "Reason", "type": "string"},
                {"name": "Message", "type": "string"}
            ],
            "rows": [{"cells": cells, "object": object.clone()}]
        });
    }
    let items = if super::is_list(object) { object["items"].items() } else { std::slice::from_ref(object) };
    let rows: Value = items
        .iter()
        .map(|item| {
            let metadata = &item["metadata"];
            let name = metadata["name"].str();
            let age = Time::parse_rfc3339(metadata["creationTimestamp"].str())
                .map_or("<unknown>".to_owned(), |created| drydock_schema::duration::human(now.since(created)));
            value!({"cells": [name, age], "object": item.clone()})
        })
        .collect();
    value!({
        "kind": "Table",
        "columnDefinitions": [
            {"name": "Name", "type": "string", "format": "name"},
            {"name": "Age", "type": "string"}
        ],
        "rows": rows
    })
}
