"""People at browsers, and the hospital that they work in."""

import json
import os
import re
import subprocess
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

# What the machine may take for one step. A loaded build machine is slow; a wait ends as soon
# as what it waits for is there.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]
PASSWORD = "four words nobody joins"
SCREEN = {"width": 1280, "height": 900}
TELEPHONE = 375
# A screen at 200 %.
ENLARGED = 640
# Notes what moves by itself while a page comes up: not what they themselves made move within half a second, no hair's breadth,
# which nobody sees, and not what is new on a page that has brought itself up to date, which says each time that it was shown.
SHIFTS = """
window.shifted = [];
let shown = 0, fresh = Infinity;
document.addEventListener("shown", () => { shown += 1; if (shown === 2) fresh = performance.now(); });
new PerformanceObserver(seen => {
  for (const one of seen.getEntries()) if (!one.hadRecentInput && one.value >= 0.0001 && one.startTime < fresh)
    window.shifted.push(`${one.value.toFixed(4)} ${one.sources.map(source => source.node?.outerHTML?.slice(0, 80)).join(", ")}`);
}).observe({ type: "layout-shift", buffered: true });
"""
# What has moved until now: whoever observes is told with the next picture.
SHIFTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(window.shifted)))))"
# What axe finds, in words: all of what it saw is too much to hand over for each page.
KEPT_OUT = """async () => {
  const rules = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await axe.run({ runOnly: rules, resultTypes: ["violations"] });
  return found.violations.map((one) => `${one.id}: ${one.help} ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" ")}`);
}"""


class Hospital:
    """Where the programs are, and the folder that the test made."""

    def __init__(self):
        self.address = os.environ["PAGE"]
        self.welcome = os.environ["WELCOME"]
        self.folder = Path(os.environ["HOSPITAL"])
        self.programs = {name: os.environ[name] for name in ("COLLECTOR", "SIGN")}

    def ask(self, *arguments):
        """Asks the collector as its administrator does at a terminal."""
        line = [self.programs["COLLECTOR"], "--folder", self.folder / "collector", *arguments]
        return subprocess.run(line, check=True, capture_output=True, text=True).stdout

    def ask_json(self, *arguments):
        return json.loads(self.ask(*arguments, "--json"))

    def sign(self, *arguments):
        """Signs as people do, away from the collector."""
        line = [self.programs["SIGN"], *arguments]
        done = subprocess.run(line, cwd=self.folder / "people", capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def roster_with(self, person, key):
        """A registrar takes a browser's key into the roster."""
        path = self.folder / "people" / "roster.toml"
        text = path.read_text()
        number = int(re.search(r"^number = (\d+)", text).group(1))
        text = text.replace(f"number = {number}", f"number = {number + 1}", 1)
        found = re.search(rf'id = "{person}".*?keys = \[', text, re.S)
        entry = f'{{ key = "{key}", kind = "browser" }}, '
        text = text[: found.end()] + entry + text[found.end():]
        path.write_text(text)
        out = self.folder / "people" / f"roster-{number + 1}.cbor"
        self.sign("roster", "--from", "roster.toml", "--out", str(out), "--yes", "--key", "registrar.pem")
        self.ask("document", "add", str(out))


class Person:
    """Somebody with a browser of their own: what it keeps stays between steps."""

    def __init__(self, playwright, hospital, name, **options):
        profile = hospital.folder / "browsers" / name
        profile.mkdir(parents=True, exist_ok=True)
        self.hospital = hospital
        self.name = name
        self.context = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=ARGUMENTS, ignore_https_errors=True,
            viewport=SCREEN, **options,
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(SHIFTS)
        self.page = self.context.pages[0]
        self.problems = []
        self.page.on("console", self.heard)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def heard(self, message):
        # A refused form is an answer with a status of its own, which the browser calls an error.
        refused = "status of 4" in message.text
        if message.type in ("error", "warning") and not refused:
            self.problems.append(f"{self.page.url}: {message.text}")

    def open(self, path):
        answer = self.page.goto(self.hospital.address + path)
        return answer

    def begin(self, link, name=None, title=None):
        """Follows a one-time link and chooses a password."""
        self.page.goto(link)
        if name:
            self.page.get_by_label("Name", exact=True).fill(name)
            self.page.get_by_label("What people call you").fill(title)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_label("The same again").fill(PASSWORD)
        self.page.get_by_role("button", name="Begin").click()
        expect(self.page.get_by_role("heading", level=1, name="Today")).to_be_visible()

    def fill(self, path, **answers):
        """Opens the form of a command and fills it in, as a person does."""
        self.open("/do/" + path.replace(" ", "/"))
        for name, answer in answers.items():
            field = self.page.locator(f"[name={name}]").first
            boxes = self.page.locator(f"[type=checkbox][name={name}][value='{answer}']")
            if answer is not True and boxes.count():
                boxes.check()
            elif answer is True:
                field.check()
            elif isinstance(answer, Path):
                field.set_input_files(answer)
            elif field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(answer)
            else:
                field.fill(answer)

    def send(self):
        self.page.locator("form.asks button").first.click()

    def do(self, path, **answers):
        """The same, sent; what comes back."""
        self.fill(path, **answers)
        self.send()
        # What takes longer comes by a page that says so.
        expect(self.page.get_by_text("Underway for")).to_have_count(0)
        return self.page.locator("main").inner_text()

    def is_well(self):
        assert not self.problems, self.problems


def kept_out(person, axe=Axe()):
    """What of this page keeps somebody out, as far as a program can tell."""
    if not person.page.evaluate("'axe' in window"):
        person.page.evaluate(axe.axe_script)
    return person.page.evaluate(KEPT_OUT)


def accessible(person):
    """Nothing on this page keeps anybody out, as far as a program can tell."""
    faults = kept_out(person)
    assert not faults, f"{person.page.url}: {faults}"


def excess(person):
    """By how many pixels the page is wider than the screen: only tables may scroll, by themselves."""
    return person.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def fits(person):
    """The page is not wider than the screen."""
    wide = excess(person)
    assert wide <= 0, f"{person.page.url} is {wide} pixels too wide"


def fits_everywhere(person):
    """The same on a telephone, and at 200 %."""
    for width in (TELEPHONE, ENLARGED):
        person.page.set_viewport_size({"width": width, "height": 800})
        fits(person)
    person.page.set_viewport_size(SCREEN)


def shifts(person):
    """What has moved on this page by itself since it was opened."""
    return [f"it moved: {one}" for one in person.page.evaluate(SHIFTED)]


def picture(person, folder, name):
    """A picture of the page, for who asks for pictures."""
    if folder:
        person.page.screenshot(path=f"{folder}/{name.replace('/', '-')}.png")
