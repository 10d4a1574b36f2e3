//! What an approval may say, whoever signed it: step 3.

use super::hospital::*;
use super::*;
use crate::digest::Digest;
use crate::trust::approval::{GroupMinimum, MAX_DIGESTS, MAX_RELEASES, Rollback};
use crate::trust::release::{
    ABSENT, ArtifactRef, Kind, MAX_ARTIFACT_BYTES, MAX_ARTIFACTS, MAX_RUN_MINUTES, PackageManager,
    PackageRef, Packages, ReleaseDescription, is_target_path, is_version,
};

#[track_caller]
fn malformed(change: impl FnOnce(&mut Hospital)) {
    refused!(
        changed(change),
        3,
        OwnedAgent,
        Why::Malformed {
            document: "approval",
            ..
        }
    );
}

#[test]
fn paths_do_not_leave_their_folder() {
    for good in [
        "a",
        "viewer/4.2.tar",
        "pool/main/v/viewer_4.2-1+b1_amd64.deb",
        "a/...",
        "a/~b",
    ] {
        assert!(is_target_path(good), "{good:?} was refused");
    }
    let long = "a".repeat(161);
    for bad in [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../a",
        "a/..",
        "a/../b",
        "a/./b",
        ".",
        "a//b",
        "a/",
        "a\\b",
        "a\0",
        "a b",
        "a\n",
        "ä",
        "-rf",
        "a/-b",
        &long,
    ] {
        assert!(!is_target_path(bad), "{bad:?} was accepted");
    }
    malformed(|h| {
        h.release().path = "viewer/../pump/1.tar".into();
        h.release().release.artifacts[0].path = "viewer/../pump/1.tar".into();
    });
}

#[test]
fn versions_are_safe_as_arguments_and_folders() {
    for good in ["4.2.1", "1:4.2-1~deb13u1", "R2.1_SP3", "2026.04+build.7"] {
        assert!(is_version(good), "{good:?} was refused");
    }
    let long = "1".repeat(129);
    for bad in [
        "", "..", ".1", "-1", "1/2", "../x", "1 2", "1\0", "1\n", "ü", ABSENT, &long,
    ] {
        assert!(!is_version(bad), "{bad:?} was accepted");
        malformed(|h| h.release().release.version = bad.to_owned());
    }
}

#[test]
fn an_approval_names_what_its_release_is() {
    malformed(|h| h.approval.releases.clear());
    malformed(|h| h.release().path = "viewer/4.1.tar".into());
    malformed(|h| h.release().sha256 = Digest::of(b"4.1"));
    malformed(|h| h.release().length += 1);
    malformed(|h| h.release().install_minutes = 19);
    malformed(|h| h.release().recovery_minutes = 9);
    malformed(|h| h.release().install_minutes = MAX_RUN_MINUTES + 1);
    malformed(|h| h.release().recovery_minutes = u32::MAX);
    malformed(|h| h.approval.waves = 0);
}

#[test]
fn a_way_back_is_another_release_of_the_product() {
    let back = |change: fn(&mut crate::trust::approval::RollbackRelease)| {
        malformed(|h| match &mut h.release().rollback {
            Rollback::Release(back) => change(back),
            Rollback::None => panic!("the hospital's release has a way back"),
        });
    };
    back(|back| back.path = "viewer/4.2.tar".into());
    back(|back| back.release.product = name("pump"));
    back(|back| back.release.version = "4.2".into());
    back(|back| back.release.artifacts.clear());
    accepted(changed(|h| h.release().rollback = Rollback::None));
}

#[test]
fn a_product_that_stands_twice_goes_up() {
    let twice = |counter| {
        changed(|h| {
            h.measured.version = Some("4.1".into());
            let mut second = h.release().clone();
            second.release = viewer("4.3", counter);
            let first = second.release.artifacts[0].clone();
            (second.path, second.sha256, second.length) = (first.path, first.sha256, first.length);
            h.staged.insert(first.sha256, (first.sha256, first.length));
            let target = crate::trust::tuf_author::TargetSpec::of(b"4.3", None);
            h.targets.insert("viewer/4.3.tar".into(), target);
            h.approval.releases.push(second);
        })
    };
    accepted(twice(43));
    for counter in [42, 41, 0] {
        refused!(twice(counter), 3, OwnedAgent, Why::Malformed { .. });
    }
}

