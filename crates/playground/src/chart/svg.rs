//! The picture of a chart, in the page's colours by their custom properties: it changes with the theme by itself.

use std::fmt::Write;

use crate::chart::layout::{LINE, Placed, Rect, place, text_width};
use crate::chart::{Chart, End, Node, Shape, Stroke, Way};

const MARGIN: f64 = 6.0;

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The arrows as lines of text: `API Server → etcd`.
pub fn words(chart: &Chart) -> Vec<String> {
    let name = |end: End| match end {
        End::Node(at) => chart.nodes.get(at).map(|node| node.text.join(" ")).unwrap_or_default(),
        End::Group(at) => chart.groups.get(at).map(|group| group.title.clone()).unwrap_or_default(),
    };
    let line = |edge: &crate::chart::Edge| match edge.text.as_str() {
        "" => format!("{} → {}", name(edge.from), name(edge.to)),
        says => format!("{} → {says} → {}", name(edge.from), name(edge.to)),
    };
    let arrows = chart.edges.iter().map(line);
    let groups = chart.groups.iter().skip(1).map(|group| {
        let inside: Vec<String> = group.inside.iter().map(|end| name(*end)).collect();
        format!("{}: {}", group.title, inside.join(", "))
    });
    groups.chain(arrows).collect()
}

/// The picture.
pub fn draw(chart: &Chart) -> String {
    let placed = place(chart);
    let (w, h) = (placed.size.0 + 2.0 * MARGIN, placed.size.1 + 2.0 * MARGIN);
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<svg class=\"chart\" viewBox=\"{} {} {w:.0} {h:.0}\" width=\"{w:.0}\" height=\"{h:.0}\" aria-hidden=\"true\">",
        -MARGIN, -MARGIN
    );
    // Outer groups first, so that inner ones stand on them.
    for (at, group) in chart.groups.iter().enumerate().skip(1) {
        let Some(rect) = placed.at.get(&End::Group(at)) else { continue };
        let _ = write!(
            out,
            "<rect class=\"chart-group\" {} rx=\"8\"/><text class=\"chart-title\" x=\"{:.0}\" y=\"{:.0}\">{}</text>",
            corners(rect),
            rect.middle().0,
            rect.y + 20.0,
            escape(&group.title)
        );
    }
    let mut texts = String::new();
    for at in 0..chart.edges.len() {
        edge_lines(chart, at, &placed, &mut out, &mut texts);
    }
    for (at, node) in chart.nodes.iter().enumerate() {
        if let Some(rect) = placed.at.get(&End::Node(at)) {
            node_lines(node, rect, &mut out);
        }
    }
    out.push_str(&texts);
    out.push_str("</svg>");
    out
}

