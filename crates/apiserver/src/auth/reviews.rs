//! What is only asked, never stored: access reviews, token reviews, and requests for tokens.

use drydock_api::Status;
use drydock_value::{Value, value};

use crate::auth::rules::Ask;
use crate::auth::tokens::{Binding, ISSUER};
use crate::kinds;
use crate::server::ApiServer;
use crate::user::User;
use crate::validation::{Errors, Path};
use crate::verbs::{Cx, not_found};

/// How long a token is good when the request does not say: an hour.
const TOKEN_SECONDS: i64 = 3600;

impl ApiServer {
    /// Answers a review.
    pub(crate) fn review(
        &mut self,
        cx: &mut Cx,
        resource: &str,
        namespace: &str,
        mut object: Value,
    ) -> Result<Value, Status> {
        let status = match resource {
            "selfsubjectreviews" => value!({"userInfo": cx.user.to_value()}),
            "tokenreviews" => self.review_token(&object["spec"])?,
            "selfsubjectaccessreviews" => {
                let user = cx.user.clone();
                let mut errors = Errors::default();
                check_attributes(&object["spec"], &mut errors);
                if !errors.is_empty() {
                    return Err(Status::invalid("authorization.k8s.io", "", "", errors.0));
                }
                self.review_access(&user, &object["spec"])?
            }
            "subjectaccessreviews" | "localsubjectaccessreviews" => {
                let spec = &object["spec"];
                let mut errors = Errors::default();
                check_attributes(spec, &mut errors);
                if spec["user"].str().is_empty() && spec["groups"].items().is_empty() {
                    errors.invalid(
                        &Path::new("spec").field("user"),
                        "",
                        "at least one of user or group must be specified",
                    );
                }
                if resource == "localsubjectaccessreviews" && spec["resourceAttributes"]["namespace"] != *namespace {
                    errors.invalid(
                        &Path::new("spec").field("resourceAttributes").field("namespace"),
                        spec["resourceAttributes"]["namespace"].str(),
                        "must match metadata.namespace",
                    );
                }
                if !errors.is_empty() {
                    return Err(Status::invalid("authorization.k8s.io", "", "", errors.0));
                }
                let user = User {
                    name: spec["user"].str().into(),
                    uid: spec["uid"].str().into(),
                    groups: spec["groups"].items().iter().map(|group| group.str().into()).collect(),
                    extra: Vec::new(),
                };
                self.review_access(&user, spec)?
            }
            "selfsubjectrulesreviews" => {
                let namespace = object["spec"]["namespace"].str().to_owned();
                if namespace.is_empty() {
                    return Err(Status::bad_request("no namespace on request"));
                }
                self.review_rules(&cx.user, &namespace)
            }
            _ => return Err(Status::no_such_path()),
        };
        object.set("status", status);
        object["metadata"].set("creationTimestamp", Value::Null);
        if resource == "selfsubjectreviews" {
            object["metadata"].set("creationTimestamp", self.now.rfc3339());
        }
        Ok(object)
    }

