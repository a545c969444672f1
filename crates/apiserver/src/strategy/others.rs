//! Networking, roles, policies, classes, certificates.

use drydock_api::Status;
use drydock_value::Value;

use super::{PLAIN, Strategy, WITH_STATUS, spec_changed, warnings};
use crate::kinds;
use crate::server::ApiServer;
use crate::validation::{
    Errors, Path, admission, certificates, cluster, custom, devices, flows, names, network, policy, rbac, slices,
    webhooks,
};
use crate::verbs::{Cx, Part};
use drydock_pki::request;

/// Roles and bindings: named freely, created by an update too.
const RBAC: Strategy = Strategy { name: names::path_segment, create_on_update: true, ..PLAIN };

pub(super) fn rows() -> Vec<Strategy> {
    vec![
        Strategy {
            kind: kinds::INGRESSES,
            generation: Some(spec_changed),
            validate: Some(network::new_ingress),
            validate_update: Some(|new, _, errors| network::ingress(new, errors)),
            warnings: Some(warnings::ingress),
            ..WITH_STATUS
        },
        Strategy {
            kind: kinds::INGRESS_CLASSES,
            generation: Some(spec_changed),
            validate: Some(network::ingress_class),
            validate_update: Some(network::ingress_class_update),
            ..PLAIN
        },
        Strategy {
            kind: kinds::NETWORK_POLICIES,
            generation: Some(spec_changed),
            validate: Some(network::network_policy),
            ..PLAIN
        },
        Strategy {
            kind: kinds::POD_DISRUPTION_BUDGETS,
            generation: Some(spec_changed),
            validate: Some(policy::disruption_budget),
            ..WITH_STATUS
        },
        Strategy {
            kind: kinds::PRIORITY_CLASSES,
            generation: Some(|_, _| false),
            validate: Some(policy::priority_class),
            validate_update: Some(policy::priority_class_update),
            ..PLAIN
        },
        Strategy { kind: kinds::ROLES, validate: Some(rbac::role), ..RBAC },
        Strategy { kind: kinds::CLUSTER_ROLES, validate: Some(rbac::cluster_role), ..RBAC },
        Strategy {
            kind: kinds::ROLE_BINDINGS,
            validate: Some(rbac::role_binding),
            validate_update: Some(rbac::role_binding_update),
            ..RBAC
        },
        Strategy {
            kind: kinds::CLUSTER_ROLE_BINDINGS,
            validate: Some(rbac::cluster_role_binding),
            validate_update: Some(rbac::cluster_role_binding_update),
            ..RBAC
        },
        Strategy { kind: kinds::LEASES, create_on_update: true, validate: Some(cluster::lease), ..PLAIN },
        Strategy {
            kind: kinds::RUNTIME_CLASSES,
            validate: Some(cluster::runtime_class),
            validate_update: Some(cluster::runtime_class_update),
            ..PLAIN
        },
        Strategy {
            kind: kinds::CERTIFICATE_SIGNING_REQUESTS,
            prepare_create: Some(signing_request),
            prepare_update: Some(signing_request_update),
            validate: Some(certificates::signing_request),
            validate_update: Some(certificates::signing_request_update),
            validate_status: Some(certificates::signing_request_update),
            ..WITH_STATUS
        },
        Strategy {
            kind: kinds::API_SERVICES,
            prepare_create: Some(|server, _, service| {
                if service["spec"]["service"].is_null() {
                    service.set("status", crate::aggregated::local_status(&server.now.rfc3339()));
                }
                Ok(())
            }),
            validate: Some(cluster::api_service),
            name: names::path_segment,
            ..WITH_STATUS
        },
        Strategy { kind: kinds::CSI_DRIVERS, generation: Some(spec_changed), ..PLAIN },
        Strategy {
            kind: kinds::VALIDATING_WEBHOOK_CONFIGURATIONS,
            generation: Some(|old, new| old["webhooks"] != new["webhooks"]),
            validate: Some(webhooks::webhooks),
            ..PLAIN
        },
        Strategy {
            kind: kinds::MUTATING_WEBHOOK_CONFIGURATIONS,
            generation: Some(|old, new| old["webhooks"] != new["webhooks"]),
            validate: Some(webhooks::webhooks),
            ..PLAIN
        },
        Strategy {
            kind: kinds::VALIDATING_ADMISSION_POLICIES,
            generation: Some(spec_changed),
            validate: Some(admission::validating_policy),
            ..WITH_STATUS
        },
        Strategy {
            kind: kinds::VALIDATING_ADMISSION_POLICY_BINDINGS,
            generation: Some(spec_changed),
            validate: Some(admission::validating_binding),
            ..PLAIN
        },
        Strategy {
            kind: kinds::MUTATING_ADMISSION_POLICIES,
            generation: Some(spec_changed),
            validate: Some(admission::mutating_policy),
            ..PLAIN
        },
        Strategy {
            kind: kinds::MUTATING_ADMISSION_POLICY_BINDINGS,
            generation: Some(spec_changed),
            validate: Some(admission::mutating_binding),
            ..PLAIN
        },
        Strategy {
            kind: kinds::CUSTOM_RESOURCE_DEFINITIONS,
            generation: Some(spec_changed),
            prepare_create: Some(crate::custom::prepare_create),
            prepare_update: Some(crate::custom::prepare_update),
            validate: Some(custom::definition),
            validate_update: Some(custom::definition_update),
            warnings: Some(custom::warnings),
            account: Some(crate::custom::account),
            ..WITH_STATUS
        },
        Strategy {
            kind: kinds::DEVICE_CLASSES,
            generation: Some(spec_changed),
            validate: Some(devices::class),
            ..PLAIN
        },
        Strategy {
            kind: kinds::RESOURCE_CLAIMS,
            validate: Some(devices::claim),
            validate_update: Some(devices::same_spec),
            validate_status: Some(slices::claim_status),
            ..WITH_STATUS
        },
        Strategy {
            kind: kinds::RESOURCE_CLAIM_TEMPLATES,
            validate: Some(devices::template),
            validate_update: Some(devices::same_spec),
            ..PLAIN
        },
        Strategy {
            kind: kinds::RESOURCE_SLICES,
            generation: Some(spec_changed),
            prepare_create: Some(|server, _, slice| {
                date_taints(server, slice);
                Ok(())
            }),
            prepare_update: Some(|server, _, slice, _| {
                date_taints(server, slice);
                Ok(())
            }),
            validate: Some(slices::slice),
            validate_update: Some(slices::slice_update),
            ..PLAIN
        },
        Strategy {
            kind: kinds::FLOW_SCHEMAS,
            generation: Some(spec_changed),
            account: Some(crate::flows::account),
            validate: Some(flows::flow_schema),
            ..WITH_STATUS
        },
        Strategy {
            kind: kinds::PRIORITY_LEVEL_CONFIGURATIONS,
            generation: Some(spec_changed),
            account: Some(crate::flows::account_level),
            validate: Some(flows::priority_level),
            ..WITH_STATUS
        },
    ]
}

