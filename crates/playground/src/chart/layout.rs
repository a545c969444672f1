//! Places: each group is laid out in ranks by its own arrows, and stands as one box in the group around it.

use drydock_sorted::Sort;
use drydock_sorted::{SortedMap, SortedSet};

use crate::chart::{Chart, End, Node, Shape, Way};

/// Between boxes of a rank.
const BESIDE: f64 = 26.0;
/// Between ranks; arrows that say something need more.
const BETWEEN: f64 = 44.0;
/// How much room an arrow takes that passes by a rank.
const PASSING: f64 = 14.0;
/// Around what is in a group, and above it for its title.
const PAD: f64 = 18.0;
const TITLE: f64 = 24.0;
/// Boxes without arrows stand in rows of so many.
const ROW: usize = 3;
/// Height of a line of text.
pub const LINE: f64 = 19.0;

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Rect {
    /// Its middle.
    pub fn middle(&self) -> (f64, f64) {
        (self.x + self.w / 2.0, self.y + self.h / 2.0)
    }
}

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Placed {
    /// Size of the whole.
    pub size: (f64, f64),
    /// Places of nodes and groups.
    pub at: SortedMap<End, Rect>,
    /// Where arrows pass by the ranks between their ends, by their place in [`Chart::edges`].
    pub via: SortedMap<usize, Vec<(f64, f64)>>,
    /// The group in which an arrow passes by ranks.
    passing: SortedMap<usize, usize>,
}

/// How wide a text is, about: fonts differ, and boxes have room to spare.
pub fn text_width(text: &str) -> f64 {
    let width = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.3,
        't' | 'f' | 'r' | ' ' | '(' | ')' | '[' | ']' | '-' | '/' => 0.38,
        'm' | 'w' | 'M' | 'W' => 0.9,
        c if c.is_uppercase() => 0.68,
        _ => 0.57,
    };
    text.chars().map(width).sum::<f64>() * 14.0
}

fn node_size(node: &Node) -> (f64, f64) {
    let w = node.text.iter().map(|line| text_width(line)).fold(0.0, f64::max) + 30.0;
    let h = node.text.len().max(1) as f64 * LINE + 20.0;
    match node.shape {
        Shape::Circle => (w.max(h), w.max(h)),
        Shape::Choice => (w * 1.35, h * 1.7),
        Shape::Store => (w.max(70.0), h + 18.0),
        _ => (w.max(64.0), h),
    }
}

/// Places a chart.
pub fn place(chart: &Chart) -> Placed {
    let mut placed = Placed::default();
    let (w, h) = group(chart, 0, &mut placed, 0);
    placed.size = (w, h);
    placed
}

/// Places what is in a group from (0, 0) on, and answers the size of it all.
fn group(chart: &Chart, at: usize, placed: &mut Placed, depth: usize) -> (f64, f64) {
    let Some(this) = chart.groups.get(at).filter(|_| depth < 16) else { return (0.0, 0.0) };
    let upright = matches!(this.way, Way::Down | Way::Up);
    let sizes: Vec<(f64, f64)> = this
        .inside
        .iter()
        .map(|end| match end {
            End::Node(node) => chart.nodes.get(*node).map_or((0.0, 0.0), node_size),
            End::Group(inner) => {
                let (w, h) = group(chart, *inner, placed, depth + 1);
                let title = chart.groups.get(*inner).map_or(0.0, |group| text_width(&group.title) + 12.0);
                (w.max(title) + 2.0 * PAD, h + 2.0 * PAD + TITLE)
            }
        })
        .collect();
    let mut edges = lifted(chart, at);
    let mut ranks = ranks(this.inside.len(), &edges);
    // What arrows say stands between the ranks: above each other, or beside each other and then it needs its width.
    let said = edges.iter().map(|edge| edge.text).fold(0.0, f64::max);
    let gap = match (upright, said > 0.0) {
        (_, false) => BETWEEN,
        (true, true) => BETWEEN + LINE,
        (false, true) => BETWEEN.max(said + 40.0),
    };
    // Along the arrows and across them, whichever way they go.
    let mut turned: Vec<(f64, f64)> = sizes.iter().map(|(w, h)| if upright { (*w, *h) } else { (*h, *w) }).collect();
    let passed = pass_by(&mut edges, &mut ranks, &mut turned);
    let places = rows(&turned, &ranks, &edges, gap);
    let across = places.iter().zip(&turned).map(|((x, _), (w, _))| x + w).fold(0.0, f64::max);
    let along = places.iter().zip(&turned).map(|((_, y), (_, h))| y + h).fold(0.0, f64::max);
    let whole = if upright { (across, along) } else { (along, across) };
    for (edge, stops) in passed {
        let points = stops.iter().filter_map(|stop| places.get(*stop)).map(|(x, y)| {
            let (x, y) = (x + PASSING / 2.0, *y);
            match this.way {
                Way::Down => (x, y),
                Way::Up => (x, along - y),
                Way::Right => (y, x),
                Way::Left => (along - y, x),
            }
        });
        placed.via.insert(edge, points.collect());
        placed.passing.insert(edge, at);
    }
    for ((end, (x, y)), (w, h)) in this.inside.iter().zip(&places).zip(&sizes) {
        let (x, y) = match this.way {
            Way::Down => (*x, *y),
            Way::Up => (*x, along - y - h),
            Way::Right => (*y, *x),
            Way::Left => (along - y - w, *x),
        };
        placed.at.insert(*end, Rect { x, y, w: *w, h: *h });
        if let End::Group(inner) = end {
            shift(chart, *inner, placed, x + PAD, y + PAD + TITLE);
        }
    }
    whole
}

