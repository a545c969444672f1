//! A pod as the scheduler sees it: everything read off its spec once.

use std::sync::Arc;

use drydock_schema::labels::Selector;
use drydock_value::{Map, Str, Value};

use super::resources::{Resources, pod_assumed, pod_requests};
use crate::controllers::tolerates;
use crate::objects::{Key, Object, shared};

/// A host port that a pod wants: address, protocol, port.
pub type HostPort = (Str, Str, i64);

/// A selector of pods, in namespaces.
#[derive(Debug, Clone)]
pub struct PodSelector {
    /// In which namespaces; empty means every one.
    pub namespaces: Vec<Str>,
    /// With which labels.
    pub selector: Arc<Selector>,
    /// One label that it wants exactly, to look things up by.
    pub hint: Option<(Str, Str)>,
    /// What distinguishes it from others.
    pub identity: Str,
}

impl PodSelector {
    /// From a label selector as objects hold it.
    pub fn new(namespaces: Vec<Str>, selector: &Value) -> PodSelector {
        let hint = selector["matchLabels"].entries().next().map(|(key, value)| (key.into(), shared(value)));
        let names = namespaces.iter().map(Str::as_str).collect::<Vec<_>>().join(",");
        PodSelector {
            selector: Arc::new(Selector::from_label_selector(selector).unwrap_or_else(|_| Selector::nothing())),
            hint,
            identity: format!("{names}|{selector}").into(),
            namespaces,
        }
    }

    /// Whether it selects a pod.
    pub fn matches(&self, namespace: &Str, labels: &Map) -> bool {
        (self.namespaces.is_empty() || self.namespaces.contains(namespace)) && self.selector.matches(labels)
    }
}

/// A term of pod affinity or anti-affinity.
#[derive(Debug, Clone)]
pub struct AffinityTerm {
    /// Which pods.
    pub pods: PodSelector,
    /// What counts as one place: a node label.
    pub topology: Str,
    /// How much it is wanted; 0 for what is required.
    pub weight: i64,
}

/// A topology spread constraint.
#[derive(Debug, Clone)]
pub struct Spread {
    /// Which pods are to be spread.
    pub pods: PodSelector,
    /// Over what: a node label.
    pub topology: Str,
    /// By how many they may differ.
    pub max_skew: i64,
    /// How many places there have to be.
    pub min_domains: i64,
    /// Whether only nodes that the pod's node affinity allows count.
    pub honor_affinity: bool,
    /// Whether only nodes whose taints the pod tolerates count.
    pub honor_taints: bool,
    /// Whether the pod itself is among those spread.
    pub matches_self: bool,
}

/// The four lists of pod affinity.
#[derive(Debug, Clone, Default)]
pub struct PodAffinity {
    /// Must be near.
    pub near: Vec<AffinityTerm>,
    /// Must not be near.
    pub apart: Vec<AffinityTerm>,
    /// Should be near (positive weights) or not (negative ones).
    pub preferred: Vec<AffinityTerm>,
}

impl PodAffinity {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.near.is_empty() && self.apart.is_empty() && self.preferred.is_empty()
    }
}

/// What a node's labels and name must be.
#[derive(Debug, Clone)]
pub struct NodeNeeds {
    /// `nodeSelector`.
    pub selector: Value,
    /// The terms of required node affinity, one of which must fit; null when there is none.
    pub terms: Value,
}

/// A pod, read.
#[derive(Debug, Clone)]
pub struct PodInfo {
    /// The object.
    pub object: Arc<Object>,
    /// Its labels.
    pub labels: Map,
    /// What it asks for.
    pub requests: Resources,
    /// What scoring counts: CPU and memory.
    pub assumed: (i64, i64),
    /// What taints it puts up with.
    pub tolerations: Value,
    /// `nodeSelector` and required node affinity; None when any node will do.
    pub node_needs: Option<NodeNeeds>,
    /// Preferred node affinity.
    pub node_wishes: Value,
    /// Host ports.
    pub ports: Vec<HostPort>,
    /// Images, normalized.
    pub images: Vec<Str>,
    /// Constraints that must hold.
    pub spread_hard: Vec<Spread>,
    /// Constraints that should hold.
    pub spread_soft: Vec<Spread>,
    /// Whether the spec names constraints of its own.
    pub spreads: bool,
    /// Pod affinity.
    pub affinity: PodAffinity,
}

