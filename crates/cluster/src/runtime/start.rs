//! How a container begins: its files, its machine, its main process; and processes beside it.

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::sync::{Arc, OnceLock};

use drydock_shell::{Backing, Env, Errno, Fs, Hardware, Kernel, Layout, Options, Spawn, User, Vfs};
use drydock_value::Time;

use super::images::flavour;
use super::machine::{Machine, Session, Sink};
use super::usage::base_memory;
use super::{Container, ContainerConfig, Runtime, State};
use crate::ctx::Ctx;
use crate::metrics::SYSTEM;
use crate::network::Place;

/// How a process is to be run beside the main one.
#[derive(Debug, Clone, Default)]
pub struct Exec {
    /// Its words.
    pub argv: Vec<String>,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether something is typed.
    pub stdin: bool,
}

/// Why a process could not be started, as runc says it.
fn runc(command: &str, error: Errno) -> String {
    match error {
        Errno::NotFound if !command.contains('/') => format!("exec: \"{command}\": executable file not found in $PATH"),
        Errno::NotFound => format!("exec: \"{command}\": stat {command}: no such file or directory"),
        Errno::Denied | Errno::IsDir => format!("exec: \"{command}\": permission denied"),
        Errno::NoExec => format!("exec {command}: exec format error"),
        error => format!("exec: \"{command}\": {}", error.message().to_lowercase()),
    }
}

impl Runtime {
    /// Starts a container's main process.
    ///
    /// # Errors
    /// Why it could not be started, in the runtime's words; the container has ended then.
    pub fn start(&mut self, number: u64, ctx: &mut Ctx<'_>) -> Result<(), String> {
        let Some(container) = self.containers.get_mut(&number) else { return Err("no such container".into()) };
        container.state = State::Running;
        container.started = ctx.now;
        let base = base_memory(&container.config.argv);
        let seen = self.sandboxes.get(&container.sandbox).is_some_and(|sandbox| sandbox.shares_processes);
        let dormant = container.dormant_by_nature() && !seen;
        self.set_memory(number, base);
        if dormant {
            return Ok(());
        }
        match self.make_machine(number, ctx) {
            Ok(()) => {
                self.wake(number, ctx.now, ctx);
                Ok(())
            }
            Err(why) => {
                let message = format!(
                    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create \
                     failed: unable to start container process: error during container init: {why}"
                );
                self.set_memory(number, 0);
                if let Some(container) = self.containers.get_mut(&number) {
                    container.state = State::Exited;
                    container.started = Time::default();
                    container.finished = ctx.now;
                    container.exit_code = 128;
                    container.reason = "StartError";
                    container.message.clone_from(&message);
                }
                Err(message)
            }
        }
    }

    /// Gives a running container its machine, if it has none yet, and lets it come up as it would have at its start.
    pub fn materialise(&mut self, number: u64, ctx: &mut Ctx<'_>) -> Vec<super::Outcome> {
        let Some(container) = self.containers.get(&number) else { return Vec::new() };
        if !container.running() || container.machine.is_some() {
            return Vec::new();
        }
        let started = container.started;
        if self.make_machine(number, ctx).is_err() {
            return Vec::new();
        }
        self.run_at(number, started, ctx)
    }

