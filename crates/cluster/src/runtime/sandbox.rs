//! Pods' sandboxes: what the containers of a pod share.

use std::net::Ipv4Addr;
use std::sync::Arc;

use drydock_value::Str;

use crate::informers::Informers;
use crate::network::Place;
use crate::network::dns::{NAME_SERVER, Resolver};
use crate::network::records::{self, Record};

/// How a pod resolves names: `/etc/hosts` and `/etc/resolv.conf`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Addresses and names of `/etc/hosts`.
    pub hosts: Vec<(Ipv4Addr, Vec<String>)>,
    /// `/etc/resolv.conf`.
    pub resolver: Resolver,
    /// Whether the cluster's names are answered by pods, and by nobody when none of these is ready.
    pub by_pods: bool,
}

impl Names {
    /// The addresses of a name.
    pub fn resolve(&self, name: &str, informers: &Informers) -> Vec<Ipv4Addr> {
        if let Ok(ip) = name.parse::<Ipv4Addr>() {
            return vec![ip];
        }
        let plain = name.trim_end_matches('.');
        let own: Vec<Ipv4Addr> = self
            .hosts
            .iter()
            .filter(|(_, names)| names.iter().any(|known| known == plain))
            .map(|(ip, _)| *ip)
            .collect();
        match own.is_empty() {
            false => own,
            true if self.silent(informers) => Vec::new(),
            true => self.resolver.resolve(name, informers),
        }
    }

    /// Whether nobody answers.
    fn silent(&self, informers: &Informers) -> bool {
        let answers = self.resolver.servers.iter().any(|server| *server != NAME_SERVER);
        self.by_pods && !answers && !crate::network::dns::served(informers)
    }

    /// What the name server says to a question for records of one kind; none when it says nothing.
    pub fn query(&self, name: &str, kind: &str, search: bool, informers: &Informers) -> Option<Vec<Record>> {
        if self.silent(informers) || !self.resolver.servers.contains(&NAME_SERVER) {
            return None;
        }
        let tries = if search { self.resolver.candidates(name) } else { vec![name.to_owned()] };
        let found = tries.iter().map(|name| records::answer(name, kind, informers)).find(|found| !found.is_empty());
        Some(found.unwrap_or_default())
    }

    /// `/etc/hosts`, as a kubelet writes it. `entries` is how many of the hosts are the pod's own, the rest are its
    /// `hostAliases`. In the node's network it is the node's file, and says so; `head` is what it begins with.
    pub fn hosts_file(&self, own: usize, head: &str) -> String {
        let mut text = format!(
            "{head}127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n\
             fe00::\tip6-localnet\nfe00::\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n",
        );
        for (index, (ip, names)) in self.hosts.iter().enumerate() {
            if index == own {
                text.push_str("\n# Entries added by HostAliases.\n");
            }
            text.push_str(&format!("{ip}\t{}\n", names.join("\t")));
        }
        text
    }
}

/// A sandbox.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// Whose network it has.
    pub place: Place,
    /// The pod's address.
    pub ip: Ipv4Addr,
    /// Its name, inside.
    pub hostname: Str,
    /// How names are resolved in it.
    pub names: Arc<Names>,
    /// How many of the hosts are the pod's own.
    pub own_hosts: usize,
    /// Whether its containers see each other's processes (`shareProcessNamespace`).
    pub shares_processes: bool,
    /// Whether its containers see all processes of the machine (`hostPID`).
    pub sees_host: bool,
    /// Whether a container of it looks at another one's.
    pub looked_into: bool,
}
