//! The whole page: its state, and where the panes stand.

use drydock_sorted::{SortedMap, SortedSet};
use std::rc::Rc;

use drydock_lessons::Lesson;
use drydock_session::View;
use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::spawn_local;
use yew::{Component, Context, Html, classes, html};

use crate::bridge::{Drawing, FileEntry, Size, Speed, Start, ToPage, ToWorker, Written};
use crate::page::dialog::{Dialog, Question};
use crate::page::editor;
use crate::page::editor::files::Files;
use crate::page::js;
use crate::page::lesson;
use crate::page::lesson::course::{Entry, Source};
use crate::page::link::Link;
use crate::page::panes::Pane;
use crate::page::params::{Layout, Params, Theme};
use crate::page::storage::{Choices, Progress, Storage};
use crate::page::terminal::{self, Screens, Tab};
use crate::page::topbar;

/// What happens on the page.
pub enum Msg {
    /// The worker said something.
    Worker(ToPage),
    /// What was kept of the last session has been read.
    Kept(Option<String>),
    /// The lesson pane asks for something.
    Lesson(lesson::Wish),
    /// The editor asks for something.
    Editor(editor::Wish),
    /// The terminals ask for something.
    Terminal(terminal::Wish),
    /// The bar asks for something.
    Bar(topbar::Wish),
    /// The map asks for a command to be typed, and entered when the flag says so.
    Command(String, bool),
    /// The map is to show what belongs to the cluster itself, or not.
    System(bool),
    /// The story is to be told, or no longer.
    Story(bool),
    /// The cluster is to go back to before a write of the story (RFC 3339); `true`: to before the command that wrote it.
    Rewind(String, bool),
    /// A splitter came to rest.
    Split(&'static str, f64),
    /// The course's contents were read.
    Course(Vec<Entry>),
    /// A lesson's Markdown was read, or why not. The number is that of the request.
    Markdown(u32, Result<String, String>),
    /// The learner picked a Markdown file.
    File(web_sys::File),
    /// The question was answered.
    Answer(Option<String>),
    /// Edits are to be written.
    Flush,
    /// The page is going away, perhaps for ever.
    Leaving,
    /// The message in passing has passed.
    Said,
    /// A pane is chosen, where only one has room.
    Choose(Pane),
    /// The system's theme changed: whether it's dark now.
    SystemTheme(bool),
    /// Go to the next pane, or back.
    NextPane(bool),
    /// Begin again after a failure, without what was kept.
    StartOver,
}

/// The page.
pub struct App {
    pub(super) link: Link,
    pub(super) storage: Storage,
    pub(super) choices: Choices,
    pub(super) params: Params,
    pub(super) screens: Screens,
    /// Whether the worker is there.
    pub(super) hello: bool,
    /// What was kept of the last session; nothing until that was looked up.
    pub(super) kept: Option<Option<String>>,
    /// Whether the session was asked for, and whether it runs.
    pub(super) asked: bool,
    pub(super) started: bool,
    pub(super) failure: Option<String>,
    pub(super) clock: u64,
    pub(super) speed: Speed,
    pub(super) tabs: Vec<Tab>,
    pub(super) terminal: u32,
    /// Since when the foreground commands run, in the page's milliseconds.
    pub(super) since: SortedMap<u32, f64>,
    /// Commands that wait for a terminal.
    pub(super) queued: Vec<String>,
    pub(super) view: Rc<View>,
    pub(super) news: String,
    pub(super) story: Rc<Vec<Written>>,
    pub(super) listing: Rc<Vec<FileEntry>>,
    pub(super) files: Rc<Files>,
    pub(super) flush: Option<Timeout>,
    pub(super) course: Rc<Vec<Entry>>,
    pub(super) source: Source,
    /// The number of the last request for a lesson.
    pub(super) request: u32,
    /// Markdown that waits for the worker.
    pub(super) markdown: Option<String>,
    pub(super) lesson: Option<Rc<Lesson>>,
    pub(super) trouble: Option<String>,
    /// The lesson's diagrams as the worker has drawn them.
    pub(super) drawings: Rc<Vec<Option<Drawing>>>,
    /// Whether the lesson wants another cluster than the one that is there.
    pub(super) unfit: bool,
    pub(super) progress: Rc<Progress>,
    pub(super) done: Rc<SortedMap<String, (usize, usize)>>,
    pub(super) active: Option<usize>,
    pub(super) question: Option<Question>,
    pub(super) said: Option<String>,
    pub(super) saying: Option<Timeout>,
    pub(super) panes: SortedSet<Pane>,
    /// The pane that is shown where only one has room, and the upper one where only one of two has.
    pub(super) tab: Pane,
    pub(super) upper: Pane,
    pub(super) dark: bool,
}

impl Component for App {
    type Message = Msg;
    type Properties = ();

