//! RuntimeClass: a pod's runtime exists; what it costs is added to the pod.

use drydock_api::Status;
use drydock_value::Value;

use crate::kinds;
use crate::server::ApiServer;
use crate::verbs::{forbidden, told_name};

pub(super) fn admit(server: &ApiServer, pod: &mut Value) -> Result<(), Status> {
    let name = pod["spec"]["runtimeClassName"].str().to_owned();
    let refuse = |pod: &Value, why: &str| Err(forbidden(kinds::PODS, told_name(pod), why));
    if name.is_empty() {
        if !pod["spec"]["overhead"].is_empty() {
            return refuse(pod, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
        }
        return Ok(());
    }
    let Some(class) = server.store.get(kinds::RUNTIME_CLASSES, "", &name) else {
        return refuse(pod, &format!("pod rejected: RuntimeClass {name:?} not found"));
    };
    let overhead = &class["overhead"]["podFixed"];
    if !overhead.is_null() {
        if !pod["spec"]["overhead"].is_null() && pod["spec"]["overhead"] != *overhead {
            return refuse(pod, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
        }
        pod["spec"].set("overhead", overhead);
    }
    let scheduling = &class["scheduling"];
    for (key, wanted) in scheduling["nodeSelector"].entries() {
        let own = &pod["spec"]["nodeSelector"][key];
        if !own.is_null() && own != wanted {
            return refuse(
                pod,
                &format!(
                    "pod rejected: conflict: runtimeClass.scheduling.nodeSelector[{key}] = {}; pod.spec.nodeSelector[{key}] = {}",
                    wanted.str(),
                    own.str()
                ),
            );
        }
        pod["spec"]["nodeSelector"].set(key, wanted);
    }
    for toleration in scheduling["tolerations"].items() {
        if !pod["spec"]["tolerations"].items().contains(toleration) {
            pod["spec"]["tolerations"].push(toleration.clone());
        }
    }
    Ok(())
}
