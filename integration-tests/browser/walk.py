"""A first day at a new hospital's page, and one rollout from the wish to the evidence."""

import re
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from people import Hospital, Person, accessible, expect, fits, sync_playwright

UNIT = "reading-room-2"
# What ends a rollout that hangs; three machines take seconds, minutes beside everything else that two cores test.
VERIFIED_WITHIN_S = 300
PLACES = ["/", "/ward", f"/ward/unit/{UNIT}", f"/ward/unit/{UNIT}/sheet", "/assets", "/updates", "/exposure",
          "/windows", "/plan", "/rollouts", "/evidence", "/audit", "/setup", "/settings", "/me"]


def first_day(admin, hospital):
    admin.begin(hospital.welcome, "root-ada", "Adam, IT")
    # The link is worth nothing any more.
    answer = admin.page.goto(hospital.welcome)
    assert answer.status == 404, answer.status
    links = {}
    for name, title, role in [("ada", "Ada, HTM", "approver"), ("ben", "Ben, HTM", "approver"),
                              ("olga", "Olga, IT", "operator"), ("ian", "Ian, biomed", f"technician:{UNIT}")]:
        text = admin.do("user add", name=name, title=title, roles=role)
        assert "Hand this link" in text, text
        links[name] = next(word for word in text.split() if "/welcome/" in word)
    return links


def enrol_key(person, hospital):
    person.open("/me")
    person.page.get_by_role("button", name="Make a key and ask").click()
    expect(person.page.get_by_role("status")).to_contain_text("registrar")
    asked = hospital.ask_json("user", "keys")
    keys = [one["key"] for one in asked if one["account"] == person.name]
    assert len(keys) == 1, asked
    # Until a registrar has taken it in, nobody is asked to make another one, and all pages say whose move it is.
    expect(person.page.get_by_role("button", name="Make a key and ask")).to_be_hidden()
    hospital.roster_with(person.name, keys[0])
    person.open("/me")
    expect(person.page.get_by_role("cell", name="in the roster")).to_be_visible()


def make_plan(olga, title, version, **more):
    asked = {"soak_seconds": "20", **more}
    text = olga.do("plan new", title=title, releases=f"viewer={version}", units=UNIT, **asked)
    assert "Plan " in text, text
    plan = next(line for line in text.splitlines() if line.startswith("Plan ")).split()[1].strip(":")
    olga.open(f"/plan/{plan}")
    expect(olga.page.get_by_role("heading", name="Findings")).to_be_visible()
    return plan


def signs(person, plan):
    """Signs in the browser; what the page says then."""
    person.open(f"/plan/{plan}/sign")
    person.page.get_by_role("button", name="Sign with this browser's key").click()
    status = person.page.get_by_role("status")
    expect(status).to_contain_text("ign")
    return status.inner_text()


def approve(ada, hospital, plan, pictures):
    ada.open(f"/plan/{plan}/sign")
    picture(ada, pictures, "sign")
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


def setup(admin, olga, ada):
    """The first day is led by a page; who runs the place sees it, and nobody else."""
    for person in (admin, olga):
        person.open("/")
        person.page.get_by_role("link", name="Setup is not finished").click()
        expect(person.page.get_by_role("heading", level=1, name="Setup")).to_be_visible()
        step = person.page.locator(".steps > li").filter(has_text="Two registrars or more")
        expect(step).to_contain_text("rita is the only one")
        step = person.page.locator(".steps > li").filter(has_text="Notices by webhook or mail")
        step.get_by_role("link", name="Go there").click()
        expect(person.page.locator("form.asks")).to_be_visible()
    with olga.page.expect_download() as begun:
        olga.open("/setup")
        olga.page.locator("#setup-firewall_sheet .csv").click()
    rows = Path(begun.value.path()).read_text()
    assert "in,UDP," in rows and "in,TCP," in rows, rows
    ada.open("/")
    expect(ada.page.get_by_role("link", name="Setup is not finished")).to_have_count(0)
    assert ada.open("/setup").status == 403
    expect(ada.page.locator("main")).to_contain_text("Who may: operator, admin")


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


