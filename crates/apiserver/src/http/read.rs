//! Get, list and watch.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use drydock_api::{Response, Status};
use drydock_value::{Map, Time, Value, parse_json, to_json, value};

use super::go_json;
use super::params::{Form, ListOptions};
use crate::kinds::Kind;
use crate::printers;
use crate::registry::Served;
use crate::selection::Selection;
use crate::server::ApiServer;
use crate::verbs::not_found;
use crate::watch::{Start, Watch};

/// Continue tokens are base64 for URLs, without padding; like Go's decoder, this one ignores bits that are left over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

impl ApiServer {
    /// An object in the form that the client wants.
    pub(super) fn one(&self, code: u16, served: &Served, object: &Value, form: Form) -> Response {
        let body = match form {
            Form::Plain => self.outward(served, object),
            Form::Metadata => printers::metadata_only(&self.memo.shown(served.kind, object)),
            Form::Table(include) => {
                let row = self.row(served, object, include);
                let columns = printers::column_definitions(&served.row.columns);
                let metadata = [("resourceVersion", object["metadata"]["resourceVersion"].clone())].into_iter();
                printers::table(Some(columns), vec![row], metadata.collect())
            }
        };
        Response::value(code, body)
    }

    fn row(&self, served: &Served, object: &Value, include: super::IncludeObject) -> Value {
        let mut row = printers::row(served.kind, served.row, object, self.now, include);
        if include == super::IncludeObject::Object {
            row.set("object", self.outward(served, object));
        }
        row
    }

    pub(super) fn get_one(
        &self,
        served: &Served,
        kind: Kind,
        namespace: &str,
        name: &str,
        form: Form,
    ) -> Result<Response, Status> {
        let object = self
            .store
            .get(kind, namespace, name)
            .ok_or_else(|| Status::not_found(served.group(), served.resource(), name))?;
        Ok(self.one(200, served, object, form))
    }

    pub(super) fn list(
        &self,
        served: &Served,
        kind: Kind,
        namespace: &str,
        options: &ListOptions,
        form: Form,
    ) -> Result<Response, Status> {
        let selection = Selection::parse(kind, &options.label_selector, &options.field_selector)?;
        self.check_version(options)?;
        let page = if options.continued.is_empty() { None } else { Some(self.page(&options.continued)?) };
        let after = page.as_ref().map(|page| (page.namespace.as_str(), page.name.as_str()));
        // All pages of a list are of one revision, unless it is known that they are not.
        let (revision, listed) =
            page.as_ref().and_then(|page| page.of).unwrap_or_else(|| (self.revision(), self.now.0));
        let mut items: Vec<&Value> = Vec::new();
        let mut more = false;
        let mut found: Vec<Value> = Vec::new();
        self.visit(kind, namespace, &selection, after, &mut |object| {
            if options.limit > 0 && found.len() == options.limit {
                more = true;
                return false;
            }
            found.push(object.clone());
            true
        });
        items.extend(found.iter());

        let mut metadata = Map::new();
        metadata.insert("resourceVersion", revision.to_string());
        if more && let Some(last) = items.last() {
            metadata.insert("continue", token(&start_of(last), Some((revision, listed))));
            if selection.is_everything() {
                let total =
                    if namespace.is_empty() { self.store.count_of(kind) } else { self.store.count_in(kind, namespace) };
                let before = after.map_or(0, |after| self.position(kind, namespace, after));
                metadata.insert("remainingItemCount", total.saturating_sub(before + items.len()));
            }
        }
        let body = match form {
            Form::Table(include) => {
                let rows = items.iter().map(|object| self.row(served, object, include)).collect();
                printers::table(Some(printers::column_definitions(&served.row.columns)), rows, metadata)
            }
            Form::Metadata => value!({
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
                "items": items.iter().map(|object| printers::metadata_only(&self.memo.shown(served.kind, object))).collect::<Value>()
            }),
            Form::Plain => {
                let items: Value = items
                    .iter()
                    .map(|object| {
                        let mut object = self.outward(served, object);
                        object.remove("apiVersion");
                        object.remove("kind");
                        object
                    })
                    .collect();
                value!({
                    "kind": format!("{}List", served.kind_name()), "apiVersion": served.api_version(),
                    "metadata": metadata, "items": items
                })
            }
        };
        Ok(Response::value(200, body))
    }

    /// How many objects lie before and at a place.
    fn position(&self, kind: Kind, namespace: &str, (last_namespace, last): (&str, &str)) -> usize {
        let mut count = 0;
        self.visit(kind, namespace, &Selection::default(), None, &mut |object| {
            count += 1;
            let metadata = &object["metadata"];
            metadata["name"] != *last || metadata["namespace"].str() != last_namespace
        });
        count
    }