/// Moves everything in a group.
fn shift(chart: &Chart, at: usize, placed: &mut Placed, dx: f64, dy: f64) {
    let Some(this) = chart.groups.get(at) else { return };
    for (edge, _) in placed.passing.iter().filter(|(_, group)| **group == at) {
        for point in placed.via.get_mut(edge).into_iter().flatten() {
            *point = (point.0 + dx, point.1 + dy);
        }
    }
    for end in &this.inside {
        if let Some(rect) = placed.at.get_mut(end) {
            rect.x += dx;
            rect.y += dy;
        }
        if let End::Group(inner) = end {
            shift(chart, *inner, placed, dx, dy);
        }
    }
}

/// Arrows between two boxes of a group.
struct Lifted {
    from: usize,
    to: usize,
    /// How wide the widest of their texts is.
    text: f64,
    /// Their places in [`Chart::edges`].
    edges: Vec<usize>,
}

/// The arrows between the boxes of a group: those between what is in them count as theirs.
fn lifted(chart: &Chart, at: usize) -> Vec<Lifted> {
    let Some(this) = chart.groups.get(at) else { return Vec::new() };
    let holder = |end: End| this.inside.iter().position(|inside| holds(chart, *inside, end, 0));
    let mut edges: Vec<Lifted> = Vec::new();
    for (index, edge) in chart.edges.iter().enumerate() {
        if let (Some(from), Some(to)) = (holder(edge.from), holder(edge.to))
            && from != to
        {
            let text = text_width(&edge.text);
            match edges.iter_mut().find(|known| (known.from, known.to) == (from, to)) {
                Some(known) => {
                    known.text = known.text.max(text);
                    known.edges.push(index);
                }
                None => edges.push(Lifted { from, to, text, edges: vec![index] }),
            }
        }
    }
    edges
}

/// Arrows that lead over more than one rank get a stop in each rank that they pass by, so that they lead around what
/// stands there. Answers the stops of each arrow of the chart.
fn pass_by(edges: &mut Vec<Lifted>, ranks: &mut Vec<usize>, sizes: &mut Vec<(f64, f64)>) -> Vec<(usize, Vec<usize>)> {
    let mut passed = Vec::new();
    for edge in std::mem::take(edges) {
        let (low, high) = match (ranks.get(edge.from), ranks.get(edge.to)) {
            (Some(from), Some(to)) => (*from, *to),
            _ => continue,
        };
        if high <= low + 1 {
            edges.push(edge);
            continue;
        }
        let mut stops = Vec::new();
        let mut last = edge.from;
        for rank in low + 1..high {
            stops.push(sizes.len());
            edges.push(Lifted { from: last, to: sizes.len(), text: 0.0, edges: Vec::new() });
            last = sizes.len();
            sizes.push((PASSING, 0.0));
            ranks.push(rank);
        }
        edges.push(Lifted { from: last, to: edge.to, text: 0.0, edges: Vec::new() });
        passed.extend(edge.edges.iter().map(|index| (*index, stops.clone())));
    }
    passed
}

