//! Volumes: what a pod's volumes hold, and what is missing for them.

use std::sync::Arc;

use drydock_sorted::{SortedMap, SortedSet};

use drydock_shell::{Backing, Fs, Layout};
use drydock_value::{Str, Time, Value};

use super::env;
use crate::config::NodeConfig;
use crate::informers::Informers;
use crate::objects::Object;
use crate::runtime::{VolumeId, node_root};
use crate::store::kinds;

/// Where the files of a volume are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// In a volume that containers may write to, at a path in it.
    Shared(VolumeId, String),
    /// They follow from objects: the kubelet writes them.
    Fixed(VolumeId),
}

/// Why a volume cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unplaced {
    /// It is not known what to mount: nothing is tried for the volume.
    Unknown(String),
    /// What is to be mounted cannot be.
    Failed(String),
}

impl Unplaced {
    /// The words.
    pub fn why(self) -> String {
        let (Unplaced::Unknown(why) | Unplaced::Failed(why)) = self;
        why
    }
}

/// What looking at volumes needs.
pub struct Look<'a> {
    /// The pod.
    pub pod: &'a Object,
    /// The pod's number on its node.
    pub id: u64,
    /// The pod's address; empty while it has none.
    pub ip: &'a str,
    /// The node.
    pub node: &'a NodeConfig,
    /// The caches.
    pub informers: &'a Informers,
    /// The moment.
    pub now: Time,
    /// Tokens of the pod's service account, by the paths that they are wanted at.
    pub tokens: SortedMap<Str, String>,
}

