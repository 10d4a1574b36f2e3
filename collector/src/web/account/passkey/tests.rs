//! What answers of authenticators prove, with one made here: a P-256 key, no attestation
//! (Web Authentication Level 3, §6.1 and §8.7).

use super::party::Party;
use super::proof::{self, Wrong};
use crate::store::accounts::{Account, Passkey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use patchward_common::digest::Digest;
use patchward_common::id::{Label, Name};
use patchward_common::time::UtcMs;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use webauthn_rp::response::auth::ser_relaxed::CustomAuthentication;
use webauthn_rp::response::register::ser_relaxed::CustomRegistration;

const ADDRESS: &str = "https://p.example:8443";
const NOW: UtcMs = UtcMs(1_000);
/// Flags: the person is there, and the device made sure who it is.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
/// The public key is in it.
const WITH_KEY: u8 = 0x40;

/// An authenticator and the browser around it; each field can lie.
struct Device {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    handle: String,
    origin: &'static str,
    host: &'static str,
    flags: u8,
    count: u32,
    kind: Option<&'static str>,
    challenge: Option<String>,
}

impl Device {
    fn new() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random);
        Self {
            key: key.unwrap(),
            id: vec![7; 32],
            handle: String::new(),
            origin: ADDRESS,
            host: "p.example",
            flags: PRESENT | VERIFIED,
            count: 1,
            kind: None,
            challenge: None,
        }
    }

    fn client_data(&self, kind: &str, told: &Value) -> Vec<u8> {
        let challenge = told["challenge"].as_str().unwrap().to_owned();
        let data = json!({
            "type": self.kind.unwrap_or(kind),
            "challenge": self.challenge.clone().unwrap_or(challenge),
            "origin": self.origin,
            "crossOrigin": false,
        });
        data.to_string().into_bytes()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let host = Digest::of(self.host.as_bytes());
        [&host.0[..], &[flags], &self.count.to_be_bytes()].concat()
    }

    /// What it answers when a passkey is asked for.
    fn made(&mut self, told: &Value) -> CustomRegistration {
        self.handle = told["user"]["id"].as_str().unwrap().to_owned();
        let point = self.key.public_key().as_ref();
        let cose = [
            &[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..],
            &point[1..33],
            &[0x22, 0x58, 32],
            &point[33..],
        ]
        .concat();
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let data = self.data(self.flags | WITH_KEY);
        let data = [&data[..], &[0; 16], &length, &self.id, &cose].concat();
        let object = [
            &b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"[..],
            &[u8::try_from(data.len()).unwrap()],
            &data,
        ]
        .concat();
        let answer = json!({
            "attestationObject": BASE64.encode(object),
            "clientDataJSON": BASE64.encode(self.client_data("webauthn.create", told)),
            "clientExtensionResults": {},
            "transports": [],
        });
        serde_json::from_value(answer).unwrap()
    }

    /// What it answers when somebody signs in.
    fn used(&self, told: &Value) -> CustomAuthentication<64, true> {
        let data = self.data(self.flags);
        let client = self.client_data("webauthn.get", told);
        let signed = [&data[..], &Digest::of(&client).0].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        let answer = json!({
            "authenticatorData": BASE64.encode(data),
            "clientDataJSON": BASE64.encode(client),
            "clientExtensionResults": {},
            "id": BASE64.encode(&self.id),
            "signature": BASE64.encode(signature),
            "userHandle": self.handle,
        });
        serde_json::from_value(answer).unwrap()
    }
}

fn party() -> Party {
    Party::of(ADDRESS).unwrap()
}

fn ada() -> Account {
    Account {
        name: Name::new("ada").unwrap(),
        title: Label::new("Ada  (HTM)").unwrap(),
        password: None,
        totp: None,
        totp_step: 0,
        failures: 0,
        locked_until: None,
        added_at: NOW,
        ended_at: None,
    }
}

fn add(device: &mut Device, known: &[Passkey]) -> Result<Passkey, String> {
    let (adding, told) = proof::ask_new(&party(), &ada(), known).unwrap();
    let answer = device.made(&told);
    let title = Label::new("telephone").unwrap();
    proof::added(adding, &party(), &answer.0, &ada(), title, NOW)
}

