//! Small texts: YAML by the project's own crate, durations.

use std::time::Duration;

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

/// A duration as ages are printed: `5s`, `3m20s`, `2d5h` (apimachinery's `HumanDuration`).
pub fn human_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let pair = |big: u64, unit: &str, small: u64, small_unit: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{small_unit}") }
    };
    match (seconds, minutes, hours) {
        (0..120, ..) => format!("{seconds}s"),
        (_, 0..10, _) => pair(minutes, "m", seconds % 60, "s"),
        (_, 10..180, _) => format!("{minutes}m"),
        (_, _, 0..8) => pair(hours, "h", minutes % 60, "m"),
        (_, _, 8..48) => format!("{hours}h"),
        (_, _, 48..192) => pair(hours / 24, "d", hours % 24, "h"),
        (_, _, 192..17_520) => format!("{}d", hours / 24),
        (_, _, 17_520..70_080) => pair(hours / 8760, "y", hours / 24 % 365, "d"),
        _ => format!("{}y", hours / 8760),
    }
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
