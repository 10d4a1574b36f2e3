//! Reading a device's file, strictly.

use super::{
    BadDevice, Device, EVERY_MINUTES, MAX_EVERY_MINUTES, MIN_EVERY_MINUTES, SnmpAccess, SnmpAuth,
    SnmpCipher, SnmpHash, SnmpPrivacy, Way,
};
use crate::component::MAX_FIELD_BYTES;
use crate::id::{Label, Name};
use crate::probe::{check_argv, check_path, version_from};
use crate::settings;
use serde::Deserialize;

/// Most bytes of an application entity title (PS3.5 §6.2, VR AE).
const MAX_TITLE_BYTES: usize = 16;
/// Most bytes of a community, user or password.
const MAX_SECRET_BYTES: usize = 255;
/// Shortest password of SNMPv3 (RFC 3414 §11.2).
const MIN_PASSWORD_BYTES: usize = 8;
/// Most bytes of an address or URL.
const MAX_ADDRESS_BYTES: usize = 2_048;
/// Most numbers of an object identifier (RFC 2578 §3.5).
const MAX_OID_NUMBERS: usize = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    asset: String,
    component: String,
    kind: String,
    version: String,
    every_minutes: Option<u32>,
    #[serde(default)]
    model_version: bool,
    address: Option<String>,
    called: Option<String>,
    calling: Option<String>,
    oid: Option<String>,
    community: Option<String>,
    user: Option<String>,
    auth: Option<SnmpHash>,
    auth_password: Option<String>,
    privacy: Option<SnmpCipher>,
    privacy_password: Option<String>,
    url: Option<String>,
    ca_file: Option<String>,
    argv: Option<Vec<String>>,
    path: Option<String>,
}

/// Reads a device's file.
///
/// # Errors
/// What is wrong with it, and where.
pub fn parse(name: Name, text: &str) -> Result<Device, BadDevice> {
    let mut raw: Raw = settings::parse(text)?;
    let asset = Label::new(&raw.asset).map_err(|error| value("asset", error.to_string()))?;
    let component = std::mem::take(&mut raw.component);
    if component.is_empty()
        || component.len() > MAX_FIELD_BYTES
        || component.chars().any(char::is_control)
    {
        let problem = format!("1 to {MAX_FIELD_BYTES} bytes, without control characters");
        return Err(value("component", problem));
    }
    let every_minutes = raw.every_minutes.unwrap_or(EVERY_MINUTES);
    if !(MIN_EVERY_MINUTES..=MAX_EVERY_MINUTES).contains(&every_minutes) {
        let problem = format!("{MIN_EVERY_MINUTES} to {MAX_EVERY_MINUTES} minutes");
        return Err(value("every_minutes", problem));
    }
    let version = version_from(&raw.version)?;
    let way = raw.way()?;
    Ok(Device {
        name,
        asset,
        component,
        is_model_version: raw.model_version,
        version,
        every_minutes,
        way,
    })
}

impl Raw {
    fn way(&mut self) -> Result<Way, BadDevice> {
        let kind = std::mem::take(&mut self.kind);
        let (way, kind) = match kind.as_str() {
            "dicom" => (self.dicom()?, "dicom"),
            "snmp" => (self.snmp()?, "snmp"),
            "http" => (self.http()?, "http"),
            "command" => {
                let argv = needed(self.argv.take(), "command", "argv")?;
                check_argv(&argv)?;
                (Way::Command { argv }, "command")
            }
            "file" => {
                let path = needed(self.path.take(), "file", "path")?;
                check_path("path", &path)?;
                (Way::File { path }, "file")
            }
            other => {
                let problem = format!("{other:?} is none of dicom, snmp, http, command, file");
                return Err(value("kind", problem));
            }
        };
        self.nothing_left(kind)?;
        Ok(way)
    }

    fn dicom(&mut self) -> Result<Way, BadDevice> {
        let address = self.address("dicom")?;
        let called = needed(self.called.take(), "dicom", "called")?;
        let calling = self.calling.take().unwrap_or_else(|| "PATCHWARD".into());
        for (key, title) in [("called", &called), ("calling", &calling)] {
            let is_title = (1..=MAX_TITLE_BYTES).contains(&title.trim().len())
                && title.len() <= MAX_TITLE_BYTES
                && title
                    .bytes()
                    .all(|b| (b' '..=b'~').contains(&b) && b != b'\\');
            if !is_title {
                let problem = format!("1 to {MAX_TITLE_BYTES} characters of ASCII, without \\");
                return Err(value(key, problem));
            }
        }
        Ok(Way::Dicom {
            address,
            called,
            calling,
        })
    }

