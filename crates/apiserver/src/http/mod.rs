//! The HTTP door: paths, parameters and headers in; objects, lists, tables, watches and connections out.
//!
//! - [`route`]: what a path is about. [`params`]: the options in query and headers.
//! - [`body`]: objects in bodies. [`go_json`]: what Go says of a text that is not JSON.
//! - [`read`], [`write`], [`subresources`]: the verbs. [`pages`]: lists in parts, all of one revision. [`discovery`]: what the server tells about itself.
//! - [`extension`]: what other servers answer for behind this one.

mod about;
mod apply;
#[cfg(test)]
mod asked;
mod body;
mod discovery;
mod extension;
pub(crate) mod go_json;
mod pages;
mod params;
mod read;
mod route;
mod subresources;
#[cfg(test)]
pub(crate) mod tests;
mod write;

use std::sync::Arc;

use drydock_api::{Body, Method, NO_PAGE, Request, Response, Status};
use drydock_value::{Time, Value, value};

pub(crate) use about::Requests;
pub(crate) use extension::Published;
pub use params::accepted;
pub(crate) use params::{Form, IncludeObject};
pub(crate) use route::Route;
pub(crate) use subresources::{no_scale, scale_of, set_replicas};

use crate::printers;
use crate::registry::Served;
use crate::server::ApiServer;
use crate::verbs::{Cx, Part};
use crate::watch::Watch;

/// What the server answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A plain response.
    Response(Response),
    /// A watch, to be polled.
    Watch(Watch),
    /// A way into a pod, a node or a service, for the cluster to serve.
    Connect(Connect),
}

/// A request that the server has checked and that a kubelet or the network has to serve.
#[derive(Debug, Clone)]
pub struct Connect {
    /// The namespace; empty for nodes.
    pub namespace: String,
    /// The plural: `pods`, `nodes` or `services`.
    pub resource: String,
    /// The object's name as the path has it: for `proxy`, a scheme before it and a port after it may be part of it.
    pub name: String,
    /// `log`, `exec`, `attach`, `portforward` or `proxy`.
    pub subresource: String,
    /// What follows `proxy/` in the path.
    pub path: String,
    /// The request.
    pub request: Request,
    /// The pod, node or service.
    pub object: Value,
}

fn method_not_allowed() -> Status {
    Status::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
}

impl ApiServer {
    /// Answers one request.
    pub fn handle(&mut self, request: Request, now: Time) -> Answer {
        if self.closed {
            return Answer::Response(Response::from(crate::client::unreachable()));
        }
        self.set_now(now);
        let mut cx = Cx::default();
        let route = Route::of(&request);
        let asker = self.auditing.then(|| self.asker(&request));
        let mut answer = self.answer(&mut cx, &route, request).unwrap_or_else(|status| {
            let nothing = status == Status::no_such_path() && !self.knows(&route);
            Answer::Response(if nothing {
                Response::text(404, format!("{NO_PAGE}\n"))
            } else if status.message.starts_with(crate::auth::authenticate::INTERNAL) {
                Response::text(status.code, format!("{}\n", status.message))
            } else {
                status.into()
            })
        });
        let code = if let Answer::Response(response) = &answer { response.code } else { 200 };
        if let Answer::Response(response) = &mut answer {
            let warnings = std::mem::take(&mut cx.warnings).into_iter().map(|warning| ("warning".to_owned(), warning));
            response.headers.extend(warnings);
        }
        if self.tells_flows
            && let Answer::Response(response) = &mut answer
            && let Some([flow, level]) = self.flow_of(&cx.user, &route)
        {
            response.headers.push(("x-kubernetes-pf-flowschema-uid".into(), flow));
            response.headers.push(("x-kubernetes-pf-prioritylevel-uid".into(), level));
        }
        if let Some(asker) = asker {
            self.audit(&mut cx, &route, asker, code);
        }
        *Arc::make_mut(&mut self.requests).entry(about::labels(&route, code)).or_default() += 1;
        answer
    }

