//! The text of a flow chart.

use crate::chart::{Chart, Edge, End, Group, Node, Shape, Stroke, Way};

/// A chart with more than this is left to Mermaid.
const NODES_MAX: usize = 200;

/// Reads a flow chart; nothing when it's another kind of diagram or says something that isn't known here.
pub fn parse(source: &str) -> Option<Chart> {
    let mut lines = source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("%%"));
    let mut head = lines.next()?.split_whitespace();
    matches!(head.next()?, "graph" | "flowchart").then_some(())?;
    let way = head.next().map_or(Some(Way::Down), |word| direction(word.trim_end_matches(';')))?;
    let mut reader = Reader { chart: Chart::default(), open: vec![0] };
    reader.chart.groups.push(Group { way, ..Group::default() });
    for line in lines {
        for statement in line.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            reader.statement(statement)?;
        }
    }
    (reader.open.len() == 1 && !reader.chart.nodes.is_empty() && reader.chart.nodes.len() <= NODES_MAX)
        .then_some(reader.chart)
}

fn direction(word: &str) -> Option<Way> {
    Some(match word {
        "TB" | "TD" => Way::Down,
        "BT" => Way::Up,
        "LR" => Way::Right,
        "RL" => Way::Left,
        _ => return None,
    })
}

struct Reader {
    chart: Chart,
    /// The groups that are open, the innermost last.
    open: Vec<usize>,
}

impl Reader {
    fn statement(&mut self, text: &str) -> Option<()> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match word {
            "style" | "classDef" | "class" | "click" | "linkStyle" => Some(()),
            "direction" => {
                let way = direction(rest.trim())?;
                let open = *self.open.last()?;
                self.chart.groups.get_mut(open)?.way = way;
                Some(())
            }
            "subgraph" => self.subgraph(rest.trim()),
            "end" => (self.open.len() > 1).then(|| self.open.pop()).map(drop),
            _ => self.chain(text),
        }
    }

    fn subgraph(&mut self, text: &str) -> Option<()> {
        let (id, title) = match text.split_once('[') {
            Some((id, title)) => (id.trim(), title.strip_suffix(']')?),
            None => (text, text),
        };
        let title = plain(title);
        let outer = *self.open.last()?;
        let way = self.chart.groups.get(outer)?.way;
        let at = self.chart.groups.len();
        self.chart.groups.push(Group { id: id.trim_matches('"').to_owned(), title, way, inside: Vec::new() });
        self.chart.groups.get_mut(outer)?.inside.push(End::Group(at));
        self.open.push(at);
        Some(())
    }

    /// `A --> B & C -->|says| D`
    fn chain(&mut self, text: &str) -> Option<()> {
        let (mut from, mut rest) = self.ends(text)?;
        while !rest.is_empty() {
            let (arrow, after) = arrow(rest)?;
            let (to, after) = self.ends(after)?;
            for from in &from {
                for to in &to {
                    self.chart.edges.push(Edge { from: *from, to: *to, ..arrow.clone() });
                }
            }
            (from, rest) = (to, after);
        }
        Some(())
    }

    /// `A & B[text]`, and what follows.
    fn ends<'a>(&mut self, text: &'a str) -> Option<(Vec<End>, &'a str)> {
        let (end, mut rest) = self.end(text.trim_start())?;
        let mut ends = vec![end];
        while let Some(after) = rest.strip_prefix('&') {
            let (end, after) = self.end(after.trim_start())?;
            ends.push(end);
            rest = after;
        }
        Some((ends, rest))
    }

    fn end<'a>(&mut self, text: &'a str) -> Option<(End, &'a str)> {
        // A dash belongs to a name unless an arrow begins with it.
        let mut length = 0;
        for (at, c) in text.char_indices() {
            let dash = c == '-' && !text.get(at..).is_some_and(|rest| rest.starts_with("--") || rest.starts_with("-."));
            if !(c.is_alphanumeric() || c == '_' || (dash && at > 0)) {
                break;
            }
            length = at + c.len_utf8();
        }
        let (id, rest) = text.split_at(length);
        if id.is_empty() {
            return None;
        }
        let (label, rest) = shape(rest)?;
        let rest = match rest.strip_prefix(":::") {
            Some(class) => class.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c == '-'),
            None => rest,
        };
        Some((self.named(id, label), rest.trim_start()))
    }

    fn named(&mut self, id: &str, label: Option<(Shape, String)>) -> End {
        if let Some(at) = self.chart.groups.iter().skip(1).position(|group| group.id == id) {
            return End::Group(at + 1);
        }
        let at = self.chart.nodes.iter().position(|node| node.id == id).unwrap_or_else(|| {
            let at = self.chart.nodes.len();
            self.chart.nodes.push(Node { id: id.to_owned(), text: vec![id.to_owned()], shape: Shape::Box });
            let open = self.open.last().copied().unwrap_or(0);
            if let Some(group) = self.chart.groups.get_mut(open) {
                group.inside.push(End::Node(at));
            }
            at
        });
        if let (Some((shape, text)), Some(node)) = (label, self.chart.nodes.get_mut(at)) {
            (node.shape, node.text) = (shape, text.split('\n').map(|line| line.trim().to_owned()).collect());
        }
        End::Node(at)
    }
}