    fn make_machine(&mut self, number: u64, ctx: &mut Ctx<'_>) -> Result<(), String> {
        let Some(container) = self.containers.get(&number) else { return Err("no such container".into()) };
        let Some(sandbox) = self.sandboxes.get(&container.sandbox) else { return Err("no sandbox".into()) };
        let (config, image, started) = (container.config.clone(), container.image.clone(), container.started);
        let mut files = Vfs::new(ctx.network.registry.root(&image));
        files.set_time(started);
        let pod = container.pod;
        let hosts_head = match sandbox.place {
            // Container of no pod: the node itself.
            Place::Node(_) if pod == 0 => "",
            Place::Node(_) => "# Kubernetes-managed hosts file (host network).\n",
            _ => "# Kubernetes-managed hosts file.\n",
        };
        let etc = [
            ("hosts", sandbox.names.hosts_file(sandbox.own_hosts, hosts_head)),
            ("hostname", format!("{}\n", sandbox.hostname)),
            ("resolv.conf", sandbox.names.resolver.file()),
        ];
        Kernel::mount_proc(&mut files);
        mount_files(&mut files, "/etc", &etc, started);
        let _ = files.mount("/sys/fs/cgroup", control_files(), "", true);
        let settings = ctx.network.registry.settings(&config.sysctls);
        let _ = files.mount("/proc/sys", settings, "", !config.privileged);
        let hostname = sandbox.hostname.to_string();
        self.mount_volumes(&config, &mut files, started)?;
        if config.cwd != "/" {
            let _ = files.mkdir_all(&config.cwd);
        }
        if !config.message_path.is_empty() {
            // Whoever the process runs as may leave a message.
            let parent = config.message_path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let _ = files.mkdir_all(parent);
            let _ = files.write(&config.message_path, b"");
            let _ = files.chmod(&config.message_path, 0o666);
        }
        if config.read_only {
            files.set_read_only("/", true);
        }
        let own = self.containers.get(&number).map_or(0, |container| container.memory);
        let hardware = Hardware { memory_taken: SYSTEM.1 + self.memory().saturating_sub(own), ..self.hardware };
        let options = Options {
            hostname,
            flavour: flavour(image.base),
            now: started,
            rights: config.rights.clone(),
            hardware,
            first_pid: self.first_process(number),
            control: (pod != 0).then(|| config.limits.control(base_memory(&config.argv))),
        };
        let mut kernel = Kernel::new(files, options);
        let random = self.containers.get(&number).map_or(0, |container| container.salt);
        let result = spawn_main(&mut kernel, &config);
        // What was lent for the start goes back whatever came of it.
        self.take_back(&config, &mut kernel);
        let (main, stdin, outputs, tty) = result?;
        let mut machine = Box::new(Machine::new(kernel, main, random));
        (machine.stdin, machine.outputs, machine.tty) = (stdin, outputs, tty);
        if let Some(container) = self.containers.get_mut(&number) {
            container.machine = Some(machine);
        }
        Ok(())
    }

    fn mount_volumes(&mut self, config: &ContainerConfig, files: &mut Vfs, now: Time) -> Result<(), String> {
        let mut first: SortedMap<&super::VolumeId, &str> = SortedMap::new();
        let mut mounts: Vec<&super::Mount> = config.mounts.iter().collect();
        // An outer mount comes before what is mounted inside of it.
        mounts.sort_compact_by_key(|mount| mount.path.matches('/').count());
        for mount in mounts {
            let wrong = |error: Errno| {
                format!("error mounting \"{}\" to rootfs at \"{1}\": {error}", mount.volume.name, mount.path)
            };
            if mount.fixed {
                let fs = self.volume(&mount.volume, now).clone();
                files.mount(&mount.path, fs, &mount.sub_path, true).map_err(wrong)?;
            } else if let Some(holder) = first.get(&mount.volume) {
                files.mount_again(&mount.path, holder, &mount.sub_path, mount.read_only).map_err(wrong)?;
            } else {
                self.volume(&mount.volume, now);
                let fs = self.volumes.remove(&mount.volume).unwrap_or_default();
                files.mount(&mount.path, fs, &mount.sub_path, mount.read_only).map_err(wrong)?;
                first.insert(&mount.volume, &mount.path);
            }
        }
        Ok(())
    }

    /// Lends a container the volumes that it shares with others. How many bytes those that are in memory hold; none when
    /// none is.
    pub(super) fn lend(&mut self, config: &ContainerConfig, kernel: &mut Kernel) -> Option<u64> {
        let mut held = None;
        for mount in shared_mounts(config) {
            if let Some(fs) = self.volumes.remove(&mount.volume) {
                if fs.backing() == Backing::Memory {
                    held = Some(held.unwrap_or(0) + fs.used());
                }
                kernel.files().put(&mount.path, fs);
            }
        }
        held
    }

    /// Takes back what was lent.
    pub(super) fn take_back(&mut self, config: &ContainerConfig, kernel: &mut Kernel) {
        for mount in shared_mounts(config) {
            if let Some(fs) = kernel.files().take(&mount.path) {
                self.volumes.insert(mount.volume.clone(), fs);
            }
        }
    }

