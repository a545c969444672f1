//! Names of what an API server serves.

use std::fmt;

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident),* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name { $($(#[$field_doc])* pub $field: String),* }

        impl $name {
            /// From its parts, in the order of the fields.
            pub fn new($($field: impl Into<String>),*) -> $name {
                $name { $($field: $field.into()),* }
            }
        }
    };
}

names! {
    /// An API group and a version of it; the core group's name is empty.
    GroupVersion {
        /// The group, such as `apps`.
        group,
        /// The version, such as `v1`.
        version
    }
}
names! {
    /// A kind in a group, whatever the version.
    GroupKind {
        /// The group.
        group,
        /// The kind, such as `Deployment`.
        kind
    }
}
names! {
    /// A kind in a version of a group.
    GroupVersionKind {
        /// The group.
        group,
        /// The version.
        version,
        /// The kind.
        kind
    }
}
names! {
    /// A resource in a version of a group.
    GroupVersionResource {
        /// The group.
        group,
        /// The version.
        version,
        /// The plural in lower case, such as `deployments`.
        resource
    }
}

impl GroupVersion {
    /// Reads an `apiVersion`: `v1` or `apps/v1`.
    pub fn parse(api_version: &str) -> GroupVersion {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        GroupVersion::new(group, version)
    }

    /// Where its resources live: `/api/v1` or `/apis/apps/v1`.
    pub fn path(&self) -> String {
        if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        }
    }
}

impl fmt::Display for GroupVersion {
    /// As in `apiVersion`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() { f.write_str(&self.version) } else { write!(f, "{}/{}", self.group, self.version) }
    }
}

impl GroupVersionKind {
    /// The group and version.
    pub fn group_version(&self) -> GroupVersion {
        GroupVersion::new(&self.group, &self.version)
    }

    /// Reads `apiVersion` and `kind` off an object; empty where it has none.
    pub fn of(object: &drydock_value::Value) -> GroupVersionKind {
        let GroupVersion { group, version } = GroupVersion::parse(object["apiVersion"].str());
        GroupVersionKind { group, version, kind: object["kind"].str().into() }
    }
}

impl GroupVersionResource {
    /// The group and version.
    pub fn group_version(&self) -> GroupVersion {
        GroupVersion::new(&self.group, &self.version)
    }

    /// The resource with its group, as messages name it: `pods`, `deployments.apps`.
    pub fn group_resource(&self) -> String {
        if self.group.is_empty() { self.resource.clone() } else { format!("{}.{}", self.resource, self.group) }
    }

    /// The path of its collection, or of one object: `/apis/apps/v1/namespaces/NS/deployments/NAME`.
    pub fn path(&self, namespace: Option<&str>, name: Option<&str>) -> String {
        let mut path = self.group_version().path();
        if let Some(namespace) = namespace {
            path.push_str("/namespaces/");
            path.push_str(namespace);
        }
        path.push('/');
        path.push_str(&self.resource);
        if let Some(name) = name {
            path.push('/');
            path.push_str(name);
        }
        path
    }
}

/// Whether objects of a resource live in namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Scope {
    Namespaced,
    Cluster,
}

/// A subresource, such as `scale`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subresource {
    /// Its name in the path.
    pub name: String,
    /// The kind that it speaks; group and version are empty when they are the resource's own.
    pub kind: GroupVersionKind,
    /// The verbs that it answers.
    pub verbs: Vec<String>,
}

/// A row of what an API server serves, as discovery tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Group, version and plural.
    pub id: GroupVersionResource,
    /// The kind.
    pub kind: String,
    /// The singular in lower case.
    pub singular: String,
    /// Short names, such as `po`.
    pub short_names: Vec<String>,
    /// Categories, such as `all`.
    pub categories: Vec<String>,
    /// Namespaced or not.
    pub scope: Scope,
    /// The verbs that it answers.
    pub verbs: Vec<String>,
    /// Its subresources.
    pub subresources: Vec<Subresource>,
}

impl Resource {
    /// Group, version and kind.
    pub fn gvk(&self) -> GroupVersionKind {
        GroupVersionKind::new(&self.id.group, &self.id.version, &self.kind)
    }

    /// Whether objects live in namespaces.
    pub fn namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }
}
