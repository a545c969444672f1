//! What the server serves, and what people call it: discovery and the rules of client-go's REST mapper. [`cache`] keeps it
//! from one command to the next.

pub mod cache;

use drydock_api::{GroupVersion, GroupVersionKind, GroupVersionResource, Request, Resource, Scope, Subresource};
use drydock_value::Value;

use crate::client::Client;
use crate::env::Io;
use crate::failure::{Failure, quote};

/// The resources of a server, in its order of preference: groups as discovery lists them, within a group the
/// preferred version first, within a version by name.
#[derive(Debug, Clone, Default)]
pub struct Mapper {
    resources: Vec<Resource>,
}

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// A request of discovery, which has a time of its own.
fn question(path: impl Into<String>, accept: &str) -> Request {
    Request::get(path).param("timeout", "32s").header("accept", accept)
}

/// What the server says of its version.
///
/// # Errors
/// When the server can't be reached.
pub fn server_version(client: &mut Client, io: &mut Io<'_>) -> Result<Value, Failure> {
    client.value(io, question("/version", "application/json, */*"))
}

impl Mapper {
    /// Asks the server: aggregated discovery, or the older form where it is not known.
    ///
    /// # Errors
    /// When the server can't be reached.
    pub fn discover(client: &mut Client, io: &mut Io<'_>) -> Result<Mapper, Failure> {
        let mut resources = Vec::new();
        for root in ["/api", "/apis"] {
            let request = question(root, AGGREGATED);
            let list = match client.value(io, request.clone()) {
                // What is served is the same for everybody, and is kept on disk for all of a server's users: whoever
                // is impersonated need not be allowed to ask.
                Err(failure) if failure.is("Forbidden") => client.as_oneself().value(io, request)?,
                other => other?,
            };
            if list["kind"] == "APIGroupDiscoveryList" {
                aggregated(&list, &mut resources);
            } else {
                legacy(root, &list, client, io, &mut resources)?;
            }
        }
        Ok(Mapper { resources })
    }

    /// With these resources: for tests.
    pub fn of(resources: Vec<Resource>) -> Mapper {
        Mapper { resources }
    }

    /// All resources, in the order of preference.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The resources of each group's preferred version only.
    pub fn preferred(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter().filter(|resource| {
            let same = |r: &&Resource| r.id.group == resource.id.group && r.id.resource == resource.id.resource;
            self.resources.iter().find(same).is_none_or(|first| first.id.version == resource.id.version)
        })
    }

    /// What a word on the command line means: `po`, `pods`, `Pod`, `deployments.apps`, `deployments.v1.apps`.
    ///
    /// # Errors
    /// `the server doesn't have a resource type "x"`.
    pub fn resolve(&self, word: &str) -> Result<&Resource, Failure> {
        self.lookup(word).ok_or_else(|| {
            let name = word.split('.').next().unwrap_or(word);
            Failure::Error(Failure::no_resource(name).words())
        })
    }

    /// As [`Mapper::resolve`], without words for what is not there.
    pub fn lookup(&self, word: &str) -> Option<&Resource> {
        let lower = word.to_lowercase();
        let (name, group) = lower.split_once('.').unwrap_or((&lower, ""));
        // name.version.group first, then name.group, then the same as kinds.
        if let Some((version, group)) = group.split_once('.')
            && let Some(found) = self.by_name(name, group, version)
        {
            return Some(found);
        }
        if let Some(found) = self.by_name(name, group, "") {
            return Some(found);
        }
        let (kind, group) = word.split_once('.').unwrap_or((word, ""));
        if let Some((version, group)) = group.split_once('.')
            && let Some(found) = self.by_kind(kind, group, version)
        {
            return Some(found);
        }
        // `Kind.version` of the core group is written with a dot at its end: `Pod.v1.`
        self.by_kind(kind, group, "")
    }

    /// All resources that a name without a group may mean, in the order of preference.
    pub fn all_named(&self, name: &str) -> Vec<&Resource> {
        let lower = name.to_lowercase();
        let named = |r: &&Resource| r.id.resource == lower || r.singular == lower;
        let found: Vec<&Resource> = self.resources.iter().filter(named).collect();
        if found.is_empty() { self.lookup(name).into_iter().collect() } else { found }
    }

