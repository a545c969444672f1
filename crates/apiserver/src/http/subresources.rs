//! Subresources with a form of their own: scale, binding, eviction, token, and the ways into pods, services and nodes.

use drydock_api::{Method, Request, Response, Status};
use drydock_schema::labels;
use drydock_value::{Value, value};

use super::body;
use super::params::{self, Form};
use super::route::Route;
use super::write::{patch_document, patch_type};
use super::{Answer, Connect};
use crate::admission::{self, Attributes, Operation};
use crate::kinds::{self, Kind};
use crate::registry::Served;
use crate::server::ApiServer;
use crate::types;
use crate::validation::{Errors, Path, common};
use crate::verbs::{Cx, Part, not_found};

fn success(code: u16) -> Response {
    Response::value(
        code,
        value!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code}),
    )
}

/// Makes the new `Scale` of the one that is there.
type Change = Box<dyn Fn(&Value) -> Result<Value, Status>>;

impl ApiServer {
    /// Answers a request about a subresource of a stored kind.
    pub(super) fn subresource(
        &mut self,
        cx: &mut Cx,
        served: &'static Served,
        kind: Kind,
        route: &Route,
        request: Request,
        form: Form,
    ) -> Result<Answer, Status> {
        let (namespace, name) = (route.namespace.as_str(), route.name.as_str());
        let namespace = if kind.namespaced() { namespace } else { "" };
        let part = match route.subresource.as_str() {
            "status" => Part::Status,
            "scale" => Part::Scale,
            "finalize" => Part::Finalize,
            "approval" => Part::Approval,
            "ephemeralcontainers" => Part::EphemeralContainers,
            "resize" => Part::Resize,
            "log" | "exec" | "attach" | "portforward" | "proxy" => {
                return self.connect(cx, kind, namespace, route, request).map(Answer::Connect);
            }
            "binding" => return self.post_binding(cx, namespace, name, &request).map(Answer::Response),
            "eviction" => return self.post_eviction(cx, namespace, name, &request).map(Answer::Response),
            "token" => {
                let document = body::document(&request, "TokenRequest")?;
                let document = body::of_kind("authentication.k8s.io/v1", "TokenRequest", document)?;
                cx.dry_run = params::dry_run(&request)?;
                let answer = self.request_token(cx, namespace, name, document)?;
                return Ok(Answer::Response(Response::value(201, answer)));
            }
            _ => return Err(Status::no_such_path()),
        };
        let response = match (part, route.verb) {
            (Part::Scale, verb) => self.scale(cx, kind, namespace, name, verb, &request)?,
            (_, "get") => self.get_one(served, kind, namespace, name, form)?,
            (_, "update") => self.put(cx, served, kind, namespace, name, part, &request, form)?,
            (_, "patch") => self.patch(cx, served, kind, namespace, name, part, &request, form)?,
            _ => return Err(super::method_not_allowed()),
        };
        Ok(Answer::Response(response))
    }

    fn connect(
        &self,
        cx: &mut Cx,
        kind: Kind,
        namespace: &str,
        route: &Route,
        request: Request,
    ) -> Result<Connect, Status> {
        // `https:web:80` and `minikube:10250` name a scheme and a port besides the object.
        let name = match (route.subresource.as_str(), route.name.split(':').collect::<Vec<_>>().as_slice()) {
            ("proxy", [_, name, _] | [name, _]) => (*name).to_owned(),
            _ => route.name.clone(),
        };
        let object = self.store.get(kind, namespace, &name).cloned().ok_or_else(|| not_found(kind, &name))?;
        // Logs are read; the rest are ways in.
        if route.subresource != "log" {
            let attributes = Attributes::new(Operation::Connect, kind, namespace, &route.subresource);
            admission::connect(self, cx, &attributes, &name, &connect_options(kind, route, &request))?;
        }
        Ok(Connect {
            namespace: namespace.to_owned(),
            resource: route.resource.clone(),
            name: route.name.clone(),
            subresource: route.subresource.clone(),
            path: route.rest.clone(),
            request,
            object,
        })
    }

