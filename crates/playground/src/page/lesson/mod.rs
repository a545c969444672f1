//! The lesson pane: the course's contents, the text with its runnable blocks and diagrams, the exercises.
//!
//! - [`code`]: code blocks with what can be done with them. [`diagram`]: diagrams, drawn when they come into view.
//! - [`exercise`]: a card with tasks, ticks, hints and solutions.
//! - [`course`]: the list of lessons, and how the address of one is made out.

pub mod code;
pub mod course;
pub mod diagram;
pub mod exercise;

use drydock_sorted::SortedMap;
use std::rc::Rc;

use drydock_lessons::{Block, Lesson};
use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement, MouseEvent};
use yew::virtual_dom::VNode;
use yew::{AttrValue, Callback, Component, Context, Html, NodeRef, Properties, TargetCast, classes, html};

use crate::bridge::Drawing;
use crate::page::icons::icon;
use crate::page::lesson::course::Entry;
use crate::page::storage::Progress;

/// What the lesson pane asks the page to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Type these commands into the terminal.
    Run(String),
    /// Copy a text.
    Copy(String),
    /// Open a file of this name and text in the editor.
    Edit(String, String),
    /// Work on this exercise.
    Exercise(usize),
    /// Tick a task, or take the tick away: the learner says so.
    Tick(usize, usize),
    /// Go to a lesson of the course, or to the Markdown file at an address.
    Lesson(String),
    /// Remember how far the learner has read.
    Place(i32),
    /// Say something in passing.
    Say(String),
    /// Begin with a new cluster of this profile.
    Cluster(String),
}

/// What the lesson pane is given.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The course.
    pub course: Rc<Vec<Entry>>,
    /// Name of the lesson that is open.
    pub current: AttrValue,
    /// The lesson; nothing while it's being fetched.
    pub lesson: Option<Rc<Lesson>>,
    /// Its diagrams, in the order of the text, as far as they are drawn already.
    pub drawings: Rc<Vec<Option<Drawing>>>,
    /// Why there is none.
    pub trouble: Option<AttrValue>,
    /// Progress in it.
    pub progress: Rc<Progress>,
    /// Solved and all tasks of the other lessons, by name.
    pub done: Rc<SortedMap<String, (usize, usize)>>,
    /// The exercise that is being worked on.
    pub active: Option<usize>,
    /// Whether the lesson wants another cluster than the one that is there.
    pub unfit: bool,
    /// Whether diagrams are to be dark.
    pub dark: bool,
    /// What to do.
    pub on_wish: Callback<Wish>,
    /// A Markdown file that the learner picked.
    pub on_file: Callback<web_sys::File>,
}

/// What happens in the pane.
pub enum Msg {
    /// The list of lessons opens or closes.
    Contents,
    /// The text was scrolled.
    Scrolled,
    /// It came to rest.
    Rested,
    /// A link in the text.
    Link(MouseEvent),
    /// Go to a lesson.
    Go(String),
    /// Go to a heading.
    Heading(String),
    /// A file was picked.
    Picked(HtmlInputElement),
}

/// The component.
pub struct LessonPane {
    text: NodeRef,
    picker: NodeRef,
    contents: bool,
    rest: Option<Timeout>,
    /// The lesson whose place was restored.
    placed: Option<AttrValue>,
}

impl Component for LessonPane {
    type Message = Msg;
    type Properties = Props;

    fn create(_: &Context<LessonPane>) -> LessonPane {
        LessonPane { text: NodeRef::default(), picker: NodeRef::default(), contents: false, rest: None, placed: None }
    }

    fn rendered(&mut self, ctx: &Context<LessonPane>, _: bool) {
        let props = ctx.props();
        if props.lesson.is_some() && self.placed.as_ref() != Some(&props.current) {
            self.placed = Some(props.current.clone());
            if let Some(text) = self.text.cast::<Element>() {
                text.set_scroll_top(props.progress.place);
            }
        }
    }

    fn changed(&mut self, ctx: &Context<LessonPane>, old: &Props) -> bool {
        if ctx.props().current != old.current {
            self.contents = false;
        }
        true
    }

    fn update(&mut self, ctx: &Context<LessonPane>, message: Msg) -> bool {
        let props = ctx.props();
        match message {
            Msg::Contents => self.contents = !self.contents,
            Msg::Scrolled => {
                let link = ctx.link().clone();
                self.rest = Some(Timeout::new(400, move || link.send_message(Msg::Rested)));
                return false;
            }
            Msg::Rested => {
                if let (Some(text), true) = (self.text.cast::<Element>(), props.lesson.is_some()) {
                    props.on_wish.emit(Wish::Place(text.scroll_top()));
                }
                return false;
            }
            Msg::Link(event) => {
                self.follow(ctx, &event);
                return false;
            }
            Msg::Go(id) => {
                self.contents = false;
                props.on_wish.emit(Wish::Lesson(id));
            }
            Msg::Heading(id) => {
                self.contents = false;
                self.show(&id);
            }
            Msg::Picked(input) => {
                if let Some(file) = input.files().and_then(|files| files.get(0)) {
                    props.on_file.emit(file);
                }
                input.set_value("");
                self.contents = false;
            }
        }
        true
    }

