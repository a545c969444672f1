//! Watches: cursors into the change logs.

use std::collections::VecDeque;

use drydock_value::{Time, Value, value};

use crate::kinds::Kind;
use crate::server::ApiServer;
use crate::store::ChangeKind;

/// A watch: plain data that remembers how far it has read. [`ApiServer::poll_watch`] moves it on.
#[derive(Debug, Clone)]
pub struct Watch {
    pub(crate) kind: Kind,
    pub(crate) namespace: String,
    pub(crate) name: Option<String>,
    pub(crate) revision: u64,
    pub(crate) ready: VecDeque<Value>,
    pub(crate) until: Time,
    pub(crate) closed: bool,
}

impl Watch {
    /// Whether nothing will come any more: the watch's time is over, or it fell too far behind.
    pub fn closed(&self, now: Time) -> bool {
        self.ready.is_empty() && (self.closed || now >= self.until)
    }

    /// When the watch ends by itself.
    pub fn until(&self) -> Time {
        self.until
    }
}

impl ApiServer {
    /// Whether [`ApiServer::poll_watch`] has something to look at.
    pub fn watch_ready(&self, watch: &Watch) -> bool {
        !watch.ready.is_empty() || (!watch.closed && self.store.newest_change(watch.kind) > watch.revision)
    }

    /// The next event of a watch (`{"type": "ADDED", "object": {...}}`), if there is one now.
    pub fn poll_watch(&self, watch: &mut Watch, now: Time) -> Option<Value> {
        if let Some(event) = watch.ready.pop_front() {
            return Some(event);
        }
        if watch.closed(now) {
            return None;
        }
        let changes = self.store.changes_since(watch.kind, watch.revision)?;
        for change in changes {
            watch.revision = change.revision;
            let metadata = &change.object["metadata"];
            if !watch.namespace.is_empty() && metadata["namespace"] != *watch.namespace.as_str()
                || watch.name.as_deref().is_some_and(|name| metadata["name"] != *name)
            {
                continue;
            }
            let what = match change.kind {
                ChangeKind::Added => "ADDED",
                ChangeKind::Modified => "MODIFIED",
                ChangeKind::Deleted => "DELETED",
            };
            return Some(value!({"type": what, "object": &change.object}));
        }
        None
    }
}
