//! The claims of devices that a pod makes or refers to.

use drydock_value::Value;

use super::super::common::{dns_label, dns_subdomain, json, quote};
use super::super::{Errors, Path};

/// A claim as Go prints the internal struct.
fn show(claim: &Value) -> String {
    format!(
        "{{\"Name\":{},\"ResourceClaimName\":{},\"ResourceClaimTemplateName\":{}}}",
        quote(&claim["name"]),
        json(&claim["resourceClaimName"]),
        json(&claim["resourceClaimTemplateName"]),
    )
}

/// All claims of a pod.
pub(super) fn validate(claims: &Value, list: &Path<'_>, errors: &mut Errors) {
    let claims = claims.items();
    for (at, claim) in claims.iter().enumerate() {
        let (path, name) = (list.index(at), claim["name"].str());
        if name.is_empty() {
            errors.required(&path.field("name"), "");
        } else if claims[..at].iter().any(|earlier| earlier["name"] == *name) {
            errors.duplicate(&path.field("name"), name);
        } else {
            dns_label(name, &path.field("name"), errors);
        }
        let sources = ["resourceClaimName", "resourceClaimTemplateName"];
        match sources.iter().filter(|key| !claim[**key].is_null()).count() {
            0 => errors.invalid_text(
                &path,
                &show(claim),
                "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
            ),
            1 => {}
            _ => errors.invalid_text(
                &path,
                &show(claim),
                "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified",
            ),
        }
        for key in sources.iter().filter(|key| !claim[**key].is_null()) {
            dns_subdomain(claim[*key].str(), &path.field(key), errors);
        }
    }
}
