//! The API server: the only door to the cluster's state.
//!
//! What comes in is a [`Request`](drydock_api::Request) with the time, or a typed verb of a component through
//! [`ApiServer::client`]. What goes out is an [`Answer`]: a response, a [`Watch`] to be polled, or a [`Connect`] into a
//! pod that the cluster serves. Nothing here runs by itself, keeps a clock or knows a kubelet.
//!
//! - [`kinds`]: handles of everything that is stored.
//! - `store`: objects, revisions, indices and change logs.
//! - `verbs`: create, update, delete: admission, strategy, validation, store, in that order.
//! - `strategy`: what is special about a kind, one row each.
//! - `validation`: the rules, with Kubernetes' field paths and words.
//! - `admission`: the plugins, in the real server's order.
//! - `managed`: who owns which field, and server-side apply.
//! - `custom`: what CustomResourceDefinitions add.
//! - `auth`: who asks, and whether they may.
//! - `flows`: priority and fairness. `printers`: the cells of tables.
//! - `openapi`: the types and paths as documents.
//! - `http`: paths, parameters, headers; lists, tables, discovery.
//! - `client`: the components' door. `watch`: cursors into the change logs.
//! - `audit`: what an audit log tells of a request. `ahead`: objects made ready for readers before they ask. `boot`: what a new cluster holds.

mod admission;
mod aggregated;
mod ahead;
mod audit;
mod auth;
mod boot;
mod client;
mod config;
mod convert;
mod custom;
mod flows;
mod http;
mod identity;
pub mod kinds;
mod managed;
mod openapi;
mod printers;
mod random;
mod registry;
mod selection;
mod server;
mod store;
mod strategy;
mod types;
mod user;
mod validation;
mod verbs;
mod watch;

pub use admission::quota::used as quota_used;
pub use ahead::Ahead;
pub use audit::Audited;
pub use auth::authority::Authority;
pub use client::{Client, PatchType};
pub use config::{Authorization, Config, Limits, SignatureCheck};
pub use http::{Answer, Connect, accepted};
pub use kinds::{Kind, KindInfo};
pub use server::{ApiServer, Snapshot};
pub use store::{Change, ChangeKind, Writer};
pub use user::User;
pub use verbs::{DeleteOptions, Propagation};
pub use watch::Watch;
