//! Whether a node takes a pod that was bound to it.

use drydock_schema::quantity::Quantity;
use drydock_value::Value;

use super::worker::Worker;
use crate::config::NodeConfig;
use crate::scheduler::pod::{collide, ports};

/// What a pod asks for, in thousandths of processors and bytes: the larger of all regular containers with sidecars, and
/// any init container with the sidecars before it.
pub fn requests(spec: &Value) -> (i64, i64) {
    let of = |amounts: &Value, name: &str| match Quantity::of(&amounts[name]) {
        Ok(amount) if name == "cpu" => amount.milli_value(),
        Ok(amount) => amount.value(),
        Err(_) => 0,
    };
    let amounts = |amounts: &Value| match amounts.is_empty() {
        true => (0, 0),
        false => (of(amounts, "cpu"), of(amounts, "memory")),
    };
    let both = |container: &Value| amounts(&container["resources"]["requests"]);
    let mut sum = (0i64, 0i64);
    let mut most = (0i64, 0i64);
    let mut sidecars = (0i64, 0i64);
    for container in spec["initContainers"].items() {
        let (cpu, memory) = both(container);
        if container["restartPolicy"] == "Always" {
            sidecars = (sidecars.0 + cpu, sidecars.1 + memory);
            most = (most.0.max(sidecars.0), most.1.max(sidecars.1));
        } else {
            most = (most.0.max(sidecars.0 + cpu), most.1.max(sidecars.1 + memory));
        }
    }
    for container in spec["containers"].items() {
        let (cpu, memory) = both(container);
        sum = (sum.0 + cpu, sum.1 + memory);
    }
    let overhead = amounts(&spec["overhead"]);
    let all = ((sum.0 + sidecars.0).max(most.0) + overhead.0, (sum.1 + sidecars.1).max(most.1) + overhead.1);
    let pod = both(spec);
    (if pod.0 > 0 { pod.0 } else { all.0 }, if pod.1 > 0 { pod.1 } else { all.1 })
}

/// Settings of the kernel that harm nobody else, and those that are the pod's own only with a network of its own.
/// What PodSecurity lets pass (the API server's list) is less: two of TCP's are not in it.
const SAFE_SYSCTLS: &[&str] = &[
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

/// The setting that a pod may not have, in the kubelet's words.
fn forbidden_sysctl(spec: &Value) -> Option<String> {
    spec["securityContext"]["sysctls"].items().iter().find_map(|sysctl| {
        let name = sysctl["name"].str().replace('/', ".");
        let why = match name.split('.').next() {
            _ if !SAFE_SYSCTLS.contains(&name.as_str()) => "not allowlisted",
            Some("net") if spec["hostNetwork"].is_true() => "not allowed with host net enabled",
            Some("kernel") if spec["hostIPC"].is_true() => "not allowed with host ipc enabled",
            _ => return None,
        };
        Some(format!("Pod was rejected: forbidden sysctl: \"{name}\" {why}"))
    })
}

/// Why a node refuses a pod: reason and message; none when it takes it. `others` are the pods that it has taken.
pub fn refusal<'a>(
    worker: &Worker,
    node: &NodeConfig,
    labels: &Value,
    others: impl Iterator<Item = &'a Worker> + Clone,
) -> Option<(&'static str, String)> {
    let spec = &worker.pod["spec"];
    for (key, wanted) in spec["nodeSelector"].entries() {
        if labels[key].str() != wanted.str() {
            return Some((
                "NodeAffinity",
                "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
                    .into(),
            ));
        }
    }
    if spec["os"]["name"].as_str().is_some_and(|os| os != "linux") {
        let why = "Pod was rejected: Failed to admit pod as the OS field doesn't match node OS";
        return Some(("PodOSNotSupported", why.into()));
    }
    if let Some(why) = forbidden_sysctl(spec) {
        return Some(("SysctlForbidden", why));
    }
    if let Some(why) = no_room(spec, node, others.clone()) {
        return Some(why);
    }
    let wanted = ports(spec);
    let taken = !wanted.is_empty()
        && others
            .flat_map(|other| ports(&other.pod["spec"]))
            .any(|used| wanted.iter().any(|port| collide(&used, port)));
    taken.then(|| {
        let message =
            "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
        ("NodePorts", message.into())
    })
}

