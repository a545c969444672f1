//! [`Cluster`]: everything together, and the loop that lets time pass.

use drydock_sorted::SortedMap;

use crate::store::kinds;
use drydock_value::Time;

use crate::config::{Config, System};
use crate::controllers::Controllers;
use crate::ctx::Ctx;
use crate::digest::Digest;
use crate::events::Recorder;
use crate::faults::Faults;
use crate::hollow::Hollow;
use crate::informers::{Change, Informers};
use crate::kubelet::{Kubelet, KubeletWake};
use crate::network::Network;
use crate::queue::{Event, EventQueue, NodeId};
use crate::random::Random;
use crate::scheduler::Scheduler;
use crate::store::{self, ApiServer};
use crate::streams::Streams;

/// How far [`Cluster::advance`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Whether the clock stands where it was to go; else there is more to do before.
    pub reached: bool,
    /// How many events were handled.
    pub events: u32,
}

/// A whole cluster: API server, controllers, scheduler, nodes, network. Plain data: it clones, and a clone goes on as
/// the original would.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) config: Config,
    pub(crate) api: ApiServer,
    pub(crate) informers: Informers,
    pub(crate) queue: EventQueue,
    pub(crate) random: Random,
    pub(crate) recorder: Recorder,
    pub(crate) network: Network,
    pub(crate) streams: Streams,
    pub(crate) metrics: crate::metrics::Metrics,
    pub(crate) controllers: Controllers,
    pub(crate) scheduler: Scheduler,
    pub(crate) kubelets: Vec<Kubelet>,
    pub(crate) faults: Faults,
    /// The kubelets' stand-ins, where nodes are hollow.
    hollow: Vec<Hollow>,
    node_ids: SortedMap<String, NodeId>,
    digest: Digest,
    /// Whether an [`Event::Inform`] is on its way.
    informing: bool,
    /// How much of the boot is done.
    boot: Boot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Boot {
    Server,
    Kubelets,
    Controllers,
}

/// Builds the context and the component at once, from disjoint fields.
macro_rules! ctx {
    ($cluster:ident) => {
        Ctx {
            now: $cluster.queue.now(),
            api: &mut $cluster.api,
            informers: &$cluster.informers,
            queue: &mut $cluster.queue,
            random: &mut $cluster.random,
            latencies: &$cluster.config.latencies,
            recorder: &mut $cluster.recorder,
            network: &mut $cluster.network,
            streams: &mut $cluster.streams,
        }
    };
}

impl Cluster {
    /// A cluster that has booted: its nodes are ready, its controllers idle. The boot took place in the seconds before
    /// `config.start`.
    pub fn new(config: Config) -> Cluster {
        let born = Time(config.start.0.saturating_sub(config.latencies.boot.as_micros() as u64));
        let api = ApiServer::new(store::Config {
            seed: config.seed,
            start: born,
            provisioner: match config.system {
                System::None => config.server.provisioner.clone(),
                System::Kubeadm => crate::system::LOCAL_PATH.into(),
                System::Minikube => crate::system::PROVISIONER.into(),
            },
            version: config.version.clone(),
            host: config.nodes.first().map_or_else(|| config.server.host.clone(), |node| node.name.clone()),
            address: config
                .nodes
                .first()
                .map_or_else(|| config.server.address.clone(), |node| format!("{}:{}", node.ip, config.system.port())),
            service_cidr: match config.system {
                // kind asks for less than kubeadm's default.
                System::Kubeadm => (config.server.service_cidr.0, 16),
                _ => config.server.service_cidr,
            },
            ..config.server.clone()
        });
        let numbered = || (0..).map(NodeId).zip(&config.nodes);
        let kubelet = |(id, node)| match config.system {
            System::None => Kubelet::new(id, node),
            _ if id == NodeId(0) => Kubelet::new(id, node).with_system(crate::system::static_pods(node, config.system)),
            _ => Kubelet::new(id, node).with_system(Vec::new()),
        };
        let kubelets: Vec<Kubelet> = numbered().map(kubelet).collect();
        let hollow: Vec<Hollow> = match config.hollow {
            true => numbered().map(|(id, node)| Hollow::new(id, node, &config.version)).collect(),
            false => Vec::new(),
        };
        let faults = Faults::new(api.snapshot());
        let mut cluster = Cluster {
            api,
            informers: Informers::default(),
            queue: EventQueue::new(born),
            random: Random::new(config.seed),
            recorder: Recorder::default(),
            network: Network::default(),
            streams: Streams::default(),
            metrics: crate::metrics::Metrics::default(),
            controllers: Controllers::new(&config.latencies),
            scheduler: Scheduler::default(),
            kubelets,
            faults,
            hollow,
            node_ids: numbered().map(|(id, node)| (node.name.clone(), id)).collect(),
            digest: Digest::default(),
            informing: false,
            boot: Boot::Server,
            config,
        };
        cluster.network.registry.programs = cluster.config.programs;
        let start = cluster.config.start;
        cluster.advance(born + cluster.config.latencies.kubelet_start.min(start.since(born)), u32::MAX);
        cluster.boot = Boot::Kubelets;
        let now = cluster.now();
        let made = crate::system::begin(&mut cluster.api, now, cluster.config.system);
        debug_assert!(made.is_ok(), "{made:?}");
        for node in 0..cluster.kubelets.len() {
            cluster.queue.soon(Event::Kubelet { node: NodeId(node as u32), wake: KubeletWake::Boot });
        }
        cluster.advance(born + cluster.config.latencies.controllers_start.min(start.since(born)), u32::MAX);
        cluster.boot = Boot::Controllers;
        cluster.begin_to_lead();
        let mut ctx = ctx!(cluster);
        cluster.controllers.start(&mut ctx);
        if cluster.config.scheduler {
            cluster.scheduler.start(&mut ctx);
        }
        cluster.advance(start, u32::MAX);
        cluster
    }

