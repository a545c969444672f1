//! Rules for CustomResourceDefinitions.

use drydock_schema::names::is_dns1035_label;
use drydock_schema::structural;
use drydock_value::Value;

use super::rules::{Around, Rules};
use super::{Errors, Path};

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const SIMPLE_PATH: &str = "must be a simple json path starting with .";

/// A new CRD.
pub(crate) fn definition(crd: &Value, errors: &mut Errors) {
    let spec = &crd["spec"];
    let (group, names) = (spec["group"].str(), &spec["names"]);
    let name = crd["metadata"]["name"].str();
    let metadata = Path::new("metadata");
    if name != format!("{}.{group}", names["plural"].str()) {
        errors.invalid(&metadata.field("name"), name, "must be spec.names.plural+\".\"+spec.group");
    }
    let path = Path::new("spec");
    if group.is_empty() {
        errors.required(&path.field("group"), "");
    } else {
        let found = drydock_schema::names::is_dns1123_subdomain(group);
        errors.all_invalid(&path.field("group"), group, found);
        if !group.contains('.') {
            errors.invalid(&path.field("group"), group, "should be a domain with at least one dot");
        }
    }
    match spec["scope"].str() {
        "" => errors.required(&path.field("scope"), ""),
        "Cluster" | "Namespaced" => {}
        other => errors.not_supported(&path.field("scope"), other, &["Cluster", "Namespaced"]),
    }
    versions(spec, &path, errors);
    self::names(names, &path.field("names"), errors);
    if stored(crd).is_empty() {
        let status = Path::new("status");
        errors.invalid(&status.field("storedVersions"), Value::Null, "must have at least one stored version");
    }
}

/// A changed CRD.
pub(crate) fn definition_update(new: &Value, old: &Value, errors: &mut Errors) {
    definition(new, errors);
    let path = Path::new("spec");
    let established = old["status"]["conditions"].find("type", "Established").is_some_and(|c| c["status"] == "True");
    let names = path.field("names");
    let held = [
        (path.field("group"), &new["spec"]["group"], &old["spec"]["group"], true),
        (path.field("scope"), &new["spec"]["scope"], &old["spec"]["scope"], established),
        (names.field("kind"), &new["spec"]["names"]["kind"], &old["spec"]["names"]["kind"], established),
        (names.field("plural"), &new["spec"]["names"]["plural"], &old["spec"]["names"]["plural"], true),
    ];
    for (path, new, old, is_held) in held {
        if is_held && new != old {
            super::common::immutable(new, old, &path, errors);
        }
    }
    let versions = new["spec"]["versions"].items();
    for (at, version) in stored(new).iter().enumerate() {
        if !versions.iter().any(|known| known["name"] == *version) {
            let status = Path::new("status");
            let list = status.field("storedVersions");
            errors.invalid(&list.index(at), version.clone(), "must appear in spec.versions");
        }
    }
}

fn stored(crd: &Value) -> Vec<Value> {
    crd["status"]["storedVersions"].items().to_vec()
}

fn label(path: &Path<'_>, text: &str, errors: &mut Errors) {
    errors.all_invalid(path, text, is_dns1035_label(text));
}

fn names(names: &Value, path: &Path<'_>, errors: &mut Errors) {
    for key in ["plural", "singular", "kind", "listKind"] {
        let (text, path) = (names[key].str(), path.field(key));
        if text.is_empty() {
            errors.required(&path, "");
        } else if key.to_ascii_lowercase().ends_with("kind") {
            let found = is_dns1035_label(&text.to_ascii_lowercase());
            let found = found.into_iter().map(|why| format!("may have mixed case, but should otherwise match: {why}"));
            errors.all_invalid(&path, text, found.collect());
        } else {
            label(&path, text, errors);
        }
    }
    if !names["kind"].str().is_empty() && names["kind"] == names["listKind"] {
        errors.invalid(&path.field("listKind"), names["listKind"].str(), "kind and listKind may not be the same");
    }
    for key in ["shortNames", "categories"] {
        let list = path.field(key);
        for (at, text) in names[key].items().iter().enumerate() {
            label(&list.index(at), text.str(), errors);
        }
    }
}

