//! YAML and JSON text, by the project's own crates.

use drydock_value::{Value, to_json_pretty};

/// The documents of a YAML (or JSON) text; empty ones are left out.
///
/// # Errors
/// kubectl's words.
pub fn parse_yaml(text: &str) -> Result<Vec<Value>, String> {
    drydock_value::parse_json(text).map(|value| vec![value]).map_err(|error| error.to_string())
}

/// As `kubectl -o yaml` prints.
pub fn to_yaml(value: &Value) -> String {
    to_json_pretty(value, 2) + "\n"
}
