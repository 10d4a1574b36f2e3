"""The README's five minutes on the page, step by step, in what `cargo demo --stay` leaves."""

import os
import re
import sys
import time

from people import Hospital, Person, expect, fits, sync_playwright

# From the first page to the signature. A script reads nothing, so that this leaves a person as
# long again for reading; it takes seconds where nothing else runs.
SIGNED_WITHIN_S = 150
# What ends a wait for something that never comes: an enrolment by Rita, a rollout of three machines.
PATIENCE_S = 300
# Those of the draft.
STATIONS = ["station-1", "station-2", "station-4"]
TELEPHONE, SCREEN = {"width": 375, "height": 800}, {"width": 1280, "height": 900}


def seen(person, name, pictures):
    """What stands there fits a telephone and a screen; pictures of both, for who asks for them."""
    for size in (TELEPHONE, SCREEN):
        person.page.set_viewport_size(size)
        fits(person)
        if pictures:
            person.page.screenshot(path=f"{pictures}/five-{name}-{size['width']}.png", full_page=True)


def until(person, what, look, holds):
    """Looks again, as people do, until what they wait for stands there."""
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, f"waited in vain until {what}: {person.page.locator('main').inner_text()}"
        look()


def place(person, name):
    """Goes to a page by the names at the top."""
    person.page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name=name, exact=True).click()
    expect(person.page.get_by_role("heading", level=1, name=name, exact=True)).to_be_visible()


def begin(ada, link, draft, pictures):
    """Ada's link, a password, and Today says what waits for her."""
    ada.page.goto(link)
    seen(ada, "1-link", pictures)
    ada.begin(link)
    row = ada.page.locator("#today-items tbody tr").filter(has_text=draft)
    expect(row).to_contain_text("you (htm)")
    # Nothing that is others' stands above it.
    owners = ada.page.locator("#today-items tbody tr").filter(has_text="you (").count()
    first = ada.page.locator("#today-items tbody tr").all_inner_texts()[:owners]
    assert all("you (" in text for text in first), first
    seen(ada, "2-today", pictures)


def account(person):
    """Their own page, by their name at the top."""
    person.page.get_by_role("link", name="Ada, HTM").click()
    expect(person.page.get_by_role("heading", level=1, name="Ada, HTM")).to_be_visible()


def enrol(ada, pictures):
    """A key of this browser, which Rita enrols without anybody at a terminal."""
    account(ada)
    seen(ada, "3-account", pictures)
    ada.page.locator("#key-form button").click()
    expect(ada.page.get_by_role("status")).to_contain_text("registrar")
    seen(ada, "4-asked", pictures)
    # Without a reload: the page brings itself up to date, and asks for no second key.
    enrolled = ada.page.get_by_role("cell", name="in the roster")
    expect(enrolled).to_have_count(1, timeout=PATIENCE_S * 1000)
    expect(ada.page.locator("#browser-key")).to_contain_text("you can sign here")
    expect(ada.page.locator("#key-form")).to_be_hidden()
    expect(ada.page.locator("#key-waits")).to_have_count(0)
    seen(ada, "5-enrolled", pictures)
    # What only forms are sent to leads back when it is opened by its address.
    own = ada.page.url
    ada.page.goto(own + "/key")
    expect(ada.page).to_have_url(own)


def sign(ada, draft, pictures):
    """From the account to the plan, and to its signature below what it says."""
    place(ada, "Plan")
    ada.page.locator("#plans tbody tr").filter(has_text=draft).get_by_role("link", name=draft).click()
    expect(ada.page.get_by_role("heading", name="Findings")).to_be_visible()
    seen(ada, "6-plan", pictures)
    account(ada)
    ada.page.locator("#key-plans").get_by_role("link", name=draft).click()
    expect(ada.page.get_by_role("heading", level=1, name=f"Sign: {draft}")).to_be_visible()
    expect(ada.page.locator("#verdict")).not_to_contain_text("block")
    installs = ada.page.locator("#plan-installs tbody tr")
    for said in (draft.split()[-1], "viewer-works after", "none staged"):
        expect(installs).to_contain_text(said)
    expect(ada.page.locator("#sign-button")).to_be_visible()
    seen(ada, "7-sign", pictures)
    ada.page.locator("#sign-button").click()
    expect(ada.page.get_by_role("status")).to_contain_text("signed by enough")


def follow(ada, draft, pictures):
    """The rollout: the jobs that moved last stand first, and end verified."""
    seen(ada, "8-signed", pictures)
    place(ada, "Rollouts")
    seen(ada, "9-rollouts", pictures)
    plan = ada.page.locator("#plans tbody tr").filter(has_text=draft)
    jobs = ada.page.locator("#jobs tbody tr")

    def is_done():
        newest = jobs.all_inner_texts()[: len(STATIONS)]
        names = sorted(re.search("station-.", text)[0] for text in newest)
        return names == STATIONS and all("verified" in text for text in newest) and "done" in plan.inner_text()

    until(ada, "three machines are verified", ada.page.reload, is_done)
    seen(ada, "10-verified", pictures)


def main():
    pictures = sys.argv[1] if len(sys.argv) > 1 else None
    hospital = Hospital()
    draft = os.environ["DRAFT"]
    with sync_playwright() as playwright:
        ada, ben, adam = (Person(playwright, hospital, name) for name in ("ada", "ben", "adam"))
        began = time.monotonic()
        begin(ada, os.environ["ADA"], draft, pictures)
        enrol(ada, pictures)
        sign(ada, draft, pictures)
        took = time.monotonic() - began
        assert took < SIGNED_WITHIN_S, f"{took:.0f} s from the first page to the signature"
        follow(ada, draft, pictures)
        # The two other links are good as well.
        ben.begin(os.environ["BEN"])
        adam.begin(hospital.welcome)
        for person in (ada, ben, adam):
            person.is_well()
            person.context.close()
    print(f"Signed {took:.0f} s after the first page, and verified.")


main()
