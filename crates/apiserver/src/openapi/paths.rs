//! Paths with their operations.

use drydock_value::{Map, Value, value};

use super::Edition;
use super::schemas::Writer;
use crate::custom;
use crate::registry::Served;

fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

/// The discovery document of a version.
pub(super) fn of_version(writer: &mut Writer<'_>, group: &str, version: &str, out: &mut Map) {
    let answer = writer.meta_ref("APIResourceList");
    let operation = operation(writer, "get available resources", &[], &[], Some(answer), None);
    out.insert(format!("{}/", root(group, version)), value!({"get": operation}));
}

/// What an operation is about.
struct Target<'s> {
    served: &'s Served,
    /// Group, version and kind.
    kind: Value,
    /// What it answers with, and takes.
    object: Option<Value>,
}

const DRY_RUN: &[&str] = &["dryRun", "fieldManager", "fieldValidation"];
const PATCH: &[&str] = &["dryRun", "fieldManager", "fieldValidation", "force"];
const DELETE: &[&str] = &["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];
const LIST: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
];

/// Operations by method: method, verb, action, what it does, parameters.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const OBJECT: [Row; 4] = [
    ("get", "get", "get", "read the specified", &[]),
    ("put", "update", "put", "replace the specified", DRY_RUN),
    ("patch", "patch", "patch", "partially update the specified", PATCH),
    ("delete", "delete", "delete", "delete", DELETE),
];

const COLLECTION: [Row; 3] = [
    ("get", "list", "list", "list or watch objects of kind", LIST),
    ("post", "create", "post", "create", DRY_RUN),
    ("delete", "deletecollection", "deletecollection", "delete collection of", LIST),
];

/// All paths of a resource.
pub(super) fn of_resource(writer: &mut Writer<'_>, served: &'static Served, out: &mut Map) {
    let root = root(served.group(), served.version());
    let (plural, kind) = (served.resource(), served.kind_name());
    let spaced = if served.namespaced() { "/namespaces/{namespace}" } else { "" };
    let version = custom::version(served);
    let (object, list) = match version {
        Some(version) => (Some(writer.custom_ref(version, false)), Some(writer.custom_ref(version, true))),
        None => (
            writer.kind_ref(served.group(), served.version(), kind),
            writer.kind_ref(served.group(), served.version(), &format!("{kind}List")),
        ),
    };
    let gvk = |kind: &str| value!({"group": served.group(), "version": served.version(), "kind": kind});
    let target = Target { served, kind: gvk(kind), object };
    let names = parameters(writer, served, false);
    let item_names = parameters(writer, served, true);

    let path = format!("{root}{spaced}/{plural}");
    add(writer, out, &path, &names, &COLLECTION, &served.row.resource.verbs, &target, list.as_ref());
    let path = format!("{root}{spaced}/{plural}/{{name}}");
    add(writer, out, &path, &item_names, &OBJECT, &served.row.resource.verbs, &target, None);
    if served.namespaced() && served.answers("list") {
        let path = format!("{root}/{plural}");
        let whole = [COLLECTION[0]];
        add(writer, out, &path, &[], &whole, &["list".to_owned()], &target, list.as_ref());
    }
    for sub in &served.row.resource.subresources {
        let path = format!("{root}{spaced}/{plural}/{{name}}/{}", sub.name);
        let own = sub.kind.version.is_empty();
        let group = if own { served.group() } else { &sub.kind.group };
        let version = if own { served.version() } else { &sub.kind.version };
        let object = match custom::version(served).filter(|_| own) {
            Some(version) => Some(writer.custom_ref(version, false)),
            None => writer.kind_ref(group, version, &sub.kind.kind),
        };
        let kind = value!({"group": group, "version": version, "kind": sub.kind.kind.as_str()});
        let target = Target { served, kind, object };
        let rows = [OBJECT[0], OBJECT[1], OBJECT[2], COLLECTION[1], OBJECT[3]];
        add(writer, out, &path, &item_names, &rows, &sub.verbs, &target, None);
    }
    if served.answers("watch") && version.is_none() {
        let row: Row = ("get", "list", "watch", "watch changes to an object of kind", LIST);
        let event = Some(writer.meta_ref("WatchEvent"));
        let places = [("", false, false), (spaced, true, false), (spaced, true, true)];
        for (spaced, namespaced, named) in places {
            if served.namespaced() || namespaced != (spaced.is_empty() && !named) {
                let name = if named { "/{name}" } else { "" };
                let path = format!("{root}/watch{spaced}/{plural}{name}");
                let own = if named {
                    item_names.as_slice()
                } else if namespaced {
                    names.as_slice()
                } else {
                    &[]
                };
                add(writer, out, &path, own, &[row], &["list".to_owned()], &target, event.as_ref());
            }
        }
    }
}