    fn create(ctx: &Context<App>) -> App {
        let scope = ctx.link().clone();
        let link = Link::new(move |message| scope.send_message(Msg::Worker(message)));
        let (params, storage) = (Params::of_page(), Storage::of_page());
        let choices: Choices = storage.get("choices");
        let system_dark = listen_to_system_theme(ctx);
        let theme = params.theme.or_else(|| Theme::parse(&choices.theme));
        let dark = theme.map_or(system_dark, |theme| theme == Theme::Dark);
        let layout = params.layout.unwrap_or(Layout::Full);
        let mut panes: SortedSet<Pane> = layout.panes().iter().copied().collect();
        if layout == Layout::Full {
            panes.retain(|pane| !choices.hidden.contains(pane.name()));
        }
        let tab = *layout.panes().first().unwrap_or(&Pane::Terminal);
        let wanted = params.lesson.clone().unwrap_or_else(|| choices.lesson.clone());
        let app = App {
            link,
            storage,
            choices,
            params,
            screens: Screens::default(),
            hello: false,
            kept: None,
            asked: false,
            started: false,
            failure: None,
            clock: 0,
            speed: Speed::Times(1),
            tabs: vec![Tab { id: 0, command: None }],
            terminal: 0,
            since: SortedMap::new(),
            queued: Vec::new(),
            view: Rc::default(),
            news: String::new(),
            story: Rc::default(),
            listing: Rc::default(),
            files: Rc::default(),
            flush: None,
            course: Rc::default(),
            source: Source::Address(wanted),
            request: 0,
            markdown: None,
            lesson: None,
            trouble: None,
            drawings: Rc::default(),
            unfit: false,
            progress: Rc::default(),
            done: Rc::default(),
            active: None,
            question: None,
            said: None,
            saying: None,
            panes,
            tab,
            upper: Pane::Map,
            dark,
        };
        app.show_theme();
        app.read_kept(ctx);
        app.read_course(ctx);
        listen_to_window(ctx);
        app
    }

    fn update(&mut self, ctx: &Context<App>, message: Msg) -> bool {
        match message {
            Msg::Worker(message) => return self.worker_says(ctx, message),
            Msg::Kept(kept) => {
                self.kept = Some(kept);
                self.try_start();
                return false;
            }
            Msg::Lesson(wish) => return self.lesson_wish(ctx, wish),
            Msg::Editor(wish) => return self.editor_wish(ctx, wish),
            Msg::Terminal(wish) => return self.terminal_wish(wish),
            Msg::Bar(wish) => self.bar_wish(ctx, wish),
            Msg::Command(command, enter) => self.run(&command, enter),
            Msg::System(system) => {
                self.choices.system = system;
                self.keep_choices();
            }
            Msg::Story(shown) => {
                self.link.send(ToWorker::Story(shown));
                return false;
            }
            Msg::Rewind(at, command) => {
                self.link.send(ToWorker::Rewind { at, command });
                return false;
            }
            Msg::Split(name, share) => {
                self.choices.sizes.insert(name.to_owned(), (share * 10.0).round() / 10.0);
                self.keep_choices();
            }
            Msg::Course(course) => self.course_is_known(ctx, course),
            Msg::Markdown(request, markdown) => return self.markdown_is_there(request, markdown),
            Msg::File(file) => self.open_lesson_file(ctx, file),
            Msg::Answer(answer) => self.answered(answer),
            Msg::Flush => {
                self.write_edits();
                return false;
            }
            Msg::Leaving => {
                self.leave();
                return false;
            }
            Msg::Said => self.said = None,
            Msg::Choose(pane) => self.choose(pane),
            Msg::SystemTheme(dark) => {
                if self.params.theme.is_some() || !self.choices.theme.is_empty() {
                    return false;
                }
                self.dark = dark;
                self.show_theme();
            }
            Msg::NextPane(back) => {
                self.next_pane(back);
                return false;
            }
            Msg::StartOver => {
                self.storage.forget(&self.session_key());
                reload();
                return false;
            }
        }
        true
    }

