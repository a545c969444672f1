//! `-o kyaml`: YAML with braces, quotes and commas, as Kubernetes' KYAML has it.

use drydock_value::{Value, to_json};

use crate::change::order::Place;

/// A document, with `---` before it.
pub fn print(object: &Value) -> String {
    let mut out = "---\n".to_owned();
    write(object, None, 0, &mut out);
    out.push('\n');
    out
}

/// The same for what kubectl knows as a Go type: fields stand in its order.
pub fn print_typed(object: &Value) -> String {
    let mut out = "---\n".to_owned();
    write(object, Some(Place::top(object)), 0, &mut out);
    out.push('\n');
    out
}

fn write(value: &Value, place: Option<Place<'_>>, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push_str("{\n");
            let fields = match place {
                Some(place) => {
                    place.fields(map).into_iter().map(|(name, item, place)| (name, item, Some(place))).collect()
                }
                None => map.iter().map(|(name, item)| (name, item, None)).collect::<Vec<_>>(),
            };
            for (name, item, place) in fields {
                indent(depth + 1, out);
                out.push_str(&key(name));
                out.push_str(": ");
                write(item, place, depth + 1, out);
                out.push_str(",\n");
            }
            indent(depth, out);
            out.push('}');
        }
        Value::Array(items) if !items.is_empty() => list(items, place, depth, out),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
        Value::String(text) if text.contains('\n') => lines(text, depth, out),
        scalar => out.push_str(&to_json(scalar)),
    }
}

/// A text of several lines: each on its own, with a backslash where the line goes on.
fn lines(text: &str, depth: usize, out: &mut String) {
    out.push_str("\"\\\n");
    let mut rest = text;
    while !rest.is_empty() {
        let (line, more) = rest.split_once('\n').map_or((rest, None), |(line, more)| (line, Some(more)));
        indent(depth + 1, out);
        // Space at the beginning would be lost.
        out.push(if line.starts_with([' ', '\t']) { '\\' } else { ' ' });
        out.push_str(&line.replace('\\', "\\\\").replace('"', "\\\""));
        out.push_str(if more.is_some() { "\\n\\\n" } else { "\\\n" });
        rest = more.unwrap_or_default();
    }
    indent(depth + 1, out);
    out.push('"');
}

/// Lists of objects are cuddled: `[{ … }, { … }]`; others stand one item a line.
fn list(items: &[Value], place: Option<Place<'_>>, depth: usize, out: &mut String) {
    if items.iter().all(|item| matches!(item, Value::Object(map) if !map.is_empty())) {
        out.push('[');
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            write(item, place, depth, out);
        }
        out.push(']');
        return;
    }
    out.push_str("[\n");
    for item in items {
        indent(depth + 1, out);
        write(item, place, depth + 1, out);
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
            "y" | "n" | "t" | "f" | "yes" | "no" | "on" | "off" | "true" | "false" | "null" | "nan" | "inf"
        );
    if plain { name.to_owned() } else { to_json(&Value::from(name)) }
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    #[test]
    fn texts_of_several_lines_stand_on_lines() {
        let object = value!({"kind": "ConfigMap", "data": {"f": "  x\n\n\"y\"", "g": "a\\\n"}});
        let wanted = "---\n{\n  data: {\n    \"f\": \"\\\n      \\  x\\n\\\n       \\n\\\n       \\\"y\\\"\\\n      \",\n    \
                      g: \"\\\n       a\\\\\\n\\\n      \",\n  },\n  kind: \"ConfigMap\",\n}\n";
        assert_eq!(super::print(&object), wanted);
        assert!(super::print_typed(&object).starts_with("---\n{\n  kind: "));
    }
}
