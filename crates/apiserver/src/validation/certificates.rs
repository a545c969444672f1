//! Rules for certificate signing requests.

use drydock_value::Value;

use super::common::one_of;
use super::{Errors, Path};
use drydock_pki::der::read_pem;

const SPEC: Path<'static> = Path::new("spec");
const STATUS: Path<'static> = Path::new("status");

/// The conditions that decide about a request, for good.
const DECISIONS: [&str; 3] = ["Approved", "Denied", "Failed"];

const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

/// Rules for a certificate signing request.
pub(crate) fn signing_request(request: &Value, errors: &mut Errors) {
    let spec = &request["spec"];
    let text = drydock_schema::base64::decode(spec["request"].str()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    if read_pem(&text).is_none_or(|(kind, _)| kind != "CERTIFICATE REQUEST") {
        errors.invalid(&SPEC.field("request"), &spec["request"], "PEM block type must be CERTIFICATE REQUEST");
    }
    let usages = spec["usages"].items();
    let list = SPEC.field("usages");
    if usages.is_empty() {
        errors.required(&list, "");
    }
    for (at, usage) in usages.iter().enumerate() {
        one_of(usage, &USAGES, &list.index(at), errors);
        if usages[..at].contains(usage) {
            errors.duplicate(&list.index(at), usage);
        }
    }
    let signer = spec["signerName"].str();
    let path = SPEC.field("signerName");
    if signer.is_empty() {
        errors.required(&path, "");
    } else if !signer.split_once('/').is_some_and(|(domain, name)| domain.contains('.') && !name.is_empty()) {
        errors.invalid(
            &path,
            signer,
            "must be a fully qualified domain and path of the form 'example.com/signer-name'",
        );
    }
    if let Some(seconds) = spec["expirationSeconds"].as_i64()
        && seconds < 600
    {
        errors.invalid(
            &SPEC.field("expirationSeconds"),
            seconds,
            "may not specify a duration less than 600 seconds (10 minutes)",
        );
    }
    conditions(request, errors);
    let problem = issued(request["status"]["certificate"].str());
    if let Some(problem) = problem {
        errors.invalid(&STATUS.field("certificate"), "<certificate data>", problem);
    }
}

/// Rules for the conditions of a request: each type once, and no approval with a denial.
fn conditions(request: &Value, errors: &mut Errors) {
    let list = STATUS.field("conditions");
    let all = request["status"]["conditions"].items();
    for (at, condition) in all.iter().enumerate() {
        let (path, kind, status) = (list.index(at), condition["type"].str(), condition["status"].str());
        if kind.is_empty() {
            errors.required(&path.field("type"), "");
        }
        let allowed: &[&str] = if DECISIONS.contains(&kind) { &["True"] } else { &["False", "True", "Unknown"] };
        if status.is_empty() {
            errors.required(&path.field("status"), "");
        } else if !allowed.contains(&status) {
            errors.not_supported(&path.field("status"), status, allowed);
        }
        let before = |wanted: &str| all.iter().take(at).any(|other| other["type"] == wanted);
        if (kind == "Approved" && before("Denied")) || (kind == "Denied" && before("Approved")) {
            errors.invalid(&path.field("type"), kind, "Approved and Denied conditions are mutually exclusive");
        }
        if before(kind) {
            errors.duplicate(&path.field("type"), kind);
        }
    }
}

/// What is wrong with a certificate that was issued.
fn issued(encoded: &str) -> Option<String> {
    if encoded.is_empty() {
        return None;
    }
    let text = drydock_schema::base64::decode(encoded).unwrap_or_default();
    match read_pem(&String::from_utf8_lossy(&text)) {
        Some((kind, _)) if kind == "CERTIFICATE" => None,
        Some((kind, _)) => Some(format!("only CERTIFICATE PEM blocks are allowed, found {kind:?}")),
        None => Some("must contain at least one CERTIFICATE PEM block".into()),
    }
}

/// Rules for a change: what was decided stays, and so does what was issued.
pub(crate) fn signing_request_update(new: &Value, old: &Value, errors: &mut Errors) {
    signing_request(new, errors);
    for kind in DECISIONS {
        let count = |request: &Value| {
            let all = request["status"]["conditions"].items();
            all.iter().filter(|condition| condition["type"] == kind).count()
        };
        if count(new) < count(old) {
            let why = format!("updates may not remove a condition of type {kind:?}");
            errors.forbidden(&STATUS.field("conditions"), why);
        }
    }
    let (certificate, before) = (&new["status"]["certificate"], &old["status"]["certificate"]);
    if certificate.str() != before.str() && !before.str().is_empty() {
        errors.forbidden(&STATUS.field("certificate"), "updates may not modify existing certificate content");
    }
}
