//! The authorizer: bindings and roles, as they are in the store.

use drydock_api::Status;
use drydock_value::Value;

use crate::auth::rules::{Ask, grants};
use crate::config::Authorization;
use crate::http::Route;
use crate::kinds;
use crate::server::ApiServer;
use crate::user::{User, service_account};

/// Whether a user may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) allowed: bool,
    /// Why, or what went wrong on the way.
    pub(crate) reason: String,
}

/// Whether a binding's subject is this user.
fn is_subject(subject: &Value, user: &User, namespace: &str) -> bool {
    let name = subject["name"].str();
    match subject["kind"].str() {
        "User" => user.name == name,
        "Group" => user.is_in(name),
        "ServiceAccount" => {
            let own = subject["namespace"].str();
            let namespace = if own.is_empty() { namespace } else { own };
            !namespace.is_empty() && service_account(&user.name) == Some((namespace, name))
        }
        _ => false,
    }
}

fn describe(subject: &Value) -> String {
    let name = subject["name"].str();
    match subject["kind"].str() {
        "ServiceAccount" => format!("ServiceAccount {:?}", format!("{name}/{}", subject["namespace"].str())),
        kind => format!("{kind} {name:?}"),
    }
}

impl ApiServer {
    /// Whether a user may do something with a resource of the cluster, as an access review tells it.
    pub fn allows(&self, user: &User, verb: &str, group: &str, resource: &str, subresource: &str) -> bool {
        self.authorize(user, "", &Ask::Resource { verb, group, resource, subresource, name: "" }).allowed
    }

    /// Visits every rule that a user has in a namespace ("" is the cluster), with where it comes from, until the visitor
    /// answers true. Answers what could not be resolved.
    pub(crate) fn visit_rules(
        &self,
        user: &User,
        namespace: &str,
        visit: &mut dyn FnMut(&Value, &dyn Fn() -> String) -> bool,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        let mut one = |binding: &Value, in_namespace: &str| -> bool {
            let Some(subject) =
                binding["subjects"].items().iter().find(|subject| is_subject(subject, user, in_namespace))
            else {
                return false;
            };
            let role = &binding["roleRef"];
            let name = role["name"].str();
            let (kind, home, word) = match role["kind"].str() {
                "Role" => (kinds::ROLES, in_namespace, "role"),
                _ => (kinds::CLUSTER_ROLES, "", "clusterrole"),
            };
            let Some(found) = self.store.get(kind, home, name) else {
                problems.push(format!("{word}.rbac.authorization.k8s.io {name:?} not found"));
                return false;
            };
            let origin = || {
                let binding_name = binding["metadata"]["name"].str();
                let bound = if in_namespace.is_empty() {
                    format!("ClusterRoleBinding {binding_name:?}")
                } else {
                    format!("RoleBinding {:?}", format!("{binding_name}/{in_namespace}"))
                };
                format!("RBAC: allowed by {bound} of {} {name:?} to {}", role["kind"].str(), describe(subject))
            };
            found["rules"].items().iter().any(|rule| visit(rule, &origin))
        };
        for binding in self.store.all(kinds::CLUSTER_ROLE_BINDINGS) {
            if one(binding, "") {
                return problems;
            }
        }
        if !namespace.is_empty() {
            for binding in self.store.in_namespace(kinds::ROLE_BINDINGS, namespace, None) {
                if one(binding, namespace) {
                    return problems;
                }
            }
        }
        problems
    }

    /// Whether a user may do what is asked, in a namespace or in the cluster ("").
    pub(crate) fn authorize(&self, user: &User, namespace: &str, ask: &Ask<'_>) -> Decision {
        if user.is_in("system:masters") || self.config.authorization == Authorization::AlwaysAllow {
            return Decision { allowed: true, reason: String::new() };
        }
        let mut found = None;
        let problems = self.visit_rules(user, namespace, &mut |rule, origin| {
            let granted = grants(rule, ask);
            if granted {
                found = Some(origin());
            }
            granted
        });
        match found {
            Some(reason) => Decision { allowed: true, reason },
            None => {
                let reason = match problems.as_slice() {
                    [] => String::new(),
                    [one] => format!("RBAC: {one}"),
                    many => format!("RBAC: [{}]", many.join(", ")),
                };
                Decision { allowed: false, reason }
            }
        }
    }

    /// Why the user may make a request; or its refusal.
    pub(crate) fn authorize_route(&self, user: &User, route: &Route) -> Result<String, Status> {
        let ask = if route.is_resource {
            Ask::Resource {
                verb: route.verb,
                group: &route.group,
                resource: &route.resource,
                subresource: &route.subresource,
                name: &route.name,
            }
        } else {
            Ask::Path { verb: route.verb, path: &route.path }
        };
        let decision = self.authorize(user, &route.namespace, &ask);
        if decision.allowed {
            return Ok(decision.reason);
        }
        let name = &user.name;
        let mut why = if route.is_resource {
            let slash = if route.subresource.is_empty() { "" } else { "/" };
            let scope = if route.namespace.is_empty() {
                "at the cluster scope".to_owned()
            } else {
                format!("in the namespace {:?}", route.namespace)
            };
            format!(
                "User {name:?} cannot {} resource \"{}{slash}{}\" in API group {:?} {scope}",
                route.verb, route.resource, route.subresource, route.group
            )
        } else {
            format!("User {name:?} cannot {} path {:?}", route.verb, route.path)
        };
        if !decision.reason.is_empty() {
            why = format!("{why}: {}", decision.reason);
        }
        if !route.is_resource {
            return Err(Status::new(403, "Forbidden", format!("forbidden: {why}")));
        }
        Err(Status::forbidden(&route.group, &route.resource, &route.name, &why))
    }
}
