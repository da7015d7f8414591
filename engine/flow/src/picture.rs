//! A flow as a picture: boxes in layers from the start down, ways out as cells at the foot of each box, lines between.

mod layout;
mod letters;

use std::fmt::Write as _;

use crate::flow::Flow;
use crate::step::Work;
use layout::{Line, Size, lay_out};
use letters::{cut, escaped, width, wrapped};

/// Least width of a box.
const BOX: f64 = 230.0;
/// Height of a box's head.
const HEAD: f64 = 28.0;
/// Height of a line of its text, and of a cell's.
const ROW: f64 = 16.0;
const CELL_ROW: f64 = 13.0;
/// Advance of a narrow letter of the text, a cell and the head.
const TEXT_ADVANCE: f64 = 6.7;
const CELL_ADVANCE: f64 = 6.1;
const HEAD_ADVANCE: f64 = 7.9;
/// Space around everything, and above it for the name.
const MARGIN: f64 = 24.0;
const TOP: f64 = 66.0;

/// A box with its texts, before it has a place.
struct Drawn {
    head: String,
    kind: &'static str,
    colour: &'static str,
    text: Vec<String>,
    /// Lines and width of each cell; none when there is one way without a name.
    cells: Vec<(Vec<String>, f64)>,
    size: Size,
}

