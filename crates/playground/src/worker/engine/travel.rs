//! Going back in time, and commands that ask for it.

use drydock_session::Session;
use drydock_value::Time;

use super::Engine;
use crate::bridge::{Speed, ToPage, ToWorker};

impl Engine {
    /// Goes back to before a write.
    pub(super) fn rewind(&mut self, at: &str, command: bool, wall: f64) {
        let (Some(session), Some(at)) = (&self.session, Time::parse_rfc3339(at)) else { return };
        let just_before = Time(at.0.saturating_sub(1)).max(session.options().start);
        let moment = if command { session.before_command(at) } else { None }.unwrap_or(just_before);
        self.command(&format!("clock rewind {}", moment.rfc3339_micros()), wall);
        if !command {
            self.receive(ToWorker::Speed(Speed::Paused), wall);
        }
    }

    pub(super) fn command(&mut self, words: &str, wall: f64) {
        let before = self.terminals();
        let Some(session) = &mut self.session else { return };
        let result = session.command(words);
        let events = session.take_events();
        self.tell.push(ToPage::Answer { good: result.is_ok(), text: result.unwrap_or_else(|why| why) });
        if let Some(session) = self.session.take() {
            events.into_iter().for_each(|event| self.event(&session, event));
            self.session = Some(session);
        }
        self.follow_time(&before, wall);
    }

    pub(super) fn undo(&mut self, wall: f64) {
        let Some(session) = &mut self.session else { return };
        let before: Vec<u32> = session.terminals().into_iter().map(|terminal| terminal.0).collect();
        let rewind = session.undoes_rewind();
        if !session.undo() {
            self.tell.push(ToPage::Undone(None));
            return;
        }
        self.back_in_time(&before, wall);
        let command = if rewind { Some("clock rewind".to_owned()) } else { self.ended_commands.pop() };
        let command = command.unwrap_or_else(|| "the last command".into());
        self.tell.push(ToPage::Undone(Some(command)));
    }

    /// Does what commands asked of time: the session has gone back, or wants another speed.
    pub(super) fn follow_time(&mut self, before: &[u32], wall: f64) {
        if std::mem::take(&mut self.rewound) {
            self.back_in_time(before, wall);
        }
        let now = self.session.as_ref().map(Session::now).unwrap_or_default();
        match self.wish.take() {
            Some(drydock_session::Clock::Pause) => self.clock.set_speed(Speed::Paused, wall, now),
            Some(drydock_session::Clock::Times(times)) => self.clock.set_speed(Speed::Times(times), wall, now),
            Some(drydock_session::Clock::Max) => self.clock.set_speed(Speed::Max, wall, now),
            Some(drydock_session::Clock::Leap(to)) => self.clock.leap(to),
            None => return,
        }
        self.clock_due = 0.0;
    }

    /// Shows everything anew after the session went back; `before` are the terminals that it had.
    fn back_in_time(&mut self, before: &[u32], wall: f64) {
        let now = self.session.as_ref().map(Session::now).unwrap_or_default();
        let after = self.terminals();
        for id in before.iter().filter(|id| !after.contains(id)) {
            self.tell.push(ToPage::TerminalClosed(*id));
        }
        for id in after.iter().filter(|id| !before.contains(id)) {
            self.tell.push(ToPage::TerminalOpened(*id));
        }
        self.foreground_ends();
        self.redraw(&after);
        self.clock.set_speed(self.clock.speed(), wall, now);
        self.clock.touched(now);
        self.shown.anew();
        self.save_due = wall;
    }
}
