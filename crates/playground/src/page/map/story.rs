//! The story: what was written to the API server, by whom, and what made them do it.

use drydock_sorted::SortedMap;
use yew::{Callback, Html, html};

use crate::bridge::Written;
use crate::page::icons::icon;

/// Whose kubectl it is.
const LEARNER: &str = "minikube-user";
/// What follows from what follows from what follows stands no further to the right.
const DEPTH_MAX: usize = 4;

/// What an actor did, as people say it.
fn did(verb: &str) -> &str {
    match verb {
        "create" => "created",
        "update" | "patch" => "changed",
        "delete" => "deleted",
        "status" => "reported on",
        "binding" => "gave a node to",
        "scale" => "scaled",
        "eviction" => "evicted",
        "approval" => "decided on",
        other => other,
    }
}

/// Who did it, as the learner sees them.
fn who(actor: &str) -> &str {
    if actor == LEARNER || actor == "kubernetes-admin" { "you" } else { actor }
}

/// What one write is the consequence of, and how far down the chain it stands.
fn depths(story: &[&Written]) -> SortedMap<u64, usize> {
    let mut depths = SortedMap::new();
    for entry in story {
        let above: Option<usize> = depths.get(&entry.cause).copied();
        depths.insert(entry.revision, above.map_or(0, |above| (above + 1).min(DEPTH_MAX)));
    }
    depths
}

/// The writes, oldest first; those of the cluster's own namespaces only if that is asked for.
pub fn story(story: &[Written], system: bool, on_rewind: &Callback<(String, bool)>) -> Html {
    let own = |entry: &&Written| system || !entry.namespace.starts_with("kube-");
    let shown: Vec<&Written> = story.iter().filter(own).collect();
    if shown.is_empty() {
        return html! {
            <div class="map-empty"><p>{ "Nothing was written yet. Whatever you and the cluster's parts write shows up here." }</p></div>
        };
    }
    let depths = depths(&shown);
    let by_revision: SortedMap<u64, &Written> = shown.iter().map(|entry| (entry.revision, *entry)).collect();
    let lines = shown.iter().map(|entry| {
        let depth = depths.get(&entry.revision).copied().unwrap_or(0);
        line(entry, depth, by_revision.get(&entry.cause).copied(), on_rewind)
    });
    html! { <ol class="story">{ for lines }</ol> }
}

fn line(entry: &Written, depth: usize, cause: Option<&Written>, on_rewind: &Callback<(String, bool)>) -> Html {
    let time = entry.at.get(11..23).unwrap_or_default().to_owned();
    let namespace = match entry.namespace.as_str() {
        "" | "default" => String::new(),
        other => format!(" in {other}"),
    };
    let yours = who(&entry.actor) == "you";
    let at = entry.at.clone();
    let back = on_rewind.reform(move |_| (at.clone(), yours));
    let (back_words, back_title) = if yours {
        ("Go back to before this command", "The cluster as it was before you entered it; Undo takes it back")
    } else {
        ("Go back to before this, and pause", "The cluster as it was just before; time stands still there")
    };
    let because = cause.map(|cause| {
        html! { <p>{ format!("because {} {} ", who(&cause.actor), did(&cause.verb)) }<code>{ &cause.object }</code></p> }
    });
    html! {
        <li key={entry.revision} class={yours.then_some("you")} style={format!("--depth:{depth}")}>
            <details>
                <summary>
                    <time>{ time }</time>
                    <span><b>{ who(&entry.actor) }</b>{ format!(" {} ", did(&entry.verb)) }<code>{ &entry.object }</code>{ namespace }</span>
                </summary>
                { because }
                if !entry.fields.is_empty() {
                    <ul>{ for entry.fields.iter().map(|field| html! { <li><code>{ field }</code></li> }) }</ul>
                }
                <button class="button quiet" onclick={back} title={back_title}>{ icon("undo") }{ back_words }</button>
            </details>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(revision: u64, cause: u64) -> Written {
        let text = String::new;
        Written {
            revision,
            cause,
            at: text(),
            actor: text(),
            verb: text(),
            object: text(),
            namespace: text(),
            fields: vec![],
        }
    }

    #[test]
    fn consequences_stand_below_their_causes() {
        let story: Vec<Written> =
            [(1, 0), (2, 1), (3, 2), (4, 1), (5, 3), (6, 5), (7, 6), (8, 99)].map(|(r, c)| written(r, c)).into();
        let depths = depths(&story.iter().collect::<Vec<_>>());
        let found: Vec<usize> = (1..=8).filter_map(|revision| depths.get(&revision).copied()).collect();
        assert_eq!(found, [0, 1, 2, 1, 3, 4, 4, 0]);
    }
}
