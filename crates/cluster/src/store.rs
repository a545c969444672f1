//! The API server, as components use it.

use drydock_value::Time;

pub use drydock_apiserver::{
    ApiServer, Authorization, ChangeKind, Client, Config, DeleteOptions, Kind, PatchType, Propagation, SignatureCheck,
    Snapshot, User, kinds, quota_used,
};

/// The API server's verbs, as `actor` at `now`.
pub(crate) fn client<'a>(api: &'a mut ApiServer, actor: &str, now: Time) -> Client<'a> {
    api.set_now(now);
    api.client(actor)
}