fn holds(chart: &Chart, outer: End, end: End, depth: usize) -> bool {
    if outer == end {
        return true;
    }
    match outer {
        End::Group(at) if depth < 16 => chart
            .groups
            .get(at)
            .is_some_and(|group| group.inside.iter().any(|inside| holds(chart, *inside, end, depth + 1))),
        _ => false,
    }
}

/// The rank of each box: one more than the highest rank that an arrow comes from. Arrows that would close a circle do
/// not count.
fn ranks(count: usize, edges: &[Lifted]) -> Vec<usize> {
    let mut forward: Vec<(usize, usize)> = Vec::new();
    for Lifted { from, to, .. } in edges {
        if !reaches(&forward, *to, *from) {
            forward.push((*from, *to));
        }
    }
    let mut ranks = vec![0_usize; count];
    for _ in 0..count {
        for (from, to) in &forward {
            let next = ranks.get(*from).map_or(0, |rank| rank + 1);
            if let Some(rank) = ranks.get_mut(*to) {
                *rank = next.max(*rank);
            }
        }
    }
    // What only leads on stands right before what it leads to, not at the far end.
    for box_at in (0..count).rev() {
        let comes = forward.iter().any(|(_, to)| *to == box_at);
        let nearest = forward.iter().filter(|(from, _)| *from == box_at).filter_map(|(_, to)| ranks.get(*to)).min();
        if let (false, Some(nearest)) = (comes, nearest.copied())
            && let Some(rank) = ranks.get_mut(box_at)
        {
            *rank = nearest.saturating_sub(1);
        }
    }
    ranks
}

fn reaches(edges: &[(usize, usize)], from: usize, to: usize) -> bool {
    let mut seen = SortedSet::from([from]);
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        if at == to {
            return true;
        }
        next.extend(edges.iter().filter(|(a, _)| *a == at).map(|(_, b)| *b).filter(|b| seen.insert(*b)));
    }
    false
}

/// Places boxes by rank, from top to bottom: in an order that keeps neighbours near, centred under each other.
fn rows(sizes: &[(f64, f64)], ranks: &[usize], edges: &[Lifted], gap: f64) -> Vec<(f64, f64)> {
    let mut rows: SortedMap<usize, Vec<usize>> = SortedMap::new();
    for (at, rank) in ranks.iter().enumerate() {
        rows.entry(*rank).or_default().push(at);
    }
    let mut rows: Vec<Vec<usize>> = rows.into_values().collect();
    if edges.is_empty() {
        rows = (0..sizes.len()).collect::<Vec<_>>().chunks(ROW).map(<[usize]>::to_vec).collect();
    }
    let near = |at: usize| -> Vec<usize> {
        edges
            .iter()
            .filter_map(|edge| match at {
                at if at == edge.from => Some(edge.to),
                at if at == edge.to => Some(edge.from),
                _ => None,
            })
            .collect()
    };
    let width = |at: usize| sizes.get(at).map_or(0.0, |(w, _)| *w);
    let mut centre = vec![0.0; sizes.len()];
    let pack = |row: &[usize], centre: &mut [f64]| {
        let total: f64 = row.iter().map(|at| width(*at) + BESIDE).sum::<f64>() - BESIDE;
        let mut x = -total / 2.0;
        for at in row {
            if let Some(c) = centre.get_mut(*at) {
                *c = x + width(*at) / 2.0;
            }
            x += width(*at) + BESIDE;
        }
    };
    for row in &rows {
        pack(row, &mut centre);
    }
    // A few sweeps: each row is put in the order of its neighbours' middles, then as near to them as there is room.
    for sweep in 0..6 {
        let order: Vec<usize> =
            if sweep % 2 == 0 { (0..rows.len()).collect() } else { (0..rows.len()).rev().collect() };
        for at_row in order {
            let Some(row) = rows.get_mut(at_row) else { continue };
            let wanted: SortedMap<usize, f64> = row
                .iter()
                .map(|at| {
                    let near: Vec<f64> = near(*at).iter().filter_map(|other| centre.get(*other)).copied().collect();
                    let here = centre.get(*at).copied().unwrap_or(0.0);
                    (*at, if near.is_empty() { here } else { near.iter().sum::<f64>() / near.len() as f64 })
                })
                .collect();
            let of = |at: &usize| wanted.get(at).copied().unwrap_or(0.0);
            row.sort_compact_by(|a, b| of(a).total_cmp(&of(b)));
            settle(row, &of, &width, &mut centre);
        }
    }
    let left =
        (0..sizes.len()).filter_map(|at| centre.get(at).map(|c| c - width(at) / 2.0)).fold(f64::INFINITY, f64::min);
    let mut places = vec![(0.0, 0.0); sizes.len()];
    let mut y = 0.0;
    let gap = if edges.is_empty() { BESIDE } else { gap };
    for row in &rows {
        let height = row.iter().filter_map(|at| sizes.get(*at)).map(|(_, h)| *h).fold(0.0, f64::max);
        for at in row {
            if let (Some(place), Some(c), Some((w, h))) = (places.get_mut(*at), centre.get(*at), sizes.get(*at)) {
                *place = (c - w / 2.0 - left, y + (height - h) / 2.0);
            }
        }
        y += height + gap;
    }
    places
}

