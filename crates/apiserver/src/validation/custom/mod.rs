//! Rules for CustomResourceDefinitions.
//!
//! - `schema`: what a schema may say. `structural`: how it must be built. `rules`: its expressions.
//! - `conversion`: how versions are converted, and which formats are known.

mod conversion;
mod rules;
mod schema;
mod structural;

use drydock_schema::names::is_dns1035_label;
use drydock_value::Value;

use super::{Errors, Path};
pub(crate) use conversion::warnings;

const COLUMN_FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const SIMPLE_PATH: &str = "must be a simple json path starting with .";

/// A new CRD.
pub(crate) fn definition(crd: &Value, errors: &mut Errors) {
    check(crd, &Value::Null, errors);
}

fn check(crd: &Value, old: &Value, errors: &mut Errors) {
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
        if !found.is_empty() {
            errors.invalid(&path.field("group"), group, found.join(","));
        } else if !group.contains('.') {
            errors.invalid(&path.field("group"), group, "should be a domain with at least one dot");
        }
    }
    match spec["scope"].str() {
        "" => errors.required(&path.field("scope"), ""),
        "Cluster" | "Namespaced" => {}
        other => errors.not_supported(&path.field("scope"), other, &["Cluster", "Namespaced"]),
    }
    versions(spec, &path, errors);
    conversion::check(&spec["conversion"], &path.field("conversion"), errors);
    let (status, kept) = (Path::new("status"), stored(crd));
    if kept.is_empty() {
        errors.invalid(&status.field("storedVersions"), Value::Null, "must have at least one stored version");
    } else {
        for version in spec["versions"].items().iter().filter(|version| version["storage"].is_true()) {
            if !kept.contains(&version["name"]) {
                let why = format!("must have the storage version {}", version["name"].str());
                errors.invalid(&status.field("storedVersions"), kept.clone(), why);
            }
        }
    }
    if old.is_null() || conversion::approval(old) != conversion::approval(crd) {
        conversion::check_approval(crd, errors);
    }
    if spec["preserveUnknownFields"].is_true() && !old["spec"]["preserveUnknownFields"].is_true() {
        let why =
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.invalid(&path.field("preserveUnknownFields"), true, why);
    }
}

/// A changed CRD.
pub(crate) fn definition_update(new: &Value, old: &Value, errors: &mut Errors) {
    check(new, old, errors);
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
            let name = version.str();
            let why = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions \
                 until a storage migration ensures no data remains persisted in {name} and removes {name} from \
                 status.storedVersions"
            );
            errors.invalid(&list.index(at), name, why);
        }
    }
}

fn stored(crd: &Value) -> Vec<Value> {
    crd["status"]["storedVersions"].items().to_vec()
}

fn label(path: &Path<'_>, text: &str, errors: &mut Errors) {
    let found = is_dns1035_label(text);
    if !found.is_empty() {
        errors.invalid(path, text, found.join(","));
    }
}

fn names(names: &Value, path: &Path<'_>, errors: &mut Errors) {
    const NEEDED: [&str; 4] = ["plural", "singular", "kind", "listKind"];
    for key in NEEDED.into_iter().filter(|key| names[*key].str().is_empty()) {
        errors.required(&path.field(key), "");
    }
    for key in NEEDED.into_iter().filter(|key| !names[*key].str().is_empty()) {
        let (text, path) = (names[key].str(), path.field(key));
        if key.to_ascii_lowercase().ends_with("kind") {
            let found = is_dns1035_label(&text.to_ascii_lowercase());
            if !found.is_empty() {
                let why = format!("may have mixed case, but should otherwise match: {}", found.join(","));
                errors.invalid(&path, text, why);
            }
        } else {
            label(&path, text, errors);
        }
    }
    let labels = |key: &str, errors: &mut Errors| {
        let list = path.field(key);
        for (at, text) in names[key].items().iter().enumerate() {
            label(&list.index(at), text.str(), errors);
        }
    };
    labels("shortNames", errors);
    if !names["kind"].str().is_empty() && names["kind"] == names["listKind"] {
        errors.invalid(&path.field("listKind"), names["listKind"].str(), "kind and listKind may not be the same");
    }
    labels("categories", errors);
}

