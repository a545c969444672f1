//! What the page does when a pane or the learner asks for something.

use drydock_sorted::SortedSet;
use std::rc::Rc;

use drydock_lessons::{Check, Lesson};
use gloo_timers::callback::Timeout;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use yew::Context;

use crate::bridge::{Size, Speed, ToWorker};
use crate::page::app::{App, Msg};
use crate::page::dialog::Question;
use crate::page::editor::files::tidy;
use crate::page::lesson::course::{Entry, Source};
use crate::page::panes::Pane;
use crate::page::params::Theme;
use crate::page::storage::Progress;
use crate::page::{editor, js, lesson, terminal, topbar};

/// After so long without a key, edits are written.
const FLUSH_MS: u32 = 700;
/// A command in the foreground that has run for so long won't end soon: what comes next gets another terminal.
const LONG_MS: f64 = 6000.0;

impl App {
    pub(super) fn bar_wish(&mut self, ctx: &Context<App>, wish: topbar::Wish) {
        match wish {
            topbar::Wish::Speed(speed) => {
                self.speed = speed;
                self.link.send(ToWorker::Speed(speed));
                if speed == Speed::Paused {
                    self.say(ctx, "Time stands still. The terminal still answers.");
                }
            }
            topbar::Wish::Undo => self.link.send(ToWorker::Undo),
            topbar::Wish::Reset => self.question = Some(Question::Reset),
            topbar::Wish::Pane(pane) => {
                if !self.panes.contains(&pane) {
                    self.choose(pane);
                } else if self.panes.len() > 1 {
                    self.panes.remove(&pane);
                    if self.tab == pane {
                        self.tab = self.panes.first().copied().unwrap_or(Pane::Terminal);
                    }
                    if self.params.layout.is_none() {
                        self.choices.hidden.insert(pane.name().to_owned());
                        self.keep_choices();
                    }
                }
                self.link.send(ToWorker::Map(self.panes.contains(&Pane::Map)));
            }
            topbar::Wish::Theme => {
                self.dark = !self.dark;
                let theme = if self.dark { Theme::Dark } else { Theme::Light };
                self.choices.theme = theme.name().to_owned();
                self.keep_choices();
                self.show_theme();
            }
            topbar::Wish::ScreenReader => {
                self.choices.screen_reader = !self.choices.screen_reader;
                self.keep_choices();
                let state = if self.choices.screen_reader { "on" } else { "off" };
                self.say(ctx, format!("Screen reader mode of the terminal is {state}."));
            }
        }
    }

    pub(super) fn terminal_wish(&mut self, wish: terminal::Wish) -> bool {
        match wish {
            terminal::Wish::Ready(id, size) => {
                if self.started {
                    self.link.send(ToWorker::Resize { id, size });
                    if let Some(screen) = self.screens.get(id) {
                        screen.focus();
                    }
                } else {
                    self.try_start();
                }
                return false;
            }
            terminal::Wish::Typed(id, text) => {
                // What a command reads must be what the editor shows.
                if text.contains(['\r', '\n']) {
                    self.write_edits();
                }
                self.link.send(ToWorker::Type { id, text });
                return false;
            }
            terminal::Wish::Resized(id, size) => {
                if self.started {
                    self.link.send(ToWorker::Resize { id, size });
                }
                return false;
            }
            terminal::Wish::Taken(id, bytes) => {
                self.link.send(ToWorker::Ack { id, bytes });
                return false;
            }
            terminal::Wish::Show(id) => {
                self.terminal = id;
                if let Some(screen) = self.screens.get(id) {
                    screen.focus();
                }
            }
            terminal::Wish::Open => {
                self.open_terminal();
                return false;
            }
            terminal::Wish::Close(id) => {
                self.link.send(ToWorker::CloseTerminal(id));
                return false;
            }
        }
        true
    }

    fn open_terminal(&self) {
        let size = self.screens.size(self.terminal).unwrap_or(Size { cols: 80, rows: 24 });
        self.link.send(ToWorker::OpenTerminal(size));
    }

    /// Types commands into a terminal whose shell takes them, and enters them or leaves that to the learner.
    pub(super) fn run(&mut self, commands: &str, enter: bool) {
        self.write_edits();
        self.choose(Pane::Terminal);
        let text = commands.trim().replace('\n', "\r") + if enter { "\r" } else { "" };
        if !self.started {
            self.queued.push(text);
            return;
        }
        let shown = Some(self.terminal).filter(|id| self.takes_commands(*id));
        let other = || self.tabs.iter().map(|tab| tab.id).find(|id| self.takes_commands(*id));
        match shown.or_else(other) {
            Some(id) => {
                self.terminal = id;
                self.link.send(ToWorker::Type { id, text });
                if let Some(screen) = self.screens.get(id) {
                    screen.scroll_to_end();
                    if !enter {
                        screen.focus();
                    }
                }
            }
            None => {
                self.queued.push(text);
                self.open_terminal();
            }
        }
    }

