//! Diagrams in Mermaid's language. Flow charts come drawn from the worker, with the same in words for whoever can't see
//! them; Mermaid is loaded for the others once they come near, and their source stands there as long as they aren't
//! drawn.

use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Element;
use yew::{Component, Context, Html, NodeRef, Properties, html};

use crate::bridge::Drawing;
use crate::page::js;
use crate::page::lesson::raw;
use crate::page::sight::Sight;

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
    sight: Option<Sight>,
}

impl Component for Diagram {
    type Message = Msg;
    type Properties = Props;

    fn create(_: &Context<Diagram>) -> Diagram {
        Diagram { host: NodeRef::default(), near: false, svg: None, failed: false, sight: None }
    }

    fn rendered(&mut self, ctx: &Context<Diagram>, first: bool) {
        let wanted = first && ctx.props().drawing.is_none();
        let Some(host) = self.host.cast::<Element>().filter(|_| wanted) else { return };
        let link = ctx.link().clone();
        self.sight = Sight::watch(&host, "300px 0px", move || link.send_message(Msg::Near));
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
                self.sight = None;
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
