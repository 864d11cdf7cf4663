//! Who led when: a lane for the controller, and one for each partition.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::markup::escape;
use super::scale::Scale;
use super::timeline::X;
use crate::availability::Reign;
use crate::history::{Key, Node};
use crate::report::Report;

/// Lanes of partitions beyond these are left out; they would be too thin to tell anything.
const LANES_MAX: usize = 32;

/// Colours of the style sheet for nodes; beyond, they repeat.
const COLOURS: usize = 8;

/// The lanes as SVG from `top` on, and where they end.
pub(super) fn lanes(report: &Report, time: &Scale, end_us: f64, top: f64) -> (String, f64) {
    let leadership = &report.availability.leadership;
    let nodes = nodes(report);
    let mut svg = String::new();
    let mut y = top;
    if leadership.controller.is_empty() && leadership.partitions.is_empty() {
        return (svg, y - 18.0);
    }
    let _ = writeln!(
        svg,
        "<text class=\"title\" x=\"{}\" y=\"{:.0}\">leaders</text>",
        X.0 + 4.0,
        top - 8.0
    );
    let named = leadership.partitions.iter().take(LANES_MAX);
    let partitions = named.map(|(key, reigns)| (label(report, *key), reigns));
    let controller = ("controller".to_owned(), &leadership.controller);
    for (at, (name, reigns)) in [controller].into_iter().chain(partitions).enumerate() {
        if reigns.is_empty() {
            continue;
        }
        let height = if at == 0 { 12.0 } else { 8.0 };
        let _ = writeln!(
            svg,
            "<text class=\"tick end lane\" x=\"{}\" y=\"{:.1}\">{}</text><g clip-path=\"url(#plot)\">",
            X.0 - 8.0,
            y + height - 1.0,
            escape(&name)
        );
        push_reigns(reigns, &nodes, time, end_us, (y, height), &mut svg);
        svg.push_str("</g>\n");
        y += height + if at == 0 { 6.0 } else { 2.0 };
    }
    (svg, y + 4.0)
}

/// The partition in the little room beside its lane: without the topic, if there is just one.
fn label(report: &Report, key: Key) -> String {
    let mut topics = report.setup.keys.iter().map(|name| &name.topic);
    let first = topics.next();
    let is_alone = topics.all(|topic| Some(topic) == first);
    let name = report.setup.keys.get(key.0 as usize).filter(|_| is_alone);
    name.map_or_else(
        || report.partition_name(key),
        |name| format!("partition {}", name.partition),
    )
}

fn push_reigns(
    reigns: &[Reign],
    nodes: &[Node],
    time: &Scale,
    end_us: f64,
    (y, height): (f64, f64),
    svg: &mut String,
) {
    for (at, reign) in reigns.iter().enumerate() {
        let until_us = reigns
            .get(at + 1)
            .map_or(end_us, |next| next.from_us as f64);
        let (from, to) = (time.at(reign.from_us as f64), time.at(until_us));
        let name = if reign.node.0 < 0 {
            "nobody".to_owned()
        } else {
            format!("node {}", reign.node)
        };
        let _ = write!(
            svg,
            "<rect class=\"{}\" data-a=\"{}\" data-b=\"{until_us:.0}\" x=\"{from:.1}\" y=\"{y:.1}\" \
             width=\"{:.1}\" height=\"{height}\"><title>{name}</title></rect>",
            colour(nodes, reign.node),
            reign.from_us,
            (to - from).max(0.5),
        );
    }
}

/// All nodes that the history knows, in order.
fn nodes(report: &Report) -> Vec<Node> {
    let leadership = &report.availability.leadership;
    let reigns = leadership
        .partitions
        .values()
        .flatten()
        .chain(&leadership.controller);
    let led = reigns.map(|reign| reign.node).filter(|node| node.0 >= 0);
    led.chain(report.setup.nodes.iter().copied())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn colour(nodes: &[Node], node: Node) -> String {
    match nodes.iter().position(|known| *known == node) {
        Some(at) => format!("n{}", at % COLOURS),
        None => "nobody".to_owned(),
    }
}

/// Which colour is which node.
pub(super) fn legend(report: &Report) -> String {
    let mut legend = "<p class=\"legend\">".to_owned();
    let nodes = nodes(report);
    for node in &nodes {
        let colour = colour(&nodes, *node);
        let _ = write!(legend, "<span><i class=\"{colour}\"></i>node {node}</span>");
    }
    let left_out = report
        .availability
        .leadership
        .partitions
        .len()
        .saturating_sub(LANES_MAX);
    let more = match left_out {
        0 => String::new(),
        many => format!(" <span>{many} more partitions are not drawn</span>"),
    };
    let _ = writeln!(
        legend,
        "<span><i class=\"nobody\"></i>nobody</span><span><i class=\"band\"></i>round</span>\
         <span><i class=\"gap\"></i>its longest gap</span>{more}</p>"
    );
    legend
}
