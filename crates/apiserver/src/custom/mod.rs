//! Custom resources: what CustomResourceDefinitions add to what is served.
//!
//! A [`Definition`] is what a CRD's spec comes to: names, versions, schemas, columns. Everything that handles kinds passes
//! small numbers and static rows around, so definitions live as long as the program: equal specs (in a clone of a session,
//! after undo) are one definition, and a number tells it together with its slot in the store.
//!
//! - [`columns`]: the cells of additional columns. [`scale`]: the paths of the scale subresource.
//! - [`settle`]: what the real server's own controllers do: accept names, establish, clean up.

pub(crate) mod columns;
pub(crate) mod scale;
mod settle;

use std::sync::{PoisonError, RwLock};

use drydock_api::{GroupVersionKind, GroupVersionResource, Resource, Scope, Status, Subresource};
use drydock_schema::{Column, ResourceRow, structural};
use drydock_sorted::Sort as _;
use drydock_value::{Str, Value, value};

use crate::kinds::{Kind, KindInfo, TABLE};
use crate::registry::Served;
use crate::server::ApiServer;
use crate::strategy::Strategy;
use crate::validation::Errors;

pub(crate) use settle::{mark_deleted, settle};

/// What a CRD defines.
pub(crate) struct Definition {
    slot: u16,
    spec: Value,
    info: KindInfo,
    pub(crate) strategy: Strategy,
    /// The newest first.
    pub(crate) versions: Vec<Version>,
}

/// A version of it.
pub(crate) struct Version {
    pub(crate) served: Served,
    /// Whether the API answers for it.
    pub(crate) is_served: bool,
    pub(crate) is_storage: bool,
    pub(crate) schema: Value,
    /// What a client is told when the version is old.
    pub(crate) deprecation: Option<String>,
    /// Where the cells of the columns after the name come from.
    pub(crate) paths: Vec<String>,
    /// The scale subresource's part of the spec; null when there is none.
    pub(crate) scale: Value,
    /// Fields, besides name and namespace, that lists select by.
    pub(crate) selectable: Vec<String>,
}

static DEFINITIONS: RwLock<Vec<&'static Definition>> = RwLock::new(Vec::new());

/// The definition of a custom kind.
pub(crate) fn of(kind: Kind) -> Option<&'static Definition> {
    let at = kind.number().checked_sub(TABLE.len())?;
    DEFINITIONS.read().unwrap_or_else(PoisonError::into_inner).get(at).copied()
}

/// Names and scope of a custom kind.
pub(crate) fn info(kind: Kind) -> Option<&'static KindInfo> {
    of(kind).map(|definition| &definition.info)
}

/// The version that a served row stands for, if it is a custom one.
pub(crate) fn version(served: &Served) -> Option<&'static Version> {
    of(served.kind?)?.version_of(served.row)
}

/// The version in which a kind is stored.
pub(crate) fn storage(kind: Kind) -> Option<&'static Version> {
    let versions = &of(kind)?.versions;
    versions.iter().find(|version| version.is_storage).or(versions.first())
}

/// Makes the kind of a spec, or finds the one that is there. None when there are too many.
fn define(slot: u16, spec: &Value) -> Option<Kind> {
    let mut all = DEFINITIONS.write().unwrap_or_else(PoisonError::into_inner);
    let known = all.iter().position(|known| known.slot == slot && known.spec == *spec);
    let number = TABLE.len() + known.unwrap_or(all.len());
    let kind = Kind::custom(slot, u16::try_from(number).ok()?);
    if known.is_none() {
        all.push(Box::leak(Box::new(Definition::new(slot, kind, spec))));
    }
    Some(kind)
}

