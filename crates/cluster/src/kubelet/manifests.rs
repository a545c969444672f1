//! The folder of manifests on a node's machine: each of its files is a static pod, those of the control plane too. It is
//! there as soon as somebody has logged in, and looked at whenever something runs on the machine.

use std::sync::Arc;

use drydock_shell::Vfs;
use drydock_value::{Time, Value};

use super::Kubelet;
use crate::ctx::Ctx;
use crate::objects::{Key, Object};
use crate::runtime::node_root;
use crate::store::{DeleteOptions, kinds};
use crate::system;

const FOLDER: &str = "/etc/kubernetes/manifests";

/// A file's content, by which it is known again wherever it is.
type Content = Arc<Vec<u8>>;

impl Kubelet {
    /// The machine's own files, as they are now.
    pub(super) fn machine_files(&mut self) -> Vfs {
        Vfs::new(self.runtime.volume(&node_root(), Time::default()).clone())
    }

    /// Writes the files of the pods that the machine came with.
    pub(super) fn lay_out_manifests(&mut self, ctx: &Ctx<'_>) {
        let mut files = self.machine_files();
        files.set_time(ctx.now);
        let _ = files.mkdir_all(FOLDER);
        for pod in &self.manifests {
            let name = pod["spec"]["containers"][0]["name"].str();
            let text = drydock_yaml::to_yaml(&system::manifest_of(pod));
            let _ = files.write(&format!("{FOLDER}/{name}.yaml"), text.as_bytes());
        }
        self.keep_machine_files(&files);
        self.files = self.read_manifests();
    }

    fn read_manifests(&mut self) -> Vec<Content> {
        let files = self.machine_files();
        let names = files.list(FOLDER).unwrap_or_default();
        let shown = names.iter().filter(|entry| !entry.name.starts_with('.'));
        shown.filter_map(|entry| files.read(&format!("{FOLDER}/{}", entry.name)).ok()).collect()
    }

    /// Whether the folder is not as it was last seen.
    pub(super) fn manifests_changed(&mut self) -> bool {
        self.login.is_some() && self.read_manifests() != self.files
    }

    /// Ends the pods whose files are gone, and starts those whose files are new.
    pub(super) fn look_at_manifests(&mut self, ctx: &mut Ctx<'_>) {
        if !self.manifests_changed() {
            return;
        }
        let now = self.read_manifests();
        let before = std::mem::replace(&mut self.files, now.clone());
        for gone in before.iter().filter(|file| !now.contains(file)) {
            if let Some(pod) = self.static_pod_of(gone) {
                self.end_static(&Key::of(&pod), ctx);
            }
        }
        for new in now.iter().filter(|file| !before.contains(file)) {
            if let Some(pod) = self.static_pod_of(new) {
                self.begin_static(pod, ctx);
            }
        }
    }

    /// The pod that a file describes, if it does.
    fn static_pod_of(&self, file: &Content) -> Option<Value> {
        let text = std::str::from_utf8(file).ok()?;
        let mut pod = drydock_yaml::parse_one(text).ok()?;
        if pod["kind"] != "Pod" || pod["metadata"]["name"].str().is_empty() {
            return None;
        }
        system::make_static(&mut pod, &self.config.name, text);
        Some(pod)
    }

    fn begin_static(&mut self, pod: Value, ctx: &mut Ctx<'_>) {
        let key = Key::of(&pod);
        self.withdrawn.retain(|known| Key::of(known) != key);
        if self.static_pod(&key).is_some() {
            return;
        }
        self.manifests.push(pod.clone());
        if self.make_mirror(self.manifests.len() - 1, ctx) {
            return;
        }
        // Nobody can show it yet; it runs all the same.
        let mut pod = pod;
        let uid = pod["metadata"]["annotations"]["kubernetes.io/config.hash"].clone();
        pod["metadata"].set("uid", uid);
        self.take_pod(&key, Object::read(pod, true), ctx);
    }

    fn end_static(&mut self, key: &Key, ctx: &mut Ctx<'_>) {
        self.manifests.retain(|known| Key::of(known) != *key);
        self.withdrawn.retain(|known| Key::of(known) != *key);
        self.drop_mirror(key, ctx);
        for id in self.by_key.get(key).cloned().unwrap_or_default() {
            if let Some(worker) = self.workers.get_mut(&id) {
                worker.gone = true;
            }
            self.drive(id, ctx);
        }
    }

    /// Deletes the mirror of a static pod that is no more.
    pub(super) fn drop_mirror(&self, key: &Key, ctx: &mut Ctx<'_>) {
        let actor = self.source.actor.to_string();
        let _ = ctx.client(&actor).delete(kinds::PODS, &key.namespace, &key.name, &DeleteOptions::now());
    }
}
