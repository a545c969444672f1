//! [`Status`]: the object that the API server answers instead of success.

use drydock_value::{Value, value};

use crate::Response;

/// One cause of an `Invalid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The machine-readable reason, such as `FieldValueInvalid`.
    pub reason: String,
    /// The words.
    pub message: String,
    /// The path of the field.
    pub field: String,
}

/// An API error: `Status` of `meta/v1`. Messages and reasons are Kubernetes' own
/// (k8s.io/apimachinery/pkg/api/errors).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// The HTTP code.
    pub code: u16,
    /// The reason, such as `NotFound`; empty when unknown.
    pub reason: String,
    /// The words for a person.
    pub message: String,
    /// The object's name, when known.
    pub name: String,
    /// The API group.
    pub group: String,
    /// The resource (plural) or kind.
    pub kind: String,
    /// The object's UID, when known.
    pub uid: String,
    /// What exactly is wrong, for `Invalid`.
    pub causes: Vec<Cause>,
    /// When to try again, in seconds; 0 when not said.
    pub retry_after_seconds: u32,
    /// The token of a list that can be gone on with in spite of the error.
    pub continued: String,
}

/// What stands in the answer for a path under which no API is.
pub const NO_PAGE: &str = "404 page not found";

fn group_resource(group: &str, resource: &str) -> String {
    if group.is_empty() { resource.into() } else { format!("{resource}.{group}") }
}