fn forever(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn texts(value: &Value) -> Vec<String> {
    value.items().iter().map(|item| item.str().to_owned()).collect()
}

/// Everything but metadata and status counts as the spec.
fn changed(old: &Value, new: &Value) -> bool {
    let rest = |object: &Value| {
        let mut object = object.clone();
        object.remove("metadata");
        object.remove("status");
        object
    };
    rest(old) != rest(new)
}

fn changed_at_all(old: &Value, new: &Value) -> bool {
    changed(old, new) || old["status"] != new["status"]
}

impl Definition {
    fn new(slot: u16, kind: Kind, spec: &Value) -> Definition {
        let versions = spec["versions"].items();
        let stored = versions.iter().find(|version| version["storage"].as_bool() == Some(true));
        let stored = stored.or(versions.first()).cloned().unwrap_or_default();
        let names = &spec["names"];
        let has_status = !stored["subresources"]["status"].is_null();
        let mut versions: Vec<Version> = versions.iter().map(|version| Version::new(kind, spec, version)).collect();
        versions.sort_compact_by_key(|version| version_rank(version.served.version()));
        Definition {
            slot,
            spec: spec.clone(),
            info: KindInfo {
                group: forever(spec["group"].str()),
                version: forever(stored["name"].str()),
                resource: forever(names["plural"].str()),
                kind: forever(names["kind"].str()),
                namespaced: spec["scope"] == "Namespaced",
            },
            strategy: Strategy {
                kind,
                generation: Some(if has_status { changed } else { changed_at_all }),
                drops_status: has_status,
                keeps_status: has_status,
                status_keeps_labels: true,
                unconditional_update: false,
                ..crate::strategy::PLAIN
            },
            versions,
        }
    }

    /// The version of a row.
    pub(crate) fn version_of(&self, row: &ResourceRow) -> Option<&Version> {
        self.versions.iter().find(|version| std::ptr::eq(version.served.row, row))
    }
}

impl Version {
    fn new(kind: Kind, spec: &Value, version: &Value) -> Version {
        let (group, name) = (spec["group"].str(), version["name"].str());
        let names = &spec["names"];
        let own = GroupVersionKind::new("", "", names["kind"].str());
        let verbs = || ["get", "patch", "update"].map(str::to_owned).to_vec();
        let mut subresources = Vec::new();
        let given = &version["subresources"];
        if !given["scale"].is_null() {
            let kind = GroupVersionKind::new("autoscaling", "v1", "Scale");
            subresources.push(Subresource { name: "scale".into(), kind, verbs: verbs() });
        }
        if !given["status"].is_null() {
            subresources.push(Subresource { name: "status".into(), kind: own, verbs: verbs() });
        }
        let column = |name: &str, kind: &str, format: &str, priority: i64, description: &str| Column {
            name: name.into(),
            kind: kind.into(),
            format: format.into(),
            priority: i32::try_from(priority).unwrap_or(0),
            description: description.into(),
        };
        let words = "Name must be unique within a namespace.";
        let mut columns = vec![column("Name", "string", "name", 0, words)];
        let mut paths = Vec::new();
        for given in version["additionalPrinterColumns"].items() {
            let path = given["jsonPath"].str();
            let usual = format!("Custom resource definition column (in JSONPath format): {path}");
            columns.push(column(
                given["name"].str(),
                given["type"].str(),
                given["format"].str(),
                given["priority"].int(),
                Some(given["description"].str()).filter(|own| !own.is_empty()).unwrap_or(&usual),
            ));
            paths.push(path.to_owned());
        }
        if paths.is_empty() {
            columns.push(column("Age", "date", "", 0, "CreationTimestamp is a timestamp."));
            paths.push(".metadata.creationTimestamp".into());
        }
        let verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
        let row = ResourceRow {
            resource: Resource {
                id: GroupVersionResource::new(group, name, names["plural"].str()),
                kind: names["kind"].str().into(),
                singular: names["singular"].str().into(),
                short_names: texts(&names["shortNames"]),
                categories: texts(&names["categories"]),
                scope: if spec["scope"] == "Namespaced" { Scope::Namespaced } else { Scope::Cluster },
                verbs: verbs.map(str::to_owned).to_vec(),
                subresources,
            },
            columns,
        };
        let deprecation = (version["deprecated"].as_bool() == Some(true)).then(|| {
            let own = version["deprecationWarning"].str();
            if own.is_empty() { format!("{group}/{name} {} is deprecated", row.resource.kind) } else { own.to_owned() }
        });
        let selectable = version["selectableFields"].items();
        Version {
            served: Served { row: Box::leak(Box::new(row)), kind: Some(kind) },
            is_served: version["served"].as_bool() == Some(true),
            is_storage: version["storage"].as_bool() == Some(true),
            schema: version["schema"]["openAPIV3Schema"].clone(),
            deprecation,
            paths,
            scale: given["scale"].clone(),
            selectable: selectable.iter().map(|f| f["jsonPath"].str().trim_start_matches('.').to_owned()).collect(),
        }
    }

    /// Reads an object: without what the schema does not know, which is named.
    pub(crate) fn decode(&self, object: &Value) -> Result<(Value, Vec<String>), String> {
        structural::prune(&self.schema, object)
    }
}

/// Reasons for which rules are not looked at.
const BLOCKING: [&str; 5] =
    ["FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"];

/// What the schema of the client's version (else of the stored one) says of a custom object.
pub(crate) fn validate(
    cx: &mut crate::verbs::Cx,
    kind: Kind,
    object: &Value,
    old: Option<&Value>,
    errors: &mut Errors,
) {
    let Some(stored) = storage(kind) else { return };
    let version = cx.served.and_then(version).unwrap_or(stored);
    let mut faults = structural::validate_update(&version.schema, object, old);
    scale::validate(&version.scale, object, &mut faults);
    if structural::has_rules(&version.schema) {
        if structural::blocks_rules(&faults) || errors.0.iter().any(|cause| BLOCKING.contains(&cause.reason.as_str())) {
            faults.push(structural::Fault {
                path: "<nil>".into(),
                reason: structural::Reason::Invalid,
                message: "Invalid value: null: some validation rules were not checked because the object was invalid; \
                          correct the existing errors to complete validation"
                    .into(),
            });
        } else {
            structural::check_rules(&version.schema, object, old, &mut faults);
        }
    }
    let own = |name: &&Value| {
        !name.str().contains('/') && !matches!(name.str(), "kubernetes" | "orphan" | "foregroundDeletion")
    };
    let before = old.map(|old| old["metadata"]["finalizers"].items()).unwrap_or_default();
    let mut added: Vec<&Value> = object["metadata"]["finalizers"].items().iter().filter(own).collect();
    added.retain(|name| !before.contains(name));
    added.sort_compact_by_key(|name| name.str());
    for name in added {
        cx.warn(format!(
            "metadata.finalizers: {:?}: prefer a domain-qualified finalizer name to avoid accidental conflicts with other \
             finalizer writers",
            name.str()
        ));
    }
    for fault in faults {
        let reason = fault.reason.words();
        errors.0.push(drydock_api::Cause { reason: reason.into(), message: fault.message, field: fault.path });
    }
}

/// Versions in Kubernetes' order: stable ones first, then betas, alphas, the newest first; then all others by name.
fn version_rank(name: &str) -> (u8, std::cmp::Reverse<u32>, std::cmp::Reverse<u32>, String) {
    use std::cmp::Reverse;
    let other = || (3, Reverse(0), Reverse(0), name.to_owned());
    let Some(rest) = name.strip_prefix('v') else { return other() };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (major, rest) = rest.split_at(digits);
    let Ok(major) = major.parse() else { return other() };
    let (rank, minor) = match (rest.strip_prefix("beta"), rest.strip_prefix("alpha")) {
        _ if rest.is_empty() => return (0, Reverse(major), Reverse(0), String::new()),
        (Some(minor), _) => (1, minor),
        (_, Some(minor)) => (2, minor),
        _ => return other(),
    };
    match minor.parse() {
        Ok(minor) => (rank, Reverse(major), Reverse(minor), String::new()),
        Err(_) if minor.is_empty() => (rank, Reverse(major), Reverse(0), String::new()),
        Err(_) => other(),
    }
}

/// What CRDs have added to one server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Customs {
    /// Names of CRDs, each with its kind while it is there. The place tells the slot in the store, so it stays.
    slots: Vec<(Str, Option<Kind>)>,
    /// Whether some CRD waits for what its controllers do.
    unsettled: bool,
}

