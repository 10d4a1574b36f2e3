use super::*;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn described(kind: serde_json::Value, version: &str, models: &[&str]) -> ReleaseDescription {
    serde_json::from_value(serde_json::json!({
        "product": "viewer", "version": version, "counter": 42, "kind": kind, "artifacts": [],
        "applies_to": { "architectures": ["all"], "models": models }, "reboot": "none",
        "install_minutes": 5, "recovery_minutes": 5,
    }))
    .unwrap()
}

fn tree(version: &str, models: &[&str]) -> ReleaseDescription {
    let kind = serde_json::json!({ "tree": { "name": "viewer" } });
    described(kind, version, models)
}

/// What a fleet has: of each version its source and its machines, by number; of each model its
/// machines that told, and how many did not.
fn having(found: &[(Source, &str, &[u32])], models: &[(&str, &[u32], u64)]) -> Having {
    let mut components = Vec::new();
    let mut held = HashMap::new();
    for (number, (source, version, machines)) in (0..).zip(found) {
        let component = Component {
            source: *source,
            name: "viewer".to_owned(),
            version: (*version).to_owned(),
            arch: String::new(),
        };
        components.push(Numbered { number, component });
        held.insert(number, machines.iter().copied().collect());
    }
    components.sort_by(|a, b| a.component.cmp(&b.component));
    let told = models.iter();
    let told = told.map(|(model, told, _)| (name(model), told.iter().copied().collect()));
    let enrolled = models.iter();
    let enrolled = enrolled.map(|(model, told, untold)| (name(model), told.len() as u64 + untold));
    Having {
        enrolled: Arc::new(Enrolled {
            placed: Vec::new(),
            told: told.collect(),
            count: enrolled.collect(),
        }),
        components,
        held,
        stated: Stated::default(),
    }
}

/// The groups as need, version and machines.
fn told<'h>(groups: &'h [Group<'_>]) -> Vec<(&'h Need, &'h str, Vec<u32>)> {
    let groups = groups.iter();
    groups
        .map(|one| {
            (
                &one.need,
                one.has.version.as_str(),
                one.machines.iter().collect(),
            )
        })
        .collect()
}

#[test]
fn of_several_versions_the_one_that_needs_it_most_counts() {
    // By its letters 10.0 comes first.
    let fleet = having(
        &[
            (Source::Tree, "10.0", &[1, 2, 3]),
            (Source::Tree, "9.0", &[1]),
            (Source::Tree, "build \u{e9}", &[1, 2]),
        ],
        &[("station", &[1, 2, 3], 0)],
    );
    let release = tree("10.0", &[]);
    let groups = fleet.groups(&release);
    let expected = [
        (&Need::Needs, "9.0", vec![1]),
        (&Need::Unclear, "build \u{e9}", vec![2]),
    ];
    assert_eq!(told(&groups), expected);
}

#[test]
fn another_sources_component_counts_only_where_there_is_no_package() {
    let fleet = having(
        &[
            (Source::Deb, "2.0-1", &[1]),
            (Source::Probe, "1.0", &[1, 2]),
        ],
        &[("station", &[1, 2], 0)],
    );
    let kind = serde_json::json!({ "packages": { "manager": "deb", "packages": [
        { "name": "viewer", "version": "2.0-1", "artifact": "ab".repeat(32) },
    ] } });
    let release = described(kind, "2026-11", &[]);
    let groups = fleet.groups(&release);
    assert_eq!(told(&groups), [(&Need::Unclear, "1.0", vec![2])]);
}

#[test]
fn who_has_an_earlier_version_on_another_model_waits_for_the_vendor() {
    let fleet = having(
        &[(Source::Tree, "1.0", &[1, 2]), (Source::Tree, "2.0", &[3])],
        &[("other", &[2, 3], 7), ("station", &[1], 2)],
    );
    let release = tree("2.0", &["station"]);
    let groups = fleet.groups(&release);
    let expected = [
        (&Need::Needs, "1.0", vec![1]),
        (&Need::NotValidated, "1.0", vec![2]),
    ];
    assert_eq!(told(&groups), expected);
    let sums = fleet.sums(&release, &groups);
    let expected = Sums {
        needed: 1,
        unclear: 0,
        not_validated: 1,
        unknown: 2,
    };
    assert_eq!(sums, expected);
    let words = sums.words();
    assert!(words.contains("at least 1 machine needs it."), "{words}");
    assert!(words.contains(" 2 more have not told"), "{words}");
    assert!(words.contains("the vendor's move"), "{words}");
}

#[test]
fn without_its_probe_nobody_knows_whether_a_machine_needs_it() {
    let fleet = having(
        &[(Source::Probe, "1.0", &[1])],
        &[("station", &[1, 2, 3], 4)],
    );
    let kind = serde_json::json!({ "recipe": { "name": "viewer", "sha256": "ab".repeat(32) } });
    let probed = described(kind, "2.0", &[]);
    let groups = fleet.groups(&probed);
    assert_eq!(fleet.sums(&probed, &groups).unknown, 6);
    // An inventory without the tree says that it is not there.
    assert_eq!(fleet.sums(&tree("2.0", &[]), &[]).unknown, 4);
}

#[test]
fn machines_are_summed_by_what_their_vendors_allow() {
    let policy = |name: &Name, allows| VendorPolicy {
        model: name.clone(),
        product: None,
        allows,
        because: String::new(),
    };
    let names = ["a", "b", "c"].map(name);
    let policies = [
        policy(&names[0], VendorAllows::Install),
        policy(&names[1], VendorAllows::Install),
    ];
    let of = |at: usize, machines| OfModel {
        model: &names[at],
        machines,
        policy: policies.get(at),
    };
    assert_eq!(
        allowed(&[of(0, 3), of(1, 4), of(2, 5)]),
        Cell::List(vec![
            "no answers taken in: 5".to_owned(),
            "we may install: 7".to_owned()
        ])
    );
    assert_eq!(allowed(&[]), Cell::Empty);
}
