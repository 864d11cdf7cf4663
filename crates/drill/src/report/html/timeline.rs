//! Throughput, latency and leadership over the whole drill, with its faults.

use std::fmt::Write as _;

use super::leadership;
use super::markup::escape;
use super::scale::{Scale, line};
use crate::availability::Series;
use crate::report::Report;
use crate::report::format::duration;

pub(super) const WIDTH: f64 = 1200.0;
/// Left and right end of the plots.
pub(super) const X: (f64, f64) = (72.0, 1188.0);
/// Top and bottom of the plots.
const THROUGHPUT: (f64, f64) = (26.0, 136.0);
const LATENCY: (f64, f64) = (160.0, 320.0);
/// Columns into which series are gathered; a point each 1.5 units.
const COLUMNS: usize = 744;

pub(super) fn push(report: &Report, page: &mut String) {
    let series = &report.availability.series;
    let end_us = series.due.len() as f64 * series.bucket_ms as f64 * 1000.0;
    let time = Scale::linear((0.0, end_us), X);
    let (lanes, lanes_end) = leadership::lanes(report, &time, end_us, LATENCY.1 + 30.0);
    let height = lanes_end + 28.0;
    let _ = write!(
        page,
        "<section>\n<h2>Timeline</h2>\n<p class=\"hint\">Drag to zoom, double-click to see all. Bands are \
         rounds from fault to healing; each plot counts in buckets of {} ms, latency by when requests were \
         due. Throughput is cut off at twice the usual.</p>\n<svg id=\"timeline\" class=\"chart\" viewBox=\"0 0 {WIDTH} {height:.0}\" \
         data-end=\"{end_us:.0}\" data-x0=\"{}\" data-x1=\"{}\">\n<defs><clipPath id=\"plot\">\
         <rect x=\"{}\" y=\"0\" width=\"{}\" height=\"{height:.0}\"/></clipPath></defs>\n",
        series.bucket_ms,
        X.0,
        X.1,
        X.0,
        X.1 - X.0
    );
    push_bands(report, &time, lanes_end, page);
    push_throughput(series, &time, page);
    push_latency(series, &time, page);
    page.push_str(&lanes);
    push_time_axis(&time, lanes_end, page);
    let _ = write!(
        page,
        "<line id=\"cross\" x1=\"0\" x2=\"0\" y1=\"{}\" y2=\"{lanes_end:.0}\"/>\n\
         <rect id=\"drag\" x=\"0\" y=\"{}\" width=\"0\" height=\"{:.0}\"/>\n</svg>\n\
         <div id=\"tip\" hidden=\"hidden\"></div>\n{}</section>\n",
        THROUGHPUT.0,
        THROUGHPUT.0,
        lanes_end - THROUGHPUT.0,
        leadership::legend(report)
    );
}

fn push_bands(report: &Report, time: &Scale, bottom: f64, page: &mut String) {
    page.push_str("<g clip-path=\"url(#plot)\">\n");
    for round in &report.availability.rounds {
        let until_us = round.healed_us.unwrap_or(round.end_us);
        let (from, to) = (time.at(round.begin_us as f64), time.at(until_us as f64));
        let _ = writeln!(
            page,
            "<rect class=\"band\" data-a=\"{}\" data-b=\"{until_us}\" x=\"{from:.1}\" y=\"{}\" \
             width=\"{:.1}\" height=\"{:.0}\"><title>round {}: {} of {}</title></rect>",
            round.begin_us,
            THROUGHPUT.0,
            (to - from).max(1.0),
            bottom - THROUGHPUT.0,
            round.round,
            escape(&round.faults().join(", ")),
            escape(&nodes(&round.nodes)),
        );
        if let Some(gap) = round.gap {
            let (from, to) = (time.at(gap.from_us as f64), time.at(gap.to_us as f64));
            let _ = writeln!(
                page,
                "<rect class=\"gap\" data-a=\"{}\" data-b=\"{}\" x=\"{from:.1}\" y=\"{}\" \
                 width=\"{:.1}\" height=\"5\"><title>gap of {}</title></rect>",
                gap.from_us,
                gap.to_us,
                LATENCY.0 - 14.0,
                (to - from).max(1.0),
                duration(gap.length_us()),
            );
        }
    }
    page.push_str("</g>\n");
}

pub(super) fn nodes(nodes: &[crate::history::Node]) -> String {
    match nodes {
        [] => "no node".to_owned(),
        [node] => format!("node {node}"),
        many => {
            let many: Vec<_> = many.iter().map(ToString::to_string).collect();
            format!("nodes {}", many.join(", "))
        }
    }
}

