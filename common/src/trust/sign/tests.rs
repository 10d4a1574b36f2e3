use super::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    text: String,
}

impl Document for Note {
    const TYPE: &'static str = "patchward/note.1";
    const MAX_BYTES: usize = 64;
}

/// The same shape under another type.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherNote {
    text: String,
}

impl Document for OtherNote {
    const TYPE: &'static str = "patchward/note.2";
    const MAX_BYTES: usize = 64;
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn note() -> Note {
    Note {
        text: "half past two".into(),
    }
}

#[test]
fn signers_are_those_whose_signature_is_valid() {
    let mut signed = Signed::new(&note(), &key(1));
    signed.cosign(&key(2));
    signed.cosign(&key(3));
    signed.cosign(&key(1));
    let known = [PublicKey::of(&key(1)), PublicKey::of(&key(2))];
    let verified = signed.verify(&known).unwrap();
    assert_eq!(*verified, note());
    let expected: BTreeSet<KeyId> = known.iter().map(PublicKey::id).collect();
    assert_eq!(verified.signers(), &expected);
}

#[test]
fn a_changed_payload_has_no_signer() {
    let signed = Signed::new(&note(), &key(1));
    for at in 0..signed.payload.len() {
        let mut changed = signed.clone();
        changed.payload[at] ^= 1;
        let outcome = changed.verify(&[PublicKey::of(&key(1))]);
        assert!(matches!(outcome, Err(SignError::NoValidSignature)));
    }
}

#[test]
fn a_changed_signature_is_no_signature() {
    let signed = Signed::new(&note(), &key(1));
    for at in 0..signed.signatures[0].len() {
        let mut changed = signed.clone();
        changed.signatures[0][at] ^= 1;
        assert!(
            changed.verify(&[PublicKey::of(&key(1))]).is_err(),
            "byte {at}"
        );
    }
}

#[test]
fn one_type_is_never_read_as_another() {
    let signed = Signed::new(&note(), &key(1));
    let other: Signed<OtherNote> = codec::decode(&codec::encode(&signed), 1_000).unwrap();
    assert!(matches!(
        other.verify(&[PublicKey::of(&key(1))]),
        Err(SignError::NoValidSignature)
    ));
}

#[test]
fn an_invalid_signature_does_not_spoil_a_valid_one() {
    let mut signed = Signed::new(&note(), &key(1));
    signed.signatures.insert(0, b"garbage".to_vec());
    signed.signatures.insert(0, vec![0; 10_000]);
    assert!(signed.verify(&[PublicKey::of(&key(1))]).is_ok());
}

#[test]
fn limits_are_checked_before_signatures() {
    let long = Note {
        text: "x".repeat(100),
    };
    let signed = Signed::new(&long, &key(1));
    assert!(matches!(
        signed.verify(&[PublicKey::of(&key(1))]),
        Err(SignError::TooLarge { limit: 64, .. })
    ));
    let mut signed = Signed::new(&note(), &key(1));
    (0..MAX_SIGNATURES).for_each(|_| signed.cosign(&key(1)));
    assert!(matches!(
        signed.verify(&[PublicKey::of(&key(1))]),
        Err(SignError::TooLarge { .. })
    ));
}

#[test]
fn signed_bytes_of_another_encoding_are_refused() {
    let mut signed: Signed<Note> = Signed::unsigned(b"\xbf\x64text\x61a\xff".to_vec());
    signed.cosign(&key(1));
    assert!(matches!(
        signed.verify(&[PublicKey::of(&key(1))]),
        Err(SignError::Payload(DecodeError::Malformed { .. }))
    ));
}

#[test]
fn a_key_of_small_order_is_no_key() {
    let identity = PublicKey({
        let mut bytes = [0; 32];
        bytes[0] = 1;
        bytes
    });
    let mut signed = Signed::new(&note(), &key(1));
    let mut cose = CoseSign1::from_slice(&signed.signatures[0]).unwrap();
    cose.protected = protected::<Note>(identity.id());
    // R = identity, S = 0 satisfies the cofactored equation for a key of order one.
    cose.signature = [&identity.0[..], &[0; 32]].concat();
    signed.signatures = vec![cose.to_vec().unwrap()];
    assert!(matches!(
        signed.verify(&[identity]),
        Err(SignError::NoValidSignature)
    ));
}
