//! A machine's components as a bill of materials: CycloneDX 1.6 in JSON. The same components
//! of the same machine give the same bytes, whenever they are asked for.

use patchward_common::component::{Component, Source};
use patchward_common::digest::Digest;
use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Whose components they are.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The machine.
    pub machine: MachineId,
    /// What people call it.
    pub name: &'a str,
    /// Its model.
    pub model: &'a str,
    /// `ID` of its os-release; empty where nobody knows.
    pub os_id: &'a str,
    /// `VERSION_ID` of its os-release.
    pub os_version: &'a str,
    /// Its system's name for people.
    pub os_name: &'a str,
    /// The digest of the components.
    pub digest: Digest,
    /// Since when it has them.
    pub since: UtcMs,
}

/// The bill, as a file.
pub fn write(subject: &Subject<'_>, components: &[Component]) -> Vec<u8> {
    let mut listed: Vec<Value> = Vec::new();
    if !subject.os_id.is_empty() {
        listed.push(system(subject));
    }
    let of = |component| described(subject, component);
    listed.extend(components.iter().map(of));
    let bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial(subject),
        "version": 1,
        "metadata": {
            "timestamp": subject.since.to_string(),
            "tools": { "components": [{
                "type": "application",
                "name": "patchward-collector",
                "version": env!("CARGO_PKG_VERSION"),
            }] },
            "component": {
                "type": "device",
                "bom-ref": format!("machine:{}", subject.machine),
                "name": subject.name,
                "description": subject.model,
                "properties": [
                    { "name": "patchward:machine", "value": subject.machine.to_string() },
                    { "name": "patchward:inventory", "value": subject.digest.to_string() },
                ],
            },
        },
        "components": listed,
    });
    let mut bytes = format!("{bill:#}").into_bytes();
    bytes.push(b'\n');
    bytes
}

/// A UUID of version 8 (RFC 9562), made from machine and components, so that the same bill
/// has the same number.
fn serial(subject: &Subject<'_>) -> String {
    let of = format!("{} {} {}", subject.machine, subject.digest, subject.name);
    let mut bytes = Digest::of(of.as_bytes()).0;
    bytes[6] = 0x80 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let mut text = String::from("urn:uuid:");
    for (at, byte) in bytes[..16].iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to memory has no error.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn system(subject: &Subject<'_>) -> Value {
    let mut system = Map::new();
    system.insert("type".into(), "operating-system".into());
    system.insert("bom-ref".into(), "operating-system".into());
    system.insert("name".into(), subject.os_id.into());
    if !subject.os_version.is_empty() {
        system.insert("version".into(), subject.os_version.into());
    }
    if !subject.os_name.is_empty() {
        system.insert("description".into(), subject.os_name.into());
    }
    Value::Object(system)
}

fn described(subject: &Subject<'_>, component: &Component) -> Value {
    let source = component.source.word();
    let own = format!(
        "{source}:{}@{}/{}",
        component.name, component.version, component.arch
    );
    let mut one = Map::new();
    let kind = match component.source {
        Source::Deb | Source::Rpm => "library",
        Source::Probe | Source::Tree => "application",
        Source::Firmware => "firmware",
    };
    one.insert("type".into(), kind.into());
    // Its own words and not the package URL: two that differ in case only differ here too.
    one.insert("bom-ref".into(), own.into());
    one.insert("name".into(), component.name.as_str().into());
    one.insert("version".into(), component.version.as_str().into());
    if let Some(purl) = component.purl(subject.os_id, subject.os_version) {
        one.insert("purl".into(), purl.into());
    }
    let mut properties = vec![json!({ "name": "patchward:source", "value": source })];
    if !component.arch.is_empty() {
        let arch = component.arch.as_str();
        properties.push(json!({ "name": "patchward:architecture", "value": arch }));
    }
    one.insert("properties".into(), properties.into());
    Value::Object(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(os_id: &str) -> Subject<'_> {
        Subject {
            machine: MachineId([7; 32]),
            name: "icu-3",
            model: "station",
            os_id,
            os_version: "12",
            os_name: "",
            digest: Digest([9; 32]),
            since: UtcMs(1_795_400_000_000),
        }
    }

    fn component(source: Source, name: &str, version: &str) -> Component {
        Component {
            source,
            name: name.into(),
            version: version.into(),
            arch: "amd64".into(),
        }
    }

    #[test]
    fn a_bill_is_the_same_each_time_and_knows_its_distribution() {
        let components = [
            component(Source::Deb, "openssl", "3.0.11-1"),
            component(Source::Firmware, "bios", "A12"),
        ];
        let bytes = write(&subject("debian"), &components);
        assert_eq!(bytes, write(&subject("debian"), &components));
        let bill: Value = serde_json::from_slice(&bytes).unwrap();
        let purl = &bill["components"][1]["purl"];
        assert_eq!(
            purl,
            "pkg:deb/debian/openssl@3.0.11-1?arch=amd64&distro=debian-12"
        );
        assert_eq!(bill["components"][2]["type"], "firmware");
        assert_eq!(bill["components"][2].get("purl"), None);
        // Where nobody knows the system, no distribution is invented.
        let bytes = write(&subject(""), &components);
        let bill: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(bill["components"][0]["name"], "openssl");
        assert_eq!(bill["components"][0].get("purl"), None);
    }

    #[test]
    fn a_serial_number_is_a_uuid() {
        let serial = serial(&subject("debian"));
        let uuid = serial.strip_prefix("urn:uuid:").unwrap();
        let lengths: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&uuid[14..15], "8");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }
}