    fn view(&self, ctx: &Context<LessonPane>) -> Html {
        let props = ctx.props();
        let link = ctx.link();
        let title = match (&props.lesson, &props.trouble) {
            (Some(lesson), _) => lesson.title.clone(),
            (None, Some(_)) => "No lesson".into(),
            (None, None) => "Loading…".into(),
        };
        html! {
            <>
                <header class="pane-head">
                    <h2>{ icon("book") }<span class="ellipsis">{ title }</span></h2>
                    <span class="spacer" />
                    { self.meter(props) }
                    <button class="icon-button" aria-expanded={self.contents.to_string()} aria-label="Contents"
                        title="Lessons and headings" onclick={link.callback(|_| Msg::Contents)}>{ icon("list") }</button>
                </header>
                if self.contents { { self.contents(ctx) } }
                <div class="lesson-text" ref={&self.text} tabindex="0" role="document" aria-label="Lesson"
                    onscroll={link.callback(|_| Msg::Scrolled)} onclick={link.callback(Msg::Link)}>
                    if let Some(trouble) = &props.trouble {
                        <div class="notice" role="alert">
                            <p>{ trouble }</p>
                        </div>
                    }
                    if let Some(lesson) = props.lesson.as_ref().filter(|_| props.unfit) { { other_cluster(lesson, &props.on_wish) } }
                    if let Some(lesson) = &props.lesson {
                        <article key={props.current.to_string()}>
                            { for lesson.blocks.iter().enumerate().map(|(at, block)| self.block(ctx, lesson, at, block)) }
                        </article>
                        { self.way_on(ctx) }
                    }
                </div>
            </>
        }
    }
}

impl LessonPane {
    fn block(&self, ctx: &Context<LessonPane>, lesson: &Lesson, at: usize, block: &Block) -> Html {
        let props = ctx.props();
        match block {
            Block::Heading { level, id, html } => {
                let tag = format!("h{}", level.clamp(&1, &6));
                html! { <@{tag} id={id.clone()}>{ raw(html) }</@> }
            }
            Block::Prose { html } => html! { <div class="prose">{ raw(html) }</div> },
            Block::Code { language, text, file } => html! {
                <code::CodeBlock language={language.clone()} text={text.clone()} file={file.clone()}
                    on_wish={props.on_wish.clone()} />
            },
            Block::Diagram { source } => {
                let before =
                    lesson.blocks.iter().take(at).filter(|block| matches!(block, Block::Diagram { .. })).count();
                let drawing = props.drawings.get(before).cloned().flatten();
                html! {
                    <diagram::Diagram key={format!("diagram-{at}")} source={source.clone()} {drawing} dark={props.dark} />
                }
            }
            Block::Exercise(index) => {
                let Some(exercise) = lesson.exercises.get(*index) else { return Html::default() };
                let solved = props.progress.solved.get(&exercise.id).cloned().unwrap_or_default();
                html! {
                    <exercise::Card key={format!("exercise-{index}")} index={*index} exercise={exercise.clone()}
                        solved={solved} active={props.active == Some(*index)} on_wish={props.on_wish.clone()} />
                }
            }
        }
    }

    fn meter(&self, props: &Props) -> Html {
        let all: usize = props.lesson.iter().flat_map(|lesson| &lesson.exercises).map(|each| each.tasks.len()).sum();
        if all == 0 {
            return Html::default();
        }
        let done = props.progress.count().min(all);
        html! {
            <span class={classes!("meter", (done == all).then_some("whole"))} title="Tasks done in this lesson">
                <progress value={done.to_string()} max={all.to_string()} aria-label="Tasks done" />
                { format!("{done}/{all}") }
            </span>
        }
    }

