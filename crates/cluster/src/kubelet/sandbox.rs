//! What the containers of a pod share: its network, its name, how it resolves others.

use std::sync::Arc;

use drydock_value::{Str, Value};

use super::Kubelet;
use super::sync::RETRY;
use super::worker::{Doing, Worker};
use crate::ctx::Ctx;
use crate::network::dns::Resolver;
use crate::network::{Address, Place, Protocol, Target};
use crate::runtime::{Names, Sandbox};
use crate::store::kinds;

/// What the container runtime has to run sandboxes with.
const RUNTIME_HANDLERS: &[&str] = &["", "runc"];
/// What comes before the words of the runtime.
const RPC: &str = "rpc error: code = Unknown desc = ";
/// The longest name that a machine can have.
const HOSTNAME_MAX: usize = 64;

impl Kubelet {
    /// Tells that a sandbox could not be made, and looks again later.
    fn sandbox_failed(&mut self, worker: &mut Worker, why: &str, ctx: &mut Ctx<'_>) {
        let message = format!("Failed to create pod sandbox: {why}");
        self.pod_event(worker, "Warning", "FailedCreatePodSandBox", &message, ctx);
        worker.doing = Doing::Idle;
        let at = ctx.now + ctx.random.jitter(RETRY, 50);
        worker.look_again(at);
    }

    pub(super) fn make_sandbox(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        let class = worker.pod["spec"]["runtimeClassName"].as_str().filter(|class| !class.is_empty());
        let class = class.and_then(|class| ctx.informers.find(kinds::RUNTIME_CLASSES, "", class));
        let handler = class.map_or("", |class| class["handler"].str());
        if !RUNTIME_HANDLERS.contains(&handler) {
            let why = format!("{RPC}failed to get sandbox runtime: no runtime for \"{handler}\" is configured");
            self.sandbox_failed(worker, &why, ctx);
            return;
        }
        let host = worker.host_network();
        let pod = worker.pod.clone();
        let short = if host { self.config.name.as_str() } else { short_name(&pod.value) };
        let domain = if host { None } else { domain(&pod.value) };
        let mut hostname: Str = short.into();
        if let Some(domain) = domain.as_ref().filter(|_| pod["spec"]["setHostnameAsFQDN"].is_true()) {
            let whole = format!("{short}.{domain}");
            if whole.len() > HOSTNAME_MAX {
                let why = format!(
                    "failed to construct FQDN from pod hostname and cluster domain, FQDN {whole} is too long \
                     ({HOSTNAME_MAX} characters is the max, {} characters requested)",
                    whole.len()
                );
                return self.sandbox_failed(worker, &why, ctx);
            }
            hostname = whole.into();
        }
        let node_ip = self.config.ip.parse().unwrap_or(std::net::Ipv4Addr::LOCALHOST);
        let ip = if host { Some(node_ip) } else { self.addresses.take() };
        let Some(ip) = ip else {
            let why = "failed to setup network for sandbox: plugin type=\"bridge\" failed (add): failed to allocate for range \
                       0: no IP addresses available in range set";
            self.sandbox_failed(worker, &format!("{RPC}{why}"), ctx);
            return;
        };
        let node = self.node;
        let names = names(&pod.value, short, domain.as_deref(), ip, host);
        let names = Arc::new(Names { by_pods: self.system, ..names });
        let sees_host = pod["spec"]["hostPID"].is_true();
        if sees_host {
            self.tell_processes();
        }
        let sandbox = self.runtime.add_sandbox(|number| Sandbox {
            place: if host { Place::Node(node) } else { Place::Pod { node, sandbox: number } },
            ip,
            hostname,
            names,
            own_hosts: 1,
            shares_processes: pod["spec"]["shareProcessNamespace"].is_true(),
            sees_host,
            looked_into: false,
        });
        if !host {
            ctx.network.attach(Place::Pod { node, sandbox }, ip);
            let ports = pod["spec"]["containers"].items().iter().flat_map(|container| container["ports"].items());
            for port in ports {
                let ip = port["hostIP"].str().parse().unwrap_or(std::net::Ipv4Addr::UNSPECIFIED);
                let of = |field: &str| u16::try_from(port[field].int()).ok().filter(|number| *number != 0);
                let protocol = Protocol::named(port["protocol"].str());
                if let (Some(at), Some(port), Some(protocol)) = (of("hostPort"), of("containerPort"), protocol) {
                    let target = Target { place: Place::Pod { node, sandbox }, port };
                    ctx.network.map_port(node, Address { ip, port: at, protocol }, target);
                }
            }
        }
        worker.sandbox = Some(sandbox);
        worker.ip = Some(ip);
        self.act(worker, true, ctx);
    }

