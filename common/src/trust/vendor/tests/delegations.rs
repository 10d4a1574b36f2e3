//! The search for a path over delegations.

use super::*;
use crate::trust::tuf_author::Covers;

/// A delegation: from whom, to whom, ends the search, for which paths.
type Edge = (&'static str, &'static str, bool, &'static [&'static str]);

fn spec() -> TargetsSpec {
    TargetsSpec {
        version: 1,
        expires: FAR,
        targets: BTreeMap::new(),
        delegations: Vec::new(),
    }
}

fn seed(role: &str) -> u8 {
    role.bytes().fold(40, u8::wrapping_add)
}

/// A vendor with these delegations and these targets (role, path).
fn vendor_with(edges: &[Edge], targets: &[(&str, &str)]) -> Vendor {
    let mut vendor = Vendor::new();
    for (from, to, terminating, paths) in edges {
        let delegation = Delegation {
            name: (*to).to_owned(),
            holders: Holders::one(&key(seed(to))),
            terminating: *terminating,
            covers: Covers::Paths(paths.iter().map(|path| (*path).to_owned()).collect()),
        };
        vendor
            .delegated
            .entry((*to).to_owned())
            .or_insert_with(|| (spec(), key(seed(to))));
        match vendor.delegated.get_mut(*from) {
            Some((from, _)) => from.delegations.push(delegation),
            None => vendor.delegations.push(delegation),
        }
    }
    for (role, path) in targets {
        let target = TargetSpec::of(role.as_bytes(), None);
        let (spec, _) = vendor.delegated.get_mut(*role).unwrap();
        spec.targets.insert((*path).to_owned(), target);
    }
    vendor.publish();
    vendor
}

/// Which delegated files are asked for when `path` is looked up, and who lists it.
fn asked(vendor: &Vendor, path: &str) -> (Vec<String>, Option<String>) {
    let client = Client::of(vendor);
    let mut names = Vec::new();
    let mut source = |name: &str, _: usize| {
        names.push(name.to_owned());
        Ok(vendor.files.get(name).cloned())
    };
    let pin = Digest::of(&client.first_root);
    let repository = Repository::open(&client.first_root, pin, client.watermark, NOW).unwrap();
    let (found, _) = repository.verify(&mut source, [path]);
    let target = found.unwrap().target(path).unwrap();
    let roles = names.iter().skip(4); // Root 2, timestamp, snapshot, targets.
    let roles = roles.map(|name| name[2..name.len() - 5].to_owned());
    (roles.collect(), target.map(|target| target.role))
}

#[test]
fn roles_are_asked_in_pre_order() {
    const ANY: &[&str] = &["*"];
    const PY: &[&str] = &["*.py"];
    let graphs: &[(&[Edge], &[&str])] = &[
        (&[("targets", "A", false, ANY)], &["A"]),
        (
            &[("targets", "A", false, ANY), ("targets", "B", false, ANY)],
            &["A", "B"],
        ),
        (
            &[
                ("targets", "A", false, ANY),
                ("targets", "B", false, ANY),
                ("A", "C", false, ANY),
                ("A", "D", false, ANY),
            ],
            &["A", "C", "D", "B"],
        ),
        // Terminating: only its descendants after it.
        (
            &[
                ("targets", "A", false, ANY),
                ("targets", "B", false, ANY),
                ("A", "C", true, ANY),
                ("A", "D", false, ANY),
            ],
            &["A", "C"],
        ),
        (
            &[
                ("targets", "A", false, ANY),
                ("targets", "B", false, ANY),
                ("A", "C", true, ANY),
                ("C", "D", false, ANY),
            ],
            &["A", "C", "D"],
        ),
        // Paths that do not match.
        (
            &[
                ("targets", "A", false, PY),
                ("targets", "B", false, ANY),
                ("A", "C", false, ANY),
            ],
            &["B"],
        ),
        // A cycle.
        (
            &[
                ("targets", "A", false, ANY),
                ("targets", "B", false, ANY),
                ("B", "C", false, ANY),
                ("C", "D", false, ANY),
                ("D", "B", false, ANY),
            ],
            &["A", "B", "C", "D"],
        ),
        // Two delegate to a third, once for other paths.
        (
            &[
                ("targets", "A", false, ANY),
                ("targets", "B", false, ANY),
                ("B", "C", false, ANY),
                ("A", "C", false, PY),
            ],
            &["A", "B", "C"],
        ),
    ];
    for (edges, expected) in graphs {
        let (roles, found) = asked(&vendor_with(edges, &[]), "missing");
        assert_eq!(
            (roles.as_slice(), found),
            (expected.map_owned().as_slice(), None)
        );
    }
}

