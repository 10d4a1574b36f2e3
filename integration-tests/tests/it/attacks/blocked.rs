//! Nobody attacks, and a firewall drops UDP: everything goes over TCP.

use super::scene::{PRODUCT, Scene};
use patchward_common::trust::roster::Class;
use patchward_integration_tests::firewall::Firewall;
use patchward_integration_tests::hospital::now;
use patchward_integration_tests::vendor::tree_release;
use serde_json::json;

const STATION: &str = "station-1";

/// Some hundreds of frames, no two alike.
fn program() -> Vec<u8> {
    (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn a_machine_enrols_and_a_rollout_and_a_stop_arrive_where_udp_is_blocked() {
    let mut firewall = None;
    let mut scene = Scene::bare_with(&[(STATION, Class::Standard)], &[], |hospital| {
        let through = Firewall::start(hospital.address().parse().unwrap()).unwrap();
        let (own, told) = (hospital.address(), through.address().to_string());
        firewall = Some(through);
        hospital.stop_collector().unwrap();
        let path = hospital.collector_folder().join("collector.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("listen_tcp = false", "listen_tcp = true");
        let text = text.replace(
            &format!("addresses = [\"{own}\"]"),
            &format!("addresses = [\"{told}\"]"),
        );
        assert!(
            text.contains(&told) && text.contains("listen_tcp = true"),
            "{text}"
        );
        std::fs::write(path, text).unwrap();
        hospital.start_collector().unwrap();
    });
    let firewall = firewall.unwrap();
    let shown = scene
        .hospital
        .ask_json(&["machine", "show", STATION])
        .unwrap();
    assert_eq!(shown["connected"], json!(true), "{shown}");
    assert_eq!(shown["carrier"], json!("tcp"), "{shown}");
    let (release, bytes) = tree_release(PRODUCT, "2.0", 2, &[(PRODUCT, &program())]).unwrap();
    let vendor = &mut scene.hospital.vendor;
    vendor.publish(&release, &[&bytes], now()).unwrap();
    scene.hospital.import().unwrap();
    let plan = scene.plan("2.0", &[STATION]);
    scene.hospital.approve(&plan, &["ada"]).unwrap();
    scene.verified(&plan, STATION, "2.0");
    scene.done_once(&plan, STATION);
    scene.stop_all();
    assert!(firewall.connections() > 0 && firewall.dropped() > 0);
}