fn enter(device: &Device, passkey: &Passkey) -> Result<Vec<u8>, Wrong> {
    let (entering, told) = proof::ask(&party()).unwrap();
    proof::entered(entering, &party(), &device.used(&told).0, passkey)
}

#[test]
fn a_passkey_that_was_added_proves_its_person() {
    let mut device = Device::new();
    let mut passkey = add(&mut device, &[]).unwrap();
    assert_eq!((passkey.id.len(), passkey.handle.len()), (32, 64));
    for count in [2, 3, 900] {
        device.count = count;
        let state = enter(&device, &passkey).unwrap();
        assert_ne!(state, passkey.state, "the counter is kept");
        passkey.state = state;
    }
}

#[test]
fn what_browsers_are_told_asks_for_a_person_whom_the_device_knows() {
    let first = add(&mut Device::new(), &[]).unwrap();
    let (_, told) = proof::ask_new(&party(), &ada(), std::slice::from_ref(&first)).unwrap();
    let asked = &told["authenticatorSelection"];
    assert_eq!(asked["residentKey"], "required");
    assert_eq!(asked["userVerification"], "required");
    assert_eq!(told["rp"]["id"], "p.example");
    assert_eq!(told["timeout"], super::CHALLENGE_MS);
    // No device makes a second one, and all of a person's know the person by the same bytes.
    assert_eq!(
        told["excludeCredentials"][0]["id"],
        BASE64.encode(&first.id)
    );
    assert_eq!(told["user"]["id"], BASE64.encode(&first.handle));
    let (_, told) = proof::ask(&party()).unwrap();
    assert_eq!(told["userVerification"], "required");
    assert_eq!(told["allowCredentials"], json!([]));
}

#[test]
fn other_answers_add_nothing() {
    for (what, lie) in [
        (
            "of another address",
            (|d| d.origin = "https://evil.example") as fn(&mut Device),
        ),
        ("of another port", |d| d.origin = "https://p.example"),
        ("for another host", |d| d.host = "evil.example"),
        ("with nobody there", |d| d.flags = VERIFIED),
        ("of anybody", |d| d.flags = PRESENT),
        ("to another question", |d| {
            d.challenge = Some(BASE64.encode([1; 16]));
        }),
        ("of another kind", |d| d.kind = Some("webauthn.get")),
    ] {
        let mut device = Device::new();
        lie(&mut device);
        assert!(add(&mut device, &[]).is_err(), "{what}");
    }
}

#[test]
fn other_answers_prove_nothing() {
    for (what, lie) in [
        (
            "of another address",
            (|d| d.origin = "https://evil.example") as fn(&mut Device),
        ),
        ("for another host", |d| d.host = "evil.example"),
        ("with nobody there", |d| d.flags = VERIFIED),
        ("of anybody", |d| d.flags = PRESENT),
        ("to another question", |d| {
            d.challenge = Some(BASE64.encode([1; 16]));
        }),
        ("of another kind", |d| d.kind = Some("webauthn.create")),
        ("of another key", |d| d.key = Device::new().key),
        ("of another person", |d| d.handle = BASE64.encode([9; 64])),
        ("of another passkey", |d| d.id = vec![8; 32]),
    ] {
        let mut device = Device::new();
        let passkey = add(&mut device, &[]).unwrap();
        device.count = 2;
        lie(&mut device);
        let said = enter(&device, &passkey);
        assert!(matches!(said, Err(Wrong::Other(_))), "{what}: {said:?}");
    }
}

#[test]
fn a_counter_that_goes_back_tells_of_a_copy() {
    let mut device = Device::new();
    device.count = 5;
    let passkey = add(&mut device, &[]).unwrap();
    for count in [0, 4, 5] {
        device.count = count;
        let said = enter(&device, &passkey);
        assert!(matches!(said, Err(Wrong::Copied)), "{count}: {said:?}");
    }
    // Passkeys that are on several devices at once do not count at all.
    let mut device = Device::new();
    device.count = 0;
    let passkey = add(&mut device, &[]).unwrap();
    assert_eq!(enter(&device, &passkey).unwrap(), passkey.state);
}
