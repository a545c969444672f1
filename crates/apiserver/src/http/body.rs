//! Objects in request bodies: from JSON to the storage form, decoded and defaulted, or the real server's refusal.

use drydock_api::{Body, GroupVersion, Request, Status};
use drydock_schema::{Schema, json_word};
use drydock_value::Value;

use super::go_json;
use super::params::FieldValidation;
use crate::registry::Served;
use crate::verbs::Cx;
use crate::{convert, types};

const YAML: &str = "application/yaml";

/// What a body is said to be.
fn media(request: &Request) -> &str {
    request.header_value("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim()
}

fn is_yaml(request: &Request) -> bool {
    media(request) == YAML
}

/// The object that a body holds.
///
/// # Errors
/// Why it holds none, in the words of the real server's reader.
fn read(request: &Request) -> Result<Value, String> {
    let unrecognized = |why: &str| format!("couldn't get version/kind; json parse error: {why}");
    let document = match &request.body {
        Body::Bytes(bytes) if is_yaml(request) => {
            let read = drydock_yaml::parse_one(&String::from_utf8_lossy(bytes));
            // What kubectl says before it, the server does not.
            read.map_err(|error| error.to_string().trim_start_matches("error converting YAML to JSON: ").to_owned())?
        }
        Body::Value(value) => value.clone(),
        Body::Empty => return Err(unrecognized("unexpected end of JSON input")),
        Body::Bytes(bytes) => {
            if let Some(why) = go_json::error(bytes) {
                return Err(unrecognized(&why));
            }
            request.body.value().map_err(|error| unrecognized(&error.0))?
        }
    };
    if document.is_null() {
        return Err(unrecognized("unexpected end of JSON input"));
    }
    if document.as_object().is_some() {
        let is_text = |key: &&str| document[*key].is_null() || document[*key].as_str().is_some();
        let Some(key) = ["apiVersion", "kind"].into_iter().find(|key| !is_text(key)) else {
            let version = document["apiVersion"].str();
            if version.matches('/').count() > 1 {
                return Err(format!("unexpected GroupVersion string: {version}"));
            }
            return Ok(document);
        };
        let word = json_word(&document[key]);
        return Err(unrecognized(&format!("json: cannot unmarshal {word} into Go struct field .{key} of type string")));
    }
    let word = json_word(&document);
    Err(unrecognized(&format!(
        "json: cannot unmarshal {word} into Go value of type struct {{ APIVersion string \
         \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
    )))
}

/// Refuses bodies that are neither JSON nor YAML.
fn check_media(request: &Request) -> Result<(), Status> {
    if matches!(media(request), "" | "*/*" | "application/json" | YAML) {
        return Ok(());
    }
    let message = "the body of the request was in an unknown format - accepted media types include: \
                   application/json, application/yaml, application/vnd.kubernetes.protobuf";
    Err(Status::new(415, "UnsupportedMediaType", message))
}

/// The document of a body that must hold an object of a kind.
pub(super) fn document(request: &Request, kind: &str) -> Result<Value, Status> {
    check_media(request)?;
    read(request).map_err(|why| {
        let shown = match &request.body {
            Body::Empty => "<empty>".to_owned(),
            Body::Bytes(bytes) => shorten(bytes),
            body => shorten(body.text().as_bytes()),
        };
        Status::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why} ({shown})"))
    })
}