    /// What a token leads to, unless it is too old: then its answer has one that leads on all the same.
    fn page(&self, text: &str) -> Result<Page, Status> {
        let page = read_token(text)?;
        if page.of.is_some_and(|(_, listed)| self.now.0 >= listed.saturating_add(COMPACTION)) {
            let mut status = Status::expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a new \
                 list without the continue parameter, or use the continue token in this response to retrieve the \
                 remainder of the results. Continuing with the provided token results in an inconsistent list - \
                 objects that were created, modified, or deleted between the time the first chunk was returned and \
                 now may show up in the list.",
            );
            status.continued = token(&page.start, None);
            return Err(status);
        }
        Ok(page)
    }

    /// Refuses a list at a revision that has not come yet.
    fn check_version(&self, options: &ListOptions) -> Result<(), Status> {
        let text = options.resource_version.as_str();
        if text.is_empty() || text == "0" {
            return Ok(());
        }
        let Ok(wanted) = text.parse::<u64>() else {
            return Err(Status::bad_request(format!(
                "resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
            )));
        };
        if wanted > self.revision() {
            let mut status = Status::new(
                504,
                "Timeout",
                format!("Too large resource version: {wanted}, current: {}", self.revision()),
            );
            status.retry_after_seconds = 1;
            status.causes.push(drydock_api::Cause {
                reason: "ResourceVersionTooLarge".into(),
                message: "Too large resource version".into(),
                field: String::new(),
            });
            return Err(status);
        }
        Ok(())
    }

    pub(super) fn open_watch(
        &self,
        served: &'static Served,
        kind: Kind,
        namespace: &str,
        name: Option<&str>,
        options: &ListOptions,
        form: Form,
    ) -> Result<Watch, Status> {
        let mut field_selector = options.field_selector.clone();
        if let Some(name) = name {
            field_selector = format!("metadata.name={name}");
        }
        let selection = Selection::parse(kind, &options.label_selector, &field_selector)?;
        let initial = options.initial_events == Some(true);
        let start = match options.resource_version.as_str() {
            _ if initial => Start::Now,
            "" | "0" => Start::Now,
            text => Start::After(
                text.parse()
                    .map_err(|_| Status::bad_request(format!("strconv.ParseUint: parsing {text:?}: invalid syntax")))?,
            ),
        };
        let until = options
            .timeout_seconds
            .filter(|seconds| *seconds > 0)
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map_or(Time::NEVER, |seconds| self.now + std::time::Duration::from_secs(seconds));
        let watch = Watch::new(served, kind, namespace.into(), selection, form, options.bookmarks, until);
        Ok(self.start_watch(watch, start, options.initial_events != Some(false), initial && options.bookmarks))
    }
}

/// How long a revision can be listed, in microseconds: the real server has its storage compacted as often.
const COMPACTION: u64 = 300_000_000;

/// A page of a list, as its token says it.
struct Page {
    /// The token's own words.
    start: String,
    /// Namespace and name of the last object of the page before.
    namespace: String,
    name: String,
    /// The list's revision and the moment of its first page; None when the pages need not be of one revision.
    of: Option<(u64, u64)>,
}

/// Where the page after an object begins.
fn start_of(last: &Value) -> String {
    let metadata = &last["metadata"];
    match metadata["namespace"].str() {
        "" => format!("{}\0", metadata["name"].str()),
        namespace => format!("{namespace}/{}\0", metadata["name"].str()),
    }
}

fn token(start: &str, of: Option<(u64, u64)>) -> String {
    let token = match of {
        Some((revision, listed)) => value!({"v": "meta.k8s.io/v1", "rv": revision, "start": start, "at": listed}),
        None => value!({"v": "meta.k8s.io/v1", "rv": -1, "start": start}),
    };
    BASE64.encode(to_json(&token))
}

fn read_token(token: &str) -> Result<Page, Status> {
    let refuse = |why: String| Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
    let bytes = BASE64.decode(token).map_err(|_| {
        let at = token.bytes().position(|b| !b.is_ascii_alphanumeric() && b != b'-' && b != b'_');
        refuse(format!("illegal base64 data at input byte {}", at.unwrap_or(token.len())))
    })?;
    if let Some(why) = go_json::error(&bytes) {
        return Err(refuse(why));
    }
    let token = std::str::from_utf8(&bytes).ok().and_then(|text| parse_json(text).ok()).unwrap_or_default();
    if token["v"] != "meta.k8s.io/v1" {
        return Err(Status::bad_request(
            "invalid continue token: continue key is not valid: server does not recognize this encoded version \"\"",
        ));
    }
    let start = token["start"].str();
    let place = start.trim_end_matches('\0');
    let (namespace, name) = place.split_once('/').unwrap_or(("", place));
    let of = u64::try_from(token["rv"].int()).ok().zip(u64::try_from(token["at"].int()).ok());
    Ok(Page { start: start.into(), namespace: namespace.into(), name: name.into(), of })
}

/// The object, or that it is not there.
pub(super) fn existing<'a>(
    server: &'a ApiServer,
    kind: Kind,
    namespace: &str,
    name: &str,
) -> Result<&'a Value, Status> {
    server.store.get(kind, namespace, name).ok_or_else(|| not_found(kind, name))
}
