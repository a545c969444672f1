//! Watches: cursors into the change logs.

use std::collections::VecDeque;

use drydock_api::Status;
use drydock_value::{Time, Value, value};

use crate::http::Form;
use crate::kinds::Kind;
use crate::printers;
use crate::registry::Served;
use crate::selection::Selection;
use crate::server::ApiServer;
use crate::store::{Change, ChangeKind};

/// How often a watch that wants bookmarks gets one.
const BOOKMARK: std::time::Duration = std::time::Duration::from_secs(60);

/// A watch: plain data that remembers how far it has read. [`ApiServer::poll_watch`] moves it on.
#[derive(Debug, Clone)]
pub struct Watch {
    served: &'static Served,
    kind: Kind,
    namespace: String,
    selection: Selection,
    form: Form,
    revision: u64,
    /// Objects that were there at the beginning and are still to be told: made into events one by one, as they are taken.
    initial: VecDeque<Value>,
    ready: VecDeque<Value>,
    bookmarks: bool,
    next_bookmark: Time,
    until: Time,
    closed: bool,
    columns_sent: bool,
    /// Whether tables and metadata are told in their first version.
    first_version: bool,
}

/// Where a watch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// With what is there now.
    Now,
    /// After a revision.
    After(u64),
}

impl Watch {
    pub(crate) fn new(
        served: &'static Served,
        kind: Kind,
        namespace: String,
        selection: Selection,
        form: Form,
        bookmarks: bool,
        until: Time,
    ) -> Watch {
        Watch {
            served,
            kind,
            namespace,
            selection,
            form,
            revision: 0,
            initial: VecDeque::new(),
            ready: VecDeque::new(),
            bookmarks,
            next_bookmark: Time::NEVER,
            until,
            closed: false,
            columns_sent: false,
            first_version: false,
        }
    }

    /// Whether nothing will come any more: the watch's time is over, or it fell too far behind.
    pub fn closed(&self, now: Time) -> bool {
        !self.has_events() && (self.closed || now >= self.until)
    }

    fn has_events(&self) -> bool {
        !self.initial.is_empty() || !self.ready.is_empty()
    }

    /// Tells of tables and metadata in their first version.
    pub(crate) const fn in_first_version(&mut self) {
        self.first_version = true;
    }

    /// The event, of an object in its form.
    fn told(&self, what: &str, mut object: Value) -> Value {
        if self.first_version {
            printers::in_first_version(&mut object);
        }
        value!({"type": what, "object": object})
    }

    /// When the watch ends by itself.
    pub fn until(&self) -> Time {
        self.until
    }

    /// The kind that is watched.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn in_scope(&self, object: &Value) -> bool {
        (self.namespace.is_empty() || object["metadata"]["namespace"] == *self.namespace.as_str())
            && self.selection.matches(self.kind, object)
    }

    /// What a change means to whoever watches: an object that stops being selected is gone for them.
    fn event(&mut self, server: &ApiServer, change: &Change, now: Time) -> Option<Value> {
        let is_in = change.kind != ChangeKind::Deleted && self.in_scope(&change.object);
        let was_in = change.old.as_ref().is_some_and(|old| self.in_scope(old));
        let what = match (was_in, is_in) {
            (false, false) => return None,
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
        };
        let object = match (&change.old, what) {
            // The state that was selected, with the revision of the change.
            (Some(old), "DELETED") => {
                let mut old = old.clone();
                old["metadata"].set("resourceVersion", change.revision.to_string());
                old
            }
            _ => change.object.clone(),
        };
        Some(self.wrap(server, what, &object, now))
    }

    fn wrap(&mut self, server: &ApiServer, what: &str, object: &Value, now: Time) -> Value {
        let object = match self.form {
            Form::Plain => server.outward(self.served, object),
            Form::Metadata => printers::metadata_only(&server.memo.shown(Some(self.kind), object)),
            Form::Table(include) => {
                let row = printers::row(Some(self.kind), self.served.row, object, now, include);
                // Only the first table says what its columns are.
                let first = !std::mem::replace(&mut self.columns_sent, true);
                let columns = first.then(|| printers::column_definitions(&self.served.row.columns));
                let metadata = [("resourceVersion", object["metadata"]["resourceVersion"].clone())].into_iter();
                printers::table(columns, vec![row], metadata.collect())
            }
        };
        self.told(what, object)
    }

    fn bookmark(&self, initial_end: bool) -> Value {
        let mut metadata = value!({"resourceVersion": self.revision.to_string(), "creationTimestamp": null});
        if initial_end {
            metadata.set("annotations", value!({"k8s.io/initial-events-end": "true"}));
        }
        let object = match self.form {
            Form::Table(_) => printers::table(
                None,
                vec![value!({"cells": [], "object": {
                    "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": &metadata
                }})],
                [("resourceVersion", Value::from(self.revision.to_string()))].into_iter().collect(),
            ),
            Form::Metadata => value!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata
            }),
            Form::Plain => value!({
                "kind": self.served.kind_name(), "apiVersion": self.served.api_version(), "metadata": metadata
            }),
        };
        self.told("BOOKMARK", object)
    }
}

impl ApiServer {
    /// Puts a watch at its beginning.
    pub(crate) fn start_watch(&self, mut watch: Watch, start: Start, replay: bool, end_mark: bool) -> Watch {
        watch.revision = self.revision();
        if watch.bookmarks {
            watch.next_bookmark = self.now + BOOKMARK;
        }
        match start {
            Start::Now => {
                if replay {
                    let initial = &mut watch.initial;
                    self.visit(watch.kind, &watch.namespace, &watch.selection, None, &mut |object| {
                        initial.push_back(object.clone());
                        true
                    });
                }
                if end_mark {
                    watch.ready.push_back(watch.bookmark(true));
                }
            }
            Start::After(revision) => {
                watch.revision = revision;
                if self.store.changes_since(watch.kind, revision).is_none() {
                    watch.expire(revision, self.store.forgotten(watch.kind));
                }
            }
        }
        watch
    }

    /// Whether [`ApiServer::poll_watch`] has something to look at.
    pub fn watch_ready(&self, watch: &Watch) -> bool {
        watch.has_events() || (!watch.closed && self.store.newest_change(watch.kind) > watch.revision)
    }

    /// The next event of a watch (`{"type": "ADDED", "object": {...}}`), if there is one now.
    pub fn poll_watch(&self, watch: &mut Watch, now: Time) -> Option<Value> {
        if let Some(object) = watch.initial.pop_front() {
            return Some(watch.wrap(self, "ADDED", &object, now));
        }
        if let Some(event) = watch.ready.pop_front() {
            return Some(event);
        }
        if watch.closed(now) {
            return None;
        }
        let Some(changes) = self.store.changes_since(watch.kind, watch.revision) else {
            watch.expire(watch.revision, self.store.forgotten(watch.kind));
            return watch.ready.pop_front();
        };
        for change in changes {
            watch.revision = change.revision;
            if let Some(event) = watch.event(self, change, now) {
                return Some(event);
            }
        }
        if watch.bookmarks && now >= watch.next_bookmark {
            watch.next_bookmark = now + BOOKMARK;
            watch.revision = watch.revision.max(self.revision());
            return Some(watch.bookmark(false));
        }
        None
    }
}

impl Watch {
    /// The changes that it would have to tell are forgotten, up to a revision: that is its last event.
    fn expire(&mut self, revision: u64, forgotten: u64) {
        let status = Status::expired(format!("too old resource version: {revision} ({forgotten})"));
        self.ready.push_back(value!({"type": "ERROR", "object": status.to_value()}));
        self.closed = true;
    }
}
