use super::*;
use crate::codec;
use proptest::prelude::*;

fn deb(name: &str, version: &str) -> Component {
    Component {
        source: Source::Deb,
        name: name.into(),
        version: version.into(),
        arch: "amd64".into(),
    }
}

fn set(components: &[Component]) -> ComponentSet {
    ComponentSet::new(components.to_vec()).unwrap()
}

#[test]
fn sets_are_sorted_and_unique() {
    let (a, b) = (deb("bash", "5.2"), deb("zlib1g", "1:1.2"));
    let one = set(&[b.clone(), a.clone(), b.clone()]);
    assert_eq!(&*one, &[a.clone(), b.clone()]);
    assert_eq!(one.digest(), set(&[a.clone(), b]).digest());
    assert_ne!(one.digest(), set(&[a]).digest());
}

#[test]
fn limits_are_checked() {
    let long = "x".repeat(MAX_FIELD_BYTES + 1);
    let refused = |c: Component| ComponentSet::new(vec![c]).unwrap_err();
    assert!(matches!(
        refused(deb("a", &long)),
        BadComponents::TooLong {
            field: "version",
            found: 513,
            ..
        }
    ));
    assert!(matches!(
        refused(deb("", "1")),
        BadComponents::Empty { field: "name", .. }
    ));
    assert!(matches!(
        refused(deb("a", "")),
        BadComponents::Empty {
            field: "version",
            ..
        }
    ));
    for control in ["a\tb", "a\nb", "a\0b", "a\u{1b}[31m", "a\u{85}"] {
        let found = refused(deb(control, "1"));
        assert!(
            matches!(found, BadComponents::Control { field: "name", .. }),
            "{control:?}"
        );
    }
    let many = (0..=MAX_COMPONENTS)
        .map(|i| deb(&format!("p{i}"), "1"))
        .collect();
    assert_eq!(
        ComponentSet::new(many),
        Err(BadComponents::TooMany {
            found: MAX_COMPONENTS + 1
        })
    );
}

#[test]
fn purls_follow_the_specification() {
    let mut component = deb("libstdc++6", "1:12.2.0-14+deb12u1");
    assert_eq!(
        component.purl("debian", "12").as_deref(),
        Some("pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12")
    );
    assert_eq!(component.purl("", "12"), None);
    component.source = Source::Rpm;
    component.name = "bind".into();
    component.version = "32:9.16.23-11.el9".into();
    component.arch = "x86_64".into();
    assert_eq!(
        component.purl("rhel", "9.2").as_deref(),
        Some("pkg:rpm/rhel/bind@9.16.23-11.el9?arch=x86_64&distro=rhel-9.2&epoch=32")
    );
    assert_eq!(
        component.purl("arch", "").as_deref(),
        Some("pkg:rpm/arch/bind@9.16.23-11.el9?arch=x86_64&distro=arch&epoch=32")
    );
    component.source = Source::Firmware;
    assert_eq!(component.purl("debian", "12"), None);
}

#[test]
fn a_delta_fits_only_its_base() {
    let (old, new) = (deb("curl", "7.88"), deb("curl", "8.0"));
    let (before, after) = (set(std::slice::from_ref(&old)), set(&[new]));
    let delta = before.delta_to(&after);
    assert_eq!(before.apply(&delta), Ok(after.clone()));
    assert_eq!(after.apply(&delta), Err(BadDelta::NotThere("curl".into())));
    let twice = Delta {
        removed: vec![old.clone(), old.clone()],
        added: vec![],
    };
    assert_eq!(before.apply(&twice), Err(BadDelta::NotThere("curl".into())));
    let again = Delta {
        removed: vec![],
        added: vec![old],
    };
    assert_eq!(
        before.apply(&again),
        Err(BadDelta::AlreadyThere("curl".into()))
    );
    let bad = Delta {
        removed: vec![],
        added: vec![deb("a\nb", "1")],
    };
    assert!(matches!(before.apply(&bad), Err(BadDelta::Result(_))));
}

