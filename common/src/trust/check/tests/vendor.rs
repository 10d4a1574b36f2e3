//! Step 5: the vendor. What TUF itself refuses is tested with `trust::vendor`.

use super::hospital::*;
use super::*;
use crate::digest::Digest;
use crate::trust::approval::Rollback;
use crate::trust::charter::Publisher;
use crate::trust::origin::{self, Check, Origin, Proof, Way};
use crate::trust::release::{Provenance, ReleaseDescription};
use serde_json::json;

fn back(h: &mut Hospital) -> &mut crate::trust::approval::RollbackRelease {
    match &mut h.release().rollback {
        Rollback::Release(back) => back,
        Rollback::None => panic!("the hospital's release has a way back"),
    }
}

#[test]
fn arbitrary_software_has_other_bytes_or_length() {
    for path in ["viewer/4.2.tar", "viewer/4.1.tar"] {
        refused!(
            changed(|h| h.targets.get_mut(path).unwrap().sha256 = Digest::of(b"own bytes")),
            5,
            ArbitrarySoftware,
            Why::VendorDiffers {
                what: "the bytes",
                ..
            }
        );
        refused!(
            changed(|h| h.targets.get_mut(path).unwrap().length += 1),
            5,
            ArbitrarySoftware,
            Why::VendorDiffers {
                what: "the length",
                ..
            }
        );
        refused!(
            changed(|h| {
                h.targets.remove(path);
            }),
            5,
            ArbitrarySoftware,
            Why::NoTarget(_)
        );
    }
}

#[test]
fn a_vendor_speaks_for_its_own_products_and_paths() {
    refused!(
        changed(|h| h.charter().vendors[0].products = vec![name("pump")]),
        5,
        ArbitrarySoftware,
        Why::NotItsProduct { .. }
    );
    refused!(
        changed(|h| h.charter().vendors.clear()),
        5,
        ArbitrarySoftware,
        Why::UnknownRepository(_)
    );
    refused!(
        changed(|h| h.release().repository = name("other")),
        5,
        ArbitrarySoftware,
        Why::UnknownRepository(_)
    );
    let granted = |paths: &[&str]| {
        changed(|h| {
            h.charter().vendors[0].paths = paths.iter().map(|p| (*p).to_owned()).collect();
        })
    };
    for good in [
        &["viewer/"][..],
        &["viewer"],
        &[""],
        &["pump", "viewer/4.1.tar", "viewer/4.2.tar"],
    ] {
        accepted(granted(good));
    }
    for bad in [
        &[][..],
        &["view"],
        &["viewer/4"],
        &["viewer/4.2.tar"],
        &["viewer/4.2.tar/"],
        &["pump"],
    ] {
        refused!(
            granted(bad),
            5,
            ArbitrarySoftware,
            Why::NotItsProduct { .. }
        );
    }
}

#[test]
fn what_the_hospital_publishes_is_not_called_the_vendors() {
    let said = |publisher: Publisher, provenance: Provenance| {
        changed(|h| {
            h.charter().vendors[0].publisher = publisher;
            h.release().provenance = provenance;
            vouch_for_all(h, Provenance::VendorSignature);
        })
    };
    accepted(said(Publisher::Vendor, Provenance::Vendor));
    accepted(said(Publisher::Custodian, Provenance::VendorSignature));
    accepted(said(Publisher::Custodian, Provenance::Attested));
    for (publisher, provenance) in [
        (Publisher::Custodian, Provenance::Vendor),
        (Publisher::Vendor, Provenance::VendorSignature),
        (Publisher::Vendor, Provenance::Attested),
    ] {
        refused!(
            said(publisher, provenance),
            5,
            ArbitrarySoftware,
            Why::Provenance { .. }
        );
    }
}