    /// Whether a path lies under a version of an API.
    fn knows(&self, route: &Route) -> bool {
        let of = |served: &&Served| served.group() == route.group && served.version() == route.version;
        route.is_resource && self.served().iter().any(of)
    }

    fn answer(&mut self, cx: &mut Cx, route: &Route, request: Request) -> Result<Answer, Status> {
        if let Body::Bytes(bytes) = &request.body
            && bytes.len() > self.config.limits.request_bytes
        {
            let limit = self.config.limits.request_bytes;
            return Err(Status::too_large(format!("Request entity too large: limit is {limit}")));
        }
        if !route.takes_long() {
            params::check_timeout(&request)?;
        }
        cx.user = self.authenticate(&request)?;
        cx.manager = params::manager(&request)?;
        let reason = self.authorize_route(&cx.user, route)?;
        if self.auditing {
            cx.annotate(crate::audit::DECISION, "allow");
            cx.annotate(crate::audit::REASON, reason);
        }
        if !route.is_resource {
            return self.plain_path(&request).map(Answer::Response);
        }
        let served = self
            .find_served(&route.group, &route.version, &route.resource)
            .ok_or_else(|| self.no_such_resource(&route.group, &route.version))?;
        self.resource(cx, served, route, request)
    }

    fn resource(
        &mut self,
        cx: &mut Cx,
        served: &'static Served,
        route: &Route,
        request: Request,
    ) -> Result<Answer, Status> {
        cx.served = Some(served);
        if served.namespaced() {
            // Across namespaces there is only reading.
            if route.namespace.is_empty() && !matches!(route.verb, "list" | "watch") {
                return Err(if route.name.is_empty() { method_not_allowed() } else { Status::no_such_path() });
            }
        } else if !route.namespace.is_empty() && served.resource() != "namespaces" {
            return Err(Status::no_such_path());
        }
        if matches!(request.method, Method::Head | Method::Options) && route.subresource != "proxy" {
            return Err(method_not_allowed());
        }
        // What a container or a server in the cluster answers has a form of its own.
        let (form, first) = match route.verb {
            _ if route.takes_long() && route.verb != "watch" => (Form::Plain, false),
            "watch" | "delete" | "deletecollection" => params::versioned_form(&request, served, None)?,
            verb => params::versioned_form(&request, served, Some(verb == "list"))?,
        };
        let mut answer = self.formed(cx, served, route, request, form)?;
        if first {
            match &mut answer {
                Answer::Response(response) => {
                    if let Body::Value(body) = &mut response.body {
                        printers::in_first_version(body);
                    }
                }
                Answer::Watch(watch) => watch.in_first_version(),
                Answer::Connect(_) => {}
            }
        }
        Ok(answer)
    }

