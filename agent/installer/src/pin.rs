//! Pinning: the one moment at which a machine learns whose it is. Root does it by hand;
//! nothing that comes over the socket can.

use crate::watermark::Kept;
use ed25519_dalek::SigningKey;
use patchward_common::codec;
use patchward_common::id::MachineId;
use patchward_common::trust::charter::RootKeys;
use patchward_common::trust::sign::PublicKey;
use patchward_common::trust::watermark::Watermark;
use patchward_common::wire::token::{BadToken, EnrolmentToken};
use patchward_steps::disk::{Disk, DiskError};
use rand::TryRngCore as _;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const KEY: &str = "machine.key";
const PIN: &str = "pin";
/// Largest pin: sixteen root keys.
const MAX_PIN_BYTES: usize = 4 * 1024;

/// What `pin` writes last; where it is, the machine is pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The hospital's root as the token had it.
    pub root: RootKeys,
    /// The machine that was made.
    pub machine: MachineId,
}

/// Why a machine is not pinned, or not anew.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The token.
    #[error(transparent)]
    Token(#[from] BadToken),
    /// It is pinned.
    #[error(
        "this machine is pinned already, as {0}; to give it to another hospital, move the \
         installer's folder aside first, its journal is evidence"
    )]
    Already(MachineId),
    /// It is not.
    #[error("this machine is not pinned yet; root runs: patchward-installer pin TOKEN")]
    NotYet,
    /// The key or the pin is torn or missing.
    #[error(
        "the machine's {0} is missing or damaged; move the installer's folder aside and enrol anew"
    )]
    Damaged(&'static str),
    /// No random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Makes this machine's key, watermark and pin.
pub fn pin(disk: &Disk, token: &str) -> Result<MachineId, PinError> {
    let token = EnrolmentToken::from_text(token)?;
    if let Some(bytes) = disk.read(PIN, MAX_PIN_BYTES)? {
        let pin: Result<Pin, _> = codec::decode_deterministic(&bytes, MAX_PIN_BYTES);
        return Err(pin.map_or(PinError::Damaged("pin"), |pin| {
            PinError::Already(pin.machine)
        }));
    }
    let seed = Zeroizing::new(random::<32>()?);
    let key = SigningKey::from_bytes(&seed);
    let machine = MachineId(PublicKey::of(&key).id().0);
    disk.write(KEY, &*seed)?;
    Kept::create(disk, Watermark::new(machine, token.root.clone()))?;
    let pin = Pin {
        root: token.root,
        machine,
    };
    disk.write(PIN, &codec::encode_deterministic(&pin))?;
    Ok(machine)
}

/// The machine's key and pin.
pub fn load(disk: &Disk) -> Result<(SigningKey, Pin), PinError> {
    let bytes = disk.read(PIN, MAX_PIN_BYTES)?.ok_or(PinError::NotYet)?;
    let pin: Pin =
        codec::decode_deterministic(&bytes, MAX_PIN_BYTES).map_err(|_| PinError::Damaged("pin"))?;
    let seed = disk.read(KEY, 32)?.map(Zeroizing::new);
    let seed = seed.and_then(|seed| <[u8; 32]>::try_from(seed.as_slice()).ok());
    let key = SigningKey::from_bytes(&Zeroizing::new(seed.ok_or(PinError::Damaged("key"))?));
    if MachineId(PublicKey::of(&key).id().0) != pin.machine {
        return Err(PinError::Damaged("key"));
    }
    Ok((key, pin))
}

/// Random bytes of the system.
pub fn random<const N: usize>() -> Result<[u8; N], PinError> {
    let mut bytes = [0; N];
    let filled = rand::rngs::OsRng.try_fill_bytes(&mut bytes);
    filled.map_err(|error| PinError::Random(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::digest::Digest;

    fn token() -> String {
        let root = RootKeys {
            keys: vec![PublicKey([3; 32])],
            threshold: 1,
        };
        let token = EnrolmentToken {
            addresses: vec!["localhost:1".to_owned()],
            ca: Digest([1; 32]),
            root,
            secret: vec![2; 32].into(),
        };
        token.to_text()
    }

    #[test]
    fn a_machine_is_pinned_once() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path(), |_| {}).unwrap();
        assert!(matches!(load(&disk), Err(PinError::NotYet)));
        assert!(matches!(
            pin(&disk, "patchward1.00"),
            Err(PinError::Token(_))
        ));
        let machine = pin(&disk, &token()).unwrap();
        let (key, pinned) = load(&disk).unwrap();
        assert_eq!(pinned.machine, machine);
        assert_eq!(Kept::load(&disk).unwrap().value().machine, machine);
        let again = pin(&disk, &token()).unwrap_err();
        assert!(matches!(again, PinError::Already(found) if found == machine));
        assert_eq!(load(&disk).unwrap().0.to_bytes(), key.to_bytes());
    }

    #[test]
    fn a_pin_that_was_cut_off_is_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path(), |_| {}).unwrap();
        let first = pin(&disk, &token()).unwrap();
        disk.remove(PIN).unwrap();
        assert_ne!(pin(&disk, &token()).unwrap(), first);
        disk.write(KEY, &[9; 31]).unwrap();
        assert!(matches!(load(&disk), Err(PinError::Damaged("key"))));
        disk.write(KEY, &[9; 32]).unwrap();
        assert!(matches!(load(&disk), Err(PinError::Damaged("key"))));
    }
}
