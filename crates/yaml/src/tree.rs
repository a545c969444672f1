//! The tree of a YAML text, with the place of every node.

use crate::Error;
use crate::compose::Composer;

/// A place in the text. Lines and columns count from 0, columns and offsets in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(missing_docs)]
pub struct Place {
    pub line: u32,
    pub column: u32,
    pub offset: u32,
}

/// From the first character up to, but without, the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct Span {
    pub start: Place,
    pub end: Place,
}

/// A node's number in its [`Tree`].
pub type NodeId = usize;

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands. A block collection ends where the next thing begins.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
    /// Its tag, in the long form, when it has one.
    pub tag: Option<String>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A scalar. Plain ones may be numbers, booleans and so on; quoted and block scalars are strings.
    Scalar {
        /// The text, unescaped and unfolded.
        text: String,
        /// Whether it stands there without quotes and without a tag.
        plain: bool,
    },
    /// A sequence of nodes.
    Sequence(Vec<NodeId>),
    /// Pairs of key and value, in the order of the text, doubles included.
    Mapping(Vec<(NodeId, NodeId)>),
    /// A reference to an earlier node.
    Alias(NodeId),
}

/// The nodes of a text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    /// The root of every document.
    pub documents: Vec<NodeId>,
    /// Why the text could not be read further. What was read up to there is in the tree, unfinished collections too.
    pub error: Option<Error>,
}

impl Tree {
    /// The node of that number; an empty sequence when there is none.
    pub fn node(&self, id: NodeId) -> &Node {
        static NOTHING: Node =
            Node { span: Span { start: ZERO, end: ZERO }, kind: Kind::Sequence(Vec::new()), tag: None };
        self.nodes.get(id).unwrap_or(&NOTHING)
    }

    /// The text of a scalar key or value, through an alias.
    pub fn text(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::Alias(target) => match &self.node(*target).kind {
                Kind::Scalar { text, .. } => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value of `key` in a mapping, and the key's own node.
    pub fn field(&self, id: NodeId, key: &str) -> Option<(NodeId, NodeId)> {
        match &self.node(id).kind {
            Kind::Mapping(pairs) => pairs.iter().rev().find(|(k, _)| self.text(*k) == Some(key)).copied(),
            _ => None,
        }
    }

    /// Leaves of the words for truth only those that YAML 1.2 has; the others become texts.
    pub(crate) fn words_are_text(&mut self) {
        for node in &mut self.nodes {
            if let Kind::Scalar { text, plain } = &mut node.kind
                && matches!(text.to_ascii_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off")
            {
                *plain = false;
            }
        }
    }

    pub(crate) fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    pub(crate) fn push_item(&mut self, id: NodeId, item: NodeId) {
        if let Some(Kind::Sequence(items)) = self.nodes.get_mut(id).map(|node| &mut node.kind) {
            items.push(item);
        }
    }

    pub(crate) fn push_pair(&mut self, id: NodeId, key: NodeId, value: NodeId) {
        if let Some(Kind::Mapping(pairs)) = self.nodes.get_mut(id).map(|node| &mut node.kind) {
            pairs.push((key, value));
        }
    }

    pub(crate) fn end_at(&mut self, id: NodeId, end: Place) {
        if let Some(node) = self.nodes.get_mut(id) {
            node.span.end = end;
        }
    }
}

const ZERO: Place = Place { line: 0, column: 0, offset: 0 };

/// Reads the whole text into a tree. Never fails: what is wrong is in [`Tree::error`].
pub fn spans(text: &str) -> Tree {
    let mut tree = Tree::default();
    let mut composer = Composer::new(text);
    loop {
        match composer.document(&mut tree) {
            Ok(true) => {}
            Ok(false) => return tree,
            Err(error) => {
                tree.error = Some(error);
                return tree;
            }
        }
    }
}
