//! Files and child processes.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use drydock_kubectl::env::{ChildId, Children, Files, Spawn};
use drydock_value::Time;

use super::bell::Bell;

/// errno's words as Go prints them.
pub(super) fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// The file system.
pub(super) struct Disk;

impl Files for Disk {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|error| words(&error))
    }
    fn fetch(&mut self, url: &str) -> Result<Vec<u8>, String> {
        super::fetch::fetch(url)
    }
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), String> {
        std::fs::write(path, bytes).map_err(|error| words(&error))
    }
    fn list_dir(&mut self, path: &str) -> Result<Vec<String>, String> {
        let entries = std::fs::read_dir(path).map_err(|error| words(&error))?;
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        Ok(names)
    }
    fn exists(&mut self, path: &str) -> bool {
        Path::new(path).exists()
    }
    fn is_dir(&mut self, path: &str) -> bool {
        Path::new(path).is_dir()
    }
    #[cfg(unix)]
    fn is_executable(&mut self, path: &str) -> bool {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    }
    fn modified(&mut self, path: &str) -> Option<Time> {
        let modified = std::fs::metadata(path).ok()?.modified().ok()?;
        let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(Time::from_seconds(since.as_secs()))
    }
    fn remove(&mut self, path: &str) -> Result<(), String> {
        let path = Path::new(path);
        let folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
        if folder { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.map_err(|error| words(&error))
    }
    fn mkdir_all(&mut self, path: &str) -> Result<(), String> {
        std::fs::create_dir_all(path).map_err(|error| words(&error))
    }
}

#[derive(Default)]
struct State {
    code: Option<i32>,
    out: Vec<u8>,
    err: Vec<u8>,
    process: Option<u32>,
}

type Shared = Arc<Mutex<State>>;

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Child processes.
pub(super) struct Processes {
    bell: Arc<Bell>,
    children: BTreeMap<ChildId, Shared>,
}

impl Processes {
    pub(super) fn new(bell: Arc<Bell>) -> Processes {
        Processes { bell, children: BTreeMap::new() }
    }
}

/// Reads what a child prints to its end.
fn collect(mut from: impl Read, state: &Shared, bell: &Bell, to: fn(&mut State) -> &mut Vec<u8>) {
    let mut buffer = [0; 1 << 13];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        to(&mut lock(state)).extend_from_slice(&buffer[..count]);
        bell.ring();
    }
}

#[cfg(unix)]
fn signal_of(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal_of(_: std::process::ExitStatus) -> Option<i32> {
    None
}

impl Children for Processes {
    fn spawn(&mut self, spawn: Spawn) -> Result<ChildId, String> {
        let name = spawn.argv.first().cloned().unwrap_or_default();
        let mut command = Command::new(&name);
        command.args(spawn.argv.iter().skip(1)).envs(spawn.vars);
        if spawn.capture {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound if !name.contains('/') => {
                format!("exec: \"{name}\": executable file not found in $PATH")
            }
            _ => format!("fork/exec {name}: {}", words(&error)),
        })?;
        let state = Shared::default();
        lock(&state).process = Some(child.id());
        let id = ChildId(u32::try_from(self.children.len()).unwrap_or(u32::MAX));
        self.children.insert(id, state.clone());
        let bell = self.bell.clone();
        std::thread::spawn(move || {
            let (out, err) = (child.stdout.take(), child.stderr.take());
            std::thread::scope(|scope| {
                if let Some(err) = err {
                    scope.spawn(|| collect(err, &state, &bell, |state| &mut state.err));
                }
                if let Some(out) = out {
                    collect(out, &state, &bell, |state| &mut state.out);
                }
            });
            let code = match child.wait() {
                Ok(status) => status.code().or_else(|| signal_of(status).map(|signal| 128 + signal)).unwrap_or(-1),
                Err(_) => -1,
            };
            let mut state = lock(&state);
            state.code = Some(code);
            state.process = None;
            bell.ring();
        });
        Ok(id)
    }

    fn poll(&mut self, child: ChildId) -> Option<i32> {
        self.children.get(&child).map_or(Some(127), |state| lock(state).code)
    }

    fn output(&mut self, child: ChildId) -> (Vec<u8>, Vec<u8>) {
        let Some(state) = self.children.get(&child) else { return Default::default() };
        let mut state = lock(state);
        (std::mem::take(&mut state.out), std::mem::take(&mut state.err))
    }

    fn kill(&mut self, child: ChildId) {
        let Some(process) = self.children.get(&child).and_then(|state| lock(state).process) else { return };
        #[cfg(unix)]
        if let Some(pid) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) {
            // One that has just ended needs no signal.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        #[cfg(not(unix))]
        let _ = process;
    }
}
