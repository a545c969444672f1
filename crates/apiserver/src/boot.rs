//! The objects that every new cluster has.

use drydock_value::value;

use crate::kinds;
use crate::server::ApiServer;

pub(crate) fn boot(server: &mut ApiServer) {
    for name in ["kube-system", "kube-public", "kube-node-lease", "default"] {
        let _ = server.client("system:apiserver").create(
            kinds::NAMESPACES,
            "",
            value!({"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}}),
        );
    }
}
