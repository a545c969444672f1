//! The entrypoint scripts of images: what they print, what they insist on, and then the command.

use drydock_shell::{Program, Spawn, Step, Sys};

/// Becomes the program that its own arguments name.
fn run(argv: Vec<String>, sys: &mut Sys<'_>) -> Step {
    let shown = argv.first().cloned().unwrap_or_default();
    if argv.is_empty() {
        return Step::Exit(0);
    }
    match sys.exec(Spawn::new(argv)) {
        Ok(()) => Step::Continue,
        Err(error) => {
            let words = if shown.contains('/') { error.message() } else { "not found" };
            let script = sys.args().first().cloned().unwrap_or_default();
            sys.eprint(&format!("{script}: exec: {shown}: {words}\n"));
            Step::Exit(if error == drydock_shell::Errno::Denied { 126 } else { 127 })
        }
    }
}

fn arguments(sys: &Sys<'_>) -> Vec<String> {
    sys.args().get(1..).unwrap_or_default().to_vec()
}

macro_rules! program {
    ($(#[$doc:meta])* $name:ident, $step:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl Program for $name {
            fn step(&mut self, sys: &mut Sys<'_>) -> Step {
                let step: fn(&mut Sys<'_>) -> Step = $step;
                step(sys)
            }

            fn clone_box(&self) -> Box<dyn Program> {
                Box::new(*self)
            }
        }
    };
}

program!(
    /// Runs its arguments; of redis, options alone are the server's.
    RunArguments,
    |sys| {
        let mut argv = arguments(sys);
        if argv.first().is_some_and(|word| word == "--") {
            argv.remove(0);
        }
        // `-log-file=...` and the like are for the runner itself.
        while argv.len() > 1 && argv.first().is_some_and(|word| word.starts_with("-log-file") || word.starts_with("--log-file")) {
            argv.remove(0);
        }
        let redis = sys.env("REDIS_VERSION").is_some();
        if redis && argv.first().is_some_and(|word| word.starts_with('-') || word.ends_with(".conf")) {
            argv.insert(0, "redis-server".into());
        }
        if argv.first().is_some_and(|word| word.starts_with('-')) && sys.env("MONGO_VERSION").is_some() {
            argv.insert(0, "mongod".into());
        }
        run(argv, sys)
    }
);

program!(
    /// nginx: tells which of its scripts it runs, when the command is nginx.
    Nginx,
    |sys| {
        let argv = arguments(sys);
        if argv.first().is_some_and(|word| word == "nginx" || word == "nginx-debug") {
            let scripts = sys.files().list("/docker-entrypoint.d").unwrap_or_default();
            let me = "/docker-entrypoint.sh";
            if scripts.is_empty() {
                sys.print(&format!("{me}: No files found in /docker-entrypoint.d/, skipping configuration\n"));
            } else {
                sys.print(&format!(
                    "{me}: /docker-entrypoint.d/ is not empty, will attempt to perform configuration\n\
                     {me}: Looking for shell scripts in /docker-entrypoint.d/\n"
                ));
                for script in &scripts {
                    let name = &script.name;
                    let path = format!("/docker-entrypoint.d/{name}");
                    if name.ends_with(".envsh") {
                        sys.print(&format!("{me}: Sourcing {path}\n"));
                    } else if name.ends_with(".sh") && script.stat.mode & 0o111 != 0 {
                        sys.print(&format!("{me}: Launching {path}\n"));
                        if name.starts_with("10-listen-on-ipv6") {
                            listen_on_ipv6(sys);
                        }
                    } else {
                        sys.print(&format!("{me}: Ignoring {path}\n"));
                    }
                }
                sys.print(&format!("{me}: Configuration complete; ready for start up\n"));
            }
        }
        run(argv, sys)
    }
);

/// What the first script says about the default site. The file itself stays as it is: there is no IPv6 here.
fn listen_on_ipv6(sys: &mut Sys<'_>) {
    let me = "10-listen-on-ipv6-by-default.sh";
    let path = "/etc/nginx/conf.d/default.conf";
    let user = sys.user();
    let text = if !sys.files().exists(path) {
        format!("{me}: info: /{} is not a file or does not exist\n", path.trim_start_matches('/'))
    } else if user.uid != 0 || !sys.files().access(path, 2) {
        format!("{me}: info: can not modify {path} (read-only file system?)\n")
    } else {
        format!("{me}: info: Getting the checksum of {path}\n{me}: info: Enabled listen on IPv6 in {path}\n")
    };
    sys.print(&text);
}

program!(
    /// postgres: insists on a password.
    Postgres,
    |sys| {
        let mut argv = arguments(sys);
        if argv.first().is_none_or(|word| word.starts_with('-')) {
            argv.insert(0, "postgres".into());
        }
        let data = sys.env("PGDATA").unwrap_or_else(|| "/var/lib/postgresql/data".into());
        let server = argv.first().is_some_and(|word| word == "postgres");
        let initialised = sys.files().exists(&format!("{data}/PG_VERSION"));
        if server && !initialised {
            let password = sys.env("POSTGRES_PASSWORD").unwrap_or_default();
            let file = sys.env("POSTGRES_PASSWORD_FILE").unwrap_or_default();
            let trust = sys.env("POSTGRES_HOST_AUTH_METHOD").is_some_and(|method| method == "trust");
            if password.is_empty() && file.is_empty() && !trust {
                sys.eprint(
                    "Error: Database is uninitialized and superuser password is not specified.\n       You must specify \
                     POSTGRES_PASSWORD to a non-empty value for the\n       superuser. For example, \"-e \
                     POSTGRES_PASSWORD=password\" on \"docker run\".\n\n       You may also use \
                     \"POSTGRES_HOST_AUTH_METHOD=trust\" to allow all\n       connections without a password. This is \
                     *not* recommended.\n\n       See PostgreSQL documentation about \"trust\":\n       \
                     https://www.postgresql.org/docs/current/auth-trust.html\n",
                );
                return Step::Exit(1);
            }
            let major = sys.env("PG_VERSION").unwrap_or_default();
            let major = major.split('.').next().unwrap_or("16").to_owned();
            let _ = sys.files().mkdir_all(&data);
            let _ = sys.files().write(&format!("{data}/PG_VERSION"), format!("{major}\n").as_bytes());
            let _ = sys.files().write(&format!("{data}/postgresql.conf"), b"listen_addresses = '*'\n");
            sys.print(&format!(
                "The files belonging to this database system will be owned by user \"postgres\".\nThis user must also own \
                 the server process.\n\nfixing permissions on existing directory {data} ... ok\ncreating subdirectories ... \
                 ok\n\nSuccess. You can now start the database server using:\n\n    pg_ctl -D {data} -l logfile start\n\n\
                 PostgreSQL init process complete; ready for start up.\n\n"
            ));
        } else if server {
            sys.print("\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n");
        }
        run(argv, sys)
    }
);

program!(
    /// mysql and mariadb: insist on a password option.
    Mysql,
    |sys| {
        let mut argv = arguments(sys);
        let maria = sys.env("MARIADB_VERSION");
        let (product, server) = if maria.is_some() { ("MariaDB", "mariadbd") } else { ("MySQL", "mysqld") };
        if argv.first().is_none_or(|word| word.starts_with('-')) {
            argv.insert(0, server.into());
        }
        let version = maria.clone().or_else(|| sys.env("MYSQL_VERSION")).unwrap_or_default();
        let (year, month, day, hour, minute, second) = sys.now().civil();
        let stamp = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}+00:00");
        let note = |text: &str| format!("{stamp} [Note] [Entrypoint]: {text}\n");
        if argv.first().is_some_and(|word| word == server) {
            sys.print(&note(&format!("Entrypoint script for {product} Server {version} started.")));
            let initialised = sys.files().exists("/var/lib/mysql/mysql");
            let set = |name: &str| sys.env(name).is_some_and(|text| !text.is_empty());
            let ways: &[&str] = &[
                "MYSQL_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD_FILE", "MYSQL_ALLOW_EMPTY_PASSWORD", "MYSQL_RANDOM_ROOT_PASSWORD",
                "MARIADB_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD_FILE", "MARIADB_ROOT_PASSWORD_HASH",
                "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", "MARIADB_RANDOM_ROOT_PASSWORD",
            ];
            if !initialised && !ways.iter().any(|way| set(way)) {
                let prefix = if maria.is_some() { "MARIADB" } else { "MYSQL" };
                let allow = if maria.is_some() { "ALLOW_EMPTY_ROOT_PASSWORD" } else { "ALLOW_EMPTY_PASSWORD" };
                sys.eprint(&format!(
                    "{stamp} [ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n    \
                     You need to specify one of the following as an environment variable:\n    - {prefix}_ROOT_PASSWORD\n    \
                     - {prefix}_{allow}\n    - {prefix}_RANDOM_ROOT_PASSWORD\n"
                ));
                return Step::Exit(1);
            }
            if !initialised {
                let _ = sys.files().mkdir_all("/var/lib/mysql/mysql");
                sys.print(&note("Initializing database files"));
                sys.print(&note("Database files initialized"));
            }
            sys.print(&note(&format!("{product} init process done. Ready for start up.")));
        }
        run(argv, sys)
    }
);
