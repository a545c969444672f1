//! What a server serves, kept in files as client-go keeps it: `CACHE/discovery/HOST/servergroups.json`, and for each
//! version `CACHE/discovery/HOST/GROUP/VERSION/serverresources.json`.
//!
//! What is kept may be out of date: a resource that is gone since is asked for all the same, and one that is new is not
//! known until somebody misses it. Whoever misses something asks the server ([`Invocation::mapper_with`]).
//!
//! [`Invocation::mapper_with`]: crate::invocation::Invocation::mapper_with

use std::time::Duration;

use drydock_api::{GroupVersion, Resource};
use drydock_value::{Value, value};

use super::{rows, versions_of};
use crate::change::order;
use crate::env::{Env, Io};
use crate::flags::Flags;

/// How long what is kept counts.
const LIFE: Duration = Duration::from_hours(6);
const GROUPS: &str = "servergroups.json";
const RESOURCES: &str = "serverresources.json";

/// The folder of one server.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: String,
}

impl Cache {
    /// `--cache-dir`, or `$KUBECACHEDIR`, or `~/.kube/cache`.
    pub fn of(flags: &Flags, env: &Env, server: &str) -> Cache {
        let named = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let root = Some(flags.str("cache-dir").to_owned()).filter(|_| flags.given("cache-dir"));
        let root =
            root.or_else(|| named(env.var("KUBECACHEDIR"))).unwrap_or_else(|| format!("{}/.kube/cache", env.home));
        let host = server.trim_start_matches("https://").trim_start_matches("http://");
        let safe = |c: char| if c.is_ascii_alphanumeric() || "_/.()".contains(c) { c } else { '_' };
        let host: String = host.chars().map(safe).collect();
        Cache { folder: env.absolute(&format!("{root}/discovery/{host}")) }
    }

    fn file(&self, version: &GroupVersion) -> String {
        format!("{}/{version}/{RESOURCES}", self.folder)
    }

    /// What is kept; nothing when it is too old, or a part of it is missing or not to be read.
    pub fn read(&self, io: &mut Io<'_>) -> Option<Vec<Resource>> {
        let groups = format!("{}/{GROUPS}", self.folder);
        if io.files.modified(&groups).is_some_and(|written| io.now.since(written) > LIFE) {
            return None;
        }
        let groups = document(io, &groups)?;
        let mut resources = Vec::new();
        for version in versions_of(&groups) {
            rows(&document(io, &self.file(&version))?, &version, &mut resources);
        }
        Some(resources)
    }

    /// Keeps what a server said. Where nothing can be written, nothing is kept.
    pub fn write(&self, io: &mut Io<'_>, resources: &[Resource]) {
        // The groups come last: without them, the rest is not looked at.
        let mut put = |folder: &str, file: &str, document: &Value| {
            let text = order::to_json(document) + "\n";
            io.files
                .mkdir_all(folder)
                .and_then(|()| io.files.write(&format!("{folder}/{file}"), text.as_bytes()))
                .is_ok()
        };
        let mut groups: Vec<Value> = Vec::new();
        let mut rest = resources;
        while let Some(first) = rest.first() {
            let version = first.id.group_version();
            let count = rest.iter().take_while(|r| r.id.group_version() == version).count();
            let (these, others) = rest.split_at(count);
            rest = others;
            let list = value!({
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": version.to_string(),
                "resources": these.iter().flat_map(lines).collect::<Vec<_>>(),
            });
            if !put(&format!("{}/{version}", self.folder), RESOURCES, &list) {
                return;
            }
            add_version(&mut groups, &version);
        }
        put(&self.folder, GROUPS, &value!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}));
    }
}

fn document(io: &mut Io<'_>, path: &str) -> Option<Value> {
    let bytes = io.files.read(path).ok()?;
    drydock_value::parse_json(std::str::from_utf8(&bytes).ok()?).ok()
}

/// Puts a version under its group; a group's first one is the preferred one.
fn add_version(groups: &mut Vec<Value>, version: &GroupVersion) {
    let row = value!({"groupVersion": version.to_string(), "version": version.version.as_str()});
    match groups.iter_mut().find(|group| group["name"] == *version.group) {
        Some(group) => group["versions"].items_mut().push(row),
        None => groups.push(value!({
            "name": version.group.as_str(),
            "versions": [row.clone()],
            "preferredVersion": row,
        })),
    }
}

