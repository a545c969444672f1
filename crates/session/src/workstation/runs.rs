//! Scripts that run beside the terminals: checks, the native command, tests.

use drydock_shell::{Pid, PipeId, Stdio};

use super::Workstation;
use crate::{Event, Output, RunId};

/// Output of a script that is kept; what comes after is dropped.
const OUTPUT_BYTES_MAX: usize = 16 << 20;

/// A script that runs.
#[derive(Clone)]
pub(super) struct Run {
    pid: Option<Pid>,
    stdout: PipeId,
    stderr: PipeId,
    printed: (Vec<u8>, Vec<u8>),
    /// Its exit code, once it has ended.
    code: Option<i32>,
}

impl Workstation {
    pub(super) fn start_run(&mut self, script: &str) {
        let id = RunId(self.next_run);
        self.next_run += 1;
        let (stdout, stderr) = (self.kernel.pipe(), self.kernel.pipe());
        let spawn =
            Self::shell(&["bash", "-c", script], false).stdio(Stdio::Null, Stdio::Pipe(stdout), Stdio::Pipe(stderr));
        let started = self.kernel.spawn(spawn);
        let mut run = Run { pid: None, stdout, stderr, printed: (Vec::new(), Vec::new()), code: None };
        match started {
            Ok(pid) => run.pid = Some(pid),
            Err(error) => {
                run.printed.1 = format!("bash: fork: {}\n", error.message()).into_bytes();
                run.code = Some(254);
            }
        }
        self.runs.insert(id, run);
        self.collect_runs();
    }

    /// Ends a script that takes too long.
    pub fn kill_run(&mut self, id: RunId) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.code = Some(124);
        if let Some(pid) = run.pid {
            self.kernel.signal(pid, drydock_shell::Signal::Kill);
        }
        self.collect_runs();
    }

    /// Whether a script has ended (or never was).
    pub fn run_ended(&self, id: RunId) -> bool {
        !self.runs.contains_key(&id)
    }

    pub(super) fn collect_runs(&mut self) {
        let mut ended = Vec::new();
        for (id, run) in &mut self.runs {
            for (pipe, printed) in [(run.stdout, &mut run.printed.0), (run.stderr, &mut run.printed.1)] {
                let bytes = self.kernel.drain(pipe);
                let room = OUTPUT_BYTES_MAX.saturating_sub(printed.len());
                printed.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            if let Some(code) = run.pid.and_then(|pid| self.kernel.reap(pid)) {
                run.code.get_or_insert(code);
            }
            if run.code.is_some() {
                ended.push(*id);
            }
        }
        for id in ended {
            let Some(run) = self.runs.remove(&id) else { continue };
            self.kernel.close_pipe(run.stdout);
            self.kernel.close_pipe(run.stderr);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let output = Output {
                stdout: text(&run.printed.0),
                stderr: text(&run.printed.1),
                code: run.code.unwrap_or_default(),
            };
            self.events.push(Event::Ran(id, output));
        }
    }
}
