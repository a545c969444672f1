//! Query parameters and headers: the options of each verb, checked as the real server does.

use drydock_api::{Cause, Request, Status};
use drydock_sorted::Sort as _;
use drydock_value::Value;

use crate::registry::Served;
use crate::verbs::DeleteOptions;

/// What shall happen to unknown and doubled fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

/// How much of each object a table carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    None,
    Metadata,
    Object,
}

/// The form that a client wants its answer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The objects themselves.
    Plain,
    /// A table of cells.
    Table(IncludeObject),
    /// Only the metadata.
    Metadata,
}

/// Whether the client takes objects as they are, and not only as tables or metadata.
pub(crate) fn takes_plain(request: &Request) -> bool {
    let accept = request.header_value("accept").unwrap_or_default();
    accept.split(',').any(|alternative| !alternative.contains("as="))
}

/// What objects are written in. Protobuf is not among what is written here, but whoever asks for it is told what comes.
const MEDIA: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

fn not_acceptable(message: String) -> Status {
    Status::new(406, "NotAcceptable", message)
}

/// The form that the `Accept` header asks for, of one object or of a list of them; None stands for either.
pub(crate) fn form(request: &Request, served: &Served, is_list: Option<bool>) -> Result<Form, Status> {
    versioned_form(request, served, is_list).map(|(form, _)| form)
}

/// The form, and whether tables and metadata are wanted in their first version, `meta.k8s.io/v1beta1`.
pub(super) fn versioned_form(
    request: &Request,
    served: &Served,
    is_list: Option<bool>,
) -> Result<(Form, bool), Status> {
    let accept = request.header_value("accept").unwrap_or_default();
    if accept.trim().is_empty() {
        return Ok((Form::Plain, false));
    }
    for clause in accepted(accept) {
        let mut parts = clause.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let (mut kind, mut version, mut group) = ("", "", "");
        for part in parts {
            match part.split_once('=') {
                Some(("as", value)) => kind = value,
                Some(("v", value)) => version = value,
                Some(("g", value)) => group = value,
                _ => {}
            }
        }
        if !MEDIA.contains(&media) && !matches!(media, "application/*" | "*/*") {
            continue;
        }
        let list_of_go = |word: &str| {
            let package = served.group().split('.').next().filter(|group| !group.is_empty()).unwrap_or("core");
            let list = if is_list == Some(true) { "List" } else { "" };
            let of = match crate::custom::version(served) {
                Some(_) => format!("*unstructured.Unstructured{list}"),
                None => format!("*{package}.{}{list}", served.kind_name()),
            };
            not_acceptable(format!("you requested {kind}, but the requested object is {word} ({of})"))
        };
        if kind.is_empty() {
            return Ok((Form::Plain, false));
        }
        let first = version == "v1beta1";
        if group != "meta.k8s.io" || version != "v1" && !first {
            continue;
        }
        match kind {
            "Table" if media != MEDIA[2] => return Ok((Form::Table(include_object(request)?), first)),
            "PartialObjectMetadata" if is_list == Some(true) => return Err(list_of_go("a list")),
            "PartialObjectMetadataList" if is_list == Some(false) => return Err(list_of_go("not a list")),
            "PartialObjectMetadata" | "PartialObjectMetadataList" => return Ok((Form::Metadata, first)),
            _ => {}
        }
    }
    Err(not_acceptable(format!("only the following media types are accepted: {}", MEDIA.join(", "))))
}

/// The clauses of an `Accept` header by how much they are wanted, and then as they stand.
pub fn accepted(header: &str) -> Vec<&str> {
    let mut clauses: Vec<&str> = header.split(',').collect();
    clauses.sort_compact_by_key(|clause| -quality(clause));
    clauses
}

/// How much a clause is wanted, in thousandths: 1000 where it does not say so.
fn quality(clause: &str) -> i64 {
    let given = clause.split(';').find_map(|part| part.trim().strip_prefix("q="));
    given.and_then(|text| text.parse::<f64>().ok()).map_or(1000, |q| (q.clamp(0.0, 1.0) * 1000.0) as i64)
}

fn include_object(request: &Request) -> Result<IncludeObject, Status> {
    match request.query_value("includeObject").unwrap_or_default() {
        "" | "Metadata" => Ok(IncludeObject::Metadata),
        "Object" => Ok(IncludeObject::Object),
        "None" => Ok(IncludeObject::None),
        other => Err(Status::bad_request(format!(
            "Unable to convert to Table as requested: includeObject: Invalid value: {}: must be 'Metadata', 'Object', \
             'None', or empty",
            drydock_schema::go::quote(other)
        ))),
    }
}