    /// The clock.
    pub fn now(&self) -> Time {
        self.queue.now()
    }

    /// How the cluster was made.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The API server. Whoever writes through it must advance the clock for anything to happen.
    pub fn api(&mut self) -> &mut ApiServer {
        &mut self.api
    }

    /// The API server, for reading.
    pub fn api_ref(&self) -> &ApiServer {
        &self.api
    }

    /// The caches that the components read.
    pub fn informers(&self) -> &Informers {
        &self.informers
    }

    /// The scheduler, for what it knows about its decisions.
    pub fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// A checksum of every event handled and every write so far: equal for equal seeds and inputs, on every machine.
    pub fn log_digest(&self) -> u64 {
        let mut digest = self.digest;
        digest.number(self.api.digest());
        digest.value()
    }

    /// When something happens next.
    pub fn next_event(&self) -> Option<Time> {
        let inform = self.uninformed().then(|| self.now() + self.config.latencies.watch);
        [inform, self.queue.next()].into_iter().flatten().min()
    }

    /// Lets time pass until `until`, or until `max_events` events were handled.
    pub fn advance(&mut self, until: Time, max_events: u32) -> Progress {
        let mut events = 0;
        loop {
            if self.uninformed() {
                self.informing = true;
                self.queue.after(self.config.latencies.watch, Event::Inform);
            }
            if events >= max_events && self.queue.next().is_some_and(|next| next <= until) {
                return Progress { reached: false, events };
            }
            let Some(event) = self.queue.pop(until, &mut self.digest) else { break };
            events += 1;
            self.handle(event);
        }
        self.queue.set_now(until);
        Progress { reached: true, events }
    }

    /// The context and the kubelets, for what is served between events: logs, exec, connections from outside.
    pub(crate) fn parts(&mut self) -> (Ctx<'_>, &mut [Kubelet]) {
        (ctx!(self), &mut self.kubelets)
    }

    /// The context with the controllers and the scheduler.
    pub(crate) fn planners(&mut self) -> (Ctx<'_>, &mut Controllers, &mut Scheduler) {
        (ctx!(self), &mut self.controllers, &mut self.scheduler)
    }

    /// Whether there are changes that the informers have not heard of, and will not without being told.
    fn uninformed(&self) -> bool {
        !self.informing && self.api.revision() > self.informers.revision()
    }

    fn handle(&mut self, event: Event) {
        // The API server has chores of its own; it does them when it is told the time.
        self.api.set_now(self.queue.now());
        match event {
            Event::Inform => self.inform(),
            Event::Controller(number) => {
                let mut ctx = ctx!(self);
                self.controllers.work(number, &mut ctx);
            }
            Event::Scheduler(wake) => {
                let mut ctx = ctx!(self);
                self.scheduler.handle(wake, &mut ctx);
            }
            Event::Kubelet { node, wake } => {
                if !self.may_wake(node, &wake) {
                    return;
                }
                let mut ctx = ctx!(self);
                if let Some(hollow) = self.hollow.get_mut(node.0 as usize) {
                    hollow.handle(wake, &mut ctx);
                } else if let Some(kubelet) = self.kubelets.get_mut(node.0 as usize) {
                    kubelet.handle(wake, &mut ctx);
                }
                self.api.close(false);
            }
            Event::Machine(wake) => {
                let mut ctx = ctx!(self);
                if let Some(kubelet) = self.kubelets.get_mut(wake.node.0 as usize) {
                    kubelet.run(wake, &mut ctx);
                }
            }
            Event::Network(crate::network::NetworkWake::Inside) => self.serve_inside(),
            Event::Network(wake) => {
                let mut ctx = ctx!(self);
                Network::handle(wake, &mut ctx);
            }
            Event::Measure => self.measure(),
            Event::Fault(wake) => self.handle_fault(wake),
        }
    }

    /// Brings the informers up to date and tells everybody what changed.
    fn inform(&mut self) {
        self.informing = false;
        let changes = self.informers.pull(&self.api);
        self.tell_kubelets(&changes);
        self.notice_metrics(&changes);
        let mut ctx = ctx!(self);
        Network::observe(&changes, &mut ctx);
        if self.boot == Boot::Controllers {
            self.controllers.observe(&changes, &mut ctx);
            self.scheduler.observe(&changes, &mut ctx);
        }
    }

    /// Wakes the kubelets whose pods changed.
    fn tell_kubelets(&mut self, changes: &[Change]) {
        for change in changes.iter().filter(|change| change.kind == kinds::PODS) {
            let node = &change.object().pod().node;
            if let Some(id) = self.node_id(node) {
                self.queue.soon(Event::Kubelet { node: id, wake: KubeletWake::Pod(change.key().clone()) });
            }
        }
    }

    /// The number of a node by its name.
    pub(crate) fn node_id(&self, name: &str) -> Option<NodeId> {
        self.node_ids.get(name).copied()
    }
}