fn push_throughput(series: &Series, time: &Scale, page: &mut String) {
    let per_second = 1000.0 / series.bucket_ms as f64;
    let highest = rate_shown(series) * per_second;
    let rates = Scale::linear((0.0, highest), (THROUGHPUT.1, THROUGHPUT.0));
    axis(&rates, rates.ticks(4.0), |rate| format!("{rate:.0}"), page);
    let columns = columns(series, |at| {
        series.acknowledged.get(at).map(|n| f64::from(*n))
    });
    let width_us = series.bucket_ms as f64 * 1000.0;
    let mut area = String::new();
    for (at, values) in &columns {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64 * per_second;
        let x = time.at((*at as f64 + values.len() as f64 / 2.0) * width_us);
        let _ = write!(area, "L{x:.1} {:.1}", rates.at(mean));
    }
    let lowest = line(columns.iter().map(|(at, values)| {
        let least = values.iter().copied().reduce(f64::min)?;
        let x = time.at((*at as f64 + values.len() as f64 / 2.0) * width_us);
        Some((x, rates.at(least * per_second)))
    }));
    let (_, high) = rates.ends();
    let _ = write!(
        page,
        "<text class=\"title\" x=\"{}\" y=\"{}\">acknowledged / s</text>\n<g clip-path=\"url(#plot)\">\
         <path class=\"area\" data-series=\"acknowledged\" data-high=\"{high}\" data-y0=\"{}\" \
         data-y1=\"{}\" d=\"M{:.1} {}{area}V{}Z\"/><path class=\"low\" data-series=\"lowest\" \
         data-high=\"{high}\" data-y0=\"{}\" data-y1=\"{}\" d=\"{lowest}\"/></g>\n",
        X.0 + 4.0,
        THROUGHPUT.0 - 8.0,
        THROUGHPUT.1,
        THROUGHPUT.0,
        X.0,
        THROUGHPUT.1,
        THROUGHPUT.1,
        THROUGHPUT.1,
        THROUGHPUT.0,
    );
}

/// The highest count that a plot of throughput shows: twice what is usually due. What piled up during an
/// outage comes back at once; to its height, everything else would be flat.
pub(super) fn rate_shown(series: &Series) -> f64 {
    let mut due = series.due.clone();
    due.sort_unstable();
    let usual = due.get(due.len() / 2).copied().unwrap_or(0);
    f64::from(usual.max(1)) * 2.0
}

fn push_latency(series: &Series, time: &Scale, page: &mut String) {
    let known = || {
        series
            .p50_us
            .iter()
            .chain(&series.max_us)
            .flatten()
            .map(|us| *us as f64)
    };
    let lowest = known().reduce(f64::min).unwrap_or(100.0);
    let highest = known().reduce(f64::max).unwrap_or(1000.0);
    let scale = Scale::log((lowest, highest), (LATENCY.1, LATENCY.0));
    axis(
        &scale,
        scale.decades(),
        |us| duration(us as u64).replace(".0 ", " ").replace(".00 ", " "),
        page,
    );
    let _ = writeln!(
        page,
        "<text class=\"title\" x=\"{}\" y=\"{}\">latency \
         <tspan class=\"p99\">p99</tspan> <tspan class=\"p50\">p50</tspan></text>",
        X.0 + 4.0,
        LATENCY.0 - 8.0
    );
    page.push_str("<g clip-path=\"url(#plot)\">");
    let width_us = series.bucket_ms as f64 * 1000.0;
    for (name, values) in [("p99", &series.p99_us), ("p50", &series.p50_us)] {
        let columns = columns(series, |at| {
            values.get(at).copied().flatten().map(|us| us as f64)
        });
        let path = line(columns.iter().map(|(at, values)| {
            let worst = values.iter().copied().reduce(f64::max)?;
            Some((time.at((*at as f64 + 0.5) * width_us), scale.at(worst)))
        }));
        let (low, high) = scale.ends();
        let _ = write!(
            page,
            "<path class=\"{name}\" data-series=\"{name}_us\" data-low=\"{low}\" data-high=\"{high}\" \
             data-y0=\"{}\" data-y1=\"{}\" d=\"{path}\"/>",
            LATENCY.1, LATENCY.0
        );
    }
    page.push_str("</g>\n");
}

/// The values of buckets by columns: the first bucket of each, and what is known in it.
fn columns(series: &Series, value: impl Fn(usize) -> Option<f64>) -> Vec<(usize, Vec<f64>)> {
    let buckets = series.due.len();
    let width = buckets.div_ceil(COLUMNS).max(1);
    let columns = (0..buckets).step_by(width).map(|from| {
        let in_it = from..(from + width).min(buckets);
        (from, in_it.filter_map(&value).collect())
    });
    columns.collect()
}

/// Grid lines with their values at the left.
fn axis(
    scale: &Scale,
    ticks: impl Iterator<Item = f64>,
    label: impl Fn(f64) -> String,
    page: &mut String,
) {
    for tick in ticks {
        let y = scale.at(tick);
        let _ = writeln!(
            page,
            "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"tick end\" x=\"{}\" y=\"{:.1}\">{}</text>",
            X.0,
            X.1,
            X.0 - 8.0,
            y + 4.0,
            label(tick)
        );
    }
}

fn push_time_axis(time: &Scale, y: f64, page: &mut String) {
    page.push_str("<g id=\"times\">\n");
    let seconds = Scale::linear((0.0, time.ends().1 / 1e6), X);
    for tick in seconds.ticks(12.0) {
        let x = seconds.at(tick);
        let _ = writeln!(
            page,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{y:.0}\" y2=\"{:.0}\"/>\
             <text class=\"tick middle\" x=\"{x:.1}\" y=\"{:.0}\">{tick} s</text>",
            y + 5.0,
            y + 18.0
        );
    }
    page.push_str("</g>\n");
}
