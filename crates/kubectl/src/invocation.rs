//! [`Invocation`]: one call of one command, and what every command needs from it.

use drydock_api::{GroupVersionKind, Resource};
use drydock_value::Time;

use crate::client::Client;
use crate::commands::Spec;
use crate::env::{Env, Io};
use crate::failure::{Failure, quote};
use crate::flags::{CommandInfo, Flags, Parsed};
use crate::kubeconfig::{Asking, Connection, Kubeconfig, connection};
use crate::mapper::Mapper;
use crate::mapper::cache::Cache;

/// Commands, and groups of them, that make their client before they ask for the context's namespace: they tell otherwise
/// what is wrong with a kubeconfig.
const CLIENT_FIRST: &[&str] = &[
    "api-resources",
    "api-versions",
    "apply",
    "auth can-i",
    "auth whoami",
    "autoscale",
    "certificate ",
    "cluster-info",
    "cluster-info dump",
    "cordon",
    "create",
    "create ",
    "diff",
    "drain",
    "explain",
    "expose",
    "proxy",
    "replace",
    "run",
    "set env",
    "top node",
    "uncordon",
    "version",
    "wait",
];

/// One call of one command.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// How kubectl was called.
    pub env: Env,
    /// The command's row of the flag table.
    pub command: &'static CommandInfo,
    /// The command's row of the command table.
    pub spec: &'static Spec,
    /// Positional arguments.
    pub args: Vec<String>,
    /// How many of them stood before `--`, if it was there.
    pub dash: Option<usize>,
    /// The flags.
    pub flags: Flags,
    /// The command line without `kubectl` itself: the command, its arguments, then the flags as `--name=value`.
    pub typed: Vec<String>,
    /// When the command began.
    pub started: Time,
    pub(crate) stdin: Option<Vec<u8>>,
    client: Option<Client>,
    mapper: Option<Mapper>,
    /// Whether the mapper comes from what an earlier command kept.
    from_cache: bool,
    warned: Vec<String>,
}

impl Invocation {
    pub(crate) fn new(
        env: Env,
        spec: &'static Spec,
        parsed: Parsed,
        stdin: Option<Vec<u8>>,
        started: Time,
    ) -> Invocation {
        let typed = [parsed.words, parsed.args.clone(), parsed.typed].concat();
        Invocation {
            env,
            typed,
            command: parsed.command,
            spec,
            args: parsed.args,
            dash: parsed.dash,
            flags: parsed.flags,
            stdin,
            started,
            client: None,
            mapper: None,
            from_cache: false,
            warned: Vec::new(),
        }
    }

    /// A usage error: `error: words`, then `See 'kubectl x -h' for help and examples`.
    pub fn usage(&self, words: impl Into<String>) -> Failure {
        Failure::Usage(words.into())
    }

    /// The arguments before and after `--`.
    pub fn split_at_dash(&self) -> (&[String], &[String]) {
        self.args.split_at(self.dash.unwrap_or(self.args.len()).min(self.args.len()))
    }

    /// The kubeconfig's files.
    ///
    /// # Errors
    /// When one can't be read.
    pub fn kubeconfig(&self, io: &mut Io<'_>) -> Result<Kubeconfig, Failure> {
        Kubeconfig::load(&self.flags, &self.env, io.files)
    }

    /// The global flags alone: `create rolebinding --user` is not the user of the kubeconfig.
    fn global_flags(&self) -> Flags {
        self.flags.without(self.command.flags.iter().map(|flag| flag.name))
    }