    /// Whether a terminal's shell waits for a command, or soon will.
    fn takes_commands(&self, id: u32) -> bool {
        let Some(tab) = self.tabs.iter().find(|tab| tab.id == id) else { return false };
        match &tab.command {
            None => true,
            Some(command) if follows(command) => false,
            Some(_) => self.since.get(&id).is_none_or(|since| js::now() - since < LONG_MS),
        }
    }

    /// Types what waited for a terminal.
    pub(super) fn send_queued(&mut self) {
        for text in std::mem::take(&mut self.queued) {
            self.link.send(ToWorker::Type { id: self.terminal, text });
        }
    }

    pub(super) fn editor_wish(&mut self, ctx: &Context<App>, wish: editor::Wish) -> bool {
        match wish {
            editor::Wish::Show(path) => Rc::make_mut(&mut self.files).show(&path),
            editor::Wish::Open(path) => {
                self.link.send(ToWorker::Open(path));
                return false;
            }
            editor::Wish::Close(path) => {
                self.write_edits();
                Rc::make_mut(&mut self.files).close(&path);
                self.link.send(ToWorker::Close(path));
                self.keep_open_files();
            }
            editor::Wish::Edited(path, text) => {
                if Rc::make_mut(&mut self.files).edit(&path, &text) {
                    let link = ctx.link().clone();
                    self.flush = Some(Timeout::new(FLUSH_MS, move || link.send_message(Msg::Flush)));
                }
                return false;
            }
            editor::Wish::Apply => {
                let Some(path) = self.files.shown().map(|buffer| buffer.path.clone()) else { return false };
                self.run(&format!("kubectl apply -f {}", quoted(&path)), true);
            }
            editor::Wish::New => self.question = Some(Question::NewFile),
            editor::Wish::Rename => self.question = self.shown_file().map(Question::Rename),
            editor::Wish::Delete => self.question = self.shown_file().map(Question::Delete),
            editor::Wish::Done(path, saved) => {
                if saved {
                    self.write_edits();
                }
                Rc::make_mut(&mut self.files).close(&path);
                self.link.send(ToWorker::EditorDone { path, saved });
                if let Some(screen) = self.screens.get(self.terminal) {
                    screen.focus();
                }
            }
        }
        true
    }

    fn shown_file(&self) -> Option<String> {
        self.files.shown().map(|buffer| buffer.path.clone())
    }

    /// Writes what was edited to the session.
    pub(super) fn write_edits(&mut self) {
        self.flush = None;
        if !self.started || !self.files.open().iter().any(|buffer| buffer.dirty) {
            return;
        }
        for (path, text) in Rc::make_mut(&mut self.files).take_dirty() {
            self.link.send(ToWorker::Write { path, text });
        }
    }

    /// The page goes away: the worker would hear of edits too late to have them kept.
    pub(super) fn leave(&mut self) {
        let unwritten: Vec<_> =
            self.files.open().iter().filter(|buffer| buffer.dirty).map(|b| (&b.path, b.text.to_string())).collect();
        if !unwritten.is_empty() {
            self.storage.keep("unwritten", &unwritten);
        }
        self.write_edits();
    }

    pub(super) fn answered(&mut self, answer: Option<String>) {
        let (Some(question), Some(text)) = (self.question.take(), answer) else { return };
        let path = tidy(&text);
        match (question, path) {
            (Question::NewFile, Some(path)) => {
                if !self.listing.iter().any(|entry| entry.path == path) {
                    self.link.send(ToWorker::Write { path: path.clone(), text: String::new() });
                }
                self.link.send(ToWorker::Open(path));
                self.choose(Pane::Editor);
            }
            (Question::Rename(from), Some(to)) if from != to => {
                self.write_edits();
                Rc::make_mut(&mut self.files).rename(&from, &to);
                self.link.send(ToWorker::Close(from.clone()));
                self.link.send(ToWorker::Rename { from, to: to.clone() });
                self.link.send(ToWorker::Open(to));
            }
            (Question::Delete(path), _) => {
                Rc::make_mut(&mut self.files).close(&path);
                self.link.send(ToWorker::Close(path.clone()));
                self.link.send(ToWorker::Remove(path));
            }
            (Question::Reset, _) => {
                self.begin_anew(String::new());
            }
            (Question::NewFile | Question::Rename(_), _) => {}
        }
        self.keep_open_files();
    }

