//! The cluster map: a picture that moves as the cluster moves, a keyboard's way through it, and the same in words.
//!
//! - [`place`]: where everything goes; pure.
//! - [`phase`]: how a pod fares, in a handful of colours.
//! - [`related`]: what belongs together when one thing is pointed at.
//! - [`items`]: the boxes as elements. [`details`]: what is known of the chosen one, and commands to ask more.
//! - [`story`]: what was written to the API server, and what made whom do it.
//! - [`words`]: the same as text, and announcements of what changed.

pub mod details;
pub mod items;
pub mod phase;
pub mod place;
pub mod related;
pub mod story;
pub mod words;

use drydock_sorted::SortedMap;
use std::rc::Rc;

use drydock_session::View;
use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlElement, KeyboardEvent, ResizeObserver};
use yew::{Callback, Component, Context, Html, NodeRef, Properties, classes, html};

use crate::bridge::Written;
use crate::page::icons::icon;
use crate::page::map::place::{Item, Placed, Tie};

/// How long something that is gone stays, fading.
const FADE_MS: u32 = 400;

/// So near to its end the story is followed.
const END_PX: i32 = 60;

/// What the map is given.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The cluster.
    pub view: Rc<View>,
    /// What changed last, in words.
    pub news: String,
    /// What was written to the API server, oldest first, as far as it was asked for.
    pub story: Rc<Vec<Written>>,
    /// Whether what belongs to the cluster itself is shown.
    pub system: bool,
    /// Shows or hides that.
    pub on_system: Callback<bool>,
    /// Asks for the story, or no longer.
    pub on_story: Callback<bool>,
    /// Goes back to before a write; `true`: to before the command that wrote it.
    pub on_rewind: Callback<(String, bool)>,
    /// Types a command into the terminal; `true` enters it.
    pub on_command: Callback<(String, bool)>,
}

/// What happens on the map.
pub enum Msg {
    /// It has another width.
    Width(i32),
    /// Something is chosen, or nothing.
    Choose(Option<String>),
    /// Something is pointed at, or nothing.
    Point(Option<String>),
    /// The keyboard came to a box.
    Focus(String),
    /// A key on a box.
    Key(KeyboardEvent),
    /// Shows the cluster in another way, or as a picture again.
    Look(Look),
    /// What had left has faded.
    Faded,
}

/// How the cluster is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As boxes and lines.
    Picture,
    /// As text.
    Words,
    /// As what was written, in order.
    Story,
}

/// The component.
pub struct Map {
    host: NodeRef,
    width: i32,
    shown: View,
    placed: Rc<Placed>,
    /// What has left a moment ago: its last place.
    gone: Vec<Item>,
    fading: Option<Timeout>,
    chosen: Option<String>,
    pointed: Option<String>,
    focused: Option<String>,
    look: Look,
    /// Whether the end of the story is in sight, so that it stays there.
    at_end: bool,
    _observer: Option<(ResizeObserver, Closure<dyn FnMut()>)>,
}

impl Component for Map {
    type Message = Msg;
    type Properties = Props;

    fn create(ctx: &Context<Map>) -> Map {
        let mut map = Map {
            host: NodeRef::default(),
            width: 600,
            shown: View::default(),
            placed: Rc::default(),
            gone: Vec::new(),
            fading: None,
            chosen: None,
            pointed: None,
            focused: None,
            look: Look::Picture,
            at_end: true,
            _observer: None,
        };
        map.lay_out(ctx);
        map
    }

    fn rendered(&mut self, ctx: &Context<Map>, first: bool) {
        let Some(host) = self.host.cast::<HtmlElement>() else { return };
        if !first {
            if self.look == Look::Story && self.at_end {
                host.set_scroll_top(host.scroll_height());
            }
            return;
        }
        let link = ctx.link().clone();
        let measured = host.clone();
        let resized = Closure::new(move || link.send_message(Msg::Width(measured.client_width())));
        if let Ok(observer) = ResizeObserver::new(resized.as_ref().unchecked_ref()) {
            observer.observe(&host);
            self._observer = Some((observer, resized));
        }
    }

    fn changed(&mut self, ctx: &Context<Map>, _: &Props) -> bool {
        if let Some(host) = self.host.cast::<HtmlElement>() {
            self.at_end = host.scroll_top() + host.client_height() + END_PX >= host.scroll_height();
        }
        self.lay_out(ctx);
        true
    }

