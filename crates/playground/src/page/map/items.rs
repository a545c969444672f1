//! The boxes of the map as elements, and which objects it shows at all.

use drydock_session::{PodView, View};
use drydock_sorted::Sort;
use yew::{Callback, Classes, Html, classes, html};

use crate::page::map::place::{self, Item, Kind, WAITING};
use crate::page::map::related::selects;
use crate::page::map::{phase, words};

/// Namespaces of the cluster itself.
const SYSTEM: &[&str] = &["kube-system", "kube-public", "kube-node-lease"];

/// What the map shows: what belongs to the cluster itself only on request.
pub fn filter(view: &View, system: bool) -> View {
    let mut view = view.clone();
    if !system {
        let own = |namespace: &str| !SYSTEM.contains(&namespace);
        view.pods.retain(|pod| own(&pod.namespace));
        view.deployments.retain(|deployment| own(&deployment.namespace));
        view.replica_sets.retain(|set| own(&set.namespace));
        view.services.retain(|service| {
            own(&service.namespace) && !(service.namespace == "default" && service.name == "kubernetes")
        });
    }
    view.pods.sort_compact_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    view.deployments.sort_compact_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    view.services.sort_compact_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    // The newest revision stands last: that is where pods move to.
    view.replica_sets.sort_compact_by_key(|set| (set.revision.parse::<u64>().unwrap_or(0), set.name.clone()));
    view
}

/// How a box stands out.
#[derive(Debug, Clone, Copy)]
pub struct State {
    /// Its details are shown.
    pub chosen: bool,
    /// Something else is pointed at that it has nothing to do with.
    pub dim: bool,
    /// Tab reaches it.
    pub reachable: bool,
}

/// Where a box is: the style sheet lets it glide there.
pub fn style(item: &Item) -> String {
    format!("transform:translate({}px,{}px);width:{}px;height:{}px", item.x, item.y, item.w, item.h)
}

/// A name in front of others only when more than one namespace is in use.
fn named(view: &View, namespace: &str, name: &str) -> String {
    if view.pods.iter().any(|pod| pod.namespace != namespace) && namespace != "default" {
        format!("{namespace}/{name}")
    } else {
        name.to_owned()
    }
}

/// The element of a box.
pub fn item(
    view: &View,
    item: &Item,
    state: State,
    choose: &Callback<String>,
    point: &Callback<Option<String>>,
    focus: &Callback<String>,
) -> Html {
    let Some((kind, label, content)) = inner(view, item) else { return Html::default() };
    let class = classes!("item", kind, state.chosen.then_some("chosen"), state.dim.then_some("dim"));
    let key = item.key.clone();
    let to = |key: &str| key.to_owned();
    let onclick = choose.reform({
        let key = to(&key);
        move |_| key.clone()
    });
    let onfocus = focus.reform({
        let key = to(&key);
        move |_| key.clone()
    });
    let onpointerenter = point.reform({
        let key = to(&key);
        move |_| Some(key.clone())
    });
    let onpointerleave = point.reform(|_| None);
    html! {
        <div key={key.clone()} data-key={key} {class} style={style(item)} role="button"
            tabindex={if state.reachable { "0" } else { "-1" }} aria-label={label.clone()} title={label}
            aria-expanded={state.chosen.to_string()} {onclick} {onfocus} {onpointerenter} {onpointerleave}>
            { content }
        </div>
    }
}