#[test]
fn lists_of_an_approval_are_bounded() {
    malformed(|h| {
        let one = h.release().clone();
        h.approval.releases = vec![one; MAX_RELEASES + 1];
    });
    malformed(|h| h.approval.groups.push(h.approval.groups[0].clone()));
    malformed(|h| h.approval.groups[0].minimum_ready = 3);
    malformed(|h| {
        h.approval.groups = (0..1_025)
            .map(|n| GroupMinimum {
                group: name(&format!("g{n}")),
                size: 2,
                minimum_ready: 1,
            })
            .collect();
    });
    malformed(|h| h.approval.beside = vec![Digest::default(); MAX_DIGESTS + 1]);
    malformed(|h| h.approval.clears = vec![Digest::default(); MAX_DIGESTS + 1]);
}

/// A description that is refused after `change`, and accepted before.
#[track_caller]
fn wrong(change: impl FnOnce(&mut ReleaseDescription)) {
    let mut described = viewer("4.2", 42);
    assert_eq!(described.check(), Ok(()));
    change(&mut described);
    assert!(described.check().is_err(), "{described:?}");
    malformed(|h| {
        let first = described.artifacts.first().cloned();
        let release = h.release();
        if let Some(first) = first {
            (release.path, release.sha256, release.length) =
                (first.path, first.sha256, first.length);
        }
        release.release = described;
    });
}

#[test]
fn a_release_description_makes_sense() {
    let artifact = |n: usize| ArtifactRef {
        path: format!("viewer/{n}"),
        sha256: Digest::of(&n.to_be_bytes()),
        length: 1,
    };
    wrong(|d| d.artifacts.clear());
    wrong(|d| d.artifacts.push(d.artifacts[0].clone()));
    wrong(|d| d.artifacts = (0..=MAX_ARTIFACTS).map(artifact).collect());
    wrong(|d| d.artifacts[0].length = 0);
    wrong(|d| d.artifacts[0].length = MAX_ARTIFACT_BYTES + 1);
    wrong(|d| d.artifacts[0].path = "../x".into());
    wrong(|d| d.install_minutes = 0);
    wrong(|d| d.install_minutes = MAX_RUN_MINUTES + 1);
    wrong(|d| d.recovery_minutes = MAX_RUN_MINUTES + 1);
    wrong(|d| d.applies_to.architectures.clear());
    wrong(|d| d.applies_to.from.push("two\nlines".into()));
    wrong(|d| d.applies_to.os = vec![String::new()]);
    wrong(|d| d.applies_to.models = vec![name("m"); 257]);
    wrong(|d| d.stepping_stones = vec!["x".repeat(129)]);
    wrong(|d| d.checks_after = vec![name("c"); 257]);
    wrong(|d| d.fixes = vec!["ü".into()]);
}

#[test]
fn a_set_of_packages_is_closed() {
    let packages = |change: fn(&mut Packages)| {
        let mut described = viewer("4.2", 42);
        let mut set = Packages {
            manager: PackageManager::Deb,
            packages: vec![PackageRef {
                name: "libviewer4.2:amd64".into(),
                version: "4.2-1".into(),
                artifact: described.artifacts[0].sha256,
            }],
        };
        change(&mut set);
        described.kind = Kind::Packages(set);
        described.check()
    };
    assert_eq!(packages(|_| {}), Ok(()));
    for bad in [
        (|p| p.packages.clear()) as fn(&mut Packages),
        |p| p.packages.push(p.packages[0].clone()),
        |p| p.packages[0].name = "--force-all".into(),
        |p| p.packages[0].name = "a b".into(),
        |p| p.packages[0].name = "../a".into(),
        |p| p.packages[0].version = "-1".into(),
        |p| p.packages[0].artifact = Digest::of(b"elsewhere"),
    ] {
        assert!(packages(bad).is_err());
    }
}

#[test]
fn hostile_minutes_do_not_overflow() {
    let mut h = Hospital::new();
    h.release().install_minutes = u32::MAX;
    h.release().recovery_minutes = u32::MAX;
    let one = h.release().clone();
    h.approval.releases = vec![one; 10_000];
    assert!(h.approval.longest_run_ms() > 0);
}
