//! What the page does when the worker says something.

use std::rc::Rc;

use yew::Context;

use crate::bridge::{PROTOCOL, ToPage, ToWorker, apply};
use crate::page::app::{App, Msg};
use crate::page::js;
use crate::page::map::words;
use crate::page::panes::Pane;
use crate::page::terminal::Tab;

/// No more of the story is kept.
const STORY_MAX: usize = 600;

impl App {
    /// Takes a message; answers whether the page looks different now.
    pub(super) fn worker_says(&mut self, ctx: &Context<App>, message: ToPage) -> bool {
        match message {
            ToPage::Hello { protocol } if protocol == PROTOCOL => {
                self.hello = true;
                self.try_start();
                return false;
            }
            ToPage::Hello { .. } => {
                self.failure = Some("The page and its cluster are of different releases. Reload the page.".into());
            }
            ToPage::Started { restored, trouble, terminals } => self.session_runs(ctx, restored, trouble, terminals),
            ToPage::TerminalOpened(id) => {
                self.tabs.push(Tab { id, command: None });
                self.terminal = id;
                self.send_queued();
            }
            ToPage::TerminalClosed(id) => {
                self.tabs.retain(|tab| tab.id != id);
                self.since.remove(&id);
                if self.terminal == id {
                    self.terminal = self.tabs.last().map_or(0, |tab| tab.id);
                }
            }
            ToPage::Output { id, text } => {
                self.screens.write(id, text, &ctx.link().callback(Msg::Terminal));
                return false;
            }
            ToPage::Redraw { id, text } => {
                if let Some(screen) = self.screens.get(id) {
                    screen.reset();
                }
                self.screens.write(id, text, &ctx.link().callback(Msg::Terminal));
                return false;
            }
            ToPage::Foreground { id, command } => {
                match &command {
                    Some(_) => self.since.insert(id, js::now()),
                    None => self.since.remove(&id),
                };
                if let Some(tab) = self.tabs.iter_mut().find(|tab| tab.id == id) {
                    tab.command = command;
                }
            }
            ToPage::Clock { now, speed } => {
                let same = now / 1000 == self.clock / 1000 && speed == self.speed;
                (self.clock, self.speed) = (now, speed);
                return !same;
            }
            ToPage::Map(change) => {
                if let Some(news) = words::announce(&self.view, &change) {
                    self.news = news;
                }
                apply(Rc::make_mut(&mut self.view), &change);
            }
            ToPage::Story { anew, written } => {
                let story = Rc::make_mut(&mut self.story);
                if anew {
                    story.clear();
                }
                story.extend(written);
                story.drain(..story.len().saturating_sub(STORY_MAX));
            }
            ToPage::Files(listing) => self.listing = Rc::new(listing),
            ToPage::File { path, text: Some(text), problems } => {
                let files = Rc::make_mut(&mut self.files);
                if files.get(&path).is_none() {
                    files.put(&path, &text, false);
                    files.show(&path);
                }
                files.stored(&path, &text, problems);
            }
            ToPage::File { path, text: None, .. } => {
                if self.files.get(&path).is_some_and(|buffer| !buffer.dirty) {
                    Rc::make_mut(&mut self.files).close(&path);
                    self.keep_open_files();
                }
            }
            ToPage::Edit { path, text } => {
                let files = Rc::make_mut(&mut self.files);
                files.put(&path, &text, false);
                files.await_edit(&path, true);
                files.show(&path);
                self.choose(Pane::Editor);
            }
            ToPage::EditEnded(path) => {
                Rc::make_mut(&mut self.files).close(&path);
            }
            ToPage::Lesson { lesson, drawings, problems, unfit } => {
                (self.unfit, self.drawings) = (unfit, Rc::new(drawings));
                self.lesson_is_read(ctx, *lesson, &problems);
            }
            ToPage::Solved { exercise, task } => self.solved(ctx, exercise, task, true),
            ToPage::Save(text) => {
                self.keep_session(text);
                return false;
            }
            ToPage::Undone(Some(command)) => self.say(ctx, format!("Taken back: {command}")),
            ToPage::Undone(None) => self.say(ctx, "There is no command to take back."),
            // Going back says nothing: what is shown tells.
            ToPage::Answer { good: true, text } if text.is_empty() => return false,
            ToPage::Answer { text, .. } => self.say(ctx, text),
            ToPage::Failed { message } => self.failure = Some(message),
        }
        true
    }

    fn session_runs(&mut self, ctx: &Context<App>, restored: bool, trouble: Option<String>, terminals: Vec<u32>) {
        self.started = true;
        self.since.clear();
        self.tabs = terminals.iter().map(|id| Tab { id: *id, command: None }).collect();
        if !terminals.contains(&self.terminal) {
            self.terminal = terminals.first().copied().unwrap_or(0);
        }
        // A restored session's terminals had the sizes of another window.
        for id in terminals {
            if let Some(size) = self.screens.size(id) {
                self.link.send(ToWorker::Resize { id, size });
            }
        }
        if let Some(trouble) = trouble {
            self.say(ctx, format!("The last session could not be restored, this is a new cluster. {trouble}"));
        }
        let unwritten: Vec<(String, String)> = self.storage.get("unwritten");
        self.storage.forget("unwritten");
        if restored {
            for (path, text) in unwritten {
                self.link.send(ToWorker::Write { path, text });
            }
            for path in self.choices.files.clone() {
                self.link.send(ToWorker::Open(path));
            }
        } else {
            self.files = Rc::default();
            self.keep_open_files();
        }
        if let Some(active) = self.active {
            self.work_on(active);
        }
        self.send_queued();
        if self.panes.contains(&Pane::Terminal)
            && !is_framed()
            && let Some(screen) = self.screens.get(self.terminal)
        {
            screen.focus();
        }
    }

    /// Remembers which files are open.
    pub(super) fn keep_open_files(&mut self) {
        self.choices.files =
            self.files.open().iter().filter(|buffer| !buffer.awaited).map(|buffer| buffer.path.clone()).collect();
        self.keep_choices();
    }

    /// Keeps the session, packed. A later one that was packed sooner wins.
    fn keep_session(&self, text: String) {
        let (storage, key) = (self.storage.clone(), self.session_key());
        js::pack_in_order(text, move |packed| {
            if !storage.keep_text(&key, &packed) {
                // No room, or no right to keep anything: half a session would be worse than none.
                storage.forget(&key);
            }
        });
    }
}

/// Whether the page stands in a frame: there it doesn't take the keyboard from the page around it.
fn is_framed() -> bool {
    web_sys::window().is_some_and(|window| window.parent().ok().flatten().is_none_or(|parent| parent != window))
}
