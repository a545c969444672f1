//! Resources on their way through the layers: what they are, and what they were called before.

use drydock_api::GroupVersionKind;
use drydock_sorted::Sort;
use drydock_value::Value;

/// What an object is called: its kind, name and namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Id {
    pub gvk: GroupVersionKind,
    pub name: String,
    pub namespace: String,
}

impl Id {
    pub fn of(object: &Value) -> Id {
        Id {
            gvk: GroupVersionKind::of(object),
            name: object["metadata"]["name"].str().to_owned(),
            namespace: object["metadata"]["namespace"].str().to_owned(),
        }
    }

    /// Whether both mean the same object: no namespace is `default`.
    pub fn same(&self, other: &Id) -> bool {
        self.gvk == other.gvk && self.name == other.name && effective(&self.namespace) == effective(&other.namespace)
    }

    /// Whether objects of the kind live in namespaces. Kinds that nobody knows do.
    pub fn is_namespaced(&self) -> bool {
        drydock_schema::resource_of_kind(&self.gvk).is_none_or(|row| row.resource.namespaced())
    }

    /// As Go prints the struct with `%#v`.
    pub fn debug(&self) -> String {
        format!(
            "resid.ResId{{Gvk:resid.Gvk{{Group:{:?}, Version:{:?}, Kind:{:?}, isClusterScoped:{}}}, Name:{:?}, Namespace:{:?}}}",
            self.gvk.group,
            self.gvk.version,
            self.gvk.kind,
            !self.is_namespaced(),
            self.name,
            self.namespace
        )
    }
}

/// `Deployment.v1.apps/web.[noNs]`
impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let or = |text: &str, absent: &str| if text.is_empty() { absent.to_owned() } else { text.to_owned() };
        write!(
            f,
            "{}.{}.{}/{}.{}",
            or(&self.gvk.kind, "[noKind]"),
            or(&self.gvk.version, "[noVer]"),
            or(&self.gvk.group, "[noGrp]"),
            or(&self.name, "[noName]"),
            or(&self.namespace, "[noNs]")
        )
    }
}

pub(super) fn effective(namespace: &str) -> &str {
    if namespace.is_empty() { "default" } else { namespace }
}

/// One object.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    pub object: Value,
    /// What it was called, the oldest first, without what it is called now.
    pub previous: Vec<Id>,
    /// What layers put before and behind its name, the innermost first: this tells twins apart.
    pub prefixes: Vec<String>,
    pub suffixes: Vec<String>,
    /// Whether its name gets a hash of its content.
    pub hashed: bool,
    /// For `buildMetadata: [originAnnotations]`.
    pub origin: Value,
    /// For `buildMetadata: [transformerAnnotations]`: what transformed it, in order.
    pub transformations: String,
}

impl Item {
    pub fn id(&self) -> Id {
        Id::of(&self.object)
    }

    /// Everything that it was ever called.
    pub fn ids(&self) -> Vec<Id> {
        self.previous.iter().cloned().chain([self.id()]).collect()
    }

    /// Remembers what it is called, before that changes.
    pub fn remember(&mut self) {
        let id = self.id();
        if self.previous.last() != Some(&id) {
            self.previous.push(id);
        }
    }

    /// The object with what kustomize notes on it on the way, as its errors print objects.
    pub fn annotated(&self) -> Value {
        let mut object = self.object.clone();
        if !self.previous.is_empty() {
            let join = |part: fn(&Id) -> &str| self.previous.iter().map(part).collect::<Vec<_>>().join(",");
            let annotations = &mut object["metadata"]["annotations"];
            annotations.set("internal.config.kubernetes.io/previousKinds", join(|id| &id.gvk.kind));
            annotations.set("internal.config.kubernetes.io/previousNames", join(|id| &id.name));
            annotations.set("internal.config.kubernetes.io/previousNamespaces", join(|id| effective(&id.namespace)));
        }
        object
    }
}

