//! Sign-in by providers that mean well, and by others.

mod hostile;
mod server;

use super::*;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use openidconnect::url::Url;
use patchward_common::time::{HOUR_MS, MINUTE_MS, SECOND_MS};
use ring::hmac;
use serde_json::{Value, json};
use server::{Reply, Server};
use std::collections::BTreeMap;
use std::time::Duration;

const NOW: UtcMs = UtcMs(1_795_400_000_000);
const SECRET: &str = "long and random: & + %";

/// Long enough for a computer that builds beside the tests.
const PATIENCE: Duration = Duration::from_secs(20);

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn encoded(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The public half of a key, as providers publish it (RFC 8037 §2).
fn jwk(key: &SigningKey, kid: &str) -> Value {
    let x = BASE64_URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": kid, "x": x })
}

/// A token that is signed by a key.
fn signed(claims: &Value, key: &SigningKey, kid: &str) -> String {
    let head = json!({ "alg": "EdDSA", "typ": "JWT", "kid": kid });
    let text = format!("{}.{}", encoded(&head), encoded(claims));
    let signature = key.sign(text.as_bytes()).to_bytes();
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// A collector that asks one provider, and a sign-in that is under way.
struct Scene {
    server: Server,
    openid: OpenId,
    ticket: Ticket,
    address: Url,
    _secret: tempfile::NamedTempFile,
}

impl Scene {
    async fn begun() -> Self {
        let server = Server::start();
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), format!("{SECRET}\n")).unwrap();
        let openid = openid(
            &server,
            secret.path(),
            Client::patient(server.roots(), PATIENCE),
        );
        let (ticket, address) = begin(&openid, None).await;
        Self {
            server,
            openid,
            ticket,
            address,
            _secret: secret,
        }
    }

    /// What an honest token of this sign-in says.
    fn claims(&self) -> Value {
        json!({
            "iss": self.server.issuer(),
            "sub": "ada@hospital",
            "aud": "patchward",
            "exp": NOW.0 / 1_000 + 300,
            "iat": NOW.0 / 1_000,
            "nonce": self.ticket.nonce(),
        })
    }

    /// What becomes of a token.
    async fn brings(&self, token: String) -> Result<Vouched, Refused> {
        self.server.hands_out(token);
        let code = "code-1".to_owned();
        self.openid.vouched(&self.ticket, code, NOW).await
    }

    /// What becomes of a token that says something else in one claim.
    async fn with(&self, claim: &str, value: Value) -> Result<Vouched, Refused> {
        let mut claims = self.claims();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
            value => claims[claim] = value,
        }
        self.brings(signed(&claims, &key(1), "a")).await
    }
}

fn settings(server: &Server, secret: &std::path::Path) -> Settings {
    Settings {
        addresses: vec!["c:1".into()],
        web_address: Some("https://patchward.example:8443".into()),
        oidc_issuer: Some(server.issuer()),
        oidc_client: Some("patchward".into()),
        oidc_secret_file: Some(secret.to_owned()),
        oidc_second_factor_acr: vec!["urn:two".into()],
        ..Settings::default()
    }
}

fn openid(server: &Server, secret: &std::path::Path, client: Client) -> OpenId {
    let settings = settings(server, secret);
    assert_eq!(settings.check(), Ok(()));
    OpenId::asked_by(&settings, client).unwrap()
}

async fn begin(openid: &OpenId, linking: Option<&str>) -> (Ticket, Url) {
    let stage = Stage::Away {
        to: "/plan/ab".into(),
        linking: linking.map(|name| name.parse().unwrap()),
    };
    let begun = openid.begin(stage, NOW).await.unwrap();
    let ticket = openid.tickets.open(&begun.ticket, NOW).unwrap();
    (ticket, begun.address.parse().unwrap())
}

fn asked(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

#[tokio::test]
async fn somebody_is_sent_away_with_nothing_that_is_secret() {
    let scene = Scene::begun().await;
    assert!(
        scene
            .address
            .as_str()
            .starts_with(&format!("{}/authorize?", scene.server.issuer()))
    );
    let asked = asked(&scene.address);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "patchward"),
        ("scope", "openid"),
        (
            "redirect_uri",
            "https://patchward.example:8443/login/openid/done",
        ),
        ("code_challenge_method", "S256"),
        ("acr_values", "urn:two"),
    ] {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(asked["state"], scene.ticket.state());
    assert_eq!(asked["nonce"], scene.ticket.nonce());
    let hash = sha256(&scene.ticket.verifier());
    assert_eq!(asked["code_challenge"], hash);
    assert!(!scene.address.as_str().contains(&scene.ticket.verifier()));
    assert!(!asked.contains_key("prompt"));
    // Who links an account says who they are at that very moment.
    let (_, address) = begin(&scene.openid, Some("ada")).await;
    assert_eq!(self::asked(&address)["prompt"], "login");
}

fn sha256(text: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(hash)
}

