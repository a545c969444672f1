//! Every kind that has no describer of its own: its fields as a tree.

use drydock_value::Value;

use super::context::Context;
use super::events::events;
use super::format::{heading, strings};
use super::{Described, writer::Writer};
use crate::printers::go;

const SKIPPED: [&str; 5] =
    [".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations"];

/// Describes whatever has no describer.
pub fn anything(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    heading(w, object, true);
    tree(w, 0, object, "");
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

fn tree(w: &mut Writer, level: usize, object: &Value, path: &str) {
    for (key, value) in object.entries() {
        let path = format!("{path}.{key}");
        if SKIPPED.contains(&path.as_str()) {
            continue;
        }
        match value {
            Value::Object(_) => {
                w.line(level, &format!("{}:", label(key)));
                tree(w, level + 1, value, &path);
            }
            Value::Array(items) => {
                w.line(level, &format!("{}:", label(key)));
                for item in items.iter() {
                    match item {
                        Value::Object(_) => tree(w, level + 1, item, &path),
                        other => w.line(level + 1, &go::print(other)),
                    }
                }
            }
            scalar => w.field(level, &label(key), &go::print(scalar)),
        }
    }
}

/// A field's name in words: `creationTimestamp` is `Creation Timestamp`, `apiVersion` is `API Version`.
pub fn label(field: &str) -> String {
    if field.chars().any(|c| !c.is_alphabetic() && c != '-') {
        return field.to_owned();
    }
    let mut merged: Vec<String> = Vec::new();
    let mut parts = words(field).into_iter().peekable();
    while let Some(part) = parts.next() {
        // A plural such as `CIDRs` falls into `CID` and `Rs`.
        let acronym = part.len() >= 2 && part.chars().all(|c| !c.is_alphabetic() || c.is_uppercase());
        match parts.next_if(|next| acronym && next.starts_with(char::is_uppercase)) {
            Some(next) => merged.push(part + &next),
            None => merged.push(part),
        }
    }
    let titled: Vec<String> = merged
        .into_iter()
        .map(|part| {
            let upper = part.to_uppercase();
            if ["API", "URL", "UID", "GUID"].contains(&upper.as_str()) {
                upper
            } else if part == part.to_lowercase() {
                let mut chars = part.chars();
                chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
            } else {
                part
            }
        })
        .collect();
    titled.join(" ")
}

/// Splits camel case: runs of capitals, of small letters, of anything else; the last capital goes with the small ones.
fn words(text: &str) -> Vec<String> {
    let class = |c: char| match c {
        c if c.is_lowercase() => 1,
        c if c.is_uppercase() => 2,
        c if c.is_numeric() => 3,
        _ => 4,
    };
    let mut runs: Vec<(i32, String)> = Vec::new();
    for c in text.chars() {
        match runs.last_mut() {
            Some((kind, run)) if *kind == class(c) => run.push(c),
            _ => runs.push((class(c), c.to_string())),
        }
    }
    for at in 1..runs.len() {
        if let [(2, capitals), (1, small)] = &mut runs[at - 1..=at]
            && let Some(last) = capitals.pop()
        {
            small.insert(0, last);
        }
    }
    runs.into_iter().map(|(_, run)| run).filter(|run| !run.is_empty()).collect()
}

/// Describes a range of service addresses.
pub fn service_cidr(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    heading(w, object, false);
    w.field(0, "CIDRs", &strings(&object["spec"]["cidrs"]).join(", "));
    if !object["status"]["conditions"].is_empty() {
        w.line(0, "Status:");
        super::namespace::long_conditions(w, &object["status"]["conditions"]);
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// Describes an address that a service holds.
pub fn ip_address(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    heading(w, object, false);
    let parent = &object["spec"]["parentRef"];
    if !parent.is_null() {
        w.line(0, "Parent Reference:");
        for (title, field) in
            [("Group", "group"), ("Resource", "resource"), ("Namespace", "namespace"), ("Name", "name")]
        {
            w.field(1, title, parent[field].str());
        }
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_read_as_words() {
        let cases = [
            ("creationTimestamp", "Creation Timestamp"),
            ("apiVersion", "API Version"),
            ("uid", "UID"),
            ("dnsPolicy", "Dns Policy"),
            ("hostPID", "Host PID"),
            ("podCIDRs", "Pod CIDRs"),
            ("$patch", "$patch"),
            ("kubernetes.io/os", "kubernetes.io/os"),
            ("leaseDurationSeconds", "Lease Duration Seconds"),
            ("app", "App"),
        ];
        for (field, words) in cases {
            assert_eq!(label(field), words);
        }
    }
}