    /// What else a short name could mean: resources of lower priority, which are warned of.
    pub fn ambiguous(&self, word: &str) -> Vec<String> {
        let lower = word.to_lowercase();
        if self.resources.iter().any(|r| r.id.resource == lower || r.singular == lower) {
            return Vec::new();
        }
        let short = |r: &&Resource| r.short_names.contains(&lower);
        let mut names: Vec<String> = Vec::new();
        for resource in self.resources.iter().filter(short) {
            let name = resource.id.group_resource();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.drain(..names.len().min(1));
        names
    }

    fn by_name(&self, name: &str, group: &str, version: &str) -> Option<&Resource> {
        let named = |r: &&Resource| r.id.resource == name || r.singular == name;
        let short = |r: &&Resource| r.short_names.iter().any(|short| short == name);
        let exact = |r: &&Resource| {
            (group.is_empty() || r.id.group == group) && (version.is_empty() || r.id.version == version)
        };
        // A group may be cut short (storageclass.storage), but an exact one is preferred, and none at all is any.
        let prefix = |r: &&Resource| r.id.group.starts_with(group) && (version.is_empty() || r.id.version == version);
        let all = || self.resources.iter();
        all()
            .filter(exact)
            .find(named)
            .or_else(|| all().filter(exact).find(short))
            .or_else(|| all().filter(prefix).find(named))
            .or_else(|| all().filter(prefix).find(short))
    }

    fn by_kind(&self, kind: &str, group: &str, version: &str) -> Option<&Resource> {
        self.resources.iter().find(|r| {
            named(r, kind)
                && (group.is_empty() || r.id.group == group)
                && (version.is_empty() || r.id.version == version)
        })
    }

    /// The resource of a kind.
    ///
    /// # Errors
    /// `no matches for kind "X" in version "v1"`.
    pub fn kind(&self, gvk: &GroupVersionKind) -> Result<&Resource, Failure> {
        let found = self
            .resources
            .iter()
            .find(|r| named(r, &gvk.kind) && r.id.group == gvk.group && r.id.version == gvk.version);
        found.ok_or_else(|| {
            Failure::Error(format!(
                "no matches for kind {} in version {}",
                quote(&gvk.kind),
                quote(&gvk.group_version().to_string())
            ))
        })
    }

    /// The resource that serves a group's resource, by plural and group.
    pub fn resource(&self, group: &str, resource: &str) -> Option<&Resource> {
        self.resources.iter().find(|r| r.id.group == group && r.id.resource == resource)
    }

    /// The resources of a category, such as `all`; empty when there is no such category.
    pub fn category(&self, name: &str) -> Vec<&Resource> {
        self.preferred().filter(|r| r.categories.iter().any(|category| category == name)).collect()
    }
}

/// Whether a resource is of a kind: with its capitals, or all in lower case.
fn named(resource: &Resource, kind: &str) -> bool {
    resource.kind == kind || resource.kind.to_lowercase() == kind
}

fn strings(list: &Value) -> Vec<String> {
    list.items().iter().map(|item| item.str().to_owned()).collect()
}

fn aggregated(list: &Value, resources: &mut Vec<Resource>) {
    for group in list["items"].items() {
        let group_name = group["metadata"]["name"].str();
        for version in group["versions"].items() {
            let gv = GroupVersion::new(group_name, version["version"].str());
            for row in version["resources"].items() {
                let kind = |value: &Value| {
                    GroupVersionKind::new(value["group"].str(), value["version"].str(), value["kind"].str())
                };
                resources.push(Resource {
                    id: GroupVersionResource::new(&gv.group, &gv.version, row["resource"].str()),
                    kind: row["responseKind"]["kind"].str().to_owned(),
                    singular: row["singularResource"].str().to_owned(),
                    short_names: strings(&row["shortNames"]),
                    categories: strings(&row["categories"]),
                    scope: if row["scope"] == "Namespaced" { Scope::Namespaced } else { Scope::Cluster },
                    verbs: strings(&row["verbs"]),
                    subresources: row["subresources"]
                        .items()
                        .iter()
                        .map(|sub| Subresource {
                            name: sub["subresource"].str().to_owned(),
                            kind: kind(&sub["responseKind"]),
                            verbs: strings(&sub["verbs"]),
                        })
                        .collect(),
                });
            }
        }
    }
}

fn legacy(
    root: &str,
    list: &Value,
    client: &mut Client,
    io: &mut Io<'_>,
    resources: &mut Vec<Resource>,
) -> Result<(), Failure> {
    let mut versions = versions_of(list);
    if root == "/api" {
        versions.extend(list["versions"].items().iter().map(|v| GroupVersion::new("", v.str())));
    }
    for version in versions {
        rows(&client.value(io, question(version.path(), "application/json, */*"))?, &version, resources);
    }
    Ok(())
}

/// The versions of an `APIGroupList`, each group's preferred one first.
fn versions_of(list: &Value) -> Vec<GroupVersion> {
    let mut versions: Vec<GroupVersion> = Vec::new();
    for group in list["groups"].items() {
        let preferred = GroupVersion::parse(group["preferredVersion"]["groupVersion"].str());
        let all = group["versions"].items().iter().map(|v| GroupVersion::parse(v["groupVersion"].str()));
        versions.push(preferred.clone());
        versions.extend(all.filter(|version| *version != preferred));
    }
    versions
}

/// Adds the rows of a version's `APIResourceList`.
fn rows(list: &Value, version: &GroupVersion, resources: &mut Vec<Resource>) {
    for row in list["resources"].items() {
        let (name, sub) = row["name"].str().split_once('/').map_or((row["name"].str(), None), |(n, s)| (n, Some(s)));
        if let Some(sub) = sub {
            let owner = resources.iter_mut().rev().find(|r| r.id.resource == name && r.id.group == version.group);
            if let Some(owner) = owner {
                owner.subresources.push(Subresource {
                    name: sub.to_owned(),
                    kind: GroupVersionKind::new(row["group"].str(), row["version"].str(), row["kind"].str()),
                    verbs: strings(&row["verbs"]),
                });
            }
            continue;
        }
        resources.push(Resource {
            id: GroupVersionResource::new(&version.group, &version.version, name),
            kind: row["kind"].str().to_owned(),
            singular: row["singularName"].str().to_owned(),
            short_names: strings(&row["shortNames"]),
            categories: strings(&row["categories"]),
            scope: if row["namespaced"].is_true() { Scope::Namespaced } else { Scope::Cluster },
            verbs: strings(&row["verbs"]),
            subresources: Vec::new(),
        });
    }
}
