//! From a [`Query`] to objects.

use drydock_api::{GroupVersionKind, GroupVersionResource, Request, Resource, Scope};
use drydock_value::{Value, to_json};

use super::args::{self, Names};
use super::decode::{faults, known, readable, typed};
use super::{Found, Info, Query, files};
use crate::client::{ListOptions, path};
use crate::env::Io;
use crate::failure::{Failure, quote};
use crate::invocation::Invocation;

/// What is said where neither arguments nor files say what is meant.
pub(crate) const MISSING: &str = "You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'";

pub(crate) const LOCAL: &str = "you must specify resources by --filename when --local is set.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'";

/// The objects that a query means.
///
/// # Errors
/// When the query makes no sense as a whole; failures of single objects are in the [`Found`].
pub fn find(query: &Query, inv: &mut Invocation, io: &mut Io<'_>) -> Result<Found, Failure> {
    let mut labels = query.labels.clone();
    let mut failures = Vec::new();
    if query.all && (labels.is_some() || query.fields.is_some()) {
        failures.push(Failure::from("setting 'all' parameter but found a non empty selector. "));
    }
    if !query.filenames.is_empty() && !query.kustomize.is_empty() {
        failures.push("only one of -f or -k can be specified".into());
    }
    if !query.kustomize.is_empty() && query.recursive {
        failures.push("the -k flag can't be used with -f or -R".into());
    }
    Failure::all(failures)?;
    let expanded = files::expand(&query.filenames, query.recursive, &inv.env, io)?;
    let names = if query.args.is_empty() || query.local {
        args::read(&query.args, None)?
    } else {
        args::read(&query.args, Some(inv.mapper(io)?))?
    };
    if query.type_means_all && labels.is_none() && names.types.len() + names.names.len() > 0 && names.names.is_empty() {
        labels = Some(String::new());
    }
    if query.all {
        labels = Some(String::new());
    }
    let mut finder = Finder { query, inv, io, failed: false, items: Vec::new() };
    let found = if query.has_files() {
        finder.by_files(&names, expanded.0, expanded.1)
    } else if query.local && (!query.args.is_empty() || labels.is_none()) {
        Err(LOCAL.into())
    } else if labels.is_some() || query.fields.is_some() {
        finder.by_selector(&names, labels.unwrap_or_default())
    } else if !names.pairs.is_empty() {
        finder.by_pairs(&names)
    } else if !names.names.is_empty() {
        finder.by_names(&names)
    } else if !names.types.is_empty() {
        finder.resources(&names.types)?;
        Err("resource(s) were provided, but no name was specified".into())
    } else {
        Err(MISSING.into())
    };
    let (single, targets_single_items) = found?;
    Ok(Found { items: finder.items, single, targets_single_items })
}

struct Finder<'f, 'i> {
    query: &'f Query,
    inv: &'f mut Invocation,
    io: &'f mut Io<'i>,
    failed: bool,
    items: Vec<Result<Info, Failure>>,
}

type Shape = Result<(bool, bool), Failure>;

impl Finder<'_, '_> {
    fn push(&mut self, item: Result<Info, Failure>) {
        if !self.stopped() {
            self.failed |= item.is_err();
            self.items.push(item);
        }
    }

    /// Whether the command reads objects into Go's types, rather than taking them as they come.
    fn typed(&self) -> bool {
        const TYPED: [&str; 8] = ["set", "rollout", "expose", "logs", "exec", "attach", "port-forward", "debug"];
        let path = self.inv.command.path;
        path == "auth reconcile" || TYPED.contains(&path.split(' ').next().unwrap_or_default())
    }

    fn stopped(&self) -> bool {
        self.failed && !self.query.continue_on_error
    }

    fn options(&self) -> ListOptions {
        ListOptions {
            chunk: self.query.chunk,
            table: self.query.table,
            whole_objects: self.query.whole_objects,
            ..ListOptions::default()
        }
    }

    fn resources(&mut self, types: &[String]) -> Result<Vec<Resource>, Failure> {
        if types.len() > 1 && self.query.single_type {
            return Err("you may only specify a single resource type".into());
        }
        let mut resources: Vec<Resource> = Vec::new();
        for word in types {
            let resource = self.inv.resource(self.io, word)?;
            if !resources.contains(&resource) {
                resources.push(resource);
            }
        }
        Ok(resources)
    }

