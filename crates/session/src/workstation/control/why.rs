//! `why`: why a pod is where it is, or nowhere.

use drydock_cluster::Cluster;
use drydock_cluster::scheduler::attempt::{Attempt, Verdict};
use drydock_cluster::scheduler::scores;
use drydock_cluster::store::kinds;
use drydock_sorted::Sort;
use drydock_value::Value;

use super::Words;

const HELP: &str = "\
Tells why a pod waits, or why it is on its node: what the scheduler found of each node at its last attempt.

Usage:
  why POD [-n NAMESPACE]
";

pub(super) fn run(words: &Words<'_>, cluster: &mut Cluster) -> Result<String, String> {
    let (mut name, mut namespace) = ("", "default");
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match *word {
            "-h" | "--help" | "help" => return Ok(HELP.to_owned()),
            "-n" | "--namespace" => namespace = rest.next().copied().unwrap_or("default"),
            word => name = word.strip_prefix("pod/").unwrap_or(word),
        }
    }
    if name.is_empty() {
        return Err(HELP.to_owned());
    }
    explain(cluster, namespace, name)
}

/// Why a pod is where it is.
pub(crate) fn explain(cluster: &Cluster, namespace: &str, name: &str) -> Result<String, String> {
    let pod = cluster.api_ref().get(kinds::PODS, namespace, name);
    let pod = pod.ok_or_else(|| format!("pod \"{namespace}/{name}\" not found"))?;
    match cluster.scheduler().attempt(pod["metadata"]["uid"].str()) {
        Some(attempt) => Ok(attempted(cluster, pod, attempt)),
        None => Ok(unattempted(cluster, pod)),
    }
}

/// Why the scheduler has not looked at a pod.
fn unattempted(cluster: &Cluster, pod: &Value) -> String {
    let (spec, name) = (&pod["spec"], pod["metadata"]["name"].str());
    let node = spec["nodeName"].str();
    let scheduler = spec["schedulerName"].as_str().unwrap_or("default-scheduler");
    if !node.is_empty() {
        return format!(
            "Pod {name} is on {node}. The scheduler remembers no attempt: somebody else put it there, or it is long ago.\n"
        );
    }
    if !spec["schedulingGates"].is_empty() {
        let gates: Vec<&str> = spec["schedulingGates"].items().iter().map(|gate| gate["name"].str()).collect();
        return format!("Pod {name} waits for its scheduling gates: {}.\n", gates.join(", "));
    }
    if scheduler != "default-scheduler" {
        return format!("Pod {name} waits for a scheduler named {scheduler}, and there is none.\n");
    }
    if !cluster.scheduler().is_running() {
        return format!("Pod {name} waits: the scheduler does not run.\n");
    }
    format!("Pod {name} waits for the scheduler's next turn.\n")
}

fn attempted(cluster: &Cluster, pod: &Value, attempt: &Attempt) -> String {
    let name = pod["metadata"]["name"].str();
    let ago = drydock_schema::duration::human(cluster.now().since(attempt.at));
    let mut text = match &attempt.chosen {
        Some(node) => {
            let able = attempt.ranking().len();
            let how = if able == 1 {
                "the only node that could take it".to_owned()
            } else {
                format!("the best of {able} nodes")
            };
            format!("Pod {name} was given to {node}, {how} (attempt {}, {ago} ago).\n", attempt.number)
        }
        None => format!("Pod {name} waits: {}\n(attempt {}, {ago} ago)\n", attempt.message, attempt.number),
    };
    let mut scored: Vec<(&str, &scores::Scores)> = Vec::new();
    let mut refused: Vec<(&str, String)> = Vec::new();
    for (node, verdict) in &attempt.nodes {
        match verdict {
            Verdict::Scored(scores) => scored.push((node, scores)),
            Verdict::Refused(refusal) => {
                let reasons: Vec<&str> = refusal.reasons.iter().map(|reason| &**reason).collect();
                refused.push((node, format!("{}: {}", refusal.plugin, reasons.join(", "))));
            }
        }
    }
    if !scored.is_empty() {
        scored.sort_compact_by(|a, b| scores::total(b.1).cmp(&scores::total(a.1)).then_with(|| a.0.cmp(b.0)));
        let width = scored.iter().map(|(node, _)| node.len()).max().unwrap_or(0).max(36);
        text.push_str(&format!("\n{:<width$}", "SCORES"));
        scored.iter().for_each(|(node, _)| text.push_str(&format!("  {node:>12}")));
        for (at, (plugin, weight)) in scores::PLUGINS.iter().enumerate() {
            text.push_str(&format!("\n{:<width$}", format!("{plugin} (x{weight})")));
            for (node, scores) in &scored {
                text.push_str(&format!("  {:>1$}", scores[at], node.len().max(12)));
            }
        }
        text.push_str(&format!("\n{:<width$}", "total"));
        for (node, scores) in &scored {
            text.push_str(&format!("  {:>1$}", scores::total(scores), node.len().max(12)));
        }
        text.push('\n');
    }
    if !refused.is_empty() {
        let width = refused.iter().map(|(node, _)| node.len()).max().unwrap_or(0).max(12);
        text.push_str(&format!("\n{:<width$}  REFUSED BY\n", "NODE"));
        refused.iter().for_each(|(node, why)| text.push_str(&format!("{node:<width$}  {why}\n")));
    }
    text
}