    /// Begins again with a new cluster of that profile; empty: of the same.
    fn begin_anew(&mut self, profile: String) {
        self.started = false;
        self.files = Rc::default();
        self.link.send(ToWorker::Reset(profile));
    }

    pub(super) fn lesson_wish(&mut self, ctx: &Context<App>, wish: lesson::Wish) -> bool {
        match wish {
            lesson::Wish::Run(commands) => self.run(&commands, true),
            lesson::Wish::Copy(text) => {
                js::copy(&text);
                self.say(ctx, "Copied.");
            }
            lesson::Wish::Edit(path, text) => {
                self.write_edits();
                let path = tidy(&path).unwrap_or_else(|| "manifest.yaml".into());
                let files = Rc::make_mut(&mut self.files);
                files.put(&path, &text, true);
                files.show(&path);
                self.link.send(ToWorker::Open(path));
                self.write_edits();
                self.choose(Pane::Editor);
                self.keep_open_files();
            }
            lesson::Wish::Exercise(index) if self.active == Some(index) => return false,
            lesson::Wish::Exercise(index) => self.work_on(index),
            lesson::Wish::Tick(exercise, task) => {
                let done = self.is_solved(exercise, task);
                self.solved(ctx, exercise, task, !done);
            }
            lesson::Wish::Lesson(id) => {
                let source = Source::find(&self.course, &id);
                self.open_lesson(ctx, source);
            }
            lesson::Wish::Place(place) => {
                Rc::make_mut(&mut self.progress).place = place;
                self.keep_progress();
                return false;
            }
            lesson::Wish::Say(text) => self.say(ctx, text),
            lesson::Wish::Cluster(profile) => {
                self.unfit = false;
                self.begin_anew(profile);
            }
        }
        true
    }

    pub(super) fn course_is_known(&mut self, ctx: &Context<App>, course: Vec<Entry>) {
        self.course = Rc::new(course);
        let mut done = drydock_sorted::SortedMap::new();
        for entry in self.course.iter() {
            let progress: Progress = self.storage.get(&progress_key(&entry.id));
            done.insert(entry.id.clone(), (progress.count(), progress.tasks));
        }
        self.done = Rc::new(done);
        let wanted = self.source.id().to_owned();
        let source = match (wanted.as_str(), self.course.first()) {
            ("", Some(first)) => Source::Course(first.clone()),
            ("", None) => {
                self.trouble = Some("This page carries no course. Open a Markdown file from the list above.".into());
                return;
            }
            (wanted, _) => Source::find(&self.course, wanted),
        };
        self.open_lesson(ctx, source);
    }

    /// Fetches a lesson, and shows it when it's there.
    fn open_lesson(&mut self, ctx: &Context<App>, source: Source) {
        self.request += 1;
        let (request, address) = (self.request, source.address());
        self.progress = Rc::new(self.storage.get(&progress_key(source.id())));
        (self.lesson, self.trouble, self.active, self.unfit) = (None, None, None, false);
        self.source = source;
        let link = ctx.link().clone();
        spawn_local(async move {
            let text = fetch_text(&address).await.map_err(|why| format!("“{address}” could not be fetched: {why}"));
            link.send_message(Msg::Markdown(request, text));
        });
    }

    /// Reads a lesson from the learner's own disk.
    pub(super) fn open_lesson_file(&mut self, ctx: &Context<App>, file: web_sys::File) {
        self.request += 1;
        let request = self.request;
        self.source = Source::Address(file.name());
        self.progress = Rc::new(self.storage.get(&progress_key(self.source.id())));
        (self.lesson, self.trouble, self.active, self.unfit) = (None, None, None, false);
        let link = ctx.link().clone();
        spawn_local(async move {
            let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
            link.send_message(Msg::Markdown(request, text.ok_or_else(|| "The file could not be read.".to_owned())));
        });
    }

    pub(super) fn markdown_is_there(&mut self, request: u32, markdown: Result<String, String>) -> bool {
        if request != self.request {
            return false;
        }
        match markdown {
            Ok(text) if self.asked => self.link.send(ToWorker::Lesson(text)),
            Ok(text) => self.markdown = Some(text),
            Err(why) => self.trouble = Some(why),
        }
        true
    }

