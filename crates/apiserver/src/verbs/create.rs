//! Create.

use drydock_api::Status;
use drydock_value::Value;

use crate::admission::{self, Attributes, Operation};
use crate::kinds::Kind;
use crate::managed;
use crate::server::ApiServer;
use crate::strategy;
use crate::validation::Errors;
use crate::verbs::{Cx, check_size, fit_namespace, tidy};

/// A generated name keeps at most this much of `generateName`: 63 characters in all with five letters of suffix.
const GENERATED_PREFIX: usize = 58;

impl ApiServer {
    /// Creates an object that is decoded and defaulted.
    pub(crate) fn create(
        &mut self,
        cx: &mut Cx,
        kind: Kind,
        namespace: &str,
        mut object: Value,
    ) -> Result<Value, Status> {
        let info = kind.info();
        let strategy = strategy::of(kind);
        object.set("apiVersion", kind.api_version());
        object.set("kind", info.kind);
        fit_namespace(kind, namespace, &mut object)?;
        let generated = self.generated_name(&object);
        // The real server leaves this to its storage, which a dry run does not reach.
        if !cx.dry_run && !object["metadata"]["resourceVersion"].str().is_empty() {
            return Err(Status::bad_request("resourceVersion should not be set on objects to be created"));
        }

        let managed = cx.managed.take().unwrap_or_else(|| managed::created(self, cx, kind, &object));
        let attributes = Attributes::new(Operation::Create, kind, namespace, "");
        admission::mutate(self, cx, &attributes, &mut object, None)?;
        if let Some(name) = generated.as_deref().filter(|_| object["metadata"]["name"].str().is_empty()) {
            object["metadata"].set("name", name);
        }

        {
            let metadata = &mut object["metadata"];
            for key in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields", "generation"] {
                if metadata.get(key).is_some() {
                    metadata.remove(key);
                }
            }
            for key in ["resourceVersion", "labels", "annotations", "ownerReferences", "finalizers"] {
                tidy(metadata, key);
            }
            if !managed.is_empty() {
                metadata.set("managedFields", managed);
            }
            metadata.set("creationTimestamp", self.now.rfc3339());
            metadata.set("uid", self.random.uuid());
            if strategy.generation.is_some() {
                metadata.set("generation", 1);
            }
        }
        if strategy.drops_status {
            crate::types::drop_status(kind, &mut object);
        }
        if let Some(allocate) = strategy.allocate {
            allocate(self, &mut object, None)?;
        }
        if let Some(prepare) = strategy.prepare_create {
            prepare(self, cx, &mut object)?;
        }
        let mut errors = Errors::default();
        strategy::validate_create(strategy, &object, &mut errors);
        crate::custom::validate(cx, kind, &object, None, &mut errors);
        let name = object["metadata"]["name"].str().to_owned();
        if !errors.is_empty() {
            return Err(Status::invalid(info.group, info.kind, &name, errors.0));
        }
        if let Some(warnings) = strategy.warnings.filter(|_| !cx.is_component) {
            for warning in warnings(&object, None) {
                cx.warn(warning);
            }
        }
        admission::validate(self, cx, &attributes, &object, None)?;

        if let Some(existing) = self.store.get(kind, object["metadata"]["namespace"].str(), &name) {
            let mut status = Status::already_exists(info.group, info.resource, &name);
            if !existing["metadata"]["deletionTimestamp"].is_null() {
                status.message = format!("object is being deleted: {}", status.message);
            }
            if generated.is_some() {
                status.message = format!(
                    "{} \"{}\" already exists, the server was not able to generate a unique name for the object",
                    kind.group_resource(),
                    object["metadata"]["generateName"].str(),
                );
                status.retry_after_seconds = 1;
            }
            return Err(status);
        }
        admission::charge(self, cx, &attributes, &object, None)?;
        if cx.dry_run {
            return Ok(object);
        }
        if !cx.is_component {
            check_size(&object)?;
        }
        self.store.written_by(&cx.user.name, "create", self.now);
        let stored = self.store.put(kind, object)?;
        if let Some(account) = strategy.account {
            account(self, None, Some(&stored));
        }
        Ok(stored)
    }

    /// The name for an object without one, from its `generateName`.
    fn generated_name(&mut self, object: &Value) -> Option<String> {
        let metadata = &object["metadata"];
        let prefix = metadata["generateName"].str();
        if prefix.is_empty() || !metadata["name"].str().is_empty() {
            return None;
        }
        let prefix: String = prefix.chars().take(GENERATED_PREFIX).collect();
        Some(format!("{prefix}{}", self.random.suffix(5)))
    }
}

#[cfg(test)]
mod tests {
    use crate::http::tests::Bench;
    use drydock_value::value;

    #[test]
    fn names_are_generated_after_the_object_is_complete() {
        let mut bench = Bench::new();
        let pods = "/api/v1/namespaces/default/pods";
        let container = value!([{"name": "c", "image": "nginx"}]);
        for (more, told) in [
            (
                ("serviceAccountName", "ghost"),
                "pods \"web-\" is forbidden: error looking up service account default/ghost",
            ),
            (("priorityClassName", "ghost"), "pods \"web-\" is forbidden: no PriorityClass with name ghost was found"),
            (
                ("runtimeClassName", "ghost"),
                "pods \"web-\" is forbidden: pod rejected: RuntimeClass \"ghost\" not found",
            ),
        ] {
            let mut pod = value!({"metadata": {"generateName": "web-"}, "spec": {"containers": container.clone()}});
            pod["spec"].set(more.0, more.1);
            let message = bench.create(pods, pod).unwrap_err().message;
            assert!(message.starts_with(told), "{message}");
        }
        let pod = value!({"metadata": {"generateName": "web-"}, "spec": {"containers": container}});
        let name = bench.create(pods, pod).unwrap()["metadata"]["name"].str().to_owned();
        assert!(name.starts_with("web-") && name.len() == 9, "{name}");
    }
}
