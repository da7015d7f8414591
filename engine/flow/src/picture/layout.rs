//! Places for boxes: layers by the longest way from the start, ordered so that lines cross little.

use std::fmt::Write as _;

/// Between boxes of a layer, between layers, and between lines of ways back.
const BESIDE: f64 = 34.0;
const BETWEEN: f64 = 62.0;
const TRACK: f64 = 14.0;
/// How often layers are ordered and moved by their neighbours.
const SWEEPS: usize = 12;

#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub width: f64,
    pub height: f64,
}

#[derive(Debug)]
pub(super) struct Line {
    pub path: String,
    /// It leads to a step above.
    pub back: bool,
}

#[derive(Debug)]
pub(super) struct Layout {
    /// Left upper corners of the boxes.
    pub places: Vec<(f64, f64)>,
    pub lines: Vec<Line>,
    /// Where a way ends without a step.
    pub ends: Vec<(f64, f64)>,
    pub width: f64,
    pub height: f64,
}

/// What stands in a layer: a box, or a line that passes.
struct Item {
    layer: usize,
    width: f64,
    centre: f64,
    /// Items above, with the place on their foot from the centre; and below.
    above: Vec<(usize, f64)>,
    below: Vec<usize>,
}

struct Way {
    from: usize,
    port: usize,
    to: usize,
    /// Items between, for a way over several layers.
    between: Vec<usize>,
    back: bool,
}

pub(super) fn lay_out(
    sizes: &[Size],
    ways: &[Vec<Option<usize>>],
    ports: &[Vec<f64>],
    start: usize,
) -> Layout {
    let (order, back) = depth_first(ways, start);
    let layer = layers(ways, &order, &back);
    let mut items: Vec<Item> = sizes
        .iter()
        .zip(&layer)
        .map(|(size, layer)| Item {
            layer: *layer,
            width: size.width,
            centre: 0.0,
            above: Vec::new(),
            below: Vec::new(),
        })
        .collect();
    let mut all: Vec<Way> = Vec::new();
    for &from in &order {
        for (port, to) in ways[from].iter().enumerate() {
            let Some(to) = *to else { continue };
            let mut way = Way { from, port, to, between: Vec::new(), back: back[from][port] };
            if !way.back {
                let mut above = (from, ports[from][port] - sizes[from].width / 2.0);
                for passed in layer[from] + 1..layer[to] {
                    let item = items.len();
                    items.push(Item {
                        layer: passed,
                        width: 6.0,
                        centre: 0.0,
                        above: vec![above],
                        below: Vec::new(),
                    });
                    items[above.0].below.push(item);
                    way.between.push(item);
                    above = (item, 0.0);
                }
                items[to].above.push(above);
                items[above.0].below.push(to);
            }
            all.push(way);
        }
    }
    let count = items.iter().map(|item| item.layer + 1).max().unwrap_or(0);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); count];
    let boxes = order.iter().copied().chain(sizes.len()..items.len());
    for item in boxes {
        rows[items[item].layer].push(item);
    }
    for row in &rows {
        pack(row, &mut items);
    }
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        for step in 0..count {
            let at = if down { step } else { count - 1 - step };
            reorder(&mut rows[at], &mut items, down);
        }
    }
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 1;
        for step in 0..count {
            let at = if down { step } else { count - 1 - step };
            settle(&rows[at], &mut items, down);
        }
    }
    place(sizes, ways, ports, &rows, items, &all)
}

/// Steps in the order of a walk from the start in which each comes before those it leads to, and which ways go back.
fn depth_first(ways: &[Vec<Option<usize>>], start: usize) -> (Vec<usize>, Vec<Vec<bool>>) {
    let mut back: Vec<Vec<bool>> = ways.iter().map(|ways| vec![false; ways.len()]).collect();
    let (mut begun, mut done) = (vec![false; ways.len()], vec![false; ways.len()]);
    let mut order = Vec::new();
    for root in std::iter::once(start).chain(0..ways.len()) {
        if begun[root] {
            continue;
        }
        begun[root] = true;
        let mut walk = vec![(root, 0)];
        while let Some((at, port)) = walk.pop() {
            let Some(next) = ways[at].get(port) else {
                done[at] = true;
                order.push(at);
                continue;
            };
            walk.push((at, port + 1));
            let Some(next) = *next else { continue };
            if !begun[next] {
                begun[next] = true;
                walk.push((next, 0));
            } else if !done[next] {
                back[at][port] = true;
            }
        }
    }
    order.reverse();
    (order, back)
}

