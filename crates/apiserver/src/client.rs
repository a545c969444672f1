//! The door for what runs inside the cluster: typed verbs with the same admission, defaulting, validation and watch
//! events as over HTTP. Only authentication and authorization are left out, as the caller is part of the machine.

use drydock_api::Status;
use drydock_value::Value;

use crate::kinds::{self, Kind};
use crate::server::ApiServer;
use crate::user::User;
use crate::verbs::{Cx, DeleteOptions, Part, not_found};

/// How a patch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchType {
    /// RFC 6902: a list of operations.
    Json,
    /// RFC 7386.
    Merge,
    /// Kubernetes' own, with merge keys.
    Strategic,
}

/// A component's way to the API server.
pub struct Client<'a> {
    server: &'a mut ApiServer,
    user: User,
}

impl ApiServer {
    /// The typed verbs, as `actor` (`system:kube-scheduler`, `system:node:NAME`, a service account's user name). The
    /// time is that of [`ApiServer::set_now`].
    pub fn client(&mut self, actor: &str) -> Client<'_> {
        let user = User::named(actor);
        Client { server: self, user }
    }
}

/// What a component gets when it does not reach the server.
pub(crate) fn unreachable() -> Status {
    Status::new(0, "", "connect: connection refused")
}

impl Client<'_> {
    fn reach(&self) -> Result<(), Status> {
        if self.server.closed { Err(unreachable()) } else { Ok(()) }
    }

    fn cx(&self) -> Cx {
        Cx::component(self.user.clone())
    }

    /// One object.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Result<Value, Status> {
        self.reach()?;
        self.server.get(kind, namespace, name).cloned().ok_or_else(|| not_found(kind, name))
    }

    /// The objects of a namespace ("" is all of them), in storage order.
    pub fn list(&self, kind: Kind, namespace: &str) -> Vec<Value> {
        self.server.objects(kind, namespace).cloned().collect()
    }

    /// Creates an object; defaults are filled in.
    ///
    /// # Errors
    /// What admission, validation or the store refuse.
    pub fn create(&mut self, kind: Kind, namespace: &str, object: Value) -> Result<Value, Status> {
        self.reach()?;
        let object = self.server.decoded.decode(kind, object);
        let mut cx = self.cx();
        self.server.create(&mut cx, kind, namespace, object)
    }

    /// Creates an event, which is as Go writes it already. It is not read through, as everybody reports all the time.
    ///
    /// # Errors
    /// As [`Client::create`].
    pub fn create_event(&mut self, namespace: &str, event: Value) -> Result<Value, Status> {
        self.create_written(kinds::EVENTS, namespace, event)
    }

    /// Creates an object that is as Go writes it already: all fields that are always there, and no empty ones besides.
    ///
    /// # Errors
    /// As [`Client::create`].
    pub(crate) fn create_written(&mut self, kind: Kind, namespace: &str, object: Value) -> Result<Value, Status> {
        self.reach()?;
        debug_assert_eq!(crate::types::decode_trusted(kind, object.clone(), &Value::Null), object);
        let mut cx = self.cx();
        self.server.create(&mut cx, kind, namespace, object)
    }

    /// Replaces an object by its name; a resourceVersion in it must be the current one.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, and what admission and validation refuse.
    pub fn update(&mut self, kind: Kind, namespace: &str, object: Value) -> Result<Value, Status> {
        self.put(kind, namespace, object, Part::Main)
    }

    /// Replaces an object's status; a resourceVersion in it must be the current one.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, and what validation refuses.
    pub fn update_status(&mut self, kind: Kind, namespace: &str, object: Value) -> Result<Value, Status> {
        self.put(kind, namespace, object, Part::Status)
    }

    /// Replaces the conditions of a request for a certificate, by which it is approved or denied.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, and what validation refuses.
    pub fn update_approval(&mut self, object: Value) -> Result<Value, Status> {
        self.put(kinds::CERTIFICATE_SIGNING_REQUESTS, "", object, Part::Approval)
    }

    /// Replaces a namespace's finalizers.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`.
    pub fn finalize(&mut self, object: Value) -> Result<Value, Status> {
        self.put(kinds::NAMESPACES, "", object, Part::Finalize)
    }

    fn put(&mut self, kind: Kind, namespace: &str, object: Value, part: Part) -> Result<Value, Status> {
        self.reach()?;
        let name = object["metadata"]["name"].str().to_owned();
        let mut cx = self.cx();
        self.server.update(&mut cx, kind, namespace, &name, part, &mut |_, _, old| {
            Ok(crate::types::decode_trusted(kind, object.clone(), old))
        })
    }

    /// Patches an object, or its subresource (`status`, `scale`; "" is the object).
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, and what admission and validation refuse.
    pub fn patch(
        &mut self,
        kind: Kind,
        namespace: &str,
        name: &str,
        patch_type: PatchType,
        patch: &Value,
        subresource: &str,
    ) -> Result<Value, Status> {
        self.reach()?;
        let part = match subresource {
            "" => Part::Main,
            "status" => Part::Status,
            "finalize" => Part::Finalize,
            "ephemeralcontainers" => Part::EphemeralContainers,
            "resize" => Part::Resize,
            _ => return Err(Status::no_such_path()),
        };
        let mut cx = self.cx();
        self.server.update(&mut cx, kind, namespace, name, part, &mut |_, _, old| {
            let patched = crate::types::patch(&crate::registry::storage(kind).gvk(), patch_type, old, patch)?;
            Ok(crate::types::decode_trusted(kind, patched, old))
        })
    }

    /// The `Scale` of an object.
    ///
    /// # Errors
    /// `NotFound`, of the object or of the subresource.
    pub fn scale(&self, kind: Kind, namespace: &str, name: &str) -> Result<Value, Status> {
        self.reach()?;
        if crate::registry::storage(kind).subresource("scale").is_none() {
            return Err(Status::no_such_path());
        }
        let object = self.server.get(kind, namespace, name).ok_or_else(|| crate::http::no_scale(kind, name))?;
        Ok(crate::http::scale_of(kind, object))
    }

    /// Asks for so many replicas of an object, through its `scale`. A resourceVersion must be the current one.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, and what validation refuses.
    pub fn set_scale(&mut self, kind: Kind, scale: &Value, replicas: i64) -> Result<(), Status> {
        self.reach()?;
        let metadata = &scale["metadata"];
        let mut cx = self.cx();
        let mut change = |_: &ApiServer, _: &mut Cx, old: &Value| {
            let mut object = old.clone();
            object["metadata"].set("resourceVersion", &metadata["resourceVersion"]);
            crate::http::set_replicas(kind, &mut object, replicas);
            Ok(object)
        };
        let (namespace, name) = (metadata["namespace"].str(), metadata["name"].str());
        self.server.update(&mut cx, kind, namespace, name, Part::Scale, &mut change).map(|_| ())
    }

    /// Deletes an object. Answers its last state, or its state while it ends.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` when a precondition fails, `Forbidden`.
    pub fn delete(
        &mut self,
        kind: Kind,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Value, Status> {
        self.reach()?;
        let mut cx = self.cx();
        self.server.delete(&mut cx, kind, namespace, name, options).map(|deleted| deleted.object)
    }

    /// Assigns a pod to a node, as the scheduler does through `pods/binding`.
    ///
    /// # Errors
    /// `NotFound`, and `Conflict` when it has a node already.
    pub fn bind(&mut self, namespace: &str, pod: &str, node: &str) -> Result<(), Status> {
        self.reach()?;
        let mut cx = self.cx();
        self.server.bind(&mut cx, namespace, pod, node, &Value::Null)
    }
}