/// The outline and text after a node's name, if any; nothing at all when it isn't closed or not known.
fn shape(text: &str) -> Option<(Option<(Shape, String)>, &str)> {
    const SHAPES: &[(&str, &str, Shape)] = &[
        ("((", "))", Shape::Circle),
        ("([", "])", Shape::Stadium),
        ("[(", ")]", Shape::Store),
        ("[", "]", Shape::Box),
        ("(", ")", Shape::Round),
        ("{", "}", Shape::Choice),
    ];
    if text.starts_with('@') || text.starts_with("[[") || text.starts_with("[/") || text.starts_with("{{") {
        return None;
    }
    let Some((open, close, shape)) = SHAPES.iter().find(|(open, ..)| text.starts_with(open)) else {
        return Some((None, text));
    };
    let inner = text.get(open.len()..)?;
    let end = match inner.strip_prefix('"') {
        Some(quoted) => 1 + quoted.find('"')? + 1,
        None => inner.find(close)?,
    };
    let (label, rest) = inner.split_at(end);
    Some((Some((*shape, plain(label))), rest.strip_prefix(close)?))
}

/// A text without its quotes; line breaks are line breaks.
fn plain(text: &str) -> String {
    let text = text.trim().trim_matches('"');
    ["<br/>", "<br />", "<br>", "\\n"].iter().fold(text.to_owned(), |text, mark| text.replace(mark, "\n"))
}

/// An arrow and what it says, and what follows.
fn arrow(text: &str) -> Option<(Edge, &str)> {
    let (back, text) = match text.strip_prefix('<') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let line = |c: char| matches!(c, '-' | '=' | '.');
    let length = text.find(|c: char| !line(c)).unwrap_or(text.len());
    let (shaft, rest) = text.split_at(length);
    let stroke = match shaft.as_bytes() {
        [b'=', b'=', ..] => Stroke::Thick,
        [b'-', b'.', ..] => Stroke::Dotted,
        [b'-', b'-', ..] => Stroke::Plain,
        _ => return None,
    };
    let head = |rest: &'_ str| -> Option<usize> { rest.starts_with(['>', 'x', 'o']).then_some(1) };
    // `-- says -->`: a short shaft followed by a blank and words is the first half of an arrow.
    let is_half = matches!(shaft, "--" | "==" | "-.") && !rest.starts_with('>');
    if is_half {
        let close = ["--", "==", ".-"].iter().filter_map(|mark| rest.find(mark)).min()?;
        let (says, rest) = rest.split_at(close);
        let rest = rest.trim_start_matches(line);
        let headed = rest.starts_with('>');
        let edge = Edge { text: plain(says), stroke, heads: (back, headed), ..Edge::default() };
        return Some((edge, rest.strip_prefix('>').unwrap_or(rest)));
    }
    // `A---oB` reads as a head only when the name doesn't go on: blanks come after every arrow that is known here.
    let heads = head(rest).filter(|_| rest.starts_with('>') || rest.get(1..).is_some_and(|r| r.starts_with(' ')));
    let rest = rest.get(heads.unwrap_or(0)..)?;
    let (says, rest) = match rest.trim_start().strip_prefix('|') {
        Some(says) => says.split_once('|')?,
        None => ("", rest),
    };
    Some((Edge { text: plain(says), stroke, heads: (back, heads.is_some()), ..Edge::default() }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(source: &str) -> Option<Vec<String>> {
        let chart = parse(source)?;
        let name = |end: End| match end {
            End::Node(at) => chart.nodes[at].text.join(" "),
            End::Group(at) => format!("[{}]", chart.groups[at].title),
        };
        Some(chart.edges.iter().map(|e| format!("{} {}> {}", name(e.from), e.text, name(e.to))).collect())
    }

    #[test]
    fn reads_flow_charts() {
        let cases = [
            ("graph TD\n D[Deployment] -->|manages| RS[Replica<br/>Set]", vec!["Deployment manages> Replica Set"]),
            ("graph LR\n A --> B --> C[(etcd)]", vec!["A > B", "B > etcd"]),
            ("flowchart TD\n a -. says .-> b\n a == so ==> c\n a -- no --> b", vec!["a says> b", "a so> c", "a no> b"]),
            ("graph TD\n main --- disk\n main -. localhost .- helper", vec!["main > disk", "main localhost> helper"]),
            ("graph TD\n A & B --> C; C -.-> D", vec!["A > C", "B > C", "C > D"]),
            ("graph LR\n subgraph one [First]\n A\n end\n one --> B{ok?}", vec!["[First] > ok?"]),
            ("graph LR\n kube-proxy --> pod-1(\"a (b)\")", vec!["kube-proxy > a (b)"]),
        ];
        for (source, expected) in cases {
            assert_eq!(arrows(source), Some(expected.into_iter().map(str::to_owned).collect()), "{source}");
        }
    }

    #[test]
    fn gives_up_rather_than_guess() {
        for source in [
            "",
            "sequenceDiagram\n A->>B: hi",
            "graph TD\n A@{ shape: cyl } --> B",
            "graph TD\n A[[x]] --> B",
            "graph TD\n A --> ",
            "graph TD\n subgraph x\n A",
            "graph TD\n A[open",
            "graph sideways\n A",
        ] {
            assert_eq!(parse(source), None, "{source}");
        }
    }

    #[test]
    fn groups_hold_what_is_named_in_them_first() {
        let chart = parse("graph TB\n subgraph Control Plane\n API[API Server]\n end\n API --> K1").unwrap();
        assert_eq!(chart.groups[1].title, "Control Plane");
        assert_eq!(chart.groups[1].inside, [End::Node(0)]);
        assert_eq!(chart.groups[0].inside, [End::Group(1), End::Node(1)]);
    }
}
