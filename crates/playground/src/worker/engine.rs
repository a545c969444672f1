//! What the worker does: takes messages, lets the session run for a slice, and tells the page what came of it.

mod travel;

use drydock_sorted::SortedMap;

use drydock_lessons::{Block, Lesson};
use drydock_session::{Event, Input, Options, Profile, Saved, Session, TerminalId};

use crate::bridge::{Drawing, PROTOCOL, Size, Speed, Start, ToPage, ToWorker};
use crate::chart;
use crate::worker::clock::Clock;
use crate::worker::flow::Flow;
use crate::worker::shown::Shown;
use crate::worker::tasks::Tasks;

/// How long a slice is: short enough that a key waits for less than a frame.
const SLICE_MS: f64 = 6.0;
/// Ticks between two looks at the clock.
const TICKS: u32 = 16;
/// How often the map is told of changes, at least so far apart.
const MAP_MS: f64 = 80.0;
/// The story is told at most this often: it is looked for in all that was written.
const STORY_MS: f64 = 400.0;
/// How often tasks are looked at while the cluster changes.
const CHECK_MS: f64 = 400.0;
/// How often the time is told.
const CLOCK_MS: f64 = 250.0;
/// How soon after an input the session is kept; it's never kept more often.
const SAVE_MS: f64 = 600.0;
/// How often a session that only grows older is kept.
const SAVE_IDLE_MS: f64 = 15_000.0;

/// When the worker wants to go on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// At once, after looking for messages.
    Now,
    /// After so many milliseconds.
    After(f64),
    /// When a message comes.
    Message,
}

/// The worker's state.
pub struct Engine {
    session: Option<Session>,
    /// A new session of the default profile, made while the page still loads.
    spare: Option<Session>,
    profile: Profile,
    clock: Clock,
    flow: Flow,
    shown: Shown,
    tasks: Tasks,
    /// What runs in the foreground of each terminal.
    foreground: SortedMap<u32, String>,
    /// Command lines that have ended, for telling which was taken back.
    ended_commands: Vec<String>,
    /// Whether tasks are to be looked at when there is time.
    look: bool,
    /// The cluster's revision when they were last looked at.
    looked: u64,
    map_due: f64,
    story_due: f64,
    check_due: f64,
    clock_due: f64,
    save_due: f64,
    /// Whether a shell has just ended.
    ended: bool,
    /// Whether the session has just gone back in time, and the terminals that it had before.
    rewound: bool,
    /// How a command wants time to pass.
    wish: Option<drydock_session::Clock>,
    tell: Vec<ToPage>,
    /// What types and fields are for, once it has been loaded.
    descriptions: Option<Vec<u8>>,
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new()
    }
}

impl Engine {
    /// A worker that waits for its first message, and says so.
    pub fn new() -> Engine {
        Engine {
            session: None,
            spare: None,
            profile: Profile::default(),
            clock: Clock::new(Speed::Times(1), 0.0, Options::default().start),
            flow: Flow::default(),
            shown: Shown::default(),
            tasks: Tasks::default(),
            foreground: SortedMap::new(),
            ended_commands: Vec::new(),
            look: false,
            looked: 0,
            map_due: 0.0,
            story_due: 0.0,
            check_due: 0.0,
            clock_due: 0.0,
            save_due: SAVE_IDLE_MS,
            ended: false,
            rewound: false,
            wish: None,
            tell: vec![ToPage::Hello { protocol: PROTOCOL }],
            descriptions: None,
        }
    }

    /// Does what most pages will ask for first, before they do.
    pub fn warm_up(&mut self) {
        if self.session.is_none() {
            self.spare = Some(new_session(Profile::default()));
        }
    }

    /// Takes in what `kubectl explain` says of types and fields.
    pub fn describe(&mut self, descriptions: Vec<u8>) {
        if let Some(session) = &mut self.session {
            describe(session, &descriptions);
        }
        self.descriptions = Some(descriptions);
    }

    /// What the page is to be told, in order.
    pub fn take(&mut self) -> Vec<ToPage> {
        std::mem::take(&mut self.tell)
    }

