//! `kubectl apply --prune`: deletes what was applied once, is selected, and was not applied now.

use drydock_sorted::SortedSet;

use drydock_api::{GroupVersionKind, Resource};
use drydock_value::Value;

use super::Options;
use crate::change::printing::Printing;
use crate::change::{applied, deletion};
use crate::client::ListOptions;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The kinds that are pruned unless told otherwise, as group, version, kind.
const KINDS: [&str; 16] = [
    "/v1/ConfigMap",
    "/v1/Endpoints",
    "/v1/Namespace",
    "/v1/PersistentVolumeClaim",
    "/v1/PersistentVolume",
    "/v1/Pod",
    "/v1/ReplicationController",
    "/v1/Secret",
    "/v1/Service",
    "batch/v1/Job",
    "batch/v1/CronJob",
    "networking.k8s.io/v1/Ingress",
    "apps/v1/DaemonSet",
    "apps/v1/Deployment",
    "apps/v1/ReplicaSet",
    "apps/v1/StatefulSet",
];

const DEPRECATED: &str = "Deprecated: kubectl apply will no longer prune non-namespaced resources by default when used with the --namespace flag in a future release. To preserve the current behaviour, list the resources you want to target explicitly in the --prune-allowlist flag.";

/// What may be pruned.
#[derive(Debug, Clone)]
pub(in crate::commands) struct Pruning {
    resources: Vec<Resource>,
    selector: String,
    by_default: bool,
}

impl Pruning {
    /// What the flags ask for; None without `--prune`.
    pub(in crate::commands) fn new(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Option<Pruning>, Failure> {
        if !inv.flags.bool("prune") {
            return Ok(None);
        }
        let allowed = inv.flags.list("prune-allowlist");
        let by_default = allowed.is_empty();
        let allowed = if by_default { KINDS.iter().map(|kind| (*kind).to_owned()).collect() } else { allowed };
        let mut resources = Vec::new();
        for spec in &allowed {
            let parts: Vec<&str> = spec.split('/').collect();
            let [group, version, kind] = parts.as_slice() else {
                return Err(
                    format!("invalid GroupVersionKind format: {spec}, please follow <group/version/kind>").into()
                );
            };
            let group = if *group == "core" { "" } else { group };
            resources.push(inv.kind(io, &GroupVersionKind::new(group, *version, *kind))?);
        }
        let selector = inv.flags.str("selector").to_owned();
        Ok(Some(Pruning { resources, selector, by_default }))
    }

    /// Prunes in the namespaces that were visited, and among what lives in none.
    pub(super) fn run(
        &self,
        inv: &mut Invocation,
        io: &mut Io<'_>,
        options: &Options,
        printing: &mut Printing,
        visited: &SortedSet<String>,
        namespaces: &SortedSet<String>,
    ) -> Result<(), Failure> {
        for (resource, namespace, item) in self.candidates(inv, io, visited, namespaces)? {
            let name = item["metadata"]["name"].str();
            if options.dry_run != DryRun::Client {
                let how = deletion::options(options.propagation, options.grace_period, options.dry_run);
                match inv.client(io)?.delete(io, &resource, &namespace, name, how) {
                    Err(failure) if failure.is("NotFound") => {}
                    outcome => {
                        outcome?;
                    }
                }
            }
            printing.print(io, &item, "pruned")?;
        }
        Ok(())
    }

    /// What would go: with its resource and namespace, in the order in which it goes.
    pub(in crate::commands) fn candidates(
        &self,
        inv: &mut Invocation,
        io: &mut Io<'_>,
        visited: &SortedSet<String>,
        namespaces: &SortedSet<String>,
    ) -> Result<Vec<(Resource, String, Value)>, Failure> {
        if self.by_default {
            // The form of a log line of Go: level, date, time, process, place.
            let (_, month, day, hour, minute, second) = io.now.civil();
            let (micros, process) = (io.now.0 % 1_000_000, (io.random)() % 30_000);
            io.eprintln(format!(
                "W{month:02}{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06} {process:>7} prune.go:71] {DEPRECATED}"
            ));
        }
        let of = |namespaced: bool| self.resources.iter().filter(move |resource| resource.namespaced() == namespaced);
        let mut places: Vec<(String, &Resource)> = Vec::new();
        for namespace in namespaces {
            places.extend(of(true).map(|resource| (namespace.clone(), resource)));
        }
        places.extend(of(false).map(|resource| (String::new(), resource)));
        let mut found = Vec::new();
        for (namespace, resource) in places {
            let options = ListOptions { labels: self.selector.clone(), ..ListOptions::default() };
            let list = inv.client(io)?.list(io, resource, &namespace, &options)?;
            for item in list["items"].items() {
                if applied::original(item).is_none() || visited.contains(item["metadata"]["uid"].str()) {
                    continue;
                }
                let mut item = item.clone();
                item.set("kind", &resource.kind);
                item.set("apiVersion", resource.gvk().group_version().to_string());
                found.push((resource.clone(), namespace.clone(), item));
            }
        }
        Ok(found)
    }
}
