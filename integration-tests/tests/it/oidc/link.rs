//! Linking one's own account to who one is at the provider.

use super::{CARRIED, PASSWORD, Scene, away, hidden, holds};
use serde_json::json;

#[test]
fn people_link_their_own_account_and_see_first_what_it_is() {
    let mut scene = Scene::begin();
    scene
        .identity
        .sits_there(&json!({ "sub": "ada-1", "amr": ["pwd"] }))
        .unwrap();
    let me = scene.ada.open("/me").unwrap();
    holds(&me, 200, "Link the hospital&#39;s account");
    let asked = scene.ada.open("/me/openid").unwrap();
    holds(&asked, 200, "<code>ada-1</code>");
    let listed = || {
        scene
            .identity
            .ask(&["user", "openid", "list", "--json"])
            .unwrap()
    };
    assert_eq!(listed().trim(), "[]", "nothing is linked yet");
    let token = hidden(&asked.text(), "token");
    let form = |token: &str, password: &str| format!("token={token}&password={password}");
    let link = "/me/openid/link";
    let other = scene.ada.page.post(link, &form("other", PASSWORD)).unwrap();
    holds(&other, 403, "not of your session");
    let wrong = scene.ada.page.post(link, &form(&token, "another")).unwrap();
    holds(&wrong, 422, "The password is another");
    assert_eq!(listed().trim(), "[]");
    let done = scene.ada.page.post(link, &form(&token, PASSWORD)).unwrap();
    holds(&done, 200, "Linked.");
    // It is good once.
    let again = scene.ada.page.post(link, &form(&token, PASSWORD)).unwrap();
    holds(&again, 409, "its time is over");
    let mut browser = scene.somebody("ada-1", &["pwd"]);
    holds(&browser.open("/login/openid").unwrap(), 200, "<title>Today");

    // Whoever is led through it in somebody else's session links nothing.
    let mut mallory = scene.somebody("mallory", &["pwd"]);
    let link_of = scene.adds("eve", "viewer");
    mallory.page.welcome(&link_of, PASSWORD).unwrap();
    let answer = away(&mut mallory, "/me/openid");
    let ticket = mallory.page.cookie(CARRIED).unwrap().to_owned();
    browser.page.set_cookie(CARRIED, Some(&ticket));
    holds(
        &browser.open(&answer).unwrap(),
        409,
        "not begun in this browser by you",
    );

    // And a person ends it; every other session ends.
    let me = scene.ada.open("/me").unwrap();
    let token = format!("token={}", hidden(&me.text(), "token"));
    let ended = scene.ada.page.post("/me/openid/unlink", &token).unwrap();
    assert_eq!(ended.status, 303);
    holds(&scene.ada.open("/me").unwrap(), 200, "Not linked.");
    holds(&browser.open("/me").unwrap(), 200, "<h1>Sign in</h1>");
    holds(
        &browser.open("/login/openid").unwrap(),
        422,
        "no account here",
    );
}
