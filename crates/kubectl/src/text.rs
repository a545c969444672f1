//! Small texts: YAML by the project's own crate, URLs.

use drydock_value::Value;

/// The documents of a YAML (or JSON) text; empty ones are left out.
///
/// # Errors
/// kubectl's words.
pub fn parse_yaml(text: &str) -> Result<Vec<Value>, String> {
    drydock_yaml::parse(text).map_err(|error| error.to_string())
}

/// As `kubectl -o yaml` prints.
pub fn to_yaml(value: &Value) -> String {
    drydock_yaml::to_yaml(value)
}

/// Go's `url.QueryEscape`.
pub fn query_escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
