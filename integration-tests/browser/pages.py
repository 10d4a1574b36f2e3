"""Every kind of page that the collector's routes know, each form and each list of its commands among them, and that
none of them keeps anybody out: in the light, in the dark, on a telephone, at 200 %; and that nothing on it moves by
itself."""

import re
from pathlib import Path
from urllib.parse import urlencode

from people import ENLARGED, SCREEN, TELEPHONE, excess, kept_out, shifts

SOURCE = Path(__file__).resolve().parents[2] / "collector" / "src"
# Addresses that are no pages, and those that lead back to the page of the account.
NO_PAGES = ("/static/", "/feed/", "/metrics", "/events", "/healthz", "/readyz", "/me/password", "/me/key")
# Addresses of files.
FILES = ("/file", "/{file}")
# Pages that need a provider or a passkey: openid.py and passkeys.py look at them.
ELSEWHERE = ("/login/openid", "/me/openid", "/me/passkey/remove")
# Answers to what was sent, which have no address to open again.
ANSWERS = ("a form with a mistake", "what will happen", "what came of it", "what is refused", "a refused sign-in")
# What hands out a file that nothing here has, such as of a month that is over; a file is no page.
HANDED_OUT = ("case/kept", "custodian/draft", "evidence/archive", "job/order", "job/photo", "mds2/original")
# Where commands have their forms, and what they tell its lists.
FORMS, LISTS = "/do/", "/list/"
# One row of the table of access: a command, what it does, and who may.
ROW = re.compile(r'^    row\("([^"]+)", (\w+), (\w+)\),$', re.M)
GROUP = re.compile(r"^(?:pub )?const (\w+): &\[Role\] = &\[([^\]]*)\];", re.M)
# Lays the page of an address out in place of the one that is open. To open each of some hundred pages that are of one
# make, and to load axe into each, takes minutes.
LAYS_OUT = """async path => {
  const answer = await fetch(path);
  const kind = answer.headers.get("content-type");
  const text = await answer.text();
  if (answer.ok && kind.startsWith("text/html")) {
    const page = new DOMParser().parseFromString(text, "text/html");
    document.title = page.title;
    document.body.replaceWith(document.adoptNode(page.body));
  }
  return [answer.status, kind, new URL(answer.url).pathname];
}"""
# The fields that a form needs answers to.
NEEDED = """fields => fields.filter(field => field.querySelector(".must"))
  .map(field => field.querySelector("[name]")).map(one => [one.name, one.type])"""


def arguments(text):
    """What stands in a call, up to the parenthesis that closes it."""
    depth = 1
    for at, sign in enumerate(text):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return text[:at]
    raise AssertionError(f"a call without an end: {text[:80]}")


def laid_out(path):
    """The paths of pages that are lists and buttons."""
    return re.findall(r'^\s+path: "([^"]+)"', (SOURCE / "web/page/place" / path).read_text(), re.M)


def kinds():
    """The addresses that answer a browser with a page."""
    sources = [path.read_text() for path in sorted(SOURCE.rglob("*.rs")) if "web/api" not in str(path)]
    words = dict(re.findall(r'const (\w+): &str = "(/[^"]*)"', "\n".join(sources)))
    found = set()
    for text in sources:
        for call in text.split(".route(")[1:]:
            address, handlers = arguments(call).strip().split(",", 1)
            address = address.strip('"') if address.startswith('"') else words[address.split("::")[-1]]
            if re.search(r"\bget\(", handlers):
                found.add(address)
    found -= {"/{page}", "/{page}/{id}", "/{page}/{kind}/{id}"}
    found |= {f"/{path}" for path in laid_out("bar.rs")} | {f"/{path}/{{id}}" for path in laid_out("things.rs")}
    found = {kind for kind in found if not kind.startswith(NO_PAGES + ELSEWHERE) and not kind.endswith(FILES)}
    assert {"/", "/ward/{secret}", "/plan/{plan}/sign", "/assets", "/assets/machine/{id}", "/job/{id}"} <= found, found
    return found