    /// Runs a process in a running container; its number there.
    ///
    /// # Errors
    /// Why it could not be started, in the runtime's words.
    pub fn exec(&mut self, number: u64, exec: Exec, sink: Sink, ctx: &mut Ctx<'_>) -> Result<u64, String> {
        let salt = ctx.random.next_u64();
        let Some(Container { machine: Some(machine), config, state: State::Running, .. }) =
            self.containers.get_mut(&number)
        else {
            return Err("container not running".into());
        };
        let command = exec.argv.first().cloned().unwrap_or_default();
        let mut env = (*config.env).clone();
        if exec.tty {
            env.insert("TERM".into(), "xterm".into());
        }
        let kernel = &mut machine.kernel;
        let mut spawn = Spawn::new(exec.argv).env(env).cwd(config.cwd.clone()).user(user_of(config));
        let mut session = Session {
            pid: 0,
            stdin: None,
            stdout: None,
            stderr: None,
            tty: None,
            sink,
            typed: Default::default(),
            input_ended: false,
        };
        if exec.tty {
            let tty = kernel.open_tty(80, 24);
            session.tty = Some(tty);
            spawn = spawn.tty(tty);
        } else {
            let (out, err) = (kernel.pipe(), kernel.pipe());
            (session.stdout, session.stderr) = (Some(out), Some(err));
            let stdin = exec.stdin.then(|| kernel.pipe());
            session.stdin = stdin;
            let input = stdin.map_or(drydock_shell::Stdio::Null, drydock_shell::Stdio::Pipe);
            spawn = spawn.stdio(input, drydock_shell::Stdio::Pipe(out), drydock_shell::Stdio::Pipe(err));
        }
        match kernel.spawn(spawn) {
            Ok(pid) => session.pid = pid,
            Err(error) => {
                let mut state = salt;
                let id: String = (0..4).map(|_| format!("{:016x}", super::host::draw(&mut state))).collect();
                return Err(format!(
                    "failed to exec in container: failed to start exec \"{id}\": OCI runtime exec failed: exec failed: \
                     unable to start container process: {}",
                    runc(&command, error)
                ));
            }
        }
        machine.last_session += 1;
        let session_number = machine.last_session;
        machine.sessions.insert(session_number, session);
        self.wake(number, ctx.now, ctx);
        Ok(session_number)
    }
}

/// The mounts of volumes that several containers may write to, each volume once.
fn shared_mounts(config: &ContainerConfig) -> impl Iterator<Item = &super::Mount> {
    let mut seen: Vec<&super::VolumeId> = Vec::new();
    let mut mounts: Vec<&super::Mount> = config.mounts.iter().filter(|mount| !mount.fixed).collect();
    mounts.sort_compact_by_key(|mount| mount.path.matches('/').count());
    mounts.retain(|mount| {
        let new = !seen.contains(&&mount.volume);
        seen.push(&mount.volume);
        new
    });
    mounts.into_iter()
}

/// The names at `/sys/fs/cgroup`; the kernel knows what is in them.
fn control_files() -> Fs {
    static FILES: OnceLock<Fs> = OnceLock::new();
    let make = || {
        let mut layout = Layout::new(Time::default());
        for name in Kernel::CGROUP_FILES {
            layout.file(name, Vec::new(), 0o444);
        }
        layout.finish(0o555).on(Backing::Kernel("cgroup2"))
    };
    FILES.get_or_init(make).clone()
}

/// Mounts files of the runtime's own over the image's.
fn mount_files(files: &mut Vfs, folder: &str, contents: &[(&str, String)], now: Time) {
    if contents.is_empty() {
        return;
    }
    let mut own = Vfs::default();
    own.set_time(now);
    for (name, text) in contents {
        let _ = own.write(&format!("/{name}"), text.as_bytes());
    }
    let Some(fs) = own.root_fs().cloned() else { return };
    let mut holder: Option<String> = None;
    for (name, _) in contents {
        let path = format!("{folder}/{name}");
        match &holder {
            None => {
                let _ = files.mount(&path, fs.clone(), name, false);
                holder = Some(path);
            }
            Some(first) => {
                let _ = files.mount_again(&path, first, name, false);
            }
        }
    }
}

fn user_of(config: &ContainerConfig) -> User {
    User { uid: config.user.uid, gid: config.user.gid }
}

type Started = (
    drydock_shell::Pid,
    Option<drydock_shell::PipeId>,
    Option<(drydock_shell::PipeId, drydock_shell::PipeId)>,
    Option<drydock_shell::TtyId>,
);

fn spawn_main(kernel: &mut Kernel, config: &ContainerConfig) -> Result<Started, String> {
    use drydock_shell::Stdio;
    let command = config.argv.first().cloned().unwrap_or_default();
    if command.is_empty() {
        return Err("no command specified".into());
    }
    let mut spawn = Spawn::new(config.argv.iter().cloned()).cwd(config.cwd.clone()).user(user_of(config)).init();
    spawn.env = Some(Arc::clone(&config.env) as Arc<Env>);
    let (mut stdin, mut outputs, mut tty) = (None, None, None);
    if config.tty {
        let id = kernel.open_tty(80, 24);
        tty = Some(id);
        spawn = spawn.tty(id);
    } else {
        let (out, err) = (kernel.pipe(), kernel.pipe());
        outputs = Some((out, err));
        stdin = config.stdin.then(|| kernel.pipe());
        spawn = spawn.stdio(stdin.map_or(Stdio::Null, Stdio::Pipe), Stdio::Pipe(out), Stdio::Pipe(err));
    }
    let main = kernel.spawn(spawn).map_err(|error| runc(&command, error))?;
    Ok((main, stdin, outputs, tty))
}