impl Customs {
    fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        self.slots.iter().filter_map(|(_, kind)| *kind)
    }

    fn kind_of(&self, name: &str) -> Option<Kind> {
        self.slots.iter().find(|(known, _)| known == name).and_then(|(_, kind)| *kind)
    }
}

/// Keeps what is served in step with the CRDs that are stored.
pub(crate) fn account(server: &mut ApiServer, old: Option<&Value>, new: Option<&Value>) {
    let Some(either) = new.or(old) else { return };
    let name = either["metadata"]["name"].str();
    let customs = std::sync::Arc::make_mut(&mut server.customs);
    customs.unsettled = true;
    if let (Some(old), Some(new)) = (old, new)
        && old["spec"].ptr_eq(&new["spec"])
    {
        return;
    }
    let at = customs.slots.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
        customs.slots.push((Str::from(name), None));
        customs.slots.len() - 1
    });
    let slot = u16::try_from(TABLE.len() + at).ok();
    customs.slots[at].1 = new.zip(slot).and_then(|(crd, slot)| define(slot, &crd["spec"]));
    // Who owns what of an object is told by the parts that its schema has.
    server.memo = crate::managed::Memo::default();
}

impl ApiServer {
    /// The custom kinds that are defined now.
    pub fn custom_kinds(&self) -> Vec<Kind> {
        self.customs.kinds().collect()
    }

