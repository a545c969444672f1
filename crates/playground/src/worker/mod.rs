//! The worker: owns the session and runs it in slices, so that a message never waits for long.
//!
//! - [`engine`]: what it does with messages and with time; plain data in and out, tested natively.
//! - [`clock`]: from the learner's time to simulated time. [`flow`]: how much output may be under way.
//! - [`tasks`]: the exercise that is being worked on. [`shown`]: files and map, as the page knows them.
//! - `host`: the browser's side: messages, timers, the real clock.

pub mod clock;
pub mod engine;
pub mod flow;
mod host;
pub mod shown;
pub mod tasks;

pub use host::{describe, failed, start};
