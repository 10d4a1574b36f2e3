//! Signing in by a real OpenID provider: npm's oidc-provider, over TLS by an authority of its
//! own, with codes, PKCE and signatures that nobody of ours made.

mod link;

use patchward_integration_tests::hospital::now;
use patchward_integration_tests::identity::{Browser, Identity};
use patchward_integration_tests::process::wait_until;
use patchward_integration_tests::visitor::Answer;
use serde_json::{Value, json};
use totp_rs::{Algorithm, Builder, Secret, Totp};

const PASSWORD: &str = "a+long+enough+sentence";
const CARRIED: &str = "__Host-patchward-openid";
const SESSION: &str = "__Host-patchward";

/// A hospital with an administrator and a viewer, ada, who has chosen a password.
struct Scene {
    identity: Identity,
    ada: Browser,
    _folder: tempfile::TempDir,
}

impl Scene {
    fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::start(folder.path()).unwrap();
        let mut root = identity.browser().unwrap();
        let sent = format!("name=root&title=Root&password={PASSWORD}&again={PASSWORD}");
        let path = identity.welcome.strip_prefix(&identity.page()).unwrap();
        assert_eq!(root.page.post(path, &sent).unwrap().status, 303);
        let mut scene = Self {
            ada: identity.browser().unwrap(),
            identity,
            _folder: folder,
        };
        let link = scene.adds("ada", "viewer");
        scene.ada.page.welcome(&link, PASSWORD).unwrap();
        scene
    }

    /// Adds a person; their one-time link.
    fn adds(&self, name: &str, role: &str) -> String {
        let add = [
            "user", "add", name, "--title", name, "--role", role, "--json",
        ];
        let made: Value = serde_json::from_str(&self.identity.ask(&add).unwrap()).unwrap();
        made["link"].as_str().unwrap().to_owned()
    }

    fn links(&self, name: &str, subject: &str) {
        let link = ["user", "openid", "link", name, "--subject", subject];
        let said = self.identity.ask(&link).unwrap();
        assert!(said.contains(&format!("signs in as {name}")), "{said}");
    }

    /// A new browser, whose owner the provider knows as `sub`, in the ways of `amr`.
    fn somebody(&self, sub: &str, amr: &[&str]) -> Browser {
        let person = json!({ "sub": sub, "amr": amr });
        self.identity.sits_there(&person).unwrap();
        self.identity.browser().unwrap()
    }

    fn audited(&self, action: &str) -> Vec<Value> {
        let list = ["audit", "list", "--json"];
        let rows: Value = serde_json::from_str(&self.identity.ask(&list).unwrap()).unwrap();
        let rows = rows.as_array().unwrap().iter();
        rows.filter(|row| row["what"] == action).cloned().collect()
    }
}

