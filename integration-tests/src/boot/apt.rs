//! Where this computer's own Debian comes from: no mirror is written down here.

use crate::process::run;
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A place of packages, and the release of Debian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Archive {
    pub(super) mirror: String,
    pub(super) suite: String,
}

/// The archive that apt of this computer takes Debian itself from.
pub(super) fn archive() -> anyhow::Result<Archive> {
    let release = std::fs::read_to_string("/etc/os-release").context("which system this is")?;
    let suite = codename(&release).context("/etc/os-release names no VERSION_CODENAME")?;
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    let more = std::fs::read_dir("/etc/apt/sources.list.d");
    files.extend(more.into_iter().flatten().flatten().map(|one| one.path()));
    files.sort_unstable();
    let found = files.iter().find_map(|file| {
        let text = std::fs::read_to_string(file).ok()?;
        mirror(file, &text, &suite)
    });
    let mirror = found.with_context(|| format!("apt has no archive of Debian {suite}"))?;
    Ok(Archive { mirror, suite })
}

/// The proxy that apt goes through, if any.
pub(super) fn proxy() -> Option<String> {
    let mut asks = Command::new("apt-config");
    asks.args(["dump", "--format=%v%n", "Acquire::http::Proxy"]);
    let said = run(&mut asks).ok()?;
    let said = said.trim();
    (said.starts_with("http")).then(|| said.to_owned())
}

fn codename(release: &str) -> Option<String> {
    let mut lines = release.lines();
    let value = lines.find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(value.trim_matches('"').to_owned()).filter(|name| !name.is_empty())
}

/// The first mirror that a file of apt names for `main` of a suite.
fn mirror(file: &Path, text: &str, suite: &str) -> Option<String> {
    match file.extension()?.to_str()? {
        "list" => text.lines().find_map(|line| in_line(line, suite)),
        "sources" => {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            let text = lines.collect::<Vec<_>>().join("\n");
            text.split("\n\n").find_map(|part| in_part(part, suite))
        }
        _ => None,
    }
}

/// `deb [options] MIRROR SUITE COMPONENT…`
fn in_line(line: &str, suite: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("deb ")?.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    let mut words = rest.split_whitespace();
    let mirror = words.next()?;
    (words.next()? == suite && words.any(|word| word == "main")).then(|| mirror.to_owned())
}

/// A paragraph of deb822: `Types`, `URIs`, `Suites`, `Components`.
fn in_part(part: &str, suite: &str) -> Option<String> {
    let words = |key: &str| {
        let fields = part.lines().filter_map(|line| line.split_once(':'));
        let mut named = fields.filter(|(name, _)| name.eq_ignore_ascii_case(key));
        named
            .next()
            .map(|(_, value)| value.split_whitespace().collect::<Vec<_>>())
    };
    let has = |key: &str, word: &str| words(key).is_some_and(|all| all.contains(&word));
    let is_off = has("Enabled", "no");
    let is_it = has("Types", "deb") && has("Suites", suite) && has("Components", "main");
    let first = words("URIs")?.first().map(|mirror| (*mirror).to_owned());
    first.filter(|_| is_it && !is_off)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, text: &str) -> Option<String> {
        mirror(Path::new(file), text, "bookworm")
    }

    #[test]
    fn the_mirror_is_that_of_debian_itself() {
        let security = "Types: deb\nURIs: http://security.example/\nSuites: bookworm-security\n\
                        Components: main\n";
        let other = "Types: deb\nURIs: https://other.example/x\nSuites: nodistro\n\
                     Components: main\n";
        let debian = "Types: deb\n# once http://old.example/\nURIs: http://mirror.example/debian\n\
                      Suites: bookworm bookworm-updates\nComponents: main contrib\n";
        let all = format!("{security}\n{other}\n{debian}");
        let expected = Some("http://mirror.example/debian".to_owned());
        assert_eq!(found("debian.sources", &all), expected);
        let off = format!("{debian}Enabled: no\n");
        assert_eq!(found("debian.sources", &off), None);
        assert_eq!(found("debian.sources.disabled", debian), None);
        let line = "# deb http://old.example/ bookworm main\n\
                    deb-src http://src.example/ bookworm main\n\
                    deb http://security.example/ bookworm-security main\n\
                    deb [arch=amd64 signed-by=/k] http://mirror.example/debian bookworm contrib main\n";
        assert_eq!(found("sources.list", line), expected);
        assert_eq!(
            found("sources.list", "deb http://a.example/ bookworm contrib"),
            None
        );
    }

    #[test]
    fn the_suite_is_the_systems_own() {
        let text = "NAME=\"Debian GNU/Linux\"\nVERSION_CODENAME=bookworm\n";
        assert_eq!(codename(text).as_deref(), Some("bookworm"));
        assert_eq!(codename("VERSION_CODENAME=\"\"\n"), None);
    }
}
