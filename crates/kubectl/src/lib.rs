//! kubectl, as a library: the client, its commands and its printers. It talks to any API server through a
//! [`drydock_api::Transport`], and to the machine that it runs on through the small traits of [`env`].
//!
//! What comes in is an [`Env`] (the command line) and, at each step, an [`Io`]; what goes out is output, an exit code,
//! or what the command waits for. It knows nothing of the simulated cluster.
//!
//! - [`Command`]: one running kubectl, a state machine.
//! - [`complete`]: completion by Tab.
//! - [`flags`]: the table of commands and flags, and cobra's rules for reading a command line.
//! - [`commands`]: the commands, one file and one row each. **Begin there to add one.**
//! - [`invocation`]: what a command gets: arguments, flags, [`client`], [`mapper`], files, dry-run.
//! - [`builder`]: which objects a command line means: `-f`, `type/name`, selectors, `--all`.
//! - [`printers`]: tables and the formats of `-o`.
//! - [`kustomize`]: objects made of folders, layer over layer.
//! - [`kubeconfig`]: files, contexts, connection.
//! - [`failure`]: errors and how kubectl prints them.

pub mod builder;
pub mod change;
pub mod client;
mod command;
pub mod commands;
mod complete;
pub mod describe;
pub mod env;
pub mod failure;
pub mod flags;
#[cfg(test)]
mod golden;
pub mod help;
pub mod invocation;
pub mod kubeconfig;
mod kuberc;
pub mod kustomize;
pub mod mapper;
pub mod pods;
pub mod printers;
#[cfg(test)]
mod property;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
mod verbose;

pub use command::{Command, credential_policy, parsed};
pub use complete::complete;
pub use env::{Env, Io, Nothing, Step, Wait};