    /// Takes a message at a time of the learner's clock, in milliseconds.
    pub fn receive(&mut self, message: ToWorker, wall: f64) {
        match message {
            ToWorker::Start(start) => self.start(start, wall),
            ToWorker::OpenTerminal(size) => self.open_terminal(size, wall),
            ToWorker::CloseTerminal(id) => {
                self.input(Input::CloseTerminal(TerminalId(id)), wall);
                self.closed(id);
            }
            ToWorker::Type { id, text } => self.input(Input::Type(TerminalId(id), text.into_bytes()), wall),
            ToWorker::Resize { id, size } => self.input(Input::Resize(TerminalId(id), size.cols, size.rows), wall),
            ToWorker::Ack { id, bytes } => self.flow.taken(id, bytes),
            ToWorker::Speed(speed) => {
                if let Some(session) = &self.session {
                    self.clock.set_speed(speed, wall, session.now());
                }
                self.clock_due = 0.0;
            }
            ToWorker::Open(path) => {
                if let Some(session) = &self.session {
                    self.tell.push(self.shown.open(session, path));
                }
            }
            ToWorker::Close(path) => self.shown.close(&path),
            ToWorker::Write { path, text } => {
                self.shown.wrote(&path, &text);
                let problems = crate::worker::shown::problems(&path, &text);
                self.input(Input::WriteFile(path.clone(), text.clone().into_bytes()), wall);
                self.tell.push(ToPage::File { path, text: Some(text), problems });
            }
            ToWorker::Remove(path) => self.input(Input::Remove(path), wall),
            ToWorker::Rename { from, to } => self.input(Input::Rename(from, to), wall),
            ToWorker::EditorDone { path, saved } => self.input(Input::EditorClosed(path, saved), wall),
            ToWorker::Lesson(markdown) => {
                let (lesson, problems) = drydock_lessons::parse(&markdown);
                self.tasks.lesson(&lesson);
                let problems = problems.iter().map(|problem| format!("line {}: {}", problem.line, problem.message));
                let wanted = Profile::named(&lesson.profile).filter(|profile| *profile != self.profile);
                // A cluster that nothing was done with yet may as well be the one that the lesson wants.
                let untouched = self.session.as_ref().is_some_and(|session| session.undo_depth() == 0);
                if let Some(profile) = wanted.filter(|_| untouched) {
                    self.reset(profile, wall);
                }
                let unfit = wanted.is_some() && !untouched;
                let (drawings, problems) = (drawings(&lesson), problems.collect());
                self.tell.push(ToPage::Lesson { lesson: Box::new(lesson), drawings, problems, unfit });
            }
            ToWorker::Exercise { index, solved } => {
                if let Some(setup) = self.tasks.begin(index, solved) {
                    self.input(Input::Run(setup), wall);
                }
                self.look = true;
            }
            ToWorker::Undo => self.undo(wall),
            ToWorker::Reset(profile) => self.reset(Profile::named(&profile).unwrap_or(self.profile), wall),
            ToWorker::Map(shown) => self.shown.map = shown,
            ToWorker::Story(shown) => {
                self.shown.show_story(shown);
                self.story_due = 0.0;
            }
            ToWorker::Step(milliseconds) => {
                if let Some(session) = &self.session {
                    self.clock.leap(session.now() + std::time::Duration::from_millis(milliseconds));
                }
            }
            ToWorker::Rewind { at, command } => self.rewind(&at, command, wall),
            ToWorker::Command(words) => self.command(&words, wall),
        }
    }

    fn start(&mut self, start: Start, wall: f64) {
        let saved = start.saved.as_deref().map(Saved::from_json);
        let profile = Profile::named(&start.profile).unwrap_or_default();
        let spare = self.spare.take();
        let fresh = || spare.filter(|_| profile == Profile::default()).unwrap_or_else(|| new_session(profile));
        let (session, restored, trouble) = match saved {
            Some(Ok(saved)) => (Session::restore(&saved), true, None),
            Some(Err(why)) => (fresh(), false, Some(why)),
            None => (fresh(), false, None),
        };
        self.profile = session.options().profile;
        self.begin(session, start.speed, start.size, wall);
        let terminals = self.terminals();
        self.tell.push(ToPage::Started { restored, trouble, terminals: terminals.clone() });
        if restored {
            self.redraw(&terminals);
        }
    }

