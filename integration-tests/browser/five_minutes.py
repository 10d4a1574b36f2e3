"""The README's five minutes on the page, step by step, in what `cargo demo --stay` leaves."""

import os
import sys
import time

from people import Hospital, Person, expect, fits, sync_playwright

# From the first page to the signature. A script reads nothing, so that this leaves a person as
# long again for reading; it takes seconds where nothing else runs.
SIGNED_WITHIN_S = 150
# What ends a wait for something that never comes: an enrolment by Rita, a rollout of three machines.
PATIENCE_S = 300
TELEPHONE, SCREEN = {"width": 375, "height": 800}, {"width": 1280, "height": 900}


def seen(person, name, pictures):
    """What stands there fits a telephone and a screen; pictures of both, for who asks for them."""
    for size in (TELEPHONE, SCREEN):
        person.page.set_viewport_size(size)
        fits(person)
        if pictures:
            person.page.screenshot(path=f"{pictures}/five-{name}-{size['width']}.png", full_page=True)


def until(person, what, holds):
    """Looks at the page again, as people do, until what they wait for stands there."""
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, f"waited in vain until {what}: {person.page.locator('main').inner_text()}"
        person.page.reload()


def place(person, name):
    """Goes to a page by the names at the top."""
    person.page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name=name, exact=True).click()
    expect(person.page.get_by_role("heading", level=1, name=name, exact=True)).to_be_visible()


def open_plan(person, title):
    person.page.locator("tbody tr").filter(has_text=title).get_by_role("link").first.click()


def begin(ada, link, draft, pictures):
    """Ada's link, a password, and Today says what waits for her."""
    ada.page.goto(link)
    seen(ada, "1-link", pictures)
    ada.begin(link)
    expect(ada.page.locator("#today-items tbody tr").filter(has_text=draft)).to_be_visible()
    seen(ada, "2-today", pictures)


def enrol(ada, pictures):
    """A key of this browser, which Rita enrols without anybody at a terminal."""
    ada.page.get_by_role("link", name="Ada, HTM").click()
    seen(ada, "3-account", pictures)
    ada.page.locator("#key-form button").click()
    expect(ada.page.get_by_role("status")).to_contain_text("registrar")
    seen(ada, "4-asked", pictures)
    enrolled = ada.page.get_by_role("cell", name="in the roster")
    until(ada, "the key is in the roster", lambda: enrolled.count() == 1)
    seen(ada, "5-enrolled", pictures)


def sign(ada, draft, pictures):
    """From the plan to its signature below what it says."""
    place(ada, "Plan")
    open_plan(ada, draft)
    expect(ada.page.get_by_role("heading", name="Findings")).to_be_visible()
    seen(ada, "6-plan", pictures)
    ada.page.get_by_role("link", name="Read and sign").click()
    expect(ada.page.locator("#sign-button")).to_be_visible()
    seen(ada, "7-sign", pictures)
    ada.page.locator("#sign-button").click()
    expect(ada.page.get_by_role("status")).to_contain_text("signed by enough")


def follow(ada, draft, pictures):
    """The rollout, until every machine is verified."""
    seen(ada, "8-signed", pictures)
    place(ada, "Rollouts")
    open_plan(ada, draft)
    expect(ada.page.locator("#jobs")).to_be_visible()
    seen(ada, "9-rollout", pictures)
    states = ada.page.locator("#jobs tbody td .state")

    def is_done():
        words = [text.split()[-1] for text in states.all_inner_texts()]
        return len(words) == 3 and all(word == "verified" for word in words)

    until(ada, "three machines are verified", is_done)
    seen(ada, "10-verified", pictures)


def main():
    pictures = sys.argv[1] if len(sys.argv) > 1 else None
    hospital = Hospital()
    draft = os.environ["DRAFT"]
    with sync_playwright() as playwright:
        ada, ben, admin = (Person(playwright, hospital, name) for name in ("ada", "ben", "administrator"))
        began = time.monotonic()
        begin(ada, os.environ["ADA"], draft, pictures)
        enrol(ada, pictures)
        sign(ada, draft, pictures)
        took = time.monotonic() - began
        assert took < SIGNED_WITHIN_S, f"{took:.0f} s from the first page to the signature"
        follow(ada, draft, pictures)
        # The two other links are good as well.
        ben.begin(os.environ["BEN"])
        admin.begin(hospital.welcome, "root-adam", "Adam, IT")
        for person in (ada, ben, admin):
            person.is_well()
            person.context.close()
    print(f"Signed {took:.0f} s after the first page, and verified.")


main()
