//! The terminals: xterm.js screens, and the pane with their tabs.

use drydock_sorted::SortedMap;
use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use web_sys::Element;
use yew::{AttrValue, Callback, Component, Context, Html, NodeRef, Properties, classes, function_component, html};

use crate::bridge::Size;
use crate::page::icons::icon;
use crate::page::js;

/// What the terminals ask the page to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// A screen is there, of that size.
    Ready(u32, Size),
    /// Something was typed.
    Typed(u32, String),
    /// A screen has another size.
    Resized(u32, Size),
    /// A screen has taken in so many bytes.
    Taken(u32, usize),
    /// Show a terminal.
    Show(u32),
    /// Open another one.
    Open,
    /// Close one.
    Close(u32),
}

/// Pieces of output that wait for a screen.
const WAITING_MAX: usize = 64;

/// The screens by terminal. What comes for one that isn't there yet waits for it.
#[derive(Clone, Default)]
pub struct Screens(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    screens: SortedMap<u32, js::Terminal>,
    waiting: SortedMap<u32, Vec<String>>,
}

impl PartialEq for Screens {
    fn eq(&self, other: &Screens) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Screens {
    /// Writes to a screen, and says so once that's done.
    pub fn write(&self, id: u32, text: String, on_wish: &Callback<Wish>) {
        let Some(screen) = self.get(id) else {
            // Nobody sees it: the worker must not wait for it, and it must not grow without end.
            on_wish.emit(Wish::Taken(id, text.len()));
            let mut inner = self.0.borrow_mut();
            let waiting = inner.waiting.entry(id).or_default();
            waiting.push(text);
            if waiting.len() > WAITING_MAX {
                waiting.remove(0);
            }
            return;
        };
        let (on_wish, bytes) = (on_wish.clone(), text.len());
        let done = Closure::once_into_js(move || on_wish.emit(Wish::Taken(id, bytes)));
        screen.write(&text, &done);
    }

    /// Writes something of the page's own to a screen.
    pub fn show(&self, id: u32, text: &str) {
        if let Some(screen) = self.get(id) {
            screen.write(text, &JsValue::UNDEFINED);
        }
    }

    /// The screen of a terminal.
    pub fn get(&self, id: u32) -> Option<js::Terminal> {
        self.0.borrow().screens.get(&id).cloned()
    }

    /// The size of a terminal's screen.
    pub fn size(&self, id: u32) -> Option<Size> {
        self.get(id).map(|screen| Size { cols: screen.columns(), rows: screen.rows() })
    }

    /// Does something with all screens.
    pub fn each(&self, work: impl Fn(&js::Terminal)) {
        self.0.borrow().screens.values().for_each(work);
    }

    fn add(&self, id: u32, screen: js::Terminal) {
        self.0.borrow_mut().screens.insert(id, screen);
        let waiting = self.0.borrow_mut().waiting.remove(&id).unwrap_or_default();
        for text in waiting {
            self.show(id, &text);
        }
    }

    fn remove(&self, id: u32) {
        let mut inner = self.0.borrow_mut();
        inner.waiting.remove(&id);
        if let Some(screen) = inner.screens.remove(&id) {
            screen.dispose();
        }
    }
}

/// What one screen is given.
#[derive(Properties, PartialEq)]
struct ScreenProps {
    id: u32,
    label: AttrValue,
    shown: bool,
    screen_reader: bool,
    screens: Screens,
    on_wish: Callback<Wish>,
}

/// What xterm.js calls; it must live as long as the screen.
struct Listeners {
    _data: Closure<dyn FnMut(String)>,
    _resize: Closure<dyn FnMut(u16, u16)>,
}

/// One xterm.js screen.
struct Screen {
    host: NodeRef,
    listeners: Option<Listeners>,
}

impl Component for Screen {
    type Message = ();
    type Properties = ScreenProps;

    fn create(_: &Context<Screen>) -> Screen {
        Screen { host: NodeRef::default(), listeners: None }
    }

    fn rendered(&mut self, ctx: &Context<Screen>, first: bool) {
        let props = ctx.props();
        let id = props.id;
        let Some(host) = self.host.cast::<Element>().filter(|_| first) else { return };
        let on_wish = props.on_wish.clone();
        let data = Closure::new(move |text| on_wish.emit(Wish::Typed(id, text)));
        let on_wish = props.on_wish.clone();
        // xterm is fitted inside its constructor, before the page knows the screen: that size is told by Ready.
        let resize = Closure::new(move |cols, rows| on_wish.emit(Wish::Resized(id, Size { cols, rows })));
        let screen = js::Terminal::new(&host, &props.label, &data, &resize);
        screen.screen_reader(props.screen_reader);
        let size = Size { cols: screen.columns(), rows: screen.rows() };
        self.listeners = Some(Listeners { _data: data, _resize: resize });
        props.screens.add(id, screen);
        props.on_wish.emit(Wish::Ready(id, size));
    }

