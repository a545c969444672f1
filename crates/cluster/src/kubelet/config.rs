//! From a pod's spec and an image to how a container is made.

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_schema::quantity::Quantity;
use drydock_shell::Signal;
use drydock_value::Value;

use super::env::{self, Source, expand};
use super::volumes::{Kept, Look, Unplaced};
use crate::runtime::images::User;
use crate::runtime::{ContainerConfig, Image, Mount, VolumeId};

/// What the name of a volume ends in whose files lie there without links, to be mounted in parts.
pub const PARTS: &str = "/parts";

/// Makes the configuration of a container.
///
/// # Errors
/// What is wrong with the spec, in the kubelet's words: the pod waits with CreateContainerConfigError.
pub fn container(look: &Look<'_>, spec: &Value, image: &Image, hostname: &str) -> Result<ContainerConfig, String> {
    let pod = &look.pod.value;
    let source = Source { pod, container: spec, ip: look.ip, node: look.node, informers: look.informers };
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
    let limits = &spec["resources"]["limits"];
    let amount = |name: &str| limits.get(name).and_then(|value| Quantity::of(value).ok());
    let stop = spec["lifecycle"]["stopSignal"].as_str().unwrap_or(&image.stop_signal);
    Ok(ContainerConfig {
        name: spec["name"].str().into(),
        argv,
        env: Arc::new(environment),
        cwd: if cwd.is_empty() { "/".into() } else { cwd },
        user,
        tty: spec["tty"].is_true(),
        stdin: spec["stdin"].is_true(),
        stdin_once: spec["stdinOnce"].is_true(),
        mounts: mounts(look, spec, &declared)?,
        read_only: security["readOnlyRootFilesystem"].is_true(),
        stop_signal: Signal::parse(stop).unwrap_or(Signal::Term),
        cpu_milli: amount("cpu").map(|cpu| cpu.milli_value().max(1).unsigned_abs()),
        memory: amount("memory").map(|memory| memory.value().max(0).unsigned_abs()),
        message_path: spec["terminationMessagePath"].as_str().unwrap_or("/dev/termination-log").into(),
        message_from_log: spec["terminationMessagePolicy"] == "FallbackToLogsOnError",
    })
}

fn user(look: &Look<'_>, spec: &Value, image: &Image) -> Result<User, String> {
    let (own, pods) = (&spec["securityContext"], &look.pod["spec"]["securityContext"]);
    let pick = |field: &str| own[field].as_i64().or_else(|| pods[field].as_i64());
    let mut user = image.user.clone();
    if let Some(uid) = pick("runAsUser") {
        user.uid = uid as u32;
        if uid != 0 {
            user.gid = 0;
        }
    }
    if let Some(gid) = pick("runAsGroup") {
        user.gid = gid as u32;
    }
    if user.uid != image.user.uid || user.gid != image.user.gid {
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
        let claim_read_only = ["persistentVolumeClaim", "nfs"].iter().any(|kind| volume[*kind]["readOnly"].is_true());
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
