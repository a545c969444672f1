//! `kubectl label`: sets and removes labels.

use drydock_api::Body;
use drydock_value::Value;

use super::{Outcome, acts};
use crate::builder::{self, Query};
use crate::change::printing::Printing;
use crate::change::{each, pairs, patching, record};
use crate::client::patch_type;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::PRINT,
    acts::FILES,
    acts::SELECT,
    acts::WRITE,
    acts::NONE,
    &["list", "local", "overwrite", "resource-version"],
];

/// Labels or annotations.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Labels,
    Annotations,
}

impl What {
    fn map(self) -> &'static str {
        if self == What::Labels { "labels" } else { "annotations" }
    }

    fn singular(self) -> &'static str {
        if self == What::Labels { "label" } else { "annotation" }
    }

    fn files(self) -> (&'static str, &'static str) {
        if self == What::Labels { ("pod.yaml", "pod.json") } else { ("rsrc.yaml", "rsrc.json") }
    }
}

/// `kubectl label`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    run_for(What::Labels, inv, io)
}

/// What the command line asks for.
struct Change {
    what: What,
    pairs: pairs::Pairs,
    overwrite: bool,
    revision: String,
}

pub(super) fn run_for(what: What, inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let dry_run = inv.dry_run(io)?;
    let mut printing = Printing::new(inv, io, dry_run);
    if what == What::Annotations
        && let Err(failure) = &printing
    {
        return Err(failure.clone());
    }
    let (resources, given) = pairs::split(&inv.args, what.singular())?;
    let list = inv.flags.bool("list");
    let change = Change {
        what,
        pairs: if what == What::Labels { labels(&given)? } else { pairs::parse(&given, "annotation", true)? },
        overwrite: inv.flags.bool("overwrite"),
        revision: inv.flags.str("resource-version").to_owned(),
    };
    if list && what == What::Labels && !inv.flags.str("output").is_empty() {
        return Err("--list and --output may not be specified together".into());
    }
    check(&change, inv, &resources, list, dry_run)?;
    let (of_type, local) = (inv.flags.bool("all"), inv.flags.bool("local"));
    let query = Query { latest: !local, all: false, type_means_all: of_type, ..Query::new(inv, io, &resources)? };
    let found = builder::find(&query, inv, io)?;
    let single = found.single;
    if !single && !change.revision.is_empty() {
        return Err("--resource-version may only be used with a single resource".into());
    }
    let manager = inv.flags.str("field-manager").to_owned();
    each(found, |info| {
        let mut before = info.object.clone();
        if !change.revision.is_empty() {
            // So that the revision is part of the patch.
            before["metadata"].remove("resourceVersion");
        }
        let here = dry_run == DryRun::Client || local || list;
        if !here && what == What::Labels {
            for key in &change.pairs.remove {
                if before["metadata"]["labels"].get(key).is_none() {
                    io.println(format!("label {key:?} not found."));
                }
            }
        }
        let mut after = change.apply(&before)?;
        if !here {
            record::note(inv, &mut after);
        }
        let mut shown = after.clone();
        if !here {
            let patch = patching::merge(&before, &after);
            let params = [dry_run.param(), ("fieldManager", manager.as_str())];
            let (client, body) = (inv.client(io)?, Body::Value(patch));
            let (namespace, name) = (&info.namespace, &info.name);
            let patched = client.patch(io, &info.resource, namespace, name, patch_type::MERGE, body, &params)?;
            shown = patched;
        }
        if list {
            change.list(io, &shown, single);
            return Ok(());
        }
        let operation = if what == What::Labels { change.outcome(&before, &after) } else { "annotated" };
        // There is a printer for each object that is labeled, and nothing between what they print.
        if what == What::Labels {
            printing = Printing::new(inv, io, dry_run);
        }
        // Labels are there already when the format turns out to be none.
        printing.as_mut().map_err(|failure| failure.clone())?.print(io, &shown, operation)
    })?;
    Ok(Outcome::Done)
}

fn labels(given: &[String]) -> Result<pairs::Pairs, Failure> {
    let mut labels = pairs::Pairs::default();
    for spec in given {
        let parts: Vec<&str> = spec.split('=').collect();
        match parts.as_slice() {
            [key, value] => {
                let wrong = drydock_schema::names::is_label_value(value);
                if !wrong.is_empty() {
                    return Err(format!("invalid label value: {spec:?}: {}", wrong.join(";")).into());
                }
                labels.set.retain(|(known, _)| known != key);
                labels.set.push(((*key).to_owned(), (*value).to_owned()));
            }
            [removed] if removed.ends_with('-') => {
                labels.remove.push(removed.strip_suffix('-').unwrap_or(removed).to_owned());
            }
            [_] => return Err(format!("unknown label spec: {spec}").into()),
            _ => return Err(format!("invalid label spec: {spec}").into()),
        }
    }
    if labels.remove.iter().any(|key| labels.set.iter().any(|(set, _)| set == key)) {
        return Err("can not both modify and remove a label in the same command".into());
    }
    Ok(labels)
}

