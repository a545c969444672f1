//! The garbage collector: what no living object owns goes, unless its owner's deletion said otherwise.
//!
//! Keys are UIDs. Three things make it look at an object: an owner of it is gone, it is being deleted with a finalizer
//! of the collector's (`foregroundDeletion`, `orphan`), or it came with an owner that nobody knows.

use drydock_api::Status;
use drydock_value::{Str, Value};

use super::common::{self, ignore_absent};
use super::{Controller, Enqueue, Requeue, actor, source};
use crate::ctx::Ctx;
use crate::events::Reference;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object, Owner};
use crate::store::{DeleteOptions, Kind, Propagation};

const NAME: &str = "generic-garbage-collector";
const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// The controller.
#[derive(Debug, Clone)]
pub struct Garbage {
    actor: String,
}

impl Default for Garbage {
    fn default() -> Garbage {
        Garbage { actor: actor(NAME) }
    }
}

fn has_finalizer(object: &Value, name: &str) -> bool {
    object["metadata"]["finalizers"].items().iter().any(|finalizer| finalizer == name)
}

fn deleting_with(object: &Value, finalizer: &str) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null() && has_finalizer(object, finalizer)
}

/// How an owner stands, as far as its dependents are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is there.
    Solid,
    /// It waits for its dependents to go.
    Waiting,
    /// It is not there.
    Absent,
    /// Nobody can say: its kind is not served, or lives in namespaces while the dependent does not.
    Unknown,
}

fn key_of(uid: &Str) -> Key {
    Key::new("", uid)
}

impl Garbage {
    /// How an owner stands, by the API server's own word.
    fn standing(&self, ctx: &Ctx<'_>, dependent: &Object, owner: &Owner) -> Standing {
        let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
        let Some(kind) = ctx.api.kind_of(group, &owner.kind) else { return Standing::Unknown };
        if kind.namespaced() && dependent.namespace().is_empty() {
            return Standing::Unknown;
        }
        let namespace = if kind.namespaced() { dependent.namespace().as_str() } else { "" };
        match ctx.api.get(kind, namespace, &owner.name) {
            Some(found) if found["metadata"]["uid"] == owner.uid.as_str() => {
                if deleting_with(found, FOREGROUND) {
                    Standing::Waiting
                } else {
                    Standing::Solid
                }
            }
            _ => Standing::Absent,
        }
    }

