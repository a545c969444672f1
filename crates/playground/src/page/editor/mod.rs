//! The editor pane: open files as tabs over one Monaco editor, loaded when the first file is opened. On touch screens,
//! and where Monaco can't be had, a plain text field does the same.
//!
//! - [`files`]: what is open and what of it is not written yet; plain data.

pub mod files;

use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlTextAreaElement, KeyboardEvent};
use yew::{AttrValue, Callback, Component, Context, Html, InputEvent, NodeRef, Properties, TargetCast, classes, html};

use crate::bridge::FileEntry;
use crate::page::editor::files::{Buffer, Files};
use crate::page::icons::icon;
use crate::page::js;

/// What the editor asks the page to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Show an open file.
    Show(String),
    /// Open a file.
    Open(String),
    /// Close a file.
    Close(String),
    /// The text of a file was edited.
    Edited(String, String),
    /// Apply the file that is shown.
    Apply,
    /// Ask for a new file's name.
    New,
    /// Ask for another name of the file that is shown.
    Rename,
    /// Ask whether to delete the file that is shown.
    Delete,
    /// The program that waits for the edit goes on: with what was saved, or without.
    Done(String, bool),
}

/// What the editor is given.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The open files.
    pub files: Rc<Files>,
    /// All files of the home folder.
    pub listing: Rc<Vec<FileEntry>>,
    /// The theme: Monaco is told when it changes.
    pub dark: bool,
    /// What to do.
    pub on_wish: Callback<Wish>,
}

/// What happens in the editor.
pub enum Msg {
    /// Monaco is there, or can't be had.
    Loaded(Option<js::Editors>),
}

/// Monaco and the closures that it calls.
struct Monaco {
    editor: js::Editor,
    _change: Closure<dyn FnMut(String, String)>,
    _apply: Closure<dyn FnMut()>,
}

/// How text is edited.
enum Field {
    /// Nothing was opened yet.
    None,
    /// Monaco is being loaded.
    Loading,
    /// By Monaco.
    Monaco(Monaco),
    /// By a plain text field.
    Plain,
}

/// The component.
pub struct EditorPane {
    host: NodeRef,
    field: Field,
    /// What Monaco knows: path, text and version of each file.
    known: Vec<(String, u64)>,
    shown: Option<String>,
}

impl Component for EditorPane {
    type Message = Msg;
    type Properties = Props;

    fn create(ctx: &Context<EditorPane>) -> EditorPane {
        let mut pane = EditorPane { host: NodeRef::default(), field: Field::None, known: Vec::new(), shown: None };
        pane.load(ctx);
        pane
    }

    fn changed(&mut self, ctx: &Context<EditorPane>, old: &Props) -> bool {
        self.load(ctx);
        self.tell(ctx.props());
        if let (Field::Monaco(monaco), true) = (&self.field, ctx.props().dark != old.dark) {
            monaco.editor.recolour_editor();
        }
        true
    }

    fn update(&mut self, ctx: &Context<EditorPane>, message: Msg) -> bool {
        let Msg::Loaded(editors) = message;
        self.field = match (editors, self.host.cast::<Element>()) {
            (Some(editors), Some(host)) => {
                let on_wish = ctx.props().on_wish.clone();
                let change = Closure::new(move |path, text| on_wish.emit(Wish::Edited(path, text)));
                let on_wish = ctx.props().on_wish.clone();
                let apply = Closure::new(move || on_wish.emit(Wish::Apply));
                let editor = editors.create(&host, &change, &apply);
                Field::Monaco(Monaco { editor, _change: change, _apply: apply })
            }
            _ => Field::Plain,
        };
        self.tell(ctx.props());
        true
    }

