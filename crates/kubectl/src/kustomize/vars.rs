//! `vars`: values of one object's fields, written as `$(NAME)` into others'.

use drydock_value::Value;

use super::fields::{self, Row};
use super::resource::Items;

/// Fields of pods' specs in which variables are written out.
const POD: [&str; 3] = ["containers", "initContainers", "volumes/nfs/server"];
const CONTAINER: [&str; 4] = ["args", "command", "env/value", "volumeMounts/mountPath"];

/// Other fields.
const ROWS: &[Row] = &[
    ("", "metadata/labels", false),
    ("", "metadata/annotations", false),
    ("Deployment", "spec/template/metadata/annotations", false),
    ("Ingress", "spec/rules/host", false),
    ("Ingress", "spec/tls/hosts", false),
    ("Ingress", "spec/tls/secretName", false),
    ("Service", "spec/ports/port", false),
    ("Service", "spec/ports/targetPort", false),
    ("StatefulSet", "spec/volumeClaimTemplates/spec/nfs/server", false),
    ("PersistentVolume", "spec/nfs/server", false),
];

/// Adds a layer's variables to those of the layers below it.
///
/// # Errors
/// When a name comes twice.
pub(super) fn merge(all: &mut Vec<Value>, own: &Value) -> Result<(), String> {
    let words: Vec<String> = own.items().iter().map(|var| shown(var, false)).collect();
    for var in own.items() {
        let name = var["name"].str();
        if all.iter().any(|other| other["name"].str() == name) {
            return Err(format!("merging vars [{}]: var '{name}' already encountered", words.join(" ")));
        }
        all.push(var.clone());
    }
    Ok(())
}

/// A variable as Go prints it; its defaults are filled in once it is looked at.
fn shown(var: &Value, read: bool) -> String {
    let object = &var["objref"];
    let (group, version) = if read { gvk(object) } else { (object["group"].str(), object["version"].str()) };
    let or = |text: &str, absent: &str| if text.is_empty() { absent.to_owned() } else { text.to_owned() };
    let path = if read { path_of(var) } else { var["fieldref"]["fieldPath"].str() };
    format!(
        "{{{} {}.{}.{} {{{path}}}}}",
        var["name"].str(),
        or(object["kind"].str(), "[noKind]"),
        or(version, "[noVer]"),
        or(group, "[noGrp]")
    )
}

/// The group and version that a variable's object has: `apiVersion` goes before fields of their own.
fn gvk(object: &Value) -> (&str, &str) {
    match object["apiVersion"].str() {
        "" => (object["group"].str(), object["version"].str()),
        version => version.split_once('/').unwrap_or((object["group"].str(), version)),
    }
}

fn path_of(var: &Value) -> &str {
    Some(var["fieldref"]["fieldPath"].str()).filter(|path| !path.is_empty()).unwrap_or("metadata.name")
}

/// What lies at a path such as `spec.ports[0].port`.
fn at<'a>(object: &'a Value, path: &str) -> &'a Value {
    let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty());
    steps.fold(object, |value, step| match step.parse::<usize>() {
        Ok(place) if value.as_array().is_some() => value.items().get(place).unwrap_or(&Value::Null),
        _ => &value[step],
    })
}

/// Writes all variables out. Answers those that were never used, and what else is to be noted.
///
/// # Errors
/// When an object or a field is not there.
pub(super) fn resolve(vars: &[Value], specs: &[Value], items: &mut Items) -> Result<Vec<String>, String> {
    if vars.is_empty() {
        return Ok(Vec::new());
    }
    let mut known: Vec<(String, Value, bool)> = Vec::new();
    for var in vars {
        let object = &var["objref"];
        let (group, version) = gvk(object);
        let fits = |id: &super::resource::Id| {
            (id.gvk.group.as_str(), id.gvk.version.as_str()) == (group, version)
                && id.gvk.kind == object["kind"].str()
                && id.name == object["name"].str()
                && (object["namespace"].is_empty() || id.namespace == object["namespace"].str())
        };
        let found: Vec<_> = items.iter().filter(|item| item.ids().iter().any(fits)).collect();
        let Some(item) = found.first() else {
            let var = shown(var, true);
            return Err(format!("var '{var}' cannot be mapped to a field in the set of known resources"));
        };
        if found.len() > 1 {
            let (count, var) = (found.len(), shown(var, true));
            return Err(format!("found {count} resId matches for var {var} (unable to disambiguate)"));
        }
        let value = at(&item.object, path_of(var));
        if value.is_null() {
            let var = shown(var, true);
            return Err(format!("field specified in var '{var}' not found in corresponding resource"));
        }
        known.push((var["name"].str().to_owned(), value.clone(), false));
    }
    let mut write = |value: &mut Value| match value {
        Value::Object(map) => map.iter_mut().for_each(|(_, inner)| expand(inner, &mut known)),
        other => expand(other, &mut known),
    };
    for item in items {
        let object = &mut item.object;
        if let Some(pod) = fields::pod_spec(object["kind"].str()).filter(|pod| *pod != "template/spec") {
            for field in POD {
                let inner: &[&str] = if field.ends_with("ontainers") { &CONTAINER } else { &[""] };
                for rest in inner {
                    let path = format!("{pod}/{field}/{rest}");
                    fields::visit(object, path.trim_end_matches('/'), false, &mut write);
                }
            }
        }
        fields::visit_rows(object, ROWS, &mut write);
        for spec in specs {
            fields::visit_specs(object, &Value::array([spec.clone()]), &mut write);
        }
    }
    let idle: Vec<&str> = known.iter().filter(|(_, _, used)| !used).map(|(name, ..)| name.as_str()).collect();
    if idle.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![format!("well-defined vars that were never replaced: {}", idle.join(","))])
}

/// Writes the variables in a text out: `$(NAME)`. `$$` is a dollar, and unknown names stay. A text that is one variable
/// becomes its value, whatever type that has.
fn expand(value: &mut Value, known: &mut [(String, Value, bool)]) {
    let Some(text) = value.as_str() else { return };
    let mut out = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let name = rest.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        let Some((name, after)) = name else {
            out.push('$');
            continue;
        };
        let simple = |value: &Value| value.as_object().is_none() && value.as_array().is_none();
        match known.iter_mut().find(|(known, found, _)| known == name && simple(found)) {
            Some((_, found, used)) => {
                *used = true;
                if text.len() == name.len() + 3 {
                    *value = found.clone();
                    return;
                }
                out.push_str(&found.as_str().map_or_else(|| drydock_value::to_json(found), str::to_owned));
            }
            None => out.push_str(&format!("$({name})")),
        }
        rest = after;
    }
    out.push_str(rest);
    *value = out.into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_expanded() {
        let mut known = [("A".to_owned(), Value::from("x"), false), ("N".to_owned(), Value::from(80), false)];
        for (text, want) in [
            ("$(A)", Value::from("x")),
            ("$(N)", Value::from(80)),
            ("--p=$(N)/$(A)$", Value::from("--p=80/x$")),
            ("$$(A) $(B) $A", Value::from("$(A) $(B) $A")),
        ] {
            let mut value = Value::from(text);
            expand(&mut value, &mut known);
            assert_eq!(value, want, "{text}");
        }
    }
}