/// What every version says alike stands at the top of the internal form, under these names.
const SHARED: [(&str, &str); 4] = [
    ("schema", "validation"),
    ("subresources", "subresources"),
    ("additionalPrinterColumns", "additionalPrinterColumns"),
    ("selectableFields", "selectableFields"),
];

fn is_shared(versions: &[Value], key: &str) -> bool {
    versions.windows(2).all(|pair| pair[0][key] == pair[1][key])
}

fn versions(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let list = path.field("versions");
    let versions = spec["versions"].items();
    for (at, version) in versions.iter().enumerate() {
        if version["schema"]["openAPIV3Schema"].is_null() {
            errors.required(&list.index(at).field("schema").field("openAPIV3Schema"), "");
        }
    }
    let own = |key: &str| !is_shared(versions, key);
    for (at, version) in versions.iter().enumerate() {
        let here = list.index(at);
        label(&here.field("name"), version["name"].str(), errors);
        deprecation(version, &here.field("deprecationWarning"), errors);
        for (key, _) in SHARED.into_iter().filter(|(key, _)| own(key)) {
            content(key, version, &here.field(key), errors);
        }
    }
    let mut seen: Vec<&Value> = Vec::new();
    let unique = versions.iter().all(|version| {
        let new = !seen.contains(&&version["name"]);
        seen.push(&version["name"]);
        new
    });
    let stored = versions.iter().filter(|version| version["storage"].is_true()).count();
    for (wrong, why) in [
        (!unique, "must contain unique version names"),
        (stored != 1, "must have exactly one version marked as storage version"),
    ] {
        if wrong {
            let shown = if spec["versions"].is_null() { "null".to_owned() } else { as_go(versions) };
            errors.invalid_text(&list, &shown, why);
        }
    }
    if let Some(first) = versions.first() {
        label(&path.field("version"), first["name"].str(), errors);
    }
    names(&spec["names"], &path.field("names"), errors);
    for (key, top) in SHARED.into_iter().filter(|(key, _)| !own(key)) {
        if let Some(first) = versions.first() {
            content(key, first, &path.field(top), errors);
        }
    }
}

fn deprecation(version: &Value, path: &Path<'_>, errors: &mut Errors) {
    let Some(text) = version["deprecationWarning"].as_str() else { return };
    let unprintable = text.char_indices().find(|(_, letter)| letter.is_control()).map(|(at, _)| at);
    let why = if !version["deprecated"].is_true() {
        "can only be set for deprecated versions".into()
    } else if text.len() > 256 {
        "must be <= 256 characters long".into()
    } else if text.is_empty() {
        "must not be an empty string".into()
    } else if let Some(at) = unprintable {
        format!("must only contain printable UTF-8 characters; non-printable character found at index {at}")
    } else {
        return;
    };
    errors.invalid(path, text, why);
}

/// The versions as Go's JSON has them, in the order of its fields.
fn as_go(versions: &[Value]) -> String {
    let versions: Vec<String> = versions
        .iter()
        .map(|version| {
            let text = |key: &str| drydock_value::to_json(&version[key]);
            // What all versions share stands at the top.
            let field = |key: &str| if is_shared(versions, key) { "null".to_owned() } else { text(key) };
            let flag = |key: &str| version[key].as_bool() == Some(true);
            format!(
                "{{\"Name\":{},\"Served\":{},\"Storage\":{},\"Deprecated\":{},\"DeprecationWarning\":{},\"Schema\":{},\
                 \"Subresources\":{},\"AdditionalPrinterColumns\":{},\"SelectableFields\":{}}}",
                text("name"),
                flag("served"),
                flag("storage"),
                flag("deprecated"),
                text("deprecationWarning"),
                field("schema"),
                field("subresources"),
                field("additionalPrinterColumns"),
                field("selectableFields"),
            )
        })
        .collect();
    format!("[{}]", versions.join(","))
}

