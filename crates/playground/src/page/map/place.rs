//! Where everything on the map goes: a pure function from what is there and how wide the map is to boxes and lines.
//!
//! Three bands from top to bottom: who owns (deployments with their replica sets), where it runs (nodes with their pods),
//! who leads there (services). Lines then never cross a band. What has an owner or a place keeps to it, so that a change
//! moves as little as it must. Beyond [`TILES`] pods a node shows squares, beyond [`SQUARES`] a bar with counts: the map
//! of ten thousand pods has no more elements than that of a few hundred.

use drydock_sorted::{SortedMap, SortedSet};

use drydock_session::{NodeView, PodPhase, PodView, ReplicaSetView, View};

use crate::page::map::related::{keeps, owns, parent, selects};

/// Up to so many pods are shown with name and status.
const TILES: usize = 60;
/// Up to so many pods are shown one by one.
const SQUARES: usize = 400;
/// Up to so many nodes are shown one by one.
const NODES: usize = 60;
/// Up to so many lines are drawn without anything being chosen.
const LINES: usize = 80;

const GAP: i32 = 10;
const PAD: i32 = 10;
const HEAD: i32 = 28;
const CARD: i32 = 200;
const SET_HEIGHT: i32 = 30;
const CARD_HEAD: i32 = 50;
const TILE_WIDTH: i32 = 148;
const TILE_HEIGHT: i32 = 42;
const SQUARE: i32 = 20;
const BAND: i32 = 30;

/// What a box stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A deployment.
    Deployment,
    /// A replica set.
    ReplicaSet,
    /// A node, or the place where pods wait for one.
    Node,
    /// A pod with name and status.
    Pod,
    /// A pod as a square.
    Square,
    /// The pods of a node in numbers.
    Counts,
    /// A service.
    Service,
}

/// A box on the map, in pixels from the upper left.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Unique on the map; the object's uid or name with a prefix.
    pub key: String,
    /// What it stands for.
    pub kind: Kind,
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub w: i32,
    /// Height.
    pub h: i32,
}

/// What a line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// The replica set owns the pod.
    Owns,
    /// The service leads to the pod.
    Selects,
}

/// A line between two boxes.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Key of the upper or lower end that isn't a pod.
    pub from: String,
    /// Key of the pod.
    pub to: String,
    /// What it means.
    pub tie: Tie,
    /// An SVG path.
    pub path: String,
}

/// The whole map.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Placed {
    /// The boxes, in reading order.
    pub items: Vec<Item>,
    /// The lines.
    pub lines: Vec<Line>,
    /// How high all of it is.
    pub height: i32,
    /// Nodes that found no place.
    pub more_nodes: usize,
}

/// The key of the place where pods wait for a node.
pub const WAITING: &str = "node:";

/// The key of a node's box.
pub fn node_key(name: &str) -> String {
    format!("node:{name}")
}

/// The key of the box with a node's pods in numbers.
pub fn counts_key(node: &str) -> String {
    format!("counts:{node}")
}

