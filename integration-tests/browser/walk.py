"""A first day at a new hospital's page, rollouts from the wish to the evidence, the ward's word, and every page."""

import sys
from pathlib import Path

import keyboard
import paper
import plain
import signing
import slow
import ward
from pages import Pages
from people import Hospital, Person, expect, picture, shifts, sync_playwright
from signing import BEDSIDE, UNIT, URGENT, follow, make_plan
from things import names, one_of_each

# Where people begin; all other pages are found by their links.
PLACES = ["/", "/ward", "/assets", "/updates", "/exposure", "/windows", "/plan", "/rollouts", "/evidence", "/audit",
          "/settings", "/me"]


def first_day(admin, hospital, pages):
    admin.page.goto(hospital.welcome)
    pages.look(admin)
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


def stop(olga, hospital, pages):
    olga.open("/")
    olga.page.get_by_role("link", name="Stop").click()
    olga.page.locator("[name=reason]").fill("power test of the house")
    olga.page.locator("[name=all]").check()
    olga.page.get_by_role("button", name="Show what will happen").click()
    expect(olga.page.get_by_text("Read this first")).to_be_visible()
    assert not hospital.ask_json("stop", "list"), "nothing is stopped before it was confirmed"
    pages.look(olga, "what will happen")
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


def refused(ian, hospital, plan, pages):
    """A technician of one unit signs no plan and stops nothing."""
    answer = ian.open("/do/stop/now")
    assert answer.status == 403, answer.status
    pages.look(ian, "what is refused")
    ian.open("/plan")
    expect(ian.page.locator(".intro")).to_contain_text(f"You are technician:{UNIT}; this is done by approver or security or operator.")
    answer = ian.open("/settings")
    expect(ian.page.get_by_role("heading", name="People", exact=True)).to_have_count(0)
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


def on_the_ward(people, hospital, plan):
    """The ward says "not now" before the plan is signed: nothing of it starts."""
    ada, ben, ian, desk = (people[name] for name in ("ada", "ben", "ian", "desk"))
    stations = ["station-1", "station-2", "station-3"]
    yield "a screen of the ward holds the unit", lambda: ward.holds_the_unit(desk, hospital)
    yield "the screen can do nothing else", lambda: ward.can_do_nothing_else(desk, hospital, "bedside-1")
    yield "a plan is signed by the keyboard", lambda: keyboard.sign(ben, plan)
    yield "the screen holds a machine and asks", lambda: ward.holds_a_machine_and_asks(desk, hospital, "station-1")
    yield "people hold a machine", lambda: ward.is_held_by_people(ian, desk, hospital, "station-2")
    yield "HTM hears of it", lambda: ward.reaches_htm(ada, "station-1", "station-2")
    yield "people print the sheet", lambda: ward.on_paper(ian, f"/ward/unit/{UNIT}/sheet", stations)
    yield "the screen's sheet is printed", lambda: ward.on_paper(desk, f"{desk.link}/sheet", stations)


def all_pages(people, hospital, pages, pictures, plan):
    """From where people begin, by links, to every kind of page; and to each form and list, whoever may open it."""
    pages.roles = {people["ada"]: "approver", people["olga"]: "operator", people["admin"]: "admin"}
    pages.known = names(hospital, plan)
    for place in PLACES:
        pages.begins(people["ada"], place)
    # Who runs the place; who is not signed in.
    pages.begins(people["olga"], "/setup")
    pages.begins(people["desk"], "/login")
    yield from pages.every_kind()
    for place in PLACES if pictures else []:
        people["ada"].open(place)
        picture(people["ada"], pictures, place.strip("/") or "today")
    if pictures:
        people["ada"].open(f"/ward/unit/{UNIT}")
        picture(people["ada"], pictures, "ward-unit")


def acts(people, hospital, pages, pictures, plan, other):
    """What does not build on one another: all of it is tried, so that one run shows all faults."""
    ada, ben, olga, ian = (people[name] for name in ("ada", "ben", "olga", "ian"))
    yield "a risk assessment stands above the signature", lambda: signing.weighs(ada, hospital, other)
    yield from plain.walk(people["plain"], hospital, other)
    yield "a plan with findings that block is not signed", lambda: signing.blocked(ada, hospital, other)
    yield "what is no signature is refused", lambda: signing.refused(ada, hospital, other)
    yield "a plan is declined", lambda: signing.decline(ada, ben, hospital, other)
    yield from on_the_ward(people, hospital, other)
    yield "a critical machine takes a file key", lambda: signing.with_a_file_key(ada, ben, olga, hospital)
    yield "the first day is led", lambda: setup(people["admin"], olga, ada)
    yield "a component is searched", lambda: search(olga)
    yield "assets are imported", lambda: import_assets(olga, hospital)
    yield "evidence is taken and verified", lambda: take_evidence(olga, hospital, plan)
    yield "who may not is told so", lambda: refused(ian, hospital, plan, pages)
    yield "a form is filled in by the keyboard", lambda: keyboard.a_form(ada, hospital, UNIT, pages)
    yield "who uses the keyboard alone gets in by it", lambda: keyboard.sign_in(ian, "ian", pages)
    yield "who waits is told how far it is", lambda: slow.is_told_how_far_it_is(olga, pages)
    yield "what moves would be seen", lambda: moves(ada)
    yield "everything is stopped once", lambda: stop(olga, hospital, pages)
    yield "there is one of each thing", lambda: one_of_each(hospital, BEDSIDE, "bedside-1")
    yield from paper.printed(people, plan)
    yield from all_pages(people, hospital, pages, pictures, plan)
    yield "the ward's link ends", lambda: ward.link_ends(olga, people["desk"])
    for person in people.values():
        yield f"{person.name}'s browser complains of nothing", person.is_well


def moves(person):
    """What every page is looked at for can be seen at all."""
    # It does not bring itself up to date.
    person.open("/me")
    assert not shifts(person)
    person.page.evaluate("""() => {
      const late = document.createElement("p");
      late.textContent = "late";
      late.style.height = "200px";
      document.body.prepend(late);
    }""")
    assert shifts(person)


def main():
    pictures = sys.argv[1] if len(sys.argv) > 1 else None
    hospital = Hospital()
    pages = Pages()
    faults = []
    with sync_playwright() as playwright:
        admin = Person(playwright, hospital, "admin")
        links = first_day(admin, hospital, pages)
        admin.is_well()
        people = {name: Person(playwright, hospital, name) for name in links}
        for person in people.values():
            pages.follows(person)
        for name, person in people.items():
            person.begin(links[name])
        ada, ben, olga = people["ada"], people["ben"], people["olga"]
        enrol_key(ada, hospital)
        enrol_key(ben, hospital)
        plan = make_plan(olga, "Viewer 4.2.0", "4.2.0")
        signing.approve(ada, hospital, plan, pages, pictures)
        follow(olga, plan)
        both = make_plan(olga, "Viewer 4.2.1 now", "4.2.1", **URGENT)
        signing.approve_by_two(ada, ben, hospital, both)
        follow(olga, both)
        other = make_plan(olga, "Viewer 4.2.2", "4.2.2", **URGENT)
        people |= {"admin": admin, "desk": ward.Screen(playwright, hospital, olga), "plain": plain.browser(playwright, hospital)}
        pages.follows(people["desk"])
        for what, act in acts(people, hospital, pages, pictures, plan, other):
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
