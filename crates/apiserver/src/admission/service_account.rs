//! ServiceAccount: a pod runs as an account that exists, and gets its token mounted.

use std::sync::OnceLock;

use drydock_api::Status;
use drydock_value::{Value, value};

use super::Attributes;
use crate::kinds;
use crate::server::ApiServer;
use crate::verbs::{forbidden, told_name};

const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME_PREFIX: &str = "kube-api-access-";
const MIRROR: &str = "kubernetes.io/config.mirror";

/// Seconds that a mounted token lives: an hour, and seven seconds that tell it from a token somebody asked for.
const TOKEN_SECONDS: i64 = 3607;

pub(super) fn admit(server: &mut ApiServer, attributes: &Attributes<'_>, pod: &mut Value) -> Result<(), Status> {
    if pod["metadata"]["annotations"].get(MIRROR).is_some() {
        return Ok(());
    }
    let mut name = pod["spec"]["serviceAccountName"].str().to_owned();
    if name.is_empty() {
        name = "default".into();
    }
    pod["spec"].set("serviceAccountName", name.as_str());
    pod["spec"].set("serviceAccount", name.as_str());
    let namespace = attributes.namespace;
    let Some(account) = server.store.get(kinds::SERVICE_ACCOUNTS, namespace, &name).cloned() else {
        let why = format!("error looking up service account {namespace}/{name}: serviceaccount {name:?} not found");
        return Err(forbidden(kinds::PODS, told_name(pod), &why));
    };
    let automount = pod["spec"]["automountServiceAccountToken"]
        .as_bool()
        .or_else(|| account["automountServiceAccountToken"].as_bool())
        .unwrap_or(true);
    if automount {
        mount_token(server, pod);
    }
    if pod["spec"]["imagePullSecrets"].is_empty() && !account["imagePullSecrets"].is_empty() {
        pod["spec"].set("imagePullSecrets", &account["imagePullSecrets"]);
    }
    Ok(())
}

fn mount_token(server: &mut ApiServer, pod: &mut Value) {
    let spec = &mut pod["spec"];
    let existing = spec["volumes"].items().iter().map(|volume| volume["name"].str());
    let existing = existing.filter(|name| name.starts_with(VOLUME_PREFIX)).map(str::to_owned).next();
    let is_new = existing.is_none();
    let name = existing.unwrap_or_else(|| format!("{VOLUME_PREFIX}{}", server.random.suffix(5)));
    let mount = value!({"name": name.as_str(), "mountPath": MOUNT_PATH, "readOnly": true});
    let mut used = false;
    for key in ["initContainers", "containers"] {
        for at in 0..spec[key].items().len() {
            if spec[key][at]["volumeMounts"].items().iter().all(|m| m["mountPath"] != *MOUNT_PATH) {
                spec[key][at]["volumeMounts"].push(mount.clone());
                used = true;
            }
        }
    }
    if used && is_new {
        spec["volumes"].push(value!({"name": name, "projected": projection()}));
    }
}

/// What the volume shows: the same for every pod.
fn projection() -> &'static Value {
    static PROJECTION: OnceLock<Value> = OnceLock::new();
    PROJECTION.get_or_init(|| {
        value!({
            "defaultMode": 420,
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [{
                    "path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
                }]}}
            ]
        })
    })
}
