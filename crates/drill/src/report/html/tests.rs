//! The page is well-formed, needs nothing from elsewhere, and says what it must.

use super::super::tests::report;
use crate::report::ReportBuilder;

/// Checks that elements are nested, and attributes quoted. Scripts and styles are taken as text.
fn well_formed(page: &str) -> Result<(), String> {
    let mut rest = page
        .strip_prefix("<!DOCTYPE html>\n")
        .ok_or("no document type")?;
    let mut open = Vec::new();
    while let Some(at) = rest.find('<') {
        text_is_escaped(&rest[..at])?;
        let end = rest[at..].find('>').ok_or("a tag without end")? + at;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let opened = open.pop();
            if opened != Some(name) {
                return Err(format!("</{name}> closes {opened:?}"));
            }
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        attributes_are_quoted(tag.strip_prefix(name).unwrap_or(tag))?;
        if tag.ends_with('/') {
            continue;
        }
        open.push(name);
        if name == "script" || name == "style" {
            let end = rest
                .find(&format!("</{name}>"))
                .ok_or("a script without end")?;
            rest = &rest[end..];
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("never closed: {open:?}"))
    }
}

fn text_is_escaped(text: &str) -> Result<(), String> {
    for (at, _) in text.match_indices('&') {
        let entity = text[at..].split_once(';').map_or("", |(entity, _)| entity);
        if !["&amp", "&lt", "&gt", "&quot", "&#39"].contains(&entity) {
            return Err(format!("a bare & in {text:?}"));
        }
    }
    if text.contains('>') {
        Err(format!("a bare > in {text:?}"))
    } else {
        Ok(())
    }
}

fn attributes_are_quoted(mut attributes: &str) -> Result<(), String> {
    loop {
        attributes = attributes.trim_start();
        if attributes.is_empty() || attributes == "/" {
            return Ok(());
        }
        let (name, value) = attributes
            .split_once("=\"")
            .ok_or(format!("no value: {attributes}"))?;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || !name.chars().all(fits) {
            return Err(format!("no name of an attribute: {name:?}"));
        }
        let (value, rest) = value
            .split_once('"')
            .ok_or(format!("no end: {attributes}"))?;
        text_is_escaped(value)?;
        if value.contains("NaN") || value.contains("inf") {
            return Err(format!("no number: {name}={value}"));
        }
        attributes = rest;
    }
}

#[test]
fn the_page_is_well_formed_whatever_was_found() {
    let empty = ReportBuilder::new().finish();
    for report in [report(false), report(true), empty] {
        let page = report.html();
        if let Err(problem) = well_formed(&page) {
            panic!("{problem}");
        }
    }
}

#[test]
fn the_check_for_form_finds_what_is_not() {
    let cases = [
        "<p>",
        "<p></b>",
        "<p a=1></p>",
        "<p>a & b</p>",
        "<p a=\"NaN\"/>",
        "<p>a > b</p>",
        "<p",
    ];
    for case in cases {
        assert!(
            well_formed(&format!("<!DOCTYPE html>\n{case}")).is_err(),
            "{case}"
        );
    }
    assert_eq!(
        well_formed("<!DOCTYPE html>\n<p a=\"1\">a &amp; b<br/></p>"),
        Ok(())
    );
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = report(true).html();
    for foreign in ["http:", "https:", "src=", "href=", "@import", "url(\""] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert_eq!(
        page.matches("url(").count(),
        page.matches("url(#plot)").count()
    );
}

#[test]
fn the_page_tells_the_verdict_the_proof_and_the_rounds() {
    let page = report(true).html();
    for part in [
        "<span class=\"badge bad\">invalid</span>",
        "a made-up cluster &lt;of &amp; &quot;tests&quot;&gt;",
        "<h3>lost-write <small>1 case</small></h3>",
        "value 3000 was acknowledged at offset 499 of drill-5",
        "<code>send to 5: 3000 at 499</code>",
        "<summary>4 rounds</summary>",
        "Not drilled: cut-leader needs root",
        "<li>node 2 came late &lt;really&gt;</li>",
        "node 2",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let clean = report(false).html();
    assert!(clean.contains("<span class=\"badge good\">valid</span>"));
    assert!(clean.contains("None. Every acknowledged record was read"));
    // The longest of each of two scenarios.
    assert_eq!(clean.matches("<figure>").count(), 2);
    assert_eq!(clean.matches("<circle").count(), 4);
}
