//! Config maps, secrets, namespaces.

use drydock_value::Value;

use super::common::immutable;
use super::{Errors, Path, names};
use crate::http::go_json;

const LIMIT: usize = 1 << 20;
const FROZEN: &str = "field is immutable when `immutable` is set";
const HIDDEN: &str = "<secret contents redacted>";

fn size(map: &Value) -> usize {
    map.entries().map(|(_, value)| value.str().len()).sum()
}

fn keys(map: &Value, path: &Path<'_>, errors: &mut Errors) {
    for (key, _) in map.entries() {
        errors.all_invalid(&path.key(key), key, names::config_key(key));
    }
}

/// Rules for a config map.
pub(crate) fn config_map(map: &Value, errors: &mut Errors) {
    let (data, binary) = (&map["data"], &map["binaryData"]);
    let path = Path::new("data");
    for (key, _) in data.entries() {
        errors.all_invalid(&path.key(key), key, names::config_key(key));
        if binary.get(key).is_some() {
            errors.invalid(&path.key(key), key, "duplicate of key present in binaryData");
        }
    }
    keys(binary, &Path::new("binaryData"), errors);
    if size(data) + size(binary) / 4 * 3 > LIMIT {
        errors.too_long(&Path::new(""), LIMIT);
    }
}

fn frozen(new: &Value, old: &Value, keys: &[&str], errors: &mut Errors) {
    if !old["immutable"].is_true() {
        return;
    }
    if !new["immutable"].is_true() {
        errors.forbidden(&Path::new("immutable"), FROZEN);
    }
    for key in keys {
        if new[*key] != old[*key] {
            errors.forbidden(&Path::new(key), FROZEN);
        }
    }
}

pub(crate) fn config_map_update(new: &Value, old: &Value, errors: &mut Errors) {
    frozen(new, old, &["data", "binaryData"], errors);
    config_map(new, errors);
}

/// Rules for a secret.
pub(crate) fn secret(secret: &Value, errors: &mut Errors) {
    let data = &secret["data"];
    let path = Path::new("data");
    keys(data, &path, errors);
    if size(data) / 4 * 3 > LIMIT {
        errors.too_long(&path, LIMIT);
    }
    let need = |key: &str, errors: &mut Errors| {
        let there = data.get(key).is_some();
        if !there {
            errors.required(&path.key(key), "");
        }
        there
    };
    match secret["type"].str() {
        "kubernetes.io/service-account-token" => {
            let name = "kubernetes.io/service-account.name";
            if secret["metadata"]["annotations"][name].str().is_empty() {
                errors.required(&Path::new("metadata").field("annotations").key(name), "");
            }
        }
        "kubernetes.io/dockercfg" => json(data, ".dockercfg", &path, errors),
        "kubernetes.io/dockerconfigjson" => json(data, ".dockerconfigjson", &path, errors),
        "kubernetes.io/basic-auth" if data.get("username").is_none() && data.get("password").is_none() => {
            need("username", errors);
            need("password", errors);
        }
        "kubernetes.io/ssh-auth" if data["ssh-privatekey"].str().is_empty() => {
            errors.required(&path.key("ssh-privatekey"), "");
        }
        "kubernetes.io/tls" => {
            need("tls.crt", errors);
            need("tls.key", errors);
        }
        _ => {}
    }
}

/// A key that must hold JSON.
fn json(data: &Value, key: &str, path: &Path<'_>, errors: &mut Errors) {
    let Some(text) = data.get(key) else {
        errors.required(&path.key(key), "");
        return;
    };
    let bytes = drydock_schema::base64::decode(text.str()).unwrap_or_default();
    if let Some(why) = go_json::error(&bytes) {
        errors.invalid(&path.key(key), HIDDEN, why);
    }
}

pub(crate) fn secret_update(new: &Value, old: &Value, errors: &mut Errors) {
    immutable(&new["type"], &old["type"], &Path::new("type"), errors);
    frozen(new, old, &["data"], errors);
    secret(new, errors);
}

/// Rules for a namespace: its levels of pod security must be levels.
pub(crate) fn namespace(namespace: &Value, errors: &mut Errors) {
    let labels = &namespace["metadata"]["labels"];
    let path = Path::new("metadata");
    let path = path.field("labels");
    for mode in ["enforce", "audit", "warn"] {
        let key = format!("pod-security.kubernetes.io/{mode}");
        if let Some(level) = labels[key.as_str()].as_str()
            && !matches!(level, "privileged" | "baseline" | "restricted")
        {
            errors.invalid(&path.key(&key), level, "must be one of privileged, baseline, restricted");
        }
        let key = format!("{key}-version");
        if let Some(version) = labels[key.as_str()].as_str() {
            let good = version == "latest"
                || version.strip_prefix("v1.").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
            if !good {
                errors.invalid(&path.key(&key), version, "must be \"latest\" or \"v1.x\"");
            }
        }
    }
}
