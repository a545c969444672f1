//! From a pod's spec and an image to how a container is made.

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_schema::quantity::Quantity;
use drydock_shell::{Rights, Signal};
use drydock_value::{Str, Value};

use super::env::{self, Source, expand};
use super::volumes::{Kept, Look, Unplaced};
use crate::runtime::images::User;
use crate::runtime::{ContainerConfig, Image, Limits, Mount, VolumeId};

/// What the name of a volume ends in whose files lie there without links, to be mounted in parts.
pub const PARTS: &str = "/parts";

/// Makes the configuration of a container.
///
/// # Errors
/// What is wrong with the spec, in the kubelet's words: the pod waits with CreateContainerConfigError.
pub fn container(
    look: &Look<'_>,
    spec: &Value,
    image: &Image,
    hostname: &str,
    file: &dyn Fn(&str, &str) -> Option<String>,
) -> Result<ContainerConfig, String> {
    let pod = &look.pod.value;
    let source = Source { pod, container: spec, ip: look.ip, node: look.node, informers: look.informers, file };
    let declared = env::environment(&source)?;
    let user = user(look, spec, image)?;
    let mut environment: SortedMap<String, String> = image.env.iter().cloned().collect();
    environment.insert("HOSTNAME".into(), hostname.into());
    environment.insert("HOME".into(), if user.uid == 0 { "/root".into() } else { "/".into() });
    if spec["tty"].is_true() {
        environment.insert("TERM".into(), "xterm".into());
    }
    environment.extend(declared.iter().map(|(name, value)| (name.clone(), value.clone())));
    let words = |list: &Value| -> Vec<String> {
        list.items().iter().map(|word| expand(word.str(), |name| declared.get(name).cloned())).collect()
    };
    let (command, args) = (words(&spec["command"]), words(&spec["args"]));
    let argv = match (command.is_empty(), args.is_empty()) {
        (false, _) => command.into_iter().chain(args).collect(),
        (true, false) => image.entrypoint.iter().cloned().chain(args).collect(),
        (true, true) => image.entrypoint.iter().chain(&image.command).cloned().collect(),
    };
    let cwd = match spec["workingDir"].str() {
        "" => image.workdir.clone(),
        path => path.to_owned(),
    };
    let security = &spec["securityContext"];
    let stop = spec["lifecycle"]["stopSignal"].as_str().unwrap_or(&image.stop_signal);
    Ok(ContainerConfig {
        name: spec["name"].str().into(),
        argv,
        env: Arc::new(environment),
        cwd: if cwd.is_empty() { "/".into() } else { cwd },
        rights: rights(look, security, &user),
        user,
        sysctls: look.pod["spec"]["securityContext"]["sysctls"]
            .items()
            .iter()
            .map(|sysctl| (sysctl["name"].str().replace('/', "."), sysctl["value"].str().to_owned()))
            .collect(),
        privileged: security["privileged"].is_true(),
        tty: spec["tty"].is_true(),
        stdin: spec["stdin"].is_true(),
        stdin_once: spec["stdinOnce"].is_true(),
        target: spec["targetContainerName"].as_str().filter(|name| !name.is_empty()).map(Str::from),
        mounts: mounts(look, spec, &declared)?,
        read_only: security["readOnlyRootFilesystem"].is_true(),
        stop_signal: Signal::parse(stop).unwrap_or(Signal::Term),
        limits: limits(&spec["resources"]),
        message_path: spec["terminationMessagePath"].as_str().unwrap_or("/dev/termination-log").into(),
        message_from_log: spec["terminationMessagePolicy"] == "FallbackToLogsOnError",
    })
}

/// The numbers of a container's control group.
pub fn limits(resources: &Value) -> Limits {
    let amount = |list: &str, name: &str| resources[list].get(name).and_then(|value| Quantity::of(value).ok());
    let milli = |list: &str| amount(list, "cpu").map(|cpu| cpu.milli_value().max(0).unsigned_abs());
    let limit = milli("limits").map(|milli| milli.max(1));
    let memory = amount("limits", "memory").map(|memory| memory.value().max(0).unsigned_abs());
    // From thousandths to shares to weights, as kubelets and runtimes count.
    let shares = milli("requests").or(limit).map(|milli| (milli * 1024 / 1000).clamp(2, 262_144));
    Limits { cpu_milli: limit, memory, weight: shares.map(|shares| 1 + (shares - 2) * 9999 / 262_142) }
}