/// One of [`SHARED`]: schema, subresources, columns or fields to select by, of a version.
fn content(key: &str, version: &Value, path: &Path<'_>, errors: &mut Errors) {
    let given = &version[key];
    let schema = &version["schema"]["openAPIV3Schema"];
    match key {
        "schema" if !schema.is_null() => schema::check(schema, &path.field("openAPIV3Schema"), errors),
        "subresources" if !given["scale"].is_null() => scale(&given["scale"], path, errors),
        "additionalPrinterColumns" => {
            for (at, given) in given.items().iter().enumerate() {
                column(given, &path.index(at), errors);
            }
        }
        "selectableFields" => selectable(given.items(), schema, path, errors),
        _ => {}
    }
}

fn scale(scale: &Value, path: &Path<'_>, errors: &mut Errors) {
    for (key, roots, needed, where_) in [
        ("specReplicasPath", &[".spec."][..], true, ".spec"),
        ("statusReplicasPath", &[".status."], true, ".status"),
        ("labelSelectorPath", &[".spec.", ".status."], false, "either .spec or .status"),
    ] {
        let name = format!("scale.{key}");
        let (text, path) = (scale[key].str(), path.field(&name));
        if text.is_empty() {
            if needed {
                errors.required(&path, "");
            }
        } else if !text.starts_with('.') {
            errors.invalid(&path, text, SIMPLE_PATH);
        } else if !roots.iter().any(|root| text.starts_with(root)) {
            errors.invalid(&path, text, format!("should be a json path under {where_}"));
        }
    }
}

fn column(column: &Value, path: &Path<'_>, errors: &mut Errors) {
    if column["name"].str().is_empty() {
        errors.required(&path.field("name"), "");
    }
    let one_of = |words: &[&str]| format!("must be one of {}", words.join(","));
    let (kind, format) = (column["type"].str(), column["format"].str());
    if kind.is_empty() {
        errors.required(&path.field("type"), &one_of(&COLUMN_TYPES));
    } else if !COLUMN_TYPES.contains(&kind) {
        errors.invalid(&path.field("type"), kind, one_of(&COLUMN_TYPES));
    }
    if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
        errors.invalid(&path.field("format"), format, one_of(&COLUMN_FORMATS));
    }
    let text = column["jsonPath"].str();
    if text.is_empty() {
        errors.required(&path.field("JSONPath"), "");
    } else if !text.starts_with('.') {
        errors.invalid(&path.field("JSONPath"), text, SIMPLE_PATH);
    }
}

/// Fields that objects can be selected by.
fn selectable(fields: &[Value], schema: &Value, path: &Path<'_>, errors: &mut Errors) {
    const MOST: usize = 8;
    let mut seen: Vec<&str> = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        let (here, text) = (path.index(at), field["jsonPath"].str());
        let place = here.field("jsonPath");
        if text.is_empty() {
            errors.required(&place, "");
            continue;
        }
        let found = match rules::field_path(text, schema, false) {
            Ok(found) => found,
            Err(why) => {
                errors.invalid(&place, text, format!("is an invalid path: {why}"));
                continue;
            }
        };
        if text == ".metadata" || text.starts_with(".metadata.") {
            errors.invalid(&place, text, "must not point to fields in metadata");
        }
        if !matches!(found["type"].str(), "string" | "boolean" | "integer") {
            let why = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats \
                       are allowed.";
            errors.invalid(&place, text, why);
        }
        if seen.contains(&text) {
            errors.duplicate(&place, text);
        } else {
            seen.push(text);
        }
    }
    if seen.len() > MOST {
        errors.too_many(path, seen.len(), MOST);
    }
}