def commands():
    """The addresses of every command on pages, in the product's own table, with the roles that may: its form, and its
    list where it only tells. Those of the collector's own terminal have none."""
    text = (SOURCE / "account/access.rs").read_text()
    groups = {name: set(re.findall(r"\w+", roles.lower())) for name, roles in GROUP.findall(text)}
    rows = ROW.findall(text)
    assert len(rows) == len(re.findall(r'^\s+row\(\s*"', text, re.M)) > 200, len(rows)
    found = {}
    for path, weight, roles in rows:
        address = path.replace(" ", "/")
        if weight != "Terminal":
            found[FORMS + address] = groups[roles]
        if weight == "Ask" and address not in HANDED_OUT:
            found[LISTS + address] = groups[roles]
    return found


def pattern(kind):
    """What an address of a kind looks like."""
    parts = re.split(r"(\{[^}]*\})", kind)
    return "".join((".+" if "*" in part else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts)


class Pages:
    """Which kinds there are, where each was met, and which nobody has looked at."""

    def __init__(self):
        # What is spelt out comes before what stands for anything.
        self.kinds = sorted(kinds(), key=lambda kind: (kind.count("{"), kind))
        self.commands = commands()
        self.left = {kind for kind in self.kinds if "*" not in kind} | {*ANSWERS, *self.commands}
        self.met = {}
        self.looked = set()
        # What the people may who look, and what is called how here.
        self.roles = {}
        self.known = {}
        # Whether one of the forms, and one of the lists, was opened; and how many more were glanced at.
        self.makes = set()
        self.glances = 0

    def kind(self, path):
        """The kind of a page. Each form and each list is one of its own."""
        path = re.split("[?#]", path)[0]
        found = next((kind for kind in self.kinds if re.fullmatch(pattern(kind), path)), None)
        return path if found and "*" in found else found

    def meets(self, person, path):
        """Notes where a kind of page is."""
        kind = self.kind(path)
        if kind:
            self.met.setdefault(kind, (person, path))

    def begins(self, person, path):
        """Notes who looks at a page, whoever came to it before."""
        self.met[self.kind(path)] = (person, path)

    def follows(self, person):
        """Notes every page that somebody comes to."""
        def came(response):
            asked = response.request
            is_page = asked.is_navigation_request() and asked.method == "GET" and response.status == 200
            if is_page and response.headers.get("content-type", "").startswith("text/html"):
                self.meets(person, response.url.removeprefix(person.hospital.address))
        person.page.on("response", came)

    def look(self, person, kind=None):
        """Looks at what is open now: its address is its kind, unless it is an answer."""
        self.left.discard(kind or self.kind(person.page.url.removeprefix(person.hospital.address)))
        # Before anything is changed about the screen.
        faults = shifts(person)
        for scheme in ("light", "dark"):
            faults += in_theme(person, scheme)
        for width in (TELEPHONE, ENLARGED):
            faults += too_wide(person, width)
        person.page.set_viewport_size(SCREEN)
        person.page.emulate_media(color_scheme="light")
        self.leads_on(person)
        assert not faults, f"{person.page.url}: " + "\n".join(faults)

    def glance(self, person, path):
        """The same for one more page of a make that was looked at: on a telephone, and in one theme, by turns. What it
        was answered with, its status, its kind and from where, and what is wrong with it."""
        status, kind, came_to = person.page.evaluate(LAYS_OUT, path)
        if status != 200 or not kind.startswith("text/html"):
            return status, kind, came_to, []
        self.glances += 1
        faults = too_wide(person, TELEPHONE) + in_theme(person, ("light", "dark")[self.glances % 2])
        self.leads_on(person)
        return status, kind, came_to, faults

    def leads_on(self, person):
        """Notes where the page that is open leads."""
        for href in person.page.locator('a[href^="/"]:not([download])').evaluate_all("all => all.map(one => one.getAttribute('href'))"):
            self.meets(person, href)

    def visit(self, kind):
        person, path = self.met[kind]
        may = self.commands.get(kind)
        if may and self.roles.get(person) not in may:
            # A sentence names a form to everybody; it is for those who may.
            person = self.who(may)
        make = next((make for make in (FORMS, LISTS) if may and kind.startswith(make)), None)
        if make in self.makes:
            return self.visits_one_more(person, path, kind)
        self.makes |= {make} - {None}
        person.page.set_viewport_size(SCREEN)
        answer = person.open(path)
        assert answer.status == 200, f"{path}: {answer.status}"
        self.look(person)
        if make == FORMS and person.page.url.endswith(path):
            self.asks(person, kind)

    def visits_one_more(self, person, path, kind):
        """A form or a list beside those that were looked at."""
        status, is_of, came_to, faults = self.glance(person, path)
        assert status == 200, f"{path}: {status}"
        # What asks nothing is told at once.
        assert came_to in (kind, kind.replace(FORMS, LISTS, 1)), f"{path} leads to {came_to}"
        # A file is no page.
        assert is_of.startswith("text/html") or came_to.startswith(LISTS), f"{path} is {is_of}"
        self.left -= {kind, came_to}
        if came_to.startswith(FORMS):
            self.asks(person, kind)
        assert not faults, f"{path}: " + "\n".join(faults)

    def who(self, may):
        """Somebody who may."""
        return next(person for person, role in self.roles.items() if role in may)

    def asks(self, person, form):
        """Finds out from the form of what only tells where its list is."""
        of_list = form.replace(FORMS, LISTS, 1)
        if of_list not in self.commands or of_list in self.met:
            return
        needed = person.page.locator("form.asks .field").evaluate_all(NEEDED)
        if any(kind == "file" for _, kind in needed):
            # It is told of what somebody has, and has no address.
            self.left.discard(of_list)
            return
        answers = self.known.get(of_list.removeprefix(LISTS))
        if answers is None:
            unknown = [name for name, _ in needed if name not in self.known]
            assert not unknown, f"{form}: nothing here is known for {unknown}"
            answers = {name: self.known[name] for name, _ in needed}
        self.met[of_list] = (person, f"{of_list}?{urlencode(answers)}")

    def every_kind(self):
        """Goes on by the links of each page to kinds that nobody has looked at, and then to the forms and lists that
        no link led to, until none is left."""
        while kind := self.next():
            self.looked.add(kind)
            yield f"{kind} keeps nobody out and fits", lambda: self.visit(kind)
        yield "every kind of page was looked at", self.is_whole

    def next(self):
        waiting = (kind for kind in self.met if kind not in self.looked and self.is_left(kind))
        if kind := next(waiting, None):
            return kind
        # A form tells what its list asks for, so it comes first.
        unmet = sorted(kind for kind in self.left if kind in self.commands and kind not in self.looked)
        if not unmet:
            return None
        self.met[unmet[0]] = (self.who(self.commands[unmet[0]]), unmet[0])
        return unmet[0]

    def is_left(self, kind):
        """Whether nobody has looked at it. An address of forms that is no command's leads nowhere, and is a fault."""
        return kind in self.left or kind.startswith((FORMS, LISTS)) and kind not in self.commands

    def is_whole(self):
        assert not self.left, f"never looked at: {sorted(self.left)}"


def in_theme(person, scheme):
    person.page.emulate_media(color_scheme=scheme)
    return [f"{scheme}: {fault}" for fault in kept_out(person)]


def too_wide(person, width):
    person.page.set_viewport_size({"width": width, "height": 800})
    faults = []
    wide = excess(person)
    if wide > 0:
        faults.append(f"{wide} pixels too wide at {width}")
    # On a telephone nothing of a list lies beyond the edge.
    lists = person.page.locator(".list .wide").evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length")
    if width == TELEPHONE and lists:
        faults.append(f"{lists} lists are wider than {width} pixels")
    return faults
