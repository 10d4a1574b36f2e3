"""The ward: a screen without an account, whoever is signed in beside it, and a sheet of paper on the wall."""

import re

from people import SCREEN, Person, expect, fits
from signing import UNIT

# A4 without the margins that the sheet asks for: 180 of 210 mm, at 96 pixels an inch.
PAPER = {"width": 680, "height": 1000}
# What the link of a ward opens for nobody.
CLOSED = ["/", "/ward", f"/ward/unit/{UNIT}", f"/ward/unit/{UNIT}/sheet", "/rollouts", "/settings", "/me", "/do/hold/add",
          "/do/stop/now", "/list/machine/list"]


class Screen(Person):
    """A screen on the ward, which has the link that IT makes for it."""

    def __init__(self, playwright, hospital, olga):
        super().__init__(playwright, hospital, "desk")
        self.link = link_for(olga, hospital)


def link_for(olga, hospital):
    """The path of a new link, which is shown once."""
    text = olga.do("kiosk add", name="desk", unit=UNIT)
    link = next(word for word in text.split() if "/ward/" in word)
    olga.open("/settings")
    expect(olga.page.locator("#kiosks")).to_contain_text("desk")
    assert link.split("/ward/")[1] not in olga.page.content()
    return link.removeprefix(hospital.address)


def not_now(person, where, what, reason, hours):
    """Says "not now" where it stands, as with a finger."""
    part = where.locator("details").filter(has=person.page.locator("summary", has_text=f"Not now: {what}"))
    part.locator("summary").click()
    part.get_by_label("Why").select_option(reason)
    part.get_by_label("For how long").select_option(hours)
    part.get_by_role("button", name="Not now", exact=True).click()
    expect(person.page.get_by_role("status")).to_contain_text("Not now: nothing starts. It ends by itself.")


def machine(person, name):
    """Its card."""
    heading = person.page.get_by_role("heading", level=3, name=name, exact=True)
    return person.page.locator(".machines > li").filter(has=heading)


def held(hospital):
    """Who holds what: the unit, where no machine is named."""
    return {(hold["machine"], hold["said_by"], hold["reason"]) for hold in hospital.ask_json("hold", "list")}


def holds_the_unit(desk, hospital):
    answer = desk.open(desk.link)
    assert answer.status == 200, answer.status
    not_now(desk, desk.page.locator("section"), "the whole unit", "rounds", "8")
    expect(desk.page.locator(".held")).to_contain_text("Not now, the whole unit")
    expect(desk.page.locator(".held")).to_contain_text("Said by the screen desk")
    assert held(hospital) == {(None, "kiosk:desk", "rounds")}, held(hospital)


def can_do_nothing_else(desk, hospital, other):
    """No bar, no way out, no session; and what its page would never send is refused. `other` is another unit's machine."""
    for page in (desk.link, f"{desk.link}/sheet"):
        desk.open(page)
        expect(desk.page.get_by_role("navigation")).to_have_count(0)
        ways = desk.page.locator("a[href]").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        assert set(ways) <= {"#main", "/", desk.link, f"{desk.link}/sheet"}, ways
        actions = desk.page.locator("form").evaluate_all("all => all.map(one => one.getAttribute('action'))")
        assert set(actions) <= {desk.link}, actions
    assert not desk.context.cookies(), desk.context.cookies()
    for place in CLOSED:
        desk.open(place)
        assert "/login" in desk.page.url, f"{place} leads to {desk.page.url}"
    desk.open(desk.link)
    lists = [("hold", "list"), ("handover", "list"), ("stop", "list")]
    before = [hospital.ask(*one) for one in lists]
    for status, wish in [(422, {"wish": "stop"}), (422, {"wish": "job return", "machine": "station-1"}),
                         (404, {"wish": "hold", "machine": other, "hours": "1", "reason": "rounds"}),
                         (404, {"wish": "handover", "machine": other})]:
        form = {"_form": desk.page.locator("[name=_form]").first.get_attribute("value"), **wish}
        sent = desk.context.request.post(hospital.address + desk.link, form=form, max_redirects=0)
        assert sent.status == status, f"{wish}: {sent.status}"
    assert [hospital.ask(*one) for one in lists] == before, "something was changed"