    #[allow(clippy::too_many_arguments)]
    fn scale(
        &mut self,
        cx: &mut Cx,
        kind: Kind,
        namespace: &str,
        name: &str,
        verb: &str,
        request: &Request,
    ) -> Result<Response, Status> {
        let object = super::read::existing(self, kind, namespace, name).map_err(|_| no_scale(kind, name))?;
        let custom = crate::custom::storage(kind).map(|version| version.scale["specReplicasPath"].str().to_owned());
        if let Some(path) = custom.as_deref().filter(|path| crate::custom::scale::get(object, path).is_null()) {
            let why = format!("Internal error occurred: the spec replicas field {path:?} does not exist");
            return Err(Status::new(500, "InternalError", why));
        }
        let current = scale_of(kind, object);
        if verb == "get" {
            return Ok(Response::value(200, current));
        }
        cx.dry_run = params::dry_run(request)?;
        let change: Change = if verb == "patch" {
            let kind_of_patch = patch_type(request, false)?;
            let patch = patch_document(request)?;
            let gvk = drydock_api::GroupVersionKind::new("autoscaling", "v1", "Scale");
            Box::new(move |scale| types::patch(&gvk, kind_of_patch, scale, &patch))
        } else {
            let document = body::document(request, "Scale")?;
            let document = body::of_kind("autoscaling/v1", "Scale", document)?;
            Box::new(move |_| Ok(document.clone()))
        };
        let updated = self.update(cx, kind, namespace, name, Part::Scale, &mut |_, _, old| {
            let scale = change(&scale_of(kind, old))?;
            let gvk = drydock_api::GroupVersionKind::new("autoscaling", "v1", "Scale");
            let (scale, _) = types::decode(&gvk, &scale, &Value::Null).map_err(|why| {
                Status::bad_request(format!("Scale in version \"v1\" cannot be handled as a Scale: {why}"))
            })?;
            let mut errors = Errors::default();
            common::non_negative(&scale["spec"]["replicas"], &Path::new("spec").field("replicas"), &mut errors);
            // A custom resource's own rules say it of its own field.
            if !errors.is_empty() && custom.is_none() {
                return Err(Status::invalid("autoscaling", "Scale", name, errors.0));
            }
            let mut object = old.clone();
            for key in ["name", "namespace", "uid", "resourceVersion"] {
                let given = &scale["metadata"][key];
                if !given.is_null() {
                    object["metadata"].set(key, given);
                }
            }
            set_replicas(kind, &mut object, scale["spec"]["replicas"].int());
            Ok(object)
        })?;
        Ok(Response::value(200, scale_of(kind, &updated)))
    }

    fn post_binding(
        &mut self,
        cx: &mut Cx,
        namespace: &str,
        name: &str,
        request: &Request,
    ) -> Result<Response, Status> {
        let document = body::document(request, "Binding")?;
        let binding = body::of_kind("v1", "Binding", document)?;
        cx.dry_run = params::dry_run(request)?;
        let given = binding["metadata"]["name"].str();
        let name = if name.is_empty() { given } else { name };
        if given != name {
            return Err(Status::bad_request("name in URL does not match name in Binding object"));
        }
        let target = &binding["target"];
        let mut errors = Errors::default();
        let path = Path::new("target");
        if !matches!(target["kind"].str(), "" | "Node") {
            errors.not_supported(&path.field("kind"), target["kind"].str(), &["Node", "<empty>"]);
        }
        if target["name"].str().is_empty() {
            errors.required(&path.field("name"), "");
        }
        if !errors.is_empty() {
            return Err(Status::invalid("", "Binding", name, errors.0));
        }
        self.bind(cx, namespace, name, target["name"].str(), &binding["metadata"]["annotations"])?;
        Ok(success(201))
    }

    fn post_eviction(
        &mut self,
        cx: &mut Cx,
        namespace: &str,
        name: &str,
        request: &Request,
    ) -> Result<Response, Status> {
        let document = body::document(request, "Eviction")?;
        let eviction = body::of_kind("policy/v1", "Eviction", document)?;
        cx.dry_run = params::dry_run(request)?;
        let given = eviction["metadata"]["name"].str();
        if !given.is_empty() && given != name {
            return Err(Status::bad_request("name in URL does not match name in Eviction object"));
        }
        let options = crate::verbs::DeleteOptions::from_value(&eviction["deleteOptions"])?;
        if eviction["deleteOptions"]["dryRun"].items().iter().any(|value| value == "All") {
            cx.dry_run = true;
        }
        let attributes = Attributes::new(Operation::Create, kinds::PODS, namespace, "eviction");
        admission::connect(self, cx, &attributes, name, &eviction)?;
        cx.evicts = true;
        self.evict(cx, namespace, name, &options)?;
        Ok(success(201))
    }

