//! What a lesson consists of. Plain data, in the order of the text.

use serde::{Deserialize, Serialize};

/// A lesson, ready to be shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Lesson {
    /// The title of the front matter, or the first heading.
    pub title: String,
    /// The description of the front matter.
    pub description: String,
    /// The cluster that the lesson wants: `minikube` or `two-nodes`; empty for the default.
    pub profile: String,
    /// The text.
    pub blocks: Vec<Block>,
    /// The exercises that the blocks refer to.
    pub exercises: Vec<Exercise>,
}

/// A piece of a lesson's text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Block {
    /// A heading, for the table of contents.
    Heading {
        /// 1 to 6.
        level: u8,
        /// For links into the page.
        id: String,
        /// Rendered inline text.
        html: String,
    },
    /// Rendered prose: paragraphs, lists, tables, quotes.
    Prose {
        /// The HTML. What the author wrote as raw HTML is escaped: a lesson may come from anywhere.
        html: String,
    },
    /// A block of code.
    Code {
        /// The language of the fence, such as `bash` or `yaml`; empty for output.
        language: String,
        /// The text, with its final newline.
        text: String,
        /// For YAML: the file that the text suggests saving it to.
        file: Option<String>,
    },
    /// A diagram in Mermaid's language.
    Diagram {
        /// The source.
        source: String,
    },
    /// An exercise, by its place in [`Lesson::exercises`].
    Exercise(usize),
}

/// Something to do, in steps that check themselves.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Exercise {
    /// Unique in the lesson; progress is kept under it.
    pub id: String,
    /// A short title.
    pub title: String,
    /// The text of the `Try It`, rendered.
    pub html: String,
    /// A script that prepares the cluster, run once when the exercise is begun; usually empty.
    pub setup: String,
    /// What is to be done, in order.
    pub tasks: Vec<Task>,
}

/// One step of an exercise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// What to reach, rendered inline.
    pub html: String,
    /// What proves it.
    pub check: Check,
    /// Hints, rendered inline, from vague to plain.
    pub hints: Vec<String>,
    /// Commands that solve it; empty when there is none to show.
    pub solution: String,
}

/// What proves a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Check {
    /// A shell script that succeeds once the task is done. It runs unchanged under bash with real kubectl.
    Script(String),
    /// A command that the learner typed and that succeeded; see [`matches_command`](crate::matches_command).
    Command(String),
    /// The learner says so.
    ByHand,
}

/// Something wrong in a lesson's source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub message: String,
}