fn holds(answer: &Answer, status: u16, text: &str) {
    let found = answer.text();
    assert_eq!(answer.status, status, "{found}");
    assert!(found.contains(text), "{text:?} is not in {found}");
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// Begins a sign-in and goes as far as the provider leads: where it sends the browser back to.
fn away(browser: &mut Browser, path: &str) -> String {
    let done = |to: &str| to.contains("/login/openid/done");
    let (_, next) = browser.walk(path, done).unwrap();
    next.unwrap()
}

#[test]
fn who_is_linked_gets_in_and_nobody_else() {
    let mut scene = Scene::begin();
    // The button stands on the page, and keeps where somebody wanted to go.
    let mut browser = scene.somebody("Ada@hospital", &["pwd"]);
    let asked = browser.open("/updates?x=1").unwrap();
    holds(&asked, 200, "Sign in with the hospital&#39;s account");
    let path = "/login/openid?to=%2Fupdates%3Fx%3D1";
    holds(&asked, 200, &format!("href=\"{path}\""));

    let refused = browser.open(path).unwrap();
    holds(
        &refused,
        422,
        "You are Ada@hospital at the provider, and no account here",
    );
    assert_eq!(browser.page.cookie(SESSION), None);
    assert_eq!(browser.page.cookie(CARRIED), None, "it is taken away");
    let noted = scene.audited("account.provider_refused");
    assert_eq!(noted.len(), 1, "{noted:?}");
    assert_eq!(noted[0]["subject"], "Ada@hospital");

    scene.links("ada", "Ada@hospital");
    let shown: Value = serde_json::from_str(
        &scene
            .identity
            .ask(&["user", "openid", "list", "--json"])
            .unwrap(),
    )
    .unwrap();
    assert_eq!(shown[0]["subject"], "Ada@hospital");
    assert_eq!(shown[0]["provider"], scene.identity.issuer());
    let updates = browser.open(path).unwrap();
    holds(&updates, 200, "<title>Updates");
    holds(
        &browser.open("/me").unwrap(),
        200,
        "Whoever signs in as that there",
    );
    assert_eq!(browser.page.cookie(CARRIED), None);
    let begun = scene.audited("session.vouched");
    assert_eq!(begun[0]["who"], "person:ada");

    // Nobody is led elsewhere afterwards, and capitals count.
    let mut browser = scene.somebody("Ada@hospital", &["pwd"]);
    let (answer, next) = browser
        .walk("/login/openid?to=https%3A%2F%2Fevil.example", |to| {
            to == "/"
        })
        .unwrap();
    assert_eq!((answer.status, next.as_deref()), (303, Some("/")));
    let mut other = scene.somebody("ada@hospital", &["pwd"]);
    holds(
        &other.open("/login/openid").unwrap(),
        422,
        "no account here",
    );
    // Its subject is hers alone.
    let twice = [
        "user",
        "openid",
        "link",
        "root",
        "--subject",
        "Ada@hospital",
    ];
    let problem = scene.identity.ask(&twice).unwrap_err().to_string();
    assert!(problem.contains("linked to another account"), "{problem}");

    // An account that was never given a password is enough, and ends like any other.
    scene.adds("bob", "viewer");
    scene.links("bob", "bob-1");
    let mut bob = scene.somebody("bob-1", &["pwd"]);
    holds(&bob.open("/login/openid").unwrap(), 200, "<title>Today");
    let listed = scene.identity.ask(&["user", "list"]).unwrap();
    assert!(!listed.contains("invited"), "{listed}");
    scene.identity.ask(&["user", "end", "bob"]).unwrap();
    holds(&bob.open("/me").unwrap(), 200, "<h1>Sign in</h1>");
    holds(
        &bob.open("/login/openid").unwrap(),
        422,
        "Your account here has ended",
    );
    assert_eq!(scene.audited("account.provider_refused").len(), 3);
    // Whoever has another account now is linked to that.
    scene.adds("robert", "viewer");
    scene.links("robert", "bob-1");
    holds(&bob.open("/login/openid").unwrap(), 200, "<title>Today");

    // Ended by an administrator, everybody who came in by it is out.
    holds(
        &scene.ada.open("/me").unwrap(),
        200,
        "Whoever signs in as that there",
    );
    scene
        .identity
        .ask(&["user", "openid", "unlink", "ada"])
        .unwrap();
    holds(&scene.ada.open("/me").unwrap(), 200, "<h1>Sign in</h1>");
}

#[test]
fn an_answer_counts_once_in_the_browser_that_asked() {
    let scene = Scene::begin();
    scene.links("ada", "ada-1");
    let mut browser = scene.somebody("ada-1", &["pwd"]);
    let foreign = "was not begun in this browser, or it is over";

    // Somebody else's answer: in a browser that asked nothing, and in one that asked as well.
    let answer = away(&mut browser, "/login/openid");
    let mut victim = scene.identity.browser().unwrap();
    holds(&victim.open(&answer).unwrap(), 422, foreign);
    away(&mut victim, "/login/openid");
    holds(&victim.open(&answer).unwrap(), 422, foreign);
    assert_eq!(victim.page.cookie(SESSION), None);

    // Another state, and none.
    let answer = away(&mut browser, "/login/openid");
    let (head, rest) = answer.split_once("state=").unwrap();
    let other = format!("{head}state={}{}", "0".repeat(64), &rest[64..]);
    holds(&browser.open(&other).unwrap(), 422, foreign);
    let answer = away(&mut browser, "/login/openid");
    let none = answer.replace("state=", "estate=");
    holds(&browser.open(&none).unwrap(), 422, foreign);

    // An answer of another provider, and one that says no.
    let answer = away(&mut browser, "/login/openid");
    let other = answer.replace("iss=https", "iss=http");
    holds(
        &browser.open(&other).unwrap(),
        422,
        "Another provider answered",
    );
    let person = json!({ "denies": true });
    scene.identity.sits_there(&person).unwrap();
    let mut denied = scene.identity.browser().unwrap();
    let page = denied.open("/login/openid").unwrap();
    holds(&page, 422, "did not say who you are (access_denied)");
    assert!(!page.text().contains("today"), "its words are not ours");

    // The same answer twice: the second time with the ticket of the first.
    let mut browser = scene.somebody("ada-1", &["pwd"]);
    let answer = away(&mut browser, "/login/openid");
    let ticket = browser.page.cookie(CARRIED).unwrap().to_owned();
    holds(&browser.open(&answer).unwrap(), 200, "<title>Today");
    browser.page.set_cookie(SESSION, None);
    browser.page.set_cookie(CARRIED, Some(&ticket));
    holds(&browser.open(&answer).unwrap(), 422, foreign);

    // A code that was used, with a ticket that was not.
    let next = away(&mut browser, "/login/openid");
    let used = code(&answer);
    let injected = next.replace(&code(&next), &used);
    let taken_back = "does not take back what it gave out";
    holds(&browser.open(&injected).unwrap(), 422, taken_back);

    // A code that the provider gave another program for the same person.
    let next = away(&mut browser, "/login/openid");
    let query = "response_type=code&client_id=another&scope=openid&state=x&nonce=y&\
                 redirect_uri=https%3A%2F%2Flocalhost%3A1%2Fdone&code_challenge_method=S256&\
                 code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let to = format!("{}/auth?{query}", scene.identity.issuer());
    let elsewhere = |to: &str| to.starts_with("https://localhost:1/");
    let (_, other) = browser.walk(&to, elsewhere).unwrap();
    let injected = next.replace(&code(&next), &code(&other.unwrap()));
    holds(&browser.open(&injected).unwrap(), 422, taken_back);
    assert_eq!(browser.page.cookie(SESSION), None);
    assert_eq!(scene.audited("account.provider_refused").len(), 0);
}

fn code(answer: &str) -> String {
    let (_, rest) = answer.split_once("code=").unwrap();
    rest.split('&').next().unwrap().to_owned()
}

#[test]
fn the_second_factor_is_asked_for_where_the_provider_did_not() {
    let scene = Scene::begin();
    scene.adds("hana", "approver");
    scene.links("hana", "hana-1");
    // Hana decides. The provider asked for two ways: she is in, without an app of her own.
    let mut two = scene.somebody("hana-1", &["pwd", "otp"]);
    holds(&two.open("/login/openid").unwrap(), 200, "<title>Today");
    // It asked for one: she sets up her own first.
    let mut hana = scene.somebody("hana-1", &["pwd"]);
    let setup = hana.open("/login/openid").unwrap();
    holds(&setup, 200, "<h1>Second factor</h1>");
    let page = setup.text();
    let (token, secret) = (hidden(&page, "token"), hidden(&page, "secret"));
    let form = format!("token={token}&secret={secret}&code={}", totp(&secret, 0));
    let taken = hana.page.post("/me/second-factor", &form).unwrap();
    holds(&taken, 200, "from now on the code of your app is asked for");
    holds(&hana.open("/").unwrap(), 200, "<title>Today");

    // From then on her code is asked for, and a wrong one counts as a wrong password does.
    let mut hana = scene.somebody("hana-1", &["pwd"]);
    let asked = hana.open("/login/openid?to=%2Fplan").unwrap();
    holds(&asked, 200, "Your account here has one: enter the code");
    assert_eq!(hana.page.cookie(SESSION), None);
    let wrong = hana.page.post("/login/openid/code", "code=abc").unwrap();
    holds(&wrong, 422, "That is not right.");
    assert_eq!(scene.audited("account.refused").len(), 1);
    let right = format!("code={}", totp(&secret, 30));
    let done = hana.page.post("/login/openid/code", &right).unwrap();
    assert_eq!(
        (done.status, done.headers["location"].as_str()),
        (303, "/plan")
    );
    holds(&hana.open("/plan").unwrap(), 200, "<title>Plan");
    // Without the provider's word first, no code is taken.
    let mut nobody = scene.identity.browser().unwrap();
    let refused = nobody.page.post("/login/openid/code", &right).unwrap();
    holds(&refused, 422, "was not begun in this browser");
    // A guesser waits, whatever they know of the provider; who proved two ways does not.
    let mut guesser = scene.somebody("hana-1", &["pwd"]);
    guesser.open("/login/openid").unwrap();
    for _ in 0..6 {
        guesser
            .page
            .post("/login/openid/code", "code=000000")
            .unwrap();
    }
    let listed = scene.identity.ask(&["user", "list"]).unwrap();
    assert!(listed.contains("locked"), "{listed}");
    let mut two = scene.somebody("hana-1", &["hwk", "pin"]);
    holds(&two.open("/login/openid").unwrap(), 200, "<title>Today");
}

/// The code of a secret, some seconds from now.
pub(super) fn totp(secret: &str, seconds: i64) -> String {
    let totp: Totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30)
        .with_secret(Secret::try_from_base32(secret).unwrap())
        .with_account_name("hana")
        .build()
        .unwrap();
    let at = now().0 / 1_000 + seconds;
    totp.generate(u64::try_from(at).unwrap()).to_string()
}

