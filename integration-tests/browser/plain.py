"""A browser in which scripts are switched off: everything is done by plain forms, but for the signature."""

from datetime import datetime, timedelta, timezone

from people import PASSWORD, Person, expect
from signing import UNIT


def browser(playwright, hospital):
    """Ada's other browser."""
    return Person(playwright, hospital, "plain", java_script_enabled=False)


def runs_no_script(plain):
    """What this file is about, or it would show nothing."""
    plain.page.set_content("<p id=said>none</p><script>document.getElementById('said').textContent = 'a script ran'</script>")
    expect(plain.page.locator("#said")).to_have_text("none")


def enters(plain, name):
    """Signs in, and comes to where they wanted to go."""
    plain.open("/audit")
    expect(plain.page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    # Nothing is offered that takes a script.
    expect(plain.page.get_by_role("button", name="Sign in with a passkey")).to_have_count(0)
    plain.page.get_by_label("Name", exact=True).fill(name)
    plain.page.get_by_label("Password").fill(PASSWORD)
    plain.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(plain.page.get_by_role("heading", level=1, name="Audit")).to_be_visible()


def looks_around(plain, machine):
    """Today, a machine by its link, and a list that is searched, sorted and turned over."""
    plain.page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Today").click()
    expect(plain.page.locator("#today-items tbody tr").first).to_be_visible()
    plain.page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Assets").click()
    plain.page.locator("#machines").get_by_role("link", name=machine, exact=True).click()
    expect(plain.page.get_by_role("heading", level=1, name=f"Machine {machine}")).to_be_visible()
    expect(plain.page.locator("#components tbody tr").first).to_be_visible()
    plain.open("/audit")
    log = plain.page.locator(".list").filter(has=plain.page.get_by_role("searchbox"))
    rows = log.locator("tbody tr")
    every = rows.count()
    log.get_by_role("searchbox").fill("risk.put")
    log.get_by_role("button", name="Find").click()
    expect(log.get_by_role("searchbox")).to_have_value("risk.put")
    found = rows.all_inner_texts()
    assert 0 < len(found) < every and all("risk.put" in row for row in found), found
    log.locator("thead a").first.click()
    expect(log.locator("th[aria-sort=ascending], th[aria-sort=descending]")).to_have_count(1)
    assert sorted(rows.all_inner_texts()) == sorted(found), "what was searched for is kept"


def holds_and_ends(plain, hospital, machine):
    """The ward's "not now", and its end, where it is said."""
    plain.open(f"/ward/unit/{UNIT}")
    card = plain.page.locator(".machines > li").filter(has=plain.page.get_by_role("heading", level=3, name=machine, exact=True))
    card.locator("summary").click()
    card.get_by_label("Why").select_option("procedure")
    card.get_by_label("For how long").select_option("1")
    card.get_by_role("button", name="Not now", exact=True).click()
    expect(plain.page.get_by_role("status")).to_contain_text("Not now: nothing starts.")
    held = lambda: [hold["machine"] for hold in hospital.ask_json("hold", "list")]
    assert machine in held(), held()
    card.get_by_role("button", name=f"End it now: the hold on {machine}").click()
    expect(plain.page.get_by_role("status")).to_contain_text("The hold is over.")
    assert machine not in held(), held()


def edits(plain, hospital):
    """A form with a mistake, beside its field; without it; and again, filled with what is there."""
    asset = lambda: next(one for one in hospital.ask_json("asset", "list")["assets"] if one["tag"] == "P-1")
    plain.open("/assets")
    plain.page.get_by_role("list", name="What can be done here").locator('a[href^="/do/asset/put"]').click()
    plain.page.locator("[name=unit]").select_option(UNIT)
    plain.page.locator("[name=manufacturer]").fill("Acme")
    plain.send()
    expect(plain.page.get_by_role("alert")).to_contain_text("nothing was changed")
    expect(plain.page.locator(".field.wrong [name=tag]")).to_be_visible()
    # What was filled in is there still.
    expect(plain.page.locator("[name=manufacturer]")).to_have_value("Acme")
    expect(plain.page.locator("[name=unit]")).to_have_value(UNIT)
    plain.page.locator("[name=tag]").fill("P-1")
    plain.send()
    expect(plain.page.locator(".intro")).to_have_text("Done.")
    assert (asset()["manufacturer"], asset()["unit"]) == ("Acme", UNIT), asset()
    plain.open("/assets/asset/P-1")
    plain.page.locator("summary", has_text="More that can be done").click()
    plain.page.locator('.more a[href^="/do/asset/put"]').click()
    expect(plain.page.locator("[name=manufacturer]")).to_have_value("Acme")
    plain.page.locator("[name=manufacturer]").fill("Acme and sons")
    plain.send()
    expect(plain.page.locator(".intro")).to_have_text("Done.")
    assert (asset()["manufacturer"], asset()["unit"]) == ("Acme and sons", UNIT), asset()


def confirms(plain, hospital):
    """What is grave is shown first, and done once it is confirmed."""
    freezes = lambda: [freeze["freeze"] for freeze in hospital.ask_json("freeze", "list")]
    until = datetime.now(timezone.utc) + timedelta(days=40)
    begins = until - timedelta(days=1)
    plain.fill("freeze add", name="by-form", until=f"{until:%Y-%m-%dT%H:%M:%SZ}", reason="go-live",
               **{"from": f"{begins:%Y-%m-%dT%H:%M:%SZ}"})
    plain.send()
    expect(plain.page.get_by_text("Read this first")).to_be_visible()
    assert "by-form" not in freezes(), freezes()
    plain.page.get_by_role("button", name="Yes, do it").click()
    expect(plain.page.get_by_text("Done.")).to_be_visible()
    assert "by-form" in freezes(), freezes()
    # Who thinks better of it leaves it as it is.
    plain.fill("freeze remove", name="by-form", reason="a test")
    plain.send()
    expect(plain.page.get_by_text("Read this first")).to_be_visible()
    plain.page.get_by_role("link", name="Leave it as it is").click()
    assert "by-form" in freezes(), freezes()
    hospital.ask("freeze", "remove", "by-form", "--reason", "a test")


def is_told_why_it_cannot_sign(plain, hospital, plan):
    """The page says why a signature takes a script and what to do without; pressed all the same, nothing is signed."""
    plain.open(f"/plan/{plan}/sign")
    note = plain.page.locator("#sign-form .note")
    expect(note).to_be_visible()
    for said in ("JavaScript", "never leaves this browser", "patchward-sign approve"):
        expect(note).to_contain_text(said)
    plain.page.locator("#sign-button").click()
    expect(plain.page.locator("p.problem[role=alert]").first).to_contain_text("No signature came")
    expect(plain.page.get_by_role("heading", level=1)).to_contain_text("Sign: ")
    assert hospital.ask_json("plan", "show", plan)["signatures"] == 0
    # What the note speaks of is there, and so is the other answer, which takes no script.
    plain.page.get_by_role("link", name="Take the file for patchward-sign").click()
    with plain.page.expect_download() as begun:
        plain.send()
    assert begun.value.suggested_filename == "plan-export.patchward", begun.value.suggested_filename
    plain.open("/me")
    expect(plain.page.locator("#browser-key")).to_contain_text("Signing needs JavaScript")
    expect(plain.page.get_by_role("button", name="Make a key and ask")).to_have_count(0)


def walk(plain, hospital, plan):
    """What a browser without scripts does, one after the other."""
    yield "no script runs", lambda: runs_no_script(plain)
    yield "without scripts people sign in", lambda: enters(plain, "ada")
    yield "without scripts people look around", lambda: looks_around(plain, "station-1")
    yield "without scripts a machine is held", lambda: holds_and_ends(plain, hospital, "station-2")
    yield "without scripts a thing is edited", lambda: edits(plain, hospital)
    yield "without scripts a grave act is confirmed", lambda: confirms(plain, hospital)
    yield "without scripts it is said why nobody signs", lambda: is_told_why_it_cannot_sign(plain, hospital, plan)
