//! What a CustomResourceDefinition says beside its versions: how they are converted, who approved of its group; and the
//! formats that nobody knows.

use drydock_schema::names::is_dns1035_label;
use drydock_value::Value;

use crate::validation::{Errors, Path, webhooks};

const REVIEW_VERSIONS: [&str; 2] = ["v1", "v1beta1"];
const APPROVED: &str = "api-approved.kubernetes.io";

/// Formats of texts that are looked at, without their dashes.
const FORMATS: &str = "bsonobjectid uri email hostname ipv4 ipv6 cidr mac uuid uuid3 uuid4 uuid5 isbn isbn10 isbn13 creditcard \
                       ssn hexcolor rgbcolor byte password date duration datetime";

/// `spec.conversion`.
pub(super) fn check(conversion: &Value, path: &Path<'_>, errors: &mut Errors) {
    if conversion.is_null() {
        return;
    }
    let strategy = conversion["strategy"].str();
    match strategy {
        "" => errors.required(&path.field("strategy"), ""),
        "None" | "Webhook" => {}
        other => errors.not_supported(&path.field("strategy"), other, &["None", "Webhook"]),
    }
    let webhook = &conversion["webhook"];
    let (config, versions) = (&webhook["clientConfig"], webhook["conversionReviewVersions"].items());
    let (config_path, list) = (path.field("webhookClientConfig"), path.field("conversionReviewVersions"));
    if strategy != "Webhook" {
        for (there, path) in [(!config.is_null(), &config_path), (!versions.is_empty(), &list)] {
            if there {
                errors.forbidden(path, "should not be set when strategy is not set to Webhook");
            }
        }
        return;
    }
    if config.is_null() {
        errors.required(&config_path, "required when strategy is set to Webhook");
    } else {
        webhooks::client_config(config, &config_path, errors);
    }
    review_versions(versions, &list, errors);
}

fn review_versions(versions: &[Value], path: &Path<'_>, errors: &mut Errors) {
    if versions.is_empty() {
        return errors.required(path, "");
    }
    for (at, version) in versions.iter().enumerate() {
        let place = path.index(at);
        if versions[..at].contains(version) {
            errors.invalid(&place, version, "duplicate version");
        } else {
            errors.all_invalid(&place, version, is_dns1035_label(version.str()));
        }
    }
    if !versions.iter().any(|version| REVIEW_VERSIONS.contains(&version.str())) {
        let shown = Value::from(versions.to_vec());
        errors.invalid(path, shown, format!("must include at least one of {}", REVIEW_VERSIONS.join(", ")));
    }
}

/// Whether the group of a CRD needs nobody's approval, or has it.
///
/// # Errors
/// Whether the approval is there and wrong, and the words for it.
pub(super) fn approval(crd: &Value) -> Result<(), (bool, String)> {
    let group = crd["spec"]["group"].str();
    let protected = |name: &str| group.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let given = crd["metadata"]["annotations"][APPROVED].str();
    let is_url = given
        .split_once("://")
        .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.starts_with(['/', '?', '#']) && !rest.is_empty());
    if !protected("k8s.io") && !protected("kubernetes.io") || given.starts_with("unapproved") || is_url {
        return Ok(());
    }
    let more = if given.is_empty() { "" } else { " with either a URL or a reason starting with \"unapproved\"" };
    let why = format!(
        "protected groups must have approval annotation \"{APPROVED}\"{more}, see https://github.com/kubernetes/enhancements/pull/1111"
    );
    Err((!given.is_empty(), why))
}

pub(super) fn check_approval(crd: &Value, errors: &mut Errors) {
    let Err((wrong, why)) = approval(crd) else { return };
    let metadata = Path::new("metadata");
    let annotations = metadata.field("annotations");
    let path = annotations.key(APPROVED);
    if wrong {
        errors.invalid(&path, crd["metadata"]["annotations"][APPROVED].str(), why);
    } else {
        errors.required(&path, &why);
    }
}

/// Warnings about formats that nobody knows; in an update only about new ones.
pub(crate) fn warnings(new: &Value, old: Option<&Value>) -> Vec<String> {
    let (mut found, mut before) = (Vec::new(), Vec::new());
    formats(new, &mut found);
    if let Some(old) = old {
        formats(old, &mut before);
    }
    let new = found.into_iter().filter(|format| !before.contains(format));
    new.map(|format| format!("unrecognized format {format:?}")).collect()
}

/// The unknown formats of all versions; those of a schema that all share are told once.
fn formats(crd: &Value, found: &mut Vec<String>) {
    let versions = crd["spec"]["versions"].items();
    let told = if super::is_shared(versions, "schema") { versions.get(..1).unwrap_or_default() } else { versions };
    for version in told {
        formats_of(&version["schema"]["openAPIV3Schema"], found);
    }
}

fn formats_of(schema: &Value, found: &mut Vec<String>) {
    let format = schema["format"].str();
    let known = match schema["type"].str() {
        "" | "string" => {
            let plain = format.replace('-', "");
            FORMATS.split_whitespace().any(|known| known == plain)
        }
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    };
    if !format.is_empty() && !known {
        found.push(format.to_owned());
    }
    for key in ["items", "not", "additionalProperties"] {
        if schema[key].as_object().is_some() {
            formats_of(&schema[key], found);
        }
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        schema[key].items().iter().for_each(|inner| formats_of(inner, found));
    }
    schema["properties"].entries().for_each(|(_, inner)| formats_of(inner, found));
}