    /// Where and as whom to connect.
    ///
    /// # Errors
    /// clientcmd's words.
    pub fn connection(&self, io: &mut Io<'_>) -> Result<Connection, Failure> {
        let files = self.kubeconfig(io)?;
        let missing = files.explicit && files.files.iter().all(|(_, config)| config.is_none());
        let missing = missing.then(|| self.flags.str("kubeconfig"));
        let place = |path: &str, typed: bool| {
            // Paths of flags count from here, relative ones of a kubeconfig from its folder.
            let folder = files.default_path().rsplit_once('/').map_or("/", |(folder, _)| folder);
            let folder = if typed { &self.env.cwd } else { folder };
            Env { cwd: folder.to_owned(), ..self.env.clone() }.absolute(path)
        };
        let path = self.command.path;
        let first = |known: &&str| path == *known || (known.ends_with(' ') && path.starts_with(known));
        let asking = Asking {
            missing,
            client_first: (CLIENT_FIRST.iter().any(first) && path != "create token")
                || (path == "get" && !self.flags.str("raw").is_empty()),
            unreadable: &mut |path, typed| match io.files.read(&place(path, typed)) {
                Err(errno) if errno != crate::env::AGAIN => Some(errno),
                _ => None,
            },
        };
        let merged = files.merged();
        let mut connection = connection(&merged, &self.global_flags(), asking)?;
        crate::kubeconfig::within_cluster(&merged, &self.env, io.files, &mut connection);
        if let drydock_api::Auth::Certificate { certificate } = &mut connection.auth
            && !certificate.contains("-----BEGIN")
            && let Ok(bytes) = io.files.read(&place(certificate, self.flags.non_empty("client-certificate").is_some()))
        {
            *certificate = String::from_utf8_lossy(&bytes).into_owned();
        }
        Ok(connection)
    }

    /// The client, made at the first call.
    ///
    /// # Errors
    /// When the kubeconfig is wrong.
    pub fn client(&mut self, io: &mut Io<'_>) -> Result<&mut Client, Failure> {
        if self.client.is_none() {
            let mut connection = self.connection(io)?;
            self.prompt(io, &mut connection)?;
            let mut client = Client::new(connection, &self.global_flags());
            if self.flags.bool("match-server-version") {
                let server = crate::mapper::server_version(&mut client, io)?;
                crate::commands::api::match_versions(&server)?;
            }
            self.client = Some(client);
        }
        // Made just above.
        Ok(self.client.get_or_insert_default())
    }

    /// Over TLS, whoever has nothing to say who they are is asked for a name and a password.
    fn prompt(&self, io: &mut Io<'_>, connection: &mut Connection) -> Result<(), Failure> {
        const METHODS: [&str; 8] = [
            "token",
            "tokenFile",
            "username",
            "password",
            "client-certificate",
            "client-certificate-data",
            "exec",
            "auth-provider",
        ];
        let user = &mut connection.user;
        if !connection.server.starts_with("https:") || METHODS.iter().any(|method| !user[*method].is_empty()) {
            return Ok(());
        }
        if self.stdin.is_none() {
            io.print("Please enter Username: ");
        }
        let typed = self.stdin()?;
        let typed = String::from_utf8_lossy(&typed);
        let mut lines = typed.lines();
        let name = lines.next().ok_or("EOF")?;
        io.print("Please enter Password: ");
        if !io.terminal.stdin {
            return Err("error reading input for Password".into());
        }
        user.set("username", name);
        user.set("password", lines.next().unwrap_or_default());
        Ok(())
    }

    /// How many warnings came, when `--warnings-as-errors` counts them.
    pub(crate) fn warnings_to_refuse(&self) -> usize {
        self.client.as_ref().filter(|client| client.warnings_as_errors).map_or(0, |client| client.warnings)
    }

    /// The namespace to work in: `-n`, or the context's, or `default`.
    ///
    /// # Errors
    /// When the kubeconfig is wrong.
    pub fn namespace(&mut self, io: &mut Io<'_>) -> Result<String, Failure> {
        Ok(self.client(io)?.namespace().to_owned())
    }

    /// What the server serves: as an earlier command has kept it, or asked once.
    ///
    /// # Errors
    /// When the server can't be reached.
    pub fn mapper(&mut self, io: &mut Io<'_>) -> Result<&Mapper, Failure> {
        if self.mapper.is_none() {
            match self.cache(io)?.read(io) {
                Some(kept) => (self.mapper, self.from_cache) = (Some(Mapper::of(kept)), true),
                None => self.discover(io)?,
            }
        }
        Ok(self.mapper.get_or_insert_default())
    }

    /// What the server serves now, and not what was kept.
    ///
    /// # Errors
    /// When the server can't be reached.
    pub fn fresh_mapper(&mut self, io: &mut Io<'_>) -> Result<&Mapper, Failure> {
        if self.mapper.is_none() || self.from_cache {
            self.discover(io)?;
        }
        Ok(self.mapper.get_or_insert_default())
    }