    /// The legacy way to bind: the pod's name stands in the body only.
    pub(super) fn post_legacy_binding(
        &mut self,
        cx: &mut Cx,
        namespace: &str,
        request: &Request,
    ) -> Result<Response, Status> {
        self.post_binding(cx, namespace, "", request)
    }
}

/// What a client asks for of a way in, as an object.
fn connect_options(kind: Kind, route: &Route, request: &Request) -> Value {
    let word = match route.subresource.as_str() {
        "exec" => "Exec",
        "attach" => "Attach",
        "portforward" => "PortForward",
        _ => "Proxy",
    };
    let mut options = Value::object();
    options.set("kind", format!("{}{word}Options", kind.info().kind));
    options.set("apiVersion", "v1");
    for (key, text) in &request.query {
        match key.as_str() {
            "command" => options[key.as_str()].push(text.as_str()),
            "container" | "path" => options.set(key.as_str(), text.as_str()),
            "stdin" | "stdout" | "stderr" | "tty" => options.set(key.as_str(), matches!(text.as_str(), "true" | "1")),
            _ => {}
        }
    }
    if word == "Proxy" && !route.rest.is_empty() {
        options.set("path", route.rest.as_str());
    }
    options
}

/// Writes what a `Scale` asks for into its object.
pub(crate) fn set_replicas(kind: Kind, object: &mut Value, replicas: i64) {
    match crate::custom::storage(kind) {
        Some(version) => {
            let path = version.scale["specReplicasPath"].str();
            crate::custom::scale::set(object, path, replicas);
        }
        None => object["spec"].set("replicas", replicas),
    }
}

/// There is no such object to be read the scale of: some kinds say that it is the scale that is missing.
pub(crate) fn no_scale(kind: Kind, name: &str) -> Status {
    let resource = &crate::registry::storage(kind).row.resource.id;
    let (group, resource) = match kind {
        kinds::DEPLOYMENTS => ("apps", "deployments/scale"),
        kinds::REPLICA_SETS => ("apps", "replicasets/scale"),
        kinds::REPLICATION_CONTROLLERS => ("autoscaling", "replicationcontrollers/scale"),
        _ => (&*resource.group, &*resource.resource),
    };
    Status::not_found(group, resource, name)
}

/// The `Scale` of an object.
pub(crate) fn scale_of(kind: Kind, object: &Value) -> Value {
    let mut metadata = Value::object();
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        metadata.set(key, &object["metadata"][key]);
    }
    let custom = crate::custom::storage(kind).map(|version| {
        let at = |key: &str| crate::custom::scale::get(object, version.scale[key].str());
        (at("specReplicasPath"), at("statusReplicasPath"), at("labelSelectorPath"))
    });
    let (wanted, actual) = match custom {
        Some((wanted, actual, _)) => (wanted, actual),
        None => (&object["spec"]["replicas"], &object["status"]["replicas"]),
    };
    let selector = if let Some((_, _, selector)) = custom {
        selector.as_str().map(str::to_owned)
    } else if kind == kinds::REPLICATION_CONTROLLERS {
        object["spec"]["selector"].as_object().map(|map| labels::Selector::from_map(map).to_string())
    } else {
        labels::Selector::from_label_selector(&object["spec"]["selector"]).ok().map(|selector| selector.to_string())
    };
    let mut spec = Value::object();
    if wanted.int() != 0 {
        spec.set("replicas", wanted.int());
    }
    let mut status = value!({"replicas": actual.int()});
    if let Some(selector) = selector.filter(|selector| !selector.is_empty()) {
        status.set("selector", selector);
    }
    value!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status
    })
}

/// Whether a subresource answers a method.
pub(super) fn answers(verbs: &[String], method: Method, verb: &str) -> bool {
    let wanted = match method {
        Method::Head | Method::Options => "get",
        _ => verb,
    };
    verbs.iter().any(|v| v == wanted)
}
