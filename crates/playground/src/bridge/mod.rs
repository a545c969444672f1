//! What the page and the worker say to each other.
//!
//! Every message is an [`Envelope`]: a number that counts up on each side, so that a lost or repeated message shows, and
//! one variant of [`ToWorker`] or [`ToPage`]. They travel as JSON text over the worker's one `postMessage` channel, which
//! the page, an embedding page and a test can all read.

mod changes;
mod messages;

pub use changes::{Change, Changes, Keyed, apply, difference};
pub use messages::{Drawing, Envelope, FileEntry, PROTOCOL, Problem, Size, Speed, Start, ToPage, ToWorker, Written};
