//! `devices`: what medical devices answered the machine beside them. A machine speaks only
//! for those for which a person named it; what it says becomes the device's inventory.

use super::Session;
use crate::fleet::Fleet;
use crate::store::devices::DeviceAnswer;
use patchward_common::component::{Component, ComponentSet, MAX_FIELD_BYTES, Source};
use patchward_common::device::{MAX_DEVICES, MAX_EVERY_MINUTES, MIN_EVERY_MINUTES};
use patchward_common::id::{Label, MachineId};
use patchward_common::time::UtcMs;
use patchward_common::wire::machine::{
    Answer, DeviceFound, DeviceSaid, DevicesReport, DevicesTaken, Refused, RefusedCode,
};
use std::collections::BTreeMap;

pub(super) async fn devices(
    fleet: &Fleet,
    session: &Session,
    report: DevicesReport,
) -> Result<Answer, Refused> {
    if report.devices.len() > MAX_DEVICES || !report.devices.iter().all(is_sound) {
        let text = format!(
            "up to {MAX_DEVICES} devices, each field of at most {MAX_FIELD_BYTES} bytes, asked \
             every {MIN_EVERY_MINUTES} to {MAX_EVERY_MINUTES} minutes"
        );
        return Err(Refused::new(RefusedCode::BadRequest, text));
    }
    let (now, store) = (fleet.now(), fleet.store());
    let beside = store.view().await?.devices_beside(&session.machine).await?;
    let mut refused = Vec::new();
    let mut newest: BTreeMap<(Label, String), DeviceSaid> = BTreeMap::new();
    for said in report.devices {
        if !beside.contains_key(&said.asset) {
            refused.push(said.asset);
            continue;
        }
        let key = (said.asset.clone(), said.component.clone());
        if newest.get(&key).is_none_or(|known| known.at < said.at) {
            // A clock that runs ahead proves nothing of later work.
            let at = said.at.min(now);
            newest.insert(key, DeviceSaid { at, ..said });
        }
    }
    let taken: Vec<DeviceSaid> = newest.into_values().collect();
    store
        .record_device_answers(&session.machine, &taken)
        .await?;
    let mut answered: BTreeMap<&Label, UtcMs> = BTreeMap::new();
    for said in &taken {
        if matches!(said.found, DeviceFound::Version(_)) {
            let at = answered.entry(&said.asset).or_insert(said.at);
            *at = (*at).max(said.at);
        }
    }
    for (asset, at) in answered {
        if let Some(device) = beside.get(asset) {
            take_in(fleet, asset, device, at).await?;
        }
    }
    refused.sort();
    refused.dedup();
    Ok(Answer::Devices(DevicesTaken { refused }))
}

/// Nothing that is stored is longer than a component may be.
fn is_sound(said: &DeviceSaid) -> bool {
    let is_text = |text: &str| {
        (1..=MAX_FIELD_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
    };
    let found = match &said.found {
        DeviceFound::Version(text) => is_text(text),
        DeviceFound::Nothing(why) => why.is_empty() || is_text(why),
    };
    let is_asked = (MIN_EVERY_MINUTES..=MAX_EVERY_MINUTES).contains(&said.every_minutes);
    is_text(&said.component) && is_asked && found
}

/// Makes what a device answered its inventory.
async fn take_in(
    fleet: &Fleet,
    asset: &Label,
    device: &MachineId,
    at: UtcMs,
) -> Result<(), Refused> {
    let store = fleet.store();
    let answers = store.view().await?.device_answers_that_count(asset).await?;
    let set = components(answers).map_err(|problem| super::busy(&problem))?;
    let now = fleet.now();
    fleet.record_inventory(device, &set, now).await?;
    store.record_seen(&[(*device, at.into())], now).await?;
    Ok(())
}

/// The newest version of each component, whoever asked.
fn components(answers: Vec<DeviceAnswer>) -> Result<ComponentSet, String> {
    let mut newest: BTreeMap<String, (UtcMs, String)> = BTreeMap::new();
    for answer in answers {
        let (Some(at), Some(version)) = (answer.answered_at, answer.version) else {
            continue;
        };
        let known = newest.get(&answer.component);
        if known.is_none_or(|(then, _)| *then < at) {
            newest.insert(answer.component, (at, version));
        }
    }
    let components = newest.into_iter().map(|(name, (_, version))| Component {
        source: Source::Probe,
        name,
        version,
        arch: String::new(),
    });
    ComponentSet::new(components.collect()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_that_ask_the_newer_counts() {
        let answer = |machine: u8, at: Option<i64>, version: &str| DeviceAnswer {
            asset: Label::new("INF-17").unwrap(),
            component: "pump".into(),
            machine: MachineId([machine; 32]),
            asked_at: UtcMs(9),
            problem: None,
            answered_at: at.map(UtcMs),
            version: at.map(|_| version.into()),
            of_model: 0,
            known_until: None,
            lost_at: None,
        };
        let answers = vec![
            answer(1, Some(5), "2"),
            answer(2, Some(4), "1"),
            answer(3, None, ""),
        ];
        let set = components(answers).unwrap();
        let versions: Vec<_> = set.iter().map(|c| c.version.as_str()).collect();
        assert_eq!(versions, ["2"]);
    }

    #[test]
    fn what_is_too_long_or_hidden_is_not_stored() {
        let said = |component: &str, found| DeviceSaid {
            asset: Label::new("INF-17").unwrap(),
            component: component.into(),
            of_model: false,
            every_minutes: 60,
            at: UtcMs(1),
            found,
        };
        let version = |text: &str| DeviceFound::Version(text.into());
        assert!(is_sound(&said("pump", version("4.2"))));
        assert!(is_sound(&said("pump", DeviceFound::Nothing(String::new()))));
        for bad in [
            said("", version("4.2")),
            said("pump", version("")),
            said("pump", version("4\n2")),
            said("pump", version(&"x".repeat(MAX_FIELD_BYTES + 1))),
            said(
                "pump",
                DeviceFound::Nothing("x".repeat(MAX_FIELD_BYTES + 1)),
            ),
            DeviceSaid {
                every_minutes: MAX_EVERY_MINUTES + 1,
                ..said("pump", version("4.2"))
            },
        ] {
            assert!(!is_sound(&bad), "{bad:?}");
        }
    }
}
