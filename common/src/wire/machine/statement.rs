//! What an installer looks at before it signs a statement that an agent brings.

use super::EnrolmentStatement;
use crate::id::BootId;
use crate::time::{MINUTE_MS, UtcMs};
use crate::trust::go::CLOCK_BOUND_MS;
use crate::trust::sign::PublicKey;

/// How far a statement's clock may be off; the same machine made it just now.
const AGE_MS: i64 = CLOCK_BOUND_MS + MINUTE_MS;

impl EnrolmentStatement {
    /// Whether it is of this machine, this boot and this hour.
    ///
    /// # Errors
    /// What it is of instead; the text is for people.
    pub fn is_of(&self, key: PublicKey, boot: BootId, now: UtcMs) -> Result<(), &'static str> {
        if self.key != key {
            return Err("it names another machine's key");
        }
        if self.boot != boot {
            return Err("it is of another boot");
        }
        if now.since_ms(self.at).saturating_abs() > AGE_MS {
            return Err("its time is not now");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use ed25519_dalek::SigningKey;

    #[test]
    fn only_of_this_machine_boot_and_hour() {
        let key = |seed| PublicKey::of(&SigningKey::from_bytes(&[seed; 32]));
        let (boot, now) = (BootId([1; 16]), UtcMs(1_000_000_000));
        let statement = EnrolmentStatement {
            key: key(1),
            csr: vec![1].into(),
            token: None,
            fingerprint: Digest([3; 32]),
            boot,
            at: now,
        };
        assert_eq!(statement.is_of(key(1), boot, now), Ok(()));
        assert_eq!(statement.is_of(key(1), boot, now.plus_ms(AGE_MS)), Ok(()));
        for (key, boot, now, says) in [
            (key(2), boot, now, "key"),
            (key(1), BootId([2; 16]), now, "boot"),
            (key(1), boot, now.plus_ms(AGE_MS + 1), "time"),
            (key(1), boot, now.plus_ms(-AGE_MS - 1), "time"),
        ] {
            let why = statement.is_of(key, boot, now).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }
}
