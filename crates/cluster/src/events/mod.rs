//! Recording events (the objects) as client-go does.
//!
//! - [`Recorder`]: keeps, for all components, what was recorded lately, so that an event that repeats becomes a count
//!   and similar ones become one. A component that says too much about one object is not heard any more.
//! - [`Source`], [`Reference`]: who reports, and about what.

mod backlog;
mod correlate;
mod series;

use crate::store::kinds;
use drydock_value::{Hash, Str, Time, Value, value};

use crate::objects::shared;
use crate::store::{ApiServer, PatchType, client};
use backlog::{Backlog, Unsent};
use correlate::{Correlator, Verdict};
use series::Series;

/// Who reports an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The component, such as `kubelet`.
    pub component: Str,
    /// Its node; empty for what runs on none.
    pub host: Str,
    /// Whom the API server sees writing.
    pub actor: Str,
}

impl Source {
    /// A component without a node.
    pub fn component(component: &str, actor: &str) -> Source {
        Source { component: component.into(), host: Str::default(), actor: actor.into() }
    }

    /// The kubelet of a node.
    pub fn kubelet(node: &str) -> Source {
        Source { component: "kubelet".into(), host: node.into(), actor: format!("system:node:{node}").into() }
    }
}

/// What an event is about: an `ObjectReference`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(missing_docs)]
pub struct Reference {
    pub api_version: Str,
    pub kind: Str,
    pub namespace: Str,
    pub name: Str,
    pub uid: Str,
    pub resource_version: Str,
    pub field_path: Str,
}

impl Reference {
    /// A reference to an object, which must carry `apiVersion` and `kind`.
    pub fn of(object: &Value) -> Reference {
        let metadata = &object["metadata"];
        Reference {
            api_version: shared(&object["apiVersion"]),
            kind: shared(&object["kind"]),
            namespace: shared(&metadata["namespace"]),
            name: shared(&metadata["name"]),
            uid: shared(&metadata["uid"]),
            resource_version: shared(&metadata["resourceVersion"]),
            field_path: Str::default(),
        }
    }

    /// The same, about a part of the object, such as `spec.containers{nginx}`.
    #[must_use]
    pub fn field(mut self, path: impl Into<Str>) -> Reference {
        self.field_path = path.into();
        self
    }

    /// What tells it from others, reported by one source: two references to one object are the same whatever happened to it
    /// between, so its resourceVersion is not in it, nor is the part.
    fn identity(&self, source: &Source) -> Hash {
        let texts = [
            &source.component,
            &source.host,
            &source.actor,
            &self.api_version,
            &self.kind,
            &self.namespace,
            &self.name,
            &self.uid,
        ];
        texts.into_iter().fold(Hash(0), |hash, text| hash.text(text))
    }

    /// As it stands in an event.
    pub fn to_value(&self) -> Value {
        let fields = [
            ("apiVersion", &self.api_version),
            ("kind", &self.kind),
            ("namespace", &self.namespace),
            ("name", &self.name),
            ("uid", &self.uid),
            ("resourceVersion", &self.resource_version),
            ("fieldPath", &self.field_path),
        ];
        Value::Object(fields.into_iter().filter(|(_, text)| !text.is_empty()).map(|(k, v)| (k, v.clone())).collect())
    }

    /// Where an event about it lives: cluster-scoped objects' events are in `default`.
    fn event_namespace(&self) -> Str {
        if self.namespace.is_empty() { "default".into() } else { self.namespace.clone() }
    }
}

/// What all components recorded lately.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    correlator: Correlator,
    series: Series,
    backlog: Backlog,
    /// Distinguishes the names of events of one microsecond.
    sequence: u64,
}

impl Recorder {
    /// The name of an event: the object's, and the moment in hexadecimal nanoseconds.
    fn name(&mut self, about: &Reference, now: Time) -> String {
        self.sequence = (self.sequence + 1) % 1000;
        format!("{}.{:x}", about.name, now.0 * 1000 + self.sequence)
    }

