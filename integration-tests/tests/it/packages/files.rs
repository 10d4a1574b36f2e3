//! What the packages hold.

use super::{DATE, made, say, source};
use patchward_integration_tests::packages::{self, Effort, Package, VERSION};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Every file below a folder, relative to it.
fn below(folder: &Path) -> BTreeSet<String> {
    let find = say(Command::new("find")
        .arg(folder)
        .args(["-type", "f", "-printf", "%P\\n"]));
    find.lines().map(str::to_owned).collect()
}

/// Mode and path of every file of a .deb.
fn listed(package: Package) -> BTreeSet<(String, String)> {
    let said = say(Command::new("dpkg-deb")
        .arg("--contents")
        .arg(&made(package).deb));
    let files = said.lines().filter(|line| !line.starts_with('d'));
    files
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(words[1], "0/0", "not root's: {line}");
            (
                words[0].to_owned(),
                words[5].trim_start_matches("./").to_owned(),
            )
        })
        .collect()
}

/// The paths alone.
fn paths(package: Package) -> BTreeSet<String> {
    listed(package).into_iter().map(|(_, path)| path).collect()
}

/// The units of a package with their text.
fn units(package: Package) -> Vec<(String, String)> {
    let folder = source("systemd").join(package.folder());
    let place = folder.join("usr/lib/systemd/system");
    let entries = std::fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    };
    entries.map(read).collect()
}

/// The values of a key in a unit.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let lines = unit
        .lines()
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    lines.flat_map(str::split_whitespace).collect()
}

#[test]
fn a_package_holds_what_is_shipped_and_nothing_else() {
    for package in Package::ALL {
        let name = package.name();
        let listed = listed(package);
        let mut rest = paths(package);
        let mut take = |path: &str| {
            assert!(rest.remove(path), "{name} has no {path}");
        };
        for (program, place) in package.programs() {
            take(&format!("{place}/{program}"));
        }
        for unit in below(&source("systemd").join(package.folder())) {
            take(&unit);
        }
        let doc = format!("usr/share/doc/{name}");
        for document in ["copyright", "changelog.gz", "NEWS.gz", "sbom.cdx.json"] {
            take(&format!("{doc}/{document}"));
        }
        for config in below(&source("configs")) {
            let is_collectors = ["collector.toml", "relay.toml"].contains(&config.as_str())
                || config.starts_with("prometheus/");
            match (package, config.as_str()) {
                (Package::Agent, "agent.toml" | "installer.toml" | "notice.toml") => {
                    take(&format!("etc/patchward/{config}"));
                }
                (of, other) if is_collectors == (of == Package::Collector) => {
                    take(&format!("{doc}/examples/{other}"));
                }
                _ => {}
            }
        }
        let is_made = |path: &String| {
            let places = [
                "man/man",
                "bash-completion/",
                "zsh/",
                "fish/",
                "lintian/overrides/",
            ];
            let below = path.strip_prefix("usr/share/").unwrap_or_default();
            places.iter().any(|place| below.starts_with(place))
        };
        rest.retain(|path| !is_made(path));
        assert_eq!(rest, BTreeSet::new(), "nobody asked for these in {name}");
        let programs = package.programs();
        for (mode, path) in listed {
            let is_program = programs
                .iter()
                .any(|(program, place)| path == format!("{place}/{program}"));
            let expected = if is_program {
                "-rwxr-xr-x"
            } else {
                "-rw-r--r--"
            };
            assert_eq!(mode, expected, "{path}");
        }
    }
}

