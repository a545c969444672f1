//! Names, as CoreDNS answers them and as a pod's `/etc/resolv.conf` completes them.

use std::net::Ipv4Addr;

use drydock_value::Str;

use crate::informers::Informers;
use crate::objects::{Key, Object};
use crate::store::kinds;

/// The cluster's domain.
pub const DOMAIN: &str = "cluster.local";

/// The address of the service `kube-dns`.
pub const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);

/// How names are completed and who is asked: what stands in `/etc/resolv.conf`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolver {
    /// The name servers.
    pub servers: Vec<Ipv4Addr>,
    /// The search domains.
    pub search: Vec<String>,
    /// How many dots make a name complete.
    pub ndots: usize,
    /// Further options.
    pub options: Vec<String>,
}

impl Resolver {
    /// Asks the cluster, as `dnsPolicy: ClusterFirst` has it.
    pub fn cluster(namespace: &str) -> Resolver {
        Resolver {
            servers: vec![NAME_SERVER],
            search: vec![format!("{namespace}.svc.{DOMAIN}"), format!("svc.{DOMAIN}"), DOMAIN.into()],
            ndots: 5,
            options: Vec::new(),
        }
    }

    /// Asks whom the node asks.
    pub fn node() -> Resolver {
        Resolver { servers: vec![super::WORKSTATION], search: Vec::new(), ndots: 1, options: Vec::new() }
    }

    /// As `/etc/resolv.conf` says it.
    pub fn file(&self) -> String {
        let mut text = String::new();
        if !self.search.is_empty() {
            text.push_str(&format!("search {}\n", self.search.join(" ")));
        }
        for server in &self.servers {
            text.push_str(&format!("nameserver {server}\n"));
        }
        let mut options = Vec::new();
        if self.ndots != 1 {
            options.push(format!("ndots:{}", self.ndots));
        }
        options.extend(self.options.iter().cloned());
        if !options.is_empty() {
            text.push_str(&format!("options {}\n", options.join(" ")));
        }
        text
    }

    /// Reads `/etc/resolv.conf`.
    pub fn parse(text: &str) -> Resolver {
        let mut resolver = Resolver { ndots: 1, ..Resolver::default() };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => resolver.servers.extend(words.filter_map(|word| word.parse::<Ipv4Addr>().ok())),
                Some("search") => resolver.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    for word in words {
                        match word.strip_prefix("ndots:").and_then(|n| n.parse().ok()) {
                            Some(ndots) => resolver.ndots = ndots,
                            None => resolver.options.push(word.into()),
                        }
                    }
                }
                _ => {}
            }
        }
        resolver
    }

    /// The addresses of a name; empty when there are none.
    pub fn resolve(&self, name: &str, informers: &Informers) -> Vec<Ipv4Addr> {
        if let Ok(ip) = name.parse::<Ipv4Addr>() {
            return vec![ip];
        }
        let cluster = self.servers.contains(&NAME_SERVER);
        let ask = |name: &str| if cluster { answer(name, informers) } else { outside(name) };
        let tries = self.candidates(name);
        tries.iter().map(|name| ask(name)).find(|found| !found.is_empty()).unwrap_or_default()
    }

    /// The full names that a name may stand for, in the order in which they are asked for.
    pub fn candidates(&self, name: &str) -> Vec<String> {
        let plain = name.trim_end_matches('.');
        let complete = name.ends_with('.') || plain.matches('.').count() >= self.ndots;
        let searched = self.search.iter().filter(|_| !name.ends_with('.')).map(|domain| format!("{plain}.{domain}"));
        let mut tries: Vec<String> = searched.collect();
        if complete {
            tries.insert(0, plain.into());
        } else {
            tries.push(plain.into());
        }
        tries
    }
}

/// Whether a pod stands behind the name server's address.
pub fn served(informers: &Informers) -> bool {
    let service = Key::new("kube-system", "kube-dns");
    let ready = |slice: &std::sync::Arc<Object>| {
        slice["endpoints"].items().iter().any(|endpoint| endpoint["conditions"]["ready"].is_true())
    };
    informers.get(kinds::SERVICES, &service).is_some() && informers.slices_of(&service).any(ready)
}

