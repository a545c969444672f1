//! A shell on the node's own machine, for `ssh`: its processes run beside the containers, on the node's network and with
//! the node's files.

use std::sync::Arc;

use drydock_api::StreamId;
use drydock_shell::{Env, Pid, Rights, Signal};

use super::Kubelet;
use super::serve::Seat;
use crate::ctx::Ctx;
use crate::network::Place;
use crate::network::dns::Resolver;
use crate::runtime::images::{self, User};
use crate::runtime::start::Exec;
use crate::runtime::{ContainerConfig, Limits, Mount, Names, Sandbox, Sink, node_root};

/// The node's own folders, which pods may mount too.
const FOLDERS: [&str; 10] = ["/etc", "/var", "/opt", "/mnt", "/srv", "/run", "/data", "/root", "/home", "/tmp"];

/// The kubelet's own process, as its log names it too.
const KUBELET: Pid = 1422;

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
        self.furnish(ctx);
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
            sees_host: true,
            looked_into: false,
        };
        self.tell_processes();
        let sandbox = self.runtime.add_sandbox(|_| sandbox);
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
            argv: vec!["/usr/sbin/sshd".into(), "-D".into()],
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
        let number = self.runtime.create(0, sandbox, Arc::new(images::node()), config, 0);
        self.runtime.start(number, ctx)?;
        self.login = Some(number);
        Ok(number)
    }

    /// Says which processes the machine has beside its containers'.
    pub(super) fn tell_processes(&mut self) {
        let (name, ip) = (&self.config.name, &self.config.ip);
        let kubelet = format!(
            "/usr/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --config=/var/lib/kubelet/config.yaml \
             --hostname-override={name} --kubeconfig=/etc/kubernetes/kubelet.conf --node-ip={ip}"
        );
        let mut lines = vec![(1, "/sbin/init"), (118, "/lib/systemd/systemd-journald"), (486, "/usr/bin/containerd")];
        if !self.stopped {
            lines.push((KUBELET, &kubelet));
        }
        let words = |line: &str| line.split(' ').map(str::to_owned).collect();
        let since = self.journal.since().unwrap_or_default();
        self.runtime.system = lines.into_iter().map(|(pid, line)| (pid, since, words(line))).collect();
    }
}
