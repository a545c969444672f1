//! Diagrams in Mermaid's language: drawn once they come near, with the same in words for whoever can't see them, and
//! instead of them when they can't be drawn.

use std::collections::BTreeMap;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};
use yew::{Component, Context, Html, NodeRef, Properties, html};

use crate::page::js;
use crate::page::lesson::raw;

/// What a diagram is given.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// Its source.
    pub source: String,
    /// Whether it's to be dark.
    pub dark: bool,
}

/// What happens to a diagram.
pub enum Msg {
    /// It comes into view.
    Near,
    /// It was drawn, or could not be.
    Drawn(Option<String>),
}

/// The component.
pub struct Diagram {
    host: NodeRef,
    near: bool,
    svg: Option<String>,
    failed: bool,
    _observer: Option<(IntersectionObserver, Closure<dyn FnMut(js_sys::Array)>)>,
}

impl Component for Diagram {
    type Message = Msg;
    type Properties = Props;

    fn create(_: &Context<Diagram>) -> Diagram {
        Diagram { host: NodeRef::default(), near: false, svg: None, failed: false, _observer: None }
    }

    fn rendered(&mut self, ctx: &Context<Diagram>, first: bool) {
        let Some(host) = self.host.cast::<Element>().filter(|_| first) else { return };
        let link = ctx.link().clone();
        let seen = Closure::new(move |entries: js_sys::Array| {
            if entries.iter().any(|entry| entry.unchecked_into::<IntersectionObserverEntry>().is_intersecting()) {
                link.send_message(Msg::Near);
            }
        });
        let options = IntersectionObserverInit::new();
        options.set_root_margin("300px 0px");
        if let Ok(observer) = IntersectionObserver::new_with_options(seen.as_ref().unchecked_ref(), &options) {
            observer.observe(&host);
            self._observer = Some((observer, seen));
        }
    }

    fn changed(&mut self, ctx: &Context<Diagram>, _: &Props) -> bool {
        if self.near {
            draw(ctx);
        }
        true
    }

    fn update(&mut self, ctx: &Context<Diagram>, message: Msg) -> bool {
        match message {
            Msg::Near if self.near => return false,
            Msg::Near => {
                self.near = true;
                if let Some((observer, _)) = &self._observer {
                    observer.disconnect();
                }
                draw(ctx);
                return false;
            }
            Msg::Drawn(svg) => {
                self.failed = svg.is_none();
                self.svg = svg;
            }
        }
        true
    }

    fn view(&self, ctx: &Context<Diagram>) -> Html {
        let source = &ctx.props().source;
        let words = in_words(source);
        html! {
            <figure class="diagram" ref={&self.host}>
                if let Some(svg) = &self.svg {
                    <div class="drawing" role="img" aria-label={format!("Diagram. {}", words.join(". "))}>{ raw(svg) }</div>
                } else if words.is_empty() {
                    <pre>{ source }</pre>
                } else {
                    <ul class="diagram-words">{ for words.iter().map(|line| html! { <li>{ line }</li> }) }</ul>
                }
                if self.failed && !words.is_empty() { <figcaption class="note">{ "The diagram in words" }</figcaption> }
            </figure>
        }
    }
}

fn draw(ctx: &Context<Diagram>) {
    let link = ctx.link().clone();
    let drawing = js::draw_diagram(&ctx.props().source, ctx.props().dark);
    spawn_local(async move {
        let svg = JsFuture::from(drawing).await.ok().and_then(|svg| svg.as_string());
        link.send_message(Msg::Drawn(svg));
    });
}

/// The arrows of a flow chart as lines of text, `API Server → etcd`; nothing for other diagrams.
pub fn in_words(source: &str) -> Vec<String> {
    let mut lines = source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("%%"));
    let is_chart = lines.next().is_some_and(|first| first.starts_with("graph") || first.starts_with("flowchart"));
    if !is_chart {
        return Vec::new();
    }
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut arrows = Vec::new();
    for line in lines {
        let mut previous: Option<(String, String)> = None;
        let mut rest = line;
        loop {
            let (end, after) = arrow(rest);
            let Some(id) = node(&rest[..end], &mut names) else { break };
            if let Some((from, says)) = previous.take() {
                arrows.push((from, says, id.clone()));
            }
            let Some((says, next)) = after else { break };
            previous = Some((id, says));
            rest = next;
        }
    }
    let name = |id: &String| names.get(id).cloned().unwrap_or_else(|| id.clone());
    arrows
        .into_iter()
        .map(|(from, says, to)| match says.as_str() {
            "" => format!("{} → {}", name(&from), name(&to)),
            says => format!("{} → {says} → {}", name(&from), name(&to)),
        })
        .collect()
}

/// Where the next arrow of a line begins, what it says, and what follows it.
fn arrow(line: &str) -> (usize, Option<(String, &str)>) {
    let starts = ["-->", "---", "-.->", "-.-", "-. ", "==>", "===", "-- ", "== "];
    let Some((at, start)) = starts.iter().filter_map(|start| Some((line.find(start)?, *start))).min() else {
        return (line.len(), None);
    };
    let rest = line[at + start.len()..].trim_start();
    // `A -- says --> B` has its words inside the arrow, `A -->|says| B` after it.
    if start.ends_with(' ') {
        let close =
            ["-->", "---", ".->", ".-", "==>", "==="].iter().filter_map(|end| Some((rest.find(end)?, end.len()))).min();
        return match close {
            Some((end, length)) => (at, Some((rest[..end].trim().to_owned(), rest[end + length..].trim_start()))),
            None => (line.len(), None),
        };
    }
    match rest.strip_prefix('|').and_then(|rest| rest.split_once('|')) {
        Some((says, rest)) => (at, Some((says.trim().to_owned(), rest.trim_start()))),
        None => (at, Some((String::new(), rest))),
    }
}

/// The id of `A`, `A[Name]`, `A(Name)`, `A{Name}`; its name is kept.
fn node(text: &str, names: &mut BTreeMap<String, String>) -> Option<String> {
    let text = text.trim().trim_end_matches(';');
    let end = text.find(['[', '(', '{', '>']).unwrap_or(text.len());
    let id = text[..end].trim();
    if id.is_empty() || id.contains(char::is_whitespace) {
        return None;
    }
    let label = text[end..].trim_matches(|c| "[](){}>\"/\\".contains(c)).replace("<br/>", " ").replace("<br>", " ");
    if !label.is_empty() {
        names.insert(id.to_owned(), label);
    }
    Some(id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn flow_charts_read_as_arrows() {
        let cases = [
            (
                "graph TD\n    D[Deployment] -->|manages| RS[ReplicaSet]\n    RS --> P1[Pod 1]",
                vec!["Deployment → manages → ReplicaSet", "ReplicaSet → Pod 1"],
            ),
            (
                "graph LR\n  subgraph Control Plane\n    API[API Server]\n  end\n  K[kubelet] --> API --> E[(etcd)]",
                vec!["kubelet → API Server", "API Server → etcd"],
            ),
            (
                "flowchart TD\n main --- disk\n main -. localhost .- helper\n a -- asks --> b",
                vec!["main → disk", "main → localhost → helper", "a → asks → b"],
            ),
            ("sequenceDiagram\n A->>B: hi", vec![]),
            ("", vec![]),
        ];
        for (source, expected) in cases {
            assert_eq!(in_words(source), expected, "{source}");
        }
    }
}