    fn view(&self, ctx: &Context<App>) -> Html {
        let link = ctx.link();
        let shown = |pane| self.panes.contains(&pane);
        let bar = !matches!(self.params.layout, Some(Layout::Terminal | Layout::Lesson));
        let right = shown(Pane::Editor) || shown(Pane::Map) || shown(Pane::Terminal);
        let upper = shown(Pane::Editor) || shown(Pane::Map);
        let class = classes!(
            "app",
            (!self.started && self.failure.is_none()).then_some("starting"),
            (!shown(Pane::Lesson)).then_some("no-lesson"),
            (!right).then_some("no-right"),
            (!upper).then_some("no-upper"),
            (!shown(Pane::Terminal)).then_some("no-terminal"),
            (shown(Pane::Editor) && shown(Pane::Map)).then_some("both"),
        );
        html! {
            <div {class} data-tab={self.tab.name()} data-upper={self.upper.name()}>
                if bar { { self.bar(ctx) } }
                if let Some(failure) = &self.failure { { self.failed(ctx, failure) } }
                <main class="panes" style={self.sizes()}>
                    if shown(Pane::Lesson) {
                        { self.pane(Pane::Lesson, self.lesson_pane(ctx)) }
                        if right { { self.splitter(ctx, "lesson", "Lesson and cluster", true) } }
                    }
                    <div class="right">
                        if upper {
                            <div class="upper">
                                if shown(Pane::Editor) && shown(Pane::Map) { { self.upper_tabs(ctx) } }
                                if shown(Pane::Map) { { self.pane(Pane::Map, self.map_pane(ctx)) } }
                                if shown(Pane::Editor) && shown(Pane::Map) {
                                    { self.splitter(ctx, "map", "Cluster and editor", true) }
                                }
                                if shown(Pane::Editor) { { self.pane(Pane::Editor, self.editor_pane(ctx)) } }
                            </div>
                            if shown(Pane::Terminal) { { self.splitter(ctx, "upper", "Cluster and terminal", false) } }
                        }
                        { self.pane(Pane::Terminal, self.terminal_pane(ctx)) }
                    </div>
                </main>
                if self.panes.len() > 1 { { self.bottom_tabs(ctx) } }
                if let Some(question) = &self.question {
                    <Dialog key={format!("{question:?}")} question={question.clone()} on_answer={link.callback(Msg::Answer)} />
                }
                <div class={classes!("toast", self.said.is_some().then_some("shown"))} role="status" aria-live="polite">
                    { self.said.clone().unwrap_or_default() }
                </div>
            </div>
        }
    }
}

impl App {
    /// Under which name the session is kept.
    pub(super) fn session_key(&self) -> String {
        format!("session:{}", self.params.session.as_deref().unwrap_or("main"))
    }

    /// Asks for the session once everything for it is there.
    pub(super) fn try_start(&mut self) {
        let Some(kept) = self.kept.as_ref().filter(|_| self.hello && !self.asked) else { return };
        let in_sight = self.panes.contains(&Pane::Terminal);
        let size = match self.screens.size(0) {
            Some(size) => size,
            None if in_sight => return,
            None => Size { cols: 80, rows: 24 },
        };
        self.asked = true;
        self.link.send(ToWorker::Start(Start {
            saved: kept.clone(),
            profile: self.lesson.as_ref().map(|lesson| lesson.profile.clone()).unwrap_or_default(),
            size,
            speed: self.speed,
        }));
        self.link.send(ToWorker::Map(true));
        if let Some(markdown) = self.markdown.take() {
            self.link.send(ToWorker::Lesson(markdown));
        }
    }

    pub(super) fn keep_choices(&self) {
        self.storage.keep("choices", &self.choices);
    }

    /// Says something in passing.
    pub(super) fn say(&mut self, ctx: &Context<App>, text: impl Into<String>) {
        self.said = Some(text.into());
        let link = ctx.link().clone();
        self.saying = Some(Timeout::new(4000, move || link.send_message(Msg::Said)));
    }

