//! Medical devices beside a machine: how an agent asks one for its version.
//!
//! A device is one TOML file of `devices.d`, which root owns: only the address that stands
//! there is asked, one device after the other, and nothing is ever searched for. What a
//! device answers is reported; nothing is installed on it.

mod file;

use crate::id::{Label, Name};
use crate::probe::{BadProbe, VersionFrom};
use crate::time::{DAY_MS, MINUTE_MS, UtcMs};
use serde::{Deserialize, Serialize};

pub use file::parse;

/// Longest time that a device gets for its answer, in milliseconds. Some are slow, and all
/// are asked one after the other.
pub const DEVICE_LIMIT_MS: u64 = 10_000;
/// Most bytes of an answer; a status page has a few thousand.
pub const MAX_ANSWER_BYTES: usize = 64 * 1_024;
/// Most devices beside one machine: at [`DEVICE_LIMIT_MS`] and the pause between two, all of
/// them are asked within [`MIN_EVERY_MINUTES`].
pub const MAX_DEVICES: usize = 64;
/// Pause between two devices, in milliseconds: the network of a ward notices nothing.
pub const PAUSE_MS: u64 = 1_000;
/// A device is asked no more often than this, in minutes.
pub const MIN_EVERY_MINUTES: u32 = 15;
/// How often a device is asked where its file does not say, in minutes.
pub const EVERY_MINUTES: u32 = 60;
/// A device that is asked more rarely than daily is not known.
pub const MAX_EVERY_MINUTES: u32 = 24 * 60;
/// So many times its interval an answer says what there is; of a device that is silent for
/// longer, its version is not known.
pub const KNOWN_INTERVALS: u32 = 14;
/// And at least this long: many a device is switched off at weekends, or between patients.
pub const MIN_KNOWN_MS: i64 = 7 * DAY_MS;

/// Until when an answer says what there is.
pub fn known_until(answered_at: UtcMs, every_minutes: u32) -> UtcMs {
    let intervals = i64::from(every_minutes) * i64::from(KNOWN_INTERVALS) * MINUTE_MS;
    answered_at.plus_ms(intervals.max(MIN_KNOWN_MS))
}

/// A device as its file defines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The file's stem.
    pub name: Name,
    /// Its asset tag.
    pub asset: Label,
    /// Of what the answer is the version: the product that a release names.
    pub component: String,
    /// Whether that is the version by which the asset's model is known. A toolkit within it
    /// has another.
    pub is_model_version: bool,
    /// Where in the answer the version stands.
    pub version: VersionFrom,
    /// How often it is asked.
    pub every_minutes: u32,
    /// How it is asked.
    pub way: Way,
}

/// How a device is asked. The ways over the network are those of a program of their own,
/// which reads this as JSON from its input: passwords are in no list of processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// DICOM verification, C-ECHO (PS3.7 §9.1.5). The answer is JSON:
    /// `implementation_class_uid` and `implementation_version_name` of the association
    /// (PS3.7 §D.3.3.2).
    Dicom {
        /// `host:port`.
        address: String,
        /// The device's application entity title.
        called: String,
        /// Ours.
        calling: String,
    },
    /// One value by SNMP. The answer is its text.
    Snmp {
        /// `host:port`.
        address: String,
        /// The object, in dotted digits.
        oid: String,
        /// Who asks.
        access: SnmpAccess,
    },
    /// A page by HTTP, without redirects. The answer is its body.
    Http {
        /// Where.
        url: String,
        /// PEM certificates that are trusted instead of the system's.
        ca_file: Option<String>,
    },
    /// A program of this machine.
    Command {
        /// Its absolute path, and its arguments.
        argv: Vec<String>,
    },
    /// A file of this machine.
    File {
        /// Its absolute path.
        path: String,
    },
}

/// Who asks by SNMP.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnmpAccess {
    /// SNMPv2c (RFC 1901).
    V2c {
        /// The community.
        community: String,
    },
    /// SNMPv3 with the user-based security model (RFC 3414).
    V3 {
        /// The user.
        user: String,
        /// Without one, nothing is authenticated.
        auth: Option<SnmpAuth>,
        /// Without one, nothing is encrypted.
        privacy: Option<SnmpPrivacy>,
    },
}

impl std::fmt::Debug for SnmpAccess {
    /// Without what is secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::V2c { .. } => "V2c",
            Self::V3 { .. } => "V3",
        })
    }
}

/// How a user of SNMPv3 is known.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnmpAuth {
    /// The hash.
    pub protocol: SnmpHash,
    /// The password.
    pub password: String,
}

/// How what a user of SNMPv3 asks is encrypted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnmpPrivacy {
    /// The cipher.
    pub protocol: SnmpCipher,
    /// The password.
    pub password: String,
}

/// Hashes of RFC 3414 and RFC 7860; devices are old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnmpHash {
    /// HMAC-MD5-96.
    Md5,
    /// HMAC-SHA-96.
    Sha1,
    /// HMAC-192-SHA-256.
    Sha256,
    /// HMAC-384-SHA-512.
    Sha512,
}

/// Ciphers of RFC 3414 and RFC 3826, and the longer keys that devices have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnmpCipher {
    /// CBC-DES.
    Des,
    /// CFB128-AES-128.
    Aes128,
    /// AES-256.
    Aes256,
}

impl Way {
    /// Whether its file holds something that others must not read.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Snmp { .. })
    }

    /// Whether it goes over the network.
    pub fn is_remote(&self) -> bool {
        !matches!(self, Self::Command { .. } | Self::File { .. })
    }
}

/// Why a device's file was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadDevice {
    /// Not TOML, or an unknown key.
    #[error(transparent)]
    Settings(#[from] crate::settings::BadSettings),
    /// A part that it shares with probes.
    #[error(transparent)]
    Probe(#[from] BadProbe),
    /// A key that is missing, or says nothing for this kind.
    #[error("a device asked by {kind} {problem}")]
    Key {
        /// The kind.
        kind: &'static str,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A value that cannot be.
    #[error("{key}: {problem}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong.
        problem: String,
    },
}

#[cfg(test)]
mod tests;
