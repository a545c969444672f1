//! Which objects a list or watch is about: namespace, label selector, field selector.

use drydock_sorted::Sort;
use std::borrow::Cow;

use drydock_api::Status;
use drydock_schema::{fields, labels};
use drydock_value::Value;

use crate::kinds::{self, Kind};
use crate::registry::Served;
use crate::server::ApiServer;
use crate::store::{field_key, label_key};

/// What a list or watch selects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    pub(crate) labels: labels::Selector,
    pub(crate) fields: fields::Selector,
}

/// The fields, besides name and namespace, by which objects of a kind are selected.
fn known_fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        kinds::PODS => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        kinds::EVENTS => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        kinds::NODES => &["spec.unschedulable"],
        kinds::NAMESPACES => &["status.phase"],
        kinds::SECRETS => &["type"],
        kinds::SERVICES => &["spec.clusterIP", "spec.type"],
        kinds::REPLICATION_CONTROLLERS => &["status.replicas"],
        kinds::JOBS => &["status.successful"],
        kinds::CERTIFICATE_SIGNING_REQUESTS => &["spec.signerName"],
        kinds::RESOURCE_SLICES => &["spec.nodeName", "spec.driver"],
        _ => &[],
    }
}

/// The error for a field that objects of a kind are not selected by.
fn unknown_field(kind: Kind, field: &str) -> String {
    // Kinds with fields of their own convert labels one way, all others the generic way.
    match kind {
        kinds::PODS
        | kinds::NODES
        | kinds::NAMESPACES
        | kinds::SECRETS
        | kinds::SERVICES
        | kinds::REPLICATION_CONTROLLERS
        | kinds::CERTIFICATE_SIGNING_REQUESTS
        | kinds::EVENTS => format!("field label not supported: {field}"),
        _ if crate::custom::of(kind).is_some() => format!("field label not supported: {field}"),
        kinds::JOBS => format!("field label {field:?} not supported for Job"),
        kinds::RESOURCE_SLICES => {
            format!("field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: {field}")
        }
        _ => format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""),
    }
}

/// The name that a field of the new events API has in the old one, if events are selected by it.
fn new_event_field(field: &str) -> Option<String> {
    match field {
        "reportingController" => Some("reportingComponent".into()),
        "reportingComponent" | "source" => None,
        _ if field.starts_with("involvedObject.") => None,
        _ => Some(field.strip_prefix("regarding.").map_or(field.into(), |rest| format!("involvedObject.{rest}"))),
    }
}

/// Whether a kind without namespaces says itself by which fields it is selected.
fn kind_has_own_labels(kind: Kind) -> bool {
    matches!(kind, kinds::NODES | kinds::NAMESPACES | kinds::CERTIFICATE_SIGNING_REQUESTS | kinds::RESOURCE_SLICES)
}

/// The value of a field that objects are selected by.
fn field_value<'a>(kind: Kind, object: &'a Value, field: &str) -> Cow<'a, str> {
    match (kind, field) {
        (kinds::PODS, "status.podIP" | "status.podIPs") => {
            let first = object["status"]["podIPs"][0]["ip"].str();
            return Cow::Borrowed(if first.is_empty() { object["status"]["podIP"].str() } else { first });
        }
        (kinds::PODS, "spec.hostNetwork") | (kinds::NODES, "spec.unschedulable") => {
            let (_, key) = field.split_once('.').unwrap_or_default();
            return Cow::Borrowed(if object["spec"][key].is_true() { "true" } else { "false" });
        }
        (kinds::JOBS, "status.successful") => return Cow::Owned(object["status"]["succeeded"].int().to_string()),
        (kinds::EVENTS, "source") => {
            let source = object["source"]["component"].str();
            return Cow::Borrowed(if source.is_empty() { object["reportingComponent"].str() } else { source });
        }
        _ => {}
    }
    match field.split('.').fold(object, |value, key| &value[key]) {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        Value::Int(number) => Cow::Owned(number.to_string()),
        Value::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
        _ => Cow::Borrowed(""),
    }
}

impl Selection {
    /// Reads the selectors of a request for a kind as it is served.
    pub(crate) fn parse(
        kind: Kind,
        served: &Served,
        label_selector: &str,
        field_selector: &str,
    ) -> Result<Selection, Status> {
        let labels = labels::Selector::parse(label_selector).map_err(Status::bad_request)?;
        let mut fields = fields::Selector::parse(field_selector).map_err(Status::bad_request)?;
        for requirement in &mut fields.requirements {
            let field = requirement.field.as_str();
            let renamed = match kind {
                kinds::EVENTS if !served.group().is_empty() => new_event_field(field),
                kinds::PODS if field == "spec.host" => Some("spec.nodeName".into()),
                _ => Some(field.to_owned()),
            };
            let custom = crate::custom::version(served);
            let known = |field: &str| match field {
                "metadata.name" => true,
                // Kinds that convert labels their own way and stand in no namespace know none.
                "metadata.namespace" => kind.namespaced() || custom.is_none() && !kind_has_own_labels(kind),
                _ => {
                    known_fields(kind).contains(&field)
                        || custom.is_some_and(|version| version.selectable.iter().any(|known| known == field))
                }
            };
            match renamed.filter(|field| known(field)) {
                Some(field) => requirement.field = field,
                None => return Err(Status::bad_request(unknown_field(kind, field))),
            }
        }
        Ok(Selection { labels, fields })
    }

