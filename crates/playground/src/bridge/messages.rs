//! The messages.

use drydock_lessons::Lesson;
use serde::{Deserialize, Serialize};

use crate::bridge::Change;

/// Grows whenever a message changes its meaning. A page and a worker that were cached from different releases notice.
pub const PROTOCOL: u32 = 2;

/// A numbered message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope<M> {
    /// Counts up by one on each side.
    pub n: u64,
    /// The message.
    pub m: M,
}

/// A terminal's size in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

/// How simulated time runs against the learner's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Speed {
    /// Time stands still; the terminal answers all the same.
    Paused,
    /// As many seconds a second. One is the learner's own time.
    Times(u32),
    /// Whatever is under way happens at once; a cluster at rest keeps the learner's time.
    Max,
}

impl Speed {
    /// The speeds that the page offers, slowest first.
    pub const ALL: [Speed; 6] =
        [Speed::Paused, Speed::Times(1), Speed::Times(2), Speed::Times(5), Speed::Times(10), Speed::Max];

    /// As it is shown: `paused`, `1×`, `max`.
    pub fn label(self) -> String {
        match self {
            Speed::Paused => "paused".into(),
            Speed::Times(times) => format!("{times}×"),
            Speed::Max => "max".into(),
        }
    }
}

/// With what a session begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// What the page had kept of the last session: the text of the last [`ToPage::Save`].
    pub saved: Option<String>,
    /// The cluster's profile when nothing was saved: `minikube` or `two-nodes`; empty for the default.
    pub profile: String,
    /// The size of the first terminal.
    pub size: Size,
    /// The speed to run at.
    pub speed: Speed,
}

/// From the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Begins. The first message.
    Start(Start),
    /// Opens another terminal.
    OpenTerminal(Size),
    /// Closes one.
    CloseTerminal(u32),
    /// Keys typed or text pasted in a terminal.
    Type {
        /// The terminal.
        id: u32,
        /// What the keys send.
        text: String,
    },
    /// A terminal has a new size.
    Resize {
        /// The terminal.
        id: u32,
        /// Its size.
        size: Size,
    },
    /// The terminal has taken in so much of its output: more may come.
    Ack {
        /// The terminal.
        id: u32,
        /// How many bytes of UTF-8.
        bytes: usize,
    },
    /// Changes the speed of time.
    Speed(Speed),
    /// Asks for a file's text, and to be told when it changes.
    Open(String),
    /// The file is no longer shown.
    Close(String),
    /// Writes a file.
    Write {
        /// Its path.
        path: String,
        /// Its text.
        text: String,
    },
    /// Deletes a file.
    Remove(String),
    /// Renames a file.
    Rename {
        /// From this path.
        from: String,
        /// To this one.
        to: String,
    },
    /// The learner closed a file that a program had opened in the editor.
    EditorDone {
        /// The file.
        path: String,
        /// Whether it was saved, as opposed to given up.
        saved: bool,
    },
    /// Reads a lesson's Markdown.
    Lesson(String),
    /// The exercise that is being worked on: its tasks are checked from now on.
    Exercise {
        /// Its place in the lesson.
        index: usize,
        /// Tasks that are solved already: they stay so.
        solved: Vec<usize>,
    },
    /// Takes the last command back.
    Undo,
    /// Begins again with a new cluster of this profile; empty: of the same.
    Reset(String),
    /// Whether the map is on show: only then is it sent.
    Map(bool),
    /// Whether the story is on show: only then is it sent.
    Story(bool),
    /// Goes back to before a write of the story.
    Rewind {
        /// When it was written (RFC 3339).
        at: String,
        /// Whether to before the command that wrote it was entered. Otherwise time stands still there.
        command: bool,
    },
    /// Lets so many milliseconds of simulated time pass at once.
    Step(u64),
    /// Does what one of the commands `fault`, `story`, `why`, `clock` does, without a terminal; it is answered by
    /// [`ToPage::Answer`].
    Command(String),
}

/// A file of the learner's machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// The path, relative to the home folder when it is inside.
    pub path: String,
    /// In bytes.
    pub size: u64,
}

/// Something wrong in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// A diagram that the worker has drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawing {
    /// The picture, as SVG.
    pub svg: String,
    /// The same in words, by lines.
    pub words: Vec<String>,
}