def stop(olga, hospital):
    olga.open("/")
    olga.page.get_by_role("link", name="Stop").click()
    olga.page.locator("[name=reason]").fill("power test of the house")
    olga.page.locator("[name=all]").check()
    olga.page.get_by_role("button", name="Show what will happen").click()
    expect(olga.page.get_by_text("Read this first")).to_be_visible()
    assert not hospital.ask_json("stop", "list"), "nothing is stopped before it was confirmed"
    olga.page.get_by_role("button", name="Yes, do it").click()
    expect(olga.page.get_by_text("Done.")).to_be_visible()
    stops = hospital.ask_json("stop", "list")
    assert len(stops) == 1, stops
    # Sent again by the browser's own "again", it is not carried out twice.
    olga.page.reload()
    assert len(hospital.ask_json("stop", "list")) == 1


def search(olga):
    olga.fill("component search", question="viewer")
    olga.send()
    expect(olga.page.locator("main")).to_contain_text("station")


def import_assets(olga, hospital):
    sheet = hospital.folder / "assets.csv"
    sheet.write_text("tag,serial,manufacturer,model,unit\nA-1,S1,Acme,Viewer,%s\nA-2,S2,Acme,=HYPERLINK(1),%s\n" % (UNIT, UNIT))
    text = olga.do("asset import", file=sheet)
    assert "2" in text, text
    olga.open("/assets")
    with olga.page.expect_download() as begun:
        olga.page.locator("#assets-assets .csv").click()
    rows = Path(begun.value.path()).read_text()
    assert "'=HYPERLINK(1)" in rows, rows


def take_evidence(olga, hospital, plan):
    olga.fill("evidence export", plan=plan)
    with olga.page.expect_download() as begun:
        olga.send()
    pack = hospital.folder / "people" / "pack.evidence"
    begun.value.save_as(pack)
    said = hospital.sign("verify-evidence", str(pack))
    assert "are proved" in said, said


def refused(ian, hospital, plan):
    """A technician of one unit signs no plan and stops nothing."""
    answer = ian.open("/do/stop/now")
    assert answer.status == 403, answer.status
    ian.open("/plan")
    expect(ian.page.locator(".intro")).to_contain_text(f"You are technician:{UNIT}; this is done by approver or operator.")
    answer = ian.open("/settings")
    expect(ian.page.get_by_role("heading", name="People")).to_have_count(0)
    # A form says what a job is about to those alone who may see its machine.
    job = hospital.ask_json("job", "list", "--plan", plan)[0]
    form = f"/do/job/return?job={job['job']}"
    ian.open(form)
    expect(ian.page.locator("#form-of")).to_contain_text(job["machine"])
    hospital.ask("unit", "add", "cellar", "--site", "main", "--class", "standard")
    hospital.ask("user", "grant", "ian", "--role", "technician:cellar")
    try:
        ian.open(form)
        expect(ian.page.locator("[name=job]")).to_have_value(job["job"])
        expect(ian.page.locator("main")).not_to_contain_text(job["machine"])
    finally:
        hospital.ask("user", "grant", "ian", "--role", f"technician:{UNIT}")
        hospital.ask("unit", "remove", "cellar")


def by_keyboard(person):
    """The whole way to a form and through it, without a mouse."""
    person.open("/windows")
    person.page.keyboard.press("Tab")
    assert person.page.evaluate("document.activeElement.textContent") == "To the content"
    person.page.keyboard.press("Enter")
    for _ in range(40):
        person.page.keyboard.press("Tab")
        if person.page.evaluate("document.activeElement.getAttribute('href') || ''").startswith("/do/window/add"):
            break
    else:
        raise AssertionError("the first button is not reached by the keyboard")
    person.page.keyboard.press("Enter")
    expect(person.page.locator("form.asks")).to_be_visible()
    accessible(person)


