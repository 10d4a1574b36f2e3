"""Passkeys: added, used, copied, removed, and asked for in every way that is not right. The hospital asks those who
decide for two proofs."""

import base64
import json
import sqlite3

from people import PASSWORD, Hospital, Person, accessible, expect, fits_everywhere, sync_playwright

# What a script of the page does up to the answer of the device, which is given back instead of sent.
ANSWER = """async () => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\\+/g, "-").replace(/\\//g, "_").replace(/=+$/, "");
  const asked = await (await fetch("/login/passkey/begin", { method: "POST" })).json();
  asked.challenge = bytes(asked.challenge);
  const used = await navigator.credentials.get({ publicKey: asked });
  const said = used.response;
  return {
    authenticatorData: text(said.authenticatorData), clientDataJSON: text(said.clientDataJSON), clientExtensionResults: {},
    id: used.id, signature: text(said.signature), userHandle: text(said.userHandle),
  };
}"""


class Device:
    """A telephone that has a person's keys and knows the person."""

    def __init__(self, person):
        self.cdp = person.context.new_cdp_session(person.page)
        self.cdp.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                   "isUserVerified": True, "automaticPresenceSimulation": True}
        self.id = {"authenticatorId": self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]}

    def keys(self):
        return self.cdp.send("WebAuthn.getCredentials", self.id)["credentials"]

    def holds(self, keys):
        self.cdp.send("WebAuthn.clearCredentials", self.id)
        for key in keys:
            self.cdp.send("WebAuthn.addCredential", {**self.id, "credential": key})

    def knows_the_person(self, knows):
        self.cdp.send("WebAuthn.setUserVerified", {**self.id, "isUserVerified": knows})


def follow(person, link):
    """Chooses a password at a one-time link."""
    person.page.goto(link)
    person.page.get_by_label("Password").fill(PASSWORD)
    person.page.get_by_label("The same again").fill(PASSWORD)
    person.page.get_by_role("button", name="Begin").click()


def add(person, name):
    person.page.get_by_label("Name of the passkey").fill(name)
    person.page.get_by_role("button", name="Add a passkey").click()


