//! What containers use: processor time and memory.
//!
//! Processor time is what their processes' steps took. Beyond that a program has a use of its own while it only waits,
//! which no step shows, and the memory that it takes when it has come up: [`ROWS`].

use drydock_value::Time;

use super::Container;
use super::run::FUEL_MICROS;

/// Where a program finds its memory limit.
pub const MEMORY_LIMIT: &str = "/sys/fs/cgroup/memory.max";
/// What a program has taken of memory beyond its own size, if it says so.
pub const MEMORY_CURRENT: &str = "/sys/fs/cgroup/memory.current";

/// A program, the processor time that it takes while it waits in thousandths, and its memory in MiB.
const ROWS: &[(&str, u64, u64)] = &[
    ("apache2-foreground", 1, 9),
    ("coredns", 2, 13),
    ("etcd", 19, 42),
    ("httpd-foreground", 1, 6),
    ("kube-apiserver", 46, 214),
    ("kube-controller-manager", 18, 52),
    ("kube-proxy", 1, 16),
    ("kube-scheduler", 4, 24),
    ("mariadbd", 1, 82),
    ("metrics-server", 3, 19),
    ("mongod", 5, 148),
    ("mysqld", 6, 372),
    ("nginx", 0, 4),
    ("nginx-ingress-controller", 2, 92),
    ("postgres", 1, 26),
    ("python3", 0, 9),
    ("redis-server", 2, 4),
    ("storage-provisioner", 1, 10),
];

/// What a container has used so far, and uses now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Processor time in microseconds since its start.
    pub cpu: u64,
    /// Memory in bytes.
    pub memory: u64,
    /// When it started.
    pub started: Time,
}

impl Container {
    /// What it uses at a moment.
    pub fn usage(&self, now: Time) -> Usage {
        let base = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
        let row = self.config.argv.iter().find_map(|word| ROWS.iter().find(|(name, ..)| *name == base(word)));
        let (idle, mebibytes) = row.map_or((0, 1), |(_, idle, mebibytes)| (*idle, *mebibytes));
        let running = now.since(self.started).as_micros() as u64;
        let machine = self.machine.as_ref();
        let stepped = machine.map_or(0, |machine| machine.used * FUEL_MICROS);
        let taken = machine
            .and_then(|machine| machine.kernel.files_ref().read_text(MEMORY_CURRENT).ok())
            .and_then(|text| text.trim().parse::<u64>().ok());
        let memory = (mebibytes << 20) + taken.unwrap_or(0);
        Usage {
            cpu: stepped + running / 1000 * idle,
            memory: memory.min(self.config.limits.memory.unwrap_or(u64::MAX)),
            started: self.started,
        }
    }
}