/// Who made or changed something, as annotations say it: a file's path, or what a kustomization configures.
pub(super) fn origin_text(origin: &Value, indent: &str) -> String {
    if !origin["path"].is_null() {
        return drydock_yaml::to_yaml(origin);
    }
    let by = drydock_yaml::to_yaml(&origin["configuredBy"]);
    let by: String = by.lines().map(|line| format!("{indent}  {line}\n")).collect();
    format!("configuredIn: {}\n{indent}configuredBy:\n{by}", origin["configuredIn"].str())
}

/// The objects of a layer, in order.
pub(super) type Items = Vec<Item>;

/// Adds an object that must be new.
///
/// # Errors
/// When one of that name is there.
pub(super) fn append(items: &mut Items, item: Item) -> Result<(), String> {
    let id = item.id();
    if items.iter().any(|other| other.id().same(&id)) {
        return Err(format!("may not add resource with an already registered id: {id}"));
    }
    items.push(item);
    Ok(())
}

/// Where the one object is that is, or was once, called so.
///
/// # Errors
/// When there is none, or several.
pub(super) fn find(items: &Items, id: &Id) -> Result<usize, String> {
    let found: Vec<usize> = matching(items, id);
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(format!("no matches for Id {id}; failed to find unique target for patch {id}")),
        _ => Err(format!("multiple matches for Id {id}; failed to find unique target for patch {id}")),
    }
}

/// Where the objects are that are, or were once, called so.
pub(super) fn matching(items: &Items, id: &Id) -> Vec<usize> {
    let matches = |item: &Item| item.ids().iter().any(|other| other.same(id));
    items.iter().enumerate().filter(|(_, item)| matches(item)).map(|(at, _)| at).collect()
}

/// Puts objects into the order that `sortOptions` ask for.
///
/// # Errors
/// kustomize's words, when the options are wrong.
pub(super) fn in_order(items: &mut Items, order: &Value) -> Result<(), String> {
    match order["order"].str() {
        "legacy" => {}
        _ if order.is_null() => {}
        "fifo" if order["legacySortOptions"].is_null() => return Ok(()),
        "fifo" => {
            let field = "the field 'sortOptions.legacySortOptions'";
            return Err(format!("{field} is set but the selected sort order is 'fifo', not 'legacy'"));
        }
        _ => return Err("the field 'sortOptions.order' must be one of [fifo, legacy]".into()),
    }
    let words = |given: &Value, usual: &str| -> Vec<String> {
        match given.as_array() {
            Some(kinds) => kinds.iter().map(|kind| kind.str().to_owned()).collect(),
            None => usual.split(' ').map(str::to_owned).collect(),
        }
    };
    let kinds = &order["legacySortOptions"];
    sort(items, &words(&kinds["orderFirst"], FIRST), &words(&kinds["orderLast"], LAST));
    Ok(())
}

/// Puts objects into the order in which a cluster can take them: `order` names the kinds that come first and last.
fn sort(items: &mut Items, first: &[String], last: &[String]) {
    let place = |kind: &str| {
        if let Some(at) = first.iter().position(|other| other == kind) {
            return at as i64 - first.len() as i64;
        }
        last.iter().position(|other| other == kind).map_or(0, |at| at as i64 + 1)
    };
    let or = |text: &str, absent: &str| if text.is_empty() { absent.to_owned() } else { text.to_owned() };
    let key = |item: &Item| {
        let id = item.id();
        let kind = format!("{}_{}_{}", or(&id.gvk.group, "~G"), or(&id.gvk.version, "~V"), id.gvk.kind);
        (place(&id.gvk.kind), kind, or(&id.namespace, "~X"), id.name)
    };
    items.sort_compact_by(|a, b| key(a).cmp(&key(b)));
}

/// The kinds that come first when nothing else is said.
const FIRST: &str = "Namespace ResourceQuota StorageClass CustomResourceDefinition ServiceAccount PodSecurityPolicy Role ClusterRole RoleBinding ClusterRoleBinding ConfigMap Secret Endpoints Service LimitRange PriorityClass PersistentVolume PersistentVolumeClaim Deployment StatefulSet CronJob PodDisruptionBudget";

/// The kinds that come last.
const LAST: &str = "MutatingWebhookConfiguration ValidatingWebhookConfiguration";
