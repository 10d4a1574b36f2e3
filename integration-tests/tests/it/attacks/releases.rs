//! Releases that HTM's own keys were made to approve: older than what runs, for another
//! model, or of a product for which the charter does not let this vendor speak.

use super::scene::{Scene, refused, viewer};
use patchward_common::id::Name;
use patchward_common::trust::approval::ApprovedRelease;
use patchward_common::trust::check::Step;
use patchward_common::trust::release::ReleaseDescription;
use patchward_common::trust::roster::Class;
use patchward_common::wire::local::Request;
use patchward_integration_tests::hospital::now;
use patchward_integration_tests::hostile::{Forgery, give_out_forgeries, read_plan, stolen_key};

const STATION: &str = "station-1";

fn publish(scene: &mut Scene, release: &ReleaseDescription, bytes: &[u8]) {
    let vendor = &mut scene.hospital.vendor;
    vendor.publish(release, &[bytes], now()).unwrap();
    scene.hospital.import().unwrap();
}

#[test]
fn neither_an_older_release_nor_one_for_others_is_installed() {
    let mut scene = Scene::bare(&[(STATION, Class::Standard)], &[]);
    scene.publish("1.0", 1);
    scene.publish("2.0", 2);
    let plan = scene.plan("2.0", &[STATION]);
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    scene.verified(&plan, STATION, "2.0");
    let (older, _) = viewer("1.0", 1);
    let (mut pump, bytes) = viewer("3.0", 3);
    pump.applies_to.models = vec![Name::new("pump-server").unwrap()];
    publish(&mut scene, &pump, &bytes);
    let (mut foreign, _) = viewer("4.0", 4);
    foreign.product = Name::new("monitor").unwrap();
    let (mut approval, leaves) = read_plan(&scene.hospital, &plan).unwrap();
    let ada = stolen_key(&scene.hospital, "ada").unwrap();
    approval.issued = now();
    approval.beside = Vec::new();
    let real = approval.releases.remove(0);
    let forge = |title: &str, release: ReleaseDescription| {
        let artifact = release.artifacts[0].clone();
        let mut approval = approval.clone();
        approval.releases = vec![ApprovedRelease {
            path: artifact.path,
            sha256: artifact.sha256,
            length: artifact.length,
            release,
            ..real.clone()
        }];
        Forgery::new(title, approval, leaves[0].clone(), &[&ada]).unwrap()
    };
    let older = forge("Older", older);
    let pump = forge("For pumps", pump);
    let foreign = forge("No product of theirs", foreign);
    let since = scene.machine(STATION).agent_log().len();
    give_out_forgeries(&mut scene.hospital, &[&older, &pump, &foreign]).unwrap();
    scene.restart_agent(STATION);
    for why in ["is below 2", "pump-server"] {
        scene.refused_since(STATION, since, Step::Applicability, why);
    }
    // The collector never took in the bytes of the third; whoever owns the agent asks.
    let job = scene.job(&foreign.digest().to_string(), STATION);
    let answer = scene.ask(STATION, &Request::Prepare(job));
    refused(&answer, Step::Vendor, "may not speak for");
    scene.has(STATION, "2.0");
    // The machine is not the worse for it.
    let (release, bytes) = viewer("5.0", 5);
    publish(&mut scene, &release, &bytes);
    let honest = scene.plan("5.0", &[STATION]);
    scene.hospital.approve(&honest, &["ada"]).unwrap();
    scene.verified(&honest, STATION, "5.0");
}
