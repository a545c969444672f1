//! Who asks.

use drydock_value::{Value, value};

/// An authenticated user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    /// The name.
    pub name: String,
    /// The UID, where the authenticator knows one.
    pub uid: String,
    /// The groups.
    pub groups: Vec<String>,
    /// What else the authenticator knows.
    pub extra: Vec<(String, Vec<String>)>,
}

impl User {
    /// Nobody in particular.
    pub fn anonymous() -> User {
        User::with_groups("system:anonymous", &["system:unauthenticated"])
    }

    /// The workstation's administrator.
    pub fn admin() -> User {
        User::with_groups("minikube-user", &["system:masters", "system:authenticated"])
    }

    pub(crate) fn with_groups(name: &str, groups: &[&str]) -> User {
        User { name: name.into(), groups: groups.iter().map(|group| (*group).into()).collect(), ..User::default() }
    }

    /// The user of a name alone, with the groups that the name implies: a service account's, a node's, or those of a
    /// part of the control plane.
    pub fn named(name: &str) -> User {
        if let Some((namespace, _)) = service_account(name) {
            let namespace = format!("system:serviceaccounts:{namespace}");
            return User::with_groups(name, &["system:serviceaccounts", &namespace, "system:authenticated"]);
        }
        if name.starts_with("system:node:") {
            return User::with_groups(name, &["system:nodes", "system:authenticated"]);
        }
        User::with_groups(name, &["system:authenticated"])
    }

    /// The user whom an object names by `username`, `uid` and `groups`.
    pub fn of_spec(spec: &Value) -> User {
        User {
            name: spec["username"].str().into(),
            uid: spec["uid"].str().into(),
            groups: spec["groups"].items().iter().map(|group| group.str().into()).collect(),
            extra: Vec::new(),
        }
    }

    /// Whether the user is in a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|g| g == group)
    }

    /// As `UserInfo` of authentication.k8s.io/v1.
    pub fn to_value(&self) -> Value {
        let mut info = value!({"username": &self.name, "groups": self.groups.clone()});
        if !self.uid.is_empty() {
            info.set("uid", &self.uid);
        }
        if !self.extra.is_empty() {
            let extra: drydock_value::Map =
                self.extra.iter().map(|(key, values)| (key.as_str(), Value::from(values.clone()))).collect();
            info.set("extra", extra);
        }
        info
    }
}

/// Namespace and name of a service account's user name.
pub(crate) fn service_account(user: &str) -> Option<(&str, &str)> {
    user.strip_prefix("system:serviceaccount:")?.split_once(':')
}