#[test]
fn damaged_packing_is_refused() {
    let packed = PackedComponents::of(&set(&[deb("bash", "5.2"), deb("curl", "8")]));
    let unpack = |bytes: &[u8]| PackedComponents::from_bytes(bytes.to_vec()).unpack();
    assert!(unpack(packed.as_bytes()).is_ok());
    for cut in 1..packed.as_bytes().len() {
        assert!(
            unpack(&packed.as_bytes()[..cut]).is_err() || cut == 1,
            "cut at {cut}"
        );
    }
    assert_eq!(unpack(b""), Err(BadPacking::UnknownForm));
    assert_eq!(unpack(b"\x02dbash\t1\t\n"), Err(BadPacking::UnknownForm));
    assert_eq!(unpack(b"\x01\xff\xff"), Err(BadPacking::Damaged));
    for (rows, row) in [
        (&b"\0dbash\t5.2\tamd64"[..], 1),
        (b"\0dbash\t5.2\n", 1),
        (b"\0dbash\t5.2\tamd64\tmore\n", 1),
        (b"\0dbash\t5.2\tamd64\nxzsh\t1\t\n", 2),
        (b"\0d\xff\t5.2\tamd64\n", 1),
        (b"\0\n", 1),
    ] {
        assert_eq!(unpack(rows), Err(BadPacking::NotARow { row }), "{rows:?}");
    }
    assert_eq!(
        unpack(b"\0dzsh\t1\t\ndbash\t1\t\n"),
        Err(BadPacking::OutOfOrder { row: 2 })
    );
    assert_eq!(
        unpack(b"\0dzsh\t1\t\ndzsh\t1\t\n"),
        Err(BadPacking::OutOfOrder { row: 2 }),
        "a duplicate"
    );
    assert!(matches!(
        unpack(b"\0dzsh\t\t\n"),
        Err(BadPacking::Components(_))
    ));
    let delta = PackedDelta::from_bytes(b"\0*dzsh\t1\t\n".to_vec());
    assert_eq!(delta.unpack(), Err(BadPacking::NotARow { row: 1 }));
}

#[test]
fn a_deflate_bomb_does_not_unfold() {
    let unpack = |bytes: Vec<u8>| PackedComponents::from_bytes(bytes).unpack();
    let mut bomb = vec![1];
    bomb.extend(miniz_oxide::deflate::compress_to_vec(
        &vec![b'd'; MAX_UNPACKED_BYTES + 1],
        9,
    ));
    assert!(bomb.len() < 10_000);
    assert_eq!(unpack(bomb), Err(BadPacking::UnfoldsTooLarge));
    let found = MAX_PACKED_BYTES + 1;
    assert_eq!(unpack(vec![0; found]), Err(BadPacking::TooLarge { found }));
    let rows: String = (0..=2 * MAX_COMPONENTS)
        .map(|i| format!("dp{i:05}\t1\t\n"))
        .collect();
    let mut packed = vec![1];
    packed.extend(miniz_oxide::deflate::compress_to_vec(rows.as_bytes(), 6));
    assert!(matches!(
        unpack(packed),
        Err(BadPacking::Components(BadComponents::TooMany { .. }))
    ));
}

/// The fixture is made like a Debian desktop: names with common stems, versions that
/// whole families share, 900 packages.
#[test]
fn packed_sizes_stay_within_their_figures() {
    let families = [
        "gstreamer1.0",
        "python3",
        "libqt5",
        "xserver-xorg",
        "perl-modules",
        "fonts",
    ];
    let packages: Vec<_> = (0..900)
        .map(|i: u32| {
            let family = families[i as usize % families.len()];
            let salt = i.wrapping_mul(2_654_435_761) >> 12;
            deb(
                &format!("lib{family}-{salt:05x}{}", i % 9),
                &format!("{}.{}-{}+deb12u{}", i / 3 % 7, i / 2 % 40, i % 5, i % 4),
            )
        })
        .collect();
    let base = set(&packages);
    let size = PackedComponents::of(&base).as_bytes().len();
    assert!(size <= 11_000, "{size} bytes for 900 packages");
    let mut changed = packages;
    changed[450].version = "9.9.9-1+deb12u9".into();
    let delta = PackedDelta::of(&base.delta_to(&set(&changed)));
    assert!(
        delta.as_bytes().len() <= 120,
        "{} bytes for one change",
        delta.as_bytes().len()
    );
}

fn any_component() -> impl Strategy<Value = Component> {
    let source = prop::sample::select(Source::ALL.to_vec());
    (source, "[a-c]{1,2}", "[0-2](\\.[0-9])?", "(|all|amd64)").prop_map(
        |(source, name, version, arch)| Component {
            source,
            name,
            version,
            arch,
        },
    )
}

fn any_set() -> impl Strategy<Value = ComponentSet> {
    prop::collection::vec(any_component(), 0..40).prop_map(|c| ComponentSet::new(c).unwrap())
}

proptest! {
    #[test]
    fn a_delta_leads_from_one_set_to_the_other(a in any_set(), b in any_set()) {
        let delta = a.delta_to(&b);
        prop_assert_eq!(delta.is_empty(), a == b);
        prop_assert_eq!(a.apply(&delta), Ok(b.clone()));
        prop_assert_eq!(PackedDelta::of(&delta).unpack(), Ok(delta));
        prop_assert_eq!(PackedComponents::of(&b).unpack(), Ok(b.clone()));
        let bytes = codec::encode(&PackedComponents::of(&b));
        let read: PackedComponents = codec::decode(&bytes, 10_000).unwrap();
        prop_assert_eq!(read.unpack(), Ok(b));
    }

    #[test]
    fn no_bytes_panic(form in 0u8..3, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = vec![form];
        bytes.extend(body);
        let _ = PackedComponents::from_bytes(bytes.clone()).unpack();
        let _ = PackedDelta::from_bytes(bytes.clone()).unpack();
        let _ = crate::facts::PackedFacts::from_bytes(bytes).unpack();
    }
}