fn layers(ways: &[Vec<Option<usize>>], order: &[usize], back: &[Vec<bool>]) -> Vec<usize> {
    let mut layer = vec![0; ways.len()];
    for &from in order {
        for (port, to) in ways[from].iter().enumerate() {
            if let (Some(to), false) = (*to, back[from][port]) {
                layer[to] = layer[to].max(layer[from] + 1);
            }
        }
    }
    layer
}

/// Where the neighbours of an item would have it.
fn wanted(items: &[Item], item: usize, down: bool) -> Option<f64> {
    let places: Vec<f64> = if down {
        items[item].above.iter().map(|(above, port)| items[*above].centre + port).collect()
    } else {
        items[item].below.iter().map(|below| items[*below].centre).collect()
    };
    (!places.is_empty()).then(|| places.iter().sum::<f64>() / places.len() as f64)
}

fn reorder(row: &mut [usize], items: &mut [Item], down: bool) {
    let mut keyed: Vec<(f64, usize)> =
        row.iter().map(|item| (wanted(items, *item, down).unwrap_or(items[*item].centre), *item)).collect();
    // A stable sort: what is equal stays as it was.
    keyed.sort_by(|first, second| first.0.total_cmp(&second.0));
    for (at, (_, item)) in keyed.into_iter().enumerate() {
        row[at] = item;
    }
    settle(row, items, down);
}

fn apart(items: &[Item], first: usize, second: usize) -> f64 {
    (items[first].width + items[second].width) / 2.0 + BESIDE
}

fn pack(row: &[usize], items: &mut [Item]) {
    let mut right = 0.0;
    for &item in row {
        items[item].centre = right + items[item].width / 2.0;
        right += items[item].width + BESIDE;
    }
    for &item in row {
        items[item].centre -= (right - BESIDE) / 2.0;
    }
}

/// Moves a layer's items to where they are wanted, in their order and apart from each other: the mean of pushing all
/// to the right where they are too near and of pushing all to the left.
fn settle(row: &[usize], items: &mut [Item], down: bool) {
    let targets: Vec<f64> =
        row.iter().map(|item| wanted(items, *item, down).unwrap_or(items[*item].centre)).collect();
    let mut right = targets.clone();
    for at in 1..row.len() {
        right[at] = right[at].max(right[at - 1] + apart(items, row[at - 1], row[at]));
    }
    let mut left = targets;
    for at in (1..row.len()).rev() {
        left[at - 1] = left[at - 1].min(left[at] - apart(items, row[at - 1], row[at]));
    }
    for (at, item) in row.iter().enumerate() {
        items[*item].centre = f64::midpoint(left[at], right[at]);
    }
}