    fn update(&mut self, ctx: &Context<Map>, message: Msg) -> bool {
        match message {
            Msg::Width(width) if width == self.width || width == 0 => return false,
            Msg::Width(width) => {
                self.width = width;
                self.lay_out(ctx);
            }
            Msg::Choose(key) => {
                self.chosen = if key == self.chosen { None } else { key };
                self.lay_out(ctx);
            }
            Msg::Point(key) if key == self.pointed => return false,
            Msg::Point(key) => {
                self.pointed = key;
                self.lay_out(ctx);
            }
            Msg::Focus(key) => self.focused = Some(key),
            Msg::Key(event) => return self.key(ctx, &event),
            Msg::Look(look) => {
                let story = self.look == Look::Story;
                self.look = if look == self.look { Look::Picture } else { look };
                self.at_end = true;
                if story != (self.look == Look::Story) {
                    ctx.props().on_story.emit(!story);
                }
            }
            Msg::Faded => self.gone.clear(),
        }
        true
    }

    fn view(&self, ctx: &Context<Map>) -> Html {
        let props = ctx.props();
        let toggle = props.on_system.reform({
            let system = props.system;
            move |_| !system
        });
        let look = |look: Look, name: &'static str, title: &'static str| {
            let pressed = (self.look == look).to_string();
            let onclick = ctx.link().callback(move |_| Msg::Look(look));
            html! { <button class="chip" aria-pressed={pressed} {onclick} {title}>{ name }</button> }
        };
        let empty = self.shown.pods.is_empty() && self.shown.deployments.is_empty() && !self.shown.nodes.is_empty();
        html! {
            <>
                <header class="pane-head">
                    <h2>{ icon("map") }{ "Cluster" }</h2>
                    <span class="pane-note">{ self.summary() }</span>
                    <span class="spacer" />
                    <button class="chip" aria-pressed={props.system.to_string()} onclick={toggle}
                        title="Show what belongs to the cluster itself (namespace kube-system)">{ "System" }</button>
                    { look(Look::Words, "In words", "The same as text") }
                    { look(Look::Story, "Story", "Who wrote what to the API server, and why") }
                </header>
                <div class="map-body" ref={&self.host}>
                    { match self.look {
                        Look::Picture => self.picture(ctx),
                        Look::Words => self.in_words(),
                        Look::Story => story::story(&props.story, props.system, &props.on_rewind),
                    } }
                    if empty && self.look == Look::Picture { { starter(&props.on_command) } }
                </div>
                { details::details(
                    &self.shown,
                    self.chosen.as_deref(),
                    &props.on_command,
                    ctx.link().callback(|()| Msg::Choose(None)),
                ) }
                <p class="map-news" role="status" aria-live="polite">{ &props.news }</p>
            </>
        }
    }
}

/// What to do on an empty map.
fn starter(on_command: &Callback<(String, bool)>) -> Html {
    let command = "kubectl create deployment web --image=nginx --replicas=3";
    let run = on_command.reform(move |_| (command.to_owned(), true));
    html! {
        <div class="map-empty">
            <p>{ "Nothing of yours runs here. Pods appear in their nodes as you create them." }</p>
            <button class="button quiet" onclick={run}>{ icon("play") }<code>{ command }</code></button>
        </div>
    }
}

impl Map {
    /// Filters and places; what is no longer there stays a moment as a shadow.
    fn lay_out(&mut self, ctx: &Context<Map>) {
        self.shown = items::filter(&ctx.props().view, ctx.props().system);
        let placed = place::place(&self.shown, self.width, self.pointed.as_deref().or(self.chosen.as_deref()));
        let kept = |key: &str| placed.items.iter().any(|item| item.key == key);
        let left: Vec<Item> = self
            .placed
            .items
            .iter()
            .filter(|item| item.kind == place::Kind::Pod && !kept(&item.key))
            .cloned()
            .collect();
        if !left.is_empty() && left.len() < 50 {
            self.gone.extend(left);
            let link = ctx.link().clone();
            self.fading = Some(Timeout::new(FADE_MS, move || link.send_message(Msg::Faded)));
        }
        let forgotten = |key: &Option<String>| key.as_deref().is_some_and(|key| !kept(key));
        if forgotten(&self.chosen) {
            self.chosen = None;
        }
        if forgotten(&self.pointed) {
            self.pointed = None;
        }
        if forgotten(&self.focused) {
            self.focused = None;
        }
        self.placed = Rc::new(placed);
    }

