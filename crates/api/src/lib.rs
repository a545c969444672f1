//! What travels between a client and the API server, as plain data.
//!
//! - [`Request`], [`Response`], [`Body`]: one HTTP exchange. In-process the body stays a [`Value`] and is never turned
//!   into text.
//! - [`Status`]: Kubernetes' error object, and its constructors in Kubernetes' wording. Every API error is one.
//! - [`Transport`]: how a client sends requests and holds streams (watches, logs, exec, port-forward). The simulated
//!   cluster is one, an HTTP connection to any real API server can be another; the client cannot tell.
//! - [`Resource`]: a row of what an API server serves (group, version, resource, kind, names).
//!
//! It knows nothing of storage, types or commands.

mod message;
mod resource;
mod status;
mod transport;

pub use message::{Auth, Body, Method, Request, Response};
pub use resource::{GroupKind, GroupVersion, GroupVersionKind, GroupVersionResource, Resource, Scope, Subresource};
pub use status::{Cause, NO_PAGE, Status};
pub use transport::{Null, StreamId, StreamItem, Transport, channel};