    /// What the server serves: the server is asked when what was kept lacks what is looked for.
    ///
    /// # Errors
    /// When the server can't be reached.
    pub fn mapper_with(&mut self, io: &mut Io<'_>, known: impl Fn(&Mapper) -> bool) -> Result<&Mapper, Failure> {
        if known(self.mapper(io)?) { self.mapper(io) } else { self.fresh_mapper(io) }
    }

    /// The resource of a kind.
    ///
    /// # Errors
    /// When the server can't be reached; `no matches for kind "X" in version "v1"`.
    pub fn kind(&mut self, io: &mut Io<'_>, kind: &GroupVersionKind) -> Result<Resource, Failure> {
        self.mapper_with(io, |mapper| mapper.kind(kind).is_ok())?.kind(kind).cloned()
    }

    /// What a word means, if it means anything.
    ///
    /// # Errors
    /// When the server can't be reached.
    pub fn lookup(&mut self, io: &mut Io<'_>, word: &str) -> Result<Option<Resource>, Failure> {
        Ok(self.mapper_with(io, |mapper| mapper.lookup(word).is_some())?.lookup(word).cloned())
    }

    fn cache(&mut self, io: &mut Io<'_>) -> Result<Cache, Failure> {
        let server = self.client(io)?.connection.server.clone();
        Ok(Cache::of(&self.flags, &self.env, &server))
    }

    /// Asks the server, and keeps what it says.
    fn discover(&mut self, io: &mut Io<'_>) -> Result<(), Failure> {
        match Mapper::discover(self.client(io)?, io) {
            Ok(mapper) => {
                self.cache(io)?.write(io, mapper.resources());
                (self.mapper, self.from_cache) = (Some(mapper), false);
                Ok(())
            }
            Err(failure) => Err(self.unreached(io, failure)),
        }
    }

    /// What is said when the server that should tell what it serves is not reached: client-go complains at each of its
    /// tries, and how many there are depends on what is looked for.
    fn unreached(&mut self, io: &mut Io<'_>, failure: Failure) -> Failure {
        let Some(status) = failure.status().filter(|status| status.code == 0) else { return failure };
        let why = status.message.clone();
        let server = self.client(io).map(|client| client.connection.server.clone()).unwrap_or_default();
        let asked = |path: &str| format!("Get {}: {why}", quote(&format!("{server}{path}?timeout=32s")));
        let path = self.command.path;
        let file = self.flags.list("filename").into_iter().next();
        let source = file.map(|file| quote(if file == "-" { "STDIN" } else { &file }));
        if let Some(source) = source.as_ref().filter(|_| matches!(path, "create" | "apply" | "replace")) {
            let validates = self.field_validation().is_ok_and(|how| how != "Ignore");
            if validates && !self.flags.bool("force") {
                return Failure::Error(format!(
                    "error validating {source}: error validating data: failed to download openapi: {}; if you choose to ignore these errors, turn validation off with --validate=false",
                    asked("/openapi/v2")
                ));
            }
        }
        let word = self.args.first().map_or("", String::as_str);
        let tries = match path {
            _ if source.is_some() => 1,
            "events" if self.flags.str("for").is_empty() => 0,
            "top node" | "top pod" => 0,
            "run" | "api-resources" | "api-versions" => 1,
            "auth can-i" | "create clusterrole" | "create role" | "events" | "explain" | "taint" => 2,
            "attach"
            | "certificate approve"
            | "certificate deny"
            | "cordon"
            | "create job"
            | "debug"
            | "drain"
            | "exec"
            | "logs"
            | "port-forward"
            | "uncordon" => 4,
            _ if word.contains('/') => 4,
            _ => 4 + word.split(',').count(),
        };
        for _ in 0..tries {
            let head = crate::verbose::klog(io, 'E', "memcache.go:265");
            let what = format!("couldn't get current server API group list: {}", asked("/api"));
            io.eprintln(format!("{head}\"Unhandled Error\" err={}", quote(&what)));
        }
        match source {
            Some(source) => {
                let words = Failure::Error(format!("unable to recognize {source}: {}", asked("/api")));
                // What goes on after errors says them bare.
                let one = matches!(path.split(' ').next(), Some("apply" | "create" | "delete" | "diff" | "replace"));
                if one { words } else { Failure::Many(vec![words]) }
            }
            None if path == "api-versions" => {
                Failure::Error(format!("couldn't get available api versions from server: {}", asked("/api")))
            }
            None => failure,
        }
    }

