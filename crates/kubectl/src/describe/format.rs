//! How descriptions show labels, selectors, times, and other small things.

use drydock_sorted::Sort;
use std::time::Duration;

use drydock_schema::labels::Selector;
use drydock_value::{Time, Value};

use super::writer::Writer;
use crate::failure::Failure;

/// Annotations beyond this many bytes are cut.
pub const MAX_ANNOTATION: usize = 140;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A scalar as Go's `%v` shows it; nothing for what is not there.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.to_string(),
        other => other.to_string(),
    }
}

/// A scalar, or `default` where there is none.
pub fn text_or(value: &Value, default: &str) -> String {
    if value.is_null() { default.to_owned() } else { text(value) }
}

/// A number, 0 where there is none.
pub fn number(value: &Value) -> String {
    value.int().to_string()
}

/// `true` or `false`; false where there is none.
pub fn boolean(value: &Value) -> &'static str {
    if value.is_true() { "true" } else { "false" }
}

/// `True` or `False`.
pub fn title_bool(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// The items of an array of scalars.
pub fn strings(value: &Value) -> Vec<String> {
    value.items().iter().map(text).collect()
}

/// An array of scalars as Go's `%v` shows it: `[a b]`.
pub fn go_list(value: &Value) -> String {
    format!("[{}]", strings(value).join(" "))
}

/// `text`, or `<none>` when it is empty.
pub fn or_none(text: String) -> String {
    if text.is_empty() { "<none>".into() } else { text }
}

/// At most `length` bytes of `text` (not within a character), with `...` when something was cut.
pub fn shorten(text: &str, length: usize) -> String {
    if text.len() <= length {
        return text.to_owned();
    }
    let cut = (0..=length).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}...", text.get(..cut).unwrap_or(""))
}

/// A timestamp as `Sun, 22 Nov 2026 13:53:36 +0000`; Go's zero time where there is none.
pub fn rfc1123(timestamp: &Value) -> String {
    let Some(time) = Time::parse_rfc3339(timestamp.str()) else { return "Mon, 01 Jan 0001 00:00:00 +0000".into() };
    time.rfc1123()
}

/// A timestamp as Go prints a time: `2026-11-22 14:02:16 +0000 UTC`.
pub fn go_time(timestamp: &Value) -> String {
    let Some(time) = Time::parse_rfc3339(timestamp.str()) else { return "0001-01-01 00:00:00 +0000 UTC".into() };
    let (year, month, day, hour, minute, second) = time.civil();
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} +0000 UTC")
}

/// How long before `now` a moment was, in kubectl's short form; `<invalid>` when it lies in the future.
pub fn human(now: Time, then: Time) -> String {
    if now >= then {
        return drydock_schema::duration::human(now.since(then));
    }
    // Clocks may differ by less than two seconds.
    if then.since(now) < Duration::from_secs(2) { "0s".into() } else { "<invalid>".into() }
}

/// A label selector in the words that `-l` understands; empty when it selects everything.
///
/// # Errors
/// What is wrong with the selector.
pub fn selector_text(selector: &Value) -> Result<String, Failure> {
    Selector::from_label_selector(selector).map(|selector| selector.to_string()).map_err(Failure::from)
}

/// A port by number or name, as Go's `IntOrString` prints it: 0 where there is none.
pub fn port(value: &Value) -> String {
    text_or(value, "0")
}

pub use crate::printers::table::format_labels;
pub use drydock_schema::labels::format_label_selector as format_selector;

/// A titled list, one item a line below each other.
pub fn multiline(w: &mut Writer, indent: &str, title: &str, items: &[String]) {
    w.put(0, &format!("{indent}{title}:\t"));
    if items.is_empty() {
        w.line(0, "<none>");
        return;
    }
    for (i, item) in items.iter().enumerate() {
        if i != 0 {
            w.put(0, indent);
            w.put(0, "\t");
        }
        w.line(0, item);
    }
}

/// Labels, one a line.
pub fn labels(w: &mut Writer, title: &str, labels: &Value) {
    labels_indented(w, "", title, labels);
}

/// Labels, one a line, with text before the title and the lines.
pub fn labels_indented(w: &mut Writer, indent: &str, title: &str, labels: &Value) {
    let items: Vec<String> = labels.entries().map(|(key, value)| format!("{key}={}", text(value))).collect();
    multiline(w, indent, title, &items);
}

/// Annotations, one a line, without the one that `kubectl apply` keeps; long ones below their key, cut.
pub fn annotations(w: &mut Writer, title: &str, annotations: &Value) {
    w.put(0, &format!("{title}:\t"));
    let shown: Vec<(&str, &Value)> = annotations.entries().filter(|(key, _)| *key != LAST_APPLIED).collect();
    if shown.is_empty() {
        w.line(0, "<none>");
        return;
    }
    for (i, (key, value)) in shown.into_iter().enumerate() {
        if i != 0 {
            w.put(0, "\t");
        }
        let whole = text(value);
        let value = whole.strip_suffix('\n').unwrap_or(&whole);
        if value.len() + key.len() + 2 > MAX_ANNOTATION || value.contains('\n') {
            w.line(0, &format!("{key}:"));
            for line in value.split('\n') {
                w.line(0, &format!("\t  {}", shorten(line, MAX_ANNOTATION - 2)));
            }
        } else {
            w.line(0, &format!("{key}: {value}"));
        }
    }
}

