//! ServiceCIDRs: that one is ready to give addresses to Services, and that it stays while addresses of it are in use.

use drydock_api::Status;
use drydock_value::{Value, value};

use super::common::{ignore_absent, new_condition};
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::informers::{Change, Informers};
use crate::objects::Key;
use crate::store::{Kind, kinds};

const NAME: &str = "service-cidr-controller";
const FINALIZER: &str = "networking.k8s.io/service-cidr-finalizer";

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct ServiceCidrs;

/// Whether an address lies in a network in CIDR notation. Of different families, none does.
fn holds(cidr: &str, address: &str) -> bool {
    use std::net::IpAddr;
    let Some((network, bits)) = cidr.split_once('/') else { return false };
    let Ok(bits) = bits.parse::<u32>() else { return false };
    let bits_of = |text: &str| match text.parse().ok()? {
        IpAddr::V4(ip) => Some((32, u128::from(u32::from(ip)))),
        IpAddr::V6(ip) => Some((128, u128::from(ip))),
    };
    match (bits_of(network), bits_of(address)) {
        (Some((width, network)), Some((other, address))) if width == other && bits <= width => {
            (network ^ address).checked_shr(width - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// Whether a Service has an address that only this one gives.
fn in_use(object: &Value, informers: &Informers) -> bool {
    let name = object["metadata"]["name"].str();
    let holder =
        |object: &Value, address: &str| object["spec"]["cidrs"].items().iter().any(|cidr| holds(cidr.str(), address));
    let others = |address: &str| {
        let mut others = informers.all(kinds::SERVICE_CIDRS).filter(|other| other.key.name.as_str() != name);
        others.any(|other| other.deleting.is_none() && holder(&other.value, address))
    };
    informers
        .all(kinds::SERVICES)
        .flat_map(|service| service["spec"]["clusterIPs"].items().iter().map(Value::str).collect::<Vec<_>>())
        .any(|address| holder(object, address) && !others(address))
}

impl Controller for ServiceCidrs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::SERVICE_CIDRS, kinds::SERVICES]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        if change.kind == kinds::SERVICE_CIDRS {
            queue.add(change.key());
            return;
        }
        // A Service that goes may free one that is to go.
        for waiting in informers.all(kinds::SERVICE_CIDRS).filter(|object| object.deleting.is_some()) {
            queue.add(&waiting.key);
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(object) = ctx.informers.get(kinds::SERVICE_CIDRS, key).cloned() else { return Ok(Requeue::Done) };
        let actor = actor(NAME);
        let mut changed = object.value.clone();
        let finalizers = object["metadata"]["finalizers"].items();
        let kept: Vec<Value> = finalizers.iter().filter(|name| **name != FINALIZER).cloned().collect();
        let leaving = object.deleting.is_some();
        if leaving && !in_use(&object.value, ctx.informers) {
            if kept.len() < finalizers.len() {
                changed["metadata"].set("finalizers", Value::from(kept));
                ignore_absent(ctx.client(&actor).update(kinds::SERVICE_CIDRS, "", changed))?;
            }
            return Ok(Requeue::Done);
        }
        if !leaving && kept.len() == finalizers.len() {
            changed["metadata"]["finalizers"].push(FINALIZER);
            changed = ctx.client(&actor).update(kinds::SERVICE_CIDRS, "", changed)?;
        }
        let (state, reason, message) = match leaving {
            false => ("True", "", "Kubernetes Service CIDR is ready"),
            true => (
                "False",
                "Terminating",
                "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
            ),
        };
        if changed["status"]["conditions"].find("type", "Ready").is_some_and(|old| old["status"] == *state) {
            return Ok(Requeue::Done);
        }
        changed["status"].set("conditions", value!([new_condition("Ready", state, reason, message, ctx.now)]));
        ignore_absent(ctx.client(&actor).update_status(kinds::SERVICE_CIDRS, "", changed))?;
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_in_their_networks() {
        for (cidr, address, expected) in [
            ("10.96.0.0/12", "10.111.255.255", true),
            ("10.96.0.0/12", "10.112.0.0", false),
            ("10.96.0.0/12", "fd00::1", false),
            ("fd00::/8", "fd00::1", true),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("10.0.0.1/32", "10.0.0.1", true),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("nonsense", "10.0.0.0", false),
        ] {
            assert_eq!(holds(cidr, address), expected, "{cidr} {address}");
        }
    }
}