    fn namespace_for(&self, resource: &Resource) -> Result<String, Failure> {
        if !resource.namespaced() {
            return Ok(String::new());
        }
        if self.query.all_namespaces {
            return Err("a resource cannot be retrieved by name across all namespaces".into());
        }
        if self.query.namespace.is_empty() {
            return Err("namespace may not be empty when retrieving a resource by name".into());
        }
        Ok(self.query.namespace.clone())
    }

    fn by_pairs(&mut self, names: &Names) -> Shape {
        let mut resources: Vec<Resource> = Vec::new();
        let mut infos = Vec::new();
        for (word, name) in &names.pairs {
            let resource = self.inv.resource(self.io, word)?;
            if !resources.contains(&resource) {
                resources.push(resource.clone());
            }
            if resources.len() > 1 && self.query.single_type {
                return Err("you may only specify a single resource type".into());
            }
            infos.push((resource, name.clone()));
        }
        let mut targets = Vec::new();
        for (resource, name) in infos {
            targets.push((self.namespace_for(&resource)?, resource, name));
        }
        for (namespace, resource, name) in targets {
            self.named(resource, namespace, &name);
        }
        Ok((names.pairs.len() == 1, true))
    }

    fn by_names(&mut self, names: &Names) -> Shape {
        if names.types.len() > 1 {
            return Err("you must specify only one resource".into());
        }
        let Some(resource) = self.resources(&names.types)?.into_iter().next() else {
            return Err("you must provide a resource and a resource name together".into());
        };
        let namespace = self.namespace_for(&resource)?;
        for name in &names.names {
            self.named(resource.clone(), namespace.clone(), name);
        }
        Ok((names.names.len() == 1, true))
    }

    fn named(&mut self, resource: Resource, namespace: String, name: &str) {
        if self.stopped() {
            return;
        }
        let mut info = Info { resource, namespace, name: name.to_owned(), source: String::new(), object: Value::Null };
        let got = if self.query.fetch { self.fetch(&mut info) } else { Ok(()) };
        self.push(got.map(|()| info));
    }

    /// Asks the server for an object. An absent object in an absent namespace is the namespace's absence.
    fn fetch(&mut self, info: &mut Info) -> Result<(), Failure> {
        if info.name.is_empty() {
            return Err("resource name may not be empty".into());
        }
        let mut target = path(&info.resource, &info.namespace, Some(&info.name));
        if !self.query.subresource.is_empty() {
            target = format!("{target}/{}", self.query.subresource);
        }
        let request = self.options().accept(Request::get(target));
        let client = self.inv.client(self.io)?;
        match client.ask(self.io, request, &info.resource, &info.name) {
            Ok(object) => {
                if self.typed() {
                    known(&object).map_err(|why| Failure::Code(format!("error: {why}"), 1))?;
                }
                info.object = object;
                Ok(())
            }
            Err(failure) => {
                if failure.is("NotFound") && !info.namespace.is_empty() && info.namespace != "default" {
                    let request = Request::get(format!("/api/v1/namespaces/{}", info.namespace));
                    if let Err(absent) = client.value(self.io, request)
                        && absent.is("NotFound")
                    {
                        return Err(absent);
                    }
                }
                Err(failure)
            }
        }
    }

    fn by_selector(&mut self, names: &Names, labels: String) -> Shape {
        if !names.names.is_empty() {
            return Err("name cannot be provided when a selector is specified".into());
        }
        if !names.pairs.is_empty() {
            return Err("selectors and the all flag cannot be used when passing resource/name arguments".into());
        }
        if names.types.is_empty() {
            return Err("at least one resource must be specified to use a selector".into());
        }
        if !self.query.subresource.is_empty() {
            return Err("subresource cannot be used when bulk resources are specified".into());
        }
        let resources = self.resources(&names.types)?;
        let fields = self.query.fields.clone().unwrap_or_default();
        for resource in resources {
            if self.stopped() {
                break;
            }
            let namespace = if resource.namespaced() && !self.query.all_namespaces {
                self.query.namespace.clone()
            } else {
                String::new()
            };
            let options = ListOptions { labels: labels.clone(), fields: fields.clone(), ..self.options() };
            let client = self.inv.client(self.io)?;
            match client.list(self.io, &resource, &namespace, &options) {
                Ok(list) => match known(&list) {
                    Err(why) if self.typed() => self.push(Err(why.into())),
                    _ => self.list(resource, namespace, "", list),
                },
                Err(failure) => {
                    let failure = unlisted(failure, &resource, &labels, &fields);
                    self.push(Err(failure));
                }
            }
        }
        Ok((false, false))
    }