    fn view(&self, ctx: &Context<EditorPane>) -> Html {
        let props = ctx.props();
        let files = &props.files;
        let wish = |wish: Wish| props.on_wish.reform(move |_| wish.clone());
        let shown = files.shown();
        let monaco = !matches!(self.field, Field::Plain | Field::None);
        html! {
            <>
                <header class="pane-head">
                    <h2 class={classes!((!files.open().is_empty()).then_some("slim"))}>{ icon("file") }<span>{ "Editor" }</span></h2>
                    <div class="file-tabs" role="tablist" aria-label="Open files">
                        { for files.open().iter().map(|buffer| tab(buffer, shown.is_some_and(|s| s.path == buffer.path), props)) }
                    </div>
                    <button class="icon-button" aria-label="New file" title="New file" onclick={wish(Wish::New)}>{ icon("plus") }</button>
                    { listing(props) }
                    <span class="spacer" />
                    if let Some(buffer) = shown.filter(|buffer| !buffer.awaited) {
                        <button class="icon-button" aria-label={format!("Rename {}", buffer.path)} title="Rename"
                            onclick={wish(Wish::Rename)}>{ icon("pencil") }</button>
                        <button class="icon-button" aria-label={format!("Delete {}", buffer.path)} title="Delete"
                            onclick={wish(Wish::Delete)}>{ icon("trash") }</button>
                        <button class="button small primary" onclick={wish(Wish::Apply)}
                            title="kubectl apply -f, with Ctrl+Enter or Cmd+Enter">{ icon("apply") }{ "Apply" }</button>
                    }
                </header>
                if let Some(buffer) = shown.filter(|buffer| buffer.awaited) {
                    <div class="edit-bar" role="alert">
                        <span>{ "kubectl edit waits for you." }</span>
                        <span class="spacer" />
                        <button class="button small" onclick={wish(Wish::Done(buffer.path.clone(), false))}>{ "Cancel" }</button>
                        <button class="button small primary" onclick={wish(Wish::Done(buffer.path.clone(), true))}>{ "Save and close" }</button>
                    </div>
                }
                <div class="editor-body">
                    <div class={classes!("monaco", (!monaco || shown.is_none()).then_some("away"))} ref={&self.host} />
                    if let (Some(buffer), Field::Plain | Field::Loading) = (shown, &self.field) {
                        { plain(buffer, &props.on_wish, matches!(self.field, Field::Loading)) }
                    }
                    if shown.is_none() {
                        <div class="editor-empty">
                            <p>{ "Manifests that you open or write show up here." }</p>
                            <button class="button quiet" onclick={wish(Wish::New)}>{ icon("plus") }{ "New file" }</button>
                            <p class="note">{ "Ctrl+Enter applies the open file." }</p>
                        </div>
                    }
                </div>
                if let Some(buffer) = shown.filter(|buffer| !buffer.problems.is_empty()) {
                    <ul class="problems" role="status">
                        { for buffer.problems.iter().take(4).map(|problem| html! {
                            <li><span class="note">{ format!("line {}", problem.line) }</span>{ " " }{ &problem.message }</li>
                        }) }
                    </ul>
                }
            </>
        }
    }

    fn destroy(&mut self, _: &Context<EditorPane>) {
        if let Field::Monaco(monaco) = &self.field {
            monaco.editor.dispose_editor();
        }
    }
}

impl EditorPane {
    /// Loads Monaco once a file is open; on touch screens a text field is the better editor.
    fn load(&mut self, ctx: &Context<EditorPane>) {
        if !matches!(self.field, Field::None) || ctx.props().files.open().is_empty() {
            return;
        }
        let window = web_sys::window();
        let coarse = window.and_then(|window| window.match_media("(pointer: coarse)").ok().flatten());
        if coarse.is_some_and(|query| query.matches()) {
            self.field = Field::Plain;
            return;
        }
        self.field = Field::Loading;
        let link = ctx.link().clone();
        spawn_local(async move {
            let editors = js::load_editor().await.ok().map(JsCast::unchecked_into);
            link.send_message(Msg::Loaded(editors));
        });
    }