    /// Whether everything is selected.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_everything() && self.fields.is_everything()
    }

    /// Whether an object is selected.
    pub(crate) fn matches(&self, kind: Kind, object: &Value) -> bool {
        (self.labels.is_everything() || self.labels.matches_object(object))
            && (self.fields.is_everything() || self.fields.matches(|field| field_value(kind, object, field)))
    }
}

impl ApiServer {
    /// The objects of a namespace ("" is all of them) that a label selector takes, in storage order. Costs what it finds
    /// when the selector wants a label to have one value.
    pub fn select(&self, kind: Kind, namespace: &str, selector: &labels::Selector) -> Vec<Value> {
        let selection = Selection { labels: selector.clone(), fields: fields::Selector::default() };
        let mut found = Vec::new();
        self.visit(kind, namespace, &selection, None, &mut |object| {
            found.push(object.clone());
            true
        });
        found
    }

    /// Visits the selected objects in storage order, until the visitor answers false. `after` is the (namespace, name)
    /// of the last object that is skipped.
    pub(crate) fn visit(
        &self,
        kind: Kind,
        namespace: &str,
        selection: &Selection,
        after: Option<(&str, &str)>,
        visit: &mut dyn FnMut(&Value) -> bool,
    ) {
        let fields = &selection.fields;
        let namespace = match fields.exact("metadata.namespace") {
            Some(wanted) if namespace.is_empty() && kind.namespaced() => wanted,
            _ => namespace,
        };
        // One object by name.
        if let Some(name) = fields.exact("metadata.name")
            && (!namespace.is_empty() || !kind.namespaced())
        {
            if let Some(object) = self.store.get(kind, namespace, name)
                && selection.matches(kind, object)
                && after.is_none_or(|(_, last)| name > last)
            {
                visit(object);
            }
            return;
        }
        if let Some(ids) = self.shortest_index(kind, selection) {
            let Some(ids) = ids else { return };
            let mut namespaces: Vec<&str> = Vec::new();
            let order = |ns: &str| ns.bytes().chain([b'/']).collect::<Vec<u8>>();
            if namespace.is_empty() {
                for (ns, _) in ids {
                    if namespaces.last() != Some(&ns.as_str()) {
                        namespaces.push(ns);
                    }
                }
                namespaces.sort_compact_by_key(|ns| order(ns));
            } else {
                namespaces.push(namespace);
            }
            for ns in namespaces {
                let skip = match after {
                    Some((last_ns, _)) if order(ns) < order(last_ns) => continue,
                    Some((last_ns, last)) if ns == last_ns => Some(last),
                    _ => None,
                };
                let start = (drydock_value::Str::from(ns), drydock_value::Str::from(skip.unwrap_or("")));
                for (_, name) in ids.range(start..).take_while(|(in_ns, _)| in_ns.as_str() == ns) {
                    if skip == Some(name.as_str()) {
                        continue;
                    }
                    if let Some(object) = self.store.get(kind, ns, name)
                        && selection.matches(kind, object)
                        && !visit(object)
                    {
                        return;
                    }
                }
            }
            return;
        }
        let everything = selection.is_everything();
        let mut one = |object: &Value| (!everything && !selection.matches(kind, object)) || visit(object);
        if namespace.is_empty() {
            let order = |ns: &str| ns.bytes().chain([b'/']).collect::<Vec<u8>>();
            for ns in self.store.namespaces_of(kind) {
                let skip = match after {
                    Some((last_ns, _)) if order(ns) < order(last_ns) => continue,
                    Some((last_ns, last)) if ns.as_str() == last_ns => Some(last),
                    _ => None,
                };
                for object in self.store.in_namespace(kind, ns, skip) {
                    if !one(object) {
                        return;
                    }
                }
            }
        } else {
            for object in self.store.in_namespace(kind, namespace, after.map(|(_, name)| name)) {
                if !one(object) {
                    return;
                }
            }
        }
    }

    /// The smallest set of objects that an index knows to hold all that is selected: None when no index applies,
    /// Some(None) when one says that there is nothing.
    #[allow(clippy::option_option)]
    fn shortest_index(
        &self,
        kind: Kind,
        selection: &Selection,
    ) -> Option<Option<&drydock_sorted::SortedSet<crate::store::Id>>> {
        let mut keys: Vec<String> = Vec::new();
        for requirement in selection.labels.requirements() {
            if let Some(value) = selection.labels.exact(&requirement.key) {
                keys.push(label_key(&requirement.key, value));
            }
        }
        for requirement in &selection.fields.requirements {
            if requirement.equal && !requirement.value.is_empty() {
                keys.extend(field_key(kind, &requirement.field, &requirement.value));
            }
        }
        let mut best: Option<&drydock_sorted::SortedSet<crate::store::Id>> = None;
        for key in &keys {
            match self.store.indexed(kind, key) {
                None => return Some(None),
                Some(ids) if best.is_none_or(|best| ids.len() < best.len()) => best = Some(ids),
                Some(_) => {}
            }
        }
        best.map(Some)
    }
}
