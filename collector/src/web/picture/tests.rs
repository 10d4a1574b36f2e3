use super::*;
use std::collections::BTreeMap;

const CSS: &str = include_str!("../../../static/style.css");

#[test]
fn what_stands_around_a_picture_is_escaped() {
    let figure = Figure {
        heading: "<b>".into(),
        ways: vec![Way {
            href: "/a\"b".into(),
            words: "<i>".into(),
        }],
        drawings: vec!["<svg></svg>".into()],
        signs: vec![Sign::new("p-good", "<u>")],
        notes: vec!["<s>".into()],
        words: vec!["<q>".into()],
    };
    let html = figure.html();
    for raw in ["<b>", "<i>", "<u>", "<s>", "<q>", "/a\"b", "style="] {
        assert!(!html.contains(raw), "{raw} in {html}");
    }
    assert!(html.contains("<svg></svg>"));
}

/// The variables of the light and of the dark page.
fn palettes() -> [BTreeMap<&'static str, &'static str>; 2] {
    let roots: Vec<&str> = CSS.split(":root {").skip(1).take(2).collect();
    let [light, dark] = [roots[0], roots[1]].map(|root| {
        let body = root.split('}').next().unwrap();
        let pairs = body
            .split(';')
            .filter_map(|pair| pair.trim().split_once(": "));
        let colours = pairs.filter(|(_, value)| value.starts_with('#'));
        colours.collect::<BTreeMap<_, _>>()
    });
    [light, dark]
}

/// WCAG 2.2, relative luminance.
fn luminance(colour: &str) -> f64 {
    let hex = colour.trim_start_matches('#');
    let parts = [0, 2, 4].map(|at| {
        let part = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        match part <= 0.04045 {
            true => part / 12.92,
            false => ((part + 0.055) / 1.055).powf(2.4),
        }
    });
    0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The variable that a rule of the style sheet gives a property of a class.
fn given(class: &str, property: &str) -> Option<&'static str> {
    let (_, rule) = CSS.split_once(&format!(".picture .{class} {{"))?;
    let rule = rule.split('}').next()?;
    let (_, value) = rule.split(';').find_map(|part| {
        let pair = part.trim().split_once(": ")?;
        (pair.0 == property).then_some(pair)
    })?;
    value.strip_prefix("var(")?.split(')').next()
}

#[test]
fn words_and_shapes_stand_out_in_light_and_dark() {
    for palette in palettes() {
        let colour = |name: &str| palette[name];
        // Words on full colours are cut out of them; on faint ones they are ink.
        let on = given("on", "fill").unwrap();
        for full in ["p-good", "p-calm", "p-warn", "p-bad", "p-off"] {
            let fill = given(full, "fill").unwrap();
            assert!(contrast(colour(on), colour(fill)) >= 4.5, "{full}");
            assert!(contrast(colour(fill), colour("--card")) >= 3.0, "{full}");
        }
        for faint in ["f-good", "f-calm", "f-warn", "f-bad", "f-off"] {
            let (fill, stroke) = (given(faint, "fill"), given(faint, "stroke"));
            let (fill, stroke) = (fill.unwrap(), stroke.unwrap());
            assert!(contrast(colour("--ink"), colour(fill)) >= 4.5, "{faint}");
            assert!(contrast(colour(stroke), colour("--card")) >= 3.0, "{faint}");
        }
        for line in ["expected", "least", "due", "now"] {
            let stroke = given(line, "stroke").unwrap();
            assert!(contrast(colour(stroke), colour("--card")) >= 3.0, "{line}");
        }
        assert!(contrast(colour("--ink"), colour("--card")) >= 4.5);
        let quiet = given("quiet", "fill").unwrap();
        assert!(contrast(colour(quiet), colour("--card")) >= 4.5);
    }
}
