//! Certificate signing requests: kubelets' own are approved, what was approved is signed, what nobody needs any more is
//! deleted.

use std::time::Duration;

use drydock_api::Status;
use drydock_apiserver::{Authority, User};
use drydock_pki::request::{Asked, asked};
use drydock_schema::base64;
use drydock_value::{Time, Value, value};

use super::common::ignore_absent;
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object, moment};
use crate::store::{DeleteOptions, Kind, kinds};

const NAME: &str = "certificate-controller";
const REQUESTS: Kind = kinds::CERTIFICATE_SIGNING_REQUESTS;
/// `--cluster-signing-duration`
const LIFE: u64 = 365 * 86_400;
/// Clocks may differ so much.
const BACKDATE: u64 = 5 * 60;

fn condition<'v>(request: &'v Value, kind: &str) -> Option<&'v Value> {
    request["status"]["conditions"].find("type", kind)
}

/// What is wrong with a request of some usages.
type Check = fn(&Asked, &[&str]) -> Option<String>;

/// The built-in signers, with what is wrong with a request to each.
const SIGNERS: [(&str, Check); 3] = [
    ("kubernetes.io/kube-apiserver-client", of_client),
    ("kubernetes.io/kube-apiserver-client-kubelet", |asked, usages| {
        of_node(asked, usages, "client auth", |kinds| {
            // In the order in which they are looked for.
            let refused = ["DNS", "Email", "IP", "URI"].into_iter().find(|kind| kinds.contains(kind))?;
            Some(format!("{refused} subjectAltNames are not allowed"))
        })
    }),
    ("kubernetes.io/kubelet-serving", |asked, usages| {
        of_node(asked, usages, "server auth", |kinds| {
            if !["DNS", "IP"].iter().any(|kind| kinds.contains(kind)) {
                return Some("DNS or IP subjectAltName is required".into());
            }
            let refused = ["Email", "URI"].into_iter().find(|kind| kinds.contains(kind))?;
            Some(format!("{refused} subjectAltNames are not allowed"))
        })
    }),
];

fn of_client(_: &Asked, usages: &[&str]) -> Option<String> {
    let known = ["digital signature", "key encipherment", "client auth"];
    if let Some(other) = usages.iter().find(|usage| !known.contains(usage)) {
        return Some(format!("invalid usage for client certificate: {other}"));
    }
    (!usages.contains(&"client auth")).then(|| "missing required usage for client certificate: client auth".into())
}