/// What units say of programs, pages and users is true once the package is installed.
#[test]
fn units_name_what_their_package_brings() {
    for package in Package::ALL {
        let paths = paths(package);
        let users = source("systemd")
            .join(package.folder())
            .join("usr/lib/sysusers.d");
        let users: String = below(&users)
            .iter()
            .map(|file| std::fs::read_to_string(users.join(file)).unwrap())
            .collect();
        let (mut started, mut pages) = (0, 0);
        for (name, unit) in units(package) {
            for program in values(&unit, "ExecStart") {
                let is_ours = program.starts_with("/usr/") && program.contains("/patchward-");
                if is_ours {
                    let path = program.trim_start_matches('/');
                    assert!(paths.contains(path), "{name}: no {program}");
                    started += 1;
                }
            }
            for page in values(&unit, "Documentation") {
                let Some(page) = page.strip_prefix("man:patchward") else {
                    continue;
                };
                let (page, section) = page.trim_end_matches(')').split_once('(').unwrap();
                let path = format!("usr/share/man/man{section}/patchward{page}.{section}.gz");
                assert!(paths.contains(&path), "{name}: no {path}");
                pages += 1;
            }
            for user in values(&unit, "User") {
                let made = users
                    .lines()
                    .any(|line| line.starts_with(&format!("u {user} ")));
                assert!(made, "{name}: nobody makes the user {user}");
            }
        }
        assert!(
            started > 0 && pages > 0,
            "{}: nothing was checked",
            package.name()
        );
    }
}

/// Debian's and rpm's scripts enable at the first installation what says where it wants to be
/// enabled, and stop before a removal what may run.
#[test]
fn scripts_name_every_unit() {
    for package in Package::ALL {
        let folder = source("systemd/packaging").join(package.folder());
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        let list = |script: &str, key: &str| -> BTreeSet<String> {
            let text = read(script);
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{key}=\"")));
            let words = line.unwrap_or_else(|| panic!("{script} has no {key}"));
            words
                .trim_end_matches('"')
                .split(' ')
                .map(str::to_owned)
                .collect()
        };
        let units = units(package);
        let all = |wanted: fn(&str) -> bool| -> BTreeSet<String> {
            let found = units.iter().filter(|(_, text)| wanted(text));
            found.map(|(name, _)| name.clone()).collect()
        };
        let enabled = all(|text| text.contains("\n[Install]\n"));
        assert!(!enabled.is_empty());
        assert_eq!(list("debian/postinst", "ENABLED"), enabled);
        assert_eq!(list("debian/postrm", "ENABLED"), enabled);
        let all = all(|_| true);
        assert_eq!(list("debian/prerm", "RUNNING"), all);
        if package == Package::Agent {
            let spec = read("agent.spec");
            let named = |command: &str| -> BTreeSet<String> {
                let line = spec
                    .lines()
                    .find_map(|line| line.trim().strip_prefix(command));
                let words = line.unwrap_or_else(|| panic!("the spec says no {command}"));
                let words = words.trim().trim_end_matches("|| :").split_whitespace();
                words.map(str::to_owned).collect()
            };
            assert_eq!(named("systemctl --no-reload enable"), enabled);
            assert_eq!(named("systemctl --no-reload disable"), enabled);
            // The first of two: what is stopped before the package goes.
            assert_eq!(named("systemctl stop"), all);
        }
    }
}

/// The installer may be the one that runs these scripts.
#[test]
fn no_script_ends_the_installer_in_an_upgrade() {
    let folder = source("systemd/packaging/agent");
    for file in ["debian/postinst", "agent.spec"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let after = text.split("%preun").next().unwrap();
        for line in after.lines().filter(|line| !line.trim().starts_with('#')) {
            let ends = ["restart", "stop", "kill"]
                .iter()
                .any(|word| line.contains(word));
            assert!(
                !(ends && line.contains("patchward-installer")),
                "{file}: {line}"
            );
        }
    }
    let prerm = std::fs::read_to_string(folder.join("debian/prerm")).unwrap();
    let (before, _) = prerm.split_once("if [ \"$1\" = remove ]; then").unwrap();
    assert!(!before.contains("deb-systemd-invoke"), "{before}");
}

#[test]
fn settings_that_people_change_are_conffiles() {
    for package in Package::ALL {
        let settings: BTreeSet<String> = paths(package)
            .into_iter()
            .filter(|path| path.starts_with("etc/"))
            .map(|path| format!("/{path}"))
            .collect();
        let control = made(package).folder.path().join("control");
        say(Command::new("dpkg-deb")
            .arg("--control")
            .arg(&made(package).deb)
            .arg(&control));
        let told = std::fs::read_to_string(control.join("conffiles")).unwrap_or_default();
        let told: BTreeSet<String> = told.lines().map(str::to_owned).collect();
        assert_eq!(told, settings, "{}", package.name());
        assert_eq!(settings.is_empty(), package == Package::Collector);
    }
}

