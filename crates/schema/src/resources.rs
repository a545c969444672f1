//! What a Kubernetes v1.36 API server serves, with the columns of its tables.

use std::sync::OnceLock;

use drydock_api::{GroupVersionKind, GroupVersionResource, Resource, Scope, Subresource};
use drydock_value::{Value, parse_json};

/// A column of the tables that the server makes for `kubectl get`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The title: `Ready`.
    pub name: String,
    /// `string`, `integer`, `date`.
    pub kind: String,
    /// `name` for the object's name; else empty.
    pub format: String,
    /// 0 is always shown, more only with `-o wide`.
    pub priority: i32,
    /// What stands in it.
    pub description: String,
}

/// A resource with its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceRow {
    /// Its names, verbs and subresources.
    pub resource: Resource,
    /// Its columns; none for what is never listed.
    pub columns: Vec<Column>,
}

/// All resources, in the order of the server's discovery.
pub fn resources() -> &'static [ResourceRow] {
    static ROWS: OnceLock<Vec<ResourceRow>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let rows = parse_json(include_str!("../data/resources.json")).unwrap_or_default();
        rows.items().iter().map(row).collect()
    })
}

/// The row of a resource.
pub fn resource(id: &GroupVersionResource) -> Option<&'static ResourceRow> {
    resources().iter().find(|row| row.resource.id == *id)
}

/// The row of a kind.
pub fn resource_of_kind(gvk: &GroupVersionKind) -> Option<&'static ResourceRow> {
    resources().iter().find(|row| {
        let resource = &row.resource;
        resource.kind == gvk.kind && resource.id.version == gvk.version && resource.id.group == gvk.group
    })
}

fn texts(value: &Value) -> Vec<String> {
    value.items().iter().map(|item| item.str().to_owned()).collect()
}

fn row(row: &Value) -> ResourceRow {
    let text = |key: &str| row[key].str().to_owned();
    let column = |column: &Value| Column {
        name: column["name"].str().into(),
        kind: column["type"].str().into(),
        format: column["format"].str().into(),
        priority: i32::try_from(column["priority"].int()).unwrap_or(0),
        description: column["description"].str().into(),
    };
    let subresource = |sub: &Value| Subresource {
        name: sub["name"].str().into(),
        kind: GroupVersionKind::new(sub["group"].str(), sub["version"].str(), sub["kind"].str()),
        verbs: texts(&sub["verbs"]),
    };
    ResourceRow {
        resource: Resource {
            id: GroupVersionResource::new(text("group"), text("version"), text("resource")),
            kind: text("kind"),
            singular: text("singular"),
            short_names: texts(&row["shortNames"]),
            categories: texts(&row["categories"]),
            scope: if row["scope"] == "Namespaced" { Scope::Namespaced } else { Scope::Cluster },
            verbs: texts(&row["verbs"]),
            subresources: row["subresources"].items().iter().map(subresource).collect(),
        },
        columns: row["columns"].items().iter().map(column).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_whole() {
        assert_eq!(resources().len(), 68);
        let deployments = resource(&GroupVersionResource::new("apps", "v1", "deployments")).unwrap();
        assert_eq!(deployments.resource.short_names, ["deploy"]);
        assert!(deployments.resource.namespaced());
        let titles: Vec<&str> = deployments.columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(titles[..5], ["Name", "Ready", "Up-to-date", "Available", "Age"]);
        let scale = deployments.resource.subresources.iter().find(|s| s.name == "scale").unwrap();
        assert_eq!(scale.kind, GroupVersionKind::new("autoscaling", "v1", "Scale"));
        let pods = resource_of_kind(&GroupVersionKind::new("", "v1", "Pod")).unwrap();
        assert_eq!(pods.resource.id.resource, "pods");
    }
}
