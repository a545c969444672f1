//! Rules for names. Those of the schema under short names, and those of kinds, as functions of the name and of whether
//! it is a prefix (`generateName`).

pub(crate) use drydock_schema::names::{
    is_config_map_key as config_key, is_dns1123_label as dns_label, is_dns1123_subdomain as dns_subdomain,
    is_dns1123_subdomain_with_underscore as dns_search, is_env_var_name as env_name,
    is_http_header_name as header_name, is_label_value as label_value, is_path_segment_name as path_segment_name,
    is_percent as percent, is_port_name as port_name, is_wildcard_dns1123_subdomain as wildcard,
};

use drydock_schema::names::{is_qualified_name, masked_trailing_dash};

/// A qualified name. Almost all are plain words, which is seen at a glance.
pub(crate) fn qualified_name(name: &str) -> Vec<String> {
    let (Some(first), Some(last)) = (name.bytes().next(), name.bytes().last()) else { return is_qualified_name(name) };
    let plain = name.len() <= 63
        && first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if plain { Vec::new() } else { is_qualified_name(name) }
}

/// A label's key.
pub(crate) fn label_key(key: &str) -> Vec<String> {
    qualified_name(key)
}

/// A DNS subdomain: what most kinds demand.
pub(crate) fn subdomain(name: &str, prefix: bool) -> Vec<String> {
    if prefix { dns_subdomain(&masked_trailing_dash(name)) } else { dns_subdomain(name) }
}

/// A DNS label.
pub(crate) fn label(name: &str, prefix: bool) -> Vec<String> {
    if prefix { dns_label(&masked_trailing_dash(name)) } else { dns_label(name) }
}

/// One step of a URL's path: names of roles.
pub(crate) fn path_segment(name: &str, _prefix: bool) -> Vec<String> {
    path_segment_name(name)
}

/// The fields of a pod that the downward API knows.
pub(crate) fn is_downward_field(field: &str) -> bool {
    matches!(
        field,
        "metadata.annotations"
            | "metadata.labels"
            | "metadata.name"
            | "metadata.namespace"
            | "metadata.uid"
            | "spec.nodeName"
            | "spec.restartPolicy"
            | "spec.serviceAccountName"
            | "spec.schedulerName"
            | "status.phase"
            | "status.hostIP"
            | "status.hostIPs"
            | "status.podIP"
            | "status.podIPs"
    )
}

/// The name of a kernel parameter.
pub(crate) fn is_sysctl(name: &str) -> bool {
    let part = |part: &str| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        edge(part.chars().next())
            && edge(part.chars().last())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
    };
    name.len() <= 253 && name.split(['.', '/']).all(part)
}