impl Look<'_> {
    fn own(&self, volume: &Value) -> VolumeId {
        VolumeId { pod: self.id, name: volume["name"].str().into() }
    }

    /// Where a volume's files are.
    ///
    /// # Errors
    /// Why it cannot be mounted, in the kubelet's words.
    pub fn place(&self, volume: &Value) -> Result<Kept, Unplaced> {
        if let Some(host) = volume.get("hostPath") {
            return Ok(Kept::Shared(node_root(), host["path"].str().to_owned()));
        }
        if let Some(claim) = self.claim(volume) {
            let bound = self.claimed(&claim)?;
            let path = ["hostPath", "local"].iter().find_map(|kind| bound["spec"][*kind]["path"].as_str());
            return Ok(match path {
                Some(path) => Kept::Shared(node_root(), path.to_owned()),
                None => Kept::Shared(VolumeId { pod: 0, name: format!("pv:{}", bound.name()).into() }, String::new()),
            });
        }
        if let Some(nfs) = volume.get("nfs") {
            let name = format!("nfs:{}:{}", nfs["server"].str(), nfs["path"].str());
            return Ok(Kept::Shared(VolumeId { pod: 0, name: name.into() }, String::new()));
        }
        if let Some(csi) = volume.get("csi") {
            return Err(Unplaced::Failed(format!(
                "kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name {} not found in the list of \
                 registered CSI drivers",
                csi["driver"].str()
            )));
        }
        if ["configMap", "secret", "projected", "downwardAPI"].iter().any(|kind| volume.get(kind).is_some()) {
            self.entries(volume).map_err(Unplaced::Failed)?;
            return Ok(Kept::Fixed(self.own(volume)));
        }
        if volume.get("image").is_some() {
            return Ok(Kept::Fixed(self.own(volume)));
        }
        Ok(Kept::Shared(self.own(volume), String::new()))
    }

    /// The name of the claim that a volume is of.
    fn claim(&self, volume: &Value) -> Option<String> {
        if volume.get("ephemeral").is_some() {
            return Some(format!("{}-{}", self.pod.name(), volume["name"].str()));
        }
        volume.get("persistentVolumeClaim").map(|claim| claim["claimName"].str().to_owned())
    }

    /// The volume that a claim is bound to.
    fn claimed(&self, claim: &str) -> Result<&Arc<Object>, Unplaced> {
        let namespace = self.pod.namespace();
        let wrong = |why: &str| Err(Unplaced::Unknown(format!("error processing PVC {namespace}/{claim}: {why}")));
        let Some(object) = self.informers.find(kinds::PERSISTENT_VOLUME_CLAIMS, namespace.clone(), claim) else {
            let why = format!("failed to fetch PVC from API server: persistentvolumeclaims \"{claim}\" not found");
            return wrong(&why);
        };
        if object.deleting.is_some() {
            return wrong("PVC is being deleted");
        }
        if object["status"]["phase"] != "Bound" {
            return wrong("PVC is not bound");
        }
        let volume = object["spec"]["volumeName"].str();
        self.informers.find(kinds::PERSISTENT_VOLUMES, "", volume).map_or_else(
            || wrong(&format!("failed to fetch PV {volume} from API server: persistentvolumes \"{volume}\" not found")),
            Ok,
        )
    }

    /// What a volume takes from the node's own files, itself or through its claim.
    pub fn host_path(&self, volume: &Value) -> Value {
        match self.claim(volume) {
            Some(claim) => self.claimed(&claim).map(|object| object["spec"]["hostPath"].clone()).unwrap_or_default(),
            None => volume["hostPath"].clone(),
        }
    }

    /// The files of a volume that follow from objects: behind links that can be turned at once, or just so.
    ///
    /// # Errors
    /// What is missing.
    pub fn files(&self, volume: &Value, links: bool) -> Result<Fs, String> {
        let entries = self.entries(volume)?;
        // What must not be found on a disk is kept in memory.
        let secret = volume.get("secret").is_some() || volume.get("projected").is_some();
        let backing = if secret { Backing::Memory } else { Backing::Disk };
        let files = write(entries, links, self.now).on(backing);
        Ok(match self.file_group() {
            Some(group) => files.with_group(group, false),
            None => files,
        })
    }

    /// The group that the files of the pod's volumes are for.
    pub fn file_group(&self) -> Option<u32> {
        self.pod["spec"]["securityContext"]["fsGroup"].as_i64().and_then(|group| u32::try_from(group).ok())
    }

    /// The user that all of the pod's containers are said to run as, if it is one.
    fn file_user(&self) -> Option<u32> {
        let spec = &self.pod["spec"];
        let of = |container: &Value| {
            let own = container["securityContext"]["runAsUser"].as_i64();
            own.or_else(|| spec["securityContext"]["runAsUser"].as_i64())
        };
        let lists = ["initContainers", "containers", "ephemeralContainers"];
        let mut users = lists.into_iter().flat_map(|list| spec[list].items()).map(of);
        let first = users.next()??;
        users.all(|user| user == Some(first)).then(|| u32::try_from(first).ok())?
    }

    /// Path, content and mode of each file.
    fn entries(&self, volume: &Value) -> Result<Vec<Entry>, String> {
        let mut entries = Vec::new();
        if let Some(source) = volume.get("configMap") {
            self.config_map(source["name"].str(), source, mode(source, 0o644), &mut entries)?;
        } else if let Some(source) = volume.get("secret") {
            self.secret(source["secretName"].str(), source, mode(source, 0o644), &mut entries)?;
        } else if let Some(source) = volume.get("downwardAPI") {
            self.downward(source, mode(source, 0o644), &mut entries)?;
        } else if let Some(projected) = volume.get("projected") {
            let default = mode(projected, 0o644);
            // All objects that are not there are named, a missing key at once.
            let mut absent: Vec<String> = Vec::new();
            let mut note = |result: Result<(), String>| match result {
                Err(why) if why.ends_with(" not found") => {
                    absent.push(why);
                    Ok(())
                }
                result => result,
            };
            for source in projected["sources"].items() {
                if let Some(token) = source.get("serviceAccountToken") {
                    let path: Str = token["path"].str().into();
                    let bytes = self.tokens.get(&path).cloned().unwrap_or_default().into_bytes();
                    let owner = self.file_user();
                    let own = owner.is_some() || self.file_group().is_some();
                    let mode = if own { 0o600 } else { default };
                    entries.push(Entry { path, bytes, mode, uid: owner.unwrap_or(0) });
                } else if let Some(source) = source.get("configMap") {
                    note(self.config_map(source["name"].str(), source, default, &mut entries))?;
                } else if let Some(source) = source.get("secret") {
                    note(self.secret(source["name"].str(), source, default, &mut entries))?;
                } else if let Some(source) = source.get("downwardAPI") {
                    self.downward(source, default, &mut entries)?;
                }
            }
            absent.dedup();
            match absent.as_slice() {
                [] => {}
                [one] => return Err(one.clone()),
                several => return Err(format!("[{}]", several.join(", "))),
            }
        }
        Ok(entries)
    }

    fn config_map(&self, name: &str, source: &Value, mode: u16, out: &mut Vec<Entry>) -> Result<(), String> {
        let optional = source["optional"].is_true();
        let Some(object) = self.informers.find(kinds::CONFIG_MAPS, self.pod.namespace().clone(), name) else {
            return if optional { Ok(()) } else { Err(format!("configmap \"{name}\" not found")) };
        };
        let mut data: Vec<(&str, Vec<u8>)> =
            object["data"].entries().map(|(key, value)| (key, value.str().as_bytes().to_vec())).collect();
        let decode = |value: &Value| drydock_schema::base64::decode(value.str()).unwrap_or_default();
        data.extend(object["binaryData"].entries().map(|(key, value)| (key, decode(value))));
        let missing = |key: &str| format!("configmap references non-existent config key: {key}");
        select(&data, &source["items"], optional, mode, missing, out)
    }

    fn secret(&self, name: &str, source: &Value, mode: u16, out: &mut Vec<Entry>) -> Result<(), String> {
        let optional = source["optional"].is_true();
        let Some(object) = self.informers.find(kinds::SECRETS, self.pod.namespace().clone(), name) else {
            return if optional { Ok(()) } else { Err(format!("secret \"{name}\" not found")) };
        };
        let decode = |value: &Value| drydock_schema::base64::decode(value.str()).unwrap_or_default();
        let data: Vec<(&str, Vec<u8>)> = object["data"].entries().map(|(key, value)| (key, decode(value))).collect();
        let missing = |key: &str| format!("references non-existent secret key: {key}");
        select(&data, &source["items"], optional, mode, missing, out)
    }

    fn downward(&self, source: &Value, default: u16, out: &mut Vec<Entry>) -> Result<(), String> {
        for item in source["items"].items() {
            let text = if let Some(field) = item.get("fieldRef") {
                env::field(&self.pod.value, self.node, self.ip, field["fieldPath"].str())?
            } else {
                env::resource(&self.pod.value, &Value::Null, self.node, &item["resourceFieldRef"])?
            };
            let mode = item["mode"].as_i64().map_or(default, |mode| mode as u16);
            out.push(Entry { path: item["path"].str().into(), bytes: text.into_bytes(), mode, uid: 0 });
        }
        Ok(())
    }
}