/// One write to the API server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The store's revision.
    pub revision: u64,
    /// The revision of the write that made the actor do it; 0 when it came from outside.
    pub cause: u64,
    /// When, as RFC 3339 with microseconds.
    pub at: String,
    /// Who: `kubelet minikube`, `deployment-controller`.
    pub actor: String,
    /// `create`, `update`, `delete`, or the subresource that was written.
    pub verb: String,
    /// What: `deployment/web`.
    pub object: String,
    /// Its namespace; empty when it is in none.
    pub namespace: String,
    /// The fields that are others than before, with both values.
    pub fields: Vec<String>,
}

/// From the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToPage {
    /// The worker is there and listens. The first message.
    Hello {
        /// What it speaks.
        protocol: u32,
    },
    /// The session runs. Output of the terminals follows.
    Started {
        /// Whether it is the saved one.
        restored: bool,
        /// Why the saved one could not be had.
        trouble: Option<String>,
        /// The open terminals, in order.
        terminals: Vec<u32>,
    },
    /// A terminal was opened, at the page's wish.
    TerminalOpened(u32),
    /// A terminal was closed: by the page, or because its shell ended.
    TerminalClosed(u32),
    /// Text for a terminal.
    Output {
        /// The terminal.
        id: u32,
        /// The text.
        text: String,
    },
    /// A terminal's whole content, to be shown instead of what it shows.
    Redraw {
        /// The terminal.
        id: u32,
        /// The text.
        text: String,
    },
    /// What runs in the foreground of a terminal; nothing when the shell waits for a command.
    Foreground {
        /// The terminal.
        id: u32,
        /// The command line.
        command: Option<String>,
    },
    /// Simulated time, a few times a second.
    Clock {
        /// Milliseconds since 1970.
        now: u64,
        /// The speed it runs at.
        speed: Speed,
    },
    /// What changed in the cluster.
    Map(Box<Change>),
    /// What was written to the API server.
    Story {
        /// Whether what was known before is to be forgotten first.
        anew: bool,
        /// The writes, oldest first.
        written: Vec<Written>,
    },
    /// The files of the home folder.
    Files(Vec<FileEntry>),
    /// The text of an open file; nothing when it's gone or not text.
    File {
        /// Its path.
        path: String,
        /// Its text.
        text: Option<String>,
        /// What is wrong with it, when it is a manifest.
        problems: Vec<Problem>,
    },
    /// A program wants a file edited, and waits for [`ToWorker::EditorDone`].
    Edit {
        /// Its path.
        path: String,
        /// Its text.
        text: String,
    },
    /// The program that had a file edited waits no longer.
    EditEnded(String),
    /// The lesson, read.
    Lesson {
        /// What it consists of.
        lesson: Box<Lesson>,
        /// Its diagrams, in the order of the text; nothing for those that only Mermaid can draw.
        drawings: Vec<Option<Drawing>>,
        /// What its author should mend.
        problems: Vec<String>,
        /// Whether it wants another cluster than the one that is there.
        unfit: bool,
    },
    /// A task is solved.
    Solved {
        /// The exercise's place in the lesson.
        exercise: usize,
        /// The task's place in the exercise.
        task: usize,
    },
    /// What to keep for the next time.
    Save(String),
    /// The last command was taken back; nothing when there was none.
    Undone(Option<String>),
    /// What a [`ToWorker::Command`] would have printed.
    Answer {
        /// Whether it was done.
        good: bool,
        /// The text.
        text: String,
    },
    /// The session cannot go on.
    Failed {
        /// Why.
        message: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_channel() {
        let messages = [
            ToWorker::Start(Start {
                saved: None,
                profile: String::new(),
                size: Size { cols: 80, rows: 24 },
                speed: Speed::Times(1),
            }),
            ToWorker::Type { id: 1, text: "\u{3}é\"\\\n".into() },
            ToWorker::Speed(Speed::Max),
            ToWorker::Undo,
        ];
        for (n, m) in (1..).zip(messages) {
            let envelope = Envelope { n, m };
            let text = serde_json::to_string(&envelope).unwrap();
            assert_eq!(serde_json::from_str::<Envelope<ToWorker>>(&text).unwrap(), envelope, "{text}");
        }
    }
}