    /// Goes on with another session.
    fn begin(&mut self, mut session: Session, speed: Speed, size: Size, wall: f64) {
        if session.terminals().is_empty() {
            session.input(Input::OpenTerminal { columns: size.cols, rows: size.rows });
        }
        if let Some(descriptions) = &self.descriptions {
            describe(&mut session, descriptions);
        }
        self.clock = Clock::new(speed, wall, session.now());
        self.flow = Flow::default();
        self.foreground.clear();
        self.shown.anew();
        self.look = true;
        (self.map_due, self.check_due, self.clock_due) = (0.0, 0.0, 0.0);
        self.save_due = wall + SAVE_MS;
        self.session = Some(session);
    }

    fn terminals(&self) -> Vec<u32> {
        self.session.iter().flat_map(Session::terminals).map(|terminal| terminal.0).collect()
    }

    /// Shows terminals anew, as after a restore or an undo.
    fn redraw(&mut self, terminals: &[u32]) {
        for id in terminals {
            let Some(session) = &self.session else { return };
            let bytes = session.scrollback(TerminalId(*id));
            self.flow.close(*id);
            let text = self.flow.text(*id, &bytes);
            self.tell.push(ToPage::Redraw { id: *id, text });
        }
    }

    fn input(&mut self, input: Input, wall: f64) {
        let Some(session) = &mut self.session else { return };
        session.input(input);
        self.clock.touched(session.now());
        self.save_due = self.save_due.min(wall + SAVE_MS);
    }

    fn open_terminal(&mut self, size: Size, wall: f64) {
        let before = self.terminals();
        self.input(Input::OpenTerminal { columns: size.cols, rows: size.rows }, wall);
        for id in self.terminals().into_iter().filter(|id| !before.contains(id)) {
            self.tell.push(ToPage::TerminalOpened(id));
        }
    }

    fn closed(&mut self, id: u32) {
        self.flow.close(id);
        self.foreground.remove(&id);
        self.tell.push(ToPage::TerminalClosed(id));
        self.ended = true;
    }

    fn foreground_ends(&mut self) {
        for id in std::mem::take(&mut self.foreground).into_keys() {
            self.tell.push(ToPage::Foreground { id, command: None });
        }
    }

    fn reset(&mut self, profile: Profile, wall: f64) {
        let size = Size { cols: 80, rows: 24 };
        self.profile = profile;
        self.foreground_ends();
        self.begin(new_session(profile), self.clock.speed(), size, wall);
        let terminals = self.terminals();
        self.tell.push(ToPage::Started { restored: false, trouble: None, terminals: terminals.clone() });
        self.redraw(&terminals);
        self.save_due = wall;
    }

    /// Lets the session run for a slice of the learner's time. `wall` tells that time, in milliseconds.
    pub fn slice(&mut self, wall: impl Fn() -> f64) -> Next {
        let begin = wall();
        let Some(mut session) = self.session.take() else { return Next::Message };
        let before: Vec<u32> = session.terminals().into_iter().map(|terminal| terminal.0).collect();
        let mut more = true;
        while more && !self.rewound && self.flow.open() && wall() - begin < SLICE_MS {
            let busy = !self.foreground.is_empty() || self.shown.unsettled();
            let until = self.clock.until(wall(), session.now(), busy, session.next_event());
            more = session.next_event().is_some_and(|next| next <= until);
            session.advance(until, TICKS);
            for event in session.take_events() {
                self.event(&session, event);
            }
            self.tell_foreground(&session);
            if self.look {
                self.look_at_tasks(&session);
            }
            if let Some(drydock_session::Clock::Leap(to)) = self.wish {
                self.clock.leap(to);
                self.wish = None;
            }
        }
        let next = self.tell_what_is_due(&mut session, wall(), more);
        self.session = Some(session);
        self.follow_time(&before, wall());
        next
    }