    /// Deletes an object that lost its owners, or rids it of those that it lost.
    fn attend(&self, ctx: &mut Ctx<'_>, kind: Kind, object: &Object) -> Result<(), Status> {
        let (namespace, name) = (object.namespace().clone(), object.name().clone());
        let Some(latest) = ctx.api.get(kind, &namespace, &name).cloned() else { return Ok(()) };
        if latest["metadata"]["uid"] != object.uid.as_str() {
            return Ok(());
        }
        let latest = Object::read(latest, false);
        if latest.deleting.is_some() && !has_finalizer(&latest.value, FOREGROUND) {
            return Ok(());
        }
        let standings: Vec<(Standing, Owner)> =
            latest.owners.iter().map(|owner| (self.standing(ctx, &latest, owner), owner.clone())).collect();
        let any = |standing: Standing| standings.iter().any(|(s, _)| *s == standing);
        if standings.is_empty() {
            return Ok(());
        }
        self.warn_of_strays(ctx, &latest, &standings);
        // What cannot be looked for is better left alone.
        if any(Standing::Unknown) {
            return Ok(());
        }
        if any(Standing::Solid) {
            let lost: Vec<&Str> =
                standings.iter().filter(|(s, _)| *s != Standing::Solid).map(|(_, owner)| &owner.uid).collect();
            if lost.is_empty() {
                return Ok(());
            }
            return self
                .disown(ctx, kind, &latest, |reference| !lost.iter().any(|uid| reference["uid"] == uid.as_str()));
        }
        if latest.deleting.is_some() {
            return Ok(());
        }
        let has_dependents = ctx.informers.dependents(&latest.uid).next().is_some();
        let policy = if any(Standing::Waiting) && has_dependents {
            Propagation::Foreground
        } else if has_finalizer(&latest.value, ORPHAN) {
            Propagation::Orphan
        } else if has_finalizer(&latest.value, FOREGROUND) {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        // Where owners go round in a circle, each would wait for the other: this one's stop waiting for it.
        if policy == Propagation::Foreground
            && ctx.informers.dependents(&latest.uid).any(|(_, dependent)| deleting_with(&dependent.value, FOREGROUND))
            && latest.owners.iter().any(|owner| owner.block)
        {
            self.unblock(ctx, kind, &latest)?;
        }
        let options = DeleteOptions::with_propagation(policy).of_uid(latest.uid.as_str());
        match ctx.client(&self.actor).delete(kind, &namespace, &name, &options) {
            // Another object by now: not this one's business.
            Err(status) if !status.is("Conflict") && !status.is("NotFound") => Err(status),
            _ => Ok(()),
        }
    }

    /// Rewrites an object's owner references.
    fn disown(
        &self,
        ctx: &mut Ctx<'_>,
        kind: Kind,
        object: &Object,
        keep: impl Fn(&Value) -> bool,
    ) -> Result<(), Status> {
        let mut updated = object.value.clone();
        let references = updated["metadata"]["ownerReferences"].items_mut();
        references.retain(keep);
        if references.is_empty() {
            updated["metadata"].remove("ownerReferences");
        }
        ignore_absent(ctx.client(&self.actor).update(kind, object.namespace(), updated)).map(|_| ())
    }

    /// Lets an object's owners go before it.
    fn unblock(&self, ctx: &mut Ctx<'_>, kind: Kind, object: &Object) -> Result<(), Status> {
        let mut updated = object.value.clone();
        for reference in updated["metadata"]["ownerReferences"].items_mut() {
            reference.set("blockOwnerDeletion", false);
        }
        ignore_absent(ctx.client(&self.actor).update(kind, object.namespace(), updated)).map(|_| ())
    }

    /// Tells about owners that live in another namespace, where nobody may have them.
    fn warn_of_strays(&self, ctx: &mut Ctx<'_>, object: &Object, standings: &[(Standing, Owner)]) {
        for (_, owner) in standings.iter().filter(|(standing, _)| *standing != Standing::Solid) {
            let Some((found, there)) = ctx.informers.by_uid(&owner.uid) else { continue };
            if !found.namespaced() || there.namespace() == object.namespace() {
                continue;
            }
            let message = format!(
                "ownerRef [{}/{}, namespace: {}, name: {}, uid: {}] does not exist in namespace \"{}\"",
                owner.api_version,
                owner.kind,
                object.namespace(),
                owner.name,
                owner.uid,
                object.namespace()
            );
            let about = Reference::of(&object.value);
            ctx.event(&source("garbage-collector-controller"), &about, "Warning", "OwnerRefInvalidNamespace", &message);
        }
    }

    fn remove_finalizer(&self, ctx: &mut Ctx<'_>, kind: Kind, object: &Object, name: &str) -> Result<(), Status> {
        let mut client = ctx.client(&self.actor);
        let Some(mut latest) = ignore_absent(client.get(kind, object.namespace(), object.name()))? else {
            return Ok(());
        };
        if latest["metadata"]["uid"] != object.uid.as_str() || !has_finalizer(&latest, name) {
            return Ok(());
        }
        common::remove_finalizer(&mut latest, name);
        ignore_absent(client.update(kind, object.namespace(), latest)).map(|_| ())
    }

    /// An object that waits for its dependents: it may go when none of those that block it is left.
    fn wait_for_dependents(&self, ctx: &mut Ctx<'_>, kind: Kind, object: &Object) -> Result<(), Status> {
        let blocking = ctx
            .informers
            .dependents(&object.uid)
            .any(|(_, dependent)| dependent.owners.iter().any(|owner| owner.uid == object.uid && owner.block));
        if blocking { Ok(()) } else { self.remove_finalizer(ctx, kind, object, FOREGROUND) }
    }

    /// An object that leaves its dependents behind.
    fn release_dependents(&self, ctx: &mut Ctx<'_>, kind: Kind, object: &Object) -> Result<(), Status> {
        let informers = ctx.informers;
        for (of, dependent) in informers.dependents(&object.uid) {
            let Some(latest) = ctx.api.get(of, dependent.namespace(), dependent.name()).cloned() else { continue };
            let latest = Object::read(latest, false);
            if latest.owners.iter().any(|owner| owner.uid == object.uid) {
                self.disown(ctx, of, &latest, |reference| reference["uid"] != object.uid.as_str())?;
            }
        }
        self.remove_finalizer(ctx, kind, object, ORPHAN)
    }
}

impl Controller for Garbage {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        let Some(new) = &change.new else {
            // Gone: its dependents have lost an owner, its owners a dependent.
            for (_, dependent) in informers.dependents(&change.object().uid) {
                queue.add(&key_of(&dependent.uid));
            }
            for owner in &change.object().owners {
                if informers.by_uid(&owner.uid).is_some_and(|(_, owner)| deleting_with(&owner.value, FOREGROUND)) {
                    queue.add(&key_of(&owner.uid));
                }
            }
            return;
        };
        if let Some(old) = &change.old {
            if old.uid != new.uid {
                for (_, dependent) in informers.dependents(&old.uid) {
                    queue.add(&key_of(&dependent.uid));
                }
            }
            // One that no longer blocks its owner.
            for owner in old.owners.iter().filter(|owner| !new.owners.contains(owner)) {
                queue.add(&key_of(&owner.uid));
            }
        }
        if new.deleting.is_some() {
            if has_finalizer(&new.value, FOREGROUND) {
                for (_, dependent) in informers.dependents(&new.uid) {
                    queue.add(&key_of(&dependent.uid));
                }
                queue.add(&key_of(&new.uid));
            } else if has_finalizer(&new.value, ORPHAN) {
                queue.add(&key_of(&new.uid));
            }
        }
        let owners_new = change.old.as_ref().is_none_or(|old| old.owners != new.owners);
        let unsettled = |owner: &Owner| {
            informers.by_uid(&owner.uid).is_none_or(|(_, owner)| deleting_with(&owner.value, FOREGROUND))
        };
        // It is somewhere else, or goes by another name.
        let astray = |owner: &Owner| {
            informers.by_uid(&owner.uid).is_some_and(|(kind, there)| {
                kind.namespaced() && there.namespace() != new.namespace()
                    || *there.name() != owner.name
                    || kind.info().kind != owner.kind.as_str()
            })
        };
        if owners_new && new.owners.iter().any(|owner| unsettled(owner) || astray(owner)) {
            queue.add(&key_of(&new.uid));
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some((kind, object)) = ctx.informers.by_uid(&key.name).map(|(kind, object)| (kind, object.clone())) else {
            return Ok(Requeue::Done);
        };
        if deleting_with(&object.value, ORPHAN) {
            self.release_dependents(ctx, kind, &object)?;
        } else if deleting_with(&object.value, FOREGROUND) {
            self.wait_for_dependents(ctx, kind, &object)?;
        }
        self.attend(ctx, kind, &object)?;
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
