//! `CertificateApproval`, `CertificateSigning`, `CertificateSubjectRestriction`: who may decide about requests for
//! certificates of a signer, and what nobody may ask for.

use drydock_api::Status;
use drydock_value::Value;

use super::{Attributes, Operation};
use crate::auth::rules::Ask;
use crate::kinds;
use crate::server::ApiServer;
use crate::verbs::{Cx, forbidden};
use drydock_pki::request;

const CLIENT: &str = "kubernetes.io/kube-apiserver-client";

pub(super) fn validate(
    server: &ApiServer,
    cx: &Cx,
    attributes: &Attributes<'_>,
    request: &Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    if attributes.kind != kinds::CERTIFICATE_SIGNING_REQUESTS || cx.is_component {
        return Ok(());
    }
    let refuse = |why: String| Err(forbidden(attributes.kind, request["metadata"]["name"].str(), &why));
    let signer = request["spec"]["signerName"].str();
    if attributes.operation == Operation::Create {
        let text = drydock_schema::base64::decode(request["spec"]["request"].str()).unwrap_or_default();
        let asked = request::asked(&String::from_utf8_lossy(&text)).unwrap_or_default();
        if signer == CLIENT && asked.subject.organizations.iter().any(|group| group == "system:masters") {
            return refuse(format!("use of {signer} signer with system:masters group is not allowed"));
        }
        return Ok(());
    }
    let verb = match attributes.subresource {
        "approval" => "approve",
        "status" if old.is_none_or(|old| old["status"]["certificate"] != request["status"]["certificate"]) => "sign",
        "status" if old.is_none_or(|old| is_failed(old) != is_failed(request)) => "sign",
        _ => return Ok(()),
    };
    // The signer itself, or all of its domain.
    let all = format!("{}/*", signer.split('/').next().unwrap_or_default());
    let may = |name: &str| {
        let ask = Ask::Resource { verb, group: "certificates.k8s.io", resource: "signers", subresource: "", name };
        server.authorize(&cx.user, "", &ask).allowed
    };
    if may(signer) || may(&all) {
        return Ok(());
    }
    refuse(format!("user not permitted to {verb} requests with signerName {signer:?}"))
}

fn is_failed(request: &Value) -> bool {
    request["status"]["conditions"].find("type", "Failed").is_some()
}
