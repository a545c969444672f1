//! [`Client`]: typed requests to the API server, with what kubectl does around each: who asks, impersonation,
//! warnings, `-v`.

use drydock_sorted::{Sort, SortedSet};
use std::time::Duration;

use drydock_api::{Body, Method, NO_PAGE, Request, Resource, Response, Status, StreamId};
use drydock_value::Value;

use crate::env::Io;
use crate::failure::Failure;
use crate::flags::Flags;
use crate::kubeconfig::Connection;

/// Options of a list.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// `labelSelector`
    pub labels: String,
    /// `fieldSelector`
    pub fields: String,
    /// Objects a request; 0 asks for all at once.
    pub chunk: i64,
    /// Whether the server shall send a table.
    pub table: bool,
    /// Whether the rows of a table shall carry the whole objects.
    pub whole_objects: bool,
}

impl ListOptions {
    /// Asks for a table, if that is wanted.
    pub fn accept(&self, mut request: Request) -> Request {
        if self.table {
            request = request.header("accept", TABLE);
            if self.whole_objects {
                request = request.param("includeObject", "Object");
            }
        }
        request
    }
}

/// A client of one API server. Plain data: requests go through the transport of the [`Io`] that each method takes.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// Where and as whom.
    pub connection: Connection,
    /// `-v`
    pub verbosity: i64,
    /// `--warnings-as-errors`
    pub warnings_as_errors: bool,
    /// `--request-timeout`: how long a request may take; a watch ends with it.
    pub request_timeout: Option<Duration>,
    headers: Vec<(String, String)>,
    warned: SortedSet<String>,
    /// How many warnings the server sent.
    pub warnings: usize,
}

/// `0` is no limit; a bare number is seconds.
fn request_timeout(text: &str) -> Option<Duration> {
    let parsed = text
        .parse::<u64>()
        .map(Duration::from_secs)
        .or_else(|_| drydock_schema::duration::parse(text).map(|parsed| parsed.duration));
    parsed.ok().filter(|timeout| !timeout.is_zero())
}

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,\
                     application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

impl Client {
    /// With a connection and what the command line says.
    pub fn new(connection: Connection, flags: &Flags) -> Client {
        let mut headers = Vec::new();
        let user = &connection.user;
        for (field, header) in [("as", "user"), ("as-uid", "uid")] {
            if !user[field].is_empty() {
                headers.push((format!("impersonate-{header}"), user[field].str().to_owned()));
            }
        }
        for group in user["as-groups"].items() {
            headers.push(("impersonate-group".to_owned(), group.str().to_owned()));
        }
        for (key, values) in user["as-user-extra"].entries() {
            for value in values.items() {
                headers.push((format!("impersonate-extra-{}", key.to_ascii_lowercase()), value.str().to_owned()));
            }
        }
        Client {
            connection,
            headers,
            verbosity: flags.int("v"),
            warnings_as_errors: flags.bool("warnings-as-errors"),
            request_timeout: request_timeout(flags.str("request-timeout")),
            ..Client::default()
        }
    }

    /// The namespace that commands work in.
    pub fn namespace(&self) -> &str {
        &self.connection.namespace
    }

