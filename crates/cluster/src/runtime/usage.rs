//! What containers use: processor time and memory.
//!
//! Processor time is what their processes' steps took. Beyond that a program has a use of its own while it only waits,
//! which no step shows, and the memory that it takes when it has come up: [`ROWS`].

use drydock_shell::{Backing, FUEL_MICROS, Fs};
use drydock_value::Time;

use super::{Container, Outcome, Runtime};
use crate::ctx::Ctx;

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

/// The memory that a program takes by being there, in bytes.
pub fn base_memory(argv: &[String]) -> u64 {
    row(argv).map_or(1, |(_, _, mebibytes)| *mebibytes) << 20
}

fn row(argv: &[String]) -> Option<&'static (&'static str, u64, u64)> {
    let base = |word: &String| ROWS.iter().find(|(name, ..)| word.rsplit('/').next() == Some(name));
    argv.iter().find_map(base)
}

impl Container {
    /// What it uses at a moment.
    pub fn usage(&self, now: Time) -> Usage {
        let idle = row(&self.config.argv).map_or(0, |(_, idle, _)| *idle);
        let running = now.since(self.started).as_micros() as u64;
        let stepped = self.machine.as_ref().map_or(0, |machine| machine.used * FUEL_MICROS);
        Usage {
            cpu: stepped + running / 1000 * idle,
            memory: self.memory.min(self.config.limits.memory.unwrap_or(u64::MAX)),
            started: self.started,
        }
    }
}

impl Runtime {
    /// How many bytes of memory the containers of the node hold.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// Whether that has become more since this was asked last.
    pub fn takes_more(&mut self) -> bool {
        std::mem::take(&mut self.takes_more)
    }

    /// Whether containers have written much since this was asked last.
    pub fn fills_disk(&mut self) -> bool {
        std::mem::take(&mut self.fills_disk)
    }

    /// How many bytes of the node's disk nobody uses.
    pub fn free_disk(&self) -> u64 {
        let on_disk = |fs: &Fs| if fs.backing() == Backing::Disk { fs.used() } else { 0 };
        let volumes: u64 = self.volumes.values().map(on_disk).sum();
        let own = |container: &Container| {
            let files = container.machine.as_ref().and_then(|machine| machine.kernel.files_ref().root_fs());
            files.map_or(0, on_disk) + container.log.end()
        };
        let containers: u64 = self.containers.values().map(own).sum();
        self.hardware.disk.saturating_sub(self.hardware.disk_taken + volumes + containers)
    }

    /// Counts what a container holds from now on.
    pub(super) fn set_memory(&mut self, number: u64, bytes: u64) {
        let Some(container) = self.containers.get_mut(&number) else { return };
        let old = std::mem::replace(&mut container.memory, bytes);
        self.memory = (self.memory + bytes).saturating_sub(old);
        self.takes_more |= bytes > old;
    }

    /// Kills a container because the node has no memory left.
    pub fn kill_for_memory(&mut self, number: u64, ctx: &mut Ctx<'_>) -> Vec<Outcome> {
        match self.containers.get_mut(&number).filter(|container| container.running()) {
            None => Vec::new(),
            Some(Container { machine: Some(machine), .. }) => {
                machine.kernel.kill_for_memory();
                machine.busy_until = Time::default();
                self.run_at(number, ctx.now, ctx)
            }
            Some(_) => {
                self.ended(number, 137, String::new(), true, ctx.now, ctx);
                vec![Outcome::Ended(137)]
            }
        }
    }

    /// Which part of the node's processors a container gets whose processes keep so many of them busy, in thousandths of
    /// one. While more is wanted than there is, each gets by its weight, and nobody more than it may have.
    pub(super) fn processor_share(&self, number: u64, busy: u32, now: Time) -> u64 {
        let wants = |container: &Container, busy: u32| {
            let limits = &container.config.limits;
            let most = limits.cpu_milli.unwrap_or(u64::MAX);
            (most.min(u64::from(busy.max(1)) * 1000).max(1), limits.weight.unwrap_or(1).max(1))
        };
        let Some(own) = self.containers.get(&number).map(|container| wants(container, busy)) else { return 1000 };
        let others = self.containers.iter().filter(|(other, _)| **other != number).filter_map(|(_, container)| {
            let machine = container.machine.as_ref().filter(|machine| machine.busy_until > now)?;
            Some(wants(container, machine.busy))
        });
        share(own, others.collect(), u64::from(self.hardware.processors) * 1000)
    }
}

/// The part of `all` that one gets beside others: each is what it wants and its weight.
fn share(own: (u64, u64), mut others: Vec<(u64, u64)>, all: u64) -> u64 {
    let mut left = all;
    loop {
        let weights: u64 = own.1 + others.iter().map(|(_, weight)| weight).sum::<u64>();
        let fair = |weight: u64| left * weight / weights.max(1);
        if own.0 <= fair(own.1) {
            return own.0;
        }
        let content: u64 =
            others.iter().filter(|(wanted, weight)| *wanted <= fair(*weight)).map(|(wanted, _)| wanted).sum();
        if content == 0 {
            return fair(own.1).max(1);
        }
        others.retain(|(wanted, weight)| *wanted > fair(*weight));
        left = left.saturating_sub(content);
    }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn processors_are_shared_by_weight() {
        // What one wants and its weight, the others, and what it gets of 4 processors.
        type Row<'r> = ((u64, u64), &'r [(u64, u64)], u64);
        let rows: [Row<'_>; 6] = [
            ((1000, 1), &[], 1000),
            ((9000, 1), &[], 4000),
            ((4000, 1), &[(4000, 1)], 2000),
            ((4000, 3), &[(4000, 1)], 3000),
            ((4000, 1), &[(500, 100)], 3500),
            ((1000, 1), &[(4000, 1), (4000, 1)], 1000),
        ];
        for (own, others, expected) in rows {
            assert_eq!(share(own, others.to_vec(), 4000), expected, "{own:?} {others:?}");
        }
    }
}
