//! What is known of the chosen box, and the commands that tell more: the map never hides how to ask kubectl.

use drydock_session::View;
use yew::{Callback, Html, html};

use crate::page::icons::icon;

/// Facts as pairs, and commands; `true` runs the command at once, `false` only types it.
struct Details {
    title: String,
    facts: Vec<(&'static str, String)>,
    commands: Vec<(String, bool)>,
}

/// The sheet with the details of the chosen box; nothing when nothing is chosen.
pub fn details(view: &View, key: Option<&str>, on_command: &Callback<(String, bool)>, close: Callback<()>) -> Html {
    let Some(details) = key.and_then(|key| of(view, key)) else { return Html::default() };
    let facts = details.facts.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| {
        html! { <div><dt>{ *name }</dt><dd>{ value }</dd></div> }
    });
    let commands = details.commands.iter().map(|(command, enter)| {
        let send = on_command.reform({
            let (command, enter) = (command.clone(), *enter);
            move |_| (command.clone(), enter)
        });
        let title = if *enter { "Run in the terminal" } else { "Type into the terminal; you press Enter" };
        html! { <button class="button quiet" onclick={send} {title}>{ icon("prompt") }<code>{ command }</code></button> }
    });
    html! {
        <aside class="details" aria-label={details.title.clone()}>
            <header>
                <h3>{ &details.title }</h3>
                <span class="spacer" />
                <button class="icon-button" aria-label="Close details" onclick={close.reform(|_| ())}>{ icon("close") }</button>
            </header>
            <dl>{ for facts }</dl>
            <div class="commands">{ for commands }</div>
        </aside>
    }
}

fn of(view: &View, key: &str) -> Option<Details> {
    let flag = |namespace: &str| if namespace == "default" { String::new() } else { format!(" -n {namespace}") };
    let labels = |labels: &[(String, String)]| {
        labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
    };
    if let Some(pod) = view.pods.iter().find(|pod| pod.uid == key) {
        let (name, n) = (&pod.name, flag(&pod.namespace));
        return Some(Details {
            title: format!("Pod {name}"),
            facts: vec![
                ("Status", pod.status.clone()),
                ("Ready", pod.ready.clone()),
                ("Restarts", if pod.restarts == "0" { String::new() } else { pod.restarts.clone() }),
                ("Node", pod.node.clone()),
                ("Address", pod.ip.clone()),
                ("Image", pod.images.join(", ")),
                ("Namespace", if n.is_empty() { String::new() } else { pod.namespace.clone() }),
                ("Labels", labels(&pod.labels)),
            ],
            commands: vec![
                (format!("kubectl describe pod {name}{n}"), true),
                (format!("kubectl logs {name}{n}"), true),
                (format!("why {name}{n}"), true),
                (format!("kubectl delete pod {name}{n}"), false),
                (format!("fault pod {name}{n} crash"), false),
            ],
        });
    }
    if let Some(deployment) = view.deployments.iter().find(|deployment| deployment.uid == key) {
        let (name, n) = (&deployment.name, flag(&deployment.namespace));
        return Some(Details {
            title: format!("Deployment {name}"),
            facts: vec![
                ("Ready", format!("{} of {}", deployment.ready, deployment.replicas)),
                ("Up to date", deployment.updated.to_string()),
                ("Available", deployment.available.to_string()),
                ("Image", deployment.images.join(", ")),
            ],
            commands: vec![
                (format!("kubectl describe deployment {name}{n}"), true),
                (format!("kubectl rollout history deployment/{name}{n}"), true),
                (format!("story deployment/{name}{n}"), true),
                (format!("kubectl scale deployment {name}{n} --replicas={}", deployment.replicas + 1), false),
            ],
        });
    }
    if let Some(set) = view.replica_sets.iter().find(|set| set.uid == key) {
        return Some(Details {
            title: format!("Replica set {}", set.name),
            facts: vec![
                ("Ready", format!("{} of {}", set.ready, set.replicas)),
                ("Revision", set.revision.clone()),
                ("Image", set.images.join(", ")),
            ],
            commands: vec![(format!("kubectl describe replicaset {}{}", set.name, flag(&set.namespace)), true)],
        });
    }
    if let Some(service) = view.services.iter().find(|service| service.uid == key) {
        let (name, n) = (&service.name, flag(&service.namespace));
        return Some(Details {
            title: format!("Service {name}"),
            facts: vec![
                ("Type", service.kind.clone()),
                ("Address", service.cluster_ip.clone()),
                ("Ports", service.ports.clone()),
                ("Selects", labels(&service.selector)),
            ],
            commands: vec![
                (format!("kubectl describe service {name}{n}"), true),
                (format!("kubectl get endpointslices -l kubernetes.io/service-name={name}{n}"), true),
            ],
        });
    }
    let node = key.strip_prefix("node:").or_else(|| key.strip_prefix("counts:"))?;
    let node = view.nodes.iter().find(|known| known.name == node)?;
    let power = if node.status.starts_with("Ready") { "power-off" } else { "power-on" };
    Some(Details {
        title: format!("Node {}", node.name),
        facts: vec![
            ("Status", node.status.clone()),
            ("Roles", node.roles.clone()),
            ("Address", node.ip.clone()),
            ("Version", node.version.clone()),
            ("Pods", view.pods.iter().filter(|pod| pod.node == node.name).count().to_string()),
        ],
        commands: vec![
            (format!("kubectl describe node {}", node.name), true),
            (format!("kubectl get pods -A -o wide --field-selector spec.nodeName={}", node.name), true),
            (format!("fault node {} {power}", node.name), false),
        ],
    })
}
