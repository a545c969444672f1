//! Who leads. Where parts of the control plane are started with `--leader-elect`, one works only while it holds the lease that
//! goes by its name. A process that is new has to wait until the one before it has not renewed it for long enough.
//!
//! Times as in `k8s.io/component-base/config`: a lease of 15 seconds, looked after every 2.

use std::time::Duration;

use drydock_value::{Time, Value, value};

use super::{FaultWake, PODS, Part};
use crate::Cluster;
use crate::config::System;
use crate::events::{Reference, Source};
use crate::queue::Event;
use crate::runtime::images::digest;
use crate::store::{PatchType, client, kinds};

/// How often a lease is renewed, and asked for by whom does not have it.
pub(super) const RETRY: Duration = Duration::from_secs(2);
/// For how long a lease holds, in seconds.
const DURATION: u32 = 15;
const NAMESPACE: &str = "kube-system";

impl Part {
    fn lease(self) -> &'static str {
        PODS.iter().find(|(_, part)| *part == self).map_or("", |(name, _)| name)
    }

    fn is_elected(self) -> bool {
        matches!(self, Part::ControllerManager | Part::Scheduler)
    }

    /// What events of a part come from.
    fn component(self) -> &'static str {
        if self == Part::Scheduler { "default-scheduler" } else { self.lease() }
    }
}

/// Whether somebody holds a lease at a moment.
fn is_held(spec: &Value, now: Time) -> bool {
    let lasts = Duration::from_secs(u64::try_from(spec["leaseDurationSeconds"].int()).unwrap_or_default());
    let renewed = Time::parse_rfc3339(spec["renewTime"].str());
    !spec["holderIdentity"].str().is_empty() && renewed.is_some_and(|renewed| renewed + lasts > now)
}

impl Cluster {
    /// The leases of a new cluster's parts.
    pub(crate) fn begin_to_lead(&mut self) {
        for part in [Part::ControllerManager, Part::Scheduler] {
            self.may_lead(part);
        }
    }

    /// Whether a part may work: it has its lease, or needs none.
    pub(super) fn may_lead(&mut self, part: Part) -> bool {
        if self.config.system != System::Kubeadm || !part.is_elected() {
            return true;
        }
        let (now, name) = (self.now(), part.lease());
        let actor = format!("system:{name}");
        let found = client(&mut self.api, &actor, now).get(kinds::LEASES, NAMESPACE, name).ok();
        let before = found.as_ref().map(|lease| &lease["spec"]);
        if before.is_some_and(|spec| is_held(spec, now)) {
            return false;
        }
        let (identity, moment) = (self.identity(part), now.rfc3339_micros());
        let spec = value!({
            "holderIdentity": identity.as_str(), "leaseDurationSeconds": DURATION, "acquireTime": moment.as_str(),
            "renewTime": moment.as_str(), "leaseTransitions": before.map_or(0, |spec| spec["leaseTransitions"].int() + 1)
        });
        let mut api = client(&mut self.api, &actor, now);
        let taken = match found {
            Some(_) => api.patch(kinds::LEASES, NAMESPACE, name, PatchType::Merge, &value!({"spec": spec}), ""),
            None => {
                let lease = value!({"metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec});
                api.create(kinds::LEASES, NAMESPACE, lease)
            }
        };
        let Ok(lease) = taken else { return false };
        let source = Source::component(part.component(), &actor);
        let about = Reference::of(&lease);
        let message = format!("{identity} became leader");
        let (mut ctx, ..) = self.planners();
        ctx.event(&source, &about, "Normal", "LeaderElection", &message);
        let term = &mut self.faults.terms[part as usize];
        *term += 1;
        self.queue.after(RETRY, Event::Fault(FaultWake::Lead(part, *term)));
        true
    }

    /// As whom a process leads: its machine, and an id of its own.
    fn identity(&self, part: Part) -> String {
        let host = self.config.nodes.first().map_or("", |node| node.name.as_str());
        let hash =
            digest(&format!("{host} {} {} {}", part.lease(), self.config.seed, self.faults.terms[part as usize]));
        let hex = hash.trim_start_matches("sha256:");
        let parts = [0..8, 8..12, 13..16, 17..20, 20..32].map(|range| hex.get(range).unwrap_or_default());
        let [first, second, third, fourth, fifth] = parts;
        format!("{host}_{first}-{second}-4{third}-a{fourth}-{fifth}")
    }

    /// Renews a lease, while whom it was given to still works.
    pub(super) fn lead_on(&mut self, part: Part, term: u32) {
        if self.faults.down.contains(&part) || self.faults.terms[part as usize] != term {
            return;
        }
        let now = self.now();
        let renewed = value!({"spec": {"renewTime": now.rfc3339_micros()}});
        let actor = format!("system:{}", part.lease());
        let mut api = client(&mut self.api, &actor, now);
        let patched = api.patch(kinds::LEASES, NAMESPACE, part.lease(), PatchType::Merge, &renewed, "");
        // Somebody may have deleted it: whoever leads makes it anew, and is told of again by that.
        if patched.is_err_and(|status| status.is("NotFound")) && self.may_lead(part) {
            return;
        }
        self.queue.after(RETRY, Event::Fault(FaultWake::Lead(part, term)));
    }
}