    /// Puts the theme where the style sheet, the terminals and the rest look for it.
    pub(super) fn show_theme(&self) {
        let theme = if self.dark { Theme::Dark } else { Theme::Light };
        let root =
            web_sys::window().and_then(|window| window.document()).and_then(|document| document.document_element());
        if let Some(root) = root {
            // An attribute of our own name can always be set.
            let _ = root.set_attribute("data-theme", theme.name());
        }
        self.screens.each(js::Terminal::recolour);
    }

    /// Shows a pane, wherever it was hidden.
    pub(super) fn choose(&mut self, pane: Pane) {
        self.tab = pane;
        if matches!(pane, Pane::Editor | Pane::Map) {
            self.upper = pane;
        }
        if self.panes.insert(pane) {
            self.choices.hidden.remove(pane.name());
            self.keep_choices();
        }
    }

    fn read_kept(&self, ctx: &Context<App>) {
        let link = ctx.link().clone();
        let Some(packed) = self.storage.text(&self.session_key()) else {
            link.send_message(Msg::Kept(None));
            return;
        };
        spawn_local(async move {
            let text = js::unpack(&packed).await.ok().and_then(|text| text.as_string());
            link.send_message(Msg::Kept(text));
        });
    }

    fn read_course(&self, ctx: &Context<App>) {
        let link = ctx.link().clone();
        spawn_local(async move {
            let text = super::wishes::fetch_text("lessons.json").await.unwrap_or_default();
            link.send_message(Msg::Course(serde_json::from_str(&text).unwrap_or_default()));
        });
    }

    fn next_pane(&self, back: bool) {
        let document = web_sys::window().and_then(|window| window.document());
        let Some(document) = document else { return };
        let here =
            document.active_element().and_then(|element| element.closest(".pane").ok().flatten()).map(|pane| pane.id());
        let order: Vec<Pane> = Pane::ALL.into_iter().filter(|pane| self.panes.contains(pane)).collect();
        let at = here.and_then(|id| order.iter().position(|pane| pane.name() == id));
        let count = order.len().max(1);
        let next = match (at, back) {
            (None, _) => 0,
            (Some(at), false) => (at + 1) % count,
            (Some(at), true) => (at + count - 1) % count,
        };
        match order.get(next) {
            Some(Pane::Terminal) => {
                if let Some(screen) = self.screens.get(self.terminal) {
                    screen.focus();
                }
            }
            Some(pane) => {
                let inside = "textarea, [tabindex=\"0\"], button";
                let first = document.query_selector(&format!("#{} :is({inside})", pane.name())).ok().flatten();
                if let Some(element) = first.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
                    // What cannot take focus leaves it where it was.
                    let _ = element.focus();
                }
            }
            None => {}
        }
    }
}

/// The time of day, `09:30:05`.
pub(super) fn clock_text(now: u64) -> String {
    if now == 0 {
        return "--:--:--".into();
    }
    let seconds = now / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

pub(super) fn reload() {
    if let Some(window) = web_sys::window() {
        // A page that cannot reload is being left already.
        let _ = window.location().reload();
    }
}

/// Follows the system's theme; answers whether it's dark now. The listeners here live as long as the page.
fn listen_to_system_theme(ctx: &Context<App>) -> bool {
    let query = web_sys::window().and_then(|window| window.match_media("(prefers-color-scheme: dark)").ok().flatten());
    let Some(query) = query else { return false };
    let link = ctx.link().clone();
    let changed =
        Closure::<dyn FnMut(web_sys::MediaQueryListEvent)>::new(move |event: web_sys::MediaQueryListEvent| {
            link.send_message(Msg::SystemTheme(event.matches()));
        });
    query.set_onchange(Some(changed.as_ref().unchecked_ref()));
    changed.forget();
    query.matches()
}

/// Keys of the whole page, and its end.
fn listen_to_window(ctx: &Context<App>) {
    let Some(window) = web_sys::window() else { return };
    let link = ctx.link().clone();
    let leaving = Closure::<dyn FnMut()>::new(move || link.send_message(Msg::Leaving));
    window.set_onpagehide(Some(leaving.as_ref().unchecked_ref()));
    leaving.forget();
    let link = ctx.link().clone();
    let key = Closure::<dyn FnMut(web_sys::KeyboardEvent)>::new(move |event: web_sys::KeyboardEvent| {
        if event.key() == "F6" {
            event.prevent_default();
            link.send_message(Msg::NextPane(event.shift_key()));
        }
    });
    window.set_onkeydown(Some(key.as_ref().unchecked_ref()));
    key.forget();
}
