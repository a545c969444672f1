//! From client-side to server-side apply: what the one manager owned becomes the other's, so that fields which are gone
//! from a file are taken off objects that were applied in the old way before.

use drydock_api::Body;
use drydock_value::{Value, value};

use super::Applying;
use crate::builder::Info;
use crate::change::applied;
use crate::client::patch_type;
use crate::env::Io;
use crate::failure::Failure;

/// Whose applying keeps the note up to date.
const DEFAULT: &str = "kubectl";
/// Who owns the note of what was applied last, once the rest belongs to somebody else.
const NOTE: &str = "kubectl-last-applied";

impl Applying {
    /// Takes over what was applied in the old way; the object as it is then. It is the one sent again if anything was.
    pub(super) fn migrate(&mut self, io: &mut Io<'_>, info: &Info, sent: Value) -> Value {
        match self.note(io, info, &sent) {
            Err(failure) => {
                io.eprintln(format!(
                    "Warning: failed to save last-applied annotation for server-side apply: {}",
                    failure.words()
                ));
                return sent;
            }
            Ok(Some(noted)) => return self.take_over(io, info, noted),
            Ok(None) => {}
        }
        self.take_over(io, info, sent)
    }

    /// Gives the note of what was applied last to a manager of its own: the server keeps it up to date.
    fn note(&mut self, io: &mut Io<'_>, info: &Info, sent: &Value) -> Result<Option<Value>, Failure> {
        if self.options.manager != DEFAULT {
            return Ok(None);
        }
        let Some(there) = sent["metadata"]["annotations"][applied::LAST_APPLIED].as_str() else { return Ok(None) };
        let applying = |entry: &Value| entry["operation"] == *"Apply" && owns_note(entry);
        if sent["metadata"]["managedFields"].items().iter().any(applying) {
            return Ok(None);
        }
        let mut object = value!({
            "apiVersion": &sent["apiVersion"], "kind": &sent["kind"],
            "metadata": {"name": &info.name, "annotations": {}}
        });
        if !info.namespace.is_empty() {
            object["metadata"].set("namespace", info.namespace.as_str());
        }
        object["metadata"]["annotations"].set(applied::LAST_APPLIED, there);
        let (client, body) = (self.inv.client(io)?, Body::Value(object));
        let params = [("fieldManager", NOTE), ("force", "true")];
        client.patch(io, &info.resource, &info.namespace, &info.name, patch_type::APPLY, body, &params).map(Some)
    }

    fn take_over(&mut self, io: &mut Io<'_>, info: &Info, sent: Value) -> Value {
        let mut current = sent.clone();
        let mut tries = 0;
        let patched = loop {
            let Some(fields) = taken_over(&current["metadata"]["managedFields"], &self.options.manager) else {
                return sent;
            };
            let patch = value!([
                {"op": "replace", "path": "/metadata/managedFields", "value": fields},
                {"op": "replace", "path": "/metadata/resourceVersion", "value": &current["metadata"]["resourceVersion"]}
            ]);
            let patched = self.inv.client(io).and_then(|client| {
                let params = [("fieldManager", self.options.manager.as_str())];
                let body = Body::Value(patch);
                client.patch(io, &info.resource, &info.namespace, &info.name, patch_type::JSON, body, &params)
            });
            tries += 1;
            // A controller that wrote in between is no reason to give up.
            if tries == 5 || !patched.as_ref().is_err_and(|failure| failure.is("Conflict")) {
                break patched;
            }
            match self.inv.client(io).and_then(|client| client.get(io, &info.resource, &info.namespace, &info.name)) {
                Ok(object) => current = object,
                Err(failure) => break Err(failure),
            }
        };
        if let Err(failure) = patched {
            io.eprintln(format!(
                "Warning: server rejected managed fields migration to Server-Side Apply. This is non-fatal and will be retried next time you apply. Error: {}",
                failure.words()
            ));
            return sent;
        }
        match self.send_to_server(io, info) {
            Ok(again) => again,
            Err(failure) => {
                io.eprintln(format!(
                    "Warning: failed to re-apply configuration after performing Server-Side Apply migration. This is non-fatal and will be retried next time you apply. Error: {}",
                    failure.words()
                ));
                sent
            }
        }
    }
}