    /// Brings Monaco up to what is open.
    fn tell(&mut self, props: &Props) {
        let Field::Monaco(Monaco { editor, .. }) = &self.field else { return };
        let open = props.files.open();
        for buffer in open {
            if !self.known.iter().any(|(path, version)| *path == buffer.path && *version == buffer.version) {
                editor.put(&buffer.path, &buffer.text);
            }
            editor.mark(&buffer.path, &serde_json::to_string(&buffer.problems).unwrap_or_default());
        }
        for (path, _) in &self.known {
            if !open.iter().any(|buffer| buffer.path == *path) {
                editor.forget(path);
            }
        }
        self.known = open.iter().map(|buffer| (buffer.path.clone(), buffer.version)).collect();
        let shown = props.files.shown().map(|buffer| buffer.path.clone());
        if shown != self.shown {
            if let Some(path) = &shown {
                editor.show(path);
            }
            self.shown = shown;
        }
    }
}

fn tab(buffer: &Buffer, shown: bool, props: &Props) -> Html {
    let show = props.on_wish.reform({
        let path = buffer.path.clone();
        move |_| Wish::Show(path.clone())
    });
    let close = props.on_wish.reform({
        let (path, awaited) = (buffer.path.clone(), buffer.awaited);
        move |event: yew::MouseEvent| {
            event.stop_propagation();
            if awaited { Wish::Done(path.clone(), false) } else { Wish::Close(path.clone()) }
        }
    });
    let name = buffer.path.rsplit('/').next().unwrap_or(&buffer.path).to_owned();
    html! {
        <span key={buffer.path.clone()} class={classes!("file-tab", shown.then_some("shown"), (!buffer.problems.is_empty()).then_some("wrong"))}>
            <button role="tab" aria-selected={shown.to_string()} title={buffer.path.clone()} onclick={show}>{ name }</button>
            <button class="close" aria-label={format!("Close {}", buffer.path)} onclick={close}>{ icon("close") }</button>
        </span>
    }
}

/// The other files of the home folder, to be opened.
fn listing(props: &Props) -> Html {
    let open = |path: &str| props.files.open().iter().any(|buffer| buffer.path == path);
    let others: Vec<&FileEntry> = props.listing.iter().filter(|entry| !open(&entry.path)).collect();
    if others.is_empty() {
        return Html::default();
    }
    let pick = props.on_wish.reform(|event: yew::Event| {
        let select: web_sys::HtmlSelectElement = event.target_unchecked_into();
        let path = select.value();
        select.set_selected_index(0);
        Wish::Open(path)
    });
    html! {
        <label class="select icon-select" title="Open a file">
            { icon("down") }
            <span class="hidden">{ "Open a file" }</span>
            <select onchange={pick}>
                <option value="" selected=true disabled=true>{ "Open a file…" }</option>
                { for others.into_iter().map(|entry| html! { <option value={entry.path.clone()}>{ &entry.path }</option> }) }
            </select>
        </label>
    }
}

fn plain(buffer: &Buffer, on_wish: &Callback<Wish>, loading: bool) -> Html {
    let edited = on_wish.reform({
        let path = buffer.path.clone();
        move |event: InputEvent| {
            Wish::Edited(path.clone(), event.target_unchecked_into::<HtmlTextAreaElement>().value())
        }
    });
    let on_wish = on_wish.clone();
    let apply = Callback::from(move |event: KeyboardEvent| {
        if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
            event.prevent_default();
            on_wish.emit(Wish::Apply);
        }
    });
    html! {
        <textarea key={buffer.path.clone()} class={classes!("plain", loading.then_some("loading"))} spellcheck="false" autocapitalize="off" wrap="off"
            aria-label={AttrValue::from(format!("Text of {}", buffer.path))} value={buffer.text.to_string()}
            readonly={loading} oninput={edited} onkeydown={apply} />
    }
}