fn place(
    sizes: &[Size],
    ways: &[Vec<Option<usize>>],
    ports: &[Vec<f64>],
    rows: &[Vec<usize>],
    items: Vec<Item>,
    all: &[Way],
) -> Layout {
    let least = items.iter().map(|item| item.centre - item.width / 2.0).fold(f64::INFINITY, f64::min);
    let centre: Vec<f64> = items.iter().map(|item| (item.centre - least).round()).collect();
    let across =
        items.iter().zip(&centre).map(|(item, centre)| centre + item.width / 2.0).fold(0.0, f64::max);
    // Ways back take their lanes in the gaps above and below, so these grow with them.
    let lanes = |layer: usize| {
        let uses =
            |way: &&Way| way.back && (items[way.from].layer == layer || items[way.to].layer == layer + 1);
        all.iter().filter(uses).count() as f64 * 5.0
    };
    let mut tops = Vec::new();
    let mut bottoms = Vec::new();
    let mut y = all.iter().filter(|way| way.back && items[way.to].layer == 0).count() as f64 * 5.0;
    for (layer, row) in rows.iter().enumerate() {
        let height =
            row.iter().filter_map(|item| sizes.get(*item)).map(|size| size.height).fold(0.0, f64::max);
        tops.push(y);
        bottoms.push(y + height);
        y += height + BETWEEN + lanes(layer);
    }
    let places: Vec<(f64, f64)> = sizes
        .iter()
        .enumerate()
        .map(|(at, size)| (centre[at] - size.width / 2.0, tops[items[at].layer]))
        .collect();
    let port =
        |from: usize, port: usize| (places[from].0 + ports[from][port], places[from].1 + sizes[from].height);
    // Lines that come to one box come side by side, in the order in which they come from.
    let mut coming: Vec<Vec<usize>> = vec![Vec::new(); sizes.len()];
    for (at, way) in all.iter().enumerate() {
        coming[way.to].push(at);
    }
    let mut lands = vec![0.0; all.len()];
    for (to, coming) in coming.iter_mut().enumerate() {
        let from = |at: &usize| match (all[*at].back, all[*at].between.last()) {
            (true, _) => f64::INFINITY,
            (false, Some(item)) => centre[*item],
            (false, None) => port(all[*at].from, all[*at].port).0,
        };
        coming.sort_by(|first, second| from(first).total_cmp(&from(second)));
        let step = (sizes[to].width / 2.0 / coming.len() as f64).min(18.0);
        for (number, at) in coming.iter().enumerate() {
            lands[*at] = centre[to] + (number as f64 - (coming.len() - 1) as f64 / 2.0) * step;
        }
    }
    let mut lines = Vec::new();
    let mut tracks = 0.0;
    for (at, way) in all.iter().enumerate() {
        let (x, y) = port(way.from, way.port);
        let mut path = format!("M{x:.0} {y:.0}");
        let end = (lands[at], tops[items[way.to].layer] - 1.0);
        let bottom = bottoms[items[way.from].layer];
        if way.back {
            tracks += 1.0;
            let (track, below, above) =
                (across + 6.0 + tracks * TRACK, bottom + 6.0 + tracks * 5.0, end.1 - 11.0 - tracks * 5.0);
            push(&mut path, format_args!("V{below:.0}H{track:.0}V{above:.0}H{:.0}V{:.0}", end.0, end.1));
        } else {
            push(&mut path, format_args!("V{bottom:.0}"));
            let mut here = (x, bottom);
            for item in &way.between {
                let layer = items[*item].layer;
                curve(&mut path, here, (centre[*item], tops[layer]));
                push(&mut path, format_args!("V{:.0}", bottoms[layer]));
                here = (centre[*item], bottoms[layer]);
            }
            curve(&mut path, here, end);
        }
        lines.push(Line { path, back: way.back });
    }
    let ends = ways
        .iter()
        .enumerate()
        .flat_map(|(from, ways)| {
            ways.iter().enumerate().filter(|(_, to)| to.is_none()).map(move |(way, _)| (from, way))
        })
        .map(|(from, way)| port(from, way))
        .collect();
    let height = bottoms.last().copied().unwrap_or(0.0) + 24.0 + tracks * 5.0;
    let margin = if tracks > 0.0 { 12.0 + tracks * TRACK } else { 0.0 };
    Layout { places, lines, ends, width: across + margin, height }
}

/// Down from one place to another, straight at both ends.
fn curve(path: &mut String, from: (f64, f64), to: (f64, f64)) {
    let middle = f64::midpoint(from.1, to.1);
    push(path, format_args!("C{:.0} {middle:.0} {:.0} {middle:.0} {:.0} {:.0}", from.0, to.0, to.0, to.1));
}

/// Writing into a string cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}
