//! Flow charts in Mermaid's language, drawn without Mermaid: lessons show them at once, in the page's own colours, and
//! the page loads half a megabyte less. Whatever is not a flow chart, or uses what isn't known here, is left to Mermaid.
//!
//! - [`parse`]: text to a [`Chart`]; it gives up rather than guess.
//! - [`layout`]: places of boxes; groups are laid out by themselves and then stand as one box among others.
//! - [`svg`]: the picture, and the same as lines of words.

pub mod layout;
pub mod parse;
pub mod svg;

pub use parse::parse;

/// Which way arrows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// Down.
    #[default]
    Down,
    /// Up.
    Up,
    /// To the right.
    Right,
    /// To the left.
    Left,
}

/// The outline of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// `A[text]`
    #[default]
    Box,
    /// `A(text)`
    Round,
    /// `A([text])`
    Stadium,
    /// `A[(text)]`
    Store,
    /// `A((text))`
    Circle,
    /// `A{text}`
    Choice,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Its name in the source.
    pub id: String,
    /// Its text, by lines.
    pub text: Vec<String>,
    /// Its outline.
    pub shape: Shape,
}

/// How an arrow is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stroke {
    /// Through.
    #[default]
    Plain,
    /// In dots.
    Dotted,
    /// Thick.
    Thick,
}

/// An arrow between two nodes or groups.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Edge {
    /// Where it begins.
    pub from: End,
    /// Where it ends.
    pub to: End,
    /// What it says.
    pub text: String,
    /// How it's drawn.
    pub stroke: Stroke,
    /// Whether it has a head at its beginning, and at its end.
    pub heads: (bool, bool),
}

/// What an arrow joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// A node, by its place in [`Chart::nodes`].
    Node(usize),
    /// A group, by its place in [`Chart::groups`].
    Group(usize),
}

impl Default for End {
    fn default() -> End {
        End::Node(0)
    }
}

/// A group of nodes; the first one is the whole chart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    /// Its name in the source.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Which way arrows go in it.
    pub way: Way,
    /// What is in it, in the order of the source.
    pub inside: Vec<End>,
}

/// A flow chart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chart {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The arrows.
    pub edges: Vec<Edge>,
    /// The groups.
    pub groups: Vec<Group>,
}