fn check(change: &Change, inv: &Invocation, resources: &[String], list: bool, dry_run: DryRun) -> Result<(), Failure> {
    let flags = &inv.flags;
    if flags.bool("all") && !flags.str("selector").is_empty() {
        return Err("cannot set --all and --selector at the same time".into());
    }
    if flags.bool("all") && !flags.str("field-selector").is_empty() {
        return Err("cannot set --all and --field-selector at the same time".into());
    }
    let no_files = flags.list("filename").is_empty() && flags.str("kustomize").is_empty();
    if flags.bool("local") {
        let (yaml, json) = change.what.files();
        if dry_run == DryRun::Server {
            return Err("cannot specify --local and --dry-run=server - did you mean --dry-run=client?".into());
        }
        if !resources.is_empty() {
            let words = format!("can only use local files by -f {yaml} or --filename={json} when --local=true is set");
            return Err(words.into());
        }
        if no_files {
            return Err(format!("one or more files must be specified as -f {yaml} or --filename={json}").into());
        }
    } else if resources.is_empty() && no_files {
        return Err("one or more resources must be specified as <resource> <name> or <resource>/<name>".into());
    }
    if change.pairs.set.is_empty() && change.pairs.remove.is_empty() && !list {
        return Err(format!("at least one {} update is required", change.what.singular()).into());
    }
    let both: Vec<&str> = change
        .pairs
        .remove
        .iter()
        .filter(|key| change.pairs.set.iter().any(|(set, _)| set == *key))
        .map(String::as_str)
        .collect();
    if !both.is_empty() {
        let words = "can not both modify and remove the following annotation(s) in the same command";
        return Err(format!("{words}: {}", both.join(", ")).into());
    }
    Ok(())
}

impl Change {
    fn apply(&self, object: &Value) -> Result<Value, Failure> {
        let mut object = object.clone();
        if !self.overwrite {
            self.refuse_overwriting(&object)?;
        }
        let map = &mut object["metadata"][self.what.map()];
        for (key, value) in &self.pairs.set {
            map.set(key, value);
        }
        for key in &self.pairs.remove {
            map.remove(key);
        }
        if map.is_null() && self.what == What::Annotations {
            object["metadata"].set("annotations", Value::object());
        } else if map.is_null() {
            object["metadata"].remove(self.what.map());
        }
        if !self.revision.is_empty() {
            object["metadata"].set("resourceVersion", &self.revision);
        }
        Ok(object)
    }

    fn refuse_overwriting(&self, object: &Value) -> Result<(), Failure> {
        let map = &object["metadata"][self.what.map()];
        let taken: Vec<String> = self
            .pairs
            .set
            .iter()
            .filter(|(key, _)| self.what == What::Labels || key != "kubernetes.io/change-cause")
            .filter_map(|(key, value)| {
                let old = map.get(key)?;
                (old.str() != value).then(|| format!("'{key}' already has a value ({})", old.str()))
            })
            .collect();
        if taken.is_empty() {
            return Ok(());
        }
        if self.what == What::Annotations {
            let words = "--overwrite is false but found the following declared annotation(s)";
            return Err(format!("{words}: {}", taken.join("; ")).into());
        }
        Failure::all(taken.into_iter().map(|taken| format!("{taken}, and --overwrite is false").into()).collect())
    }

    /// What became of the labels, in one word.
    fn outcome(&self, before: &Value, after: &Value) -> &'static str {
        let (before, after) = (&before["metadata"]["labels"], &after["metadata"]["labels"]);
        let set = after.entries().any(|(key, value)| before.get(key) != Some(value));
        let removed = before.entries().any(|(key, _)| after.get(key).is_none());
        match (set, removed) {
            (true, true) => "modified",
            (true, false) => "labeled",
            (false, true) => "unlabeled",
            (false, false) if self.revision.is_empty() => "not labeled",
            (false, false) => "labeled",
        }
    }

    fn list(&self, io: &mut Io<'_>, object: &Value, single: bool) {
        let indent = if single { "" } else { " " };
        if !single {
            let gvk = drydock_api::GroupVersionKind::of(object);
            let (kind, group, name) = (gvk.kind, gvk.group, object["metadata"]["name"].str());
            io.println(format!("Listing {} for {kind}.{group}/{name}:", self.what.map()));
        }
        for (key, value) in object["metadata"][self.what.map()].entries() {
            io.println(format!("{indent}{key}={}", value.str()));
        }
    }
}