/// The options that a body holds, if there is one. Clients may say that they are of any group.
pub(super) fn delete_options(request: &Request) -> Result<Option<Value>, Status> {
    const SCHEME: &str = "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27";
    const OTHERS: [&str; 5] = ["CreateOptions", "GetOptions", "ListOptions", "PatchOptions", "UpdateOptions"];
    if matches!(&request.body, Body::Empty) || matches!(&request.body, Body::Bytes(bytes) if bytes.is_empty()) {
        return Ok(None);
    }
    check_media(request)?;
    let is_nothing = matches!(request.body.value(), Ok(Value::Null)) && !is_yaml(request);
    let document = if is_nothing { Value::object() } else { read(request).map_err(Status::bad_request)? };
    let (version, kind) = (document["apiVersion"].str(), document["kind"].str());
    if OTHERS.contains(&kind) {
        let why = format!("converting (v1.{kind}) to (v1.DeleteOptions): unknown conversion");
        return Err(Status::bad_request(why));
    }
    if !kind.is_empty() && kind != "DeleteOptions" {
        let version = if version.is_empty() { "meta.k8s.io/v1" } else { version };
        let why = format!("no kind {kind:?} is registered for version {version:?} in scheme {SCHEME:?}");
        return Err(Status::bad_request(why));
    }
    let of = Schema::get().by_name("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
    let decoded = of.map(|of| drydock_schema::decode(of, &document)).transpose().map_err(Status::bad_request)?;
    Ok(decoded.map(|decoded| decoded.value))
}

/// The beginning of a body, as the message shows it: an object as it is, anything else as hexadecimal digits.
fn shorten(bytes: &[u8]) -> String {
    const MOST: usize = 30;
    let head = bytes.get(..MOST).unwrap_or(bytes);
    let more = if bytes.len() > MOST { " ..." } else { "" };
    match bytes.first() {
        None => "<empty>".into(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(head)),
        _ => head.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + more,
    }
}

/// What a strict reader of a body complains of, with what the decoder did not know.
pub(super) fn complaints(request: &Request, unknown: Vec<String>) -> Vec<String> {
    match &request.body {
        Body::Bytes(bytes) => go_json::complaints(bytes, unknown),
        _ => unknown,
    }
}

/// The keys that stand twice in YAML: to who refuses them they are one error of the reader's, to who warns one each.
fn yaml_complaints(request: &Request, validation: FieldValidation) -> Vec<String> {
    let Body::Bytes(bytes) = &request.body else { return Vec::new() };
    let Ok(document) = drydock_yaml::document(&String::from_utf8_lossy(bytes)) else { return Vec::new() };
    match validation {
        FieldValidation::Strict if !document.duplicates.is_empty() => {
            vec![format!("yaml: unmarshal errors:\n  {}", document.duplicates.join("\n  "))]
        }
        _ => document.duplicates,
    }
}

/// Reads an object of a served resource: checks its kind, decodes, fills in defaults, brings it into storage form.
pub(super) fn object(served: &Served, request: &Request, cx: &mut Cx) -> Result<Value, Status> {
    let document = document(request, served.kind_name())?;
    let validation = super::params::field_validation(request)?;
    if types_of_custom(served, &document, request)? {
        return Err(of_another_kind(served, &document));
    }
    let document = of_kind(&served.api_version(), served.kind_name(), document)?;
    let (decoded, unknown) = types::decode_served(served, &document, &Value::Null)
        .map_err(|why| unusable(served.kind_name(), served.version(), &why))?;
    let unknown = match validation {
        FieldValidation::Ignore => unknown,
        _ if is_yaml(request) => yaml_complaints(request, validation).into_iter().chain(unknown).collect(),
        _ => complaints(request, unknown),
    };
    match validation {
        FieldValidation::Strict if !unknown.is_empty() => {
            let why = format!("strict decoding error: {}", unknown.join(", "));
            return Err(unusable(served.kind_name(), served.version(), &why));
        }
        FieldValidation::Warn => {
            for warning in unknown {
                cx.warn(warning);
            }
        }
        _ => {}
    }
    Ok(complete(served, decoded, &Value::Null))
}

/// Custom resources say what they are. Whether one is of another kind than the resource.
///
/// # Errors
/// When it has no kind, or is of another version.
fn types_of_custom(served: &Served, document: &Value, request: &Request) -> Result<bool, Status> {
    if crate::custom::version(served).is_none() {
        return Ok(false);
    }
    let (kind, given, wanted) = (document["kind"].str(), document["apiVersion"].str(), served.api_version());
    if kind.is_empty() {
        let shown = shorten(request.body.text().as_bytes());
        let text = request.body.text();
        let why = format!(
            "the object provided is unrecognized (must be of type {}): Object 'Kind' is missing in '{text}' ({shown})",
            served.kind_name()
        );
        return Err(Status::bad_request(why));
    }
    if given != wanted {
        return Err(Status::bad_request(format!(
            "the API version in the data ({given}) does not match the expected API version ({wanted})"
        )));
    }
    Ok(kind != served.kind_name())
}

/// What is said of a custom resource that says to be something else than it is.
pub(super) fn of_another_kind(served: &Served, document: &Value) -> Status {
    let (kind, given) = (document["kind"].str(), document["apiVersion"].str());
    let group = GroupVersion::parse(given).group;
    let (field, shown, wanted) = match kind == served.kind_name() {
        true => ("apiVersion", given, served.api_version()),
        false => ("kind", kind, served.kind_name().to_owned()),
    };
    let message = format!("Invalid value: {shown:?}: must be {wanted}");
    let cause = drydock_api::Cause { reason: "FieldValueInvalid".into(), message, field: field.into() };
    Status::invalid(&group, kind, document["metadata"]["name"].str(), vec![cause])
}

/// Defaults, and the storage form, of an object that is decoded.
pub(super) fn complete(served: &Served, mut decoded: Value, before: &Value) -> Value {
    types::default_served(served, &mut decoded, before);
    let stored = convert::to_storage(served, decoded);
    match served.kind {
        Some(kind) if stored["apiVersion"] != *served.api_version().as_str() => {
            types::decode_trusted(kind, stored, &Value::Null)
        }
        _ => stored,
    }
}

fn unusable(kind: &str, version: &str, why: &str) -> Status {
    Status::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
}

/// Versions that are served no longer, and are still known.
const FORMER: [&str; 20] = [
    "admissionregistration.k8s.io/v1beta1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1beta1",
    "batch/v1beta1",
    "certificates.k8s.io/v1beta1",
    "coordination.k8s.io/v1beta1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1beta1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "rbac.authorization.k8s.io/v1beta1",
    "scheduling.k8s.io/v1beta1",
    "storage.k8s.io/v1beta1",
];

fn unregistered(version: &GroupVersion, kind: &str) -> String {
    const SCHEME: &str = "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30";
    format!("no kind {kind:?} is registered for version {:?} in scheme {SCHEME:?}", version.to_string())
}

/// Why a document of one kind cannot be read as one of another: of a kind that nobody knows, or one that is known.
pub(super) fn no_conversion(given: &GroupVersion, given_kind: &str, wanted: &GroupVersion, kind: &str) -> String {
    if !types::knows(given, given_kind) {
        return unregistered(given, given_kind);
    }
    let internal = wanted.group.split('.').next().filter(|group| !group.is_empty()).unwrap_or("core");
    format!("converting ({}.{given_kind}) to ({internal}.{kind}): unknown conversion", given.version)
}

/// Checks that a document is of a kind; one that says nothing is taken for it.
pub(super) fn of_kind(api_version: &str, kind: &str, mut document: Value) -> Result<Value, Status> {
    let (given_version, given_kind) = (document["apiVersion"].str().to_owned(), document["kind"].str().to_owned());
    if !given_kind.is_empty() && given_kind != kind {
        let given = GroupVersion::parse(if given_version.is_empty() { api_version } else { &given_version });
        let why = no_conversion(&given, &given_kind, &GroupVersion::parse(api_version), kind);
        let version = given.version;
        return Err(Status::bad_request(format!(
            "{given_kind} in version {version:?} cannot be handled as a {kind}: {why}"
        )));
    }
    if !given_version.is_empty() && given_version != api_version {
        let given = GroupVersion::parse(&given_version);
        if !types::knows(&given, kind) && !FORMER.contains(&given_version.as_str()) {
            return Err(unusable(kind, &given.version, &unregistered(&given, kind)));
        }
        return Err(Status::bad_request(format!(
            "the API version in the data ({given_version}) does not match the expected API version ({api_version})"
        )));
    }
    if given_version.is_empty() {
        document.set("apiVersion", api_version);
    }
    if given_kind.is_empty() {
        document.set("kind", kind);
    }
    Ok(document)
}