    fn review_access(&self, user: &User, spec: &Value) -> Result<Value, Status> {
        let (resource, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
        let decision = if resource.is_null() {
            self.authorize(user, "", &Ask::Path { verb: path["verb"].str(), path: path["path"].str() })
        } else {
            let ask = Ask::Resource {
                verb: resource["verb"].str(),
                group: resource["group"].str(),
                resource: resource["resource"].str(),
                subresource: resource["subresource"].str(),
                name: resource["name"].str(),
            };
            self.authorize(user, resource["namespace"].str(), &ask)
        };
        let mut status = value!({"allowed": decision.allowed});
        if !decision.reason.is_empty() {
            status.set("reason", decision.reason);
        }
        Ok(status)
    }

    fn review_rules(&self, user: &User, namespace: &str) -> Value {
        let (mut resources, mut paths) = (Vec::new(), Vec::new());
        if user.is_in("system:masters") {
            resources.push(value!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
            paths.push(value!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
        }
        let problems = self.visit_rules(user, namespace, &mut |rule, _| {
            if !rule["resources"].items().is_empty() {
                let mut part = value!({
                    "verbs": &rule["verbs"], "apiGroups": &rule["apiGroups"], "resources": &rule["resources"]
                });
                if !rule["resourceNames"].items().is_empty() {
                    part.set("resourceNames", &rule["resourceNames"]);
                }
                resources.push(part);
            }
            if !rule["nonResourceURLs"].items().is_empty() {
                paths.push(value!({"verbs": &rule["verbs"], "nonResourceURLs": &rule["nonResourceURLs"]}));
            }
            false
        });
        let mut status =
            value!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": !problems.is_empty()});
        if !problems.is_empty() {
            status.set("evaluationError", problems.join(", "));
        }
        status
    }

    fn review_token(&self, spec: &Value) -> Result<Value, Status> {
        let token = spec["token"].str();
        if token.is_empty() {
            return Err(Status::bad_request("token is required for TokenReview in authentication"));
        }
        let mut audiences: Vec<&str> = spec["audiences"].items().iter().map(Value::str).collect();
        if audiences.is_empty() {
            audiences.push(ISSUER);
        }
        Ok(match self.token_holder(token, &audiences, self.now) {
            Ok((user, meant)) => value!({"authenticated": true, "user": user.to_value(), "audiences": meant}),
            Err(why) => {
                let error = why.map_or("invalid bearer token".into(), |why| format!("[invalid bearer token, {why}]"));
                value!({"user": {}, "error": error})
            }
        })
    }

    /// Answers a `TokenRequest` for a service account.
    pub(crate) fn request_token(
        &mut self,
        cx: &mut Cx,
        namespace: &str,
        name: &str,
        mut request: Value,
    ) -> Result<Value, Status> {
        let account = self
            .store
            .get(kinds::SERVICE_ACCOUNTS, namespace, name)
            .cloned()
            .ok_or_else(|| not_found(kinds::SERVICE_ACCOUNTS, name))?;
        let seconds = request["spec"]["expirationSeconds"].as_i64().unwrap_or(TOKEN_SECONDS);
        let path = Path::new("spec");
        let path = path.field("expirationSeconds");
        let mut errors = Errors::default();
        if seconds < 600 {
            errors.invalid(&path, seconds, "may not specify a duration less than 10 minutes");
        }
        if seconds > 1 << 32 {
            errors.invalid(&path, seconds, "may not specify a duration larger than 2^32 seconds");
        }
        if !errors.is_empty() {
            return Err(Status::invalid("authentication.k8s.io", "TokenRequest", "", errors.0));
        }
        let bound = request["spec"]["boundObjectRef"].clone();
        let uid;
        let binding = if bound.is_null() {
            None
        } else {
            let bound_name = bound["name"].str();
            let (kind, home) = match bound["kind"].str() {
                "Pod" => (kinds::PODS, namespace),
                "Secret" => (kinds::SECRETS, namespace),
                "Node" => (kinds::NODES, ""),
                other => {
                    return Err(Status::bad_request(format!(
                        "cannot bind token to object of type {}/{other}",
                        bound["apiVersion"].str()
                    )));
                }
            };
            let object = self.store.get(kind, home, bound_name).ok_or_else(|| not_found(kind, bound_name))?;
            uid = object["metadata"]["uid"].str().to_owned();
            if !bound["uid"].str().is_empty() && bound["uid"].str() != uid {
                let why = format!(
                    "the UID in the bound object reference ({}) does not match the UID in record. The object might \
                     have been deleted and then recreated",
                    bound["uid"].str()
                );
                return Err(crate::verbs::conflict(kind, bound_name, &why));
            }
            Some(Binding { kind: bound["kind"].str(), name: bound_name, uid: &uid })
        };
        if request["spec"]["audiences"].items().is_empty() {
            request["spec"].set("audiences", value!([ISSUER]));
        }
        request["spec"].set("expirationSeconds", seconds);
        if request["spec"].get("boundObjectRef").is_none() {
            request["spec"].set("boundObjectRef", Value::Null);
        }
        let audiences = request["spec"]["audiences"].clone();
        let token =
            if cx.dry_run { String::new() } else { self.issue_token(&account, &audiences, seconds, binding.as_ref()) };
        let expires = self.now + std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        request.set("apiVersion", "authentication.k8s.io/v1");
        request.set("kind", "TokenRequest");
        request["metadata"] = value!({
            "name": name, "namespace": namespace, "creationTimestamp": self.now.rfc3339()
        });
        request.set("status", value!({"token": token, "expirationTimestamp": expires.rfc3339()}));
        Ok(request)
    }
}

/// An access review is about a resource or about a path.
fn check_attributes(spec: &Value, errors: &mut Errors) {
    let at = Path::new("spec");
    match (spec["resourceAttributes"].is_null(), spec["nonResourceAttributes"].is_null()) {
        (true, true) => errors.invalid(
            &at.field("resourceAttributes"),
            Value::Null,
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ),
        (false, false) => errors.invalid(
            &at.field("nonResourceAttributes"),
            &spec["nonResourceAttributes"],
            "cannot be specified in combination with resourceAttributes",
        ),
        _ => {}
    }
    let resource = at.field("resourceAttributes");
    for name in ["fieldSelector", "labelSelector"] {
        let selector = &spec["resourceAttributes"][name];
        let path = resource.field(name);
        match (selector["rawSelector"].str(), selector["requirements"].is_empty()) {
            _ if selector.is_null() => {}
            ("", true) => {
                let why = format!("when {path} is specified, requirements or rawSelector is required");
                errors.required(&path.field("requirements"), &why);
            }
            ("", _) | (_, true) => {}
            (raw, false) => {
                errors.invalid(&path.field("rawSelector"), raw, "may not specified at the same time as requirements");
            }
        }
    }
}
