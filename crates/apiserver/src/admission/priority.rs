//! Priority: a pod's number comes from its class.

use drydock_api::Status;
use drydock_value::Value;

use crate::kinds;
use crate::server::ApiServer;
use crate::verbs::{forbidden, told_name};

pub(super) fn admit(server: &ApiServer, pod: &mut Value, old: Option<&Value>) -> Result<(), Status> {
    if let Some(old) = old {
        for key in ["priority", "preemptionPolicy"] {
            if pod["spec"][key].is_null() && !old["spec"][key].is_null() {
                pod["spec"].set(key, &old["spec"][key]);
            }
        }
        return Ok(());
    }
    let refuse = |pod: &Value, why: String| Err(forbidden(kinds::PODS, told_name(pod), &why));
    let wanted = pod["spec"]["priorityClassName"].str().to_owned();
    let (mut priority, mut policy) = (0, "PreemptLowerPriority".to_owned());
    let class =
        if wanted.is_empty() { default_class(server) } else { server.store.get(kinds::PRIORITY_CLASSES, "", &wanted) };
    match class {
        Some(class) => {
            priority = class["value"].int();
            if let Some(own) = class["preemptionPolicy"].as_str() {
                policy = own.to_owned();
            }
            pod["spec"].set("priorityClassName", class["metadata"]["name"].clone());
        }
        None if !wanted.is_empty() => {
            return refuse(pod, format!("no PriorityClass with name {wanted} was found"));
        }
        None => {}
    }
    if let Some(given) = pod["spec"]["priority"].as_i64()
        && given != priority
    {
        return refuse(
            pod,
            format!(
                "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller \
                 computed {priority} from the given PriorityClass name"
            ),
        );
    }
    if let Some(given) = pod["spec"]["preemptionPolicy"].as_str()
        && given != policy
    {
        return refuse(
            pod,
            format!(
                "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission \
                 controller computed {policy} from the given PriorityClass name"
            ),
        );
    }
    pod["spec"].set("priority", priority);
    pod["spec"].set("preemptionPolicy", policy);
    Ok(())
}

/// The class of pods that name none: of several defaults, the one with the lowest value.
fn default_class(server: &ApiServer) -> Option<&Value> {
    server
        .store
        .all(kinds::PRIORITY_CLASSES)
        .filter(|class| class["globalDefault"].is_true())
        .min_by_key(|class| class["value"].int())
}

/// There is at most one default.
pub(super) fn validate_class(server: &ApiServer, class: &Value) -> Result<(), Status> {
    if !class["globalDefault"].is_true() {
        return Ok(());
    }
    let name = class["metadata"]["name"].str();
    match default_class(server) {
        Some(other) if other["metadata"]["name"] != *name => Err(forbidden(
            kinds::PRIORITY_CLASSES,
            name,
            &format!(
                "PriorityClass {} is already marked as default. Only one default can exist",
                other["metadata"]["name"].str()
            ),
        )),
        _ => Ok(()),
    }
}
