//! What a describer may ask for: related objects from the API server, events, and the time.

use drydock_api::{GroupVersionKind, GroupVersionResource, Request};
use drydock_value::{Time, Value};

use super::format::human;
use crate::failure::Failure;

/// How a describer asks the API server.
pub type Fetch<'a> = &'a mut dyn FnMut(Request) -> Result<Value, Failure>;

/// What surrounds a description.
pub struct Context<'a> {
    /// Sends a request.
    pub fetch: Fetch<'a>,
    /// Now.
    pub now: Time,
    /// Whether events belong to the description.
    pub show_events: bool,
    /// How many objects to ask for at once; 0 is all.
    pub chunk_size: i64,
}

impl Context<'_> {
    /// One object.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn get(&mut self, resource: &GroupVersionResource, namespace: &str, name: &str) -> Result<Value, Failure> {
        (self.fetch)(Request::get(resource.path(scope(namespace), Some(name))))
    }

    /// All objects of a resource that match, chunk by chunk.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn list(
        &mut self,
        resource: &GroupVersionResource,
        namespace: &str,
        selectors: &[(&str, &str)],
    ) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        let mut resume = String::new();
        loop {
            let mut request = Request::get(resource.path(scope(namespace), None));
            for (name, text) in selectors {
                if !text.is_empty() {
                    request = request.param(*name, *text);
                }
            }
            if self.chunk_size > 0 {
                request = request.param("limit", self.chunk_size.to_string());
            }
            if !resume.is_empty() {
                request = request.param("continue", resume);
            }
            let list = (self.fetch)(request)?;
            items.extend(list["items"].items().iter().cloned());
            resume = list["metadata"]["continue"].str().to_owned();
            if resume.is_empty() {
                return Ok(items);
            }
        }
    }

    /// The pods of a namespace that match a label selector.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn pods(&mut self, namespace: &str, selector: &str) -> Result<Vec<Value>, Failure> {
        self.list(&core("pods"), namespace, &[("labelSelector", selector)])
    }

    /// The events about an object; none (not even an empty list) when they are not asked for or cannot be had.
    pub fn events(&mut self, object: &Value) -> Option<Vec<Value>> {
        let gvk = GroupVersionKind::of(object);
        let metadata = &object["metadata"];
        self.events_about(&gvk.kind, metadata["namespace"].str(), metadata["name"].str(), metadata["uid"].str())
    }

    /// As [`Context::events`], by what the events refer to; empty parts are not asked about.
    pub fn events_about(&mut self, kind: &str, namespace: &str, name: &str, uid: &str) -> Option<Vec<Value>> {
        if !self.show_events {
            return None;
        }
        let mut selector = format!("involvedObject.name={name},involvedObject.namespace={namespace}");
        for (field, value) in [("kind", kind), ("uid", uid)] {
            if !value.is_empty() {
                selector.push_str(&format!(",involvedObject.{field}={value}"));
            }
        }
        self.list(&core("events"), namespace, &[("fieldSelector", &selector)]).ok()
    }

    /// How long ago a timestamp was, in kubectl's short form.
    pub fn ago(&self, timestamp: &Value) -> String {
        match Time::parse_rfc3339(timestamp.str()) {
            Some(then) => human(self.now, then),
            None => "<unknown>".into(),
        }
    }
}

fn scope(namespace: &str) -> Option<&str> {
    (!namespace.is_empty()).then_some(namespace)
}

/// A resource of the core group.
pub fn core(resource: &str) -> GroupVersionResource {
    GroupVersionResource::new("", "v1", resource)
}