trait Owned {
    fn map_owned(&self) -> Vec<String>;
}

impl Owned for &[&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|role| (*role).to_owned()).collect()
    }
}

#[test]
fn a_role_speaks_only_for_its_paths() {
    let vendor = vendor_with(
        &[
            ("targets", "A", false, &["*.doc", "*.md"]),
            ("targets", "B", false, &["releases/*/*"]),
            ("B", "C", false, &["releases/x/*"]),
            ("B", "D", false, &["releases/y/*.zip"]),
        ],
        &[
            ("A", "README.md"),
            ("C", "releases/x/x_v1"),
            ("D", "releases/y/y_v1.zip"),
            ("D", "releases/z/z_v1.zip"),
            ("A", PATH),
        ],
    );
    for (path, roles, found) in [
        ("README.md", &["A"][..], Some("A")),
        ("releases/x/x_v1", &["B", "C"], Some("C")),
        ("releases/y/y_v1.zip", &["B", "D"], Some("D")),
        ("releases/z/z_v1.zip", &["B"], None),
        (PATH, &[], Some("targets")),
    ] {
        let expected = (roles.map_owned(), found.map(str::to_owned));
        assert_eq!(asked(&vendor, path), expected, "{path}");
    }
}

#[test]
fn hash_bins_are_asked_by_the_hash_of_the_path() {
    let path = "deep/path.bin";
    let prefix = Digest::of(path.as_bytes()).to_string()[..2].to_owned();
    for (prefix, found) in [(prefix, Some("bin".to_owned())), ("zz".to_owned(), None)] {
        let mut vendor = vendor_with(&[("targets", "bin", false, &[])], &[("bin", path)]);
        vendor.delegations[0].covers = Covers::HashPrefixes(vec![prefix]);
        vendor.publish_next();
        assert_eq!(asked(&vendor, path).1, found);
    }
}

#[test]
fn a_delegated_role_needs_the_keys_of_its_delegation() {
    let mut vendor = vendor_with(&[("targets", "A", false, &["*"])], &[("A", "a")]);
    let mut client = Client::of(&vendor);
    assert!(client.look_up(&vendor.files, &["a"]).is_ok());
    if let Some((spec, signer)) = vendor.delegated.get_mut("A") {
        (spec.version, *signer) = (2, key(99));
    }
    vendor.publish_next();
    let error = client.look_up(&vendor.files, &["a"]).unwrap_err();
    assert_eq!((error.role.as_str(), error.step), ("A", "5.6.3"));
    assert_eq!(error.attack(), Attack::ArbitrarySoftware);
}

#[test]
fn delegated_roles_neither_expire_unseen_nor_fall_nor_vanish() {
    let edges: &[Edge] = &[("targets", "A", false, &["*"])];
    let mut vendor = vendor_with(edges, &[("A", "a")]);
    vendor.delegated.get_mut("A").unwrap().0.version = 2;
    vendor.publish_next();
    let mut client = Client::of(&vendor);
    assert!(client.look_up(&vendor.files, &["a"]).is_ok());
    let mut expect = |vendor: &mut Vendor, role: &str, attack: Attack| {
        vendor.publish_next();
        let error = client.look_up(&vendor.files, &["a"]).unwrap_err();
        assert_eq!(
            (error.role.as_str(), error.attack()),
            (role, attack),
            "{error}"
        );
    };
    let kept = vendor.delegated["A"].clone();
    vendor.delegated.get_mut("A").unwrap().0.version = 1;
    expect(&mut vendor, "snapshot", Attack::Rollback);
    vendor.delegated.clear();
    expect(&mut vendor, "snapshot", Attack::Rollback);
    vendor.delegated.insert("A".to_owned(), kept);
    let spec = &mut vendor.delegated.get_mut("A").unwrap().0;
    spec.expires = FAR.plus_ms(-60_000);
    expect(&mut vendor, "A", Attack::Rollback); // Other content, same version.
    let spec = &mut vendor.delegated.get_mut("A").unwrap().0;
    (spec.version, spec.expires) = (3, NOW.plus_ms(-1_000));
    expect(&mut vendor, "A", Attack::Freeze);
}

