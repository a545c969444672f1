//! What every namespace is given: the ServiceAccount `default`, and the ConfigMap with the cluster's certificate.

use drydock_api::Status;
use drydock_value::{Value, value};

use super::common::namespace_terminating;
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::informers::{Change, Informers};
use crate::objects::Key;
use crate::store::{Kind, kinds};

/// A controller that keeps one object of a kind in every namespace. Keys are namespaces.
#[derive(Debug, Clone)]
pub struct Furnish {
    name: &'static str,
    kind: Kind,
    watches: &'static [Kind],
    object: &'static str,
}

impl Furnish {
    /// The ServiceAccount `default`.
    pub fn service_accounts() -> Furnish {
        Furnish {
            name: "service-account-controller",
            kind: kinds::SERVICE_ACCOUNTS,
            watches: &[kinds::NAMESPACES, kinds::SERVICE_ACCOUNTS],
            object: "default",
        }
    }

    /// The ConfigMap `kube-root-ca.crt`.
    pub fn root_ca() -> Furnish {
        Furnish {
            name: "root-ca-cert-publisher",
            kind: kinds::CONFIG_MAPS,
            watches: &[kinds::NAMESPACES, kinds::CONFIG_MAPS],
            object: "kube-root-ca.crt",
        }
    }

    fn wanted(&self, ctx: &Ctx<'_>) -> Value {
        let mut object = value!({"metadata": {"name": self.object}});
        if self.kind == kinds::CONFIG_MAPS {
            object["metadata"].set("annotations", value!({
                "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
            }));
            object.set("data", value!({"ca.crt": ctx.api.config().ca_certificate.as_str()}));
        }
        object
    }
}

impl Controller for Furnish {
    fn name(&self) -> &'static str {
        self.name
    }

    fn watches(&self) -> &'static [Kind] {
        self.watches
    }

    fn observe(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue<'_>) {
        let key = change.key();
        if change.kind == kinds::NAMESPACES {
            queue.add(key);
        } else if key.name == self.object && (change.new.is_none() || change.differs(&["data"])) {
            queue.add(&Key::new("", &key.namespace));
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let active = ctx
            .informers
            .get(kinds::NAMESPACES, key)
            .is_some_and(|namespace| namespace.deleting.is_none() && namespace["status"]["phase"] != "Terminating");
        if !active {
            return Ok(Requeue::Done);
        }
        let wanted = self.wanted(ctx);
        let there = ctx.informers.find(self.kind, &key.name, self.object).cloned();
        let actor = actor(self.name);
        let written = match there {
            None => ctx.client(&actor).create(self.kind, &key.name, wanted),
            Some(there) if there["data"] == wanted["data"] => return Ok(Requeue::Done),
            Some(there) => {
                let mut updated = there.value.clone();
                updated.set("data", wanted["data"].clone());
                ctx.client(&actor).update(self.kind, &key.name, updated)
            }
        };
        match written {
            Err(status) if !status.is("AlreadyExists") && !namespace_terminating(&status) => Err(status),
            _ => Ok(Requeue::Done),
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