struct Entry {
    path: Str,
    bytes: Vec<u8>,
    mode: u16,
    uid: u32,
}

fn mode(source: &Value, default: u16) -> u16 {
    source["defaultMode"].as_i64().map_or(default, |mode| mode as u16)
}

/// Picks keys by `items`, or all.
fn select(
    data: &[(&str, Vec<u8>)],
    items: &Value,
    optional: bool,
    mode: u16,
    missing: impl Fn(&str) -> String,
    out: &mut Vec<Entry>,
) -> Result<(), String> {
    if items.items().is_empty() {
        out.extend(data.iter().map(|(key, bytes)| Entry { path: (*key).into(), bytes: bytes.clone(), mode, uid: 0 }));
        return Ok(());
    }
    for item in items.items() {
        let key = item["key"].str();
        match data.iter().find(|(name, _)| *name == key) {
            Some((_, bytes)) => {
                let mode = item["mode"].as_i64().map_or(mode, |mode| mode as u16);
                out.push(Entry { path: item["path"].str().into(), bytes: bytes.clone(), mode, uid: 0 });
            }
            None if optional => {}
            None => return Err(missing(key)),
        }
    }
    Ok(())
}

/// Lays files out as the kubelet's atomic writer does: in a folder named by the moment, which `..data` points to, and
/// which each visible name leads through.
fn write(entries: Vec<Entry>, links: bool, now: Time) -> Fs {
    let (year, month, day, hour, minute, second) = now.civil();
    let folder =
        format!("..{year:04}_{month:02}_{day:02}_{hour:02}_{minute:02}_{second:02}.{}", now.0 % 1_000_000 * 1000);
    let mut layout = Layout::new(now);
    let base = if links { folder.as_str() } else { "" };
    layout.dir(base);
    if links {
        let tops: SortedSet<&str> = entries.iter().filter_map(|entry| entry.path.split('/').next()).collect();
        for top in tops {
            layout.link(top, &format!("..data/{top}"));
        }
        layout.link("..data", &folder);
    }
    for entry in entries {
        layout.file_of(&format!("{base}/{}", entry.path), entry.bytes, entry.mode, entry.uid);
    }
    layout.finish(0o777)
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_shell::Vfs;
    use drydock_value::value;

    #[test]
    fn files_lie_behind_links() {
        let entry =
            |path: &str, text: &str| Entry { path: path.into(), bytes: text.as_bytes().to_vec(), mode: 0o600, uid: 0 };
        let fs = write(vec![entry("a", "1"), entry("d/b", "2")], true, Time::from_seconds(1_795_359_409));
        let vfs = Vfs::new(fs);
        assert_eq!(vfs.read_text("/a").unwrap(), "1");
        assert_eq!(vfs.read_text("/d/b").unwrap(), "2");
        assert_eq!(vfs.read_link("/a").unwrap(), "..data/a");
        assert_eq!(vfs.read_link("/..data").unwrap(), "..2026_11_22_14_56_49.0");
        assert_eq!(vfs.stat("/a").unwrap().mode, 0o600);
    }

    #[test]
    fn what_is_missing_is_named() {
        let pod = Object::read(value!({"metadata": {"name": "p", "namespace": "default"}, "spec": {}}), true);
        let node = NodeConfig::minikube(1).remove(0);
        let informers = Informers::default();
        let tokens = SortedMap::new();
        let look = Look { pod: &pod, id: 1, ip: "", node: &node, informers: &informers, now: Time::default(), tokens };
        for (volume, expected) in [
            (value!({"name": "v", "configMap": {"name": "missing-cm"}}), "configmap \"missing-cm\" not found"),
            (value!({"name": "v", "secret": {"secretName": "missing-s"}}), "secret \"missing-s\" not found"),
            (value!({"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}), "secret \"s\" not found"),
            (
                value!({"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "c"}}]}}),
                "[secret \"s\" not found, configmap \"c\" not found]",
            ),
        ] {
            assert_eq!(look.place(&volume), Err(Unplaced::Failed(expected.into())));
        }
        let claim = value!({"name": "v", "persistentVolumeClaim": {"claimName": "gone"}});
        let why = "error processing PVC default/gone: failed to fetch PVC from API server: persistentvolumeclaims \"gone\" \
                   not found";
        assert_eq!(look.place(&claim), Err(Unplaced::Unknown(why.into())));
        let volume = value!({"name": "v", "configMap": {"name": "x", "optional": true}});
        assert!(matches!(look.place(&volume), Ok(Kept::Fixed(_))));
        assert_eq!(
            look.place(&value!({"name": "h", "hostPath": {"path": "/var"}})),
            Ok(Kept::Shared(node_root(), "/var".into()))
        );
    }
}
