//! What goes into a session and what comes out.

use serde::{Deserialize, Serialize};

/// A terminal of the workstation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TerminalId(pub u32);

/// A script that was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId(pub u32);

/// What a person or a program does to a session. Every input is kept in the log, so that a session can be played again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// Opens a terminal with a shell; terminals are numbered from 0.
    OpenTerminal {
        /// Width in characters.
        columns: u16,
        /// Height in lines.
        rows: u16,
    },
    /// Closes a terminal: its processes are hung up.
    CloseTerminal(TerminalId),
    /// Keys typed into a terminal, as the bytes that a terminal sends.
    Type(TerminalId, Vec<u8>),
    /// A terminal has another size.
    Resize(TerminalId, u16, u16),
    /// Writes a file; folders above it are made. Paths are absolute or relative to the home directory.
    WriteFile(String, Vec<u8>),
    /// Makes a folder, and those above it.
    MakeFolder(String),
    /// Removes a file or a folder with all that is in it.
    Remove(String),
    /// Renames or moves.
    Rename(String, String),
    /// An edit that [`Event::EditorOpened`] asked for has ended: saved, or given up.
    EditorClosed(String, bool),
    /// Lets something fail, or heals it: the words of a `fault` command.
    Fault(String),
    /// Runs a script by `bash -c` in the home directory, beside the terminals.
    Run(String),
}

/// What a session tells its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A terminal printed.
    Printed(TerminalId, Vec<u8>),
    /// A command asks for a file to be edited; the answer is [`Input::EditorClosed`].
    EditorOpened(String),
    /// An edit was called off by its command.
    EditorCancelled(String),
    /// A terminal's shell has ended.
    TerminalClosed(TerminalId),
    /// A command line that was entered at a prompt has finished, with this exit code.
    CommandFinished(String, i32),
    /// A script has ended.
    Ran(RunId, Output),
    /// A command asks whoever drives the session to let time pass otherwise.
    Clock(Clock),
    /// The session went back to an earlier moment: terminals, files and the cluster are to be shown anew.
    Rewound,
}

/// How time shall pass. A session's host drives its clock; these are wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clock {
    /// Not at all.
    Pause,
    /// As many seconds a second.
    Times(u32),
    /// As fast as can be.
    Max,
    /// To this moment at once, whatever the speed.
    Leap(drydock_value::Time),
}

/// What a script printed, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code; 124 when it was ended for taking too long.
    pub code: i32,
}

/// A file or folder of the workstation's home directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// The path, relative to the home directory.
    pub path: String,
    /// Whether it is a folder.
    pub folder: bool,
    /// Its size in bytes.
    pub size: u64,
}
