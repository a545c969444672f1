//! What lies on the workstation at the start.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use drydock_api::Auth;
use drydock_pki::certificate::{Subject, issue};
use drydock_shell::{Vfs, tool_names};
use drydock_value::Time;

use super::{HOME, LEARNER};
use crate::{Options, Profile};

/// Who the page and minikube are to the API server: the owner of the administrator's certificate.
pub(crate) fn administrator() -> Auth {
    Auth::Certificate { certificate: format!("{HOME}/.minikube/profiles/minikube/client.crt") }
}

const KUBECONFIG: &str = "\
apiVersion: v1
clusters:
- cluster:
    certificate-authority: /home/learner/.minikube/ca.crt
    server: https://192.168.49.2:8443
  name: minikube
contexts:
- context:
    cluster: minikube
    namespace: default
    user: minikube
  name: minikube
current-context: minikube
kind: Config
preferences: {}
users:
- name: minikube
  user:
    client-certificate: /home/learner/.minikube/profiles/minikube/client.crt
    client-key: /home/learner/.minikube/profiles/minikube/client.key
";

/// A kubeconfig as kind writes it: everything that it needs stands in it.
fn kubeconfig_of_kind(server: &str, authority: &str, certificate: &str, key: &str) -> String {
    let [authority, certificate, key] = [authority, certificate, key].map(|text| BASE64_STANDARD.encode(text));
    format!(
        "\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {authority}
    server: https://{server}:6443
  name: kind-kind
contexts:
- context:
    cluster: kind-kind
    user: kind-kind
  name: kind-kind
current-context: kind-kind
kind: Config
preferences: {{}}
users:
- name: kind-kind
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
"
    )
}

/// What stands for the administrator's key: nothing is signed with it.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nsimulated\n-----END PRIVATE KEY-----\n";

/// The file system of a new workstation.
pub(super) fn initial(options: &Options, now: Time) -> Vfs {
    let mut files = Vfs::base();
    files.set_time(now);
    files.install_all("/usr/bin", tool_names());
    files.install_all("/bin", ["bash", "sh"]);
    files.install_all("/usr/local/bin", ["kubectl", "minikube", "ssh"].into_iter().chain(super::control::NAMES));
    let _ = files.write(
        "/etc/passwd",
        b"root:x:0:0:root:/root:/bin/bash\nlearner:x:1000:1000:Learner:/home/learner:/bin/bash\n",
    );
    let _ = files.write("/etc/group", b"root:x:0:\nlearner:x:1000:\n");
    let _ = files.write("/etc/hostname", b"drydock\n");
    let issue = |name: &str, groups: &[&str], serial: u64| {
        let organizations = groups.iter().map(|group| (*group).to_owned()).collect();
        issue(&Subject { common_name: name.into(), organizations }, options.seed.wrapping_add(serial))
    };
    // The API server is on the first node.
    let server = options.profile.config().nodes.first().map(|node| node.ip.clone()).unwrap_or_default();
    let texts = if options.profile == Profile::Kind {
        let certificate = issue("kubernetes-admin", &["kubeadm:cluster-admins"], 1);
        let config = kubeconfig_of_kind(&server, &issue("kubernetes", &[], 0), &certificate, KEY);
        vec![(".kube/config", config)]
    } else {
        vec![
            (".kube/config", KUBECONFIG.replace("192.168.49.2", &server)),
            (".minikube/ca.crt", issue("minikubeCA", &[], 0)),
            (".minikube/profiles/minikube/client.crt", issue("minikube-user", &["system:masters"], 1)),
            (".minikube/profiles/minikube/client.key", KEY.to_owned()),
        ]
    };
    for (path, text) in texts {
        let path = format!("{HOME}/{path}");
        let folder = path.rsplit_once('/').map_or(HOME, |(folder, _)| folder);
        let _ = files.mkdir_all(folder);
        let _ = files.write(&path, text.as_bytes());
    }
    let _ = files.chown_all(HOME, LEARNER);
    files
}
