//! What an installer leaves on the disk for the one that finishes its job.

use super::examples::{BOOT, NOW, World};
use patchward_common::digest::Digest;
use patchward_common::job::phase::{Plan, Step};
use patchward_common::job::{ProductVersion, Start};
use patchward_common::time::{HOUR_MS, MINUTE_MS};
use patchward_common::trust::sign::PublicKey;
use patchward_installer::drive::Record;
use patchward_integration_tests::fixture::{interval, name};

/// The record of a job with a step, its way back, and a restart.
pub(super) fn record(world: &World) -> Record {
    let step = |name: &str, word: &str| Step {
        name: name.to_owned(),
        release: 0,
        argv: ["dpkg", word, "viewer"].map(str::to_owned).to_vec(),
        env: vec![("DEBIAN_FRONTEND".into(), "noninteractive".into())],
        disruptive: true,
    };
    Record {
        job: world.job,
        sequence: 7,
        placed: world.approval.clone(),
        start: Start {
            slot: interval(NOW, NOW.plus_ms(HOUR_MS)),
            boot: BOOT,
            go: Digest([1; 32]),
            approved_by: vec![PublicKey::of(&world.hospital.alice).id()],
            roster: Digest([2; 32]),
            charter: Digest([3; 32]),
            assignment: Digest([4; 32]),
            versions_before: vec![ProductVersion {
                product: name("viewer"),
                version: "4.1.0".into(),
            }],
            interlock: "idle".into(),
        },
        downgrades: vec![Digest([5; 32])],
        plan: Plan {
            boot: BOOT,
            reboot: true,
            steps: vec![step("0-configure", "--configure")],
            back: vec![step("0-back-packages", "--install")],
        },
        install_until: NOW.plus_ms(HOUR_MS),
        recovery_ms: 10 * MINUTE_MS,
    }
}