/// Draws a flow as SVG: the same flow is always the same picture.
#[must_use]
pub fn picture(flow: &Flow) -> String {
    let drawn: Vec<Drawn> = flow.steps.iter().map(|step| drawn(&step.work, step)).collect();
    let sizes: Vec<Size> = drawn.iter().map(|drawn| drawn.size).collect();
    let ways: Vec<Vec<Option<usize>>> =
        flow.steps.iter().map(|step| step.work.ways().into_iter().map(|(_, next)| next).collect()).collect();
    let ports: Vec<Vec<f64>> =
        drawn.iter().zip(&ways).map(|(drawn, ways)| ports(drawn, ways.len())).collect();
    let layout = lay_out(&sizes, &ways, &ports, flow.start);
    let name_width = width(&flow.name) * 10.5;
    let total = (layout.width + 2.0 * MARGIN).max(name_width + 2.0 * MARGIN);
    let height = layout.height + TOP + MARGIN;
    let mut out = String::with_capacity(8_192);
    head(&mut out, flow, total, height);
    for line in &layout.lines {
        draw_line(&mut out, line);
    }
    for (at, drawn) in drawn.iter().enumerate() {
        let tag = match at {
            at if at == flow.start => Some("start"),
            at if Some(at) == flow.after_end => Some("after the end"),
            _ => None,
        };
        draw_box(&mut out, drawn, layout.places[at], tag);
    }
    for (x, y) in &layout.ends {
        push(
            &mut out,
            format_args!(
                "<path class=\"line\" d=\"M{x:.0} {y:.0}v10\"/><circle class=\"end\" cx=\"{x:.0}\" cy=\"{:.0}\" r=\"5\"/>\n",
                y + 15.0
            ),
        );
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Writing into a string cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

fn drawn(work: &Work, step: &crate::step::Step) -> Drawn {
    let ways = work.ways();
    let named = ways.len() > 1;
    let cells: Vec<(Vec<String>, f64)> = if named {
        ways.iter()
            .map(|(label, _)| {
                // Two lines of it, no narrower than its longest word and no wider than a box's half.
                let longest = label.split(' ').map(width).fold(0.0, f64::max);
                let wanted = (width(label) / 2.0 + 2.0).max(longest) * CELL_ADVANCE + 14.0;
                let cell = wanted.clamp(64.0, 150.0);
                (wrapped(label, ((cell - 10.0) / CELL_ADVANCE).floor(), 3), cell)
            })
            .collect()
    } else {
        Vec::new()
    };
    let across: f64 = cells.iter().map(|(_, cell)| cell).sum();
    let across = across.max(BOX).ceil();
    let text = wrapped(&step.summary, ((across - 22.0) / TEXT_ADVANCE).floor(), 4);
    let cell_rows = cells.iter().map(|(lines, _)| lines.len()).max().unwrap_or(0);
    let foot = if cell_rows == 0 { 0.0 } else { cell_rows as f64 * CELL_ROW + 8.0 };
    let body = if text.is_empty() { 0.0 } else { text.len() as f64 * ROW + 10.0 };
    // What is left over is given to the cells alike.
    let more = if cells.is_empty() {
        0.0
    } else {
        (across - cells.iter().map(|(_, cell)| cell).sum::<f64>()) / cells.len() as f64
    };
    let cells = cells.into_iter().map(|(lines, cell)| (lines, cell + more)).collect();
    let head = if step.title.is_empty() { step.id.clone() } else { step.title.clone() };
    let room = (across - 34.0) / HEAD_ADVANCE - width(work.kind());
    Drawn {
        head: cut(&head, room.floor()),
        kind: work.kind(),
        colour: colour(work),
        text,
        cells,
        size: Size { width: across, height: HEAD + body + foot },
    }
}

fn colour(work: &Work) -> &'static str {
    match work {
        Work::Send { .. } => "#2b6cb0",
        Work::Ask(_) => "#2c7a7b",
        Work::Branch { .. } => "#b7791f",
        Work::Set { .. } | Work::Store { .. } => "#5a6b7d",
        Work::Collect { .. } => "#8a6d1b",
        Work::Call(_) => "#6b46c1",
        Work::Agent { .. } => "#b83280",
        Work::OptOut { .. } => "#c53030",
        Work::End(_) => "#33475b",
    }
}

/// Where the ways leave a box, from its left side.
fn ports(drawn: &Drawn, ways: usize) -> Vec<f64> {
    if drawn.cells.is_empty() {
        return vec![drawn.size.width / 2.0; ways];
    }
    let mut left = 0.0;
    let centre = |(_, cell): &(Vec<String>, f64)| {
        left += cell;
        left - cell / 2.0
    };
    drawn.cells.iter().map(centre).collect()
}

fn head(out: &mut String, flow: &Flow, across: f64, height: f64) {
    let name = escaped(&flow.name);
    push(
        out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{across:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {across:.0} {height:.0}\" \
         font-family=\"ui-sans-serif, system-ui, 'DejaVu Sans', Arial, sans-serif\" role=\"img\" aria-labelledby=\"title\">\n\
         <title id=\"title\">The flow {name}</title>\n"
        ),
    );
    out.push_str(STYLE);
    push(
        out,
        format_args!(
            "<rect width=\"{across:.0}\" height=\"{height:.0}\" fill=\"#fbfcfe\"/>\n\
         <text class=\"name\" x=\"{MARGIN:.0}\" y=\"32\">{name}</text>\n\
         <g transform=\"translate({MARGIN:.0} {TOP:.0})\">\n"
        ),
    );
}

const STYLE: &str = r##"<defs>
<marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="#33475b"/></marker>
<marker id="back" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="#975a16"/></marker>
<style>
.name { font-size: 18px; font-weight: 600; fill: #1a2733 }
.box { fill: #ffffff; stroke: #7a8ca0; stroke-width: 1.2 }
.head { font-size: 13px; font-weight: 600; fill: #ffffff }
.kind { font-size: 11px; fill: #ffffff; fill-opacity: 0.85 }
.text { font-size: 12px; fill: #1a2733 }
.cell { font-size: 11px; fill: #33475b }
.rule { stroke: #cbd5e0; stroke-width: 1 }
.tag { font-size: 11px; font-weight: 600; fill: #1a2733 }
.line { stroke: #33475b; stroke-width: 1.5; fill: none }
.way { marker-end: url(#arrow) }
.again { stroke: #975a16; stroke-dasharray: 6 4; stroke-linejoin: round; marker-end: url(#back) }
.end { fill: #33475b }
</style>
</defs>
"##;

fn draw_line(out: &mut String, line: &Line) {
    let class = if line.back { "line again" } else { "line way" };
    push(out, format_args!("<path class=\"{class}\" d=\"{}\"/>\n", line.path));
}

fn draw_box(out: &mut String, drawn: &Drawn, (x, y): (f64, f64), tag: Option<&str>) {
    let Size { width: across, height } = drawn.size;
    push(out, format_args!("<g transform=\"translate({x:.0} {y:.0})\">\n"));
    push(out, format_args!("<rect class=\"box\" width=\"{across:.0}\" height=\"{height:.0}\" rx=\"7\"/>\n"));
    let foot = if height > HEAD {
        format!("V{HEAD:.0}H0V7")
    } else {
        format!("V{:.0}a7 7 0 0 1 -7 7H7a7 7 0 0 1 -7 -7V7", HEAD - 7.0)
    };
    push(
        out,
        format_args!(
            "<path d=\"M0 7a7 7 0 0 1 7 -7H{:.0}a7 7 0 0 1 7 7{foot}z\" fill=\"{}\"/>\n",
            across - 7.0,
            drawn.colour
        ),
    );
    push(out, format_args!("<text class=\"head\" x=\"11\" y=\"19\">{}</text>\n", escaped(&drawn.head)));
    push(
        out,
        format_args!(
            "<text class=\"kind\" x=\"{:.0}\" y=\"19\" text-anchor=\"end\">{}</text>\n",
            across - 11.0,
            drawn.kind
        ),
    );
    for (row, text) in drawn.text.iter().enumerate() {
        let y = HEAD + 18.0 + row as f64 * ROW;
        push(out, format_args!("<text class=\"text\" x=\"11\" y=\"{y:.0}\">{}</text>\n", escaped(text)));
    }
    let rows = drawn.cells.iter().map(|(lines, _)| lines.len()).max().unwrap_or(0);
    let top = height - rows as f64 * CELL_ROW - 8.0;
    let mut left = 0.0;
    for (at, (lines, cell)) in drawn.cells.iter().enumerate() {
        if at == 0 {
            push(out, format_args!("<path class=\"rule\" d=\"M0 {top:.0}H{across:.0}\"/>\n"));
        } else {
            push(out, format_args!("<path class=\"rule\" d=\"M{left:.0} {top:.0}V{height:.0}\"/>\n"));
        }
        for (row, text) in lines.iter().enumerate() {
            let (x, y) = (left + cell / 2.0, top + 14.0 + row as f64 * CELL_ROW);
            push(
                out,
                format_args!(
                    "<text class=\"cell\" x=\"{x:.0}\" y=\"{y:.0}\" text-anchor=\"middle\">{}</text>\n",
                    escaped(text)
                ),
            );
        }
        left += cell;
    }
    if let Some(tag) = tag {
        let across = width(tag) * CELL_ADVANCE + 20.0;
        push(
            out,
            format_args!(
                "<rect x=\"8\" y=\"-22\" width=\"{across:.0}\" height=\"17\" rx=\"8\" fill=\"#c6f6d5\"/>\n"
            ),
        );
        push(out, format_args!("<text class=\"tag\" x=\"18\" y=\"-10\">{tag}</text>\n"));
    }
    out.push_str("</g>\n");
}