    fn changed(&mut self, ctx: &Context<Screen>, old: &ScreenProps) -> bool {
        if ctx.props().screen_reader != old.screen_reader
            && let Some(screen) = ctx.props().screens.get(ctx.props().id)
        {
            screen.screen_reader(ctx.props().screen_reader);
        }
        ctx.props().shown != old.shown
    }

    fn view(&self, ctx: &Context<Screen>) -> Html {
        let away = (!ctx.props().shown).then_some("away");
        html! { <div class={classes!("screen", away)} ref={&self.host} /> }
    }

    fn destroy(&mut self, ctx: &Context<Screen>) {
        ctx.props().screens.remove(ctx.props().id);
    }
}

/// A terminal as its tab shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tab {
    /// The terminal.
    pub id: u32,
    /// What runs in its foreground.
    pub command: Option<String>,
}

/// What the pane is given.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The terminals.
    pub tabs: Vec<Tab>,
    /// The one that is shown.
    pub shown: u32,
    /// Whether they speak to screen readers.
    pub screen_reader: bool,
    /// Their screens.
    pub screens: Screens,
    /// What to do.
    pub on_wish: Callback<Wish>,
    /// More buttons for the head: a page without a bar of its own puts them here.
    #[prop_or_default]
    pub children: Html,
}

/// Keys that a phone's keyboard lacks, and what they send.
const KEYS: &[(&str, &str)] = &[
    ("Tab", "\t"),
    ("Esc", "\u{1b}"),
    ("Ctrl-C", "\u{3}"),
    ("Ctrl-D", "\u{4}"),
    ("↑", "\u{1b}[A"),
    ("↓", "\u{1b}[B"),
    ("←", "\u{1b}[D"),
    ("→", "\u{1b}[C"),
    ("|", "|"),
    ("-", "-"),
    ("/", "/"),
];

/// The terminal pane.
#[function_component]
pub fn TerminalPane(props: &Props) -> Html {
    let several = props.tabs.len() > 1;
    let wish = |wish: Wish| props.on_wish.reform(move |_| wish.clone());
    let tabs = props.tabs.iter().enumerate().map(|(at, tab)| {
        let shown = tab.id == props.shown;
        let name = match &tab.command {
            Some(command) => command.split_whitespace().take(3).collect::<Vec<_>>().join(" "),
            None => format!("{}", at + 1),
        };
        html! {
            <span key={tab.id} class={classes!("file-tab", shown.then_some("shown"), tab.command.is_some().then_some("busy"))}>
                <button role="tab" aria-selected={shown.to_string()} onclick={wish(Wish::Show(tab.id))}>
                    if tab.command.is_some() { <span class="spin" aria-hidden="true" /> }
                    { name }
                </button>
                if several {
                    <button class="close" aria-label={format!("Close terminal {}", at + 1)} onclick={wish(Wish::Close(tab.id))}>
                        { icon("close") }
                    </button>
                }
            </span>
        }
    });
    let screens = props.tabs.iter().enumerate().map(|(at, tab)| {
        html! {
            <Screen key={tab.id} id={tab.id} label={format!("Terminal {}", at + 1)} shown={tab.id == props.shown}
                screen_reader={props.screen_reader} screens={props.screens.clone()} on_wish={props.on_wish.clone()} />
        }
    });
    let keys = KEYS.iter().map(|(name, text)| {
        html! { <button onclick={wish(Wish::Typed(props.shown, (*text).to_owned()))}>{ *name }</button> }
    });
    html! {
        <>
            <header class="pane-head">
                <h2 class="slim">{ icon("prompt") }<span>{ "Terminal" }</span></h2>
                <div class="file-tabs" role="tablist" aria-label="Terminals">{ for tabs }</div>
                <button class="icon-button" aria-label="Open another terminal" title="Open another terminal"
                    onclick={wish(Wish::Open)}>{ icon("plus") }</button>
                <span class="spacer" />
                { props.children.clone() }
            </header>
            <div class="screens">{ for screens }</div>
            <div class="touch-keys" role="toolbar" aria-label="Keys">{ for keys }</div>
        </>
    }
}
