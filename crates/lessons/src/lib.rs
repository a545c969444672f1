//! Lessons: Markdown in, a model of blocks and exercises out.
//!
//! A lesson is a Markdown file that any documentation site can show as well. What makes it a lesson here:
//! - front matter with `title` and `description`, and under `drydock` what the lesson needs (`profile`);
//! - fenced `exercise` blocks: YAML with tasks, each with a verify script, hints from vague to plain and a solution;
//! - `> **Try It**:` block quotes. One that stands before an `exercise` block is its introduction; one without becomes
//!   an exercise whose tasks are the commands that it names.
//!
//! Parsing cannot fail: whatever is wrong becomes a [`Problem`] beside the lesson. Nothing here runs anything: a check
//! is a script that its host runs in a session.

mod checklist;
mod exercise;
mod filename;
mod lint;
mod markdown;
mod model;

pub use checklist::matches_command;
pub use lint::lint;
pub use markdown::parse;
pub use model::{Block, Check, Exercise, Lesson, Problem, Task};
