//! The inventory on a terminal, for people and for programs.

use super::Inventory;
use patchward_common::facts::{Facts, FileState, Reach, Transport};
use std::fmt::Write as _;

/// The inventory as JSON, with the purl of each package that has one.
pub fn json(inventory: &Inventory) -> String {
    let facts = &inventory.facts;
    let components: Vec<_> = inventory
        .components
        .iter()
        .map(|c| {
            serde_json::json!({
                "source": c.source.word(),
                "name": c.name,
                "version": c.version,
                "arch": c.arch,
                "purl": c.purl(&facts.os_id, &facts.os_version),
            })
        })
        .collect();
    let whole = serde_json::json!({
        "facts": facts,
        "components": components,
        "digest": inventory.components.digest(),
    });
    format!("{whole:#}\n")
}

/// The inventory as a table, facts first. No field holds a control character, so a
/// terminal shows what stands there.
pub fn table(inventory: &Inventory) -> String {
    let mut text = facts(&inventory.facts);
    let rows: Vec<[&str; 4]> = inventory
        .components
        .iter()
        .map(|c| [c.source.word(), &c.name, &c.version, &c.arch])
        .collect();
    let head = ["SOURCE", "NAME", "VERSION", "ARCH"];
    let mut widths = head.map(str::len);
    for row in &rows {
        for (width, field) in widths.iter_mut().zip(row) {
            *width = field.chars().count().max(*width);
        }
    }
    let [source, name, version, _] = widths;
    text.push('\n');
    for [s, n, v, a] in std::iter::once(&head).chain(&rows) {
        let row = format!("{s:source$}  {n:name$}  {v:version$}  {a}");
        text.push_str(row.trim_end());
        text.push('\n');
    }
    let _ = writeln!(text, "\n{} components", rows.len());
    text
}

fn facts(facts: &Facts) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{key:<16}{value}");
        }
    };
    line("Host", &facts.hostname);
    line("System", &facts.os_name);
    line("Kernel", format!("{} {}", facts.kernel, facts.arch).trim());
    if let Some(dmi) = &facts.dmi {
        line("Hardware", format!("{} {}", dmi.vendor, dmi.product).trim());
    }
    line("Services", &facts.services.join(" "));
    let ports: Vec<_> = facts
        .ports
        .iter()
        .map(|port| {
            let transport = match port.transport {
                Transport::Tcp => "tcp",
                Transport::Udp => "udp",
            };
            let local = match port.reach {
                Reach::Loopback => " (local)",
                Reach::Network => "",
            };
            format!("{}/{transport}{local}", port.port)
        })
        .collect();
    line("Listens on", &ports.join(", "));
    for file in &facts.files {
        let found = match file.found {
            FileState::Sha256(digest) => format!("sha256 {digest}"),
            FileState::Missing => "missing".to_owned(),
            FileState::NotRegular => "not a regular file".to_owned(),
            FileState::TooLarge => "too large to read".to_owned(),
            FileState::Unreadable => "may not be read".to_owned(),
        };
        line("File", &format!("{} {found}", file.path));
    }
    line("Half installed", &facts.unfinished.join(" "));
    for gap in &facts.gaps {
        line("Not known", gap);
    }
    text
}
