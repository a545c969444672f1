//! Get, list and watch.

use drydock_api::{Response, Status};
use drydock_value::{Map, Value, value};

use super::pages;
use super::params::{Form, ListOptions};
use crate::kinds::Kind;
use crate::printers;
use crate::registry::Served;
use crate::selection::Selection;
use crate::server::ApiServer;
use crate::verbs::not_found;
use crate::watch::{Start, Watch};

/// How long a watch lasts at least whose client does not say so, in seconds: `--min-request-timeout`.
const MIN_REQUEST_TIMEOUT: u64 = 1800;

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
        let selection = Selection::parse(kind, served, &options.label_selector, &options.field_selector)?;
        self.check_version(options)?;
        let page = if options.continued.is_empty() { None } else { Some(self.page(options)?) };
        let after = page.as_ref().map(|page| (page.namespace.as_str(), page.name.as_str()));
        // All pages of a list are of one revision, unless it is known that they are not.
        let (revision, listed) = match (page.as_ref().and_then(|page| page.of), options.exact_revision()) {
            (Some(of), _) => of,
            (None, Some(exact)) => (exact, self.now.0),
            (None, None) => (self.revision(), self.now.0),
        };
        let mut items: Vec<Value> = Vec::new();
        // How many there are after these: counted where nothing but a namespace selects them, as by the real server.
        let (counted, mut rest) = (selection.is_everything(), 0_usize);
        let known = self.visit_at(kind, namespace, &selection, after, revision, &mut |object| {
            if options.limit > 0 && items.len() == options.limit {
                rest += 1;
                return counted;
            }
            items.push(object.clone());
            true
        });
        if !known {
            return Err(page.map_or_else(pages::too_old, |page| page.too_old()));
        }

        let mut metadata = Map::new();
        metadata.insert("resourceVersion", revision.to_string());
        if rest > 0
            && let Some(last) = items.last()
        {
            metadata.insert("continue", pages::token(&pages::start_of(last), Some((revision, listed))));
            if counted {
                metadata.insert("remainingItemCount", rest);
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
            Form::Plain => plain_list(served, metadata, items.iter().map(|object| self.outward(served, object))),
        };
        Ok(Response::value(200, body))
    }

    /// Refuses a list at a revision that has not come yet.
    fn check_version(&self, options: &ListOptions) -> Result<(), Status> {
        let text = options.resource_version.as_str();
        if text.is_empty() || text == "0" {
            return Ok(());
        }
        let Ok(wanted) = text.parse::<u64>() else {
            return Err(Status::bad_request(format!(
                "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
            )));
        };
        if wanted > self.revision() {
            let mut status = Status::new(
                504,
                "Timeout",
                format!("Timeout: Too large resource version: {wanted}, current: {}", self.revision()),
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
        let selection = Selection::parse(kind, served, &options.label_selector, &field_selector)?;
        let initial = options.initial_events == Some(true);
        let start = match options.resource_version.as_str() {
            _ if initial => Start::Now,
            "" | "0" => Start::Now,
            text => Start::After(
                text.parse()
                    .map_err(|_| Status::bad_request(format!("strconv.ParseUint: parsing {text:?}: invalid syntax")))?,
            ),
        };
        let until = match options.timeout_seconds {
            Some(seconds) if seconds != 0 => u64::try_from(seconds).unwrap_or(0),
            // Whoever does not say how long is watched for is let go after half an hour to an hour, not all at once.
            // No dice are thrown for it: a watch must not change the names that are chosen after it.
            _ => MIN_REQUEST_TIMEOUT + (self.now.0 / 1000 + self.store.revision()) % MIN_REQUEST_TIMEOUT,
        };
        let until = self.now + std::time::Duration::from_secs(until);
        let watch = Watch::new(served, kind, namespace.into(), selection, form, options.bookmarks, until);
        Ok(self.start_watch(watch, start, options.initial_events != Some(false), initial && options.bookmarks))
    }
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

/// A list as it is written. Custom resources stand in it as they are, each with its kind, and a last page says that it is
/// one; in other lists the kind is the list's.
pub(super) fn plain_list(served: &Served, mut metadata: Map, objects: impl Iterator<Item = Value>) -> Value {
    let custom = crate::custom::version(served).is_some();
    if custom && metadata.get("continue").is_none() {
        metadata.insert("continue", "");
    }
    let items = objects.map(|mut object| {
        if !custom {
            object.remove("apiVersion");
            object.remove("kind");
        }
        object
    });
    value!({
        "kind": format!("{}List", served.kind_name()), "apiVersion": served.api_version(), "metadata": metadata,
        "items": items.collect::<Value>()
    })
}