/// Class, description and content of a box; nothing when its object is not there.
fn inner(view: &View, item: &Item) -> Option<(Classes, String, Html)> {
    match item.kind {
        Kind::Deployment => {
            let deployment = view.deployments.iter().find(|deployment| deployment.uid == item.key)?;
            let whole = deployment.ready == deployment.replicas;
            let label = format!(
                "Deployment {}: {} of {} replicas ready",
                deployment.name, deployment.ready, deployment.replicas
            );
            let name = named(view, &deployment.namespace, &deployment.name);
            let content = html! {
                <>
                    <span class="kind">{ "deployment" }</span>
                    <span class="count">{ format!("{}/{}", deployment.ready, deployment.replicas) }</span>
                    <span class="name">{ name }</span>
                    { gauge(deployment.ready, deployment.replicas) }
                </>
            };
            Some((classes!("deployment", whole.then_some("whole")), label, content))
        }
        Kind::ReplicaSet => {
            let set = view.replica_sets.iter().find(|set| set.uid == item.key)?;
            let label = format!("Replica set {}: {} of {} ready", set.name, set.ready, set.replicas);
            let hash = set.name.rsplit('-').next().filter(|_| !set.deployment.is_empty());
            let revision = if set.revision.is_empty() { String::new() } else { format!("rev {}", set.revision) };
            let content = html! {
                <>
                    <span class="kind">{ "rs" }</span>
                    <span class="name">{ hash.unwrap_or(&set.name).to_owned() }</span>
                    <span class="note">{ revision }</span>
                    <span class="count">{ format!("{}/{}", set.ready, set.replicas) }</span>
                </>
            };
            Some((classes!("replica-set", (set.ready == set.replicas).then_some("whole")), label, content))
        }
        Kind::Node if item.key == WAITING => {
            let count = view.pods.iter().filter(|pod| pod.node.is_empty()).count();
            let content = html! { <span class="node-name">{ "waiting for a node" }</span> };
            Some((classes!("node", "nowhere"), format!("{count} pods wait for a node"), content))
        }
        Kind::Node => {
            let node = view.nodes.iter().find(|node| place::node_key(&node.name) == item.key)?;
            let count = view.pods.iter().filter(|pod| pod.node == node.name).count();
            let ready = node.status == "Ready";
            let label = format!("Node {}: {}, {count} pods", node.name, node.status);
            let content = html! {
                <>
                    <span class={classes!("lamp", ready.then_some("on"))} />
                    <span class="node-name">{ node.name.clone() }</span>
                    <span class="note">{ node.roles.clone() }</span>
                    <span class="spacer" />
                    <span class="note">{ if ready { String::new() } else { node.status.clone() } }</span>
                </>
            };
            Some((classes!("node", (!ready).then_some("unwell")), label, content))
        }
        Kind::Pod => {
            let pod = view.pods.iter().find(|pod| pod.uid == item.key)?;
            Some((classes!("pod", phase::name(pod.phase)), label(pod), tile(view, pod)))
        }
        Kind::Square => {
            let pod = view.pods.iter().find(|pod| pod.uid == item.key)?;
            Some((classes!("square", phase::name(pod.phase)), label(pod), html! {}))
        }
        Kind::Counts => {
            let node = item.key.strip_prefix("counts:")?;
            let counts = place::counts(view, node);
            let label =
                counts.iter().map(|(of, n)| format!("{n} {}", phase::label(*of))).collect::<Vec<_>>().join(", ");
            let content = counts.iter().map(|(of, count)| {
                let style = format!("flex-grow:{count}");
                html! { <span class={classes!("part", phase::name(*of))} {style}>{ count }</span> }
            });
            Some((classes!("counts"), label, html! { <>{ for content }</> }))
        }
        Kind::Service => {
            let service = view.services.iter().find(|service| service.uid == item.key)?;
            let pods = view.pods.iter().filter(|pod| selects(service, pod)).count();
            let label =
                format!("Service {}, {}, ports {}: leads to {pods} pods", service.name, service.kind, service.ports);
            let content = html! {
                <>
                    <span class="kind">{ "service" }</span>
                    <span class="count">{ format!("{pods} {}", if pods == 1 { "pod" } else { "pods" }) }</span>
                    <span class="name">{ named(view, &service.namespace, &service.name) }</span>
                    <span class="note">{ format!("{} {}", service.kind, service.ports) }</span>
                </>
            };
            Some((classes!("service", (pods == 0).then_some("idle")), label, content))
        }
    }
}

fn label(pod: &PodView) -> String {
    let place = if pod.node.is_empty() { String::new() } else { format!(", on {}", pod.node) };
    format!("Pod {}{place}", words::pod_line(pod))
}

/// A pod with the end of its name whole: that is what tells replicas apart.
fn tile(view: &View, pod: &PodView) -> Html {
    let name = named(view, &pod.namespace, &pod.name);
    let (start, end) = match name.rfind('-').filter(|_| !pod.owner.0.is_empty()) {
        Some(at) => name.split_at(at),
        None => (name.as_str(), ""),
    };
    // One of one goes without saying, and so does none of one in a pod that isn't running.
    let ready = if matches!(pod.ready.as_str(), "1/1" | "0/1") { String::new() } else { format!(" {}", pod.ready) };
    html! {
        <>
            <span class="dot" />
            <span class="name"><span class="start">{ start.to_owned() }</span><span class="end">{ end.to_owned() }</span></span>
            <span class="status">
                { format!("{}{ready}", pod.status) }
                if pod.restarts != "0" { <span class="restarts">{ format!("↻{}", pod.restarts.split(' ').next().unwrap_or_default()) }</span> }
            </span>
        </>
    }
}

/// A bar that fills as replicas become ready.
fn gauge(ready: i64, wanted: i64) -> Html {
    let percent = if wanted == 0 { 0 } else { ready.min(wanted) * 100 / wanted };
    html! { <span class="gauge"><span style={format!("width:{percent}%")} /></span> }
}