    /// The client without impersonation.
    #[must_use]
    pub fn as_oneself(&self) -> Client {
        let mut client = self.clone();
        client.headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("impersonate-"));
        client
    }

    /// The headers that say for whom one asks.
    #[cfg(test)]
    pub fn impersonation(&self) -> String {
        self.headers.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    fn prepare(&self, mut request: Request) -> Request {
        request.auth = self.connection.auth.clone();
        // As Go writes queries.
        request.query.sort_compact_by_key(|(name, _)| name.clone());
        request.headers.extend(self.headers.iter().cloned());
        if request.header_value("user-agent").is_none() {
            request.headers.push(("user-agent".into(), "kubectl/v1.36.4 (linux/amd64) kubernetes/drydock".into()));
        }
        if request.header_value("accept").is_none() {
            request.headers.push(("accept".into(), "application/json".into()));
        }
        request
    }

    /// Whether the transport leads to the server that the kubeconfig names.
    fn reachable(&self, io: &Io<'_>) -> Result<(), Status> {
        let host = |url: &str| {
            let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
            bare.split('/').next().unwrap_or("").to_owned()
        };
        let (wanted, there) = (host(&self.connection.server), host(&io.api.server()));
        if wanted == there {
            return Ok(());
        }
        let name = wanted.rsplit_once(':').map_or(wanted.as_str(), |(name, _)| name);
        let mut status = if name.parse::<std::net::IpAddr>().is_ok() || name == "localhost" {
            let address = wanted.replacen("localhost", "127.0.0.1", 1);
            Status::new(0, "", format!("dial tcp {address}: connect: connection refused"))
        } else {
            Status::new(0, "", format!("dial tcp: lookup {name}: no such host"))
        };
        status.name = wanted;
        Err(status)
    }

    /// Sends a request as it is.
    pub fn send(&mut self, io: &mut Io<'_>, request: Request) -> Response {
        if let Err(status) = self.reachable(io) {
            return Response::from(status);
        }
        let request = self.prepare(request);
        let shown = (self.verbosity >= 6).then(|| request.clone());
        let response = io.api.send(request);
        if let Some(request) = shown {
            crate::verbose::show(self.verbosity, &self.connection.server, &request, &response, io);
        }
        for text in response.warnings() {
            self.warnings += 1;
            if self.warned.insert(text.to_owned()) {
                let line = format!("Warning: {}\n", warning_text(text));
                io.err.put(line.as_bytes());
            }
        }
        response
    }

    /// Sends a request and reads the document that comes back.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn value(&mut self, io: &mut Io<'_>, request: Request) -> Result<Value, Failure> {
        self.answer(io, request, |_| None)
    }

    /// As [`Client::value`], for a resource and the name of one object, or of its subresource. Where the server has not even
    /// a status for the path, the refusal tells what was asked.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn ask(
        &mut self,
        io: &mut Io<'_>,
        request: Request,
        resource: &Resource,
        name: &str,
    ) -> Result<Value, Failure> {
        let verb = request.method.as_str().to_ascii_lowercase();
        self.answer(io, request, |response| {
            let nowhere = response.code == 404 && response.body.text().trim_end() == NO_PAGE;
            let name = name.split('/').next().unwrap_or_default();
            let asked = || format!("{verb} {} {name}", resource.id.group_resource());
            nowhere.then(|| format!(" ({})", asked().trim_end()))
        })
    }

    /// `hint` may add to the words of a refusal.
    fn answer(
        &mut self,
        io: &mut Io<'_>,
        request: Request,
        hint: impl FnOnce(&Response) -> Option<String>,
    ) -> Result<Value, Failure> {
        let (method, url) = (request.method, crate::verbose::url(&self.connection.server, &request));
        let response = self.send(io, request);
        let hint = hint(&response);
        response.into_result().map_err(|mut status| {
            if status.code == 0 {
                // What Go's client was doing stands before why it could not.
                let verb = method.as_str();
                let verb = verb[..1].to_owned() + &verb[1..].to_ascii_lowercase();
                status.kind = format!("{verb} {}", crate::failure::quote(&url));
            }
            status.message.extend(hint);
            Failure::from(status)
        })
    }

    /// Opens a stream: a watch, a log, exec, attach, port-forward.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn open(&mut self, io: &mut Io<'_>, request: Request) -> Result<StreamId, Failure> {
        self.reachable(io)?;
        let request = self.prepare(request);
        let shown = (self.verbosity >= 6).then(|| request.clone());
        let opened = io.api.open(request);
        if let Some(request) = shown {
            let response = match &opened {
                Ok(_) => Response::value(200, Value::Null),
                Err(status) => Response::from(status.clone()),
            };
            crate::verbose::show(self.verbosity, &self.connection.server, &request, &response, io);
        }
        Ok(opened?)
    }

    /// One object.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn get(&mut self, io: &mut Io<'_>, resource: &Resource, namespace: &str, name: &str) -> Result<Value, Failure> {
        named(name)?;
        self.ask(io, Request::get(path(resource, namespace, Some(name))), resource, name)
    }

    /// A list, all chunks together.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn list(
        &mut self,
        io: &mut Io<'_>,
        resource: &Resource,
        namespace: &str,
        options: &ListOptions,
    ) -> Result<Value, Failure> {
        let key = if options.table { "rows" } else { "items" };
        let mut all: Option<Value> = None;
        let mut token = String::new();
        loop {
            let mut request = Request::get(path(resource, namespace, None));
            for (name, value) in [("labelSelector", &options.labels), ("fieldSelector", &options.fields)] {
                if !value.is_empty() {
                    request = request.param(name, value);
                }
            }
            if options.chunk > 0 {
                request = request.param("limit", options.chunk.to_string());
            }
            if !token.is_empty() {
                request = request.param("continue", &token);
            }
            request = options.accept(request);
            let page = self.ask(io, request, resource, "")?;
            token = page["metadata"]["continue"].str().to_owned();
            match &mut all {
                None => all = Some(page),
                Some(all) => {
                    let more = page[if all[key].is_null() { "items" } else { key }].items().to_vec();
                    all[key].items_mut().extend(more);
                    all["metadata"]["resourceVersion"] = page["metadata"]["resourceVersion"].clone();
                }
            }
            if token.is_empty() {
                let mut all = all.unwrap_or_default();
                if let Some(metadata) = all.get_mut("metadata") {
                    metadata.remove("continue");
                    metadata.remove("remainingItemCount");
                }
                return Ok(all);
            }
        }
    }

    /// Creates an object.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn create(
        &mut self,
        io: &mut Io<'_>,
        resource: &Resource,
        namespace: &str,
        object: Value,
        params: &[(&str, &str)],
    ) -> Result<Value, Failure> {
        let request = Request::new(Method::Post, path(resource, namespace, None)).with_value(object);
        self.ask(io, with(request, params), resource, "")
    }

    /// Replaces an object. `name` may carry a subresource: `x/scale`.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn update(
        &mut self,
        io: &mut Io<'_>,
        resource: &Resource,
        namespace: &str,
        name: &str,
        object: Value,
        params: &[(&str, &str)],
    ) -> Result<Value, Failure> {
        named(name)?;
        let request = Request::new(Method::Put, path(resource, namespace, Some(name))).with_value(object);
        self.ask(io, with(request, params), resource, name)
    }

    /// Patches an object. `content_type` is one of [`patch_type`]'s; `name` may carry a subresource.
    ///
    /// # Errors
    /// The server's refusal.
    #[allow(clippy::too_many_arguments)]
    pub fn patch(
        &mut self,
        io: &mut Io<'_>,
        resource: &Resource,
        namespace: &str,
        name: &str,
        content_type: &str,
        patch: Body,
        params: &[(&str, &str)],
    ) -> Result<Value, Failure> {
        named(name)?;
        let mut request =
            Request::new(Method::Patch, path(resource, namespace, Some(name))).header("content-type", content_type);
        request.body = patch;
        self.ask(io, with(request, params), resource, name)
    }

    /// Deletes an object. `options` is a `DeleteOptions` without kind and version.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn delete(
        &mut self,
        io: &mut Io<'_>,
        resource: &Resource,
        namespace: &str,
        name: &str,
        mut options: Value,
    ) -> Result<Value, Failure> {
        named(name)?;
        options.set("kind", "DeleteOptions");
        options.set("apiVersion", "v1");
        let request = Request::new(Method::Delete, path(resource, namespace, Some(name))).with_value(options);
        self.ask(io, request, resource, name)
    }

    /// Opens a watch on a collection from a revision on.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn watch(
        &mut self,
        io: &mut Io<'_>,
        resource: &Resource,
        namespace: &str,
        options: &ListOptions,
        revision: &str,
    ) -> Result<StreamId, Failure> {
        let mut request = Request::get(path(resource, namespace, None)).param("watch", "true");
        for (name, value) in [
            ("labelSelector", options.labels.as_str()),
            ("fieldSelector", &options.fields),
            ("resourceVersion", revision),
        ] {
            if !value.is_empty() {
                request = request.param(name, value);
            }
        }
        self.open(io, options.accept(request))
    }
}

