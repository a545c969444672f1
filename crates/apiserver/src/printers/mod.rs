//! Tables: what `kubectl get` shows, computed here as the real server does.
//!
//! One function a kind turns an object into the cells of its columns, in the order of the columns that the resource
//! table declares (priority columns included). One file for each group of kinds; a kind without a function gets its name
//! and age, or its name and moment of creation where the table declares a date.

mod cells;
mod cluster;
mod config;
mod network;
mod pod;
mod policy;
mod rbac;
mod storage;
mod workloads;

use std::sync::OnceLock;

use drydock_schema::{Column, ResourceRow};
use drydock_value::{Map, Str, Time, Value, value};

use crate::custom::columns;
use crate::http::IncludeObject;
use crate::kinds::{self, Kind};
use cells::Print;

/// From an object to its cells.
type Printer = fn(&Print<'_>) -> Vec<Value>;

fn printer(kind: Kind) -> Option<Printer> {
    Some(match kind {
        kinds::PODS => pod::pod,
        kinds::POD_TEMPLATES => workloads::pod_template,
        kinds::REPLICATION_CONTROLLERS | kinds::REPLICA_SETS => workloads::replica_set,
        kinds::DEPLOYMENTS => workloads::deployment,
        kinds::STATEFUL_SETS => workloads::stateful_set,
        kinds::DAEMON_SETS => workloads::daemon_set,
        kinds::JOBS => workloads::job,
        kinds::CRON_JOBS => workloads::cron_job,
        kinds::CONTROLLER_REVISIONS => workloads::controller_revision,
        kinds::HORIZONTAL_POD_AUTOSCALERS => workloads::autoscaler,
        kinds::SERVICES => network::service,
        kinds::ENDPOINTS => network::endpoints,
        kinds::ENDPOINT_SLICES => network::endpoint_slice,
        kinds::INGRESSES => network::ingress,
        kinds::INGRESS_CLASSES => network::ingress_class,
        kinds::NETWORK_POLICIES => network::network_policy,
        kinds::IP_ADDRESSES => network::ip_address,
        kinds::SERVICE_CIDRS => network::service_cidr,
        kinds::CONFIG_MAPS => config::config_map,
        kinds::SECRETS => config::secret,
        kinds::NAMESPACES => config::namespace,
        kinds::RESOURCE_QUOTAS => policy::resource_quota,
        kinds::POD_DISRUPTION_BUDGETS => policy::disruption_budget,
        kinds::PRIORITY_CLASSES => policy::priority_class,
        kinds::RUNTIME_CLASSES => policy::runtime_class,
        kinds::FLOW_SCHEMAS => policy::flow_schema,
        kinds::PRIORITY_LEVEL_CONFIGURATIONS => policy::priority_level,
        kinds::VALIDATING_WEBHOOK_CONFIGURATIONS | kinds::MUTATING_WEBHOOK_CONFIGURATIONS => policy::webhooks,
        kinds::VALIDATING_ADMISSION_POLICIES => policy::validating_policy,
        kinds::MUTATING_ADMISSION_POLICIES => policy::mutating_policy,
        kinds::VALIDATING_ADMISSION_POLICY_BINDINGS | kinds::MUTATING_ADMISSION_POLICY_BINDINGS => policy::binding,
        kinds::NODES => cluster::node,
        kinds::EVENTS => cluster::event,
        kinds::LEASES => cluster::lease,
        kinds::API_SERVICES => cluster::api_service,
        kinds::CERTIFICATE_SIGNING_REQUESTS => cluster::signing_request,
        kinds::RESOURCE_CLAIMS => cluster::resource_claim,
        kinds::RESOURCE_SLICES => cluster::resource_slice,
        kinds::PERSISTENT_VOLUMES => storage::volume,
        kinds::PERSISTENT_VOLUME_CLAIMS => storage::claim,
        kinds::STORAGE_CLASSES => storage::class,
        kinds::VOLUME_ATTACHMENTS => storage::attachment,
        kinds::VOLUME_ATTRIBUTES_CLASSES => storage::attributes_class,
        kinds::CSI_NODES => storage::csi_node,
        kinds::CSI_DRIVERS => storage::csi_driver,
        kinds::ROLE_BINDINGS | kinds::CLUSTER_ROLE_BINDINGS => rbac::binding,
        _ => return None,
    })
}

/// The cells of an object, in the order of its resource's columns.
fn cells(kind: Option<Kind>, row: &ResourceRow, object: &Value, now: Time) -> Vec<Value> {
    let print = Print { object, now };
    if let Some(version) = kind.and_then(crate::custom::of).and_then(|of| of.version_of(row)) {
        let name = object["metadata"]["name"].clone();
        let columns = row.columns.iter().skip(1).zip(&version.paths);
        let others = columns.map(|(column, path)| columns::cell(&column.kind, columns::first(object, path), now));
        return std::iter::once(name).chain(others).collect();
    }
    let columns: &[Column] = &row.columns;
    if let Some(printer) = kind.and_then(printer) {
        return printer(&print);
    }
    let mut cells = Vec::with_capacity(columns.len());
    for column in columns {
        cells.push(match column.name.as_str() {
            "Name" => object["metadata"]["name"].clone(),
            "Age" => print.own_age(),
            "Created At" => object["metadata"]["creationTimestamp"].clone(),
            _ => Value::from(""),
        });
    }
    cells
}

/// One row of a table.
pub(crate) fn row(kind: Option<Kind>, row: &ResourceRow, object: &Value, now: Time, include: IncludeObject) -> Value {
    let cells = cells(kind, row, object, now);
    let object = match include {
        IncludeObject::Object => object.clone(),
        IncludeObject::Metadata => metadata_only(object),
        IncludeObject::None => Value::Null,
    };
    let words = words();
    let pairs = [(words.cells.clone(), Value::from(cells)), (words.object.clone(), object)];
    Value::Object(pairs.into_iter().collect())
}

/// `PartialObjectMetadata` of an object.
pub(crate) fn metadata_only(object: &Value) -> Value {
    let words = words();
    let pairs = [
        (words.api_version.clone(), Value::String(words.meta.clone())),
        (words.kind.clone(), Value::String(words.partial.clone())),
        (words.metadata.clone(), object["metadata"].clone()),
    ];
    Value::Object(pairs.into_iter().collect())
}

/// The same table or metadata in the first version of both.
pub(crate) fn in_first_version(answer: &mut Value) {
    let stamp = |value: &mut Value| {
        if value["apiVersion"] == "meta.k8s.io/v1" {
            value.set("apiVersion", "meta.k8s.io/v1beta1");
        }
    };
    stamp(answer);
    for (list, inner) in [("items", ""), ("rows", "object")] {
        if answer[list].is_null() {
            continue;
        }
        for item in answer[list].items_mut() {
            stamp(if item[inner].is_null() { item } else { &mut item[inner] });
        }
    }
}

/// The words of every row, once.
struct Words {
    cells: Str,
    object: Str,
    api_version: Str,
    kind: Str,
    metadata: Str,
    meta: Str,
    partial: Str,
}

fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| Words {
        cells: "cells".into(),
        object: "object".into(),
        api_version: "apiVersion".into(),
        kind: "kind".into(),
        metadata: "metadata".into(),
        meta: "meta.k8s.io/v1".into(),
        partial: "PartialObjectMetadata".into(),
    })
}

/// The columns of a resource, as a table declares them.
pub(crate) fn column_definitions(columns: &[Column]) -> Value {
    if columns.is_empty() {
        return value!([
            {"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0},
            {"name": "Age", "type": "string", "format": "", "description": "", "priority": 0}
        ]);
    }
    columns
        .iter()
        .map(|column| {
            value!({
                "name": column.name.as_str(), "type": column.kind.as_str(), "format": column.format.as_str(),
                "description": column.description.as_str(), "priority": column.priority
            })
        })
        .collect()
}

/// A table of rows.
pub(crate) fn table(columns: Option<Value>, rows: Vec<Value>, metadata: Map) -> Value {
    value!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": columns.unwrap_or_else(|| value!([])), "rows": rows
    })
}