    fn event(&mut self, session: &Session, event: Event) {
        match event {
            Event::Printed(id, bytes) => {
                let text = self.flow.text(id.0, &bytes);
                match self.tell.last_mut() {
                    Some(ToPage::Output { id: last, text: before }) if *last == id.0 => before.push_str(&text),
                    _ => self.tell.push(ToPage::Output { id: id.0, text }),
                }
            }
            Event::EditorOpened(path) => {
                let text = session.read_file(&path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                self.tell.push(ToPage::Edit { path, text: text.unwrap_or_default() });
            }
            Event::EditorCancelled(path) => self.tell.push(ToPage::EditEnded(path)),
            Event::TerminalClosed(id) => self.closed(id.0),
            Event::CommandFinished(command, code) => {
                if code == 0
                    && let Some(task) = self.tasks.solved_by(&command)
                {
                    self.solved(task);
                }
                self.ended_commands.push(command);
                self.look = true;
            }
            Event::Ran(..) => self.look = true,
            Event::Clock(wish) => self.wish = Some(wish),
            Event::Rewound => (self.rewound, self.look) = (true, true),
        }
    }

    /// Tells what runs in the terminals' foreground where that is something else now.
    fn tell_foreground(&mut self, session: &Session) {
        for id in session.terminals() {
            let command = session.foreground(id);
            if command.as_ref() == self.foreground.get(&id.0) {
                continue;
            }
            match &command {
                Some(words) => self.foreground.insert(id.0, words.clone()),
                None => self.foreground.remove(&id.0),
            };
            self.tell.push(ToPage::Foreground { id: id.0, command });
        }
    }

    fn solved(&mut self, task: usize) {
        self.tasks.solve(task);
        self.tell.push(ToPage::Solved { exercise: self.tasks.exercise(), task });
    }

    /// Runs the scripts of the open tasks, in order, as long as they succeed.
    fn look_at_tasks(&mut self, session: &Session) {
        self.look = false;
        self.looked = session.revision();
        while let Some((task, script)) = self.tasks.next_script() {
            if session.check(script).code != 0 {
                break;
            }
            self.solved(task);
        }
    }

    /// Tells what is due, and answers when to go on.
    fn tell_what_is_due(&mut self, session: &mut Session, wall: f64, more: bool) -> Next {
        if std::mem::take(&mut self.ended) && session.terminals().is_empty() {
            // A page without a terminal could do nothing any more.
            session.input(Input::OpenTerminal { columns: 80, rows: 24 });
            self.tell.extend(session.terminals().into_iter().map(|terminal| ToPage::TerminalOpened(terminal.0)));
        }
        self.shown.files(session, &mut self.tell);
        if self.shown.map_is_stale(session) && wall >= self.map_due {
            if self.shown.view(session, &mut self.tell) {
                self.clock.changed(session.now());
            }
            self.map_due = wall + MAP_MS;
        }
        if self.shown.story_is_stale(session) && wall >= self.story_due {
            self.shown.tell_story(session, &mut self.tell);
            self.story_due = wall + STORY_MS;
        }
        if wall >= self.check_due && self.looked != session.revision() {
            self.look_at_tasks(session);
            self.check_due = wall + CHECK_MS;
        }
        if wall >= self.clock_due {
            self.tell.push(ToPage::Clock { now: session.now().0 / 1000, speed: self.clock.speed() });
            self.clock_due = wall + CLOCK_MS;
        }
        if wall >= self.save_due {
            self.tell.push(ToPage::Save(session.save().to_json()));
            self.save_due = wall + SAVE_IDLE_MS;
        }
        if !self.flow.open() {
            return Next::Message;
        }
        if more {
            return Next::Now;
        }
        let stale = self.shown.map_is_stale(session).then_some(self.map_due - wall);
        let story = self.shown.story_is_stale(session).then_some(self.story_due - wall);
        let event = session.next_event().and_then(|next| self.clock.wait(next));
        let due = [Some(self.clock_due - wall), Some(self.save_due - wall), stale, story, event];
        Next::After(due.into_iter().flatten().fold(CLOCK_MS, f64::min).max(1.0))
    }
}

/// The diagrams of a lesson, as far as they can be drawn here.
fn drawings(lesson: &Lesson) -> Vec<Option<Drawing>> {
    let sources = lesson.blocks.iter().filter_map(|block| match block {
        Block::Diagram { source } => Some(source),
        _ => None,
    });
    let draw = |source: &String| {
        let chart = chart::parse(source)?;
        Some(Drawing { svg: chart::svg::draw(&chart), words: chart::svg::words(&chart) })
    };
    sources.map(draw).collect()
}

fn describe(session: &mut Session, descriptions: &[u8]) {
    // A file that is none (a host that answers with a page of its own): explain says `<no description>`, as before.
    let _ = session.describe(descriptions);
}

fn new_session(profile: Profile) -> Session {
    Session::new(Options { profile, ..Options::default() })
}

#[cfg(test)]
mod tests;
