"""People who use the keyboard alone."""

import base64
import hmac
import re
import struct
import time
from datetime import datetime, timedelta, timezone

from people import PASSWORD, expect

# More than any page has links and fields above what is looked for.
MOST_TABS = 300
# What has the focus, and whether people see that it has it.
FOCUS = """selector => {
  const focus = document.activeElement;
  const outline = getComputedStyle(focus);
  return { found: focus.matches(selector), seen: outline.outlineStyle !== "none" && parseFloat(outline.outlineWidth) >= 2,
           what: focus.outerHTML.slice(0, 160), anything: focus !== document.body };
}"""


def press(person, key):
    person.page.keyboard.press(key)


def tab_to(person, selector):
    """Goes on with the tabulator until it is there; whatever is passed shows that it has the focus."""
    for _ in range(MOST_TABS):
        press(person, "Tab")
        focus = person.page.evaluate(FOCUS, selector)
        assert focus["seen"] or not focus["anything"], f"nobody sees that this has the focus: {focus['what']}"
        if focus["found"]:
            return
    raise AssertionError(f"{selector} is not reached by the keyboard on {person.page.url}")


def skip(person):
    """The first step leads past the bar."""
    press(person, "Tab")
    assert person.page.evaluate("document.activeElement.textContent") == "To the content"
    press(person, "Enter")


def fill(person, **answers):
    """Fills in fields in the order in which they stand there; a list is chosen from by its letters."""
    for name, answer in answers.items():
        tab_to(person, f"[name={name}]")
        person.page.keyboard.type(answer)


def send(person):
    tab_to(person, "form.asks .button")
    press(person, "Enter")


def code(secret, later=0):
    """The code that an authenticator app shows now, or so many steps of 30 seconds later (RFC 6238)."""
    step = struct.pack(">Q", int(time.time()) // 30 + later)
    digest = hmac.digest(base64.b32decode(secret), step, "sha1")
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def leaves(person):
    """Ends the session by the button of the bar."""
    person.open("/")
    tab_to(person, ".who button")
    press(person, "Enter")
    expect(person.page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()


def enters(person, name, **proofs):
    """Fills in what the door asks for, and goes through it from the last field."""
    skip(person)
    fill(person, name=name, **proofs)
    press(person, "Enter")


def sign_in(person, name, pages):
    """Who left is let in by name and password, and once they have an app for codes by its code as well: each time to
    where they wanted to go, and after a mistake they are told of it."""
    leaves(person)
    # By the browser's own field for addresses; from here on nothing but keys.
    person.open("/windows")
    enters(person, name, password="three words are wrong")
    expect(person.page.get_by_role("alert")).to_contain_text("That is not right.")
    # What was typed is there still, but for the password.
    expect(person.page.locator("[name=name]")).to_have_value(name)
    pages.look(person, "a refused sign-in")
    skip(person)
    fill(person, password=PASSWORD)
    press(person, "Enter")
    expect(person.page.get_by_role("heading", level=1, name="Windows")).to_be_visible()

    secret = with_codes(person)
    leaves(person)
    enters(person, name, password=PASSWORD)
    expect(person.page.get_by_role("alert")).to_contain_text("That is not right.")
    skip(person)
    fill(person, password=PASSWORD)
    tab_to(person, "[name=code]")
    # The one that they set the app up with is used, and the next one counts already.
    person.page.keyboard.type(code(secret, later=1))
    tab_to(person, "form.asks .button")
    press(person, "Enter")
    expect(person.page.get_by_role("heading", level=1, name="Today")).to_be_visible()


def with_codes(person):
    """Sets up an app for codes, from the page of the account; its secret."""
    tab_to(person, '.who a[href="/me"]')
    press(person, "Enter")
    expect(person.page.get_by_role("heading", level=2, name="Passkeys")).to_be_visible()
    skip(person)
    tab_to(person, 'a[href="/me/second-factor"]')
    press(person, "Enter")
    expect(person.page.get_by_role("heading", level=1, name="Second factor")).to_be_visible()
    secret = person.page.locator("figcaption code").inner_text()
    skip(person)
    fill(person, code=code(secret))
    press(person, "Enter")
    expect(person.page.get_by_role("status")).to_contain_text("from now on the code of your app")
    return secret


def a_form(person, hospital, unit, pages):
    """From a page to a form, through its mistake and its fields, to what came of it."""
    person.open("/windows")
    skip(person)
    tab_to(person, 'a[href^="/do/window/once"]')
    press(person, "Enter")
    expect(person.page.locator("form.asks")).to_be_visible()
    skip(person)
    send(person)
    expect(person.page.get_by_role("alert")).to_contain_text("nothing was changed")
    expect(person.page.locator(".field.wrong")).to_have_count(1)
    pages.look(person, "a form with a mistake")
    skip(person)
    at = datetime.now(timezone.utc) + timedelta(days=20)
    fill(person, name="by-hand", unit=unit, at=f"{at:%Y-%m-%dT%H:%M:%SZ}", minutes="60")
    send(person)
    expect(person.page.locator(".intro")).to_have_text("Done.")
    pages.look(person, "what came of it")
    made = [window for window in hospital.ask_json("window", "list") if window["window"] == "by-hand"]
    assert len(made) == 1 and made[0]["unit"] == unit, made


def sign(person, plan):
    """From Today to the plan, down to its end, and the signature; what the page says then."""
    person.open("/")
    skip(person)
    tab_to(person, f'a[href="/plan/{plan[:12]}/sign"]')
    press(person, "Enter")
    expect(person.page).to_have_url(re.compile(f"/plan/{plan[:12]}/sign$"))
    expect(person.page.get_by_role("heading", level=1)).to_contain_text("Sign: ")
    skip(person)
    tab_to(person, "#sign-button")
    press(person, "Enter")
    status = person.page.get_by_role("status")
    expect(status).to_contain_text("signed by enough")
    return status.inner_text()
