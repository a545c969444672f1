//! `stress`: takes memory and processor time. What takes more memory than its container may is killed.

use std::time::Duration;

use drydock_shell::{Program, Step, Sys, Wait};
use drydock_value::Time;

use crate::runtime::usage::{MEMORY_CURRENT, MEMORY_LIMIT};

/// Where the kernel tells that the memory limit was exceeded.
pub const MEMORY_EVENTS: &str = "/sys/fs/cgroup/memory.events";

/// The program.
#[derive(Debug, Clone, Default)]
pub struct Stress {
    started: bool,
    cpu: bool,
    until: Option<Time>,
    since: Time,
}

/// `150M` in bytes.
fn bytes(text: &str) -> u64 {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().unwrap_or(0);
    match text.get(digits.len()..).unwrap_or("").chars().next() {
        Some('k' | 'K') => number << 10,
        Some('m' | 'M') => number << 20,
        Some('g' | 'G') => number << 30,
        _ => number,
    }
}

impl Program for Stress {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !self.started {
            return self.start(sys);
        }
        if let Some(until) = self.until
            && sys.now() >= until
        {
            let seconds = sys.now().since(self.since).as_secs();
            sys.print(&format!("stress: info: [{}] successful run completed in {seconds}s\n", sys.pid()));
            return Step::Exit(0);
        }
        if self.cpu {
            sys.charge(1000);
            return Step::Continue;
        }
        Wait::forever().or_until(self.until).into()
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Stress {
    fn start(&mut self, sys: &mut Sys<'_>) -> Step {
        let args = sys.args();
        let value = |short: &str, long: &str| {
            args.iter().enumerate().find_map(|(index, word)| {
                let next = || args.get(index + 1).cloned().unwrap_or_default();
                if word == short || word == long {
                    Some(next())
                } else {
                    word.strip_prefix(&format!("{long}=")).map(str::to_owned)
                }
            })
        };
        let count = |text: Option<String>| text.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let (cpu, vm) = (count(value("-c", "--cpu")), count(value("-m", "--vm")));
        let io = count(value("-i", "--io"));
        if cpu + vm + io == 0 {
            sys.print(
                "`stress' imposes certain types of compute stress on your system\n\nUsage: stress [OPTION [ARG]] ...\n",
            );
            return Step::Exit(0);
        }
        let pid = sys.pid();
        sys.print(&format!("stress: info: [{pid}] dispatching hogs: {cpu} cpu, {io} io, {vm} vm, 0 hdd\n"));
        self.started = true;
        self.since = sys.now();
        self.cpu = cpu > 0;
        let timeout = value("-t", "--timeout").unwrap_or_default();
        let seconds = timeout.trim_end_matches('s').parse::<u64>().ok();
        self.until = seconds.map(|seconds| sys.now() + Duration::from_secs(seconds));
        let wanted = vm * value("", "--vm-bytes").map_or(256 << 20, |text| bytes(&text));
        let limit = sys.files().read_text(MEMORY_LIMIT).ok().and_then(|text| text.trim().parse::<u64>().ok());
        if vm > 0 && limit.is_some_and(|limit| wanted > limit) {
            // The kernel kills the worker, or, when that is the only process, everything.
            let _ = sys.files().write(MEMORY_EVENTS, b"oom 1\noom_kill 1\n");
            sys.eprint(&format!(
                "stress: FAIL: [{pid}] (416) <-- worker {} got signal 9\nstress: WARN: [{pid}] (418) now reaping child \
                 worker processes\nstress: FAIL: [{pid}] (452) failed run completed in 0s\n",
                pid + 1
            ));
            return Step::Exit(1);
        }
        if vm > 0 {
            let _ = sys.files().write(MEMORY_CURRENT, format!("{wanted}\n").as_bytes());
        }
        Step::Continue
    }
}
