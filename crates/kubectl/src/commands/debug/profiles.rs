//! What the profiles of `kubectl debug` make of the container and its pod.

use drydock_value::{Value, value};

use crate::failure::Failure;
use crate::invocation::Invocation;

/// What is debugged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A container is added to the running pod.
    Ephemeral,
    /// A copy of a pod.
    Copy,
    /// A pod on a node.
    Node,
}

/// A profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// As it was before there were profiles.
    Legacy,
    /// Processes can be traced.
    General,
    /// As much as the baseline of the pod security standards allows.
    Baseline,
    /// As much as their restricted level allows.
    Restricted,
    /// The network can be administered.
    NetAdmin,
    /// Everything.
    SysAdmin,
}

impl Profile {
    /// Of `--profile`.
    ///
    /// # Errors
    /// `unknown profile: x`
    pub fn of(inv: &Invocation) -> Result<Profile, Failure> {
        Ok(match inv.flags.str("profile") {
            "legacy" => Profile::Legacy,
            "general" => Profile::General,
            "baseline" => Profile::Baseline,
            "restricted" => Profile::Restricted,
            "netadmin" => Profile::NetAdmin,
            "sysadmin" => Profile::SysAdmin,
            other => return Err(format!("unknown profile: {other}").into()),
        })
    }

    /// Changes a pod and the container in it that is called so.
    pub fn apply(self, inv: &Invocation, pod: &mut Value, name: &str, style: Style) {
        if style == Style::Copy {
            self.strip_copy(inv, pod);
        }
        if style == Style::Node {
            if matches!(self, Profile::Legacy | Profile::General | Profile::SysAdmin) {
                mount_root(pod, name);
            }
            if !matches!(self, Profile::Baseline | Profile::Restricted) {
                for field in ["hostNetwork", "hostPID", "hostIPC"] {
                    pod["spec"].set(field, true);
                }
            }
        }
        let Some(container) = container(pod, name) else { return };
        match self {
            Profile::Legacy => {}
            Profile::General if style == Style::Node => {
                container.remove("securityContext");
            }
            Profile::General => add_capability(container, "SYS_PTRACE"),
            Profile::Baseline => {
                container.remove("securityContext");
            }
            Profile::Restricted => container.set(
                "securityContext",
                value!({
                    "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true,
                    "seccompProfile": {"type": "RuntimeDefault"}
                }),
            ),
            Profile::NetAdmin => {
                add_capability(container, "NET_ADMIN");
                add_capability(container, "NET_RAW");
            }
            Profile::SysAdmin => container["securityContext"].set("privileged", true),
        }
    }

    /// What a copy does not keep, so that nobody takes it for the pod.
    fn strip_copy(self, inv: &Invocation, pod: &mut Value) {
        let keep = |flag: &str| inv.flags.bool(flag);
        if self == Profile::Legacy {
            pod["metadata"].remove("labels");
            return;
        }
        for (flag, field) in [("keep-labels", "labels"), ("keep-annotations", "annotations")] {
            if !keep(flag) {
                pod["metadata"].remove(field);
            }
        }
        for container in pod["spec"]["containers"].items_mut() {
            for (flag, field) in [
                ("keep-liveness", "livenessProbe"),
                ("keep-readiness", "readinessProbe"),
                ("keep-startup", "startupProbe"),
            ] {
                if !keep(flag) {
                    container.remove(field);
                }
            }
        }
        if !keep("keep-init-containers") {
            pod["spec"].remove("initContainers");
        }
        if pod["spec"].get("shareProcessNamespace").is_none() {
            pod["spec"].set("shareProcessNamespace", true);
        }
    }
}

/// The first container of a pod that is called so.
pub fn container<'p>(pod: &'p mut Value, name: &str) -> Option<&'p mut Value> {
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let list = lists.into_iter().find(|list| pod["spec"][*list].items().iter().any(|item| item["name"] == *name))?;
    pod["spec"][list].items_mut().iter_mut().find(|item| item["name"] == *name)
}

/// The node's files at `/host`.
fn mount_root(pod: &mut Value, name: &str) {
    pod["spec"]["volumes"].push(value!({"name": "host-root", "hostPath": {"path": "/"}}));
    if let Some(container) = container(pod, name) {
        container["volumeMounts"].push(value!({"mountPath": "/host", "name": "host-root"}));
    }
}

fn add_capability(container: &mut Value, capability: &str) {
    container["securityContext"]["capabilities"]["add"].push(capability);
}