def leave(person):
    person.open("/me")
    person.page.get_by_role("button", name="Sign out").click()
    expect(person.page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()


def press(person):
    person.page.get_by_role("button", name="Sign in with a passkey").click()


def enters(person):
    person.open("/login")
    press(person)
    expect(person.page.get_by_role("heading", level=1, name="Today")).to_be_visible()


def is_refused(person):
    person.open("/login")
    press(person)
    expect(person.page.locator("#passkey-enter [role=alert]")).to_contain_text("That is not right.")
    person.open("/")
    assert "/login" in person.page.url, person.page.url


def listed(hospital, name):
    return next(one for one in hospital.ask_json("user", "list") if one["account"] == name)


def actions(hospital):
    return [row["what"] for row in hospital.ask_json("audit", "list", "--last", "200")]


def seen(person, *paths):
    """Nobody is kept out, in the light and in the dark, and nothing is too wide for a telephone or at 200 %."""
    for path in paths:
        for scheme in ("light", "dark"):
            person.page.emulate_media(color_scheme=scheme)
            person.open(path)
            accessible(person)
        fits_everywhere(person)


def first_passkey(ada, hospital, link):
    """Who needs two proofs and has one adds a passkey in place of codes."""
    follow(ada, link)
    expect(ada.page.get_by_role("heading", level=1, name="Second factor")).to_be_visible()
    seen(ada, "/me/second-factor")
    add(ada, "my telephone")
    expect(ada.page.get_by_role("heading", level=1, name="Today")).to_be_visible()
    ada.open("/me")
    expect(ada.page.get_by_role("cell", name="my telephone", exact=True)).to_be_visible()
    account = listed(hospital, "ada")
    assert (account["passkeys"], account["second_factor"]) == (1, False), account
    seen(ada, "/me", "/me/passkey/remove?name=my%20telephone")


def mistakes(ada):
    ada.open("/me")
    add(ada, "my telephone")
    expect(ada.page.locator("#passkey-problem")).to_contain_text("already")
    assert ada.page.evaluate("document.activeElement.id") == "f-passkey"
    accessible(ada)
    add(ada, "the same telephone")
    expect(ada.page.locator("#passkey-form > [role=alert]")).to_contain_text("This device has a passkey of yours already.")
    expect(ada.page.locator("#passkey-problem")).to_be_hidden()


def sign_in(ada, hospital):
    leave(ada)
    seen(ada, "/login")
    press(ada)
    expect(ada.page.get_by_role("heading", level=1, name="Today")).to_be_visible()
    assert "account.passkey" in actions(hospital) and "session.begin" in actions(hospital)
    ada.open("/me")
    expect(ada.page.get_by_role("row", name="my telephone")).not_to_contain_text("never")
    leave(ada)
    # Where somebody wanted to go is where they come to.
    ada.open("/windows")
    press(ada)
    expect(ada.page.get_by_role("heading", level=1, name="Windows")).to_be_visible()
    # Another password, chosen by oneself, takes no passkey away.
    ada.open("/me")
    for label, word in [("The old one", PASSWORD), ("The new one", PASSWORD), ("The same again", PASSWORD)]:
        ada.page.get_by_label(label).fill(word)
    ada.page.get_by_role("button", name="Change it").click()
    expect(ada.page.get_by_role("cell", name="my telephone", exact=True)).to_be_visible()
    leave(ada)
    # The password alone is one proof, and two are asked for.
    ada.open("/login")
    ada.page.get_by_label("Name").fill("ada")
    ada.page.get_by_label("Password").fill(PASSWORD)
    ada.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(ada.page.locator("main > div > [role=alert]")).to_contain_text("signs in with a passkey")


def sent(person, answer, path="/login/passkey"):
    data = answer if isinstance(answer, (str, bytes)) else json.dumps(answer)
    return person.context.request.post(person.hospital.address + path, data=data, headers={"content-type": "application/json"}, max_redirects=0)


def unchanged(hospital, status, act):
    before = hospital.ask("audit", "verify")
    answer = act()
    assert hospital.ask("audit", "verify") == before, "something was changed"
    assert answer.status == status, f"{answer.status} instead of {status}: {answer.text()[:300]}"
    return answer.text()


def challenge(person):
    return [cookie for cookie in person.context.cookies() if cookie["name"] == "__Host-patchward-challenge"]


def lying(answer, **lies):
    """The same answer with words of another page in what the browser says."""
    client = json.loads(base64.urlsafe_b64decode(answer["clientDataJSON"] + "=="))
    text = json.dumps({**client, **lies}).encode()
    return {**answer, "clientDataJSON": base64.urlsafe_b64encode(text).decode().rstrip("=")}


def answers(ada, guest, hospital):
    """What no page would send as an answer signs nobody in."""
    answer = lambda: ada.page.evaluate(ANSWER)
    ada.open("/login")
    said = set()
    # Nothing that names a passkey, or none that was asked for: nobody's account is touched.
    good = answer()
    for bad in ["", "{", "[]", "null", "\xff", '{"answer":{}}', {"answer": {**good, "id": "AA"}}, {"answer": {**good, "userHandle": ""}},
                {"answer": {**good, "signature": 7}}, {"answer": {**good, "more": 1}}, {"answer": {**good, "id": "A" * 43}}]:
        said.add(unchanged(hospital, 422, lambda: sent(ada, bad)))
    unchanged(hospital, 413, lambda: sent(ada, "x" * 70_000))
    # Each of these used the challenge up.
    said.add(unchanged(hospital, 422, lambda: sent(ada, {"answer": good})))
    # One that another browser asked for.
    good = answer()
    guest.open("/login")
    guest.page.evaluate("fetch('/login/passkey/begin', { method: 'POST' })")
    assert challenge(guest)
    said.add(sent(guest, {"answer": good}).text())
    guest.context.clear_cookies()
    said.add(unchanged(hospital, 422, lambda: sent(guest, {"answer": good})))
    # Once it is taken, and not twice; it leads nowhere but to pages of ours.
    kept = challenge(ada)
    taken = sent(ada, {"answer": good, "to": "//evil.example"})
    assert taken.status == 200 and taken.json() == {"to": "/"}, taken.text()
    assert all(part in taken.headers["set-cookie"] for part in ["__Host-patchward=", "Secure", "HttpOnly", "SameSite=Lax"])
    ada.context.clear_cookies()
    ada.context.add_cookies(kept)
    said.add(unchanged(hospital, 422, lambda: sent(ada, {"answer": good})))
    # What the browser says was changed on the way, or the device did not look who holds it.
    for lie in [{"origin": "https://evil.example"}, {"challenge": "AAAAAAAAAAAAAAAAAAAAAA"}, {"type": "webauthn.create"}]:
        refusal = sent(ada, {"answer": lying(answer(), **lie)})
        assert refusal.status == 422, refusal.text()
        said.add(refusal.text())
    assert len(said) == 1, said
    from_elsewhere = ada.context.request.post(hospital.address + "/login/passkey/begin", headers={"Origin": "https://evil.example"})
    assert from_elsewhere.status == 403, from_elsewhere.status
    enters(ada)  # and what went wrong before is forgotten
    leave(ada)


def wishes(ada, hospital):
    """What no page would send when a passkey is added adds none."""
    enters(ada)
    ada.open("/me")
    token = ada.page.locator("#passkey-form [name=token]").get_attribute("value")
    begin, end = "/me/passkey/begin", "/me/passkey"
    for path, rest in [(begin, {"name": "x"}), (end, {"answer": {"attestationObject": "AA", "clientDataJSON": "AA", "clientExtensionResults": {}, "transports": []}})]:
        for bad in ["", "{", "[]", {"token": 1}, {"token": token}]:
            unchanged(hospital, 400, lambda: sent(ada, bad, path))
        unchanged(hospital, 413, lambda: sent(ada, "x" * 70_000, path))
        unchanged(hospital, 403, lambda: sent(ada, {**rest, "token": "0" * 64}, path))
    for name in ["", " ", "a\nb", "x" * 257, "my telephone", "a\u202eb"]:
        unchanged(hospital, 422, lambda: sent(ada, {"token": token, "name": name}, begin))
    nothing = {"token": token, "answer": rest["answer"]}
    unchanged(hospital, 409, lambda: sent(ada, nothing, end))  # nothing was asked for
    assert sent(ada, {"token": token, "name": "another"}, begin).status == 200
    unchanged(hospital, 422, lambda: sent(ada, nothing, end))
    unchanged(hospital, 409, lambda: sent(ada, nothing, end))  # that used it up
    removal = lambda **form: ada.context.request.post(hospital.address + "/me/passkey/remove", form=form, max_redirects=0)
    unchanged(hospital, 403, lambda: removal(token="0" * 64, name="my telephone"))
    unchanged(hospital, 404, lambda: removal(token=token, name="nothing of mine"))
    unchanged(hospital, 404, lambda: ada.context.request.get(hospital.address + "/me/passkey/remove?name=x"))


def asked_again(ada, hospital):
    """Who signed in a while ago proves again who they are before that is changed."""
    store = sqlite3.connect(hospital.folder / "collector" / "collector.sqlite", timeout=60)
    with store:
        store.execute("UPDATE sessions SET proved_at = proved_at - 660000 WHERE account = 'ada'")
    store.close()
    # The collector, which alone writes it, looks again after the next row of its log.
    hospital.ask("site", "add", "aside")
    ada.open("/me")
    accessible(ada)
    token = ada.page.locator("#passkey-form [name=token]").get_attribute("value")
    unchanged(hospital, 422, lambda: sent(ada, {"token": token, "name": "another"}, "/me/passkey/begin"))
    ada.page.get_by_label("Your password").fill("not this one at all")
    add(ada, "another")
    expect(ada.page.locator("#passkey-password-problem")).to_contain_text("another")
    ada.page.get_by_label("Your password").fill(PASSWORD)
    add(ada, "another")
    # It is the same telephone, so nothing came of it; but it was asked.
    expect(ada.page.locator("#passkey-form > [role=alert]")).to_contain_text("already")
    ada.open("/me/passkey/remove?name=my%20telephone")
    accessible(ada)
    ada.page.get_by_label("Your password").fill("not this one at all")
    ada.page.get_by_role("button", name="Yes, remove it").click()
    expect(ada.page.locator("#password-problem")).to_be_visible()
    accessible(ada)
    leave(ada)


def copied(ada, device, hospital):
    """A key whose counter goes back is in two places."""
    keys = device.keys()
    device.holds([{**key, "signCount": 0} for key in keys])
    is_refused(ada)
    assert "account.passkey_copied" in actions(hospital)
    device.holds([{**key, "signCount": key["signCount"] + 50} for key in keys])
    enters(ada)
    leave(ada)


def unknown_to_the_device(ada, device):
    """A device that does not make sure who holds it lets nobody in."""
    device.knows_the_person(False)
    ada.open("/login")
    press(ada)
    expect(ada.page.locator("#passkey-enter [role=alert]")).to_contain_text("Nothing was done")
    device.knows_the_person(True)


def locked(ada, hospital):
    """Lockout holds for passkeys too."""
    for _ in range(5):
        ada.context.request.post(hospital.address + "/login", form={"name": "ada", "password": "wrong wrong wrong"}, max_redirects=0)
    assert listed(hospital, "ada")["state"] == "locked"
    is_refused(ada)


def reset(ada, hospital):
    """An administrator's link takes passkeys away, once it is followed."""
    link = hospital.ask_json("user", "link", "ada")["link"]
    assert listed(hospital, "ada")["passkeys"] == 1
    follow(ada, link)
    expect(ada.page.get_by_role("heading", level=1, name="Second factor")).to_be_visible()
    assert listed(hospital, "ada")["passkeys"] == 0
    ada.context.clear_cookies()
    is_refused(ada)


def granted(vera, device, hospital):
    """Who comes to decide while signed in by the password alone is asked for the passkey they have."""
    vera.open("/me")
    add(vera, "telephone")
    expect(vera.page.get_by_role("cell", name="telephone", exact=True)).to_be_visible()
    leave(vera)
    vera.page.get_by_label("Name").fill("vera")
    vera.page.get_by_label("Password").fill(PASSWORD)
    vera.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(vera.page.get_by_role("heading", level=1, name="Today")).to_be_visible()
    hospital.ask("user", "grant", "vera", "--role", "approver")
    vera.open("/")
    expect(vera.page.get_by_role("heading", level=1, name="Second factor")).to_be_visible()
    expect(vera.page.locator("main")).to_contain_text("Sign out and sign in with it")
    seen(vera, "/me/second-factor")
    leave(vera)
    enters(vera)
    assert "session.second_factor" in actions(hospital)
    hospital.ask("user", "grant", "vera", "--role", "viewer")
    vera.open("/me/passkey/remove?name=telephone")
    vera.page.get_by_role("button", name="Yes, remove it").click()
    expect(vera.page.get_by_role("heading", level=1, name="vera")).to_be_visible()
    # What is worth nothing any more is taken off the telephone too; with two keys it would offer either.
    device.holds([])


def removed(vera, hospital):
    """A viewer may have one as well, and takes it away again."""
    vera.open("/me")
    add(vera, "key <b>ring</b>")
    expect(vera.page.get_by_role("cell", name="key <b>ring</b>", exact=True)).to_be_visible()
    leave(vera)
    enters(vera)
    vera.open("/me")
    vera.page.get_by_role("link", name="Remove key <b>ring</b>").click()
    expect(vera.page.get_by_text("Read this first")).to_be_visible()
    assert listed(hospital, "vera")["passkeys"] == 1, "nothing is removed before it was confirmed"
    vera.page.get_by_role("button", name="Yes, remove it").click()
    expect(vera.page.get_by_role("heading", level=1, name="vera")).to_be_visible()
    assert listed(hospital, "vera")["passkeys"] == 0
    leave(vera)
    is_refused(vera)


def ended(ian, hospital):
    ian.open("/me")
    add(ian, "telephone")
    expect(ian.page.get_by_role("cell", name="telephone", exact=True)).to_be_visible()
    leave(ian)
    hospital.ask("user", "end", "ian")
    before = hospital.ask("audit", "verify")
    is_refused(ian)
    assert hospital.ask("audit", "verify") == before


def main():
    hospital = Hospital()
    links = {}
    for name, role in [("ada", "approver"), ("vera", "viewer"), ("ian", "auditor")]:
        links[name] = hospital.ask_json("user", "add", name, "--title", name, "--role", role)["link"]
    with sync_playwright() as playwright:
        people = {name: Person(playwright, hospital, name) for name in [*links, "guest"]}
        devices = {name: Device(people[name]) for name in links}
        for name in ("vera", "ian"):
            people[name].begin(links[name])
        ada = people["ada"]
        first_passkey(ada, hospital, links["ada"])
        mistakes(ada)
        sign_in(ada, hospital)
        answers(ada, people["guest"], hospital)
        wishes(ada, hospital)
        asked_again(ada, hospital)
        copied(ada, devices["ada"], hospital)
        unknown_to_the_device(ada, devices["ada"])
        locked(ada, hospital)
        reset(ada, hospital)
        granted(people["vera"], devices["vera"], hospital)
        removed(people["vera"], hospital)
        ended(people["ian"], hospital)
        for person in people.values():
            person.is_well()
            person.context.close()
    print("Passkeys let in whom they should, and nobody else.")


main()
