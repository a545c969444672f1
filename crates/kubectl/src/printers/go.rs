//! Values as Go prints them: `%v`, `%#v`, and JSON with HTML characters escaped.

use drydock_sorted::Sort;
use drydock_value::Value;

use crate::failure::quote;

/// `fmt.Sprint` (`%v`): maps as `map[a:1 b:2]`, lists as `[a b]`, null as `<nil>`.
pub fn print(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::Bool(b) => b.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => float(*number),
        Value::String(text) => text.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(print).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(map) => {
            let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{}", print(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
    }
}

/// A float as `%v`: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
pub fn float(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(("+", exponent), |e| ("-", e));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{number}")
}

/// `%#v`, as Go would write the value down.
pub fn syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".into(),
        Value::String(text) => quote(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let pairs: Vec<String> =
                map.iter().map(|(key, value)| format!("{}:{}", quote(key), syntax(value))).collect();
            format!("map[string]interface {{}}{{{}}}", pairs.join(", "))
        }
        scalar => print(scalar),
    }
}

/// JSON text as Go's `json.Marshal` writes it: `<`, `>` and `&` escaped.
pub fn escape_html(json: &str) -> String {
    json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

/// JSON whose keys stand in this order; keys that are not in it follow by name. Indented by so many spaces a level, or
/// on one line.
pub fn ordered_json(value: &Value, order: &[&str], indent: Option<usize>) -> String {
    let mut out = String::new();
    write_ordered(value, order, indent, 0, &mut out);
    out
}

fn write_ordered(value: &Value, order: &[&str], indent: Option<usize>, depth: usize, out: &mut String) {
    let newline = |depth: usize, out: &mut String| {
        if let Some(width) = indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', width * depth));
        }
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                newline(depth + 1, out);
                write_ordered(item, order, indent, depth + 1, out);
            }
            newline(depth, out);
            out.push(']');
        }
        Value::Object(map) if !map.is_empty() => {
            let mut pairs: Vec<(&str, &Value)> = map.iter().collect();
            pairs.sort_compact_by_key(|(key, _)| order.iter().position(|known| known == key).unwrap_or(order.len()));
            out.push('{');
            for (i, (key, item)) in pairs.into_iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                newline(depth + 1, out);
                out.push_str(&drydock_value::to_json(&Value::from(key)));
                out.push_str(if indent.is_some() { ": " } else { ":" });
                write_ordered(item, order, indent, depth + 1, out);
            }
            newline(depth, out);
            out.push('}');
        }
        other => out.push_str(&drydock_value::to_json(other)),
    }
}
