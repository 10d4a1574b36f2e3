//! What a package asks of the system below it: the oldest systemd, as its `Cargo.toml` says it for
//! cargo-deb. The .rpm asks for the same.

use super::{Package, root};
use anyhow::Context as _;

/// Where cargo-deb reads what a package depends on, and where what a static one does.
const SECTION: &str = "[package.metadata.deb]";
const STATIC: &str = "[package.metadata.deb.variants.static]";

/// The oldest systemd that a package is installed with.
///
/// # Errors
/// Where its `Cargo.toml` does not say.
pub fn oldest_systemd(package: Package, is_static: bool) -> anyhow::Result<u32> {
    let manifest = root().join(package.folder()).join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest)?;
    let asked = asked(&text, if is_static { STATIC } else { SECTION });
    asked.with_context(|| format!("{} asks for no systemd", manifest.display()))
}

fn asked(manifest: &str, section: &str) -> Option<u32> {
    let mut lines = manifest.lines().skip_while(|line| *line != section).skip(1);
    let of_section = lines.by_ref().take_while(|line| !line.starts_with('['));
    let mut values = of_section.filter_map(|line| line.strip_prefix("depends = "));
    let values = values.next()?.trim_matches('"').split(", ");
    let mut asked = values.filter_map(|one| one.strip_prefix("systemd (>= "));
    asked.next()?.strip_suffix(')')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_section_asks_for_itself() {
        let text = "[package.metadata.deb]\ndepends = \"libc6 (>= 2), systemd (>= 247)\"\nassets = [\n\
                    ]\n\n[package.metadata.deb.variants.static]\nname = \"a\"\n\
                    depends = \"systemd (>= 239), b\"\n";
        assert_eq!(asked(text, SECTION), Some(247));
        assert_eq!(asked(text, STATIC), Some(239));
        let silent =
            "[package.metadata.deb]\nname = \"a\"\n[other]\ndepends = \"systemd (>= 1)\"\n";
        assert_eq!(asked(silent, SECTION), None);
        assert_eq!(asked(silent, STATIC), None);
    }
}