/// What a node has, in thousandths of processors and bytes.
pub fn capacity(node: &NodeConfig) -> (i64, i64) {
    let amount = |text: &str| Quantity::parse(text).unwrap_or_else(|_| Quantity::new(0));
    (amount(&node.cpu).milli_value(), amount(&node.memory).value())
}

/// What a node has too little of for a pod: reason and message; none when there is enough.
pub fn no_room<'a>(
    spec: &Value,
    node: &NodeConfig,
    others: impl Iterator<Item = &'a Worker>,
) -> Option<(&'static str, String)> {
    let (cpu, memory) = requests(spec);
    let mut used = (0, 0, 0);
    for other in others {
        used.0 += 1;
        // Where nothing is asked for, nothing can be too much.
        if cpu > 0 || memory > 0 {
            let (cpu, memory) = requests(&other.pod["spec"]);
            used = (used.0, used.1 + cpu, used.2 + memory);
        }
    }
    let (all_cpu, all_memory) = capacity(node);
    let out_of = |resource: &'static str, reason, requested: i64, used: i64, capacity: i64| {
        let message = format!(
            "Pod was rejected: Node didn't have enough resource: {resource}, requested: {requested}, used: {used}, capacity: \
             {capacity}"
        );
        Some((reason, message))
    };
    if used.0 + 1 > i64::from(node.pods) {
        return out_of("pods", "OutOfpods", 1, used.0, node.pods.into());
    }
    if cpu > 0 && used.1 + cpu > all_cpu {
        return out_of("cpu", "OutOfcpu", cpu, used.1, all_cpu);
    }
    if memory > 0 && used.2 + memory > all_memory {
        return out_of("memory", "OutOfmemory", memory, used.2, all_memory);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn host_ports_collide_on_one_address_or_on_all() {
        let pod = |address: &str, port: i64, protocol: &str| {
            value!({"containers": [{"ports": [
                {"containerPort": 1, "hostPort": port, "protocol": protocol, "hostIP": address}, {"containerPort": 2}
            ]}]})
        };
        let cases = [
            (pod("", 80, "TCP"), pod("", 80, "TCP"), true),
            (pod("", 80, "TCP"), pod("127.0.0.1", 80, "TCP"), true),
            (pod("127.0.0.2", 80, "TCP"), pod("127.0.0.1", 80, "TCP"), false),
            (pod("", 80, "TCP"), pod("", 80, "UDP"), false),
            (pod("", 80, "TCP"), pod("", 81, "TCP"), false),
        ];
        for (one, other, wanted) in cases {
            let (one, other) = (ports(&one), ports(&other));
            assert_eq!((one.len(), other.len()), (1, 1));
            assert_eq!(collide(&one[0], &other[0]), wanted, "{one:?} {other:?}");
        }
    }

    #[test]
    fn requests_add_up() {
        let container = |cpu: &str| value!({"resources": {"requests": {"cpu": cpu, "memory": "1Mi"}}});
        let mut sidecar = container("50m");
        sidecar.set("restartPolicy", "Always");
        for (spec, expected) in [
            (value!({"containers": [container("100m"), container("200m")]}), (300, 2 << 20)),
            (value!({"containers": [container("100m")], "initContainers": [container("1")]}), (1000, 1 << 20)),
            (value!({"containers": [container("100m")], "initContainers": [sidecar, container("1")]}), (1050, 2 << 20)),
            (value!({"containers": [{}]}), (0, 0)),
        ] {
            assert_eq!(requests(&spec), expected, "{spec}");
        }
    }
}