    fn snmp(&mut self) -> Result<Way, BadDevice> {
        let address = self.address("snmp")?;
        let oid = needed(self.oid.take(), "snmp", "oid")?;
        let numbers: Vec<_> = oid.split('.').map(str::parse::<u32>).collect();
        if !(2..=MAX_OID_NUMBERS).contains(&numbers.len()) || numbers.iter().any(Result::is_err) {
            let problem = "dotted digits, as in 1.3.6.1.2.1.1.1.0".to_owned();
            return Err(value("oid", problem));
        }
        let access = match (self.community.take(), self.user.take()) {
            (Some(community), None) => {
                secret("community", &community, 1)?;
                SnmpAccess::V2c { community }
            }
            (None, Some(user)) => self.v3(user)?,
            _ => {
                let problem = "needs either community (v2c) or user (v3)".to_owned();
                return Err(BadDevice::Key {
                    kind: "snmp",
                    problem,
                });
            }
        };
        Ok(Way::Snmp {
            address,
            oid,
            access,
        })
    }

    fn v3(&mut self, user: String) -> Result<SnmpAccess, BadDevice> {
        secret("user", &user, 1)?;
        let auth = match (self.auth.take(), self.auth_password.take()) {
            (Some(protocol), Some(password)) => Some(SnmpAuth { protocol, password }),
            (None, None) => None,
            _ => return Err(pair("auth")),
        };
        let privacy = match (self.privacy.take(), self.privacy_password.take()) {
            (Some(protocol), Some(password)) => Some(SnmpPrivacy { protocol, password }),
            (None, None) => None,
            _ => return Err(pair("privacy")),
        };
        if let Some(auth) = &auth {
            secret("auth_password", &auth.password, MIN_PASSWORD_BYTES)?;
        }
        if let Some(privacy) = &privacy {
            secret("privacy_password", &privacy.password, MIN_PASSWORD_BYTES)?;
        }
        if privacy.is_some() && auth.is_none() {
            let problem = "has no privacy without auth (RFC 3414 §1.4)".to_owned();
            return Err(BadDevice::Key {
                kind: "snmp",
                problem,
            });
        }
        Ok(SnmpAccess::V3 {
            user,
            auth,
            privacy,
        })
    }

    fn http(&mut self) -> Result<Way, BadDevice> {
        let url = needed(self.url.take(), "http", "url")?;
        let rest = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("https://"));
        let has_host = rest.is_some_and(|rest| !rest.starts_with('/') && !rest.is_empty());
        if !has_host || url.len() > MAX_ADDRESS_BYTES || url.chars().any(char::is_control) {
            let problem = "http:// or https:// with a host".to_owned();
            return Err(value("url", problem));
        }
        let ca_file = self.ca_file.take();
        if let Some(path) = &ca_file {
            check_path("ca_file", path)?;
        }
        Ok(Way::Http { url, ca_file })
    }

    fn address(&mut self, kind: &'static str) -> Result<String, BadDevice> {
        let address = needed(self.address.take(), kind, "address")?;
        let parts = address.rsplit_once(':');
        let is_address = parts.is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0)
        });
        if !is_address || address.len() > MAX_ADDRESS_BYTES || address.contains('/') {
            let problem = "one host:port, such as 10.20.3.4:104".to_owned();
            return Err(value("address", problem));
        }
        Ok(address)
    }

    fn nothing_left(&self, kind: &'static str) -> Result<(), BadDevice> {
        for (key, is_left) in [
            ("address", self.address.is_some()),
            ("called", self.called.is_some()),
            ("calling", self.calling.is_some()),
            ("oid", self.oid.is_some()),
            ("community", self.community.is_some()),
            ("user", self.user.is_some()),
            ("auth", self.auth.is_some() || self.auth_password.is_some()),
            (
                "privacy",
                self.privacy.is_some() || self.privacy_password.is_some(),
            ),
            ("url", self.url.is_some()),
            ("ca_file", self.ca_file.is_some()),
            ("argv", self.argv.is_some()),
            ("path", self.path.is_some()),
        ] {
            if is_left {
                return Err(BadDevice::Key {
                    kind,
                    problem: format!("has no key {key:?}; remove it"),
                });
            }
        }
        Ok(())
    }
}

fn needed<T>(value: Option<T>, kind: &'static str, key: &'static str) -> Result<T, BadDevice> {
    value.ok_or_else(|| BadDevice::Key {
        kind,
        problem: format!("needs the key {key:?}"),
    })
}

fn value(key: &'static str, problem: String) -> BadDevice {
    BadDevice::Value { key, problem }
}

fn pair(key: &'static str) -> BadDevice {
    BadDevice::Key {
        kind: "snmp",
        problem: format!("needs {key} and {key}_password together"),
    }
}

fn secret(key: &'static str, text: &str, at_least: usize) -> Result<(), BadDevice> {
    match (at_least..=MAX_SECRET_BYTES).contains(&text.len()) {
        true => Ok(()),
        false => Err(value(
            key,
            format!("{at_least} to {MAX_SECRET_BYTES} bytes"),
        )),
    }
}