fn versions(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let list = path.field("versions");
    let versions = spec["versions"].items();
    if versions.is_empty() {
        errors.required(&list, "must specify at least one version");
        return;
    }
    let single = versions.len() == 1;
    for (at, version) in versions.iter().enumerate() {
        let here = list.index(at);
        let schema_path = here.field("schema");
        if version["schema"]["openAPIV3Schema"].is_null() {
            errors.required(&schema_path.field("openAPIV3Schema"), "");
        }
    }
    for (at, version) in versions.iter().enumerate() {
        let here = list.index(at);
        label(&here.field("name"), version["name"].str(), errors);
        if !single {
            content(version, &here, &here.field("schema"), errors);
        }
    }
    if single {
        label(&path.field("version"), versions[0]["name"].str(), errors);
        content(&versions[0], path, &path.field("validation"), errors);
    }
    let mut seen: Vec<&Value> = Vec::new();
    let unique = versions.iter().all(|version| {
        let new = !seen.contains(&&version["name"]);
        seen.push(&version["name"]);
        new
    });
    let stored = versions.iter().filter(|version| version["storage"].as_bool() == Some(true)).count();
    for (wrong, why) in [
        (!unique, "must contain unique version names"),
        (stored != 1, "must have exactly one version marked as storage version"),
    ] {
        if wrong {
            let shown = as_go(versions);
            errors.invalid_text(&list, &shown, why);
        }
    }
}

/// The versions as Go's JSON has them, in the order of its fields.
fn as_go(versions: &[Value]) -> String {
    let shared = versions.windows(2).all(|pair| pair[0]["schema"] == pair[1]["schema"]);
    let versions: Vec<String> = versions
        .iter()
        .map(|version| {
            let field = |key: &str| drydock_value::to_json(&version[key]);
            let flag = |key: &str| version[key].as_bool() == Some(true);
            // A schema that all versions share stands at the top of the internal form.
            let schema = if shared { "null".to_owned() } else { field("schema") };
            format!(
                "{{\"Name\":{},\"Served\":{},\"Storage\":{},\"Deprecated\":{},\"DeprecationWarning\":{},\"Schema\":{schema},\
                 \"Subresources\":{},\"AdditionalPrinterColumns\":{},\"SelectableFields\":{}}}",
                field("name"),
                flag("served"),
                flag("storage"),
                flag("deprecated"),
                field("deprecationWarning"),
                field("subresources"),
                field("additionalPrinterColumns"),
                field("selectableFields"),
            )
        })
        .collect();
    format!("[{}]", versions.join(","))
}

/// Schema, subresources and columns of a version.
fn content(version: &Value, path: &Path<'_>, schema_path: &Path<'_>, errors: &mut Errors) {
    let schema = &version["schema"]["openAPIV3Schema"];
    if !schema.is_null() {
        let path = schema_path.field("openAPIV3Schema");
        let mut rules = Rules::default();
        self::schema(schema, true, &Around::root(), &mut rules, &path, errors);
        rules.finish(&path, errors);
    }
    let scale = &version["subresources"]["scale"];
    if !scale.is_null() {
        let subresources = path.field("subresources");
        let path = subresources.field("scale");
        for (key, root, needed) in [
            ("specReplicasPath", ".spec.", true),
            ("statusReplicasPath", ".status.", true),
            ("labelSelectorPath", "", false),
        ] {
            let (text, path) = (scale[key].str(), path.field(key));
            if text.is_empty() {
                if needed {
                    errors.required(&path, "");
                }
            } else if !text.starts_with('.') || text.contains(['{', '[', '*']) {
                errors.invalid(&path, text, SIMPLE_PATH);
            } else if !text.starts_with(root) {
                errors.invalid(&path, text, format!("should be a json path under {}", root.trim_end_matches('.')));
            }
        }
    }
    let columns = path.field("additionalPrinterColumns");
    for (at, column) in version["additionalPrinterColumns"].items().iter().enumerate() {
        let path = columns.index(at);
        if column["name"].str().is_empty() {
            errors.required(&path.field("name"), "");
        }
        let kind = column["type"].str();
        if kind.is_empty() {
            let why = format!("must be one of {}", COLUMN_TYPES.join(","));
            errors.required(&path.field("type"), &why);
        } else if !COLUMN_TYPES.contains(&kind) {
            errors.invalid(&path.field("type"), kind, format!("must be one of {}", COLUMN_TYPES.join(",")));
        }
        let text = column["jsonPath"].str();
        if text.is_empty() {
            errors.required(&path.field("JSONPath"), "");
        } else if !text.starts_with('.') {
            errors.invalid(&path.field("JSONPath"), text, SIMPLE_PATH);
        }
    }
}

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
}