#[tokio::test]
async fn an_honest_provider_is_believed() {
    let scene = Scene::begun().await;
    let honest = signed(&scene.claims(), &key(1), "a");
    let vouched = scene.brings(honest).await.unwrap();
    assert_eq!(vouched.subject.as_str(), "ada@hospital");
    assert!(!vouched.has_second_factor);
    let (head, body) = scene.server.last("/token").unwrap();
    for part in [
        "grant_type=authorization_code",
        "code=code-1",
        &format!("code_verifier={}", scene.ticket.verifier()),
        "redirect_uri=https%3A%2F%2Fpatchward.example%3A8443%2Flogin%2Fopenid%2Fdone",
    ] {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    // The secret is in the head, each half encoded (RFC 6749 §2.3.1).
    assert!(!body.contains("client_secret"), "{body}");
    let basic = "patchward:long+and+random%3A+%26+%2B+%25";
    let basic = base64::prelude::BASE64_STANDARD.encode(basic);
    assert!(head.contains(&format!("Basic {basic}")), "{head}");
    // Two ways, by the provider's words or by a class of the settings.
    for (claim, value, expected) in [
        ("amr", json!(["pwd", "otp"]), true),
        ("amr", json!(["pwd"]), false),
        ("acr", json!("urn:two"), true),
        ("acr", json!("urn:one"), false),
        // What else a token may say, and what it may be for besides nobody else.
        ("aud", json!(["patchward"]), false),
        ("azp", json!("patchward"), false),
        ("exp", json!(NOW.0 / 1_000 - 59), false),
    ] {
        let vouched = scene.with(claim, value.clone()).await;
        let found = vouched.map(|vouched| vouched.has_second_factor);
        assert_eq!(found, Ok(expected), "{claim} {value}");
    }
}

#[tokio::test]
async fn the_secret_is_sent_as_the_provider_asks() {
    let scene = Scene::begun().await;
    scene.server.says(
        "token_endpoint_auth_methods_supported",
        json!(["client_secret_post"]),
    );
    let later = NOW.plus_ms(HOUR_MS);
    let token = signed(&scene.claims(), &key(1), "a");
    scene.server.hands_out(token);
    let code = "code-1".to_owned();
    // An hour later the token is over; what was sent is seen all the same.
    let refused = scene.openid.vouched(&scene.ticket, code, later).await;
    assert!(matches!(refused, Err(Refused::Token(why)) if why.contains("time is over")));
    let (head, body) = scene.server.last("/token").unwrap();
    assert!(body.contains("client_secret=long+and+random"), "{body}");
    assert!(!head.to_lowercase().contains("authorization"), "{head}");
}

#[tokio::test]
async fn what_a_provider_says_is_kept_for_a_while() {
    let scene = Scene::begun().await;
    let discoveries = || scene.server.count("/.well-known/openid-configuration");
    assert_eq!(discoveries(), 1);
    begin(&scene.openid, None).await;
    assert_eq!(discoveries(), 1);
    let stage = || Stage::Away {
        to: "/".into(),
        linking: None,
    };
    let late = NOW.plus_ms(HOUR_MS);
    scene.openid.begin(stage(), late).await.map(drop).unwrap();
    assert_eq!(discoveries(), 2);
    // It goes down: what it said counts for its hour, then its failure for some seconds.
    scene
        .server
        .answers("/.well-known/openid-configuration", Reply::Status(503));
    let begin_at = |at: UtcMs| {
        let openid = &scene.openid;
        async move { openid.begin(stage(), at).await.map(drop) }
    };
    assert_eq!(begin_at(late.plus_ms(HOUR_MS - 1)).await, Ok(()));
    let later = late.plus_ms(HOUR_MS);
    let problem = begin_at(later).await.unwrap_err();
    assert!(problem.contains("503"), "{problem}");
    assert_eq!(begin_at(later.plus_ms(9 * SECOND_MS)).await, Err(problem));
    assert_eq!(discoveries(), 3);
    scene.server.recovers("/.well-known/openid-configuration");
    assert_eq!(begin_at(later.plus_ms(10 * SECOND_MS)).await, Ok(()));
}

#[tokio::test]
async fn a_new_key_is_fetched_and_an_unknown_one_does_not_make_us_ask_all_the_time() {
    let scene = Scene::begun().await;
    let fetched = || scene.server.count("/keys");
    assert_eq!(fetched(), 1);
    let of_new = signed(&scene.claims(), &key(2), "b");
    let unknown = scene.brings(of_new.clone()).await.unwrap_err();
    assert!(matches!(unknown, Refused::Token(why) if why.contains("does not name")));
    assert_eq!(fetched(), 1, "asked just now");
    scene
        .server
        .has_keys(json!([jwk(&key(1), "a"), jwk(&key(2), "b")]));
    scene.server.hands_out(of_new);
    let later = NOW.plus_ms(MINUTE_MS);
    let vouched = scene
        .openid
        .vouched(&scene.ticket, "code-2".into(), later)
        .await;
    assert_eq!(vouched.unwrap().subject.as_str(), "ada@hospital");
    assert_eq!(fetched(), 2);
}
