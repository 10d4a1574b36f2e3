"""Plans: asked for by IT, read, signed, co-signed and declined by HTM, by a browser's key and by a file key."""

import re
import time
from datetime import datetime, timedelta, timezone

from people import accessible, expect, picture

UNIT = "reading-room-2"
# A unit whose machine is critical.
BEDSIDE = "icu"
# What makes a plan an emergency that begins at once.
URGENT = {"emergency": "exploited, in KEV", "for_minutes": "60", "soak_seconds": "1"}

# What ends a rollout that hangs; three machines take seconds, minutes beside everything else that two cores test.
VERIFIED_WITHIN_S = 300


def make_plan(olga, title, version, unit=UNIT, **more):
    asked = {"soak_seconds": "20", **more}
    text = olga.do("plan new", title=title, releases=f"viewer={version}", units=unit, **asked)
    assert "Plan " in text, text
    plan = next(line for line in text.splitlines() if line.startswith("Plan ")).split()[1].strip(":")
    olga.open(f"/plan/{plan}")
    expect(olga.page.get_by_role("heading", name="Findings")).to_be_visible()
    return plan


def follow(olga, plan):
    """Looks at the rollout until every machine is verified."""
    olga.open(f"/rollouts/{plan}")
    states = olga.page.locator("#jobs tbody td .state")
    until = time.monotonic() + VERIFIED_WITHIN_S
    while time.monotonic() < until:
        words = [word.split()[-1] for word in states.all_inner_texts()]
        if words and all(word == "verified" for word in words):
            return
        # The page shows what is true when it is opened.
        olga.page.reload()
    raise AssertionError(f"not verified: {words}\n{olga.hospital.ask('rollout', 'show', plan)}")


def signs(person, plan):
    """Signs in the browser; what the page says then."""
    person.open(f"/plan/{plan}/sign")
    person.page.get_by_role("button", name="Sign with this browser's key").click()
    status = person.page.get_by_role("status")
    expect(status).to_contain_text("ign")
    return status.inner_text()


def approve(ada, hospital, plan, pages, pictures):
    ada.open(f"/plan/{plan}/sign")
    picture(ada, pictures, "sign")
    pages.look(ada)
    said = signs(ada, plan)
    assert "signed by enough" in said and re.search("the first slot.* that of station-.", said), said
    expect(ada.page.get_by_role("link", name="See how the rollout goes")).to_have_attribute("href", f"/rollouts/{plan}")
    # What is signed by enough is not signed again.
    ada.open(f"/plan/{plan}/sign")
    expect(ada.page.locator("#over")).to_contain_text("Nothing is left to sign")
    expect(ada.page.locator("#sign-button")).to_have_count(0)
    ada.open(f"/plan/{plan}")
    expect(ada.page.get_by_role("link", name="Read and sign")).to_have_count(0)
    signed = hospital.ask_json("plan", "show", plan)
    assert signed["state"] == "active", signed


def approve_by_two(ada, ben, hospital, plan):
    """An emergency is signed by two people, each with a browser and a key of their own."""
    said = signs(ada, plan)
    assert "another person's is waited for" in said and "HTM's move" in said, said
    # Who signed once and signs again is no second person.
    said = signs(ada, plan)
    assert f"1 more approver of {UNIT}" in said, said
    shown = hospital.ask_json("plan", "show", plan)
    assert (shown["state"], shown["whose_move"]) == ("draft", "HTM"), shown
    ben.open("/")
    row = ben.page.locator("#today-items tbody tr").filter(has_text="Viewer 4.2.1 now")
    expect(row).to_contain_text("1 has signed, and it waits for another")
    expect(row.get_by_role("link", name="Read and sign")).to_have_attribute("href", f"/plan/{plan[:12]}/sign")
    row.get_by_role("link", name="Say that you do it").click()
    expect(ben.page.locator("[name=item]")).to_have_value(f"sign:{plan[:12]}")
    ben.open(f"/plan/{plan}")
    expect(ben.page.locator("main")).to_contain_text(f"1 more approver of {UNIT}")
    accessible(ben)
    said = signs(ben, plan)
    assert "signed by enough" in said, said
    assert hospital.ask_json("plan", "show", plan)["state"] == "active"


# Sends the form of a signature as the page would.
SENDS = """async ([plan, fields]) => {
  const sent = await fetch(`/plan/${plan}/sign`, { method: "POST", body: new URLSearchParams(fields) });
  return [sent.status, await sent.text()];
}"""


def refused(ada, hospital, plan):
    """What is no signature of this person's own key over this plan, or not their form, changes nothing."""
    before = hospital.ask_json("plan", "show", plan)
    keys = {one["account"]: one["key"] for one in hospital.ask_json("user", "keys")}
    assert keys["ada"] != keys["ben"], keys
    ada.open(f"/plan/{plan}/sign")
    token = ada.page.locator("main [name=token]").first.input_value()
    nobodys = "00" * 64
    for fields, said in [
        ({"token": token[::-1], "key": keys["ada"], "signature": nobodys}, None),
        ({"token": token, "key": keys["ben"], "signature": nobodys}, "none of yours in the roster"),
        ({"token": token, "key": keys["ada"], "signature": ""}, "No signature came"),
        ({"token": token, "key": keys["ada"], "signature": nobodys}, "none of your key over this plan"),
        ({"token": token, "key": keys["ada"], "signature": "zz" * 64}, "No signature came"),
    ]:
        status, text = ada.page.evaluate(SENDS, [plan, fields])
        assert said in text if said else status >= 400, f"{fields}: {status} {text}"
        assert "Thank you" not in text, text
    after = hospital.ask_json("plan", "show", plan)
    assert (after["state"], after["signatures"]) == (before["state"], before["signatures"]), (before, after)


