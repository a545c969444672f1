//! `-o custom-columns`.

use drydock_value::Value;

use super::go;
use super::jsonpath::{JsonPath, relaxed};
use super::tabs::Tabs;

/// Columns by header and expression.
#[derive(Debug, Clone)]
pub struct Columns {
    columns: Vec<(String, String)>,
    no_headers: bool,
    printed_headers: bool,
}

impl Columns {
    /// From `HEADER:.path,HEADER:.path`.
    ///
    /// # Errors
    /// kubectl's words.
    pub fn from_spec(spec: &str, no_headers: bool) -> Result<Columns, String> {
        let mut columns = Vec::new();
        for part in spec.split(',') {
            let Some((header, path)) = part.split_once(':') else {
                return Err(format!("unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>"));
            };
            columns.push((header.to_owned(), relaxed(path)?));
        }
        Ok(Columns { columns, no_headers, printed_headers: false })
    }

    /// From a file of two lines: headers and expressions.
    ///
    /// # Errors
    /// kubectl's words.
    pub fn from_file(text: &str) -> Result<Columns, String> {
        let format =
            "Expected format is one line of space separated headers, one line of space separated column specs.";
        let mut lines = text.lines();
        let Some(headers) = lines.next() else {
            return Err(format!("invalid template, missing header line. {format}"));
        };
        let Some(specs) = lines.next() else { return Err(format!("invalid template, missing spec line. {format}")) };
        let headers: Vec<&str> = headers.split_whitespace().collect();
        let specs: Vec<&str> = specs.split_whitespace().collect();
        if headers.len() != specs.len() {
            return Err(format!(
                "number of headers ({}) and field specifications ({}) don't match",
                headers.len(),
                specs.len()
            ));
        }
        let columns: Result<Vec<(String, String)>, String> =
            headers.iter().zip(specs).map(|(header, spec)| Ok(((*header).to_owned(), relaxed(spec)?))).collect();
        Ok(Columns { columns: columns?, no_headers: false, printed_headers: false })
    }

    /// Prints an object or the items of a list. What was printed before an error stays printed.
    pub fn print(&mut self, object: &Value) -> (String, Result<(), String>) {
        let mut tabs = Tabs::table();
        if !self.no_headers && !self.printed_headers {
            let headers: Vec<&str> = self.columns.iter().map(|(header, _)| header.as_str()).collect();
            tabs.row(&headers);
            self.printed_headers = true;
        }
        let result = self.rows(object, &mut tabs);
        (tabs.flush(), result)
    }

    fn rows(&self, object: &Value, tabs: &mut Tabs) -> Result<(), String> {
        let paths: Result<Vec<JsonPath>, String> = self.columns.iter().map(|(_, path)| JsonPath::parse(path)).collect();
        let paths = paths?;
        let items = if super::is_list(object) { object["items"].items() } else { std::slice::from_ref(object) };
        for item in items {
            let mut cells = Vec::new();
            for path in &paths {
                let found = path.find(item)?;
                let mut texts: Vec<String> = Vec::new();
                if found.first().is_none_or(Vec::is_empty) {
                    texts.push("<none>".into());
                }
                texts.extend(found.iter().flatten().map(|value| go::print(value).replace('\u{1b}', "^[")));
                cells.push(texts.join(","));
            }
            tabs.row(&cells);
        }
        Ok(())
    }
}