#[test]
fn debians_checker_finds_no_error() {
    for package in Package::ALL {
        let mut lintian = Command::new("lintian");
        lintian.args([
            "--fail-on",
            "error",
            "--allow-root",
            "--tag-display-limit",
            "0",
        ]);
        let said = say(lintian.arg(&made(package).deb));
        assert!(!said.contains("no-manual-page"), "{said}");
    }
}

/// cargo-deb would write another where it is not told.
#[test]
fn a_package_brings_our_copyright() {
    let ours = std::fs::read(source("systemd/packaging/copyright")).unwrap();
    for package in Package::ALL {
        let files = made(package).folder.path().join("files");
        say(Command::new("dpkg-deb")
            .arg("--extract")
            .arg(&made(package).deb)
            .arg(&files));
        let doc = format!("usr/share/doc/{}/copyright", package.name());
        let same = std::fs::read(files.join(doc)).unwrap() == ours;
        assert!(same, "{}", package.name());
    }
}

#[test]
fn an_rpm_holds_what_the_deb_does() {
    let made = made(Package::Agent);
    let rpm = packages::rpm(&made.tree, VERSION, Effort::Least, made.folder.path()).unwrap();
    let ask = |more: &[&str]| -> BTreeSet<String> {
        let said = say(Command::new("rpm").args(["-qp"]).args(more).arg(&rpm));
        said.lines()
            .map(|line| line.trim_start_matches('/').to_owned())
            .collect()
    };
    let only_debians = |path: &String| path.starts_with("usr/share/lintian/");
    let expected: BTreeSet<String> = paths(Package::Agent)
        .into_iter()
        .filter(|path| !only_debians(path))
        .collect();
    // Every folder that nobody else has goes with the package.
    let own = ["etc/patchward", "usr/libexec/patchward", "usr/share/doc"];
    let above = |file: &String| -> BTreeSet<String> {
        let above = Path::new(file).ancestors().skip(1);
        let above = above.filter(|folder| {
            let is_own = own.iter().any(|own| folder.starts_with(own));
            is_own && !folder.ends_with("usr/share/doc")
        });
        above.map(|one| one.display().to_string()).collect()
    };
    let folders: BTreeSet<String> = expected.iter().flat_map(above).collect();
    assert!(folders.contains("usr/share/doc/patchward-agent/examples/probes.d"));
    assert_eq!(ask(&["-l"]), &expected | &folders);
    let asked = ask(&["--requires"]);
    let systemd = packages::oldest_systemd(Package::Agent, false).unwrap();
    let systemd = format!("systemd >= {systemd}");
    assert!(asked.contains(&systemd), "{systemd}: {asked:?}");
    let kept = BTreeSet::from([
        "etc/patchward/agent.toml",
        "etc/patchward/installer.toml",
        "etc/patchward/notice.toml",
        "etc/xdg/autostart/patchward-notice.desktop",
    ]);
    assert_eq!(ask(&["-c"]), kept.into_iter().map(str::to_owned).collect());
    let out = made.folder.path().join("again-rpm");
    let again = packages::rpm(&made.tree, VERSION, Effort::Least, &out).unwrap();
    let same = std::fs::read(&rpm).unwrap() == std::fs::read(again).unwrap();
    assert!(same, "the same tree gave another package");
}

#[test]
fn the_same_tree_gives_the_same_package() {
    let made = made(Package::Agent);
    let out = made.folder.path().join("again");
    let again = packages::deb(&made.tree, VERSION, Effort::Least, &out).unwrap();
    let same = std::fs::read(&made.deb).unwrap() == std::fs::read(again).unwrap();
    assert!(same, "the same tree gave another package");
    let said = say(Command::new("dpkg-deb")
        .env("TZ", "UTC")
        .arg("--contents")
        .arg(&made.deb));
    let day = said.lines().filter(|line| line.contains("2026-11-23 "));
    assert_eq!(day.count(), said.lines().count(), "{DATE} is not in {said}");
}
