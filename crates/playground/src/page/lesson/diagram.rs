//! Diagrams in Mermaid's language. Flow charts come drawn from the worker, with the same in words for whoever can't see
//! them; Mermaid is loaded for the others once they come near, and their source stands there as long as they aren't
//! drawn.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};
use yew::{Component, Context, Html, NodeRef, Properties, html};

use crate::bridge::Drawing;
use crate::page::js;
use crate::page::lesson::raw;

/// What a diagram is given.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// Its source.
    pub source: String,
    /// The drawing, when there is one already.
    pub drawing: Option<Drawing>,
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
        let wanted = first && ctx.props().drawing.is_none();
        let Some(host) = self.host.cast::<Element>().filter(|_| wanted) else { return };
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
        let Props { source, drawing, .. } = ctx.props();
        html! {
            <figure class="diagram" ref={&self.host}>
                if let Some(Drawing { svg, words }) = drawing {
                    <div class="drawing" role="img" aria-label={format!("Diagram. {}", words.join(". "))}>{ raw(svg) }</div>
                } else if let Some(svg) = &self.svg {
                    <div class="drawing" role="img" aria-label="Diagram">{ raw(svg) }</div>
                } else {
                    <pre>{ source }</pre>
                    if self.failed { <figcaption class="note">{ "This diagram could not be drawn: its source." }</figcaption> }
                }
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
