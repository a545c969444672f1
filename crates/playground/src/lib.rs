//! The page that a learner opens, and the worker that runs the cluster behind it: two small wasm modules (`page` and
//! `worker`, see `src/bin`), one crate.
//!
//! - [`bridge`]: the messages between the two, as plain enums. Nothing else passes.
//! - [`chart`]: flow charts of lessons as pictures, drawn in the worker.
//! - [`worker`]: owns the [`Session`](drydock_session::Session) and runs it in slices of a few milliseconds; tells the
//!   page what changed. Only [`worker::start`] touches the browser; the rest is tested natively.
//! - [`page`]: the Yew application: lesson, editor, map, terminals. It holds views of the cluster, never its state.
//!
//! What must be JavaScript (xterm, Monaco, Mermaid) lies in `web/` and is bound in [`page::js`].

use drydock_wasm as _;

pub mod bridge;
pub mod chart;
pub mod page;
#[cfg(test)]
mod samples;
pub mod worker;