#[test]
fn a_delegated_role_that_the_snapshot_does_not_list_ends_the_search() {
    let mut vendor = vendor_with(&[("targets", "A", false, &["*"])], &[]);
    vendor.delegated.clear();
    vendor.publish();
    let error = Client::of(&vendor)
        .look_up(&vendor.files, &["a"])
        .unwrap_err();
    assert_eq!(
        (error.role.as_str(), error.attack()),
        ("A", Attack::MixAndMatch)
    );
}

#[test]
fn endless_delegations_end() {
    let names: Vec<&'static str> = (0..MAX_DELEGATIONS + 2)
        .map(|n| &*format!("role-{n}").leak())
        .collect();
    let edges: Vec<Edge> = std::iter::once(("targets", names[0], false, &["*"][..]))
        .chain(
            names
                .windows(2)
                .map(|pair| (pair[0], pair[1], false, &["*"][..])),
        )
        .collect();
    let vendor = vendor_with(&edges, &[]);
    let error = Client::of(&vendor)
        .look_up(&vendor.files, &["a"])
        .unwrap_err();
    assert!(matches!(error.problem, Problem::TooManyDelegations));
}

#[test]
fn role_names_cannot_leave_the_folder() {
    let names = ["../../etc/x", "/abs", "?", "a b"];
    let edges = names.map(|name| ("targets", name, false, &["*"][..]));
    let mut vendor = vendor_with(&edges, &[]);
    // The repository stores them encoded, as clients ask for them.
    let files = std::mem::take(&mut vendor.files);
    vendor.files = files
        .into_iter()
        .map(|(name, bytes)| {
            let name = name
                .replace('/', "%2F")
                .replace('?', "%3F")
                .replace(' ', "%20");
            (name, bytes)
        })
        .collect();
    let (roles, found) = asked(&vendor, "a");
    assert_eq!(roles, ["..%2F..%2Fetc%2Fx", "%2Fabs", "%3F", "a%20b"]);
    assert_eq!(found, None);
    // A name of the top level would replace that role's file.
    let edges = ["root", "timestamp", "snapshot"].map(|name| ("targets", name, false, &["*"][..]));
    let mut vendor = vendor_with(&edges, &[]);
    vendor.delegated.clear();
    vendor.publish_root();
    vendor.publish();
    assert_eq!(asked(&vendor, "a").0, Vec::<String>::new());
}

#[test]
fn the_catalogue_has_only_roles_that_machines_can_ask_for() {
    let listed = |role: &'static str| {
        let vendor = vendor_with(&[("targets", role, false, &["a"])], &[(role, "a")]);
        let client = Client::of(&vendor);
        let mut asked = Vec::new();
        let mut source = |name: &str, _: usize| {
            asked.push(name.to_owned());
            Ok(vendor.files.get(&name.replace("%20", " ")).cloned())
        };
        let pin = Digest::of(&client.first_root);
        let mut repository =
            Repository::open(&client.first_root, pin, client.watermark, NOW).unwrap();
        repository.refresh(&mut source).unwrap();
        let listed = repository.listed(&mut source);
        (listed, asked)
    };
    for role in ["vendor.viewer", "viewer~2", "2.viewer", "a_b-C"] {
        let (paths, asked) = listed(role);
        assert!(paths.unwrap().contains("a"), "{role}");
        for file in asked {
            assert!(crate::wire::machine::is_role_file(&file), "{file}");
        }
    }
    for role in ["a b", "ä", ".hidden", "a%2Fb"] {
        let (paths, _) = listed(role);
        let error = paths.unwrap_err();
        assert!(matches!(error.problem, Problem::RoleName(_)), "{error}");
    }
}

#[test]
fn the_catalogue_lists_every_role() {
    let vendor = vendor_with(
        &[("targets", "A", false, &["a"]), ("A", "B", false, &["b"])],
        &[("A", "a"), ("B", "b")],
    );
    let client = Client::of(&vendor);
    let mut source = |name: &str, _: usize| Ok(vendor.files.get(name).cloned());
    let pin = Digest::of(&client.first_root);
    let mut repository = Repository::open(&client.first_root, pin, client.watermark, NOW).unwrap();
    assert!(repository.listed(&mut source).is_err());
    repository.refresh(&mut source).unwrap();
    let listed: Vec<String> = repository
        .listed(&mut source)
        .unwrap()
        .into_iter()
        .collect();
    assert_eq!(listed, ["a", "b", PATH]);
    // "b" is listed by a role that only "a" leads to: nobody may say it.
    let found = repository.resolve(&mut source, ["a", "b"]).unwrap();
    assert!(found.target("a").unwrap().is_some() && found.target("b").unwrap().is_none());
}
