//! What is special about a kind: one row each, everything else is generic.
//!
//! A row says what a request may not write (status, spec), what the server fills in itself, when generations are counted,
//! and which rules hold. One file for each group of kinds; [`of`] finds a kind's row.

pub(crate) use pods::qos_class;

use std::sync::OnceLock;

use drydock_api::Status;
use drydock_value::Value;

use crate::kinds::Kind;
use crate::registry;
use crate::server::ApiServer;
use crate::validation::{self, Errors};
use crate::verbs::{Cx, Part};

mod batch;
mod config;
mod others;
mod overlaps;
mod pods;
mod pools;
mod services;
mod storage;
mod warnings;
mod workloads;

pub(crate) use pools::Pools;

/// Completes an object before it is validated and created.
type PrepareCreate = fn(&mut ApiServer, &Cx, &mut Value) -> Result<(), Status>;
/// Completes an object before it is validated and updated: the new one, the old one.
type PrepareUpdate = fn(&mut ApiServer, Part, &mut Value, &Value) -> Result<(), Status>;
/// Picks what an object needs from the server's pools (addresses, ports), for the new one and the old one.
type Allocate = fn(&mut ApiServer, &mut Value, Option<&Value>) -> Result<(), Status>;
/// Keeps the pools in step with what is stored: from the old object to the new one.
type Account = fn(&mut ApiServer, Option<&Value>, Option<&Value>);

/// What a client is told besides the answer: of the new object and the old one.
type Warnings = fn(&Value, Option<&Value>) -> Vec<String>;

/// What is special about a kind.
pub(crate) struct Strategy {
    /// The kind.
    pub(crate) kind: Kind,
    /// Whether objects count generations, and by what change.
    pub(crate) generation: Option<fn(&Value, &Value) -> bool>,
    /// Whether a status sent along on create is dropped.
    pub(crate) drops_status: bool,
    /// Whether updates of the object keep the status as it was.
    pub(crate) keeps_status: bool,
    /// Whether updates of the status keep the labels as they were.
    pub(crate) status_keeps_labels: bool,
    /// Whether an update may come without a resourceVersion.
    pub(crate) unconditional_update: bool,
    /// Whether an update of what isn't there creates it.
    pub(crate) create_on_update: bool,
    /// Completes a new object.
    pub(crate) prepare_create: Option<PrepareCreate>,
    /// Completes a changed object.
    pub(crate) prepare_update: Option<PrepareUpdate>,
    /// Rules for the object as it is.
    pub(crate) validate: Option<fn(&Value, &mut Errors)>,
    /// Rules for a change: the new object, the old one. Where there are none, those for the object as it is.
    pub(crate) validate_update: Option<fn(&Value, &Value, &mut Errors)>,
    /// Rules for an update of the status.
    pub(crate) validate_status: Option<fn(&Value, &Value, &mut Errors)>,
    /// Rules for names, as functions of the name and of whether it is a prefix.
    pub(crate) name: fn(&str, bool) -> Vec<String>,
    /// Warnings that a client gets with its answer: of the new object and the old one.
    pub(crate) warnings: Option<Warnings>,
    /// Picks from the pools.
    pub(crate) allocate: Option<Allocate>,
    /// Keeps the pools in step.
    pub(crate) account: Option<Account>,
}

/// What most kinds do.
pub(crate) const PLAIN: Strategy = Strategy {
    kind: crate::kinds::CONFIG_MAPS,
    generation: None,
    drops_status: false,
    keeps_status: false,
    status_keeps_labels: false,
    unconditional_update: true,
    create_on_update: false,
    prepare_create: None,
    prepare_update: None,
    validate: None,
    validate_update: None,
    validate_status: None,
    name: validation::names::subdomain,
    warnings: None,
    allocate: None,
    account: None,
};

/// What kinds with a `status` subresource do.
const WITH_STATUS: Strategy = Strategy { drops_status: true, keeps_status: true, ..PLAIN };

/// Every change of the spec counts as a generation.
fn spec_changed(old: &Value, new: &Value) -> bool {
    old["spec"] != new["spec"]
}

/// The strategy of a kind.
pub(crate) fn of(kind: Kind) -> &'static Strategy {
    static ROWS: OnceLock<Vec<Strategy>> = OnceLock::new();
    static OTHER: Strategy = PLAIN;
    let rows = ROWS.get_or_init(|| {
        let mut rows: Vec<Strategy> = Kind::all()
            .map(|kind| match registry::storage(kind).subresource("status") {
                Some(_) => Strategy { kind, ..WITH_STATUS },
                None => Strategy { kind, ..PLAIN },
            })
            .collect();
        let special = [
            pods::rows(),
            config::rows(),
            services::rows(),
            storage::rows(),
            workloads::rows(),
            batch::rows(),
            others::rows(),
        ];
        for row in special.into_iter().flatten() {
            if let Some(slot) = rows.get_mut(row.kind.index()) {
                *slot = row;
            }
        }
        rows
    });
    if let Some(definition) = crate::custom::of(kind) {
        return &definition.strategy;
    }
    rows.get(kind.index()).unwrap_or(&OTHER)
}

/// All rules for a new object.
pub(crate) fn validate_create(strategy: &Strategy, object: &Value, errors: &mut Errors) {
    validation::meta::validate(object, strategy.kind.namespaced(), strategy.name, errors);
    if let Some(validate) = strategy.validate {
        validate(object, errors);
    }
}

/// All rules for a changed object.
pub(crate) fn validate_update(strategy: &Strategy, part: Part, new: &Value, old: &Value, errors: &mut Errors) {
    validation::meta::validate_update(new, old, errors);
    match part {
        Part::Main | Part::Scale => {
            if let Some(validate) = strategy.validate_update {
                validate(new, old, errors);
            } else if let Some(validate) = strategy.validate {
                validate(new, errors);
            }
        }
        Part::Status | Part::Approval => {
            if let Some(validate) = strategy.validate_status {
                validate(new, old, errors);
            }
        }
        Part::EphemeralContainers => validation::pod::validate_ephemeral(new, old, errors),
        Part::Resize => validation::pod::validate_resize(new, old, errors),
        Part::Finalize | Part::Binding => {}
    }
}