/// The entries with what applied in the old way, whoever did it, at the new manager's; None when nothing was. Whoever
/// applied in the old way owns the note.
fn taken_over(entries: &Value, manager: &str) -> Option<Value> {
    let main =
        |entry: &Value, operation: &str| entry["operation"] == *operation && entry["subresource"].str().is_empty();
    let is_old = |entry: &&Value| main(entry, "Update") && owns_note(entry);
    let (old, mut kept): (Vec<&Value>, Vec<&Value>) = entries.items().iter().partition(is_old);
    let new = kept.iter_mut().find(|entry| entry["manager"] == *manager && main(entry, "Apply"))?;
    let mut owner = new.clone();
    if old.is_empty() {
        return None;
    }
    for entry in old {
        union(&mut owner["fieldsV1"], &entry["fieldsV1"]);
    }
    *new = &owner;
    Some(kept.into_iter().cloned().collect())
}

fn owns_note(entry: &Value) -> bool {
    entry["fieldsV1"]["f:metadata"]["f:annotations"].get(&format!("f:{}", applied::LAST_APPLIED)).is_some()
}

fn union(into: &mut Value, from: &Value) {
    for (key, inner) in from.entries() {
        match into.get_mut(key) {
            Some(there) => union(there, inner),
            None => into.set(key, inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fake;

    #[test]
    fn fields_change_hands() {
        let entry = |manager: &str, operation: &str, fields: Value| value!({"manager": manager, "operation": operation, "fieldsV1": fields});
        let mut note = Value::object();
        note.set(format!("f:{}", applied::LAST_APPLIED), Value::object());
        let note = value!({"f:annotations": note});
        for (old, manager) in [("kubectl-client-side-apply", "kubectl"), ("mine", "mine"), ("theirs", "mine")] {
            let entries = value!([
                entry(manager, "Apply", value!({"f:data": {"f:a": {}}})),
                entry(old, "Update", value!({"f:data": {".": {}, "f:b": {}}, "f:metadata": (&note)})),
                entry("other", "Update", value!({}))
            ]);
            let want = value!([
                entry(manager, "Apply", value!({"f:data": {".": {}, "f:a": {}, "f:b": {}}, "f:metadata": (&note)})),
                entry("other", "Update", value!({}))
            ]);
            assert_eq!(taken_over(&entries, manager), Some(want), "{old}");
        }
        let without = entry("kubectl-client-side-apply", "Update", value!({"f:data": {"f:b": {}}}));
        assert_eq!(taken_over(&value!([entry("kubectl", "Apply", value!({})), without]), "kubectl"), None);
    }

    #[test]
    fn who_writes_in_between_is_waited_for() {
        let path = "/api/v1/namespaces/default/configmaps/a";
        let mut note = Value::object();
        note.set(format!("f:{}", applied::LAST_APPLIED), Value::object());
        let object = value!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "default", "resourceVersion": "1", "managedFields": [
                {"manager": "kubectl", "operation": "Apply", "fieldsV1": {}},
                {"manager": "kubectl-client-side-apply", "operation": "Update", "fieldsV1": {"f:metadata": {"f:annotations": note}}}
            ]}
        });
        let migration = format!("PATCH {path}?fieldManager=kubectl");
        let conflict = Err(drydock_api::Status::new(409, "Conflict", "it was changed"));
        let mut fake = Fake::default().object(&object).on(&format!("PATCH {path}"), Ok(object.clone()));
        fake = fake.on(&migration, conflict).file("/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
        let ran = fake.line("apply --server-side -f /a.yaml");
        let wanted = "Warning: server rejected managed fields migration to Server-Side Apply. This is non-fatal and will be retried next time you apply. Error: it was changed\n";
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("configmap/a serverside-applied\n", wanted));
        assert_eq!(fake.log.iter().filter(|(request, _)| *request == migration).count(), 5);
    }
}
