//! The page's questions: a modal dialog with a text field or without.

use web_sys::{HtmlDialogElement, HtmlInputElement, SubmitEvent};
use yew::{Callback, Component, Context, Html, NodeRef, Properties, html};

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// A new file's name.
    NewFile,
    /// Another name for a file.
    Rename(String),
    /// Whether to delete a file.
    Delete(String),
    /// Whether to begin again with a new cluster.
    Reset,
}

impl Question {
    /// Title, what to know, the text field's content (none: no field) and the word on the button.
    fn words(&self) -> (String, &'static str, Option<&str>, &'static str) {
        match self {
            Question::NewFile => ("New file".into(), "", Some("manifest.yaml"), "Create"),
            Question::Rename(path) => (format!("Rename {path}"), "", Some(path), "Rename"),
            Question::Delete(path) => (format!("Delete {path}?"), "The file is gone then.", None, "Delete"),
            Question::Reset => (
                "Begin with a new cluster?".into(),
                "Everything in the cluster and all files of the terminal are gone then. What you have solved stays solved.",
                None,
                "New cluster",
            ),
        }
    }
}

/// What a dialog is given.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// What is asked.
    pub question: Question,
    /// The answer: the text of the field, empty where there is none; nothing when it was called off.
    pub on_answer: Callback<Option<String>>,
}

/// How a dialog ends.
pub enum Msg {
    /// The answer is yes.
    Yes(SubmitEvent),
    /// It was called off.
    No,
}

/// The component.
pub struct Dialog {
    dialog: NodeRef,
    field: NodeRef,
}

impl Component for Dialog {
    type Message = Msg;
    type Properties = Props;

    fn create(_: &Context<Dialog>) -> Dialog {
        Dialog { dialog: NodeRef::default(), field: NodeRef::default() }
    }

    fn rendered(&mut self, _: &Context<Dialog>, first: bool) {
        if !first {
            return;
        }
        if let Some(dialog) = self.dialog.cast::<HtmlDialogElement>() {
            // It fails only for a dialog that is shown already.
            let _ = dialog.show_modal();
        }
        if let Some(field) = self.field.cast::<HtmlInputElement>() {
            let name = field.value();
            let end = name.rfind('.').unwrap_or(name.len());
            // Selecting the name is a convenience.
            let _ = field.focus();
            let _ = field.set_selection_range(0, u32::try_from(end).unwrap_or(0));
        }
    }

    fn update(&mut self, ctx: &Context<Dialog>, message: Msg) -> bool {
        let answer = match message {
            Msg::Yes(event) => {
                event.prevent_default();
                Some(self.field.cast::<HtmlInputElement>().map(|field| field.value()).unwrap_or_default())
            }
            Msg::No => None,
        };
        ctx.props().on_answer.emit(answer);
        false
    }

    fn view(&self, ctx: &Context<Dialog>) -> Html {
        let (title, more, field, yes) = ctx.props().question.words();
        let link = ctx.link();
        html! {
            <dialog ref={&self.dialog} aria-labelledby="dialog-title" oncancel={link.callback(|_| Msg::No)}>
                <form onsubmit={link.callback(Msg::Yes)}>
                    <h2 id="dialog-title">{ title }</h2>
                    if !more.is_empty() { <p>{ more }</p> }
                    if let Some(text) = field {
                        <label>
                            <span class="hidden">{ "Name" }</span>
                            <input ref={&self.field} value={text.to_owned()} spellcheck="false" autocapitalize="off"
                                autocomplete="off" required=true />
                        </label>
                    }
                    <div class="answers">
                        <button type="button" class="button" onclick={link.callback(|_| Msg::No)}>{ "Cancel" }</button>
                        <button type="submit" class="button primary">{ yes }</button>
                    </div>
                </form>
            </dialog>
        }
    }
}