    fn contents(&self, ctx: &Context<LessonPane>) -> Html {
        let props = ctx.props();
        let link = ctx.link();
        let lessons = props.course.iter().map(|entry| {
            let here = entry.id == *props.current;
            let id = entry.id.clone();
            let done = props.done.get(&entry.id).filter(|(_, all)| *all > 0);
            html! {
                <li>
                    <button class={classes!("contents-lesson", here.then_some("here"))}
                        aria-current={here.then_some("page")} onclick={link.callback(move |_| Msg::Go(id.clone()))}>
                        <strong>{ &entry.title }</strong>
                        if let Some((done, all)) = done {
                            <span class={classes!("badge", (done == all).then_some("whole"))}>
                                { if done == all { icon("check") } else { Html::default() } }{ format!("{done}/{all}") }
                            </span>
                        }
                        <span class="note">{ &entry.description }</span>
                    </button>
                </li>
            }
        });
        let headings = props.lesson.iter().flat_map(|lesson| &lesson.blocks).filter_map(|block| match block {
            Block::Heading { level: level @ 2..=3, id, html } => {
                let target = id.clone();
                Some(html! {
                    <li class={format!("level-{level}")}>
                        <button onclick={link.callback(move |_| Msg::Heading(target.clone()))}>{ raw(html) }</button>
                    </li>
                })
            }
            _ => None,
        });
        let pick = {
            let picker = self.picker.clone();
            Callback::from(move |_: MouseEvent| {
                if let Some(picker) = picker.cast::<HtmlElement>() {
                    picker.click();
                }
            })
        };
        html! {
            <nav class="contents" aria-label="Contents">
                if !props.course.is_empty() {
                    <h3>{ "Course" }</h3>
                    <ul class="contents-course">{ for lessons }</ul>
                }
                <h3>{ "In this lesson" }</h3>
                <ul class="contents-headings">{ for headings }</ul>
                <button class="button quiet" onclick={pick}>{ icon("open") }{ "Open a Markdown file as a lesson…" }</button>
                <input ref={&self.picker} type="file" accept=".md,.markdown,.mdx,text/markdown" hidden=true
                    onchange={link.callback(|event: yew::Event| Msg::Picked(event.target_unchecked_into()))} />
            </nav>
        }
    }

    /// The lessons before and after this one.
    fn way_on(&self, ctx: &Context<LessonPane>) -> Html {
        let course = &ctx.props().course;
        let Some(at) = course.iter().position(|entry| entry.id == *ctx.props().current) else { return Html::default() };
        let to = |entry: &Entry, next: bool| {
            let id = entry.id.clone();
            html! {
                <button class={if next { "next" } else { "previous" }} onclick={ctx.link().callback(move |_| Msg::Go(id.clone()))}>
                    <span class="note">{ if next { "Next" } else { "Previous" } }</span>
                    <strong>{ &entry.title }</strong>
                </button>
            }
        };
        let previous = at.checked_sub(1).and_then(|at| course.get(at));
        html! {
            <nav class="way-on" aria-label="Lessons before and after">
                if let Some(entry) = previous { { to(entry, false) } }
                if let Some(entry) = course.get(at + 1) { { to(entry, true) } }
            </nav>
        }
    }

    fn show(&self, id: &str) {
        let Some(text) = self.text.cast::<Element>() else { return };
        let found = text.query_selector(&format!("[id=\"{}\"]", id.replace(['"', '\\'], ""))).ok().flatten();
        if let Some(heading) = found {
            heading.scroll_into_view();
        }
    }

    /// Links within the lesson scroll, those to other lessons open them, those to elsewhere open beside the page.
    fn follow(&self, ctx: &Context<LessonPane>, event: &MouseEvent) {
        let anchor = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|element| element.closest("a[href]").ok().flatten());
        let Some(href) = anchor.and_then(|anchor| anchor.get_attribute("href")) else { return };
        event.prevent_default();
        let props = ctx.props();
        if let Some(id) = href.strip_prefix('#') {
            self.show(id);
        } else if href.starts_with("http://") || href.starts_with("https://") {
            if let Some(window) = web_sys::window() {
                // A blocked pop-up is the browser's word, and it tells the learner itself.
                let _ = window.open_with_url_and_target_and_features(&href, "_blank", "noopener");
            }
        } else if let Some(entry) = course::linked(&props.course, &href) {
            props.on_wish.emit(Wish::Lesson(entry.id.clone()));
        } else {
            props.on_wish.emit(Wish::Say(format!("“{href}” is not part of this course.")));
        }
    }
}

/// Offers the cluster that a lesson wants; the one that is there stays until the learner says so.
fn other_cluster(lesson: &Lesson, on_wish: &Callback<Wish>) -> Html {
    let profile = lesson.profile.clone();
    let begin = on_wish.reform(move |_| Wish::Cluster(profile.clone()));
    html! {
        <div class="notice" role="status">
            <p>{ format!("This lesson is written for another cluster ({}) than the one that you have been working with.", lesson.profile) }</p>
            <button class="button small" onclick={begin}>{ icon("reset") }{ "Begin with a new cluster for it" }</button>
        </div>
    }
}

/// HTML that the lesson engine made: it has escaped what the author wrote as HTML.
pub fn raw(html: &str) -> Html {
    VNode::from_html_unchecked(AttrValue::from(html.to_owned()))
}