/// The policy of `fieldValidation`.
pub(crate) fn field_validation(request: &Request) -> Result<FieldValidation, Status> {
    match request.query_value("fieldValidation").unwrap_or_default() {
        "Strict" => Ok(FieldValidation::Strict),
        "" | "Warn" => Ok(FieldValidation::Warn),
        "Ignore" => Ok(FieldValidation::Ignore),
        other => Err(options_error(
            options_kind(request),
            "fieldValidation",
            format!("Unsupported value: {other:?}: supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""),
        )),
    }
}

fn options_kind(request: &Request) -> &'static str {
    match request.method {
        drydock_api::Method::Post => "CreateOptions",
        drydock_api::Method::Patch => "PatchOptions",
        drydock_api::Method::Delete => "DeleteOptions",
        _ => "UpdateOptions",
    }
}

fn options_error(kind: &str, field: &str, message: String) -> Status {
    let cause = Cause { reason: "FieldValueNotSupported".into(), message, field: field.into() };
    Status::invalid("meta.k8s.io", kind, "", vec![cause])
}

/// The name under which the client writes: `fieldManager`, or the first part of its `User-Agent`.
pub(crate) fn manager(request: &Request) -> Result<String, Status> {
    let refuse = |reason: &str, message: String, field: &str| {
        let cause = Cause { reason: reason.into(), message, field: field.into() };
        Err(Status::invalid("meta.k8s.io", options_kind(request), "", vec![cause]))
    };
    let given = request.query_value("fieldManager").unwrap_or_default();
    if given.len() > 128 {
        let why = "Too long: may not be more than 128 bytes".to_owned();
        return refuse("FieldValueTooLong", why, "fieldManager");
    }
    if let Some(at) = given.chars().position(char::is_control) {
        let shown = drydock_schema::go::quote(given);
        let letter = given.chars().nth(at).map_or(0, u32::from);
        let place = given.char_indices().nth(at).map_or(0, |(place, _)| place);
        let why = format!("Invalid value: {shown}: invalid character U+{letter:04X} (at position {place})");
        return refuse("FieldValueInvalid", why, "fieldManager");
    }
    if request.query_bool("force") && request.query_value("force").is_some() && !super::apply::is_apply(request) {
        let why = "Forbidden: may not be specified for non-apply patch".to_owned();
        if request.method == drydock_api::Method::Patch {
            return refuse("FieldValueForbidden", why, "force");
        }
    }
    if !given.is_empty() {
        return Ok(given.to_owned());
    }
    let agent = request.header_value("user-agent").unwrap_or_default();
    Ok(agent.split('/').next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(128).collect())
}

/// Whether nothing may be kept.
pub(crate) fn dry_run(request: &Request) -> Result<bool, Status> {
    let mut dry = false;
    for (name, value) in &request.query {
        if name != "dryRun" {
            continue;
        }
        match value.as_str() {
            "All" => dry = true,
            other => {
                return Err(options_error(
                    options_kind(request),
                    "dryRun",
                    format!("Unsupported value: [{other:?}]: supported values: \"All\""),
                ));
            }
        }
    }
    Ok(dry)
}

/// The options of a delete: the body's, or the query's when there is no body.
pub(crate) fn delete_options(request: &Request) -> Result<(DeleteOptions, bool), Status> {
    let body = super::body::delete_options(request)?;
    // Where there is a body, the query counts for nothing.
    let mut dry = if body.is_some() { false } else { dry_run(request)? };
    let document = match body {
        Some(document) => document,
        None => {
            let mut document = Value::object();
            for (name, value) in &request.query {
                match name.as_str() {
                    "gracePeriodSeconds" => document.set("gracePeriodSeconds", integer(value)?),
                    "propagationPolicy" => document.set("propagationPolicy", value),
                    "orphanDependents" => document.set("orphanDependents", request.query_bool("orphanDependents")),
                    _ => {}
                }
            }
            document
        }
    };
    for value in document["dryRun"].items() {
        if value == "All" {
            dry = true;
        } else {
            let shown = value.str();
            return Err(options_error(
                "DeleteOptions",
                "dryRun",
                format!("Unsupported value: [{shown:?}]: supported values: \"All\""),
            ));
        }
    }
    Ok((DeleteOptions::from_value(&document)?, dry))
}

/// An integer parameter, refused in Go's words.
pub(crate) fn integer(text: &str) -> Result<i64, Status> {
    text.parse().map_err(|_| {
        Status::bad_request(format!(
            "strconv.ParseInt: parsing {}: invalid syntax",
            drydock_value::to_json(&Value::from(text))
        ))
    })
}