    pub(super) fn lesson_is_read(&mut self, ctx: &Context<App>, lesson: Lesson, problems: &[String]) {
        let tasks = lesson.exercises.iter().map(|exercise| exercise.tasks.len()).sum();
        Rc::make_mut(&mut self.progress).tasks = tasks;
        if let Source::Course(entry) = &self.source {
            self.choices.lesson.clone_from(&entry.id);
            self.keep_choices();
        }
        self.keep_progress();
        let open = |exercise: &drydock_lessons::Exercise| {
            self.progress.solved.get(&exercise.id).map_or(0, SortedSet::len) < exercise.tasks.len()
        };
        let first_open = lesson.exercises.iter().position(open);
        self.lesson = Some(Rc::new(lesson));
        if let Some(index) = first_open {
            self.work_on(index);
        }
        if let (Source::Address(_), Some(first)) = (&self.source, problems.first()) {
            self.say(ctx, format!("For the author of this lesson: {first}"));
        }
    }

    /// Has an exercise's tasks checked from now on.
    pub(super) fn work_on(&mut self, index: usize) {
        let Some(exercise) = self.lesson.as_ref().and_then(|lesson| lesson.exercises.get(index)) else { return };
        let solved = self.progress.solved.get(&exercise.id).map(|tasks| tasks.iter().copied().collect());
        self.active = Some(index);
        self.link.send(ToWorker::Exercise { index, solved: solved.unwrap_or_default() });
    }

    fn is_solved(&self, exercise: usize, task: usize) -> bool {
        let id = self.lesson.as_ref().and_then(|lesson| lesson.exercises.get(exercise)).map(|exercise| &exercise.id);
        id.and_then(|id| self.progress.solved.get(id)).is_some_and(|tasks| tasks.contains(&task))
    }

    /// Ticks a task, or takes the tick away.
    pub(super) fn solved(&mut self, ctx: &Context<App>, exercise: usize, task: usize, done: bool) {
        let Some(lesson) = self.lesson.clone() else { return };
        let Some(of) = lesson.exercises.get(exercise) else { return };
        let tasks = Rc::make_mut(&mut self.progress).solved.entry(of.id.clone()).or_default();
        let news = if done { tasks.insert(task) } else { tasks.remove(&task) };
        let whole = tasks.len() == of.tasks.len();
        if !news {
            return;
        }
        self.keep_progress();
        let by_hand = of.tasks.get(task).is_some_and(|task| task.check == Check::ByHand);
        if done && (whole || !by_hand) {
            let text = if whole { "Exercise done. Well done!".to_owned() } else { format!("Task {} done.", task + 1) };
            self.say(ctx, text);
        }
    }

    fn keep_progress(&mut self) {
        self.storage.keep(&progress_key(self.source.id()), &*self.progress);
        if let Source::Course(entry) = &self.source {
            let now = (self.progress.count(), self.progress.tasks);
            if self.done.get(&entry.id) != Some(&now) {
                Rc::make_mut(&mut self.done).insert(entry.id.clone(), now);
            }
        }
    }
}

/// Under which name progress in a lesson is kept.
fn progress_key(id: &str) -> String {
    format!("progress:{id}")
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/~+".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

/// Whether a command goes on until it's ended.
fn follows(command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    let has = |word: &str| words.contains(&word);
    has("port-forward")
        || has("proxy")
        || has("-w")
        || has("--watch")
        || has("-it")
        || has("-ti")
        || (has("-f") && (has("logs") || has("tail")))
        || words.first() == Some(&"watch")
        || command.starts_with("while true")
}

/// The text at an address, relative to the page.
pub(super) async fn fetch_text(address: &str) -> Result<String, String> {
    let told = |error: JsValue| error.dyn_ref::<js_sys::Error>().map_or("no answer".to_owned(), |e| e.message().into());
    let window = web_sys::window().ok_or("there is no window")?;
    let response = JsFuture::from(window.fetch_with_str(address)).await.map_err(told)?;
    let response: web_sys::Response = response.dyn_into().map_err(|_| "no response")?;
    if !response.ok() {
        return Err(format!("HTTP {}", response.status()));
    }
    let text = JsFuture::from(response.text().map_err(told)?).await.map_err(told)?;
    text.as_string().ok_or_else(|| "no text".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_go_on_are_known() {
        for command in
            ["kubectl get pods -w", "kubectl logs -f web", "kubectl port-forward svc/web 8080:80", "watch date"]
        {
            assert!(follows(command), "{command}");
        }
        for command in ["kubectl get pods", "kubectl apply -f pod.yaml", "kubectl rollout status deployment/web"] {
            assert!(!follows(command), "{command}");
        }
    }

    #[test]
    fn paths_are_quoted_where_they_must_be() {
        assert_eq!(quoted("k8s/pod.yaml"), "k8s/pod.yaml");
        assert_eq!(quoted("my pod's.yaml"), "'my pod'\\''s.yaml'");
    }
}