/// The path of a collection, or of an object in it. The namespace counts only for a namespaced resource; empty means
/// all of them.
pub fn path(resource: &Resource, namespace: &str, name: Option<&str>) -> String {
    let namespace = Some(namespace).filter(|namespace| resource.namespaced() && !namespace.is_empty());
    resource.id.path(namespace, name)
}

/// The content types of patches.
pub mod patch_type {
    /// RFC 6902
    pub const JSON: &str = "application/json-patch+json";
    /// RFC 7386
    pub const MERGE: &str = "application/merge-patch+json";
    /// Kubernetes' own
    pub const STRATEGIC: &str = "application/strategic-merge-patch+json";
    /// Server-side apply
    pub const APPLY: &str = "application/apply-patch+yaml";
}

/// Without a name the path would be the collection's.
fn named(name: &str) -> Result<(), Failure> {
    match name.is_empty() || name.starts_with('/') {
        true => Err("resource name may not be empty".into()),
        false => Ok(()),
    }
}

fn with(mut request: Request, params: &[(&str, &str)]) -> Request {
    for (name, value) in params.iter().filter(|(_, value)| !value.is_empty()) {
        request = request.param(*name, *value);
    }
    request
}

/// The text of a warning header: `299 - "text"` on the wire, or the text itself.
fn warning_text(header: &str) -> String {
    let Some(rest) = header.strip_prefix("299 ") else { return header.to_owned() };
    let Some((_, quoted)) = rest.split_once(" \"") else { return header.to_owned() };
    quoted.strip_suffix('"').unwrap_or(quoted).replace("\\\"", "\"").replace("\\\\", "\\")
}
