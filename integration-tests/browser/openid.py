"""Signing in by the hospital's OpenID provider, in a browser that holds to our policy and to the
rules of its cookies."""

import json

from people import PASSWORD, Hospital, Person, accessible, expect, fits_everywhere, sync_playwright

SESSION = "__Host-patchward"
CARRIED = "__Host-patchward-openid"


def sits_there(hospital, **person):
    """Who the provider finds at its page from now on."""
    new = hospital.folder / "person.new"
    new.write_text(json.dumps(person))
    new.rename(hospital.folder / "person.json")


def looked_at(person):
    """Both themes, the screen of a telephone, and 200 %."""
    for theme in ("light", "dark"):
        person.page.emulate_media(color_scheme=theme)
        accessible(person)
    fits_everywhere(person)


def link_own_account(ada, hospital):
    ada.open("/me")
    looked_at(ada)
    ada.page.get_by_role("link", name="Link the hospital's account").click()
    expect(ada.page.get_by_role("heading", level=1, name="Is that you?")).to_be_visible()
    expect(ada.page.locator("code")).to_have_text("ada-1")
    looked_at(ada)
    ada.page.get_by_label("Your password here").fill("another")
    ada.page.get_by_role("button", name="Link them").click()
    expect(ada.page.get_by_role("alert")).to_contain_text("The password is another")
    assert hospital.ask_json("user", "openid", "list") == []
    ada.page.get_by_label("Your password here").fill(PASSWORD)
    ada.page.get_by_role("button", name="Link them").click()
    expect(ada.page.get_by_role("status")).to_contain_text("Linked.")
    looked_at(ada)
    ada.page.get_by_role("button", name="Sign out").click()


def sign_in(ada):
    ada.open("/plan")
    expect(ada.page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    looked_at(ada)
    ada.page.get_by_role("link", name="Sign in with the hospital's account").click()
    expect(ada.page.get_by_role("heading", level=1, name="Plan")).to_be_visible()
    kept = {cookie["name"]: cookie for cookie in ada.context.cookies(ada.hospital.address)}
    assert CARRIED not in kept, kept
    session = kept[SESSION]
    assert session["httpOnly"] and session["secure"] and session["sameSite"] == "Lax", session


def main():
    hospital = Hospital()
    with sync_playwright() as playwright:
        admin = Person(playwright, hospital, "admin")
        admin.page.goto(hospital.welcome)
        admin.page.get_by_label("Name", exact=True).fill("root")
        admin.page.get_by_label("What people call you").fill("Root")
        admin.page.get_by_label("Password").fill(PASSWORD)
        admin.page.get_by_label("The same again").fill(PASSWORD)
        admin.page.get_by_role("button", name="Begin").click()
        link = hospital.ask_json("user", "add", "ada", "--title", "Ada", "--role", "viewer")["link"]
        ada = Person(playwright, hospital, "ada")
        ada.begin(link)
        sits_there(hospital, sub="ada-1", amr=["pwd"])
        link_own_account(ada, hospital)
        sign_in(ada)
        ada.is_well()

        # Somebody whom nobody linked is told what to do.
        bob = Person(playwright, hospital, "bob")
        sits_there(hospital, sub="bob-1", amr=["pwd"])
        bob.open("/login/openid")
        expect(bob.page.get_by_role("alert")).to_contain_text("You are bob-1 at the provider")
        looked_at(bob)
        bob.is_well()


main()