def picture(person, folder, name):
    if folder:
        person.page.screenshot(path=f"{folder}/{name.replace('/', '-')}.png")


def acts(people, hospital, pictures, plan, other):
    """What does not build on one another: all of it is tried, so that one run shows all faults."""
    ada, ben, olga, ian = (people[name] for name in ("ada", "ben", "olga", "ian"))

    def sees(place):
        return olga if place == "/setup" else ada

    yield "a plan with findings that block is not signed", lambda: blocked(ada, hospital, other)
    yield "a plan is declined", lambda: decline(ada, ben, hospital, other)
    yield "the first day is led", lambda: setup(people["admin"], olga, ada)
    yield "a component is searched", lambda: search(olga)
    yield "assets are imported", lambda: import_assets(olga, hospital)
    yield "evidence is taken and verified", lambda: take_evidence(olga, hospital, plan)
    yield "who may not is told so", lambda: refused(ian, hospital, plan)
    yield "a form is reached by the keyboard", lambda: by_keyboard(ada)
    for dark in (False, True):
        for place in PLACES:
            yield f"{place} keeps nobody out, dark={dark}", lambda: looked_at(sees(place), place, dark, pictures)
    for width in (375, 640):  # a telephone; 1280 pixels at 200 %
        for place in PLACES:
            yield f"{place} fits {width} pixels", lambda: narrow(sees(place), place, width)
    yield "a page is printed", lambda: printed(ada)
    yield "everything is stopped once", lambda: stop(olga, hospital)
    for person in people.values():
        yield f"{person.name}'s browser complains of nothing", person.is_well


def looked_at(person, place, dark, pictures):
    person.page.emulate_media(color_scheme="dark" if dark else "light")
    person.open(place)
    accessible(person)
    if not dark:
        picture(person, pictures, place.strip("/") or "today")


def narrow(person, place, width):
    person.page.set_viewport_size({"width": width, "height": 800})
    person.open(place)
    fits(person)
    # On a telephone nothing of a list lies beyond the edge.
    wide = person.page.locator(".list .wide").evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length")
    assert width > 600 or not wide, f"{wide} lists of {place} are wider than {width} pixels"
    person.page.set_viewport_size({"width": 1280, "height": 900})


def printed(person):
    person.page.set_viewport_size({"width": 1280, "height": 900})
    person.open("/assets")
    person.page.emulate_media(media="print")
    expect(person.page.get_by_role("navigation", name="Pages", exact=True)).to_be_hidden()
    person.page.emulate_media(media="screen")


def main():
    pictures = sys.argv[1] if len(sys.argv) > 1 else None
    hospital = Hospital()
    faults = []
    with sync_playwright() as playwright:
        admin = Person(playwright, hospital, "admin")
        links = first_day(admin, hospital)
        admin.is_well()
        people = {name: Person(playwright, hospital, name) for name in links}
        for name, person in people.items():
            person.begin(links[name])
        ada, ben, olga = people["ada"], people["ben"], people["olga"]
        enrol_key(ada, hospital)
        enrol_key(ben, hospital)
        plan = make_plan(olga, "Viewer 4.2.0", "4.2.0")
        approve(ada, hospital, plan, pictures)
        follow(olga, plan)
        urgent = {"emergency": "exploited, in KEV", "for_minutes": "60", "soak_seconds": "1"}
        both = make_plan(olga, "Viewer 4.2.1 now", "4.2.1", **urgent)
        approve_by_two(ada, ben, hospital, both)
        follow(olga, both)
        other = make_plan(olga, "Viewer 4.2.2", "4.2.2", **urgent)
        people["admin"] = admin
        for what, act in acts(people, hospital, pictures, plan, other):
            try:
                act()
            except Exception as error:  # whatever it is, it is reported with the others
                faults.append(f"{what}: {error}")
        for person in people.values():
            person.context.close()
    if faults:
        sys.exit("\n\n".join(faults))
    print("A first day, a rollout and every page: all as it should be.")


main()
