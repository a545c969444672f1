//! `kubectl apply --prune --applyset=…`: objects that belong together are labelled with the set's ID, and an object of
//! its own, the parent, notes which kinds and namespaces the set is in. What is labelled and not in the files any more
//! is pruned.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use drydock_api::{Body, GroupVersionKind, Resource};
use drydock_sorted::SortedSet;
use drydock_value::value;

use super::Options;
use crate::builder::Info;
use crate::change::deletion;
use crate::change::printing::Printing;
use crate::client::{ListOptions, patch_type};
use crate::commands::api::CLIENT_VERSION;
use crate::env::Io;
use crate::failure::{Failure, quote};
use crate::invocation::{DryRun, Invocation};

const ID: &str = "applyset.kubernetes.io/id";
const PART_OF: &str = "applyset.kubernetes.io/part-of";
const TOOLING: &str = "applyset.kubernetes.io/tooling";
const KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";
const PARENT_TYPE: &str = "applyset.kubernetes.io/is-parent-type";

/// A set, with what it held before and holds now.
#[derive(Debug, Clone)]
pub(super) struct ApplySet {
    resource: Resource,
    namespace: String,
    name: String,
    id: String,
    /// Kinds with their groups (`Deployment.apps`), before and now.
    before: SortedSet<String>,
    now: SortedSet<String>,
    /// Namespaces, before and now; the parent's own among them.
    places_before: SortedSet<String>,
    places: SortedSet<String>,
    dry_run: DryRun,
}

