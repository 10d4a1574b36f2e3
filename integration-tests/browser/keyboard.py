"""People who use the keyboard alone."""

import re
from datetime import datetime, timedelta, timezone

from people import expect

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