    /// A list or single object from the server or a file, taken apart when it is to be.
    fn list(&mut self, resource: Resource, namespace: String, source: &str, list: Value) {
        let is_list = list["items"].as_array().is_some() && list["kind"].str().ends_with("List");
        if !is_list || !self.query.flatten {
            let name = list["metadata"]["name"].str().to_owned();
            self.push(Ok(Info { resource, namespace, name, source: source.to_owned(), object: list }));
            return;
        }
        // Items of a typed list come without version and kind: they are the list's.
        let kind = list["kind"].str().trim_end_matches("List").to_owned();
        for item in list["items"].items() {
            let mut object = item.clone();
            if object["kind"].is_null() {
                object.set("apiVersion", list["apiVersion"].clone());
                object.set("kind", kind.as_str());
            }
            let info = Info {
                resource: resource.clone(),
                namespace: object["metadata"]["namespace"].str().to_owned(),
                name: object["metadata"]["name"].str().to_owned(),
                source: source.to_owned(),
                object,
            };
            self.push(Ok(info));
        }
    }

    fn by_files(&mut self, names: &Names, sources: Vec<files::Source>, single: bool) -> Shape {
        if !names.types.is_empty() && names.names.is_empty() {
            return Err(
                "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well"
                    .into(),
            );
        }
        if !names.names.is_empty() || !names.types.is_empty() {
            return Err(
                "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well"
                    .into(),
            );
        }
        if !names.pairs.is_empty() {
            return Err("resource/name arguments cannot be provided when a path is specified".into());
        }
        let selector =
            match &self.query.labels {
                Some(text) => Some(drydock_schema::labels::Selector::parse(text).map_err(|why| {
                    Failure::Error(format!("the provided selector {} is not valid: {why}", quote(text)))
                })?),
                None => None,
            };
        let folder = Some(&self.query.kustomize).filter(|path| !path.is_empty());
        let folder = folder.map(|path| files::Source { name: path.clone(), path: path.clone() });
        let (single, is_folder) = (single && folder.is_none(), folder.is_some());
        for source in folder.into_iter().chain(sources) {
            let read = if is_folder { files::build } else { files::read };
            let documents = match read(self.inv, self.io, &source) {
                Ok(documents) => documents,
                Err(failure @ (Failure::WantStdin | Failure::Later(_))) => return Err(failure),
                Err(failure) => {
                    self.push(Err(failure));
                    continue;
                }
            };
            for document in documents {
                if self.stopped() {
                    break;
                }
                let objects = document
                    .map_err(|failure| (failure, true))
                    .and_then(|document| self.document(document, &source.name));
                match objects {
                    Ok(objects) => {
                        for object in objects {
                            let item = self.object_of_file(object, &source.name);
                            if let (Ok(info), Some(selector)) = (&item, &selector)
                                && !selector.matches_object(&info.object)
                            {
                                continue;
                            }
                            self.push(item);
                        }
                    }
                    Err((failure, fatal)) => {
                        self.push(Err(failure));
                        // What is not YAML, or not an object of a version and kind, ends the file.
                        if fatal {
                            break;
                        }
                    }
                }
            }
        }
        Ok((single, true))
    }

    /// Checks a document of a file and takes lists apart. The flag of an error says whether it ends the file.
    fn document(&mut self, document: Value, source: &str) -> Result<Vec<Value>, (Failure, bool)> {
        if self.query.validate && !self.query.local {
            let missing = faults(&document);
            let why = match missing.as_slice() {
                [] => String::new(),
                [one] => one.clone(),
                several => format!("[{}]", several.join(", ")),
            };
            if !why.is_empty() {
                let words = format!(
                    "error validating {}: error validating data: {why}; if you choose to ignore these errors, turn validation off with --validate=false",
                    quote(source)
                );
                return Err((Failure::Error(words), true));
            }
        }
        let undecodable = |why: String| (Failure::Error(format!("unable to decode {}: {why}", quote(source))), false);
        if document.as_object().is_none() {
            let kind = match document {
                Value::Array(_) => "array",
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                _ => "number",
            };
            return Err(undecodable(format!(
                "json: cannot unmarshal {kind} into Go value of type struct {{ Items json.RawMessage }}"
            )));
        }
        if document["kind"].str().is_empty() {
            return Err(undecodable(format!("Object 'Kind' is missing in '{}'", to_json(&document))));
        }
        let read = if self.typed() { typed(&document) } else { readable(&document["metadata"]) };
        read.map_err(undecodable)?;
        if document["items"].as_array().is_none() {
            return Ok(vec![document]);
        }
        if !self.query.flatten {
            let only = "watch is only supported on individual resources and resource collections";
            return Err((Failure::Error(format!("{only}, but a list of resources is found")), false));
        }
        let mut objects = Vec::new();
        // Items of a typed list may leave their version and kind to it.
        let item_kind = document["kind"].str().strip_suffix("List").unwrap_or_default().to_owned();
        let typed = |item: &Value| {
            let mut item = item.clone();
            if !item_kind.is_empty() && item["kind"].is_null() && item["apiVersion"].is_null() {
                item.set("apiVersion", &document["apiVersion"]);
                item.set("kind", item_kind.as_str());
            }
            item
        };
        let mut queue: std::collections::VecDeque<Value> = document["items"].items().iter().map(typed).collect();
        while let Some(item) = queue.pop_front() {
            if item["items"].as_array().is_some() {
                queue.extend(item["items"].items().iter().cloned());
            } else if item["kind"].str().is_empty() {
                return Err(undecodable(format!("Object 'Kind' is missing in '{}'", to_json(&item))));
            } else {
                objects.push(item);
            }
        }
        Ok(objects)
    }

