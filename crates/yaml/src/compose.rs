//! From tokens to a tree: the grammar of YAML 1.1 in go-yaml's order of looking at things, so that what is wrong is told
//! in its words and with its line numbers.

use drydock_value::DEPTH_LIMIT;

use crate::error::{Error, Stage};
use crate::scan::{Kind as T, Scanner, Token};
use crate::tree::{Kind, Node, NodeId, Place, Span, Tree};

/// Builds trees, one document at a time.
pub(crate) struct Composer<'a> {
    text: &'a str,
    scanner: Scanner<'a>,
    anchors: Vec<(String, NodeId)>,
    /// The collections that are being read, outermost first, each with the key whose value is being read.
    open: Vec<(NodeId, Option<NodeId>)>,
    /// Prefixes of tags by their handles.
    prefixes: Vec<(String, String)>,
    first: bool,
}

/// What a node may be, from where it stands.
#[derive(Clone, Copy, PartialEq)]
enum Context {
    /// A block collection may begin.
    Block,
    /// The same, and a sequence whose dashes are not indented.
    Value,
    /// Only flow collections may begin.
    Flow,
}

fn span(start: Place, end: Place) -> Span {
    Span { start, end }
}

impl<'a> Composer<'a> {
    pub(crate) fn new(text: &'a str) -> Composer<'a> {
        Composer {
            text,
            scanner: Scanner::new(text),
            anchors: Vec::new(),
            open: Vec::new(),
            prefixes: Vec::new(),
            first: true,
        }
    }

    /// Adds the next document to the tree; false at the end of the stream.
    pub(crate) fn document(&mut self, tree: &mut Tree) -> Result<bool, Error> {
        self.next_document(tree).map_err(|mut error| {
            self.salvage(tree);
            // The scanner ends the last line when nobody else did, and complains about the next.
            let lines = u32::try_from(self.text.lines().count()).unwrap_or(u32::MAX);
            error.line = error.line.map(|line| line.min(lines.max(1)));
            error
        })
    }

    /// Puts together what was read of a document before an error.
    fn salvage(&mut self, tree: &mut Tree) {
        for (at, (id, _)) in self.open.iter().enumerate() {
            match at.checked_sub(1).and_then(|parent| self.open.get(parent)) {
                None => tree.documents.push(*id),
                Some((mapping, Some(key))) => tree.push_pair(*mapping, *key, *id),
                Some((sequence, None)) => tree.push_item(*sequence, *id),
            }
        }
    }

    fn next_document(&mut self, tree: &mut Tree) -> Result<bool, Error> {
        self.anchors.clear();
        self.open.clear();
        if !self.first {
            while self.scanner.peek()?.kind == T::DocumentEnd {
                self.scanner.next()?;
            }
        }
        let token = self.scanner.peek()?;
        let begins = matches!(token.kind, T::Version(..) | T::TagPrefix { .. } | T::DocumentStart);
        if token.kind == T::StreamEnd {
            return Ok(false);
        }
        let implicit = self.first && !begins;
        self.first = false;
        self.directives()?;
        if !implicit {
            let token = self.scanner.next()?;
            if token.kind != T::DocumentStart {
                return Err(Error::at(Stage::Parser, "did not find expected <document start>", token.start));
            }
        }
        let token = self.scanner.peek()?;
        let empty = matches!(
            token.kind,
            T::Version(..) | T::TagPrefix { .. } | T::DocumentStart | T::DocumentEnd | T::StreamEnd
        );
        let root = if empty && !implicit {
            let place = token.start;
            nothing(tree, place)
        } else {
            self.node(tree, Context::Block)?
        };
        tree.documents.push(root);
        if self.scanner.peek()?.kind == T::DocumentEnd {
            self.scanner.next()?;
        }
        Ok(true)
    }

    fn directives(&mut self) -> Result<(), Error> {
        self.prefixes.clear();
        let mut version = false;
        loop {
            let token = self.scanner.peek()?;
            let wrong = |problem: &str| Err(Error::at(Stage::Parser, problem, token.start));
            match &token.kind {
                T::Version(..) if version => return wrong("found duplicate %YAML directive"),
                T::Version(1, 1) => version = true,
                T::Version(..) => return wrong("found incompatible YAML document"),
                T::TagPrefix { handle, .. } if self.prefixes.iter().any(|(known, _)| known == handle) => {
                    return wrong("found duplicate %TAG directive");
                }
                T::TagPrefix { handle, prefix } => self.prefixes.push((handle.clone(), prefix.clone())),
                _ => break,
            }
            self.scanner.next()?;
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.prefixes.iter().any(|(known, _)| known == handle) {
                self.prefixes.push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }

    fn node(&mut self, tree: &mut Tree, context: Context) -> Result<NodeId, Error> {
        if self.open.len() >= DEPTH_LIMIT {
            return Err(Error::yaml(format_args!("exceeded max depth of {DEPTH_LIMIT}")));
        }
        let mut token = self.scanner.peek()?.clone();
        if let T::Alias(name) = token.kind {
            self.scanner.next()?;
            return self.alias(tree, &name, span(token.start, token.end));
        }
        let start = token.start;
        let (mut anchor, mut tag): (Option<String>, Option<(Place, String, String)>) = (None, None);
        let mut end = start;
        loop {
            match token.kind {
                T::Anchor(name) if anchor.is_none() => anchor = Some(name),
                T::Tag { handle, suffix } if tag.is_none() => tag = Some((token.start, handle, suffix)),
                _ => break,
            }
            end = token.end;
            self.scanner.next()?;
            token = self.scanner.peek()?.clone();
        }
        let tag = tag.map(|(place, handle, suffix)| self.resolve_tag(place, &handle, suffix)).transpose()?;
        let collection = match &token.kind {
            T::BlockEntry if context == Context::Value => Some(Kind::Sequence(Vec::new())),
            T::FlowSequenceStart => Some(Kind::Sequence(Vec::new())),
            T::FlowMappingStart => Some(Kind::Mapping(Vec::new())),
            T::BlockSequenceStart if context != Context::Flow => Some(Kind::Sequence(Vec::new())),
            T::BlockMappingStart if context != Context::Flow => Some(Kind::Mapping(Vec::new())),
            _ => None,
        };
        if let Some(kind) = collection {
            let id = tree.add(Node { span: span(start, token.end), kind, tag });
            self.note(anchor, id);
            self.open.push((id, None));
            let end = match token.kind {
                T::BlockEntry => self.indentless_sequence(tree, id)?,
                T::FlowSequenceStart => self.flow_sequence(tree, id)?,
                T::FlowMappingStart => self.flow_mapping(tree, id)?,
                T::BlockSequenceStart => self.block_sequence(tree, id)?,
                _ => self.block_mapping(tree, id)?,
            };
            self.open.pop();
            tree.end_at(id, end);
            return Ok(id);
        }
        let id = match token.kind {
            T::Scalar { text, plain } => {
                self.scanner.next()?;
                let (plain, tag) = match tag {
                    // `!` alone: as if it were plain.
                    Some(tag) if tag == "!" => (true, None),
                    Some(tag) => (false, Some(tag)),
                    None => (plain, None),
                };
                tree.add(Node { span: span(start, token.end), kind: Kind::Scalar { text, plain }, tag })
            }
            _ if anchor.is_some() || tag.is_some() => {
                let plain = tag.is_none();
                let kind = Kind::Scalar { text: String::new(), plain };
                tree.add(Node { span: span(start, end), kind, tag })
            }
            _ => return Err(Error::at(Stage::Parser, "did not find expected node content", token.start)),
        };
        self.note(anchor, id);
        Ok(id)
    }

    fn note(&mut self, anchor: Option<String>, id: NodeId) {
        if let Some(name) = anchor {
            self.anchors.push((name, id));
        }
    }

    fn alias(&mut self, tree: &mut Tree, name: &str, span: Span) -> Result<NodeId, Error> {
        let line = span.start.line + 1;
        let Some((_, target)) = self.anchors.iter().rev().find(|(known, _)| known == name) else {
            return Err(Error::yaml(format_args!("unknown anchor '{name}' referenced")).on_line(line));
        };
        if self.open.iter().any(|(id, _)| id == target) {
            return Err(Error::yaml(format_args!("anchor '{name}' value contains itself")).on_line(line));
        }
        Ok(tree.add(Node { span, kind: Kind::Alias(*target), tag: None }))
    }

    fn resolve_tag(&self, place: Place, handle: &str, suffix: String) -> Result<String, Error> {
        if handle.is_empty() {
            return Ok(suffix);
        }
        match self.prefixes.iter().find(|(known, _)| known == handle) {
            Some((_, prefix)) => Ok(format!("{prefix}{suffix}")),
            None => Err(Error::at(Stage::Parser, "found undefined tag handle", place)),
        }
    }

    /// A node, unless one of the tokens that end it comes next: then there is nothing.
    fn node_unless(
        &mut self,
        tree: &mut Tree,
        context: Context,
        ends: fn(&T) -> bool,
        place: Option<Place>,
    ) -> Result<NodeId, Error> {
        let token = self.scanner.peek()?;
        if ends(&token.kind) {
            let place = place.unwrap_or(token.start);
            return Ok(nothing(tree, place));
        }
        self.node(tree, context)
    }

    /// The value of a key.
    fn value_unless(
        &mut self,
        tree: &mut Tree,
        context: Context,
        ends: fn(&T) -> bool,
        place: Option<Place>,
        key: NodeId,
    ) -> Result<NodeId, Error> {
        let pending = |composer: &mut Self, key| {
            if let Some(open) = composer.open.last_mut() {
                open.1 = key;
            }
        };
        pending(self, Some(key));
        let value = self.node_unless(tree, context, ends, place)?;
        pending(self, None);
        Ok(value)
    }

    fn block_sequence(&mut self, tree: &mut Tree, id: NodeId) -> Result<Place, Error> {
        self.scanner.next()?;
        loop {
            let token = self.scanner.next()?;
            match token.kind {
                T::BlockEntry => {
                    let ends = |kind: &T| matches!(kind, T::BlockEntry | T::BlockEnd);
                    let item = self.node_unless(tree, Context::Block, ends, Some(token.end))?;
                    tree.push_item(id, item);
                }
                T::BlockEnd => return Ok(token.end),
                _ => return Err(Error::at(Stage::Parser, "did not find expected '-' indicator", token.start)),
            }
        }
    }

    fn indentless_sequence(&mut self, tree: &mut Tree, id: NodeId) -> Result<Place, Error> {
        loop {
            let token = self.scanner.peek()?;
            if token.kind != T::BlockEntry {
                return Ok(token.start);
            }
            let Token { end, .. } = self.scanner.next()?;
            let ends = |kind: &T| matches!(kind, T::BlockEntry | T::Key | T::Value | T::BlockEnd);
            let item = self.node_unless(tree, Context::Block, ends, Some(end))?;
            tree.push_item(id, item);
        }
    }

    fn block_mapping(&mut self, tree: &mut Tree, id: NodeId) -> Result<Place, Error> {
        self.scanner.next()?;
        let ends = |kind: &T| matches!(kind, T::Key | T::Value | T::BlockEnd);
        loop {
            let token = self.scanner.peek()?.clone();
            let key = match token.kind {
                T::Key => {
                    self.scanner.next()?;
                    self.node_unless(tree, Context::Value, ends, Some(token.end))?
                }
                T::BlockEnd => {
                    self.scanner.next()?;
                    return Ok(token.end);
                }
                _ => return Err(Error::at(Stage::Parser, "did not find expected key", token.start)),
            };
            let token = self.scanner.peek()?.clone();
            let value = if token.kind == T::Value {
                self.scanner.next()?;
                self.value_unless(tree, Context::Value, ends, Some(token.end), key)?
            } else {
                nothing(tree, token.start)
            };
            tree.push_pair(id, key, value);
        }
    }

    fn flow_sequence(&mut self, tree: &mut Tree, id: NodeId) -> Result<Place, Error> {
        self.scanner.next()?;
        let mut first = true;
        loop {
            if self.scanner.peek()?.kind != T::FlowSequenceEnd {
                if !first {
                    let token = self.scanner.peek()?;
                    if token.kind != T::FlowEntry {
                        return Err(Error::at(Stage::Parser, "did not find expected ',' or ']'", token.start));
                    }
                    self.scanner.next()?;
                }
                let token = self.scanner.peek()?.clone();
                if token.kind == T::Key {
                    let item = self.pair_in_sequence(tree, token.start)?;
                    tree.push_item(id, item);
                    first = false;
                    continue;
                }
                if token.kind != T::FlowSequenceEnd {
                    let item = self.node(tree, Context::Flow)?;
                    tree.push_item(id, item);
                    first = false;
                    continue;
                }
            }
            return Ok(self.scanner.next()?.end);
        }
    }

    /// `[a: b]`: a mapping of one pair.
    fn pair_in_sequence(&mut self, tree: &mut Tree, start: Place) -> Result<NodeId, Error> {
        self.scanner.next()?;
        let id = tree.add(Node { span: span(start, start), kind: Kind::Mapping(Vec::new()), tag: None });
        self.open.push((id, None));
        let token = self.scanner.peek()?.clone();
        let key = if matches!(token.kind, T::Value | T::FlowEntry | T::FlowSequenceEnd) {
            // The token is lost, as in go-yaml.
            self.scanner.next()?;
            nothing(tree, token.end)
        } else {
            self.node(tree, Context::Flow)?
        };
        let token = self.scanner.peek()?.clone();
        let value = if token.kind == T::Value {
            self.scanner.next()?;
            let ends = |kind: &T| matches!(kind, T::FlowEntry | T::FlowSequenceEnd);
            self.value_unless(tree, Context::Flow, ends, None, key)?
        } else {
            nothing(tree, token.start)
        };
        self.open.pop();
        tree.push_pair(id, key, value);
        let end = self.scanner.peek()?.start;
        tree.end_at(id, end);
        Ok(id)
    }

    fn flow_mapping(&mut self, tree: &mut Tree, id: NodeId) -> Result<Place, Error> {
        self.scanner.next()?;
        let mut first = true;
        loop {
            if self.scanner.peek()?.kind == T::FlowMappingEnd {
                return Ok(self.scanner.next()?.end);
            }
            if !first {
                let token = self.scanner.peek()?;
                if token.kind != T::FlowEntry {
                    return Err(Error::at(Stage::Parser, "did not find expected ',' or '}'", token.start));
                }
                self.scanner.next()?;
            }
            first = false;
            let token = self.scanner.peek()?.clone();
            match token.kind {
                T::FlowMappingEnd => {}
                T::Key => {
                    self.scanner.next()?;
                    let ends = |kind: &T| matches!(kind, T::Value | T::FlowEntry | T::FlowMappingEnd);
                    let key = self.node_unless(tree, Context::Flow, ends, None)?;
                    let token = self.scanner.peek()?.clone();
                    let value = if token.kind == T::Value {
                        self.scanner.next()?;
                        let ends = |kind: &T| matches!(kind, T::FlowEntry | T::FlowMappingEnd);
                        self.value_unless(tree, Context::Flow, ends, None, key)?
                    } else {
                        nothing(tree, token.start)
                    };
                    tree.push_pair(id, key, value);
                }
                _ => {
                    let key = self.node(tree, Context::Flow)?;
                    let place = self.scanner.peek()?.start;
                    let value = nothing(tree, place);
                    tree.push_pair(id, key, value);
                }
            }
        }
    }
}

/// An empty scalar, which is null.
fn nothing(tree: &mut Tree, place: Place) -> NodeId {
    tree.add(Node { span: span(place, place), kind: Kind::Scalar { text: String::new(), plain: true }, tag: None })
}
