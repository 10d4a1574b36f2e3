//! Sets that close, and sets that cannot.

use super::super::relation::groups;
use super::*;

fn package(name: &str, version: &str, depends: &str) -> Package {
    Package {
        name: name.into(),
        version: version.into(),
        architecture: "amd64".into(),
        source: name.into(),
        depends: groups(depends).unwrap(),
        ..Package::default()
    }
}

fn names(
    wanted: &[&str],
    installed: &[Package],
    archive: &[Package],
) -> Result<Vec<String>, Unclosed> {
    let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
    let found = resolve(&wanted, installed, archive, "amd64")?;
    let text = |one: &&Package| format!("{} {}", one.name, one.version);
    Ok(found.iter().map(text).collect())
}

#[test]
fn only_what_is_newer_comes_with_what_it_needs() {
    let installed = [
        package("openssl", "3.0.1", "libssl3"),
        package("libssl3", "3.0.1", ""),
        package("zlib", "1.2", ""),
    ];
    let archive = [
        package("openssl", "3.0.2", "libssl3 (>= 3.0.2), new | zlib (>= 9)"),
        package("openssl", "3.0.1", ""),
        package("libssl3", "3.0.2", ""),
        package("zlib", "1.3", ""),
        package("new", "1", ""),
        Package {
            architecture: "arm64".into(),
            ..package("openssl", "4", "")
        },
    ];
    let set = names(&["openssl"], &installed, &archive).unwrap();
    assert_eq!(set, ["libssl3 3.0.2", "new 1", "openssl 3.0.2"]);
    let all = names(&[], &installed, &archive).unwrap();
    assert!(all.contains(&"zlib 1.3".to_owned()), "{all:?}");
    let nothing = names(&["zlib"], &installed, &archive[..1]);
    assert_eq!(nothing, Err(Unclosed::NothingNewer));
    let absent = names(&["new"], &installed, &archive);
    assert_eq!(absent, Err(Unclosed::NotInstalled("new".into())));
}

#[test]
fn a_dependency_that_nobody_has_leaves_it_open() {
    let installed = [package("a", "1", ""), package("b", "5", "")];
    for needs in ["c", "b (>= 6)", "b (= 4)"] {
        let archive = [package("a", "2", needs), package("b", "4", "")];
        let refused = names(&["a"], &installed, &archive).unwrap_err();
        let Unclosed::Missing { needs: said, .. } = refused else {
            panic!("{refused}");
        };
        assert_eq!(said, needs);
    }
}

#[test]
fn who_wants_the_old_version_comes_along_or_stops_it() {
    let installed = [
        package("lib", "1", ""),
        package("lib-tools", "1", "lib (= 1)"),
    ];
    let mut archive = vec![package("lib", "2", "")];
    let refused = names(&["lib"], &installed, &archive);
    assert!(matches!(refused, Err(Unclosed::Missing { .. })));
    archive.push(package("lib-tools", "2", "lib (= 2)"));
    let set = names(&["lib"], &installed, &archive).unwrap();
    assert_eq!(set, ["lib 2", "lib-tools 2"]);
    // Of an inventory no relations are known: those of one source come along.
    let installed = [package("lib", "1", ""), package("lib-tools", "1", "")];
    archive[1].source = "lib".into();
    let set = names(&["lib"], &installed, &archive).unwrap();
    assert_eq!(set, ["lib 2", "lib-tools 2"]);
}

#[test]
fn nothing_is_taken_away() {
    let installed = [package("a", "1", ""), package("b", "1", "")];
    let mut next = package("a", "2", "");
    next.excludes = groups("b (<< 2)").unwrap();
    let refused = names(&["a"], &installed, std::slice::from_ref(&next));
    assert!(matches!(refused, Err(Unclosed::Excluded { .. })));
    // Its update stands beside it.
    next.depends = groups("b (>= 2)").unwrap();
    let archive = [next, package("b", "2", "")];
    assert_eq!(names(&["a"], &installed, &archive).unwrap(), ["a 2", "b 2"]);
}

#[test]
fn a_name_may_be_provided() {
    let installed = [package("a", "1", "")];
    let mut mta = package("exim", "4", "");
    mta.provides = vec![
        ("mail-transport-agent".into(), None),
        ("api".into(), Some("2".into())),
    ];
    let with = |needs: &str| {
        let archive = [package("a", "2", needs), mta.clone()];
        names(&["a"], &installed, &archive)
    };
    assert_eq!(with("mail-transport-agent").unwrap(), ["a 2", "exim 4"]);
    assert_eq!(with("api (>= 2)").unwrap(), ["a 2", "exim 4"]);
    with("api (>= 3)").unwrap_err();
    with("mail-transport-agent (>= 1)").unwrap_err();
}