/// Adds a path with the operations that its verbs allow.
#[allow(clippy::too_many_arguments)]
fn add(
    writer: &mut Writer<'_>,
    out: &mut Map,
    path: &str,
    names: &[Value],
    rows: &[Row],
    verbs: &[String],
    target: &Target<'_>,
    list: Option<&Value>,
) {
    let mut item = Map::new();
    for (method, verb, action, words, parameters) in rows {
        if !verbs.iter().any(|known| known == verb) || item.get(method).is_some() {
            continue;
        }
        let answer = match *action {
            "list" | "watch" => list.cloned(),
            "delete" | "deletecollection" => Some(writer.meta_ref("Status")),
            _ => target.object.clone(),
        };
        let takes = match *action {
            "post" | "put" => target.object.clone(),
            "patch" => Some(writer.meta_ref("Patch")),
            "delete" => Some(writer.meta_ref("DeleteOptions")),
            _ => None,
        };
        let words = format!("{words} {}", target.kind["kind"].str());
        let mut operation = operation(writer, &words, parameters, &[], answer, takes);
        operation.set("x-kubernetes-action", *action);
        operation.set("x-kubernetes-group-version-kind", &target.kind);
        let group = target.served.group().split('.').next().filter(|group| !group.is_empty()).unwrap_or("core");
        let id = format!("{action}_{}", path.replace(['{', '}', '.'], "").replace('/', "_"));
        operation.set("operationId", id);
        operation.set("tags", value!([format!("{group}_{}", target.served.version())]));
        item.insert(*method, operation);
    }
    if !item.is_empty() {
        if !names.is_empty() {
            item.insert("parameters", Value::from(names.to_vec()));
        }
        out.insert(path, item);
    }
}

/// What parameters are for.
const PARAMETERS: &[(&str, &str)] = &[
    ("allowWatchBookmarks", "Whether the watch may send events of type BOOKMARK, which only tell a revision."),
    ("continue", "The token with which the chunk before ended: where the list goes on."),
    ("dryRun", "All: everything is checked, nothing is stored."),
    ("fieldManager", "Who is noted as the owner of the fields that are set."),
    ("fieldSelector", "Narrows the list of returned objects by what their fields say. Without it, all are returned."),
    ("fieldValidation", "What becomes of unknown and duplicate fields: Ignore, Warn or Strict."),
    ("force", "Takes fields over that others own. Only for apply patches."),
    ("gracePeriodSeconds", "How many seconds the object has before it is removed; 0 is at once."),
    ("labelSelector", "Narrows the list of returned objects by their labels. Without it, all are returned."),
    ("limit", "The most objects of one answer; the answer says how to go on."),
    ("name", "The name of the object."),
    ("namespace", "The namespace of the object."),
    ("orphanDependents", "Deprecated: whether dependent objects stay. Use propagationPolicy."),
    ("propagationPolicy", "What becomes of dependent objects: Orphan, Background or Foreground."),
    ("resourceVersion", "The revision that the answer is of, or the watch begins at."),
    ("resourceVersionMatch", "How resourceVersion is meant: Exact or NotOlderThan."),
    ("sendInitialEvents", "Whether the watch begins with the objects that there are."),
    ("timeoutSeconds", "How long a list or watch may take."),
    ("watch", "Watch for changes to the described resources, as a stream of events, instead of listing them."),
];

fn parameter(writer: &Writer<'_>, name: &str, place: &str) -> Value {
    let kind = match name {
        "limit" | "timeoutSeconds" | "gracePeriodSeconds" => "integer",
        "watch" | "allowWatchBookmarks" | "sendInitialEvents" | "orphanDependents" | "force" => "boolean",
        _ => "string",
    };
    let mut out = value!({"name": name, "in": place});
    if let Some((_, words)) = PARAMETERS.iter().find(|(known, _)| *known == name) {
        out.set("description", *words);
    }
    match writer.edition {
        Edition::V2 => out.set("type", kind),
        Edition::V3 => out.set("schema", value!({"type": kind})),
    }
    if place == "path" {
        out.set("required", true);
    }
    if place == "query" {
        out.set("uniqueItems", true);
        if writer.edition == Edition::V3 {
            out.remove("uniqueItems");
            out["schema"].set("uniqueItems", true);
        }
    }
    out
}

/// The parameters in a path.
fn parameters(writer: &Writer<'_>, served: &Served, named: bool) -> Vec<Value> {
    let mut out = Vec::new();
    if named {
        out.push(parameter(writer, "name", "path"));
    }
    if served.namespaced() {
        out.push(parameter(writer, "namespace", "path"));
    }
    out
}

fn operation(
    writer: &Writer<'_>,
    words: &str,
    queries: &[&str],
    more: &[Value],
    answer: Option<Value>,
    takes: Option<Value>,
) -> Value {
    let mut list: Vec<Value> = queries.iter().map(|name| parameter(writer, name, "query")).collect();
    list.extend(more.iter().cloned());
    let mut out = value!({"description": words});
    let json = |schema: Value| value!({"application/json": {"schema": schema}});
    let ok = match (writer.edition, answer) {
        (_, None) => value!({"description": "OK"}),
        (Edition::V2, Some(schema)) => value!({"description": "OK", "schema": schema}),
        (Edition::V3, Some(schema)) => value!({"description": "OK", "content": json(schema)}),
    };
    match (writer.edition, takes) {
        (_, None) => {}
        (Edition::V2, Some(schema)) => {
            list.push(value!({"name": "body", "in": "body", "required": true, "schema": schema}));
        }
        (Edition::V3, Some(schema)) => out.set("requestBody", value!({"content": json(schema), "required": true})),
    }
    if writer.edition == Edition::V2 {
        out.set("produces", value!(["application/json"]));
        out.set("consumes", value!(["*/*"]));
        out.set("schemes", value!(["https"]));
    }
    if !list.is_empty() {
        out.set("parameters", list);
    }
    out.set("responses", value!({"200": ok, "401": {"description": "Unauthorized"}}));
    out
}
