//! `-o kyaml`: YAML with braces, quotes and commas, as Kubernetes' KYAML has it.

use drydock_value::{Value, to_json};

/// A document, with `---` before it.
pub fn print(object: &Value) -> String {
    let mut out = "---\n".to_owned();
    write(object, 0, &mut out);
    out.push('\n');
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push_str("{\n");
            for (name, item) in map {
                indent(depth + 1, out);
                out.push_str(&key(name));
                out.push_str(": ");
                write(item, depth + 1, out);
                out.push_str(",\n");
            }
            indent(depth, out);
            out.push('}');
        }
        Value::Array(items) if !items.is_empty() => list(items, depth, out),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
        scalar => out.push_str(&to_json(scalar)),
    }
}

/// Lists of objects are cuddled: `[{ … }, { … }]`; others stand one item a line.
fn list(items: &[Value], depth: usize, out: &mut String) {
    if items.iter().all(|item| matches!(item, Value::Object(map) if !map.is_empty())) {
        out.push('[');
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            write(item, depth, out);
        }
        out.push(']');
        return;
    }
    out.push_str("[\n");
    for item in items {
        indent(depth + 1, out);
        write(item, depth + 1, out);
        out.push_str(",\n");
    }
    indent(depth, out);
    out.push(']');
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// A key, quoted where a reader could take it for something else.
fn key(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        && !matches!(
            name.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null" | "nan" | "inf"
        );
    if plain { name.to_owned() } else { to_json(&Value::from(name)) }
}
