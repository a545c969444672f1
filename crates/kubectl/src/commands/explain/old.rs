//! `-o plaintext-openapiv2`: the older form, in which every object is called `Object`.

use drydock_value::Value;

use super::{Explainer, MAX_DEPTH, indent, wrap};

/// How wide lines are, the indentation included.
const WIDTH: usize = 80;

impl Explainer<'_> {
    /// What lies at the end of a path of fields; None when it leads nowhere.
    pub(super) fn old(&self, path: &[&str]) -> Option<String> {
        let (mut schema, mut descriptions) = (self.source.root.clone(), Vec::new());
        for (at, name) in path.iter().enumerate() {
            let holder = self.holder(&schema, &mut Vec::new(), 0)?;
            schema = holder["properties"].get(name)?.clone();
            if at + 1 == path.len() {
                descriptions.push(schema["description"].str().to_owned());
            }
        }
        let holder = self.holder(&schema, &mut descriptions, 0);
        let mut out = String::new();
        if let Some(name) = path.last() {
            let word = if holder.is_some() { "RESOURCE:" } else { "FIELD:   " };
            out += &format!("{word} {name} <{}>\n\n", self.old_type(&schema, 0));
        }
        out += "DESCRIPTION:\n";
        descriptions.retain(|words| !words.is_empty());
        if descriptions.is_empty() {
            descriptions.push("<empty>".into());
        }
        let texts: Vec<String> =
            descriptions.iter().map(|words| indent(5, wrap(WIDTH - 5, words).trim_end()) + "\n").collect();
        out += &texts.join("\n");
        out.push('\n');
        if let Some(holder) = holder {
            out += "FIELDS:\n";
            self.old_fields(&holder, 3, &mut out);
        }
        Some(out)
    }

    /// The object that a schema leads to through references, lists and maps, with the descriptions on the way.
    fn holder(&self, schema: &Value, descriptions: &mut Vec<String>, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let resolved = self.source.resolve(schema);
        if depth == 0 && descriptions.is_empty() || !schema["$ref"].is_null() {
            descriptions.push(resolved["description"].str().to_owned());
        }
        if resolved["properties"].as_object().is_some() {
            return Some(resolved);
        }
        let inner = [&resolved["items"], &resolved["additionalProperties"]];
        let inner = inner.into_iter().chain(resolved["allOf"].items()).filter(|part| part.as_object().is_some());
        inner.into_iter().find_map(|part| self.holder(part, descriptions, depth + 1))
    }

    fn old_fields(&self, holder: &Value, level: usize, out: &mut String) {
        if level > 3 * MAX_DEPTH {
            return;
        }
        for (name, field) in holder["properties"].entries() {
            let required = holder["required"].items().iter().any(|required| *required == name);
            let mark = if required { " -required-" } else { "" };
            out.push_str(&format!("{}{name}\t<{}>{mark}\n", " ".repeat(level), self.old_type(field, 0)));
            if !self.recursive {
                let words = field["description"].str();
                if !words.is_empty() {
                    out.push_str(&(indent(level + 2, wrap(WIDTH - level - 2, words).trim_end()) + "\n"));
                }
                out.push('\n');
            } else if let Some(inner) = self.holder(field, &mut Vec::new(), 0)
                && inner != *holder
            {
                self.old_fields(&inner, level + 3, out);
            }
        }
    }

    fn old_type(&self, schema: &Value, depth: usize) -> String {
        if depth > MAX_DEPTH {
            return "Object".into();
        }
        let resolved = self.source.resolve(schema);
        if !resolved["items"].is_null() {
            return format!("[]{}", self.old_type(&resolved["items"], depth + 1));
        }
        if resolved["additionalProperties"].as_object().is_some() {
            return format!("map[string]{}", self.old_type(&resolved["additionalProperties"], depth + 1));
        }
        match (resolved["type"].str(), resolved["allOf"].items()) {
            ("", [only]) => self.old_type(only, depth + 1),
            ("" | "object", _) => "Object".into(),
            (primitive, _) => primitive.to_owned(),
        }
    }
}
