//! What is served: each version of each resource, and the kind in whose form its objects are stored.

use std::sync::OnceLock;

use drydock_api::{GroupVersionKind, Subresource};
use drydock_schema::{ResourceRow, resources};

use crate::kinds::Kind;

/// One version of a resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    /// Names, verbs, subresources, columns.
    pub(crate) row: &'static ResourceRow,
    /// What is stored; none for what is only asked (reviews, component statuses, bindings).
    pub(crate) kind: Option<Kind>,
}

impl Served {
    pub(crate) fn group(&self) -> &'static str {
        &self.row.resource.id.group
    }

    pub(crate) fn version(&self) -> &'static str {
        &self.row.resource.id.version
    }

    pub(crate) fn resource(&self) -> &'static str {
        &self.row.resource.id.resource
    }

    pub(crate) fn kind_name(&self) -> &'static str {
        &self.row.resource.kind
    }

    pub(crate) fn namespaced(&self) -> bool {
        self.row.resource.namespaced()
    }

    pub(crate) fn gvk(&self) -> GroupVersionKind {
        self.row.resource.gvk()
    }

    /// The `apiVersion` of its objects.
    pub(crate) fn api_version(&self) -> String {
        self.row.resource.id.group_version().to_string()
    }

    pub(crate) fn subresource(&self, name: &str) -> Option<&'static Subresource> {
        self.row.resource.subresources.iter().find(|subresource| subresource.name == name)
    }

    pub(crate) fn answers(&self, verb: &str) -> bool {
        self.row.resource.verbs.iter().any(|v| v == verb)
    }
}

fn table() -> &'static [Served] {
    static TABLE: OnceLock<Vec<Served>> = OnceLock::new();
    TABLE.get_or_init(|| {
        resources()
            .iter()
            .map(|row| {
                let id = &row.resource.id;
                let stored = row.resource.verbs.iter().any(|verb| verb == "update");
                Served { row, kind: stored.then(|| Kind::of_resource(&id.group, &id.resource)).flatten() }
            })
            .collect()
    })
}

/// Everything built in that is served, in the order of discovery.
pub(crate) fn all() -> &'static [Served] {
    table()
}

/// What a path names, of what is built in.
pub(crate) fn find(group: &str, version: &str, resource: &str) -> Option<&'static Served> {
    table().iter().find(|served| {
        let id = &served.row.resource.id;
        id.resource == resource && id.group == group && id.version == version
    })
}

/// The version in which a kind is stored.
pub(crate) fn storage(kind: Kind) -> &'static Served {
    static BY_KIND: OnceLock<Vec<&'static Served>> = OnceLock::new();
    let by_kind = BY_KIND.get_or_init(|| {
        Kind::all()
            .filter_map(|kind| {
                let info = kind.info();
                find(info.group, info.version, info.resource)
            })
            .collect()
    });
    if let Some(version) = crate::custom::storage(kind) {
        return &version.served;
    }
    by_kind.get(kind.index()).copied().unwrap_or(&table()[0])
}

impl crate::server::ApiServer {
    /// Everything that is served now: what is built in, then what CRDs define, then what other servers answer for.
    pub(crate) fn served(&self) -> Vec<&'static Served> {
        all().iter().chain(self.custom_served()).chain(self.extension_served()).collect()
    }

    /// What a path names.
    pub(crate) fn find_served(&self, group: &str, version: &str, resource: &str) -> Option<&'static Served> {
        find(group, version, resource).or_else(|| {
            self.custom_served()
                .chain(self.extension_served())
                .find(|served| served.resource() == resource && served.group() == group && served.version() == version)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_served_and_everything_served_has_its_kind() {
        for kind in Kind::all() {
            let served = storage(kind);
            assert_eq!(served.kind, Some(kind));
            let info = kind.info();
            assert_eq!(
                (served.kind_name(), served.namespaced(), served.resource(), served.version()),
                (info.kind, info.namespaced, info.resource, info.version)
            );
        }
        for served in all() {
            assert_eq!(served.kind.is_some(), served.answers("update"), "{:?}", served.row.resource.id);
        }
    }
}