/// A resource and its subresources as rows of an `APIResourceList`.
fn lines(resource: &Resource) -> Vec<Value> {
    let strings = |list: &[String]| Value::from(list.iter().map(|text| Value::from(text.as_str())).collect::<Vec<_>>());
    let mut main = value!({
        "name": resource.id.resource.as_str(),
        "singularName": resource.singular.as_str(),
        "namespaced": resource.namespaced(),
        "kind": resource.kind.as_str(),
        "verbs": strings(&resource.verbs),
    });
    for (key, list) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
        if !list.is_empty() {
            main.set(key, strings(list));
        }
    }
    let subresources = resource.subresources.iter().map(|sub| {
        let mut row = value!({
            "name": format!("{}/{}", resource.id.resource, sub.name),
            "singularName": "",
            "namespaced": resource.namespaced(),
            "kind": sub.kind.kind.as_str(),
            "verbs": strings(&sub.verbs),
        });
        for (key, text) in [("group", &sub.kind.group), ("version", &sub.kind.version)] {
            if !text.is_empty() {
                row.set(key, text.as_str());
            }
        }
        row
    });
    std::iter::once(main).chain(subresources).collect()
}

#[cfg(test)]
mod tests {
    use drydock_api::Status;

    use super::*;
    use crate::testing::Fake;

    fn discovery(kinds: &[&str]) -> Value {
        let resources: Vec<Value> = kinds
            .iter()
            .map(|kind| {
                let singular = kind.to_lowercase();
                value!({
                    "resource": format!("{singular}s"), "singularResource": singular, "scope": "Namespaced",
                    "responseKind": {"kind": *kind}, "verbs": ["get", "list"],
                })
            })
            .collect();
        value!({"kind": "APIGroupDiscoveryList", "items": [{
            "metadata": {"name": "sea.example.com"}, "versions": [{"version": "v1", "resources": resources}],
        }]})
    }

    #[test]
    fn what_is_kept_is_what_the_server_said() {
        let mut fake = Fake::default().with_all_resources();
        let said = fake.line("api-resources -o wide");
        fake = fake.on("GET /api", Err(Status::bad_request("gone"))).on("GET /apis", Err(Status::bad_request("gone")));
        let kept = fake.line("api-resources -o wide --cached");
        assert_eq!((kept.out, kept.code), (said.out, 0));
        assert_eq!(fake.line("api-resources").code, 1);
    }

    #[test]
    fn what_is_missed_is_asked_for() {
        let mut fake = Fake::default().with("/apis", discovery(&["Boat"]));
        let asked = |fake: &mut Fake, line: &str| {
            fake.log.clear();
            let ran = fake.line(line);
            (fake.log.first().map(|(request, _)| request.split('?').next().unwrap_or_default().to_owned()), ran.err)
        };
        let list = |resource: &str| Some(format!("GET /apis/sea.example.com/v1/namespaces/default/{resource}"));
        assert_eq!(asked(&mut fake, "get boats").0, list("boats"));
        // Another kind: it is not known, so the server is asked what there is.
        fake = fake.with("/apis", discovery(&["Boat", "Gull"]));
        assert_eq!(asked(&mut fake, "get gulls").0, list("gulls"));
        // One that is gone is asked for all the same, until something else is missed.
        fake = fake.with("/apis", discovery(&["Gull"]));
        assert_eq!(asked(&mut fake, "get boats").0, list("boats"));
        let (none, words) = asked(&mut fake, "get whales");
        assert_eq!((none, words.as_str()), (None, "error: the server doesn't have a resource type \"whales\"\n"));
        assert_eq!(asked(&mut fake, "get boats").1, "error: the server doesn't have a resource type \"boats\"\n");
        // Another folder knows nothing.
        assert_eq!(asked(&mut fake, "get gulls --cache-dir /elsewhere").0, list("gulls"));
        assert!(fake.files.keys().any(|file| file.starts_with("/elsewhere/discovery/")));
    }

    #[test]
    fn what_cannot_be_read_is_asked_for_again() {
        let mut fake = Fake::default().with("/apis", discovery(&["Boat"]));
        fake.line("get boats");
        for (file, text) in fake.files.iter_mut() {
            if file.ends_with("sea.example.com/v1/serverresources.json") {
                text.truncate(20);
            }
        }
        fake = fake.with("/apis", discovery(&["Gull"]));
        assert_eq!(fake.line("get boats").err, "error: the server doesn't have a resource type \"boats\"\n");
    }
}