    /// The kind of a group and kind, built in or defined by a CRD.
    pub fn kind_of(&self, group: &str, kind: &str) -> Option<Kind> {
        let is = |candidate: &Kind| candidate.info().kind == kind && candidate.info().group == group;
        Kind::of(group, kind).or_else(|| self.customs.kinds().find(is))
    }

    /// The kind of a group and plural, built in or defined by a CRD.
    pub fn kind_of_resource(&self, group: &str, resource: &str) -> Option<Kind> {
        let is = |candidate: &Kind| candidate.info().resource == resource && candidate.info().group == group;
        Kind::of_resource(group, resource).or_else(|| self.customs.kinds().find(is))
    }

    /// Every custom resource that is served, group by group, its newest version first.
    pub(crate) fn custom_served(&self) -> impl Iterator<Item = &'static Served> + '_ {
        self.custom_versions().map(|version| &version.served)
    }

    /// The same, with what is known of the versions.
    pub(crate) fn custom_versions(&self) -> impl Iterator<Item = &'static Version> + '_ {
        let versions = self.customs.kinds().filter_map(of).flat_map(|definition| definition.versions.iter());
        versions.filter(|version| version.is_served)
    }
}

/// Completes a new CRD: its status names the version that it is stored in.
pub(crate) fn prepare_create(_: &mut ApiServer, _: &crate::verbs::Cx, crd: &mut Value) -> Result<(), Status> {
    // Nobody has looked at its names yet.
    crd.set("status", value!({"acceptedNames": {"kind": "", "plural": ""}, "conditions": null}));
    note_stored(crd);
    Ok(())
}

/// Completes a changed CRD.
pub(crate) fn prepare_update(
    _: &mut ApiServer,
    part: crate::verbs::Part,
    crd: &mut Value,
    _: &Value,
) -> Result<(), Status> {
    if part == crate::verbs::Part::Main {
        note_stored(crd);
    }
    Ok(())
}

fn note_stored(crd: &mut Value) {
    let versions = crd["spec"]["versions"].items();
    let stored = versions.iter().find(|version| version["storage"].as_bool() == Some(true));
    let Some(name) = stored.map(|version| version["name"].clone()) else { return };
    if !crd["status"]["storedVersions"].items().contains(&name) {
        crd["status"]["storedVersions"].push(name);
    }
}

#[cfg(test)]
mod tests;
