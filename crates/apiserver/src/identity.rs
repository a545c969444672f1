//! The lease by which an API server tells the others that it is there.

use std::time::Duration;

use drydock_pki::sha256::digest;
use drydock_value::{Time, Value, value};

use crate::boot::{apart, create};
use crate::kinds;
use crate::server::ApiServer;

/// `IdentityLeaseRenewIntervalPeriod`
const RENEWAL: Duration = Duration::from_secs(10);
/// `IdentityLeaseDurationSeconds`
const DURATION: i64 = 3600;
const IDENTITY: &str = "kube-apiserver";
const NAMESPACE: &str = "kube-system";

/// What the lease of a machine's API server is called: 26 letters and digits that follow from the machine's name and the
/// server's, each after its length (apiserver/pkg/server/config.go).
fn name(host: &str) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let lengthy = |text: &str| [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat();
    let hash = digest(&[lengthy(host), lengthy(IDENTITY)].concat());
    // 128 bits, five at a time; the last letter has three of them.
    let bits = hash.iter().take(16).fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
    let letter = |at: u32| {
        let five = if at < 25 { bits >> (123 - 5 * at) } else { bits << 2 };
        DIGITS.get((five & 31) as usize).copied().map_or('a', char::from)
    };
    "apiserver-".chars().chain((0..26).map(letter)).collect()
}

/// Makes the lease of a server that has started.
pub(crate) fn boot(server: &mut ApiServer) {
    apart(server, |server| {
        let holder = server.random.uuid();
        make(server, &holder);
    });
}

fn make(server: &mut ApiServer, holder: &str) {
    let (host, address) = (server.config.host.clone(), server.config.address.clone());
    let name = name(&host);
    let holder = format!("{name}_{holder}");
    let lease = value!({
        "metadata": {
            "name": name,
            "annotations": {"kubernetes.io/peer-advertise-address": address},
            "labels": {"apiserver.kubernetes.io/identity": IDENTITY, "kubernetes.io/hostname": host}
        },
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": DURATION, "renewTime": server.now.rfc3339_micros()}
    });
    create(server, kinds::LEASES, NAMESPACE, lease);
}

/// Renews it when it is time to; makes it again when somebody has deleted it. When to look again.
pub(crate) fn renew(server: &mut ApiServer) -> Time {
    let name = name(&server.config.host);
    let found: Option<Value> = server.store.get(kinds::LEASES, NAMESPACE, &name).cloned();
    match found {
        Some(mut lease) => {
            lease["spec"].set("renewTime", server.now.rfc3339_micros());
            // Who cannot write now writes the next time.
            let _ = server.client("system:apiserver").update(kinds::LEASES, NAMESPACE, lease);
        }
        None if !server.closed => boot(server),
        None => {}
    }
    server.now + RENEWAL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_lease_is_named_after_the_machine_and_renewed() {
        // As a recorded server has it.
        assert_eq!(name("vm"), "apiserver-wlv32tlttr4jl3gtroqexyxapa");
        let mut server = ApiServer::new(Config { host: "vm".into(), ..Config::default() });
        let start = server.config.start;
        let lease = |server: &ApiServer| -> Value {
            server.store.get(kinds::LEASES, NAMESPACE, &name("vm")).cloned().unwrap_or_default()
        };
        let first = lease(&server);
        assert_eq!(first["spec"]["leaseDurationSeconds"].int(), DURATION);
        assert!(first["spec"]["holderIdentity"].str().starts_with("apiserver-wlv32tlttr4jl3gtroqexyxapa_"));
        server.set_now(start + Duration::from_secs(9));
        assert_eq!(lease(&server)["spec"]["renewTime"], first["spec"]["renewTime"]);
        server.set_now(start + Duration::from_secs(11));
        assert_eq!(lease(&server)["spec"]["renewTime"].str(), (start + Duration::from_secs(11)).rfc3339_micros());
        assert_eq!(lease(&server)["spec"]["holderIdentity"], first["spec"]["holderIdentity"]);
    }
}
