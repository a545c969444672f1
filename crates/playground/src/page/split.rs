//! The line between two panes: dragged by pointer or moved by arrow keys. While it moves, only a custom property of the
//! panes' parent changes; the page hears of it when it has come to rest.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent, PointerEvent};
use yew::{AttrValue, Callback, Component, Context, Html, NodeRef, Properties, html};

/// What a splitter is given.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The custom property without its dashes: what share of the parent the first pane has.
    pub name: AttrValue,
    /// What it separates, for screen readers.
    pub label: AttrValue,
    /// Whether the panes stand side by side.
    pub upright: bool,
    /// The share now, in percent.
    pub value: f64,
    /// The share when nobody has moved it.
    pub default: f64,
    /// The new share.
    pub on_change: Callback<f64>,
}

/// What happens to it.
pub enum Msg {
    /// It's taken.
    Down(PointerEvent),
    /// It's dragged.
    Move(PointerEvent),
    /// It's let go.
    Up,
    /// A key.
    Key(KeyboardEvent),
    /// Back to where it was at first.
    Reset,
}

/// The component.
pub struct Splitter {
    host: NodeRef,
    dragged: Option<f64>,
}

const LEAST: f64 = 15.0;
const MOST: f64 = 85.0;

impl Component for Splitter {
    type Message = Msg;
    type Properties = Props;

    fn create(_: &Context<Splitter>) -> Splitter {
        Splitter { host: NodeRef::default(), dragged: None }
    }

    fn update(&mut self, ctx: &Context<Splitter>, message: Msg) -> bool {
        let props = ctx.props();
        match message {
            Msg::Down(event) => {
                event.prevent_default();
                if let Some(host) = self.host.cast::<Element>() {
                    // Without capture a drag ends at the edge of the splitter: a nuisance, not an error.
                    let _ = host.set_pointer_capture(event.pointer_id());
                }
                self.dragged = Some(props.value);
            }
            Msg::Move(event) => {
                if self.dragged.is_some() {
                    let share = self.share(props, &event);
                    self.dragged = share;
                    if let (Some(share), Some(parent)) = (share, self.parent()) {
                        // Setting a property of our own name cannot fail.
                        let _ = parent.style().set_property(&format!("--{}", props.name), &format!("{share}%"));
                    }
                }
                return false;
            }
            Msg::Up => {
                if let Some(share) = self.dragged.take() {
                    props.on_change.emit(share);
                }
            }
            Msg::Key(event) => {
                let step = match (event.key().as_str(), props.upright) {
                    ("ArrowLeft", true) | ("ArrowUp", false) => -2.0,
                    ("ArrowRight", true) | ("ArrowDown", false) => 2.0,
                    ("PageUp", _) => -10.0,
                    ("PageDown", _) => 10.0,
                    ("Home", _) => LEAST - props.value,
                    ("End", _) => MOST - props.value,
                    ("Enter", _) => props.default - props.value,
                    _ => return false,
                };
                event.prevent_default();
                props.on_change.emit((props.value + step).clamp(LEAST, MOST));
            }
            Msg::Reset => props.on_change.emit(props.default),
        }
        true
    }

    fn view(&self, ctx: &Context<Splitter>) -> Html {
        let props = ctx.props();
        let link = ctx.link();
        html! {
            <div ref={&self.host} class={if props.upright { "splitter upright" } else { "splitter" }} role="separator"
                tabindex="0" aria-label={props.label.clone()} aria-orientation={if props.upright { "vertical" } else { "horizontal" }}
                aria-valuenow={format!("{:.0}", props.value)} aria-valuemin={LEAST.to_string()} aria-valuemax={MOST.to_string()}
                title="Drag, or use the arrow keys; double-click resets"
                onpointerdown={link.callback(Msg::Down)} onpointermove={link.callback(Msg::Move)}
                onpointerup={link.callback(|_| Msg::Up)} onlostpointercapture={link.callback(|_| Msg::Up)}
                ondblclick={link.callback(|_| Msg::Reset)} onkeydown={link.callback(Msg::Key)} />
        }
    }
}

impl Splitter {
    fn parent(&self) -> Option<HtmlElement> {
        self.host.cast::<Element>()?.parent_element()?.dyn_into().ok()
    }

    fn share(&self, props: &Props, event: &PointerEvent) -> Option<f64> {
        let area = self.parent()?.get_bounding_client_rect();
        let (at, size) = if props.upright {
            (f64::from(event.client_x()) - area.left(), area.width())
        } else {
            (f64::from(event.client_y()) - area.top(), area.height())
        };
        (size > 0.0).then(|| (at / size * 100.0).clamp(LEAST, MOST))
    }
}