def decline(ada, ben, hospital, plan):
    """One of two has signed; the other says no, and why. Nothing starts."""
    said = signs(ada, plan)
    assert "HTM's move" in said, said
    ben.open(f"/plan/{plan}/sign")
    ben.page.get_by_label("Or decline, and say why").fill("the reading room has a guest lecture")
    ben.page.get_by_role("button", name="Decline").click()
    expect(ben.page.get_by_role("status")).to_contain_text("guest lecture")
    assert hospital.ask_json("plan", "show", plan)["state"] == "draft"
    # Whoever comes to sign it reads that first.
    ada.open(f"/plan/{plan}/sign")
    expect(ada.page.locator("main")).to_contain_text("Declined by ben: the reading room has a guest lecture")
    logged = hospital.ask("audit", "list", "--json")
    assert "plan.decline" in logged and "guest lecture" in logged, logged


# Whether each of some parts comes before the button in the document, and stands above it.
ABOVE = """(button, parts) => parts.map(part => {
  const one = document.querySelector(part);
  const is_before = Boolean(one.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING);
  return is_before && one.getBoundingClientRect().bottom <= button.getBoundingClientRect().top;
})"""


def weighs(ada, hospital, plan):
    """Who signs reads first what the plan check finds, and what was said of the release on these machines."""
    version = hospital.ask_json("plan", "show", plan)["releases"][0].split()[1]
    ada.open(f"/plan/{plan}/sign")
    expect(ada.page.locator("main .said").first).to_contain_text(f"viewer={version} on workstation: not assessed")
    expect(ada.page.locator("#plan-risks")).to_have_count(0)
    checked = hospital.ask_json("plan", "check", plan)
    review = datetime.now(timezone.utc) + timedelta(days=30)
    said = ada.do("risk put", release=f"viewer={version}", model="workstation", of_patching="pictures open late",
                  of_waiting="the hole is used", decision="patch_with_care", reason="after the clinic", by="Ada",
                  review=f"{review:%Y-%m-%dT%H:%M:%SZ}")
    assert "is put down: patch_with_care" in said, said
    ada.open(f"/plan/{plan}/sign")
    expect(ada.page.locator("#plan-text, main .said").first).to_contain_text(f"viewer={version} on workstation: patch_with_care")
    # The findings that were there before, each, and the assessment after them.
    findings = ada.page.locator("#check tbody tr")
    expect(findings).to_have_count(len(checked) + 1)
    for one in checked:
        # On the page a command is a link, without its marks.
        expect(findings.filter(has_text=one["text"].split("`")[0])).not_to_have_count(0)
    assessed = findings.filter(has_text="risk assessment")
    expect(assessed).to_contain_text("patch_with_care: after the clinic. Patching: pictures open late. Not patching: the hole is used")
    expect(ada.page.locator("#plan-risks tbody tr")).to_contain_text("the hole is used")
    above = ada.page.locator("#sign-button").evaluate(ABOVE, ["#verdict", "#check", "#plan-risks"])
    assert above == [True, True, True], above


def blocked(ada, hospital, plan):
    """Findings that block a plan keep everybody from signing it, also who opened the page before."""
    ada.open(f"/plan/{plan}/sign")
    expect(ada.page.locator("#sign-button")).to_be_visible()
    until = datetime.now(timezone.utc) + timedelta(days=1)
    hospital.ask("freeze", "add", "late", "--until", f"{until:%Y-%m-%dT%H:%M:%SZ}", "--reason", "go-live")
    ada.page.locator("#sign-button").click()
    expect(ada.page.locator("p.problem[role=alert]").first).to_contain_text("This plan is not signed as it is")
    expect(ada.page.locator("#verdict")).to_contain_text("nobody signs it like this")
    expect(ada.page.locator("#sign-button")).to_have_count(0)
    assert hospital.ask_json("plan", "show", plan)["signatures"] == 0
    hospital.ask("freeze", "remove", "late", "--reason", "put off")
    ada.open(f"/plan/{plan}/sign")
    expect(ada.page.locator("#sign-button")).to_be_visible()


def with_a_file_key(ada, ben, olga, hospital):
    """A critical machine takes a signature by a file key: the page says so, hands out the file and takes it back; and
    the machine's installer accepts what a browser and a file signed."""
    plan = make_plan(olga, "Viewer 4.2.0 at the bedside", "4.2.0", BEDSIDE, **URGENT)
    ada.open(f"/plan/{plan}/sign")
    expect(ada.page.locator("main")).to_contain_text(f"2 approvers of {BEDSIDE} (1 with a file key)")
    said = signs(ada, plan)
    assert f"1 more approver of {BEDSIDE} (1 with a file key)" in said, said
    # Two people, and no file key yet: browsers alone start nothing here.
    said = signs(ben, plan)
    assert f"1 signature with a file key for {BEDSIDE}" in said, said
    assert hospital.ask_json("plan", "show", plan)["state"] == "draft"
    ben.open(f"/plan/{plan}/sign")
    expect(ben.page.locator("main")).to_contain_text(f"1 signature with a file key for {BEDSIDE}")
    ben.page.get_by_role("link", name="Take the file for patchward-sign").click()
    expect(ben.page.locator("[name=plan]")).to_have_value(plan)
    with ben.page.expect_download() as begun:
        ben.send()
    file, signed = (hospital.folder / "people" / f"bedside.{ending}" for ending in ("plan", "signed"))
    begun.value.save_as(file)
    hospital.sign("approve", str(file), "--out", str(signed), "--yes", "--key", "ben.pem")
    said = ben.do("plan sign", file=signed)
    assert "signed by enough" in said, said
    assert hospital.ask_json("plan", "show", plan)["state"] == "active"
    follow(olga, plan)
