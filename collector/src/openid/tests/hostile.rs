//! Providers that mean harm, or are broken.

use super::*;

/// A token that is signed with the secret that we share with the provider.
fn by_secret(claims: &Value) -> String {
    let head = json!({ "alg": "HS256", "typ": "JWT", "kid": "a" });
    let text = format!("{}.{}", encoded(&head), encoded(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, text.as_bytes());
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}

/// Why a token was refused.
fn why(found: Result<Vouched, Refused>) -> String {
    match found {
        Err(Refused::Token(why)) => why.to_owned(),
        Err(Refused::Unasked(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_that_does_not_say_all_of_it_says_nothing() {
    let scene = Scene::begun().await;
    let seconds = NOW.0 / 1_000;
    for (claim, value, expected) in [
        ("aud", json!("another-program"), "for another program"),
        ("aud", json!([]), "for another program"),
        (
            "aud",
            json!(["patchward", "another"]),
            "for another program",
        ),
        ("aud", Value::Null, "for another program"),
        ("azp", json!("another"), "for another program"),
        ("iss", json!("https://evil.example"), "by another provider"),
        ("nonce", json!("another"), "for another sign-in"),
        ("nonce", Value::Null, "for another sign-in"),
        ("exp", json!(seconds - 60), "time is over"),
        ("exp", json!(1e300), "cannot be read"),
        ("exp", Value::Null, "cannot be read"),
        ("sub", json!("ada and bob"), "no words of the standard"),
        ("sub", json!(""), "no words of the standard"),
        ("sub", json!("x".repeat(256)), "no words of the standard"),
        ("sub", Value::Null, "cannot be read"),
    ] {
        let text = value.to_string();
        let problem = why(scene.with(claim, value).await);
        assert!(problem.contains(expected), "{claim} {text}: {problem}");
    }
}

#[tokio::test]
async fn a_signature_of_anybody_else_counts_nothing() {
    let scene = Scene::begun().await;
    let claims = scene.claims();
    let honest = signed(&claims, &key(1), "a");
    let (text, _) = honest.rsplit_once('.').unwrap();
    let none = json!({ "alg": "none", "typ": "JWT" });
    let mut other = scene.claims();
    other["sub"] = json!("root");
    let (_, signature) = honest.rsplit_once('.').unwrap();
    let head = honest.split('.').next().unwrap();
    for (token, expected) in [
        (signed(&claims, &key(2), "a"), "signature does not hold"),
        (
            format!("{}.{}.", encoded(&none), encoded(&claims)),
            "it is not signed",
        ),
        (format!("{text}."), "signature does not hold"),
        (format!("{text}.AAAA"), "signature does not hold"),
        (by_secret(&claims), "does not count"),
        (
            format!("{head}.{}.{signature}", encoded(&other)),
            "signature does not hold",
        ),
        ("no token".to_owned(), "cannot be read"),
        (String::new(), "cannot be read"),
    ] {
        let problem = why(scene.brings(token.clone()).await);
        assert!(problem.contains(expected), "{token}: {problem}");
    }
    assert!(
        scene.brings(honest).await.is_ok(),
        "the same scene, honestly"
    );
}

/// Whatever stands in a token, it is refused and nothing falls over.
#[tokio::test]
async fn damaged_tokens_are_refused() {
    let scene = Scene::begun().await;
    let honest = signed(&scene.claims(), &key(1), "a");
    let token: CoreIdToken = honest.parse().unwrap();
    let metadata = scene.openid.provider.metadata(NOW).await.unwrap();
    let nonce = scene.ticket.nonce();
    let asked = Asked {
        client: "patchward",
        nonce: &nonce,
        classes: &[],
    };
    assert!(token::vouched(&token, &metadata, &asked, NOW).is_ok());
    let mut read = 0;
    for at in 0..honest.len() - 1 {
        for with in [b'A', b'_', b'.', b'9'] {
            let mut bytes = honest.clone().into_bytes();
            if bytes[at] == with {
                continue;
            }
            bytes[at] = with;
            let text = String::from_utf8(bytes).unwrap();
            if let Ok(token) = text.parse::<CoreIdToken>() {
                read += 1;
                let found = token::vouched(&token, &metadata, &asked, NOW);
                assert!(found.is_err(), "{at} {with}");
            }
        }
    }
    assert!(read > 100, "only {read} were looked at");
}

#[tokio::test]
async fn a_code_that_was_used_or_a_secret_that_is_wrong_is_told_apart() {
    let scene = Scene::begun().await;
    let answers = |word: &str| Reply::Json(400, json!({ "error": word }));
    let code = || "code-1".to_owned();
    for (word, expected) in [
        ("invalid_grant", None),
        ("invalid_client", Some("oidc_client and its secret")),
        ("unauthorized_client", Some("oidc_client and its secret")),
        ("server_error", Some("refused to exchange")),
    ] {
        scene.server.answers("/token", answers(word));
        let found = scene.openid.vouched(&scene.ticket, code(), NOW).await;
        match (found, expected) {
            (Err(Refused::Code), None) => {}
            (Err(Refused::Unasked(why)), Some(text)) => assert!(why.contains(text), "{why}"),
            (found, _) => panic!("{word}: {found:?}"),
        }
    }
    scene.server.answers(
        "/token",
        Reply::Json(200, json!({ "access_token": "x", "token_type": "Bearer" })),
    );
    let found = scene.openid.vouched(&scene.ticket, code(), NOW).await;
    assert!(why(found).contains("there is none"));
}

/// What is said of a provider that answers so to the first question.
async fn told(path: &str, reply: Reply) -> String {
    let server = Server::start();
    server.answers(path, reply);
    // A silent one is waited for that long.
    let client = Client::patient(server.roots(), Duration::from_secs(3));
    let openid = openid(&server, std::path::Path::new("/nowhere"), client);
    let stage = Stage::Away {
        to: "/".into(),
        linking: None,
    };
    openid.begin(stage, NOW).await.map(drop).unwrap_err()
}

#[tokio::test]
async fn a_provider_that_answers_without_end_is_left() {
    let discovery = "/.well-known/openid-configuration";
    for (path, reply, expected) in [
        (discovery, Reply::Endless, "more than 262144 bytes"),
        ("/keys", Reply::Endless, "more than 262144 bytes"),
        (discovery, Reply::Huge(300_000), "more than 262144 bytes"),
        (discovery, Reply::LongHead, "the head of its answer"),
        (discovery, Reply::Silence, "no answer within 3 seconds"),
        (discovery, Reply::Elsewhere, "nobody is followed"),
        (discovery, Reply::Status(404), "answered 404"),
        (discovery, Reply::Huge(10), "cannot be read"),
        ("/keys", Reply::Huge(10), "cannot be read"),
    ] {
        let problem = told(path, reply).await;
        assert!(problem.contains(expected), "{path}: {problem}");
    }
}

#[tokio::test]
async fn a_provider_that_is_another_is_not_asked() {
    for (name, value, expected) in [
        (
            "issuer",
            json!("https://evil.example"),
            "calls itself otherwise",
        ),
        (
            "token_endpoint",
            json!("http://localhost/token"),
            "without https",
        ),
        (
            "authorization_endpoint",
            json!("http://localhost/a"),
            "without https",
        ),
        (
            "authorization_endpoint",
            json!("javascript:alert(1)"),
            "without https",
        ),
        ("jwks_uri", json!("http://localhost/keys"), "without https"),
        ("token_endpoint", Value::Null, "no address for codes"),
    ] {
        let server = Server::start();
        let text = value.to_string();
        server.says(name, value);
        let client = Client::patient(server.roots(), PATIENCE);
        let openid = openid(&server, std::path::Path::new("/nowhere"), client);
        let stage = Stage::Away {
            to: "/".into(),
            linking: None,
        };
        let problem = openid.begin(stage, NOW).await.map(drop).unwrap_err();
        assert!(problem.contains(expected), "{name} {text}: {problem}");
    }
}

#[tokio::test]
async fn a_provider_is_trusted_only_by_its_certificate() {
    let server = Server::start();
    let settings = settings(&server, std::path::Path::new("/nowhere"));
    let openid = OpenId::of(&settings).unwrap();
    let stage = Stage::Away {
        to: "/".into(),
        linking: None,
    };
    let problem = openid.begin(stage, NOW).await.map(drop).unwrap_err();
    assert!(
        problem.contains("its certificate does not hold"),
        "{problem}"
    );
    assert_eq!(server.count("/.well-known/openid-configuration"), 0);
}

#[tokio::test]
async fn a_missing_secret_is_said() {
    let server = Server::start();
    let client = Client::patient(server.roots(), PATIENCE);
    let openid = openid(&server, std::path::Path::new("/nowhere"), client);
    let (ticket, _) = begin(&openid, None).await;
    let found = openid.vouched(&ticket, "code-1".into(), NOW).await;
    assert!(why(found).contains("/nowhere"));
    assert_eq!(server.count("/token"), 0);
}
