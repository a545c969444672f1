//! Rules for objects, one file for each group of kinds, with Kubernetes' paths and words.
//!
//! A rule gets the object (defaulted) and writes what is wrong into [`Errors`], at a [`Path`]. Rules are stated in the
//! order in which the real server states them, as clients print them in that order. Which kind has which rules says its
//! row in `strategy`.

pub(crate) mod admission;
pub(crate) mod autoscaling;
pub(crate) mod certificates;
pub(crate) mod cluster;
pub(crate) mod common;
pub(crate) mod config;
pub(crate) mod cron;
pub(crate) mod custom;
pub(crate) mod devices;
pub(crate) mod endpoints;
mod field;
pub(crate) mod flows;
mod internal;
pub(crate) mod jobs;
pub(crate) mod meta;
pub(crate) mod names;
pub(crate) mod network;
pub(crate) mod pod;
pub(crate) mod policy;
pub(crate) mod rbac;
pub(crate) mod resources;
pub(crate) mod services;
pub(crate) mod slices;
pub(crate) mod storage;
pub(crate) mod webhooks;
pub(crate) mod workloads;

pub(crate) use field::{Errors, Path};
