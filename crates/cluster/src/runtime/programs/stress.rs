//! Programs that take memory and processor time: `stress`, and the one of the Kubernetes documentation, `vish/stress`.

use std::time::Duration;

use drydock_shell::{Errno, Open, Program, Signal, Spawn, Step, Sys, Wait};
use drydock_value::Time;

use super::daemon::klog;

/// What a worker of `stress` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hog {
    /// Computes.
    Cpu,
    /// Waits for the disk, mostly.
    Io,
    /// Takes so many bytes of memory: again and again, or for so many seconds at a time (0: for good).
    Memory(u64, Option<u64>),
    /// Writes so many bytes into a file.
    Disk(u64),
}

/// A process of `stress` that does the work.
#[derive(Debug, Clone)]
struct Worker {
    hog: Hog,
    began: bool,
}

impl Program for Worker {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !std::mem::replace(&mut self.began, true) {
            match self.hog {
                Hog::Memory(bytes, _) if !sys.hold_memory(bytes) => return Step::Exit(1),
                Hog::Disk(bytes) => {
                    if let Err(error) = take_disk(sys, bytes) {
                        let pid = sys.pid();
                        sys.eprint(&format!("stress: FAIL: [{pid}] (593) write failed: {error}\n"));
                        return Step::Exit(1);
                    }
                }
                _ => {}
            }
        }
        match self.hog {
            Hog::Cpu | Hog::Memory(_, None) => {
                sys.charge(1000);
                Step::Continue
            }
            _ => Wait::forever().into(),
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// Fills a file that has no name any more, as `stress --hdd` does.
fn take_disk(sys: &mut Sys<'_>, bytes: u64) -> Result<(), Errno> {
    let path = sys.path(&format!("stress.{:06}", sys.pid()));
    // It stays open, so that it takes room as long as the worker lives.
    sys.open(&path, Open::Write)?;
    let sized = sys.files().set_size(&path, bytes);
    sys.files().remove(&path)?;
    sized
}

/// `stress`.
#[derive(Debug, Clone, Default)]
pub struct Stress {
    started: bool,
    until: Option<Time>,
    since: Time,
    workers: Vec<u32>,
    failed: bool,
}

/// `150M` in bytes.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let shift = match text.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}

/// `10`, `10s`, `2m`, `1h`, `1d` in seconds.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..)? {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "y" => 31_536_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// What `stress` was asked for: how many workers of each kind, and their settings.
#[derive(Debug, Default)]
struct Asked {
    counts: [u64; 4],
    memory: Option<u64>,
    disk: Option<u64>,
    hang: Option<u64>,
    timeout: Option<u64>,
    quiet: bool,
}

/// The kinds of workers, as they are counted.
const KINDS: [&str; 4] = ["cpu", "io", "vm", "hdd"];
/// More workers than that are not made.
const WORKERS_MAX: usize = 64;

impl Asked {
    /// Reads the words.
    fn parse(words: &[String]) -> Result<Asked, String> {
        let mut asked = Asked::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, attached) = match word.split_once('=').filter(|_| word.starts_with("--")) {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let (name, attached) = match (name, name.get(..2), name.get(2..)) {
                (_, Some(short @ ("-c" | "-i" | "-m" | "-d" | "-t")), Some(rest)) if !rest.is_empty() => {
                    (short, Some(rest.to_owned()))
                }
                _ => (name, attached),
            };
            if matches!(
                name,
                "-q" | "--quiet" | "-v" | "--verbose" | "-n" | "--dry-run" | "--vm-keep" | "--hdd-noclean"
            ) {
                asked.quiet |= matches!(name, "-q" | "--quiet");
                continue;
            }
            let mut value = || attached.clone().or_else(|| words.next().cloned()).unwrap_or_default();
            let wrong = |value: &str| format!("(244) conversion error: {value}");
            let count = |value: String| value.parse::<u64>().map_err(|_| wrong(&value));
            let size = |value: String| bytes(&value).ok_or_else(|| wrong(&value));
            match name {
                "-c" | "--cpu" => asked.counts[0] = count(value())?,
                "-i" | "--io" => asked.counts[1] = count(value())?,
                "-m" | "--vm" => asked.counts[2] = count(value())?,
                "-d" | "--hdd" => asked.counts[3] = count(value())?,
                "--vm-bytes" => asked.memory = Some(size(value())?),
                "--vm-stride" | "--backoff" => drop(value()),
                "--vm-hang" => asked.hang = Some(count(value())?),
                "--hdd-bytes" => asked.disk = Some(size(value())?),
                "-t" | "--timeout" => {
                    let text = value();
                    asked.timeout = Some(seconds(&text).ok_or_else(|| wrong(&text))?);
                }
                _ => return Err(format!("(244) unrecognized option: {word}")),
            }
        }
        Ok(asked)
    }

    fn hogs(&self) -> Vec<Hog> {
        let kinds = [
            Hog::Cpu,
            Hog::Io,
            Hog::Memory(self.memory.unwrap_or(256 << 20), self.hang),
            Hog::Disk(self.disk.unwrap_or(1 << 30)),
        ];
        let of = |(count, hog): (&u64, Hog)| std::iter::repeat_n(hog, usize::try_from(*count).unwrap_or(WORKERS_MAX));
        self.counts.iter().zip(kinds).flat_map(of).take(WORKERS_MAX).collect()
    }
}

impl Program for Stress {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !std::mem::replace(&mut self.started, true) {
            return self.start(sys);
        }
        while let Some((worker, code, signal)) = sys.wait_how() {
            self.workers.retain(|pid| *pid != worker);
            if self.until.is_some_and(|until| sys.now() >= until) && signal == Some(Signal::Term) {
                continue;
            }
            let pid = sys.pid();
            let how = match signal {
                Some(signal) => format!("got signal {}", signal.number()),
                None => format!("returned error {code}"),
            };
            sys.eprint(&format!("stress: FAIL: [{pid}] (416) <-- worker {worker} {how}\n"));
            if !std::mem::replace(&mut self.failed, true) {
                sys.eprint(&format!("stress: WARN: [{pid}] (418) now reaping child worker processes\n"));
                self.stop(sys);
            }
        }
        if !self.workers.is_empty() {
            if self.until.is_some_and(|until| sys.now() >= until) && !self.failed {
                self.stop(sys);
                return Wait::child().into();
            }
            return Wait::child().or_until(self.until.filter(|_| !self.failed)).into();
        }
        let (pid, lasted) = (sys.pid(), sys.now().since(self.since).as_secs());
        if self.failed {
            sys.eprint(&format!("stress: FAIL: [{pid}] (452) failed run completed in {lasted}s\n"));
            return Step::Exit(1);
        }
        sys.print(&format!("stress: info: [{pid}] successful run completed in {lasted}s\n"));
        Step::Exit(0)
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Stress {
    fn start(&mut self, sys: &mut Sys<'_>) -> Step {
        let pid = sys.pid();
        let asked = match Asked::parse(sys.args().get(1..).unwrap_or_default()) {
            Ok(asked) => asked,
            Err(why) => {
                sys.eprint(&format!("stress: FAIL: [{pid}] {why}\n"));
                return Step::Exit(1);
            }
        };
        let hogs = asked.hogs();
        if hogs.is_empty() {
            sys.print(
                "`stress' imposes certain types of compute stress on your system\n\nUsage: stress [OPTION [ARG]] ...\n",
            );
            return Step::Exit(0);
        }
        if !asked.quiet {
            let counts: Vec<String> =
                KINDS.iter().zip(asked.counts).map(|(kind, count)| format!("{count} {kind}")).collect();
            sys.print(&format!("stress: info: [{pid}] dispatching hogs: {}\n", counts.join(", ")));
        }
        self.since = sys.now();
        self.until =
            asked.timeout.filter(|seconds| *seconds > 0).map(|seconds| sys.now() + Duration::from_secs(seconds));
        for hog in hogs {
            let worker = Spawn::program(Box::new(Worker { hog, began: false }), sys.args().to_vec());
            match sys.spawn(worker) {
                Ok(worker) => self.workers.push(worker),
                Err(error) => {
                    sys.eprint(&format!("stress: FAIL: [{pid}] (398) fork failed: {error}\n"));
                    self.failed = true;
                }
            }
        }
        Wait::child().or_until(self.until).into()
    }

    fn stop(&self, sys: &mut Sys<'_>) {
        for worker in &self.workers {
            let _ = sys.kill(*worker, Signal::Term);
        }
    }
}

/// The program of `vish/stress`, which takes memory bit by bit and keeps processors busy.
#[derive(Debug, Clone, Default)]
pub struct Consumer {
    started: bool,
    total: u64,
    chunk: u64,
    pause: Duration,
    held: u64,
    words: String,
    next: Time,
}

/// `10Mi`, `100M` in bytes.
fn quantity(text: &str) -> u64 {
    drydock_schema::quantity::Quantity::parse(text).map_or(0, |amount| amount.value().max(0).unsigned_abs())
}

/// `1ms`, `2s` in time.
fn pause(text: &str) -> Duration {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number = digits.parse().unwrap_or(0);
    match text.get(digits.len()..) {
        Some("ms") => Duration::from_millis(number),
        Some("us") => Duration::from_micros(number),
        Some("m") => Duration::from_secs(number * 60),
        _ => Duration::from_secs(number),
    }
}

impl Consumer {
    fn start(&mut self, sys: &mut Sys<'_>) {
        let words = sys.args();
        let flag = |name: &str, otherwise: &str| {
            let is = |word: &String| word.trim_start_matches('-').split('=').next() == Some(name);
            let at = words.iter().position(is);
            let value = at.and_then(|at| {
                let word = words.get(at)?;
                word.split_once('=').map(|(_, value)| value.to_owned()).or_else(|| words.get(at + 1).cloned())
            });
            value.unwrap_or_else(|| otherwise.to_owned())
        };
        let (total, chunk, sleep) =
            (flag("mem-total", "0"), flag("mem-alloc-size", "4Ki"), flag("mem-alloc-sleep", "1ms"));
        let now = klog(sys.now());
        sys.eprint(&format!(
            "{now} main.go:26] Allocating \"{total}\" memory, in \"{chunk}\" chunks, with a {sleep} sleep between allocations\n"
        ));
        let workers = flag("cpus", "0").parse::<usize>().unwrap_or(0).min(WORKERS_MAX);
        for _ in 0..workers {
            sys.eprint(&format!("{now} main.go:39] Spawning a thread to consume CPU\n"));
            let worker = Worker { hog: Hog::Cpu, began: false };
            let _ = sys.spawn(Spawn::program(Box::new(worker), words.to_vec()));
        }
        (self.total, self.chunk, self.pause) = (quantity(&total), quantity(&chunk).max(4096), pause(&sleep));
        self.words = total;
    }
}

impl Program for Consumer {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !std::mem::replace(&mut self.started, true) {
            self.start(sys);
        }
        if self.held > self.total || self.next > sys.now() {
            return Wait::forever().or_until((self.held <= self.total).then_some(self.next)).into();
        }
        if self.held == self.total {
            let now = klog(sys.now());
            sys.eprint(&format!("{now} main.go:29] Allocated \"{}\" memory\n", self.words));
            self.held = u64::MAX;
            return Step::Continue;
        }
        // Chunks that are tiny are taken many at a time.
        let pause = self.pause.max(Duration::from_millis(100));
        let chunks = (pause.as_micros() / self.pause.as_micros().max(1)).max(1) as u64;
        self.held = (self.held + self.chunk.saturating_mul(chunks)).min(self.total);
        if !sys.hold_memory(self.held) {
            return Step::Exit(137);
        }
        self.next = sys.now() + pause;
        Wait::until(self.next).into()
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stress_is_asked_for() {
        let hogs = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            Asked::parse(&words).map(|asked| (asked.hogs(), asked.timeout))
        };
        let memory = |bytes, hang| Hog::Memory(bytes, hang);
        assert_eq!(hogs("--cpu 2 -t 5m"), Ok((vec![Hog::Cpu, Hog::Cpu], Some(300))));
        assert_eq!(hogs("-m 1 --vm-bytes 150M --vm-hang 1"), Ok((vec![memory(150 << 20, Some(1))], None)));
        assert_eq!(hogs("--vm=1 -c1"), Ok((vec![Hog::Cpu, memory(256 << 20, None)], None)));
        assert_eq!(hogs("--hdd 1 --hdd-bytes 1G"), Ok((vec![Hog::Disk(1 << 30)], None)));
        assert_eq!(hogs("--cpu x").unwrap_err(), "(244) conversion error: x");
        assert_eq!(hogs("--frob").unwrap_err(), "(244) unrecognized option: --frob");
    }
}
