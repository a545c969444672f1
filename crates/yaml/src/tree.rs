//! The tree of a YAML text, with the place of every node.

use libyaml_safer::{Event, EventData, Mark, Parser, ScalarStyle};

use crate::Error;

/// How deep collections may be nested. go-yaml allows 10,000; nothing that a cluster takes is nearly as deep.
const DEPTH_LIMIT: usize = 256;

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
        /// Whether it stands there without quotes.
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
    /// The node of that number; an empty scalar when there is none.
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
}

const ZERO: Place = Place { line: 0, column: 0, offset: 0 };

fn place(mark: Mark) -> Place {
    let clamp = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Place { line: clamp(mark.line), column: clamp(mark.column), offset: clamp(mark.index) }
}

/// Reads the whole text into a tree. Never fails: what is wrong is in [`Tree::error`].
pub fn spans(text: &str) -> Tree {
    let mut tree = Tree::default();
    let text = guarded(text);
    let mut composer = Composer::new(&text);
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

/// libyaml-safer looks behind a backslash that ends the text: a line break there changes nothing else.
pub(crate) fn guarded(text: &str) -> std::borrow::Cow<'_, str> {
    if text.ends_with('\\') { format!("{text}\n").into() } else { text.into() }
}

/// Builds trees from libyaml's events, one document at a time.
pub(crate) struct Composer<'a> {
    text: &'a str,
    parser: Parser<&'a [u8]>,
}

struct Open {
    id: NodeId,
    key: Option<NodeId>,
}

impl<'a> Composer<'a> {
    pub(crate) fn new(text: &'a str) -> Composer<'a> {
        let mut parser = Parser::new();
        parser.set_input(text.as_bytes());
        parser.set_encoding(libyaml_safer::Encoding::Utf8);
        Composer { text, parser }
    }

    fn event(&mut self) -> Result<Event, Error> {
        self.parser.parse().map_err(|error| {
            let mut error = Error::from_parser(&error);
            // The scanner ends the last line when nobody else did, and complains about the next.
            let lines = u32::try_from(self.text.lines().count()).unwrap_or(u32::MAX);
            error.line = error.line.map(|line| line.min(lines));
            error
        })
    }

    /// Adds the next document to the tree; false at the end of the stream.
    pub(crate) fn document(&mut self, tree: &mut Tree) -> Result<bool, Error> {
        loop {
            match self.event()?.data {
                EventData::StreamEnd => return Ok(false),
                EventData::DocumentStart { .. } => break,
                _ => {}
            }
        }
        let mut anchors: Vec<(String, NodeId)> = Vec::new();
        let mut stack: Vec<Open> = Vec::new();
        loop {
            let event = self.event()?;
            let span = Span { start: place(event.start_mark), end: place(event.end_mark) };
            let (kind, tag, anchor) = match event.data {
                EventData::Scalar { anchor, tag, value, plain_implicit, style, .. } => {
                    let plain = style == ScalarStyle::Plain && (plain_implicit || tag.is_some());
                    (Kind::Scalar { text: value, plain }, tag, anchor)
                }
                EventData::SequenceStart { anchor, tag, .. } => (Kind::Sequence(Vec::new()), tag, anchor),
                EventData::MappingStart { anchor, tag, .. } => (Kind::Mapping(Vec::new()), tag, anchor),
                EventData::Alias { anchor } => {
                    let Some((_, target)) = anchors.iter().rev().find(|(name, _)| *name == anchor) else {
                        let mut error = Error::yaml(format_args!("unknown anchor '{anchor}' referenced"));
                        error.line = Some(span.start.line + 1);
                        return Err(error);
                    };
                    if stack.iter().any(|open| open.id == *target) {
                        let mut error = Error::yaml(format_args!("anchor '{anchor}' value contains itself"));
                        error.line = Some(span.start.line + 1);
                        return Err(error);
                    }
                    (Kind::Alias(*target), None, None)
                }
                EventData::SequenceEnd | EventData::MappingEnd => {
                    if let Some(open) = stack.pop()
                        && let Some(node) = tree.nodes.get_mut(open.id)
                    {
                        node.span.end = span.end;
                    }
                    continue;
                }
                EventData::DocumentEnd { .. } => return Ok(true),
                EventData::StreamEnd => return Ok(false),
                EventData::StreamStart { .. } | EventData::DocumentStart { .. } => continue,
            };
            let id = tree.nodes.len();
            let opens = matches!(kind, Kind::Sequence(_) | Kind::Mapping(_));
            tree.nodes.push(Node { span, kind, tag });
            if let Some(name) = anchor {
                anchors.push((name, id));
            }
            attach(tree, stack.last_mut(), id);
            if opens {
                if stack.len() >= DEPTH_LIMIT {
                    return Err(Error::yaml(format_args!("exceeded max depth of {DEPTH_LIMIT}")));
                }
                stack.push(Open { id, key: None });
            }
        }
    }
}

/// Puts a node into the collection that is open, or makes it the root of a document.
fn attach(tree: &mut Tree, parent: Option<&mut Open>, id: NodeId) {
    let Some(parent) = parent else {
        tree.documents.push(id);
        return;
    };
    match tree.nodes.get_mut(parent.id).map(|node| &mut node.kind) {
        Some(Kind::Sequence(items)) => items.push(id),
        Some(Kind::Mapping(pairs)) => match parent.key.take() {
            None => parent.key = Some(id),
            Some(key) => pairs.push((key, id)),
        },
        _ => {}
    }
}