/// Puts the boxes of a row where they want to be, in their order and without overlaps: pushed apart to the right, and
/// the whole row moved back by what that cost on average.
fn settle(row: &[usize], wanted: &dyn Fn(&usize) -> f64, width: &dyn Fn(usize) -> f64, centre: &mut [f64]) {
    let mut edge = f64::NEG_INFINITY;
    let mut excess = 0.0;
    for at in row {
        let c = wanted(at).max(edge + width(*at) / 2.0);
        excess += c - wanted(at);
        edge = c + width(*at) / 2.0 + BESIDE;
        if let Some(place) = centre.get_mut(*at) {
            *place = c;
        }
    }
    let back = excess / row.len().max(1) as f64;
    for at in row {
        if let Some(place) = centre.get_mut(*at) {
            *place -= back;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::parse;

    fn check(source: &str) -> (Chart, Placed) {
        let chart = parse(source).unwrap();
        let placed = place(&chart);
        let nodes: Vec<(&End, &Rect)> = placed.at.iter().filter(|(end, _)| matches!(end, End::Node(_))).collect();
        for (n, (a, p)) in nodes.iter().enumerate() {
            assert!(p.x >= -0.1 && p.y >= -0.1 && p.x + p.w <= placed.size.0 + 0.1, "{a:?} {p:?} in {:?}", placed.size);
            for (b, q) in &nodes[n + 1..] {
                let apart = p.x + p.w <= q.x || q.x + q.w <= p.x || p.y + p.h <= q.y || q.y + q.h <= p.y;
                assert!(apart, "{a:?} {p:?} and {b:?} {q:?}\n{source}");
            }
        }
        (chart, placed)
    }

    #[test]
    fn boxes_do_not_overlap() {
        for source in [
            "graph TD\n A --> B & C & D\n B --> E\n C --> E\n D --> A",
            "graph LR\n U[user] --> API --> E[(etcd)]\n API --> S\n CM -->|watches| API\n S -->|assigns| API",
            "graph TB\n subgraph Control Plane\n API\n ETCD\n SCHED\n CM\n end\n subgraph W1\n K1\n P1\n P2\n P3\n end\n API --> K1\n API --> ETCD\n SCHED --> API\n CM --> API",
            "graph TD\n A\n B\n C\n D\n E",
            "graph RL\n A --> A\n A --> B --> A",
        ] {
            check(source);
        }
    }

    #[test]
    fn arrows_lead_the_way() {
        for (way, later) in [("TD", (0, 1)), ("BT", (0, -1)), ("LR", (1, 0)), ("RL", (-1, 0))] {
            let (_, placed) = check(&format!("graph {way}\n A --> B"));
            let (a, b) = (placed.at[&End::Node(0)].middle(), placed.at[&End::Node(1)].middle());
            let sign = |d: f64| if d.abs() < 1.0 { 0 } else { d.signum() as i32 };
            assert_eq!((sign(b.0 - a.0), sign(b.1 - a.1)), later, "{way}");
        }
    }
}