/// What makes a schema structural.
fn schema(schema: &Value, root: bool, around: &Around, rules: &mut Rules, path: &Path<'_>, errors: &mut Errors) {
    let (before, of_rules) = (errors.len(), rules.errors);
    let kind = schema["type"].str();
    let free = is_true(&schema["x-kubernetes-preserve-unknown-fields"]);
    if kind.is_empty() {
        let either = is_true(&schema["x-kubernetes-int-or-string"]);
        if root {
            errors.required(&path.field("type"), "must not be empty at the root");
        } else if !either && !free {
            errors.required(&path.field("type"), "must not be empty for specified object fields");
        }
    } else if !TYPES.contains(&kind) {
        errors.not_supported(&path.field("type"), kind, &TYPES);
    } else if root && kind != "object" {
        errors.invalid(&path.field("type"), kind, "must be object at the root");
    }
    if kind == "array" && schema["items"].is_null() {
        errors.required(&path.field("items"), "must be specified");
    }
    let others = &schema["additionalProperties"];
    if !schema["properties"].is_empty() && !others.is_null() && others.as_bool() != Some(true) {
        errors
            .forbidden(&path.field("additionalProperties"), "additionalProperties and properties are mutual exclusive");
    }
    let list = schema["x-kubernetes-list-type"].str();
    if !list.is_empty() && !["atomic", "set", "map"].contains(&list) {
        errors.not_supported(&path.field("x-kubernetes-list-type"), list, &["atomic", "map", "set"]);
    }
    if list == "map" && schema["x-kubernetes-list-map-keys"].items().is_empty() {
        errors
            .required(&path.field("x-kubernetes-list-map-keys"), "must not be empty if x-kubernetes-list-type is map");
    }
    let pattern = schema["pattern"].str();
    if !pattern.is_empty() && !structural::is_pattern(pattern) {
        errors.invalid(&path.field("pattern"), pattern, "must be a valid regular expression");
    }
    if let Some(default) = schema.get("default") {
        for fault in structural::validate(schema, default) {
            let message = fault.message.replace(&format!(": {} in body", fault.path), ":  in body");
            let mut at = path.field("default").to_string();
            if !fault.path.is_empty() {
                at = format!("{at}.{}", fault.path);
            }
            errors.0.push(drydock_api::Cause { reason: "FieldValueInvalid".into(), message, field: at });
        }
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        let list = path.field(key);
        for (at, inner) in schema[key].items().iter().enumerate() {
            if !inner["x-kubernetes-validations"].items().is_empty() {
                errors.forbidden(&list.index(at).field("x-kubernetes-validations"), "must be empty to be structural");
            }
        }
    }
    let properties = path.field("properties");
    for (key, inner) in schema["properties"].entries() {
        let nested = root && key == "metadata";
        if nested {
            continue;
        }
        let around = around.inside(schema, "properties", path);
        self::schema(inner, false, &around, rules, &properties.key(key), errors);
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].as_object().is_some() {
            let around = around.inside(schema, key, path);
            self::schema(&schema[key], false, &around, rules, &path.field(key), errors);
        }
    }
    super::rules::form(schema, path, errors);
    // What is wrong with the schema here or below is told first: rules would only say the same in other words.
    if errors.len() - before == rules.errors - of_rules {
        rules.compile(schema, root, around, path, errors);
    }
}
