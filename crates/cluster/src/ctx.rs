//! [`Ctx`]: everything that a component may touch while it handles an event.

use std::time::Duration;

use drydock_value::{Time, Value};

use crate::config::Latencies;
use crate::events::{Recorder, Reference, Source};
use crate::informers::Informers;
use crate::network::Network;
use crate::queue::{Event, EventQueue};
use crate::random::Random;
use crate::store::{ApiServer, Client};
use crate::streams::Streams;

/// The world as a component sees it during one event. What it reads of the cluster it reads from the informers, which
/// lag a little behind; what it writes goes through the API server.
pub struct Ctx<'a> {
    /// The moment.
    pub now: Time,
    /// The API server.
    pub api: &'a mut ApiServer,
    /// The shared caches.
    pub informers: &'a Informers,
    /// What is to happen.
    pub queue: &'a mut EventQueue,
    /// The source of chance.
    pub random: &'a mut Random,
    /// How long things take.
    pub latencies: &'a Latencies,
    /// Events of the `v1` kind, correlated as client-go does.
    pub recorder: &'a mut Recorder,
    /// The network between pods, nodes and services.
    pub network: &'a mut Network,
    /// Open streams of clients.
    pub streams: &'a mut Streams,
}

impl Ctx<'_> {
    /// The API server's verbs, as `actor`.
    pub fn client(&mut self, actor: &str) -> Client<'_> {
        crate::store::client(self.api, actor, self.now)
    }

    /// Lets `event` happen after `wait`.
    pub fn after(&mut self, wait: Duration, event: Event) {
        self.queue.at(self.now + wait, event);
    }

    /// Records an event about an object, as `record.EventRecorder` does. `kind` is `Normal` or `Warning`.
    pub fn event(&mut self, source: &Source, about: &Reference, kind: &str, reason: &str, message: &str) {
        self.recorder.record(self.api, self.now, source, about, kind, reason, message);
    }

    /// Records an event about an object, as the newer `events.EventRecorder` does.
    #[allow(clippy::too_many_arguments)]
    pub fn event_with_action(
        &mut self,
        source: &Source,
        about: &Reference,
        related: Option<&Value>,
        kind: &str,
        reason: &str,
        action: &str,
        message: &str,
    ) {
        self.recorder.record_with_action(self.api, self.now, source, about, related, kind, reason, action, message);
    }
}
