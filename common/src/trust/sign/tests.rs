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

/// A note with everything that a carrier can add to it.
fn padded() -> Signed<Note> {
    let mut signed = Signed::new(&note(), &key(1));
    signed.cosign(&key(2));
    signed.signatures.insert(0, b"garbage".to_vec());
    signed.signatures.insert(0, vec![0; MAX_SIGNATURE_BYTES]);
    signed.signatures.insert(0, vec![0; 10_000]);
    (0..2 * MAX_SIGNATURES).for_each(|_| signed.cosign(&key(1)));
    (0..2 * MAX_SIGNATURES).for_each(|_| signed.cosign(&key(99)));
    signed
}

#[test]
fn a_keeper_keeps_only_what_counts() {
    let signed = padded();
    let known = [1, 2, 3].map(|seed| PublicKey::of(&key(seed)));
    let kept = signed.trimmed(&known);
    assert_eq!(kept.payload, signed.payload);
    assert_eq!(kept.signatures.len(), 2, "one per key");
    assert!(
        signed.verify(&known).is_err(),
        "the padding is over the limit"
    );
    let signers = kept.verify(&known).unwrap().signers;
    assert_eq!(signers, known[..2].iter().map(PublicKey::id).collect());
    assert_eq!(kept.trimmed(&known), kept, "again changes nothing");
    assert_eq!(signed.trimmed(&[]).signatures, Vec::<Vec<u8>>::new());
}

#[test]
fn what_is_kept_is_within_the_limit_that_readers_have() {
    let mut signed: Signed<Note> = Signed::unsigned(codec::encode_deterministic(&note()));
    let seeds = 1..=MAX_SIGNATURES as u8 + 4;
    seeds.clone().for_each(|seed| signed.cosign(&key(seed)));
    let known: Vec<PublicKey> = seeds.map(|seed| PublicKey::of(&key(seed))).collect();
    assert_eq!(signed.signers(&known).len(), known.len());
    assert_eq!(signed.trimmed(&known).signatures.len(), MAX_SIGNATURES);
    assert!(signed.trimmed(&known).verify(&known).is_ok());
}

#[test]
fn too_many_and_too_long_signatures_are_refused_as_they_are_read() {
    let read = |signed: &Signed<Note>| {
        codec::decode::<Signed<Note>>(&codec::encode(signed), 1 << 20).map_err(|e| e.to_string())
    };
    let mut signed = Signed::new(&note(), &key(1));
    signed.signatures.push(vec![0; MAX_SIGNATURE_BYTES]);
    assert_eq!(read(&signed).unwrap(), signed);
    signed.signatures.push(vec![0; MAX_SIGNATURE_BYTES + 1]);
    let refused = read(&signed).unwrap_err();
    assert!(refused.contains("a signature of 513"), "{refused}");
    signed.signatures = vec![Vec::new(); MAX_CARRIED_SIGNATURES];
    assert!(read(&signed).is_ok());
    signed.signatures.push(Vec::new());
    let refused = read(&signed).unwrap_err();
    assert!(refused.contains("number of signatures"), "{refused}");
}

#[test]
fn a_ready_key_signs_for_the_same_bytes() {
    let ready = PublicKey::of(&key(1)).ready::<Note>().unwrap();
    // Every form that a length has.
    for length in [0, 1, 23, 24, 255, 256, 65_535, 65_536] {
        let payload = vec![7; length];
        let bytes = signed_bytes::<Note>(ready.id, &payload);
        assert_eq!(ready.signed(&payload), bytes, "{length} bytes");
    }
}

#[test]
fn a_ready_key_takes_what_the_key_takes() {
    let known = PublicKey::of(&key(1));
    let ready = known.ready::<Note>().unwrap();
    let mut signed = Signed::new(&note(), &key(2));
    assert!(signed.verify_by(&ready).is_err());
    signed.cosign(&key(1));
    assert_eq!(
        signed.verify_by(&ready).unwrap(),
        signed.verify(&[known]).unwrap()
    );
    for which in 0..signed.signatures[1].len() {
        let mut changed = signed.clone();
        changed.signatures[1][which] ^= 1;
        assert!(changed.verify_by(&ready).is_err(), "byte {which}");
    }
    // Another document's signature, and another type's.
    let mut changed = signed.clone();
    changed.payload[3] ^= 1;
    assert!(changed.verify_by(&ready).is_err());
    let other = known.ready::<OtherNote>().unwrap();
    let other_type = Signed::<OtherNote> {
        payload: signed.payload.clone(),
        signatures: signed.signatures.clone(),
        document: PhantomData,
    };
    assert!(other_type.verify_by(&other).is_err());
}
