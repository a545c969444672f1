//! A shell on the node's own machine, for `ssh`: its processes run beside the containers, on the node's network and with
//! the node's files.

use std::sync::Arc;

use drydock_api::StreamId;
use drydock_shell::{Env, Rights, Signal};

use super::Kubelet;
use super::serve::Seat;
use crate::ctx::Ctx;
use crate::network::Place;
use crate::network::dns::Resolver;
use crate::runtime::images::{Base, User};
use crate::runtime::start::Exec;
use crate::runtime::{ContainerConfig, Image, Limits, Mount, Names, Sandbox, Sink, node_root};

/// The node's own folders, which pods may mount too.
const FOLDERS: [&str; 7] = ["/etc/kubernetes", "/var", "/opt", "/mnt", "/srv", "/run", "/data"];

impl Kubelet {
    /// Runs a process on the machine itself.
    ///
    /// # Errors
    /// Why it could not be started.
    pub(crate) fn login(&mut self, exec: Exec, stream: StreamId, ctx: &mut Ctx<'_>) -> Result<Seat, String> {
        let known = self.login.filter(|number| self.runtime.container(*number).is_some_and(|c| c.running()));
        let number = match known {
            Some(number) => number,
            None => self.make_login(ctx)?,
        };
        let session = self.runtime.exec(number, exec, Sink::Stream(stream), ctx)?;
        Ok(Seat { node: self.node, container: number, session: Some(session) })
    }

    fn make_login(&mut self, ctx: &mut Ctx<'_>) -> Result<u64, String> {
        self.lay_out_manifests(ctx);
        let name = self.config.name.as_str();
        let ip = self.config.ip.parse().unwrap_or(std::net::Ipv4Addr::LOCALHOST);
        let (hostname, place) = (drydock_value::Str::from(name), Place::Node(self.node));
        let names = Names { hosts: vec![(ip, vec![name.to_owned()])], resolver: Resolver::node(), by_pods: false };
        let sandbox = Sandbox {
            place,
            ip,
            hostname,
            names: Arc::new(names),
            own_hosts: 1,
            shares_processes: false,
            looked_into: false,
        };
        let sandbox = self.runtime.add_sandbox(|_| sandbox);
        let programs =
            ["/usr/bin/systemctl", "/usr/bin/journalctl", "/usr/bin/crictl", "/usr/bin/sudo", "/sbin/init=pause"];
        let programs = programs.map(str::to_owned).to_vec();
        let image = Image {
            repository: "node".into(),
            version: String::new(),
            digest: "node".into(),
            size: 0,
            base: Base::Debian,
            entrypoint: Vec::new(),
            command: Vec::new(),
            env: Vec::new(),
            ports: Vec::new(),
            workdir: "/".into(),
            user: User::default(),
            stop_signal: String::new(),
            files: Vec::new(),
            programs,
            idle: false,
        };
        let mut env = Env::new();
        for (name, text) in [
            ("HOME", "/root"),
            ("USER", "root"),
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("PS1", "\\u@\\h:\\w# "),
        ] {
            env.insert(name.into(), text.into());
        }
        let mount = |path: &str| Mount {
            volume: node_root(),
            path: path.into(),
            sub_path: path.trim_start_matches('/').into(),
            read_only: false,
            fixed: false,
        };
        let config = ContainerConfig {
            name: "node".into(),
            argv: vec!["/sbin/init".into()],
            env: Arc::new(env),
            cwd: "/root".into(),
            user: User::default(),
            rights: Rights::default(),
            sysctls: Vec::new(),
            privileged: true,
            tty: false,
            stdin: false,
            stdin_once: false,
            target: None,
            mounts: FOLDERS.map(mount).to_vec(),
            read_only: false,
            stop_signal: Signal::Term,
            limits: Limits::default(),
            message_path: String::new(),
            message_from_log: false,
        };
        let number = self.runtime.create(0, sandbox, Arc::new(image), config, 0);
        self.runtime.start(number, ctx)?;
        self.login = Some(number);
        Ok(number)
    }
}