    /// Records an event of `v1`, with a count. A kubelet's waits while it does not reach the API server; what fails
    /// otherwise is dropped, as client-go drops it.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn record(
        &mut self,
        api: &mut ApiServer,
        now: Time,
        source: &Source,
        about: &Reference,
        kind: &str,
        reason: &str,
        message: &str,
    ) {
        // Kubelets alone go on working without an API server.
        if !source.host.is_empty() && (api.is_closed() || self.backlog.waits(source)) {
            let (kind, reason, message) = (kind.into(), reason.into(), message.into());
            self.backlog.push(source, Unsent { made: now, about: about.clone(), kind, reason, message });
        } else {
            self.write(api, now, now, source, about, kind, reason, message);
        }
    }

    /// Tries again what waits. Kubelets do it with every heartbeat, which come as often as client-go tries.
    pub(crate) fn retry(&mut self, api: &mut ApiServer, now: Time, source: &Source) {
        if api.is_closed() {
            return self.backlog.failed(source);
        }
        for event in self.backlog.take(source) {
            let Unsent { made, about, kind, reason, message } = &event;
            self.write(api, now, *made, source, about, kind, reason, message);
        }
    }

    /// The component ended: what waited ends with it.
    pub(crate) fn forget(&mut self, source: &Source) {
        self.backlog.take(source);
    }

    #[allow(clippy::too_many_arguments)]
    fn write(
        &mut self,
        api: &mut ApiServer,
        now: Time,
        made: Time,
        source: &Source,
        about: &Reference,
        kind: &str,
        reason: &str,
        message: &str,
    ) {
        let message = message.char_indices().nth(1024).map_or(message, |(end, _)| &message[..end]);
        let namespace = about.event_namespace();
        let event = |name: &str, count: u32, first: Time, message: &Str| {
            let mut from = value!({"component": &source.component});
            if !source.host.is_empty() {
                from.set("host", source.host.clone());
            }
            value!({
                "apiVersion": "v1", "kind": "Event",
                "metadata": {"name": name, "namespace": namespace.clone()},
                "involvedObject": about.to_value(), "reason": reason, "message": message, "type": kind,
                "source": from, "count": count,
                "firstTimestamp": first.rfc3339(), "lastTimestamp": made.rfc3339(), "eventTime": null,
                "reportingComponent": &source.component, "reportingInstance": &source.host
            })
        };
        match self.correlator.judge(now, source, about, kind, reason, message) {
            Verdict::Drop => {}
            Verdict::Count { name, count, first, message } => {
                let patch = value!({"count": count, "lastTimestamp": made.rfc3339(), "message": &message});
                let mut client = client(api, &source.actor, now);
                let patched = client.patch(kinds::EVENTS, &namespace, &name, PatchType::Strategic, &patch, "");
                if patched.is_err_and(|status| status.is("NotFound")) {
                    let _ = client.create_event(&namespace, event(&name, count, first, &message));
                }
            }
            Verdict::Create { message, key } => {
                let name = self.name(about, made);
                let event = event(&name, 1, made, &message);
                if client(api, &source.actor, now).create_event(&namespace, event).is_ok() {
                    self.correlator.created(now, key, &name);
                }
            }
        }
    }

    /// Records an event as the newer recorder does: with an action, and a series once it repeats.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn record_with_action(
        &mut self,
        api: &mut ApiServer,
        now: Time,
        source: &Source,
        about: &Reference,
        related: Option<&Value>,
        kind: &str,
        reason: &str,
        action: &str,
        message: &str,
    ) {
        let namespace = about.event_namespace();
        let key = about.identity(source).text(&about.field_path).text(kind).text(reason).text(action);
        match self.series.judge(now, key) {
            series::Verdict::Keep => {}
            series::Verdict::Extend { name, count } => {
                let patch = value!({"series": {"count": count, "lastObservedTime": now.rfc3339_micros()}});
                let result = client(api, &source.actor, now).patch(
                    kinds::EVENTS,
                    &namespace,
                    &name,
                    PatchType::Strategic,
                    &patch,
                    "",
                );
                if result.is_err() {
                    self.series.forget(key);
                    self.record_with_action(api, now, source, about, related, kind, reason, action, message);
                }
            }
            series::Verdict::Create => {
                let name = self.name(about, now);
                let mut event = value!({
                    "apiVersion": "v1", "kind": "Event",
                    "metadata": {"name": name.as_str(), "namespace": namespace.clone()},
                    "involvedObject": about.to_value(), "reason": reason, "message": message, "type": kind,
                    "action": action, "source": {}, "eventTime": now.rfc3339_micros(),
                    "firstTimestamp": null, "lastTimestamp": null,
                    "reportingComponent": &source.component,
                    "reportingInstance": format!("{}-{}", source.component, source.host)
                });
                if let Some(related) = related {
                    event.set("related", related.clone());
                }
                if client(api, &source.actor, now).create_event(&namespace, event).is_ok() {
                    self.series.created(now, key, name);
                }
            }
        }
    }
}