/// The pods of one node in numbers.
pub fn counts(view: &View, node: &str) -> Vec<(PodPhase, usize)> {
    let mut counts = SortedMap::new();
    for pod in view.pods.iter().filter(|pod| pod.node == node) {
        *counts.entry(pod.phase).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

/// Rows of boxes that flow like words.
struct Flow {
    left: i32,
    right: i32,
    x: i32,
    y: i32,
    row: i32,
}

impl Flow {
    fn new(left: i32, right: i32, y: i32) -> Flow {
        Flow { left, right, x: left, y, row: 0 }
    }

    fn place(&mut self, w: i32, h: i32, gap: i32) -> (i32, i32) {
        if self.x > self.left && self.x + w > self.right {
            self.x = self.left;
            self.y += self.row + gap;
            self.row = 0;
        }
        let at = (self.x, self.y);
        self.x += w + gap;
        self.row = self.row.max(h);
        at
    }

    /// The lower edge of everything placed.
    fn end(&self) -> i32 {
        self.y + self.row
    }
}

/// Places a view that is filtered already. `chosen` is a box whose lines are drawn however many there are.
pub fn place(view: &View, width: i32, chosen: Option<&str>) -> Placed {
    let width = width.max(CARD + 2 * PAD);
    let mut placed = Placed::default();
    let mut y = PAD;

    let owners = place_owners(view, width, y, &mut placed.items);
    if owners > y {
        y = owners + BAND;
    }
    let nodes = place_nodes(view, width, y, &mut placed);
    if nodes > y {
        y = nodes;
    }
    if !view.services.is_empty() {
        let mut flow = Flow::new(PAD, width - PAD, y + BAND);
        let w = column(width, CARD, view.services.len());
        for service in &view.services {
            let (x, y) = flow.place(w, 48, GAP);
            placed.items.push(Item { key: service.uid.clone(), kind: Kind::Service, x, y, w, h: 48 });
        }
        y = flow.end();
    }
    placed.height = y + PAD;
    placed.lines = lines(view, &placed.items, chosen);
    placed
}

/// The width of `count` columns that are at least `least` wide and fill a row, without growing out of shape.
fn column(width: i32, least: i32, count: usize) -> i32 {
    let room = width - 2 * PAD;
    let fit = ((room + GAP) / (least + GAP)).max(1);
    let used = fit.min(i32::try_from(count).unwrap_or(fit)).max(1);
    ((room - (used - 1) * GAP) / used).min(least * 8 / 5)
}

fn place_owners(view: &View, width: i32, y: i32, items: &mut Vec<Item>) -> i32 {
    let alone: Vec<_> = view.replica_sets.iter().filter(|set| shown(set) && parent(view, set).is_none()).collect();
    let mut flow = Flow::new(PAD, width - PAD, y);
    let card = column(width, CARD, view.deployments.len() + alone.len());
    for deployment in &view.deployments {
        let sets: Vec<_> = view.replica_sets.iter().filter(|set| owns(deployment, set) && shown(set)).collect();
        let height =
            CARD_HEAD + i32::try_from(sets.len()).unwrap_or(0) * (SET_HEIGHT + 6) + if sets.is_empty() { 0 } else { 2 };
        let (x, top) = flow.place(card, height, GAP);
        let key = deployment.uid.clone();
        items.push(Item { key, kind: Kind::Deployment, x, y: top, w: card, h: height });
        for (at, set) in (0..).zip(sets) {
            let y = top + CARD_HEAD + at * (SET_HEIGHT + 6);
            let key = set.uid.clone();
            items.push(Item { key, kind: Kind::ReplicaSet, x: x + 8, y, w: card - 16, h: SET_HEIGHT });
        }
    }
    for set in alone {
        let (x, y) = flow.place(card, 44, GAP);
        items.push(Item { key: set.uid.clone(), kind: Kind::ReplicaSet, x, y, w: card, h: 44 });
    }
    flow.end()
}

/// Replica sets of past revisions have no pods: they are history, not something that runs.
fn shown(set: &ReplicaSetView) -> bool {
    set.replicas > 0 || set.ready > 0
}

fn place_nodes(view: &View, width: i32, y: i32, placed: &mut Placed) -> i32 {
    let mut pods: SortedMap<&str, Vec<&PodView>> = SortedMap::new();
    for pod in &view.pods {
        pods.entry(pod.node.as_str()).or_default().push(pod);
    }
    let known: SortedSet<&str> = view.nodes.iter().map(|node| node.name.as_str()).collect();
    let waiting = pods.get("").map_or(0, Vec::len);
    let mut boxes: Vec<(String, &str)> = Vec::new();
    if waiting > 0 {
        boxes.push((WAITING.to_owned(), ""));
    }
    boxes.extend(view.nodes.iter().take(NODES).map(|node: &NodeView| (node_key(&node.name), node.name.as_str())));
    placed.more_nodes = known.len().saturating_sub(NODES);

    let kind = match view.pods.len() {
        count if count <= TILES => Kind::Pod,
        count if count <= SQUARES => Kind::Square,
        _ => Kind::Counts,
    };
    if boxes.is_empty() {
        return y;
    }
    let least = if kind == Kind::Pod { 2 * TILE_WIDTH + 60 } else { 230 };
    let columns = ((width - PAD) / least).clamp(1, i32::try_from(boxes.len()).unwrap_or(1));
    let w = (width - 2 * PAD - (columns - 1) * GAP) / columns;
    let mut top = y;
    for row in boxes.chunks(usize::try_from(columns).unwrap_or(1)) {
        let heights: Vec<i32> =
            row.iter().map(|(_, name)| HEAD + inside(pods.get(name).map_or(0, Vec::len), kind, w) + 8).collect();
        let height = heights.into_iter().max().unwrap_or(0);
        let mut x = PAD;
        for (key, name) in row {
            placed.items.push(Item { key: key.clone(), kind: Kind::Node, x, y: top, w, h: height });
            let inner = Flow::new(x + 8, x + w - 8, top + HEAD);
            place_pods(pods.get(name).map_or(&[], Vec::as_slice), name, kind, inner, &mut placed.items);
            x += w + GAP;
        }
        top += height + GAP;
    }
    top - GAP
}

/// The height of `count` pods in a node of that width.
fn inside(count: usize, kind: Kind, width: i32) -> i32 {
    let count = i32::try_from(count).unwrap_or(i32::MAX / 1000);
    let (w, h, gap) = match kind {
        Kind::Pod => (tile_width(width - 16), TILE_HEIGHT, 6),
        Kind::Square => (SQUARE, SQUARE, 4),
        _ => return 34,
    };
    let columns = ((width - 16 + gap) / (w + gap)).max(1);
    let rows = (count + columns - 1) / columns;
    (rows * (h + gap) - gap).max(22)
}

/// Tiles share the room of a row evenly.
fn tile_width(room: i32) -> i32 {
    let columns = ((room + 6) / (TILE_WIDTH + 6)).max(1);
    ((room - (columns - 1) * 6) / columns).min(TILE_WIDTH * 3 / 2)
}

fn place_pods(pods: &[&PodView], node: &str, kind: Kind, mut flow: Flow, items: &mut Vec<Item>) {
    let room = flow.right - flow.left;
    let (w, h, gap) = match kind {
        Kind::Pod => (tile_width(room), TILE_HEIGHT, 6),
        Kind::Square => (SQUARE, SQUARE, 4),
        _ => {
            if !pods.is_empty() {
                let (x, y) = flow.place(room, 30, 0);
                items.push(Item { key: counts_key(node), kind: Kind::Counts, x, y, w: room, h: 30 });
            }
            return;
        }
    };
    for pod in pods {
        let (x, y) = flow.place(w, h, gap);
        items.push(Item { key: pod.uid.clone(), kind, x, y, w, h });
    }
}

fn lines(view: &View, items: &[Item], chosen: Option<&str>) -> Vec<Line> {
    let at: SortedMap<&str, &Item> = items.iter().map(|item| (item.key.as_str(), item)).collect();
    let mut lines = Vec::new();
    for pod in &view.pods {
        let Some(end) = at.get(pod.uid.as_str()) else { continue };
        let set = view.replica_sets.iter().find(|set| keeps(set, pod));
        if let Some(start) = set.and_then(|set| at.get(set.uid.as_str())) {
            lines.push(line(start, end, Tie::Owns));
        }
        for service in view.services.iter().filter(|service| selects(service, pod)) {
            if let Some(start) = at.get(service.uid.as_str()) {
                lines.push(line(start, end, Tie::Selects));
            }
        }
    }
    if lines.len() > LINES {
        lines.retain(|line| chosen.is_some_and(|key| key == line.from || key == line.to));
    }
    lines
}

fn line(from: &Item, to: &Item, tie: Tie) -> Line {
    let start = from.x + from.w / 2;
    let end = to.x + to.w / 2;
    let (top, bottom) = match tie {
        Tie::Owns => (from.y + from.h, to.y),
        Tie::Selects => (from.y, to.y + to.h),
    };
    let bend = (bottom - top) / 2;
    let path = format!("M{start} {top}C{start} {} {end} {} {end} {bottom}", top + bend, bottom - bend);
    Line { from: from.key.clone(), to: to.key.clone(), tie, path }
}

/// The box nearest to `from` in a direction (-1, 0 or 1 each way), for the arrow keys.
pub fn neighbour<'a>(items: &'a [Item], from: &str, dx: i32, dy: i32) -> Option<&'a Item> {
    let start = items.iter().find(|item| item.key == from)?;
    let middle = |item: &Item| (item.x + item.w / 2, item.y + item.h / 2);
    let (x, y) = middle(start);
    items
        .iter()
        .filter(|item| item.key != from)
        .filter_map(|item| {
            let (ix, iy) = middle(item);
            let (along, across) =
                if dx == 0 { ((iy - y) * dy, (ix - x).abs()) } else { ((ix - x) * dx, (iy - y).abs()) };
            (along > 2).then_some((along + 2 * across, item))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, item)| item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn view(pods: usize, nodes: usize) -> View {
        let place = |n| if n == 0 { String::new() } else { format!("node-{:04}", n % nodes) };
        View {
            nodes: (0..nodes).map(|n| samples::node(&format!("node-{n:04}"))).collect(),
            pods: (0..pods).map(|n| samples::owned(&format!("pod-{n:05}"), &place(n), "web-1")).collect(),
            deployments: vec![samples::deployment("web", 3, 3)],
            replica_sets: vec![samples::replica_set("web-1", "web", 3), samples::replica_set("web-0", "web", 0)],
            services: vec![samples::service("web")],
            ..View::default()
        }
    }

    fn inside(outer: &Item, inner: &Item) -> bool {
        inner.x >= outer.x
            && inner.y >= outer.y
            && inner.x + inner.w <= outer.x + outer.w
            && inner.y + inner.h <= outer.y + outer.h
    }

    #[test]
    fn boxes_stay_in_the_map_and_do_not_overlap() {
        for (pods, nodes, width) in
            [(4, 1, 340), (4, 1, 900), (30, 3, 500), (200, 5, 700), (60, 2, 240), (1000, 20, 640)]
        {
            let placed = place(&view(pods, nodes), width, None);
            let outer = |kind| matches!(kind, Kind::Node | Kind::Deployment);
            for (n, a) in placed.items.iter().enumerate() {
                assert!(a.x >= 0 && a.x + a.w <= width && a.y + a.h <= placed.height, "{pods} {width} {a:?}");
                for b in &placed.items[n + 1..] {
                    let apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
                    assert!(apart || (outer(a.kind) && inside(a, b)), "{pods} {width}\n{a:?}\n{b:?}");
                }
            }
        }
    }

    #[test]
    fn an_empty_map_is_fine() {
        assert_eq!(place(&View::default(), 500, None).items, []);
        assert_eq!(place(&View::default(), 0, Some("x")).lines, []);
    }

    #[test]
    fn a_large_cluster_has_few_boxes() {
        for (pods, nodes) in [(400, 10), (10_000, 1000)] {
            let placed = place(&view(pods, nodes), 900, None);
            assert!(placed.items.len() < 500, "{}", placed.items.len());
            assert!(placed.lines.len() <= LINES);
        }
        assert_eq!(place(&view(10_000, 1000), 900, None).more_nodes, 940);
    }

    #[test]
    fn lines_join_owners_and_services_to_pods() {
        let placed = place(&view(3, 1), 600, None);
        let ties: Vec<_> = placed.lines.iter().map(|line| (line.from.as_str(), line.to.as_str())).collect();
        assert_eq!(
            ties,
            [
                ("rs:web-1", "pod-00000"),
                ("s:web", "pod-00000"),
                ("rs:web-1", "pod-00001"),
                ("s:web", "pod-00001"),
                ("rs:web-1", "pod-00002"),
                ("s:web", "pod-00002")
            ]
        );
        assert!(!placed.items.iter().any(|item| item.key == "rs:web-0"), "an empty replica set is history");
        let crowded = place(&view(300, 4), 600, Some("pod-00007"));
        assert_eq!(crowded.lines.len(), 2, "only the chosen pod's");
    }

    #[test]
    fn arrows_find_the_next_box() {
        let placed = place(&view(3, 1), 600, None);
        let go = |from, dx, dy| neighbour(&placed.items, from, dx, dy).map(|item| item.key.as_str());
        assert_eq!(go("d:web", 0, 1), Some("rs:web-1"));
        assert_eq!(go("pod-00001", 1, 0), Some("pod-00002"));
        assert_eq!(go("pod-00001", -1, 0), None);
    }
}