/// What CoreDNS answers to a question for addresses. Names outside of the cluster go on to the node's name server.
pub fn answer(name: &str, informers: &Informers) -> Vec<Ipv4Addr> {
    let lower = name.trim_end_matches('.').to_ascii_lowercase();
    let Some(inside) = lower.strip_suffix(DOMAIN).and_then(|rest| rest.strip_suffix('.')) else {
        return outside(&lower);
    };
    let labels: Vec<&str> = inside.split('.').collect();
    match labels.as_slice() {
        [service, namespace, "svc"] => service_addresses(informers, namespace, service, None, 0),
        [host, service, namespace, "svc"] => service_addresses(informers, namespace, service, Some(host), 0),
        [address, _, "pod"] => address.replace('-', ".").parse().into_iter().collect(),
        _ => Vec::new(),
    }
}

/// What the name server of the nodes knows: minikube's own names. There is no internet.
fn outside(name: &str) -> Vec<Ipv4Addr> {
    match name {
        "localhost" => vec![Ipv4Addr::LOCALHOST],
        "host.minikube.internal" => vec![super::WORKSTATION],
        "control-plane.minikube.internal" => vec![Ipv4Addr::new(192, 168, 49, 2)],
        _ => Vec::new(),
    }
}

fn service_addresses(
    informers: &Informers,
    namespace: &str,
    name: &str,
    host: Option<&str>,
    depth: u32,
) -> Vec<Ipv4Addr> {
    let key = Key::new(namespace, name);
    let Some(service) = informers.get(kinds::SERVICES, &key) else { return Vec::new() };
    if service["spec"]["type"] == "ExternalName" {
        let target = service["spec"]["externalName"].str();
        // A chain of names that leads back to itself ends here.
        let again = |inside: &str| {
            let labels: Vec<&str> = inside.split('.').collect();
            match labels.as_slice() {
                [service, namespace, "svc"] if depth < 8 => {
                    service_addresses(informers, namespace, service, None, depth + 1)
                }
                _ => Vec::new(),
            }
        };
        return match target.strip_suffix(&format!(".{DOMAIN}")) {
            Some(inside) => again(inside),
            None => outside(target),
        };
    }
    if service["spec"]["clusterIP"] == "None" {
        return headless(informers, &key, service, host);
    }
    if host.is_some() {
        return Vec::new();
    }
    service["spec"]["clusterIP"].str().parse().into_iter().collect()
}

/// A headless service answers with its endpoints: all of them, or the one whose host name is asked for.
fn headless(informers: &Informers, key: &Key, service: &Object, host: Option<&str>) -> Vec<Ipv4Addr> {
    let unready = service["spec"]["publishNotReadyAddresses"].is_true();
    let mut found = Vec::new();
    for slice in informers.slices_of(key) {
        for endpoint in slice["endpoints"].items() {
            let ready = endpoint["conditions"]["ready"].as_bool().unwrap_or(true);
            let Ok(ip) = endpoint["addresses"][0].str().parse::<Ipv4Addr>() else { continue };
            let named = match host {
                Some(host) => endpoint["hostname"].str() == host || dashed(ip).as_str() == host,
                None => true,
            };
            if (ready || unready) && named {
                found.push(ip);
            }
        }
    }
    found
}

fn dashed(ip: Ipv4Addr) -> Str {
    ip.to_string().replace('.', "-").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolv_conf_reads_back() {
        let resolver = Resolver::cluster("shop");
        assert_eq!(
            resolver.file(),
            "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
        );
        assert_eq!(Resolver::parse(&resolver.file()), resolver);
        assert_eq!(Resolver::node().file(), "nameserver 192.168.49.1\n");
    }

    #[test]
    fn names_that_nobody_knows_have_no_address() {
        let informers = Informers::default();
        let resolver = Resolver::cluster("default");
        for (name, expected) in [
            ("10.1.2.3", vec![Ipv4Addr::new(10, 1, 2, 3)]),
            ("localhost", vec![Ipv4Addr::LOCALHOST]),
            ("host.minikube.internal", vec![super::super::WORKSTATION]),
            ("10-244-1-2.default.pod.cluster.local", vec![Ipv4Addr::new(10, 244, 1, 2)]),
            ("web", vec![]),
            ("example.com", vec![]),
        ] {
            assert_eq!(resolver.resolve(name, &informers), expected, "{name}");
        }
    }
}