    /// One object of a file: its resource, its namespace, and what the server has, when that is wanted.
    fn object_of_file(&mut self, mut object: Value, source: &str) -> Result<Info, Failure> {
        let gvk = GroupVersionKind::of(&object);
        let name = object["metadata"]["name"].str().to_owned();
        let mut namespace = object["metadata"]["namespace"].str().to_owned();
        let resource = if self.query.local {
            guess(&gvk)
        } else {
            self.inv.mapper(self.io)?;
            self.inv.kind(self.io, &gvk).map_err(|failure| {
                Failure::Error(format!(
                    "resource mapping not found for name: {} namespace: {} from {}: {}\nensure CRDs are installed first",
                    quote(&name),
                    quote(&namespace),
                    quote(source),
                    failure.words()
                ))
            })?
        };
        if self.query.local {
            // No server says whether the kind has namespaces.
        } else if !resource.namespaced() {
            namespace.clear();
            if let Some(metadata) = object.get_mut("metadata") {
                metadata.remove("namespace");
            }
        } else if namespace.is_empty() {
            namespace.clone_from(&self.query.namespace);
            if !namespace.is_empty() && !self.query.all_namespaces {
                object["metadata"]["namespace"] = namespace.as_str().into();
            }
        } else if self.query.enforce_namespace && namespace != self.query.namespace {
            return Err(Failure::Error(format!(
                "the namespace from the provided object {} does not match the namespace {}. You must pass '--namespace={namespace}' to perform this operation.",
                quote(&namespace),
                quote(&self.query.namespace)
            )));
        }
        let mut info = Info { resource, namespace, name, source: source.to_owned(), object };
        if self.query.latest && !info.name.is_empty() {
            self.fetch(&mut info)?;
        }
        Ok(info)
    }
}

/// The error of a list that the server refused, with what was asked for.
pub(crate) fn unlisted(failure: Failure, resource: &Resource, labels: &str, fields: &str) -> Failure {
    let id = &resource.id;
    let what = quote(&format!("{}/{}, Resource={}", id.group, id.version, id.resource));
    match failure {
        Failure::Status(mut status) if status.is("BadRequest") || status.is("NotFound") => {
            status.message = if labels.is_empty() && fields.is_empty() {
                format!("Unable to list {what}: {}", status.message)
            } else {
                format!(
                    "Unable to find {what} that match label selector {}, field selector {}: {}",
                    quote(labels),
                    quote(fields),
                    status.message
                )
            };
            Failure::Status(status)
        }
        other => other,
    }
}

/// What a kind's resource is most likely called, when no server may be asked.
fn guess(gvk: &GroupVersionKind) -> Resource {
    let singular = gvk.kind.to_lowercase();
    let plural = match singular.as_bytes() {
        [.., b's'] => format!("{singular}es"),
        [rest @ .., b'y'] => format!("{}ies", String::from_utf8_lossy(rest)),
        _ => format!("{singular}s"),
    };
    Resource {
        id: GroupVersionResource::new(&gvk.group, &gvk.version, plural),
        kind: gvk.kind.clone(),
        singular,
        short_names: Vec::new(),
        categories: Vec::new(),
        scope: Scope::Namespaced,
        verbs: Vec::new(),
        subresources: Vec::new(),
    }
}
