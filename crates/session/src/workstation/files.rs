//! What lies on the workstation at the start.

use drydock_api::Auth;
use drydock_pki::certificate::{Subject, issue};
use drydock_shell::{Vfs, tool_names};
use drydock_value::Time;

use super::{HOME, LEARNER};
use crate::Options;

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
    let texts = [
        (".kube/config", KUBECONFIG.replace("192.168.49.2", &server)),
        (".minikube/ca.crt", issue("minikubeCA", &[], 0)),
        (".minikube/profiles/minikube/client.crt", issue("minikube-user", &["system:masters"], 1)),
        (
            ".minikube/profiles/minikube/client.key",
            "-----BEGIN PRIVATE KEY-----\nsimulated\n-----END PRIVATE KEY-----\n".to_owned(),
        ),
    ];
    for (path, text) in texts {
        let path = format!("{HOME}/{path}");
        let folder = path.rsplit_once('/').map_or(HOME, |(folder, _)| folder);
        let _ = files.mkdir_all(folder);
        let _ = files.write(&path, text.as_bytes());
    }
    let _ = files.chown_all(HOME, LEARNER);
    files
}