impl ApplySet {
    /// The set that `--applyset` names; None without it.
    pub(super) fn new(inv: &mut Invocation, io: &mut Io<'_>, options: &Options) -> Result<Option<ApplySet>, Failure> {
        let word = inv.flags.str("applyset").to_owned();
        if word.is_empty() {
            return Ok(None);
        }
        if !inv.flags.bool("prune") {
            return Err("--applyset requires --prune".into());
        }
        for (given, flag) in [
            (!inv.flags.str("selector").is_empty(), "--selector"),
            (!inv.flags.list("prune-allowlist").is_empty(), "--prune-allowlist"),
            (inv.flags.bool("all"), "--all"),
        ] {
            if given {
                return Err(format!("{flag} is incompatible with --applyset").into());
            }
        }
        let (kind, name) = word.split_once('/').unwrap_or(("secrets", &word));
        let resource = inv.resource(io, kind)?;
        let client = inv.client(io)?;
        let (place, given) = (client.namespace().to_owned(), client.connection.namespace_given);
        let mut wrong: Vec<Failure> = Vec::new();
        if resource.namespaced() && !given {
            wrong.push("namespace is required to use namespace-scoped ApplySet".into());
        }
        if !permitted(inv, io, &resource)? {
            let id = &resource.id;
            let group = if id.group.is_empty() { String::new() } else { format!("{}/", id.group) };
            let shown = quote(&format!("{group}{}, Resource={}", id.version, id.resource));
            wrong.push(format!("resource {shown} is not permitted as an ApplySet parent").into());
        }
        Failure::all(wrong)?;
        let namespace = if resource.namespaced() { place } else { String::new() };
        let identity = format!("{name}.{namespace}.{}.{}", resource.kind, resource.id.group);
        let digest = drydock_pki::sha256::digest(identity.as_bytes());
        let mut set = ApplySet {
            id: format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(digest)),
            name: name.to_owned(),
            namespace,
            resource,
            before: SortedSet::new(),
            now: SortedSet::new(),
            places_before: SortedSet::new(),
            places: SortedSet::new(),
            dry_run: options.dry_run,
        };
        set.read_parent(inv, io)?;
        Ok(Some(set))
    }

    fn read_parent(&mut self, inv: &mut Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
        let parent = match inv.client(io)?.get(io, &self.resource, &self.namespace, &self.name) {
            Ok(parent) => parent,
            // A secret is made; what else is the parent must be there.
            Err(failure) if failure.is("NotFound") && self.resource.kind == "Secret" => return Ok(()),
            Err(failure) => {
                return Err(failure.context(&format!(
                    "failed to fetch ApplySet parent object {} from server",
                    quote(&self.to_string())
                )));
            }
        };
        let (labels, annotations) = (&parent["metadata"]["labels"], &parent["metadata"]["annotations"]);
        let shown = quote(&self.to_string());
        let (tool, _) = annotations[TOOLING].str().split_once('/').unwrap_or((annotations[TOOLING].str(), ""));
        if tool.is_empty() && !labels[ID].is_null() {
            return Err(format!(
                "ApplySet parent object {shown} already exists and is missing required annotation {}",
                quote(TOOLING)
            )
            .into());
        }
        if !tool.is_empty() && tool != "kubectl" {
            return Err(format!(
                "ApplySet parent object {shown} already exists and is managed by tooling {} instead of {}",
                quote(tool),
                quote("kubectl")
            )
            .into());
        }
        match labels[ID].as_str() {
            None => {
                return Err(
                    format!("ApplySet parent object {shown} exists and does not have required label {ID}").into()
                );
            }
            Some(id) if id != self.id => {
                return Err(format!(
                    "ApplySet parent object {shown} exists and has incorrect value for label {} (got: {id}, want: {})",
                    quote(ID),
                    self.id
                )
                .into());
            }
            Some(_) => {}
        }
        let words = |text: &str| text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        self.before = words(annotations[KINDS].str());
        self.places_before = words(annotations[NAMESPACES].str());
        if !self.namespace.is_empty() {
            self.places_before.insert(self.namespace.clone());
        }
        Ok(())
    }

    /// Labels what is about to be applied and notes it in the parent, together with what was there before.
    pub(super) fn begin<'i>(
        &mut self,
        inv: &mut Invocation,
        io: &mut Io<'_>,
        infos: impl Iterator<Item = &'i mut Info>,
    ) -> Result<(), Failure> {
        for info in infos {
            let there = info.object["metadata"]["labels"][PART_OF].str();
            if !there.is_empty() && there != self.id {
                return Err(
                    format!("error applying ApplySet labels to {}: {PART_OF} is reserved", info.kind_name()).into()
                );
            }
            info.object["metadata"]["labels"].set(PART_OF, self.id.as_str());
            let group = &info.resource.id.group;
            let dot = if group.is_empty() { "" } else { "." };
            self.now.insert(format!("{}{dot}{group}", info.resource.kind));
            if info.resource.namespaced() {
                self.places.insert(info.namespace.clone());
            }
        }
        let both = |a: &SortedSet<String>, b: &SortedSet<String>| a.iter().chain(b.iter()).cloned().collect();
        let (kinds, places) = (both(&self.before, &self.now), both(&self.places_before, &self.places));
        self.write(inv, io, &kinds, &places)
    }

    /// Prunes, and notes in the parent what is left.
    pub(super) fn finish(
        &self,
        inv: &mut Invocation,
        io: &mut Io<'_>,
        options: &Options,
        printing: &mut Printing,
        visited: &SortedSet<String>,
    ) -> Result<(), Failure> {
        for kind in self.before.iter().chain(self.now.iter()).cloned().collect::<SortedSet<String>>().iter() {
            let resource = inv.resource(io, kind)?;
            let places: Vec<String> = if resource.namespaced() {
                self.places_before
                    .iter()
                    .chain(self.places.iter())
                    .cloned()
                    .collect::<SortedSet<String>>()
                    .iter()
                    .cloned()
                    .collect()
            } else {
                vec![String::new()]
            };
            for place in places {
                let labels = format!("{PART_OF}={}", self.id);
                let list = ListOptions { labels, ..ListOptions::default() };
                let found = inv.client(io)?.list(io, &resource, &place, &list)?;
                for item in found["items"].items() {
                    if visited.contains(item["metadata"]["uid"].str()) {
                        continue;
                    }
                    if options.dry_run != DryRun::Client {
                        let name = item["metadata"]["name"].str();
                        let how = deletion::options(options.propagation, options.grace_period, options.dry_run);
                        match inv.client(io)?.delete(io, &resource, &place, name, how) {
                            Err(failure) if !failure.is("NotFound") => return Err(failure),
                            _ => {}
                        }
                    }
                    let mut item = item.clone();
                    item.set("kind", &resource.kind);
                    item.set("apiVersion", resource.gvk().group_version().to_string());
                    printing.print(io, &item, "pruned")?;
                }
            }
        }
        self.write(inv, io, &self.now, &self.places)
    }

    fn write(
        &self,
        inv: &mut Invocation,
        io: &mut Io<'_>,
        kinds: &SortedSet<String>,
        places: &SortedSet<String>,
    ) -> Result<(), Failure> {
        if self.dry_run == DryRun::Client {
            return Ok(());
        }
        let join = |words: &SortedSet<String>| {
            words.iter().filter(|word| **word != self.namespace).cloned().collect::<Vec<_>>().join(",")
        };
        let gvk = self.resource.gvk();
        let mut parent = value!({
            "apiVersion": gvk.group_version().to_string(), "kind": &gvk.kind,
            "metadata": {"name": &self.name, "labels": {}, "annotations": {}}
        });
        if !self.namespace.is_empty() {
            parent["metadata"].set("namespace", self.namespace.as_str());
        }
        parent["metadata"]["labels"].set(ID, self.id.as_str());
        for (key, text) in
            [(TOOLING, format!("kubectl/{CLIENT_VERSION}")), (KINDS, join(kinds)), (NAMESPACES, join(places))]
        {
            parent["metadata"]["annotations"].set(key, text);
        }
        let params = [self.dry_run.param(), ("fieldManager", "kubectl-applyset"), ("force", "false")];
        let (client, body) = (inv.client(io)?, Body::Value(parent));
        client
            .patch(io, &self.resource, &self.namespace, &self.name, patch_type::APPLY, body, &params)
            .map(drop)
            .map_err(|failure| failure.context("failed to update ApplySet parent"))
    }
}

/// `secrets./name`, as messages call the parent.
impl std::fmt::Display for ApplySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}/{}", self.resource.id.resource, self.resource.id.group, self.name)
    }
}

/// Secrets, config maps, and custom resources whose definition says so.
fn permitted(inv: &mut Invocation, io: &mut Io<'_>, resource: &Resource) -> Result<bool, Failure> {
    if resource.id.group.is_empty() && matches!(resource.id.resource.as_str(), "secrets" | "configmaps") {
        return Ok(true);
    }
    let kind = GroupVersionKind::new("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let Ok(definitions) = inv.kind(io, &kind) else { return Ok(false) };
    let name = format!("{}.{}", resource.id.resource, resource.id.group);
    match inv.client(io)?.get(io, &definitions, "", &name) {
        Ok(definition) => Ok(!definition["metadata"]["labels"][PARENT_TYPE].is_null()),
        Err(failure) if failure.is("NotFound") => Ok(false),
        Err(failure) => Err(failure),
    }
}