/// What a container's processes may do.
fn rights(look: &Look<'_>, own: &Value, user: &User) -> Rights {
    let spec = &look.pod["spec"];
    let groups = user.groups.clone();
    let users = (spec["hostUsers"].as_bool() == Some(false)).then(|| (look.id as u32 % 60_000 + 1) << 16);
    if own["privileged"].is_true() {
        return Rights { groups, users, ..Rights::default() };
    }
    let named =
        |list: &str| own["capabilities"][list].items().iter().fold(0, |all, name| all | Rights::capability(name.str()));
    let (add, drop) = (named("add"), named("drop"));
    let capabilities = match (add == Rights::ALL, drop == Rights::ALL) {
        (true, _) => Rights::ALL & !drop,
        (false, true) => add,
        _ => (Rights::USUAL | add) & !drop,
    };
    let profile =
        own["seccompProfile"]["type"].as_str().or_else(|| spec["securityContext"]["seccompProfile"]["type"].as_str());
    Rights {
        groups,
        capabilities,
        no_more: own["allowPrivilegeEscalation"].as_bool() == Some(false),
        filtered: profile.is_some_and(|profile| profile != "Unconfined"),
        users,
    }
}

fn user(look: &Look<'_>, spec: &Value, image: &Image) -> Result<User, String> {
    let (own, pods) = (&spec["securityContext"], &look.pod["spec"]["securityContext"]);
    let pick = |field: &str| own[field].as_i64().or_else(|| pods[field].as_i64());
    let mut user = pick("runAsUser").map_or_else(|| image.user.clone(), |uid| image.user_of(uid as u32));
    if let Some(gid) = pick("runAsGroup") {
        user.groups.retain(|group| *group != user.gid);
        user.gid = gid as u32;
        user.groups.push(user.gid);
    }
    if pods["supplementalGroupsPolicy"] == "Strict" {
        user.groups = vec![user.gid];
    }
    for group in pods["supplementalGroups"].items().iter().chain(pods.get("fsGroup")) {
        user.groups.push(group.int() as u32);
    }
    user.groups.sort_compact();
    user.groups.dedup();
    let must_not_be_root = own["runAsNonRoot"].as_bool().or_else(|| pods["runAsNonRoot"].as_bool()).unwrap_or(false);
    if must_not_be_root && user.uid == 0 {
        let what = if pick("runAsUser") == Some(0) {
            "container's runAsUser breaks non-root policy"
        } else {
            "container has runAsNonRoot and image will run as root"
        };
        let name = spec["name"].str();
        return Err(format!("{what} (pod: \"{}\", container: {name})", super::worker::full_name(look.pod)));
    }
    Ok(user)
}

fn mounts(look: &Look<'_>, spec: &Value, env: &SortedMap<String, String>) -> Result<Vec<Mount>, String> {
    let volumes = &look.pod["spec"]["volumes"];
    let mut mounts = Vec::new();
    for mount in spec["volumeMounts"].items() {
        let Some(volume) = volumes.find("name", mount["name"].str()) else { continue };
        let mut sub_path = match mount["subPathExpr"].as_str() {
            Some(expression) => {
                let missing = std::cell::RefCell::new(None);
                let path = expand(expression, |name| {
                    let value = env.get(name).cloned();
                    if value.is_none() {
                        *missing.borrow_mut() = Some(name.to_owned());
                    }
                    value
                });
                if let Some(name) = missing.into_inner() {
                    return Err(format!("missing value for {name:?}"));
                }
                path
            }
            None => mount["subPath"].str().to_owned(),
        };
        if sub_path.starts_with('/') {
            return Err(format!("error SubPath `{sub_path}` must not be an absolute path"));
        }
        if sub_path.split('/').any(|part| part == "..") {
            return Err(format!("unable to provision SubPath `{sub_path}`: must not contain '..'"));
        }
        let (id, fixed) = match look.place(volume).map_err(Unplaced::why)? {
            Kept::Shared(id, path) => {
                if !path.trim_matches('/').is_empty() {
                    sub_path = format!("{}/{sub_path}", path.trim_matches('/'));
                }
                (id, false)
            }
            Kept::Fixed(id) => {
                // A part of the volume is mounted for itself, not through the links of the whole.
                let name = if sub_path.is_empty() { id.name } else { format!("{}{PARTS}", id.name).into() };
                (VolumeId { name, ..id }, true)
            }
        };
        let claim_read_only = ["persistentVolumeClaim", "nfs"].iter().any(|kind| volume[*kind]["readOnly"].is_true())
            || volume.get("image").is_some();
        mounts.push(Mount {
            volume: id,
            path: mount["mountPath"].str().trim_end_matches('/').to_owned(),
            sub_path: sub_path.trim_end_matches('/').to_owned(),
            read_only: mount["readOnly"].is_true() || claim_read_only,
            fixed,
        });
    }
    for mount in mounts.iter_mut().filter(|mount| mount.path.is_empty()) {
        mount.path = "/".into();
    }
    Ok(mounts)
}