/// Tolerations by key, one a line.
pub fn tolerations(w: &mut Writer, title: &str, tolerations: &Value) {
    let mut sorted: Vec<&Value> = tolerations.items().iter().collect();
    sorted.sort_compact_by(|a, b| a["key"].str().cmp(b["key"].str()));
    let items: Vec<String> = sorted.into_iter().map(toleration).collect();
    multiline(w, "", title, &items);
}

fn toleration(toleration: &Value) -> String {
    let (key, value, effect) = (toleration["key"].str(), toleration["value"].str(), toleration["effect"].str());
    let mut shown = key.to_owned();
    if !value.is_empty() {
        shown.push_str(&format!("={value}"));
    }
    if !effect.is_empty() {
        shown.push_str(&format!(":{effect}"));
    }
    if toleration["operator"] == "Exists" && value.is_empty() {
        shown.push_str(if shown.is_empty() { "op=Exists" } else { " op=Exists" });
    }
    if let Some(seconds) = toleration["tolerationSeconds"].as_i64() {
        shown.push_str(&format!(" for {seconds}s"));
    }
    shown
}

/// A taint: `key=value:effect`.
pub fn taint(taint: &Value) -> String {
    let (key, value, effect) = (taint["key"].str(), taint["value"].str(), taint["effect"].str());
    match (value.is_empty(), effect.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{key}:{effect}"),
        (false, true) => format!("{key}={value}:"),
        (false, false) => format!("{key}={value}:{effect}"),
    }
}

/// Name, namespace (when `namespaced`), labels and annotations: how most descriptions begin.
pub fn heading(w: &mut Writer, object: &Value, namespaced: bool) {
    let metadata = &object["metadata"];
    w.field(0, "Name", metadata["name"].str());
    if namespaced {
        w.field(0, "Namespace", metadata["namespace"].str());
    }
    labels(w, "Labels", &metadata["labels"]);
    annotations(w, "Annotations", &metadata["annotations"]);
}

/// `Kind/name` of the controlling owner, if there is one.
pub fn controller(object: &Value) -> Option<String> {
    let owner = controller_of(object)?;
    Some(format!("{}/{}", owner["kind"].str(), owner["name"].str()))
}

/// The owner reference that controls an object.
pub fn controller_of(object: &Value) -> Option<&Value> {
    object["metadata"]["ownerReferences"].items().iter().find(|owner| owner["controller"].is_true())
}

/// Conditions in three columns: type, status, reason.
pub fn short_conditions(w: &mut Writer, conditions: &Value) {
    if conditions.items().is_empty() {
        return;
    }
    w.line(0, "Conditions:\n  Type\tStatus\tReason");
    w.line(1, "----\t------\t------");
    for condition in conditions.items() {
        let (kind, status, reason) = (condition["type"].str(), condition["status"].str(), condition["reason"].str());
        w.line(1, &format!("{kind} \t{status}\t{reason}"));
    }
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    use super::*;

    #[test]
    fn selectors_read_as_after_dash_l() {
        let cases = [
            (value!({"matchLabels": {"b": "2", "a": "1"}}), "a=1,b=2"),
            (value!({}), "<none>"),
            (value!(null), "<none>"),
            (
                value!({"matchLabels": {"z": "1"}, "matchExpressions": [
                    {"key": "a", "operator": "In", "values": ["y", "x"]}, {"key": "b", "operator": "Exists"},
                    {"key": "c", "operator": "DoesNotExist"}, {"key": "d", "operator": "NotIn", "values": ["q"]}]}),
                "a in (x,y),b,!c,d notin (q),z=1",
            ),
        ];
        for (selector, expected) in cases {
            assert_eq!(format_selector(&selector), expected);
        }
    }

    #[test]
    fn times_and_taints() {
        assert_eq!(rfc1123(&value!("2026-11-22T13:53:36Z")), "Sun, 22 Nov 2026 13:53:36 +0000");
        assert_eq!(rfc1123(&value!(null)), "Mon, 01 Jan 0001 00:00:00 +0000");
        assert_eq!(go_time(&value!("2026-11-22T14:02:16Z")), "2026-11-22 14:02:16 +0000 UTC");
        assert_eq!(taint(&value!({"key": "a", "effect": "NoSchedule"})), "a:NoSchedule");
        assert_eq!(taint(&value!({"key": "a", "value": "b", "effect": "NoSchedule"})), "a=b:NoSchedule");
        let now = Time::from_seconds(100);
        assert_eq!(human(now, Time::from_seconds(101)), "0s");
        assert_eq!(human(now, Time::from_seconds(130)), "<invalid>");
    }

    #[test]
    fn long_annotations_stand_below_their_key() {
        let mut w = Writer::new();
        annotations(&mut w, "Annotations", &value!({"a": "1", "kubernetes.io/description": "x".repeat(150)}));
        let long = "x".repeat(138);
        assert_eq!(
            w.aligned(),
            format!("Annotations:  a: 1\n              kubernetes.io/description:\n                {long}...\n")
        );
    }
}