#[test]
fn a_browser_goes_there_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::start(folder.path()).unwrap();
    let (page, welcome) = (identity.page(), identity.welcome.clone());
    let told = [("PAGE", &*page), ("WELCOME", &*welcome)];
    super::browser::perform("openid.py", folder.path(), &told);
}

#[test]
fn a_provider_that_is_down_keeps_nobody_with_a_password_out() {
    let mut scene = Scene::begin();
    scene.links("ada", "ada-1");
    scene.identity.kill_provider();
    let mut browser = scene.somebody("ada-1", &["pwd"]);
    let page = browser.open("/login/openid?to=%2Fplan").unwrap();
    holds(&page, 503, "cannot be asked now");
    holds(&page, 503, "name=\"to\" value=\"/plan\"");
    let form = format!("name=ada&password={PASSWORD}&to=%2Fplan");
    let entered = browser.page.post("/login", &form).unwrap();
    assert_eq!(
        (entered.status, entered.headers["location"].as_str()),
        (303, "/plan")
    );

    // It comes back, and after some seconds it is asked again.
    scene.identity.start_provider().unwrap();
    let mut browser = scene.somebody("ada-1", &["pwd"]);
    wait_until("the provider is asked again", || {
        browser.open("/login/openid").unwrap().status == 200
    })
    .unwrap();
    holds(
        &browser.open("/me").unwrap(),
        200,
        "Whoever signs in as that there",
    );

    // It goes while somebody is there.
    let mut browser = scene.somebody("ada-1", &["pwd"]);
    let answer = away(&mut browser, "/login/openid?to=%2Fplan");
    scene.identity.kill_provider();
    let page = browser.open(&answer).unwrap();
    holds(&page, 503, "cannot be asked now");
    assert_eq!(browser.page.cookie(SESSION), None);
    assert_eq!(scene.audited("account.provider_refused").len(), 0);
}