impl PodInfo {
    /// Reads a pod. `namespaces` answers the names of the namespaces that a label selector selects.
    pub fn read(object: &Arc<Object>, namespaces: &dyn Fn(&Value) -> Vec<Str>) -> PodInfo {
        let spec = &object["spec"];
        let labels = object.labels().clone();
        let node_affinity = &spec["affinity"]["nodeAffinity"];
        let needs = NodeNeeds {
            selector: spec["nodeSelector"].clone(),
            terms: node_affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"].clone(),
        };
        let mut info = PodInfo {
            tolerations: spec["tolerations"].clone(),
            node_needs: (!needs.selector.is_empty() || !needs.terms.is_null()).then_some(needs),
            node_wishes: node_affinity["preferredDuringSchedulingIgnoredDuringExecution"].clone(),
            requests: pod_requests(spec),
            assumed: pod_assumed(spec),
            ports: ports(spec),
            images: spec["containers"].items().iter().map(|container| normal_image(container["image"].str())).collect(),
            spread_hard: Vec::new(),
            spread_soft: Vec::new(),
            spreads: !spec["topologySpreadConstraints"].items().is_empty(),
            affinity: PodAffinity::default(),
            labels,
            object: object.clone(),
        };
        for constraint in spec["topologySpreadConstraints"].items() {
            let spread = info.spread(constraint);
            if constraint["whenUnsatisfiable"] == "ScheduleAnyway" {
                info.spread_soft.push(spread);
            } else {
                info.spread_hard.push(spread);
            }
        }
        let affinity = &spec["affinity"];
        if !affinity.is_null() {
            let (near, apart) = (&affinity["podAffinity"], &affinity["podAntiAffinity"]);
            let required = |from: &Value| -> Vec<AffinityTerm> {
                let terms = from["requiredDuringSchedulingIgnoredDuringExecution"].items();
                terms.iter().map(|term| info.term(term, 0, namespaces)).collect()
            };
            let preferred = |from: &Value, sign: i64| -> Vec<AffinityTerm> {
                let terms = from["preferredDuringSchedulingIgnoredDuringExecution"].items();
                terms
                    .iter()
                    .map(|term| info.term(&term["podAffinityTerm"], sign * term["weight"].int(), namespaces))
                    .collect()
            };
            let mut wishes = preferred(near, 1);
            wishes.extend(preferred(apart, -1));
            info.affinity = PodAffinity { near: required(near), apart: required(apart), preferred: wishes };
        }
        info
    }

    /// Where it is.
    pub fn key(&self) -> &Key {
        &self.object.key
    }

    /// Its spec.
    pub fn spec(&self) -> &Value {
        &self.object["spec"]
    }

    /// Whether it puts up with a taint.
    pub fn tolerates(&self, taint: &Value) -> bool {
        self.tolerations.items().iter().any(|toleration| tolerates(toleration, taint))
    }

    /// Its priority.
    pub fn priority(&self) -> i64 {
        self.object.pod().priority
    }

    fn spread(&self, constraint: &Value) -> Spread {
        // The API server has put the values of `matchLabelKeys` into it.
        let pods = PodSelector::new(vec![self.object.namespace().clone()], &constraint["labelSelector"]);
        Spread {
            matches_self: pods.selector.matches(&self.labels),
            pods,
            topology: shared(&constraint["topologyKey"]),
            max_skew: constraint["maxSkew"].int(),
            min_domains: constraint["minDomains"].as_i64().unwrap_or(1),
            honor_affinity: constraint["nodeAffinityPolicy"] != "Ignore",
            honor_taints: constraint["nodeTaintsPolicy"] == "Honor",
        }
    }

    fn term(&self, term: &Value, weight: i64, namespaces: &dyn Fn(&Value) -> Vec<Str>) -> AffinityTerm {
        let mut names: Vec<Str> = term["namespaces"].items().iter().map(shared).collect();
        let by_label = &term["namespaceSelector"];
        let everywhere = by_label.as_object().is_some_and(|selector| selector.is_empty());
        if everywhere {
            names.clear();
        } else if !by_label.is_null() {
            names.extend(namespaces(by_label));
            if names.is_empty() {
                // No namespace is selected; an empty list would mean all of them.
                names.push("/".into());
            }
        } else if names.is_empty() {
            names.push(self.object.namespace().clone());
        }
        AffinityTerm {
            pods: PodSelector::new(names, &term["labelSelector"]),
            topology: shared(&term["topologyKey"]),
            weight,
        }
    }
}

/// Whether two host ports cannot be had together: the same port on the same address, or on all.
pub fn collide(one: &HostPort, other: &HostPort) -> bool {
    one.2 == other.2 && one.1 == other.1 && (one.0 == other.0 || &*one.0 == "0.0.0.0" || &*other.0 == "0.0.0.0")
}

/// The host ports that a pod wants.
pub fn ports(spec: &Value) -> Vec<HostPort> {
    let mut ports = Vec::new();
    let sidecars = spec["initContainers"].items().iter().filter(|container| container["restartPolicy"] == "Always");
    for container in spec["containers"].items().iter().chain(sidecars) {
        for port in container["ports"].items().iter().filter(|port| port["hostPort"].int() > 0) {
            let address = match port["hostIP"].str() {
                "" => "0.0.0.0",
                address => address,
            };
            let protocol = port["protocol"].as_str().unwrap_or("TCP");
            ports.push((address.into(), protocol.into(), port["hostPort"].int()));
        }
    }
    ports
}

/// An image's name as nodes list it: with registry and tag.
pub fn normal_image(name: &str) -> Str {
    let (first, rest) = name.split_once('/').unwrap_or(("", name));
    let has_registry = first.contains('.') || first.contains(':') || first == "localhost";
    let full = if has_registry {
        name.to_owned()
    } else if first.is_empty() {
        format!("docker.io/library/{rest}")
    } else {
        format!("docker.io/{name}")
    };
    let last = full.rsplit('/').next().unwrap_or("");
    if last.contains(':') || last.contains('@') { full.into() } else { format!("{full}:latest").into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_get_registry_and_tag() {
        let cases = [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.27", "docker.io/library/nginx:1.27"),
            ("bitnami/redis:7", "docker.io/bitnami/redis:7"),
            ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
            ("localhost:5000/x", "localhost:5000/x:latest"),
        ];
        for (name, full) in cases {
            assert_eq!(normal_image(name).as_str(), full);
        }
    }
}
