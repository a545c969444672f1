//! Clusters in words: nodes, each with what differs from a usual one.
//!
//! ```text
//! control; worker*3,cpu=8,memory=16Gi,zone=a; gpu,label=disk=ssd,taint=gpu=true:NoSchedule
//! ```
//!
//! Nodes stand between semicolons; the first is the control plane. `*3` makes three of a kind, with numbers after their
//! names. What follows the name are `cpu`, `memory`, `pods`, `zone`, `region`, `role`, `label=KEY=VALUE` and
//! `taint=KEY[=VALUE]:EFFECT`, the last three as often as needed.

use std::sync::{PoisonError, RwLock};

use drydock_cluster::NodeConfig;

/// The most nodes of a layout.
const NODES_MAX: u32 = 5000;

/// Keeps a text for as long as the program runs; equal ones once.
fn forever(text: &str) -> &'static str {
    static TEXTS: RwLock<Vec<&'static str>> = RwLock::new(Vec::new());
    let mut texts = TEXTS.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = texts.iter().find(|known| **known == text) {
        return known;
    }
    let kept: &'static str = Box::leak(text.to_owned().into_boxed_str());
    texts.push(kept);
    kept
}

/// A description that is in order. It copies like a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout(&'static str);

impl Layout {
    /// Takes a description.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Layout, String> {
        nodes(text).map(|_| Layout(forever(text)))
    }

    /// The description.
    pub fn text(self) -> &'static str {
        self.0
    }

    /// Its nodes.
    pub fn nodes(self) -> Vec<NodeConfig> {
        nodes(self.0).unwrap_or_default()
    }
}

fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=50).contains(&name.len()) && name.chars().all(inner) && name.starts_with(ends) && name.ends_with(ends)
}

fn quantity(text: &str) -> Result<String, String> {
    match drydock_schema::quantity::Quantity::parse(text) {
        Ok(amount) if amount.sign() > 0 => Ok(text.to_owned()),
        _ => Err(format!("\"{text}\" is not a quantity")),
    }
}

fn set(node: &mut NodeConfig, key: &str, text: &str) -> Result<(), String> {
    match key {
        "cpu" => node.cpu = quantity(text)?,
        "memory" => node.memory = quantity(text)?,
        "pods" => node.pods = text.parse().map_err(|_| format!("\"{text}\" is not a number of pods"))?,
        "zone" | "region" => node.labels.push((format!("topology.kubernetes.io/{key}"), text.into())),
        "role" => node.roles.push(text.into()),
        "label" => {
            let (name, value) = text.split_once('=').ok_or_else(|| format!("label \"{text}\" is not KEY=VALUE"))?;
            node.labels.push((name.into(), value.into()));
        }
        "taint" => {
            let (name, effect) = text.rsplit_once(':').ok_or_else(|| format!("taint \"{text}\" has no effect"))?;
            if !matches!(effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
                return Err(format!("there is no effect \"{effect}\""));
            }
            let (name, value) = name.split_once('=').unwrap_or((name, ""));
            node.taints.push((name.into(), value.into(), effect.into()));
        }
        other => {
            return Err(format!(
                "there is no \"{other}\"; there are cpu, memory, pods, zone, region, role, label and taint"
            ));
        }
    }
    Ok(())
}

/// The nodes that a text describes.
///
/// # Errors
/// What is wrong with it.
pub fn nodes(text: &str) -> Result<Vec<NodeConfig>, String> {
    let mut wanted = Vec::new();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let mut words = part.split(',').map(str::trim);
        let first = words.next().unwrap_or_default();
        let (name, count) = match first.split_once('*') {
            Some((name, count)) => {
                let count = count.trim().parse::<u32>().ok().filter(|count| (1..=NODES_MAX).contains(count));
                (name.trim(), Some(count.ok_or_else(|| format!("\"{first}\" is not NAME*COUNT"))?))
            }
            None => (first, None),
        };
        if !is_name(name) {
            return Err(format!("\"{name}\" is not a node's name"));
        }
        let words: Vec<&str> = words.collect();
        for number in 1..=count.unwrap_or(1) {
            let name = if count.is_some() { format!("{name}{number}") } else { name.to_owned() };
            wanted.push((name, words.clone()));
        }
    }
    let count = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
    if !(1..=NODES_MAX).contains(&count) {
        return Err(format!("a cluster has between 1 and {NODES_MAX} nodes"));
    }
    let mut nodes = NodeConfig::minikube(count);
    for (node, (name, words)) in nodes.iter_mut().zip(&wanted) {
        node.name.clone_from(name);
        for word in words {
            let (key, text) = word.split_once('=').ok_or_else(|| format!("\"{word}\" is not KEY=VALUE"))?;
            set(node, key, text)?;
        }
    }
    for (at, (name, _)) in wanted.iter().enumerate() {
        if wanted[..at].iter().any(|(other, _)| other == name) {
            return Err(format!("there are two nodes \"{name}\""));
        }
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_become_nodes() {
        let text = "control; worker*2,cpu=8,memory=16Gi,zone=a; gpu,label=disk=ssd,taint=gpu=true:NoSchedule,role=gpu";
        let shown: Vec<String> = nodes(text)
            .unwrap()
            .iter()
            .map(|node| {
                format!(
                    "{} {} {} {} {:?} {:?} {:?}",
                    node.name, node.ip, node.cpu, node.memory, node.roles, node.labels, node.taints
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "control 192.168.49.2 4 8149968Ki [\"control-plane\"] [] []",
                "worker1 192.168.49.3 8 16Gi [] [(\"topology.kubernetes.io/zone\", \"a\")] []",
                "worker2 192.168.49.4 8 16Gi [] [(\"topology.kubernetes.io/zone\", \"a\")] []",
                "gpu 192.168.49.5 4 8149968Ki [\"gpu\"] [(\"disk\", \"ssd\")] [(\"gpu\", \"true\", \"NoSchedule\")]",
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, words) in [
            ("", "a cluster has between 1 and 5000 nodes"),
            ("A", "\"A\" is not a node's name"),
            ("a*0", "\"a*0\" is not NAME*COUNT"),
            ("a;a", "there are two nodes \"a\""),
            ("a,cpu=-1", "\"-1\" is not a quantity"),
            ("a,taint=x", "taint \"x\" has no effect"),
            ("a,color=red", "there is no \"color\"; there are cpu, memory, pods, zone, region, role, label and taint"),
        ] {
            assert_eq!(nodes(text).unwrap_err(), words, "{text}");
        }
    }
}