impl Status {
    /// An error with code, reason and words, about no object in particular.
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Status {
        Status { code, reason: reason.into(), message: message.into(), ..Status::default() }
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Status {
        self.group = group.into();
        self.kind = kind.into();
        self.name = name.into();
        self
    }

    /// `pods "x" not found`.
    pub fn not_found(group: &str, resource: &str, name: &str) -> Status {
        let message = format!("{} \"{name}\" not found", group_resource(group, resource));
        Status::new(404, "NotFound", message).about(group, resource, name)
    }

    /// `pods "x" already exists`.
    pub fn already_exists(group: &str, resource: &str, name: &str) -> Status {
        let message = format!("{} \"{name}\" already exists", group_resource(group, resource));
        Status::new(409, "AlreadyExists", message).about(group, resource, name)
    }

    /// `Operation cannot be fulfilled on pods "x": why`.
    pub fn conflict(group: &str, resource: &str, name: &str, why: &str) -> Status {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", group_resource(group, resource));
        Status::new(409, "Conflict", message).about(group, resource, name)
    }

    /// `pods "x" is forbidden: why`.
    pub fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Status {
        let resource_name = group_resource(group, resource);
        let message = if name.is_empty() {
            format!("{resource_name} is forbidden: {why}")
        } else {
            format!("{resource_name} \"{name}\" is forbidden: {why}")
        };
        Status::new(403, "Forbidden", message).about(group, resource, name)
    }

    /// `Kind.group "x" is invalid: causes`. Several causes stand in brackets, doubles once.
    pub fn invalid(group: &str, kind: &str, name: &str, causes: Vec<Cause>) -> Status {
        let mut texts: Vec<String> = Vec::new();
        for cause in &causes {
            let text = if cause.field.is_empty() {
                cause.message.clone()
            } else {
                format!("{}: {}", cause.field, cause.message)
            };
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let list = if texts.len() == 1 { texts.remove(0) } else { format!("[{}]", texts.join(", ")) };
        let message = format!("{} \"{name}\" is invalid: {list}", group_resource(group, kind));
        Status { causes, ..Status::new(422, "Invalid", message).about(group, kind, name) }
    }

    /// A malformed request, in its own words.
    pub fn bad_request(message: impl Into<String>) -> Status {
        Status::new(400, "BadRequest", message)
    }

    /// A verb that the resource does not answer.
    pub fn method_not_allowed(group: &str, resource: &str, verb: &str) -> Status {
        let message = format!("{verb} is not supported on resources of kind \"{}\"", group_resource(group, resource));
        Status::new(405, "MethodNotAllowed", message).about(group, resource, "")
    }

    /// A path that nothing serves.
    pub fn no_such_path() -> Status {
        Status::new(404, "NotFound", "the server could not find the requested resource")
    }

    /// A revision that is gone from the watch cache.
    pub fn expired(message: impl Into<String>) -> Status {
        Status::new(410, "Expired", message)
    }

    /// A limit of the simulator (a 413, as the API server answers to what is too large).
    pub fn too_large(message: impl Into<String>) -> Status {
        Status::new(413, "RequestEntityTooLarge", message)
    }

    /// The object as it travels.
    pub fn to_value(&self) -> Value {
        let mut details = value!({});
        for (key, text) in [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)] {
            if !text.is_empty() {
                details.set(key, text);
            }
        }
        if !self.causes.is_empty() {
            details.set(
                "causes",
                self.causes
                    .iter()
                    .map(|c| {
                        let mut cause = value!({"message": &c.message});
                        for (key, text) in [("reason", &c.reason), ("field", &c.field)] {
                            if !text.is_empty() {
                                cause.set(key, text);
                            }
                        }
                        cause
                    })
                    .collect::<Value>(),
            );
        }
        if self.retry_after_seconds > 0 {
            details.set("retryAfterSeconds", self.retry_after_seconds);
        }
        let mut status = value!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": &self.message, "code": self.code
        });
        if !self.continued.is_empty() {
            status["metadata"].set("continue", &self.continued);
        }
        if !self.reason.is_empty() {
            status.set("reason", &self.reason);
        }
        // What answers for a path as such, and not for an object, has details that say nothing.
        let generic = self.message.starts_with("the server ") && matches!(self.code, 404 | 405 | 422);
        if !details.is_empty() || generic {
            status.set("details", details);
        }
        status
    }

    /// Reads a `Status` object; whatever else came with the code becomes the message.
    pub fn from_value(code: u16, document: &Value) -> Status {
        if document["kind"] != "Status" {
            // What a mux answers for a path that nobody has registered.
            if code == 404 && document.str().trim_end() == NO_PAGE {
                return Status::no_such_path();
            }
            let message = document.as_str().map_or_else(|| document.to_string(), str::to_owned);
            return Status::new(code, "", message);
        }
        let details = &document["details"];
        let text = |value: &Value| value.str().to_owned();
        Status {
            code: document["code"].as_i64().and_then(|c| u16::try_from(c).ok()).unwrap_or(code),
            reason: text(&document["reason"]),
            message: text(&document["message"]),
            continued: text(&document["metadata"]["continue"]),
            name: text(&details["name"]),
            group: text(&details["group"]),
            kind: text(&details["kind"]),
            uid: text(&details["uid"]),
            causes: details["causes"]
                .items()
                .iter()
                .map(|c| Cause { reason: text(&c["reason"]), message: text(&c["message"]), field: text(&c["field"]) })
                .collect(),
            retry_after_seconds: u32::try_from(details["retryAfterSeconds"].int()).unwrap_or(0),
        }
    }

    /// Whether the reason is this one.
    pub fn is(&self, reason: &str) -> bool {
        self.reason == reason
    }
}

impl From<Status> for Response {
    fn from(status: Status) -> Response {
        Response::value(status.code, status.to_value())
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Status {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kubernetes_own() {
        assert_eq!(Status::not_found("apps", "deployments", "x").message, "deployments.apps \"x\" not found");
        let cause = |message: &str| Cause { reason: "r".into(), message: message.into(), field: "spec.a".into() };
        let one = Status::invalid("", "Pod", "x", vec![cause("Required value")]);
        assert_eq!(one.message, "Pod \"x\" is invalid: spec.a: Required value");
        let two = Status::invalid("apps", "Deployment", "x", vec![cause("a"), cause("b"), cause("a")]);
        assert_eq!(two.message, "Deployment.apps \"x\" is invalid: [spec.a: a, spec.a: b]");
    }

    #[test]
    fn travels_whole() {
        let status = Status::conflict("apps", "deployments", "x", "the object has been modified");
        assert_eq!(Status::from_value(409, &status.to_value()), status);
        assert_eq!(Response::from(status.clone()).into_result(), Err(status));
    }
}