    /// A resource by what people call it.
    ///
    /// # Errors
    /// `the server doesn't have a resource type "x"`.
    pub fn resource(&mut self, io: &mut Io<'_>, word: &str) -> Result<Resource, Failure> {
        let mapper = self.mapper_with(io, |mapper| mapper.lookup(word).is_some())?;
        let others = mapper.ambiguous(word);
        let resource = mapper.resolve(word).cloned()?;
        for other in others {
            let warning =
                format!("Warning: short name {} could also match lower priority resource {other}", quote(word));
            if !self.warned.contains(&warning) {
                io.eprintln(&warning);
                self.warned.push(warning);
            }
        }
        Ok(resource)
    }

    /// All of standard input. Call it before anything that can be seen: the command may be run again from its
    /// beginning when input is not complete yet.
    ///
    /// # Errors
    /// [`Failure::WantStdin`], to be passed on with `?`.
    pub fn stdin(&self) -> Result<Vec<u8>, Failure> {
        self.stdin.clone().ok_or(Failure::WantStdin)
    }

    /// A file's bytes; `-` and `/dev/stdin` are standard input. The words of an error are Go's:
    /// `open x: no such file or directory`.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read_file(&self, io: &mut Io<'_>, path: &str) -> Result<Vec<u8>, Failure> {
        if matches!(path, "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0") {
            return self.stdin();
        }
        let absolute = self.env.absolute(path);
        io.files.read(&absolute).map_err(|errno| match errno.as_str() {
            crate::env::AGAIN => Failure::Later(crate::env::Wait { file: true, ..crate::env::Wait::default() }),
            errno => Failure::Error(format!("open {path}: {errno}")),
        })
    }

    /// `--dry-run`.
    ///
    /// # Errors
    /// An unknown value.
    pub fn dry_run(&self, io: &mut Io<'_>) -> Result<DryRun, Failure> {
        match self.flags.str("dry-run") {
            "" | "none" => Ok(DryRun::None),
            "client" => Ok(DryRun::Client),
            "server" => Ok(DryRun::Server),
            "unchanged" => {
                deprecated(io, 719, "", "client");
                Ok(DryRun::Client)
            }
            value => match crate::flags::parse_bool(value) {
                Some(true) => {
                    deprecated(io, 733, "=true", "client");
                    Ok(DryRun::Client)
                }
                Some(false) => {
                    deprecated(io, 736, "=false", "none");
                    Ok(DryRun::None)
                }
                None => Err(Failure::Error(format!(
                    "Invalid dry-run value ({value}). Must be \"none\", \"server\", or \"client\"."
                ))),
            },
        }
    }

    /// `--validate` as the server's `fieldValidation`.
    ///
    /// # Errors
    /// An unknown value.
    pub fn field_validation(&self) -> Result<&'static str, Failure> {
        match self.flags.str("validate") {
            "strict" | "true" => Ok("Strict"),
            "warn" => Ok("Warn"),
            "ignore" | "false" => Ok("Ignore"),
            value => Err(Failure::Error(format!(
                "invalid - validate option \"{value}\"; must be one of: strict (or true), warn, ignore (or false)"
            ))),
        }
    }
}

/// What `--dry-run` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DryRun {
    /// Do it.
    #[default]
    None,
    /// Only show what would be sent.
    Client,
    /// Let the server check it without storing.
    Server,
}

impl DryRun {
    /// The query parameter `dryRun`.
    pub fn param(self) -> (&'static str, &'static str) {
        ("dryRun", if self == DryRun::Server { "All" } else { "" })
    }

    /// What follows the operation in messages: ` (dry run)`.
    pub fn suffix(self) -> &'static str {
        match self {
            DryRun::None => "",
            DryRun::Client => " (dry run)",
            DryRun::Server => " (server dry run)",
        }
    }
}

/// Go's log says what a value of `--dry-run` is called now.
fn deprecated(io: &mut Io<'_>, line: u32, old: &str, new: &str) {
    let head = crate::verbose::klog(io, 'W', &format!("helpers.go:{line}"));
    let boolean = if old.is_empty() { "" } else { " (boolean value)" };
    io.eprintln(format!("{head}--dry-run{old} is deprecated{boolean} and can be replaced with --dry-run={new}."));
}