    /// An answer in a form.
    fn formed(
        &mut self,
        cx: &mut Cx,
        served: &'static Served,
        route: &Route,
        request: Request,
        form: Form,
    ) -> Result<Answer, Status> {
        let namespace = if served.namespaced() { route.namespace.as_str() } else { "" };
        if !route.subresource.is_empty() {
            let sub = served.subresource(&route.subresource).ok_or_else(Status::no_such_path)?;
            if !subresources::answers(&sub.verbs, request.method, route.verb) {
                return Err(method_not_allowed());
            }
            let kind = served.kind.ok_or_else(Status::no_such_path)?;
            return self.subresource(cx, served, kind, route, request, form);
        }
        // Objects are made in their collection, and changed under their own names.
        let misplaced = match route.verb {
            "create" => !route.name.is_empty(),
            "update" | "patch" => route.name.is_empty(),
            _ => false,
        };
        if misplaced || !served.answers(route.verb) {
            return Err(method_not_allowed());
        }
        let Some(kind) = served.kind else {
            return self.virtual_resource(cx, served, route, &request).map(Answer::Response);
        };
        if let Some(warning) = deprecation(served) {
            cx.warn(warning);
        }
        let response = match route.verb {
            "get" => self.get_one(served, kind, namespace, &route.name, form)?,
            "list" => self.list(served, kind, namespace, &params::ListOptions::of(&request, false)?, form)?,
            "watch" => {
                let options = params::ListOptions::of(&request, true)?;
                let name = Some(route.name.as_str()).filter(|name| !name.is_empty());
                return self.open_watch(served, kind, namespace, name, &options, form).map(Answer::Watch);
            }
            "create" => self.post(cx, served, kind, namespace, &request, form)?,
            "update" => self.put(cx, served, kind, namespace, &route.name, Part::Main, &request, form)?,
            "patch" => self.patch(cx, served, kind, namespace, &route.name, Part::Main, &request, form)?,
            "delete" => self.delete_one(cx, served, kind, namespace, &route.name, &request)?,
            "deletecollection" => self.delete_collection(cx, served, kind, namespace, &request)?,
            _ => return Err(method_not_allowed()),
        };
        Ok(Answer::Response(response))
    }

    /// Resources that are not stored: reviews, component statuses, legacy bindings.
    fn virtual_resource(
        &mut self,
        cx: &mut Cx,
        served: &'static Served,
        route: &Route,
        request: &Request,
    ) -> Result<Response, Status> {
        match served.resource() {
            _ if served.group() == extension::METRICS.0 => self.extension(served, route, request),
            "componentstatuses" => {
                cx.warn("v1 ComponentStatus is deprecated in v1.19+");
                component_statuses(self, served, route, request)
            }
            "bindings" => self.post_legacy_binding(cx, &route.namespace, request),
            resource => {
                // Reviews have no columns of their own, and no metadata.
                if !params::takes_plain(request) {
                    let message = "only the following media types are accepted: application/json, application/yaml, \
                                   application/vnd.kubernetes.protobuf";
                    return Err(Status::new(406, "NotAcceptable", message));
                }
                let object = body::object(served, request, cx)?;
                let review = self.review(cx, resource, &route.namespace, object)?;
                Ok(Response::value(201, review))
            }
        }
    }
}

/// What a client is told about an old version.
fn deprecation(served: &Served) -> Option<&'static str> {
    if let Some(version) = crate::custom::version(served) {
        return version.deprecation.as_deref();
    }
    (served.group().is_empty() && served.resource() == "endpoints")
        .then_some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
}

fn component_statuses(
    server: &ApiServer,
    served: &'static Served,
    route: &Route,
    request: &Request,
) -> Result<Response, Status> {
    let status = |name: &str| {
        value!({
            "kind": "ComponentStatus", "apiVersion": "v1", "metadata": {"name": name},
            "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}]
        })
    };
    let all: Vec<Value> = ["scheduler", "controller-manager", "etcd-0"].map(status).to_vec();
    let form = params::form(request, served, Some(route.name.is_empty()))?;
    if !route.name.is_empty() {
        let found = all.iter().find(|object| object["metadata"]["name"] == *route.name.as_str());
        let found = found.ok_or_else(|| Status::not_found("", "componentstatuses", &route.name))?;
        return Ok(server.one(200, served, found, form));
    }
    Ok(Response::value(
        200,
        match form {
            Form::Table(include) => {
                let rows = all
                    .iter()
                    .map(|object| {
                        let mut row = crate::printers::row(None, served.row, object, server.now, include);
                        row.set("cells", value!([&object["metadata"]["name"], "Healthy", "ok", ""]));
                        row
                    })
                    .collect();
                let columns = crate::printers::column_definitions(&served.row.columns);
                crate::printers::table(Some(columns), rows, drydock_value::Map::new())
            }
            _ => value!({"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": {}, "items": all}),
        },
    ))
}