def holds_a_machine_and_asks(desk, hospital, name):
    """One machine of tonight: "not now", what is asked of HTM, and the end of the screen's own hold."""
    desk.open(desk.link)
    expect(machine(desk, name)).to_contain_text("May be down")
    not_now(desk, machine(desk, name), name, "patient_waiting", "2")
    expect(machine(desk, name).locator(".held")).to_contain_text("patient waiting. Said by the screen desk")
    assert (name, "kiosk:desk", "patient waiting") in held(hospital), held(hospital)
    machine(desk, name).get_by_role("button", name=f"Ask for handover of {name}").click()
    expect(desk.page.get_by_role("status")).to_contain_text("HTM is asked.")
    expect(machine(desk, name)).to_contain_text("HTM is asked for its handover")
    # Once is enough.
    expect(machine(desk, name).get_by_role("button", name="Ask for handover")).to_have_count(0)
    asked = hospital.ask_json("handover", "list")
    assert [(ask["machine"], ask["asked_by"]) for ask in asked] == [(name, "kiosk:desk")], asked
    desk.page.get_by_role("button", name=f"End it now: the hold on {name}").click()
    expect(desk.page.get_by_role("status")).to_contain_text("The hold is over.")
    expect(machine(desk, name).locator(".held")).to_have_count(0)
    assert held(hospital) == {(None, "kiosk:desk", "rounds")}, held(hospital)


def is_held_by_people(ian, desk, hospital, name):
    """Who is signed in says it at the unit's page; the screen shows it, and does not end it."""
    ian.open(f"/ward/unit/{UNIT}")
    not_now(ian, machine(ian, name), name, "procedure", "1")
    assert (name, "person:ian", "procedure") in held(hospital), held(hospital)
    desk.open(desk.link)
    expect(machine(desk, name).locator(".held")).to_contain_text("procedure. Said by ian")
    expect(machine(desk, name).get_by_role("button", name="End it now")).to_have_count(0)


def reaches_htm(ada, asked, name):
    """HTM finds on Today what the ward asks for, and on Rollouts who holds what."""
    ada.open("/")
    expect(ada.page.locator("#today-items")).to_contain_text("Hand it over")
    ada.open("/rollouts")
    expect(ada.page.locator("#handovers")).to_contain_text(asked)
    for said in ("kiosk:desk", "person:ian", name):
        expect(ada.page.locator("#holds")).to_contain_text(said)


def on_paper(person, path, machines):
    """The downtime sheet, printed: what is hung up is there, fits the paper and one sheet; the rest is not."""
    person.page.set_viewport_size(PAPER)
    person.open(path)
    person.page.emulate_media(media="print")
    for hidden in (person.page.get_by_role("navigation"), person.page.locator("footer"), person.page.locator(".who"),
                   person.page.get_by_role("link", name="Back to it")):
        expect(hidden.filter(visible=True)).to_have_count(0)
    rows = person.page.locator(".sheet tbody tr")
    expect(rows).to_have_count(len(machines))
    for name in machines:
        row = rows.filter(has=person.page.get_by_role("rowheader", name=name, exact=True))
        expect(row).to_be_visible()
        expect(row.locator("td").first).to_have_text(re.compile(r"\d\d:\d\d"))
    for said in ("Not now, the whole unit", "Use the stand-in, and call:"):
        expect(person.page.get_by_text(said)).to_be_visible()
    fits(person)
    cut = person.page.locator(".wide").evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length")
    assert not cut, "paper does not scroll: a part of the table is missing"
    sheets = len(re.findall(rb"/Type\s*/Page\b(?!s)", person.page.pdf(format="A4", prefer_css_page_size=True)))
    assert sheets == 1, f"{sheets} sheets of paper"
    person.page.emulate_media(media="screen")
    person.page.set_viewport_size(SCREEN)


def link_ends(olga, desk):
    olga.do("kiosk end", name="desk")
    answer = desk.open(desk.link)
    assert answer.status == 404, answer.status
    expect(desk.page.locator("main")).to_contain_text("worth nothing any more")