/// Has the custodian sign an origin with every release, the way back included.
fn vouch_for_all(h: &mut Hospital, provenance: Provenance) {
    let releases: Vec<ReleaseDescription> = h.release().described().cloned().collect();
    for release in releases {
        let first = &release.artifacts[0].path;
        let proofs = release.artifacts.iter().map(|artifact| Proof {
            artifact: artifact.sha256,
            check: Check::Minisign { key: "RWQ".into() },
            kept: None,
        });
        let origin = Origin {
            provenance,
            way: Way::Portal,
            place: label("the vendor's portal"),
            obtained: NOW,
            obtained_by: label("an engineer"),
            vouched_by: name("maria"),
            note: label("asked by telephone"),
            proofs: proofs.collect(),
        };
        let target = h.targets.get_mut(first).unwrap();
        target.custom = Some(json!({ "patchward": release, origin::ORIGIN: origin }));
    }
}

#[test]
fn what_the_hospital_publishes_is_called_no_more_than_its_origin_carries() {
    let said = |approved: Provenance, carried: Option<Provenance>| {
        changed(|h| {
            h.charter().vendors[0].publisher = Publisher::Custodian;
            h.release().provenance = approved;
            vouch_for_all(h, carried.unwrap_or(approved));
            if carried.is_none() {
                for target in h.targets.values_mut() {
                    let custom = target.custom.as_mut().and_then(|one| one.as_object_mut());
                    custom.map(|custom| custom.remove(origin::ORIGIN));
                }
            }
        })
    };
    let (attested, signature) = (Provenance::Attested, Provenance::VendorSignature);
    accepted(said(attested, Some(attested)));
    for (approved, carried) in [
        (signature, Some(attested)),
        // Below `attested`: nobody vouches.
        (attested, None),
        // A custodian cannot speak as the vendor.
        (attested, Some(Provenance::Vendor)),
    ] {
        let refused = said(approved, carried);
        refused!(refused, 5, ArbitrarySoftware, Why::Origin { .. });
    }
    // An origin vouches for what is described beside it, and for nothing else.
    let bare = changed(|h| {
        h.charter().vendors[0].publisher = Publisher::Custodian;
        h.release().provenance = attested;
        vouch_for_all(h, attested);
        for target in h.targets.values_mut() {
            let custom = target.custom.as_mut().and_then(|one| one.as_object_mut());
            custom.map(|custom| custom.remove("patchward"));
        }
    });
    refused!(bare, 5, ArbitrarySoftware, Why::VendorDiffers { .. });
}

#[test]
fn the_way_back_is_the_vendors_as_well() {
    refused!(
        changed(|h| {
            let back = back(h);
            back.path = "pump/1.tar".into();
            back.release.artifacts[0].path = "pump/1.tar".into();
        }),
        5,
        ArbitrarySoftware,
        Why::NotItsProduct { .. }
    );
}

#[test]
fn the_vendors_description_is_the_approved_one() {
    let with = |path: &'static str, custom: serde_json::Value| {
        changed(|h| {
            let target = h.targets.get_mut(path).unwrap();
            target.custom = Some(json!({ "patchward": custom }));
        })
    };
    let stated = serde_json::to_value(viewer("4.2", 42)).unwrap();
    accepted(with("viewer/4.2.tar", stated.clone()));
    let mut longer = stated.clone();
    longer["install_minutes"] = json!(19);
    let mut more = stated.clone();
    more["unknown"] = json!(1);
    for other in [longer, more, json!({}), json!("text")] {
        refused!(
            with("viewer/4.2.tar", other),
            5,
            ArbitrarySoftware,
            Why::VendorDiffers {
                what: "the description",
                ..
            }
        );
    }
    refused!(
        with("viewer/4.1.tar", stated),
        5,
        ArbitrarySoftware,
        Why::VendorDiffers {
            what: "the description",
            ..
        }
    );
}

#[test]
fn a_path_that_was_not_looked_up_is_not_taken_for_absent() {
    let mut h = Hospital::new();
    let authority = h.authority().unwrap();
    let release = h.release().clone();
    let nothing = crate::trust::vendor::VerifiedTargets::default();
    refused!(vendor(&authority, &release, &nothing), 5, None, Why::Tuf(_));
}