    fn summary(&self) -> String {
        let mut counts = SortedMap::new();
        for pod in &self.shown.pods {
            *counts.entry(pod.phase).or_insert(0_usize) += 1;
        }
        let parts: Vec<String> = counts.iter().map(|(of, count)| format!("{count} {}", phase::label(*of))).collect();
        if parts.is_empty() { "no pods".into() } else { parts.join(" · ") }
    }

    fn picture(&self, ctx: &Context<Map>) -> Html {
        let placed = &self.placed;
        let link = ctx.link();
        let at = self.pointed.as_deref().or(self.chosen.as_deref());
        let related = at.map(|key| related::related(&self.shown, key));
        // One box at a time can be reached by Tab; the arrow keys go on from there.
        let entry = self.focused.clone().or_else(|| placed.items.first().map(|item| item.key.clone()));
        let choose = link.callback(|key| Msg::Choose(Some(key)));
        let point = link.callback(Msg::Point);
        let focus = link.callback(Msg::Focus);
        let boxes = placed.items.iter().map(|item| {
            let state = items::State {
                chosen: self.chosen.as_deref() == Some(item.key.as_str()),
                dim: related.as_ref().is_some_and(|related| !related.contains(&item.key)),
                reachable: entry.as_deref() == Some(item.key.as_str()),
            };
            items::item(&self.shown, item, state, &choose, &point, &focus)
        });
        let lines = placed.lines.iter().map(|line| {
            let lit = at.is_some_and(|key| {
                key == line.from
                    || key == line.to
                    || related.as_ref().is_some_and(|all| all.contains(&line.from) && all.contains(&line.to))
            });
            let class = classes!(
                "tie",
                if line.tie == Tie::Owns { "owns" } else { "selects" },
                lit.then_some("lit"),
                (at.is_some() && !lit).then_some("dim"),
            );
            let key = format!("{}>{}", line.from, line.to);
            html! { <path key={key} {class} d={line.path.clone()} style={format!("d:path(\"{}\")", line.path)} /> }
        });
        let gone = self.gone.iter().map(|item| {
            html! { <div key={format!("gone:{}", item.key)} class="item pod gone" style={items::style(item)} /> }
        });
        let height = format!("height:{}px", placed.height);
        html! {
            <div class="map-canvas" role="group" aria-label="Cluster map. Arrow keys move, Enter shows details."
                style={height.clone()} onkeydown={link.callback(Msg::Key)}>
                <svg class="ties" aria-hidden="true" style={height}>{ for lines }</svg>
                { for boxes }
                { for gone }
                if placed.more_nodes > 0 {
                    <p class="map-more">{ format!("and {} more nodes", placed.more_nodes) }</p>
                }
            </div>
        }
    }

    fn in_words(&self) -> Html {
        let paragraphs = words::describe(&self.shown).into_iter().map(|paragraph| {
            html! {
                <section>
                    <h3>{ paragraph.title }</h3>
                    <ul>{ for paragraph.lines.into_iter().map(|line| html! { <li>{ line }</li> }) }</ul>
                </section>
            }
        });
        html! { <div class="map-words">{ for paragraphs }</div> }
    }

    fn key(&mut self, ctx: &Context<Map>, event: &KeyboardEvent) -> bool {
        let Some(key) = event.target().and_then(|target| {
            target.dyn_into::<Element>().ok()?.closest("[data-key]").ok()??.get_attribute("data-key")
        }) else {
            return false;
        };
        let (dx, dy) = match event.key().as_str() {
            "ArrowLeft" => (-1, 0),
            "ArrowRight" => (1, 0),
            "ArrowUp" => (0, -1),
            "ArrowDown" => (0, 1),
            "Enter" | " " => {
                event.prevent_default();
                ctx.link().send_message(Msg::Choose(Some(key)));
                return false;
            }
            "Escape" if self.chosen.is_some() => {
                ctx.link().send_message(Msg::Choose(None));
                return false;
            }
            _ => return false,
        };
        event.prevent_default();
        let Some(next) = place::neighbour(&self.placed.items, &key, dx, dy) else { return false };
        let selector = format!("[data-key=\"{}\"]", next.key);
        if let Some(element) = self
            .host
            .cast::<Element>()
            .and_then(|host| host.query_selector(&selector).ok().flatten())
            .and_then(|element| element.dyn_into::<HtmlElement>().ok())
        {
            // It takes focus whether or not it's the one that Tab reaches; then it becomes that one.
            let _ = element.focus();
        }
        true
    }
}
