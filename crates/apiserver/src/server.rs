//! [`ApiServer`]: the store with everything around it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use drydock_value::{Time, Value};

use crate::config::Config;
use crate::kinds::Kind;
use crate::random::Random;
use crate::store::{Change, Store};
use crate::strategy::Pools;

/// How often the server looks after the service that leads to itself. A real one looks every ten seconds, so the service
/// is back after five on average; a look costs nothing here.
const OWN_CHECK: Duration = Duration::from_secs(1);

/// An API server. Plain data: it clones (cheaply), and it does nothing by itself.
#[derive(Debug, Clone)]
pub struct ApiServer {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Store,
    pub(crate) random: Random,
    pub(crate) now: Time,
    pub(crate) pools: Pools,
    pub(crate) decoded: crate::types::Decoded,
    pub(crate) customs: Arc<crate::custom::Customs>,
    pub(crate) requests: Arc<crate::http::Requests>,
    pub(crate) memo: crate::managed::Memo,
    /// Whether answers tell which flow schema and priority level they fall under.
    pub(crate) tells_flows: bool,
    /// Whether requests are noted for an audit log, and the last one that was.
    pub(crate) auditing: bool,
    pub(crate) audited: Option<Box<crate::audit::Audited>>,
    /// What servers behind this one have told.
    pub(crate) published: crate::http::Published,
    pub(crate) descriptions: Option<Arc<drydock_schema::Descriptions>>,
    /// What tokens are signed with, once there was one to sign.
    pub(crate) token_key: Arc<OnceLock<drydock_pki::rsa::Key>>,
    /// When the server next looks after the service that leads to itself.
    next_check: Time,
    /// When it next renews the lease that tells of it.
    next_renewal: Time,
    /// Whether the parts of the cluster that ask now do not reach it.
    pub(crate) closed: bool,
}

/// What the storage held at a moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    store: Store,
    pools: Pools,
    customs: Arc<crate::custom::Customs>,
}

impl Snapshot {
    /// The revision of the last write in it.
    pub fn revision(&self) -> u64 {
        self.store.revision()
    }

    /// How many objects are in it.
    pub fn objects(&self) -> usize {
        self.store.count()
    }

    /// A checksum of the writes that led to it.
    pub fn digest(&self) -> u64 {
        self.store.digest()
    }
}

impl ApiServer {
    /// A server with the objects that every new cluster has.
    pub fn new(mut config: Config) -> ApiServer {
        if config.ca_certificate.is_empty() {
            config.ca_certificate = crate::auth::authority::Authority::of(&config).certificate();
        }
        let mut server = ApiServer {
            store: Store::new(config.limits.clone()),
            random: Random::new(config.seed),
            now: config.start,
            pools: Pools::default(),
            decoded: crate::types::Decoded::default(),
            memo: crate::managed::Memo::default(),
            customs: Arc::default(),
            requests: Arc::default(),
            published: Arc::default(),
            tells_flows: false,
            auditing: false,
            audited: None,
            descriptions: None,
            token_key: Arc::default(),
            next_check: config.start + OWN_CHECK,
            next_renewal: config.start + OWN_CHECK * 10,
            closed: false,
            config: Arc::new(config),
        };
        crate::boot::boot(&mut server);
        server
    }

    /// What the server was told when it started.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Has answers tell from now on which flow schema and priority level they fall under.
    pub fn tell_flows(&mut self) {
        self.tells_flows = true;
    }

    /// Tells the time to whatever happens through [`ApiServer::client`] from now on.
    pub fn set_now(&mut self, now: Time) {
        self.now = now;
        if now >= self.next_check {
            self.next_check = now + OWN_CHECK;
            crate::boot::restore_own_service(self);
        }
        if now >= self.next_renewal {
            self.next_renewal = crate::identity::renew(self);
        }
        crate::custom::settle(self);
    }

    /// The time as last told.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Lets the verbs of [`ApiServer::client`] fail from now on, as when the network between is cut, or work again.
    pub fn close(&mut self, closed: bool) {
        self.closed = closed;
    }

    /// Whether components' requests fail now.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// What the storage holds. It costs a pointer a kind.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { store: self.store.clone(), pools: self.pools.clone(), customs: self.customs.clone() }
    }

    /// Puts back what the storage held. The revision goes on; caches and watches have to list again.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        self.store.restore(&snapshot.store);
        self.pools = snapshot.pools.clone();
        self.customs = snapshot.customs.clone();
        self.memo = crate::managed::Memo::default();
    }

    /// The revision of the last write. Grows with every write.
    pub fn revision(&self) -> u64 {
        self.store.revision()
    }

    /// FNV-1a over every write since the server started: equal histories have equal digests.
    pub fn digest(&self) -> u64 {
        self.store.digest()
    }

    /// How many objects there are.
    pub fn object_count(&self) -> usize {
        self.store.count()
    }

    /// How many objects a kind has.
    pub fn count_of(&self, kind: Kind) -> usize {
        self.store.count_of(kind)
    }

    /// One object, as stored.
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Value> {
        self.store.get(kind, namespace, name)
    }

    /// The objects of a namespace ("" is all of them), in storage order.
    pub fn objects(&self, kind: Kind, namespace: &str) -> Box<dyn Iterator<Item = &Value> + '_> {
        if namespace.is_empty() {
            Box::new(self.store.all(kind))
        } else {
            Box::new(self.store.in_namespace(kind, namespace, None))
        }
    }

    /// The changes of a kind after a revision, in order; None when some of them are forgotten and the caller has to
    /// list again.
    pub fn changes_since(&self, kind: Kind, revision: u64) -> Option<impl Iterator<Item = &Change>> {
        self.store.changes_since(kind, revision)
    }

    /// Every change of a kind that is remembered, in order.
    pub fn kept_changes(&self, kind: Kind) -> impl Iterator<Item = &Change> {
        self.store.kept_changes(kind)
    }

    /// Whether older changes of a kind were let go.
    pub fn has_forgotten(&self, kind: Kind) -> bool {
        self.store.forgotten(kind) > 0
    }

    /// The revision of a kind's newest change: whether there is anything new costs one comparison.
    pub fn newest_change(&self, kind: Kind) -> u64 {
        self.store.newest_change(kind)
    }
}
