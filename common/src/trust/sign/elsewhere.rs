//! Signatures of keys that are elsewhere, such as in a browser.

use super::{Document, KeyId, Signed, header, signed_bytes};
use ed25519_dalek::SIGNATURE_LENGTH;

impl<T: Document> Signed<T> {
    /// What the key `id` has to sign here (RFC 9052 §4.4): for a key that is elsewhere, such
    /// as in a browser.
    pub fn to_be_signed(&self, id: KeyId) -> Vec<u8> {
        signed_bytes::<T>(id, &self.payload)
    }

    /// Adds a signature that the key `id` made elsewhere over [`Self::to_be_signed`]. Whether
    /// it is one is found out where every signature is.
    pub fn add_made(&mut self, id: KeyId, bytes: &[u8; SIGNATURE_LENGTH]) {
        let mut signature = header::<T>(id);
        signature.extend_from_slice(bytes);
        self.add_signatures([signature]);
    }
}

#[cfg(test)]
mod tests {
    use crate::id::Label;
    use crate::time::UtcMs;
    use crate::trust::sign::{PublicKey, Signed};
    use crate::trust::stop::{Scope, Stop};
    use ed25519_dalek::{Signer as _, SigningKey};

    #[test]
    fn a_signature_made_elsewhere_is_the_one_that_is_made_here() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let id = PublicKey::of(&key).id();
        let stop = Stop {
            scope: Scope::All,
            reason: Label::new("test").unwrap(),
            issued: UtcMs(1),
        };
        let here = Signed::new(&stop, &key);
        let mut elsewhere = Signed::<Stop>::unsigned(here.payload().to_vec());
        let bytes = key.sign(&elsewhere.to_be_signed(id)).to_bytes();
        elsewhere.add_made(id, &bytes);
        assert_eq!(elsewhere, here);
        let mut wrong = Signed::<Stop>::unsigned(here.payload().to_vec());
        wrong.add_made(id, &[1; 64]);
        assert!(wrong.verify([&PublicKey::of(&key)]).is_err());
    }
}