/// Notes who asks for a certificate, whose signature must be that of the key.
/// Devices' taints say since when they are there.
fn date_taints(server: &ApiServer, slice: &mut Value) {
    let tainted = |device: &Value| device["taints"].items().iter().any(|taint| taint["timeAdded"].is_null());
    if !slice["spec"]["devices"].items().iter().any(tainted) {
        return;
    }
    for device in slice["spec"]["devices"].items_mut().iter_mut().filter(|device| tainted(device)) {
        for taint in device["taints"].items_mut().iter_mut().filter(|taint| taint["timeAdded"].is_null()) {
            taint.set("timeAdded", server.now.rfc3339());
        }
    }
}

fn signing_request(server: &mut ApiServer, cx: &Cx, request: &mut Value) -> Result<(), Status> {
    if let Some(check) = server.config.signature_check.0 {
        let text = drydock_schema::base64::decode(request["spec"]["request"].str()).unwrap_or_default();
        let signed = request::signed(&String::from_utf8_lossy(&text));
        if let Some(Err(why)) = signed.as_ref().map(check) {
            let mut errors = Errors::default();
            errors.invalid(&Path::new("spec").field("request"), &request["spec"]["request"], &why);
            let (kind, name) = (kinds::CERTIFICATE_SIGNING_REQUESTS.info(), request["metadata"]["name"].str());
            return Err(Status::invalid(kind.group, kind.kind, name, errors.0));
        }
    }
    let user = cx.user.to_value();
    let spec = &mut request["spec"];
    for key in ["username", "uid", "groups", "extra"] {
        if user[key].is_empty() {
            spec.remove(key);
        } else {
            spec.set(key, &user[key]);
        }
    }
    Ok(())
}

/// The spec of a request never changes; decisions are made by its approval alone; conditions keep the moment at which
/// they came.
fn signing_request_update(server: &mut ApiServer, part: Part, new: &mut Value, old: &Value) -> Result<(), Status> {
    new.set("spec", &old["spec"]);
    if part == Part::Main {
        return Ok(());
    }
    if part == Part::Approval {
        let conditions = new["status"].remove("conditions");
        new.set("status", &old["status"]);
        if conditions.is_empty() {
            new["status"].remove("conditions");
        } else {
            new["status"].set("conditions", conditions);
        }
    }
    let now = server.now.rfc3339();
    let before = &old["status"]["conditions"];
    if new["status"]["conditions"].is_empty() {
        return Ok(());
    }
    let mut errors = Errors::default();
    for condition in new["status"]["conditions"].items_mut() {
        let known = before.find("type", condition["type"].str());
        if part == Part::Status && matches!(condition["type"].str(), "Approved" | "Denied") {
            match known {
                Some(known) => condition.clone_from(known),
                None => errors.forbidden(
                    &Path::new("status").field("conditions"),
                    format!("updates may not add a condition of type {:?}", condition["type"].str()),
                ),
            }
            continue;
        }
        if condition["lastUpdateTime"].is_null() {
            condition.set("lastUpdateTime", now.as_str());
        }
        if condition["lastTransitionTime"].is_null() {
            let same = known.filter(|known| known["status"] == condition["status"]);
            let since = same.map(|known| known["lastTransitionTime"].str()).filter(|since| !since.is_empty());
            condition.set("lastTransitionTime", since.unwrap_or(&now));
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    let (kind, name) = (kinds::CERTIFICATE_SIGNING_REQUESTS.info(), old["metadata"]["name"].str());
    Err(Status::invalid(kind.group, kind.kind, name, errors.0))
}