/// The options of a list or watch.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListOptions {
    pub(crate) label_selector: String,
    pub(crate) field_selector: String,
    pub(crate) limit: usize,
    pub(crate) continued: String,
    pub(crate) resource_version: String,
    pub(crate) resource_version_match: String,
    pub(crate) timeout_seconds: Option<i64>,
    pub(crate) bookmarks: bool,
    pub(crate) initial_events: Option<bool>,
}

impl ListOptions {
    /// Reads them, for a list or a watch.
    pub(crate) fn of(request: &Request, watch: bool) -> Result<ListOptions, Status> {
        let text = |name: &str| request.query_value(name).unwrap_or_default().to_owned();
        let number = |name: &str| request.query_value(name).filter(|v| !v.is_empty()).map(integer).transpose();
        let options = ListOptions {
            label_selector: text("labelSelector"),
            field_selector: text("fieldSelector"),
            limit: usize::try_from(number("limit")?.unwrap_or(0)).unwrap_or(0),
            continued: text("continue"),
            resource_version: text("resourceVersion"),
            resource_version_match: text("resourceVersionMatch"),
            timeout_seconds: number("timeoutSeconds")?,
            bookmarks: request.query_bool("allowWatchBookmarks"),
            initial_events: request.query_value("sendInitialEvents").map(|_| request.query_bool("sendInitialEvents")),
        };
        options.check(watch)?;
        Ok(options)
    }

    /// The revision that the list must be of, if it must be of one: with a limit, an old one means itself.
    pub(crate) fn exact_revision(&self) -> Option<u64> {
        let exact = match self.resource_version_match.as_str() {
            "Exact" => true,
            "" => self.limit > 0,
            _ => false,
        };
        if exact { self.resource_version.parse().ok().filter(|revision| *revision > 0) } else { None }
    }

    /// Everything that is wrong with the combination.
    fn check(&self, watch: bool) -> Result<(), Status> {
        let matching = self.resource_version_match.as_str();
        let mut causes: Vec<Cause> = Vec::new();
        let mut add = |field: &str, reason: &str, message: String| {
            causes.push(Cause { reason: reason.into(), message, field: field.into() });
        };
        const MATCH: &str = "resourceVersionMatch";
        let forbidden = |why: &str| format!("Forbidden: {why}");
        if watch && self.initial_events.is_some() && matching != "NotOlderThan" {
            let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            add(MATCH, "FieldValueForbidden", forbidden(why));
        }
        if !matching.is_empty() {
            if watch && self.initial_events.is_none() {
                let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                add(MATCH, "FieldValueForbidden", forbidden(why));
            }
            if !watch && self.resource_version.is_empty() {
                let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
                add(MATCH, "FieldValueForbidden", forbidden(why));
            }
            let known: &[&str] = if watch { &["NotOlderThan"] } else { &["Exact", "NotOlderThan", ""] };
            let unsupported = (!known.contains(&matching)).then(|| {
                let known: Vec<String> = known.iter().map(|known| format!("{known:?}")).collect();
                format!("Unsupported value: {matching:?}: supported values: {}", known.join(", "))
            });
            // A watch looks at the value before the token, a list after it.
            if let Some(message) = unsupported.clone().filter(|_| watch) {
                add(MATCH, "FieldValueNotSupported", message);
            }
            if !self.continued.is_empty() {
                let why = "resourceVersionMatch is forbidden when continue is provided";
                add(MATCH, "FieldValueForbidden", forbidden(why));
            }
            if let Some(message) = unsupported.filter(|_| !watch) {
                add(MATCH, "FieldValueNotSupported", message);
            }
            if !watch && matching == "Exact" && self.resource_version == "0" {
                let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                add(MATCH, "FieldValueForbidden", forbidden(why));
            }
        }
        if !watch && self.initial_events.is_some() {
            add("sendInitialEvents", "FieldValueForbidden", forbidden("sendInitialEvents is forbidden for list"));
        }
        if causes.is_empty() { Ok(()) } else { Err(Status::invalid("meta.k8s.io", "ListOptions", "", causes)) }
    }
}

/// The `timeout` of a request, as far as it is none.
pub(crate) fn check_timeout(request: &Request) -> Result<(), Status> {
    let given = request.query_value("timeout").unwrap_or_default();
    if given.is_empty() {
        return Ok(());
    }
    match drydock_schema::duration::parse(given) {
        Ok(_) => Ok(()),
        Err(why) => Err(Status::bad_request(format!("invalid timeout specified in the request URL - {why}"))),
    }
}