fn of_node(
    asked: &Asked,
    usages: &[&str],
    purpose: &str,
    names: impl Fn(&[&'static str]) -> Option<String>,
) -> Option<String> {
    if asked.subject.organizations != ["system:nodes"] {
        return Some("subject organization is not system:nodes".into());
    }
    if let Some(problem) = names(&asked.alternatives) {
        return Some(problem);
    }
    if !asked.subject.common_name.starts_with("system:node:") {
        return Some("subject common name does not begin with system:node: ".into());
    }
    // Keys that cannot encipher need not be for that.
    let mut required = ["digital signature", "key encipherment", purpose];
    let others = usages.iter().any(|usage| !required.contains(usage));
    let missing = required.iter().any(|usage| !usages.contains(usage) && *usage != "key encipherment");
    if others || missing {
        required.sort_unstable();
        return Some(format!("usages did not match [{}]", required.join(" ")));
    }
    None
}

/// The controller, in one of its works.
#[derive(Debug, Clone)]
pub struct Certificates {
    work: fn(&Object, &mut Ctx<'_>) -> Result<Requeue, Status>,
}

impl Certificates {
    /// Approves kubelets' requests for client certificates, of those who may ask for them.
    pub fn approving() -> Certificates {
        Certificates { work: approve }
    }

    /// Signs what was approved.
    pub fn signing() -> Certificates {
        Certificates { work: sign }
    }

    /// Deletes requests that were decided, or that nobody decided about.
    pub fn cleaning() -> Certificates {
        Certificates { work: clean }
    }
}

fn approve(request: &Object, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
    let spec = &request["spec"];
    let decided = ["Approved", "Denied"].iter().any(|kind| condition(&request.value, kind).is_some());
    let (signer, check) = SIGNERS[1];
    if decided || !request["status"]["certificate"].is_empty() || spec["signerName"] != *signer {
        return Ok(Requeue::Done);
    }
    let text = base64::decode(spec["request"].str()).unwrap_or_default();
    let Some(asked) = asked(&String::from_utf8_lossy(&text)) else { return Ok(Requeue::Done) };
    let usages: Vec<&str> = spec["usages"].items().iter().map(Value::str).collect();
    if check(&asked, &usages).is_some() {
        return Ok(Requeue::Done);
    }
    let user = User::of_spec(spec);
    let own = spec["username"] == *asked.subject.common_name.as_str();
    let group = "certificates.k8s.io";
    for (subresource, of_own, whose) in [("selfnodeclient", true, "self kubelet"), ("nodeclient", false, "kubelet")] {
        if (of_own && !own) || !ctx.api.allows(&user, "create", group, "certificatesigningrequests", subresource) {
            continue;
        }
        let mut approved = request.value.clone();
        approved["status"]["conditions"].push(value!({
            "type": "Approved", "status": "True", "reason": "AutoApproved",
            "message": format!("Auto approving {whose} client certificate after SubjectAccessReview."),
            "lastUpdateTime": ctx.now.rfc3339(), "lastTransitionTime": ctx.now.rfc3339()
        }));
        ignore_absent(ctx.client(&actor(NAME)).update_approval(approved))?;
        break;
    }
    Ok(Requeue::Done)
}

fn sign(request: &Object, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
    let spec = &request["spec"];
    let signer = SIGNERS.iter().find(|(name, _)| spec["signerName"] == *name);
    let waits = condition(&request.value, "Approved").is_some()
        && condition(&request.value, "Failed").is_none()
        && request["status"]["certificate"].is_empty();
    let (Some((_, check)), true) = (signer, waits) else { return Ok(Requeue::Done) };
    let text = base64::decode(spec["request"].str()).unwrap_or_default();
    let Some(asked) = asked(&String::from_utf8_lossy(&text)) else { return Ok(Requeue::Done) };
    let usages: Vec<&str> = spec["usages"].items().iter().map(Value::str).collect();
    let mut changed = request.value.clone();
    if let Some(problem) = check(&asked, &usages) {
        changed["status"]["conditions"].push(value!({
            "type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": problem,
            "lastUpdateTime": ctx.now.rfc3339(), "lastTransitionTime": ctx.now.rfc3339()
        }));
    } else {
        let life = spec["expirationSeconds"].as_i64().map_or(LIFE, |asked| asked.unsigned_abs().clamp(600, LIFE));
        let from = Time::from_seconds(ctx.now.seconds().saturating_sub(BACKDATE));
        let until = Time::from_seconds(ctx.now.seconds() + life);
        let certificate = Authority::of(ctx.api.config()).sign(&asked, &usages, from, until);
        changed["status"].set("certificate", base64::encode(certificate.as_bytes()));
    }
    ignore_absent(ctx.client(&actor(NAME)).update_status(REQUESTS, "", changed))?;
    Ok(Requeue::Done)
}

fn clean(request: &Object, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
    let decided = ["Approved", "Denied", "Failed"].iter().find_map(|kind| condition(&request.value, kind));
    // An hour after a decision, a day without one.
    let (since, hours) = match decided {
        Some(condition) => (moment(&condition["lastUpdateTime"]).unwrap_or(request.created), 1),
        None => (request.created, 24),
    };
    let due = since + Duration::from_secs(hours * 3600);
    if due > ctx.now {
        return Ok(Requeue::After(due.since(ctx.now)));
    }
    let options = DeleteOptions::default().of_uid(request.uid.as_str());
    ignore_absent(ctx.client(&actor(NAME)).delete(REQUESTS, "", request.name(), &options))?;
    Ok(Requeue::Done)
}

impl Controller for Certificates {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[REQUESTS]
    }

    fn observe(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue<'_>) {
        if change.new.is_some() {
            queue.add(change.key());
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        match ctx.informers.get(REQUESTS, key).cloned() {
            Some(request) => (self.work)(&request, ctx),
            None => Ok(Requeue::Done),
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_pki::certificate::Subject;

    #[test]
    fn what_a_signer_refuses() {
        let user = Asked::default();
        let node = |names: &[&'static str]| {
            let mut asked = user.clone();
            asked.subject = Subject { common_name: "system:node:a".into(), organizations: vec!["system:nodes".into()] };
            asked.alternatives = names.to_vec();
            asked
        };
        let cases: [(usize, &Asked, &[&str], Option<&str>); 10] = [
            (0, &user, &["client auth"], None),
            (0, &user, &["server auth"], Some("invalid usage for client certificate: server auth")),
            (0, &user, &["digital signature"], Some("missing required usage for client certificate: client auth")),
            (1, &user, &["client auth"], Some("subject organization is not system:nodes")),
            (1, &node(&[]), &["client auth", "digital signature"], None),
            (1, &node(&["IP"]), &["client auth"], Some("IP subjectAltNames are not allowed")),
            (
                1,
                &node(&[]),
                &["client auth"],
                Some("usages did not match [client auth digital signature key encipherment]"),
            ),
            (2, &node(&[]), &["server auth"], Some("DNS or IP subjectAltName is required")),
            (2, &node(&["DNS", "URI"]), &["server auth"], Some("URI subjectAltNames are not allowed")),
            (2, &node(&["DNS", "IP"]), &["server auth", "digital signature", "key encipherment"], None),
        ];
        for (signer, asked, usages, expected) in cases {
            let (name, check) = SIGNERS[signer];
            assert_eq!(check(asked, usages).as_deref(), expected, "{name} {usages:?}");
        }
    }
}