fn corners(rect: &Rect) -> String {
    format!("x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"", rect.x, rect.y, rect.w, rect.h)
}

fn node_lines(node: &Node, rect: &Rect, out: &mut String) {
    let (x, y) = rect.middle();
    let _ = match node.shape {
        Shape::Box => write!(out, "<rect class=\"chart-node\" {} rx=\"6\"/>", corners(rect)),
        Shape::Round => write!(out, "<rect class=\"chart-node\" {} rx=\"14\"/>", corners(rect)),
        Shape::Stadium => write!(out, "<rect class=\"chart-node\" {} rx=\"{:.1}\"/>", corners(rect), rect.h / 2.0),
        Shape::Circle => {
            write!(out, "<circle class=\"chart-node\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{:.1}\"/>", rect.w / 2.0)
        }
        Shape::Choice => write!(
            out,
            "<path class=\"chart-node\" d=\"M{x:.1} {:.1}L{:.1} {y:.1}L{x:.1} {:.1}L{:.1} {y:.1}Z\"/>",
            rect.y,
            rect.x + rect.w,
            rect.y + rect.h,
            rect.x
        ),
        Shape::Store => {
            let (left, right, bend) = (rect.x, rect.x + rect.w, 9.0);
            let (top, bottom, rx) = (rect.y + bend, rect.y + rect.h - bend, rect.w / 2.0);
            write!(
                out,
                "<path class=\"chart-node\" d=\"M{left:.1} {top:.1}A{rx:.1} {bend} 0 0 1 {right:.1} {top:.1}V{bottom:.1}\
                 A{rx:.1} {bend} 0 0 1 {left:.1} {bottom:.1}Z\"/><path class=\"chart-rim\" d=\"M{left:.1} {top:.1}\
                 A{rx:.1} {bend} 0 0 0 {right:.1} {top:.1}\"/>"
            )
        }
    };
    let middle = if node.shape == Shape::Store { y + 5.0 } else { y };
    let first = middle - (node.text.len() as f64 - 1.0) * LINE / 2.0 + 5.0;
    for (line, text) in node.text.iter().enumerate() {
        let y = first + line as f64 * LINE;
        let _ = write!(out, "<text class=\"chart-text\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape(text));
    }
}

fn edge_lines(chart: &Chart, at: usize, placed: &Placed, out: &mut String, texts: &mut String) {
    let Some(edge) = chart.edges.get(at) else { return };
    let (Some(from), Some(to)) = (placed.at.get(&edge.from), placed.at.get(&edge.to)) else { return };
    let upright = chart.groups.first().is_none_or(|all| matches!(all.way, Way::Down | Way::Up));
    // Two arrows between the same boxes run beside each other.
    let other = |other: &crate::chart::Edge| (other.from, other.to) == (edge.to, edge.from);
    let aside = match (chart.edges.iter().any(other), edge.from < edge.to) {
        (false, _) => 0.0,
        (true, first) => {
            if first {
                9.0
            } else {
                -9.0
            }
        }
    };
    let class = match edge.stroke {
        Stroke::Plain => "chart-edge",
        Stroke::Dotted => "chart-edge dotted",
        Stroke::Thick => "chart-edge thick",
    };
    let via = placed.via.get(&at).map_or(&[][..], Vec::as_slice);
    let curves = curves(from, via, to, upright, aside);
    let (Some(first), Some(last)) = (curves.first(), curves.last()) else { return };
    let _ = write!(out, "<path class=\"{class}\" d=\"M{:.1} {:.1}", first[0].0, first[0].1);
    for [_, a, b, end] in &curves {
        let _ = write!(out, "C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}", a.0, a.1, b.0, b.1, end.0, end.1);
    }
    out.push_str("\"/>");
    if edge.heads.1 {
        out.push_str(&head(last[2], last[3]));
    }
    if edge.heads.0 {
        out.push_str(&head(first[1], first[0]));
    }
    if !edge.text.is_empty() {
        let Some([start, bend_a, bend_b, end]) = curves.get(curves.len() / 2) else { return };
        let at = |a: f64, b: f64, c: f64, d: f64| (a + 3.0 * b + 3.0 * c + d) / 8.0;
        let (x, y) = (at(start.0, bend_a.0, bend_b.0, end.0), at(start.1, bend_a.1, bend_b.1, end.1));
        let w = text_width(&edge.text) * 0.92 + 8.0;
        let _ = write!(
            texts,
            "<rect class=\"chart-label\" x=\"{:.1}\" y=\"{:.1}\" width=\"{w:.1}\" height=\"18\" rx=\"3\"/>\
             <text class=\"chart-says\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            x - w / 2.0,
            y - 9.0,
            y + 4.0,
            escape(&edge.text)
        );
    }
}

/// Curves from side to side by way of some points. Sides face each other the way the chart goes wherever there is room,
/// else the other way.
fn curves(from: &Rect, via: &[(f64, f64)], to: &Rect, upright: bool, aside: f64) -> Vec<[(f64, f64); 4]> {
    const ROOM: f64 = 12.0;
    let ((fx, fy), (tx, ty)) = (from.middle(), to.middle());
    let below = to.y - (from.y + from.h);
    let above = from.y - (to.y + to.h);
    let right = to.x - (from.x + from.w);
    let left = from.x - (to.x + to.w);
    let vertical = if upright { below.max(above) >= ROOM } else { right.max(left) < ROOM };
    let (start, end) = match (vertical, below >= above, right >= left) {
        (true, true, _) => ((fx + aside, from.y + from.h), (tx + aside, to.y)),
        (true, false, _) => ((fx + aside, from.y), (tx + aside, to.y + to.h)),
        (false, _, true) => ((from.x + from.w, fy + aside), (to.x, ty + aside)),
        (false, _, false) => ((from.x, fy + aside), (to.x + to.w, ty + aside)),
    };
    let mut points = vec![start];
    points.extend_from_slice(via);
    points.push(end);
    let curve = |pair: &[(f64, f64)]| match pair {
        [a, b] if vertical => {
            let bend = (b.1 - a.1) / 2.0;
            [*a, (a.0, a.1 + bend), (b.0, b.1 - bend), *b]
        }
        [a, b] => {
            let bend = (b.0 - a.0) / 2.0;
            [*a, (a.0 + bend, a.1), (b.0 - bend, b.1), *b]
        }
        _ => [start; 4],
    };
    points.windows(2).map(curve).collect()
}

/// The head of an arrow that comes from a direction.
fn head(from: (f64, f64), to: (f64, f64)) -> String {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(0.01);
    let (dx, dy) = (dx / length, dy / length);
    let point = |along: f64, across: f64| {
        format!("{:.1} {:.1}", to.0 - dx * along - dy * across, to.1 - dy * along + dx * across)
    };
    format!("<path class=\"chart-head\" d=\"M{}L{}L{}Z\"/>", point(0.0, 0.0), point(9.0, 4.5), point(9.0, -4.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::parse;

    #[test]
    fn says_the_same_in_words() {
        let chart = parse("graph TD\n subgraph Plane\n API[API Server] --> E[(etcd)]\n end\n API -->|asks| K").unwrap();
        assert_eq!(words(&chart), ["Plane: API Server, etcd", "API Server → etcd", "API Server → asks → K"]);
    }

    #[test]
    fn authors_text_stays_text() {
        let svg = draw(&parse("graph TD\n A[\"<script>x</script>\"] -->|<b>| B").unwrap());
        assert!(!svg.contains("<script>") && !svg.contains("<b>"), "{svg}");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
