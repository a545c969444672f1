//! What is on the node's own file system where pods want it, and whether it is what they say (`hostPath.type`).

use drydock_shell::{Kind, Vfs};
use drydock_value::{Value, to_json_pretty, value};

use super::Kubelet;
use crate::ctx::Ctx;
use crate::runtime::node_root;

/// Sockets that a node's own services listen on. Simulated files have no such kind.
const SOCKETS: [&str; 2] = ["/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock"];

/// How the machine's pods are joined to a network, as runtimes read it: the file, and what stands in it. kind's network has
/// lists of its own.
fn network(addresses: &str, kind: bool) -> (&'static str, String) {
    let ports = value!({"type": "portmap", "capabilities": {"portMappings": true}});
    let (path, list) = if kind {
        let ranges = value!([[{"subnet": addresses}]]);
        let ipam = value!({
            "type": "host-local", "dataDir": "/run/cni-ipam-state", "routes": [{"dst": "0.0.0.0/0"}], "ranges": ranges
        });
        let pair = value!({"type": "ptp", "ipMasq": false, "ipam": ipam, "mtu": 1500});
        let list = value!({"cniVersion": "0.3.1", "name": "kindnet", "plugins": [pair, ports]});
        ("/etc/cni/net.d/10-kindnet.conflist", list)
    } else {
        let bridge = value!({
            "type": "bridge", "bridge": "bridge", "addIf": "true", "isDefaultGateway": true, "forceAddress": false,
            "ipMasq": true, "hairpinMode": true, "ipam": {"type": "host-local", "subnet": addresses}
        });
        let list = value!({"cniVersion": "1.0.0", "name": "bridge", "plugins": [bridge, ports, {"type": "firewall"}]});
        ("/etc/cni/net.d/1-k8s.conflist", list)
    };
    (path, format!("{}\n", to_json_pretty(&list, 2)))
}

impl Kubelet {
    /// Makes sure that files are there that are on every machine, and that follow from its name and address.
    pub(super) fn furnish(&mut self, ctx: &Ctx<'_>) {
        let mut files = self.machine_files();
        if files.read_text("/etc/hostname").is_ok_and(|text| !text.is_empty()) {
            return;
        }
        files.set_time(ctx.now);
        let (name, ip) = (&self.config.name, &self.config.ip);
        let authority = ctx.api.config().ca_certificate.clone();
        let is_kind = ctx.api.config().provisioner == crate::system::LOCAL_PATH;
        let certificates = if is_kind { "/etc/kubernetes/pki/ca.crt" } else { "/var/lib/minikube/certs/ca.crt" };
        for (path, text) in [
            ("/etc/hostname", format!("{name}\n")),
            ("/etc/hosts", format!("127.0.0.1\tlocalhost\n{ip}\t{name}\n")),
            ("/etc/resolv.conf", crate::network::dns::Resolver::node().file()),
            ("/etc/timezone", "Etc/UTC\n".to_owned()),
            ("/etc/localtime", "TZif2\n".to_owned()),
            network(&self.config.pod_cidr, is_kind),
            ("/var/lib/kubelet/config.yaml", self.configuration_file()),
            (certificates, authority),
        ] {
            let _ = files.mkdir_all(path.rsplit_once('/').map_or("/", |(folder, _)| folder));
            let _ = files.write(path, text.as_bytes());
        }
        self.keep_machine_files(&files);
    }

    /// Takes the machine's files as they are now.
    pub(super) fn keep_machine_files(&mut self, files: &Vfs) {
        if let Some(root) = files.root_fs() {
            self.runtime.set_volume(node_root(), root.clone());
        }
    }

    /// Whether the machine has at a path what a pod expects there; what may be made is made.
    ///
    /// # Errors
    /// That it is something else, in the kubelet's words.
    pub(super) fn check_host_path(&mut self, source: &Value, ctx: &Ctx<'_>) -> Result<(), String> {
        let (path, wanted) = (source["path"].str(), source["type"].str());
        if wanted.is_empty() {
            return Ok(());
        }
        let mut files = self.machine_files();
        if let Some(kind) = wanted.strip_suffix("OrCreate").filter(|_| !files.exists(path)) {
            files.set_time(ctx.now);
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            // Kubelets make folders on the way to a folder only.
            let made = match kind {
                "File" if !parent.is_empty() && !files.is_dir(parent) => {
                    return Err(format!("open {path}: no such file or directory"));
                }
                "File" => files.write(path, b""),
                _ => files.mkdir_all(path),
            };
            return made.map(|()| self.keep_machine_files(&files)).map_err(|error| format!("mkdir {path}: {error}"));
        }
        let kind = files.stat(path).ok().map(|stat| stat.kind);
        let (fits, what) = match wanted.trim_end_matches("OrCreate") {
            "Directory" => (kind == Some(Kind::Dir), "directory"),
            "File" => (kind.is_some_and(|kind| kind != Kind::Dir), "file"),
            "Socket" => (SOCKETS.contains(&path), "socket file"),
            "CharDevice" => (matches!(kind, Some(Kind::Device(_))), "character device"),
            _ => (false, "block device"),
        };
        if fits { Ok(()) } else { Err(format!("hostPath type check failed: {path} is not a {what}")) }
    }
}
