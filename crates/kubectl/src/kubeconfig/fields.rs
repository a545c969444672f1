//! The fields of clusters, contexts and users: their types, and which of them are paths.

use drydock_value::Value;

use super::{Config, Section};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Bool,
    /// Base64 of bytes.
    Bytes,
}

const CLUSTER: &[(&str, Kind)] = &[
    ("server", Kind::Text),
    ("tls-server-name", Kind::Text),
    ("insecure-skip-tls-verify", Kind::Bool),
    ("certificate-authority", Kind::Text),
    ("certificate-authority-data", Kind::Bytes),
    ("proxy-url", Kind::Text),
    ("disable-compression", Kind::Bool),
];
const CONTEXT: &[(&str, Kind)] = &[("cluster", Kind::Text), ("user", Kind::Text), ("namespace", Kind::Text)];
const USER: &[(&str, Kind)] = &[
    ("client-certificate", Kind::Text),
    ("client-certificate-data", Kind::Bytes),
    ("client-key", Kind::Text),
    ("client-key-data", Kind::Bytes),
    ("token", Kind::Text),
    ("tokenFile", Kind::Text),
    ("as", Kind::Text),
    ("as-uid", Kind::Text),
    ("username", Kind::Text),
    ("password", Kind::Text),
];

pub(super) fn of(section: Section) -> &'static [(&'static str, Kind)] {
    match section {
        Section::Clusters => CLUSTER,
        Section::Contexts => CONTEXT,
        Section::Users => USER,
    }
}

/// Refuses what is of another kind or version than kubeconfigs are.
pub(super) fn known(document: &Value) -> Result<(), String> {
    if !document.is_null() {
        crate::change::overrides::has_fields(document)?;
    }
    let (version, kind) = (document["apiVersion"].str(), document["kind"].str());
    if matches!(version, "" | "v1") && matches!(kind, "" | "Config") {
        return Ok(());
    }
    let (version, kind) =
        (if version.is_empty() { "v1" } else { version }, if kind.is_empty() { "Config" } else { kind });
    let scheme = "k8s.io/client-go/tools/clientcmd/api/latest/latest.go:50";
    Err(format!("no kind {kind:?} is registered for version {version:?} in scheme {scheme:?}"))
}

/// Refuses values of the wrong type, in Go's words.
pub(super) fn check(document: &Value) -> Result<(), String> {
    for (field, of) in [
        ("clusters", "[]v1.NamedCluster"),
        ("contexts", "[]v1.NamedContext"),
        ("users", "[]v1.NamedAuthInfo"),
        ("current-context", "string"),
    ] {
        let value = &document[field];
        if !value.is_null() && value.as_array().is_some() != of.starts_with('[')
            || of == "string" && !value.is_null() && value.as_str().is_none()
        {
            let kind = crate::kustomize::word(value);
            return Err(format!("json: cannot unmarshal {kind} into Go struct field Config.{field} of type {of}"));
        }
    }
    for (section, kind) in
        [(Section::Clusters, "Cluster"), (Section::Contexts, "Context"), (Section::Users, "AuthInfo")]
    {
        let (list, key) = section.keys();
        for entry in document[list].items() {
            for (field, want) in of(section) {
                let name = match &entry[key][*field] {
                    Value::Null => continue,
                    Value::String(_) if *want != Kind::Bool => continue,
                    Value::Bool(_) if *want == Kind::Bool => continue,
                    Value::String(_) => "string",
                    Value::Bool(_) => "bool",
                    Value::Int(_) | Value::Float(_) => "number",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                let go = if *want == Kind::Bool { "bool" } else { "string" };
                return Err(format!(
                    "json: cannot unmarshal {name} into Go struct field {kind}.{list}.{key}.{field} of type {go}"
                ));
            }
        }
    }
    Ok(())
}

/// An entry without what is empty, with what is always written.
pub(super) fn tidy(section: Section, content: &Value) -> Value {
    let mut content = content.clone();
    for (field, _) in of(section) {
        if content.get(field).is_some_and(Value::is_empty) {
            content.remove(field);
        }
    }
    let always: &[&str] = match section {
        Section::Clusters => &["server"],
        Section::Contexts => &["cluster", "user"],
        Section::Users => &[],
    };
    for field in always {
        if content[*field].is_null() {
            content.set(*field, "");
        }
    }
    if let Some(exec) = content.get_mut("exec") {
        for field in ["args", "env"] {
            if exec.get(field).is_none() {
                exec.set(field, Value::Null);
            }
        }
        if exec.get("provideClusterInfo").is_none() {
            exec.set("provideClusterInfo", false);
        }
        for field in ["apiVersion", "interactiveMode", "installHint"] {
            if exec.get(field).is_some_and(Value::is_empty) {
                exec.remove(field);
            }
        }
    }
    content
}

const PATHS: &[(Section, &str)] = &[
    (Section::Clusters, "certificate-authority"),
    (Section::Users, "client-certificate"),
    (Section::Users, "client-key"),
    (Section::Users, "tokenFile"),
];

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("/", |(folder, _)| folder)
}

/// Paths below the kubeconfig's folder are written as they stand to it.
pub(super) fn relative_paths(config: &mut Config, file: &str) {
    let base = format!("{}/", folder(file).trim_end_matches('/'));
    for (section, field) in PATHS {
        for content in config.section_mut(*section).values_mut() {
            if let Some(relative) = content[*field].str().strip_prefix(&base) {
                let relative = relative.to_owned();
                content.set(*field, relative);
            }
        }
    }
}
