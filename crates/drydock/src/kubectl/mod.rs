//! kubectl as a native program: its small traits over the real file system, terminal, processes, sockets, and HTTP.
//!
//! The command is a state machine that is stepped by one thread. Whatever it may wait for (streams of the API, standard
//! input, children, sockets) is brought by tasks and threads that put it into queues and ring the [`Bell`].
//!
//! - [`transport`]: requests. [`streams`]: watches, logs, exec, attach, port-forward. [`connect`], [`tls`],
//!   [`credentials`]: the way to the server.
//! - [`system`]: files and children. [`fetch`]: files that have a URL. [`terminal`]: the standard streams. [`sockets`]: local ports.

mod bell;
mod connect;
mod credentials;
mod fetch;
mod sockets;
mod streams;
mod system;
mod terminal;
mod tls;
mod transport;

use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use drydock_kubectl::env::Step;
use drydock_kubectl::kubeconfig::{Asking, Connection, Kubeconfig, connection};
use drydock_kubectl::{Command, Env, Io};
use drydock_value::{Time, Value};

use bell::Bell;

/// How long a command may take to end after Ctrl-C.
const FAREWELL: Duration = Duration::from_secs(1);

fn environment(words: impl Iterator<Item = OsString>) -> Env {
    let text = |word: OsString| word.to_string_lossy().into_owned();
    let cwd = std::env::current_dir().map_or_else(|_| "/".into(), |path| path.to_string_lossy().into_owned());
    let home = std::env::var("HOME").ok().filter(|home| !home.is_empty()).unwrap_or_else(|| "/".into());
    let vars = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
    Env { args: words.map(text).collect(), vars, cwd, home }
}

/// Where and as whom the command line and the kubeconfig say. A command line that cannot be read, or a kubeconfig that is
/// wrong, is for the command itself to complain of.
fn destination(env: &Env) -> Option<Connection> {
    let files = &mut system::Disk;
    let parsed = drydock_kubectl::parsed(env, files)?;
    let config = Kubeconfig::load(&parsed.flags, env, files).ok()?;
    // A command's own flags are not the connection's: `create rolebinding --user`.
    let flags = parsed.flags.without(parsed.command.flags.iter().map(|flag| flag.name));
    let asking = Asking { missing: None, client_first: false, unreadable: &mut |_, _| None };
    let mut found = connection(&config.merged(), &flags, asking).ok()?;
    // What a credential plugin may not ask its questions on.
    if !found.user["exec"].is_null() {
        let manifest = parsed.flags.list("filename").iter().chain(&parsed.args).any(|word| word == "-");
        found.user["exec"].set("stdinUnavailable", manifest);
        let preferences = drydock_kubectl::credential_policy(env, files);
        for field in ["credentialPluginPolicy", "credentialPluginAllowlist"] {
            found.user["exec"].set(field, &preferences[field]);
        }
    }
    // Relative paths count from the kubeconfig's folder, those of flags from here.
    let folder = config.default_path().rsplit_once('/').map_or("/", |(folder, _)| folder);
    let there = Env { cwd: folder.to_owned(), ..env.clone() };
    let absolute = |entry: &mut Value, keys: &[&str]| {
        for key in keys {
            let from = if flags.non_empty(key).is_some() { env } else { &there };
            if let Some(path) = entry[*key].as_str().filter(|path| !path.is_empty()).map(|path| from.absolute(path)) {
                entry.set(*key, path);
            }
        }
    };
    absolute(&mut found.cluster, &["certificate-authority"]);
    absolute(&mut found.user, &["client-certificate", "client-key", "tokenFile"]);
    // A name without a slash is looked for in PATH.
    if found.user["exec"]["command"].str().contains('/') {
        absolute(&mut found.user["exec"], &["command"]);
    }
    Some(found)
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// Chance: what the standard library keeps its hash maps unpredictable with.
fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

/// Runs one command line, without the program's own name, to its end.
pub fn main(words: impl Iterator<Item = OsString>) -> ExitCode {
    let env = environment(words);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let bell = Arc::new(Bell::default());
    watch_signals(&runtime, &bell);
    let mut api = transport::Http::new(runtime.handle().clone(), bell.clone(), destination(&env).unwrap_or_default());
    let mut files = system::Disk;
    let mut stdin = terminal::Input::new(bell.clone());
    let mut children = system::Processes::new(bell.clone());
    let mut network = sockets::Sockets::new(runtime.handle().clone(), bell.clone());
    let mut command = Command::new(env);
    let code = loop {
        let written = terminal::Written::default();
        let mut io = Io {
            api: &mut api,
            files: &mut files,
            stdin: &mut stdin,
            children: &mut children,
            network: &mut network,
            random: &mut random,
            now: now(),
            terminal: terminal::describe(),
            out: &mut terminal::Writer(&written, terminal::Stream::Out),
            err: &mut terminal::Writer(&written, terminal::Stream::Err),
        };
        let step = match bell.interrupted() {
            true => Step::Exit(command.interrupt(&mut io)),
            false => command.step(&mut io),
        };
        if !written.flush() {
            break 141;
        }
        stdin.settle();
        match step {
            Step::Exit(code) => break code,
            Step::Continue => {}
            Step::Wait(wait) => {
                let patience = wait.until.map(|until| until.since(now()));
                bell.wait(patience);
            }
        }
    };
    stdin.restore();
    api.finish();
    network.finish();
    runtime.shutdown_timeout(Duration::from_millis(200));
    ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1))
}

/// Ctrl-C interrupts the command; a new size of the terminal is news for it.
fn watch_signals(runtime: &tokio::runtime::Runtime, bell: &Arc<Bell>) {
    let ring = bell.clone();
    runtime.spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            ring.interrupt();
            let patience = FAREWELL;
            tokio::spawn(async move {
                tokio::time::sleep(patience).await;
                // It waits for something that cannot be interrupted: a request, say.
                std::process::exit(130);
            });
        }
    });
    #[cfg(unix)]
    {
        let ring = bell.clone();
        runtime.spawn(async move {
            let kind = tokio::signal::unix::SignalKind::window_change();
            if let Ok(mut signal) = tokio::signal::unix::signal(kind) {
                while signal.recv().await.is_some() {
                    ring.ring();
                }
            }
        });
    }
}