    /// Takes a pod's sandbox away.
    pub(super) fn drop_sandbox(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        let Some(sandbox) = worker.sandbox.take() else { return };
        self.runtime.remove_sandbox(sandbox, ctx);
        if let Some(ip) = worker.ip.filter(|_| !worker.host_network()) {
            self.addresses.free(ip);
        }
    }

    /// Tells which secrets for registries are not there; images are pulled all the same.
    pub(super) fn look_for_pull_secrets(&mut self, worker: &Worker, ctx: &mut Ctx<'_>) {
        let namespace = worker.pod.namespace();
        let names = worker.pod["spec"]["imagePullSecrets"].items().iter().map(|secret| secret["name"].str());
        let gone =
            |name: &&str| !name.is_empty() && ctx.informers.find(kinds::SECRETS, namespace.clone(), *name).is_none();
        let missing: Vec<&str> = names.filter(gone).collect();
        if !missing.is_empty() {
            let message = format!(
                "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.",
                missing.join(", ")
            );
            self.pod_event(worker, "Warning", "FailedToRetrieveImagePullSecret", &message, ctx);
        }
    }
}

/// What a pod's machine is called, without its domain.
fn short_name(pod: &Value) -> &str {
    let given = |key: &str| pod["spec"][key].as_str().filter(|name| !name.is_empty());
    given("hostnameOverride").unwrap_or_else(|| {
        let name = given("hostname").unwrap_or(pod["metadata"]["name"].str());
        name.get(..63).unwrap_or(name).trim_end_matches(['-', '.'])
    })
}

/// The domain of a pod's machine.
fn domain(pod: &Value) -> Option<String> {
    let spec = &pod["spec"];
    let of_service =
        spec["subdomain"].as_str().filter(|name| !name.is_empty() && spec["hostnameOverride"].is_empty())?;
    Some(format!("{of_service}.{}.svc.cluster.local", pod["metadata"]["namespace"].str()))
}

/// How a pod resolves names.
fn names(pod: &Value, hostname: &str, domain: Option<&str>, ip: std::net::Ipv4Addr, host: bool) -> Names {
    let spec = &pod["spec"];
    let namespace = pod["metadata"]["namespace"].str();
    let mut own = vec![hostname.to_owned()];
    if let Some(domain) = domain {
        own.insert(0, format!("{hostname}.{domain}"));
    }
    let mut hosts = vec![(ip, own)];
    for alias in spec["hostAliases"].items() {
        if let Ok(ip) = alias["ip"].str().parse() {
            hosts.push((ip, alias["hostnames"].items().iter().map(|name| name.str().to_owned()).collect()));
        }
    }
    let mut resolver = match spec["dnsPolicy"].as_str().unwrap_or("ClusterFirst") {
        "None" => Resolver { ndots: 1, ..Resolver::default() },
        "Default" => Resolver::node(),
        "ClusterFirst" if host => Resolver::node(),
        _ => Resolver::cluster(namespace),
    };
    let config = &spec["dnsConfig"];
    resolver.servers.extend(
        config["nameservers"].items().iter().filter_map(|server| server.str().parse::<std::net::Ipv4Addr>().ok()),
    );
    resolver.search.extend(config["searches"].items().iter().map(|domain| domain.str().to_owned()));
    for option in config["options"].items() {
        let (name, text) = (option["name"].str(), option["value"].str());
        match (name, text.parse()) {
            ("ndots", Ok(ndots)) => resolver.ndots = ndots,
            _ if text.is_empty() => resolver.options.push(name.to_owned()),
            _ => resolver.options.push(format!("{name}:{text}")),
        }
    }
    Names { hosts, resolver, by_pods: false }
}
