//! The map in words: the same picture as sentences, and what has just changed as announcements.

use drydock_session::{PodView, ServiceView, View};

use crate::bridge::{Change, Changes};
use crate::page::map::related::{owns, selects};

fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

/// A paragraph of the map in words: a heading, and what there is to say under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraph {
    /// What it's about.
    pub title: String,
    /// The sentences.
    pub lines: Vec<String>,
}

/// The whole map in words.
pub fn describe(view: &View) -> Vec<Paragraph> {
    let mut paragraphs = Vec::new();
    for node in &view.nodes {
        let pods: Vec<&PodView> = view.pods.iter().filter(|pod| pod.node == node.name).collect();
        paragraphs.push(Paragraph {
            title: format!("Node {}: {}, {}", node.name, node.status, count(pods.len(), "pod", "pods")),
            lines: some(pods.into_iter().map(pod_line).collect()),
        });
    }
    let waiting: Vec<&PodView> = view.pods.iter().filter(|pod| pod.node.is_empty()).collect();
    if !waiting.is_empty() {
        paragraphs.push(Paragraph {
            title: format!("{} for a node", count(waiting.len(), "pod waits", "pods wait")),
            lines: some(waiting.into_iter().map(pod_line).collect()),
        });
    }
    if !view.deployments.is_empty() {
        let lines = view.deployments.iter().map(|deployment| {
            let sets: Vec<String> = view
                .replica_sets
                .iter()
                .filter(|set| owns(deployment, set) && (set.replicas > 0 || set.ready > 0))
                .map(|set| format!("replica set {} has {} of {} ready", set.name, set.ready, set.replicas))
                .collect();
            let head = format!("{}: {} of {} ready", deployment.name, deployment.ready, deployment.replicas);
            if sets.is_empty() { head } else { format!("{head}; {}", sets.join("; ")) }
        });
        paragraphs.push(Paragraph { title: "Deployments".into(), lines: some(lines.collect()) });
    }
    if !view.services.is_empty() {
        let lines = view.services.iter().map(|service| service_line(service, view));
        paragraphs.push(Paragraph { title: "Services".into(), lines: some(lines.collect()) });
    }
    paragraphs
}

/// Nobody listens to ten thousand lines.
fn some(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(100);
    if more > 0 {
        lines.truncate(100);
        lines.push(format!("and {more} more"));
    }
    lines
}

/// A pod in a few words.
pub fn pod_line(pod: &PodView) -> String {
    let restarts = if pod.restarts == "0" { String::new() } else { format!(", restarts {}", pod.restarts) };
    let (ready, all) = pod.ready.split_once('/').unwrap_or((&pod.ready, "?"));
    format!("{}: {}, {ready} of {all} containers ready{restarts}", pod.name, pod.status)
}

fn service_line(service: &ServiceView, view: &View) -> String {
    let pods: Vec<&str> = view.pods.iter().filter(|pod| selects(service, pod)).map(|pod| pod.name.as_str()).collect();
    let to = match pods.as_slice() {
        [] => "leads to no pod".to_owned(),
        [one] => format!("leads to {one}"),
        many => format!("leads to {} pods", many.len()),
    };
    format!("{}: {}, ports {}, {to}", service.name, service.kind, service.ports)
}

/// What a change means for someone who doesn't see the map; nothing when it's not worth saying.
pub fn announce(before: &View, change: &Change) -> Option<String> {
    if change.anew {
        return None;
    }
    let mut said = Vec::new();
    for pod in &change.pods.set {
        let known = before.pods.iter().find(|known| known.uid == pod.uid);
        if known.is_none_or(|known| known.status != pod.status) {
            let place = match (known.is_none_or(|known| known.node.is_empty()), pod.node.as_str()) {
                (true, node) if !node.is_empty() => format!(" on {node}"),
                _ => String::new(),
            };
            said.push(format!("pod {} {}{place}", pod.name, pod.status));
        }
    }
    gone("pod", &change.pods, &before.pods, |pod| (&pod.uid, &pod.name), &mut said);
    appeared("deployment", &change.deployments, &before.deployments, |d| (&d.uid, &d.name), &mut said);
    gone("deployment", &change.deployments, &before.deployments, |d| (&d.uid, &d.name), &mut said);
    appeared("service", &change.services, &before.services, |s| (&s.uid, &s.name), &mut said);
    gone("service", &change.services, &before.services, |s| (&s.uid, &s.name), &mut said);
    for node in &change.nodes.set {
        if before.nodes.iter().any(|known| known.name == node.name && known.status != node.status) {
            said.push(format!("node {} {}", node.name, node.status));
        }
    }
    match said.len() {
        0 => None,
        1..=4 => Some(said.join(", ")),
        many => Some(format!("{}, and {} more changes", said.get(..3).unwrap_or_default().join(", "), many - 3)),
    }
}

fn appeared<T>(
    kind: &str,
    changes: &Changes<T>,
    before: &[T],
    of: impl Fn(&T) -> (&String, &String),
    said: &mut Vec<String>,
) {
    for item in &changes.set {
        if !before.iter().any(|known| of(known).0 == of(item).0) {
            said.push(format!("{kind} {} created", of(item).1));
        }
    }
}

fn gone<T>(
    kind: &str,
    changes: &Changes<T>,
    before: &[T],
    of: impl Fn(&T) -> (&String, &String),
    said: &mut Vec<String>,
) {
    for key in &changes.gone {
        if let Some(known) = before.iter().find(|known| of(known).0 == key) {
            said.push(format!("{kind} {} gone", of(known).1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::difference;
    use crate::samples::{deployment, node, pod};

    #[test]
    fn says_what_is_there() {
        let view = View {
            nodes: vec![node("minikube")],
            pods: vec![pod("web", "Running", "minikube"), pod("db", "Pending", "")],
            deployments: vec![deployment("api", 3, 1)],
            ..View::default()
        };
        let text: Vec<String> =
            describe(&view).into_iter().map(|p| format!("{}: {}", p.title, p.lines.join("; "))).collect();
        assert_eq!(
            text,
            [
                "Node minikube: Ready, 1 pod: web: Running, 1 of 1 containers ready",
                "1 pod waits for a node: db: Pending, 1 of 1 containers ready",
                "Deployments: api: 1 of 3 ready",
            ]
        );
    }

    #[test]
    fn announces_what_changed() {
        let of = |pods: Vec<PodView>| View { pods, ..View::default() };
        let cases = [
            (of(vec![]), of(vec![pod("web", "Pending", "")]), Some("pod web Pending")),
            (
                of(vec![pod("web", "Pending", "")]),
                of(vec![pod("web", "ContainerCreating", "n1")]),
                Some("pod web ContainerCreating on n1"),
            ),
            (of(vec![pod("web", "Running", "n1")]), of(vec![]), Some("pod web gone")),
            (of(vec![pod("web", "Running", "n1")]), of(vec![pod("web", "Running", "n1")]), None),
        ];
        for (before, after, expected) in cases {
            assert_eq!(announce(&before, &difference(&before, &after)).as_deref(), expected);
        }
        let many = of((0..9).map(|n| pod(&format!("p{n}"), "Pending", "")).collect());
        let said = announce(&View::default(), &difference(&View::default(), &many));
        assert_eq!(said.as_deref(), Some("pod p0 Pending, pod p1 Pending, pod p2 Pending, and 6 more changes"));
    }
}
