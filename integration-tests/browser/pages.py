"""Every kind of page that the collector's routes know, and that none of them keeps anybody out: in the light, in the
dark, on a telephone, at 200 %; and that nothing on it moves by itself."""

import re
from pathlib import Path

from people import ENLARGED, SCREEN, TELEPHONE, excess, kept_out, shifts

SOURCE = Path(__file__).resolve().parents[2] / "collector" / "src"
# Addresses that are no pages, and those that lead back to the page of the account.
NO_PAGES = ("/static/", "/feed/", "/metrics", "/events", "/healthz", "/readyz", "/me/password", "/me/key")
# Addresses of files.
FILES = ("/file", "/{file}")
# Pages that need a provider or a passkey: openid.py and passkeys.py look at them.
ELSEWHERE = ("/login/openid", "/me/openid", "/me/passkey/remove")
# Answers to what was sent, which have no address to open again.
ANSWERS = ("a form with a mistake", "what will happen", "what came of it", "what is refused")


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


def pattern(kind):
    """What an address of a kind looks like."""
    parts = re.split(r"(\{[^}]*\})", kind)
    return "".join((".+" if "*" in part else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts)


class Pages:
    """Which kinds there are, where each was met, and which nobody has looked at."""

    def __init__(self):
        # What is spelt out comes before what stands for anything.
        self.kinds = sorted(kinds(), key=lambda kind: (kind.count("{"), kind))
        self.left = {*self.kinds, *ANSWERS}
        self.met = {}
        self.looked = set()

    def kind(self, path):
        path = re.split("[?#]", path)[0]
        return next((kind for kind in self.kinds if re.fullmatch(pattern(kind), path)), None)

    def meets(self, person, path, was_open=False):
        """Notes where a kind of page is. Of forms and lists each that was open is a kind of its own."""
        kind = self.kind(path)
        if kind and "*" in kind and was_open:
            kind = re.split("[?#]", path)[0]
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
                self.meets(person, response.url.removeprefix(person.hospital.address), was_open=True)
        person.page.on("response", came)

    def look(self, person, kind=None):
        """Looks at what is open now: its address is its kind, unless it is an answer."""
        self.left.discard(kind or self.kind(person.page.url.removeprefix(person.hospital.address)))
        # Before anything is changed about the screen.
        faults = shifts(person)
        for scheme in ("light", "dark"):
            person.page.emulate_media(color_scheme=scheme)
            faults += [f"{scheme}: {fault}" for fault in kept_out(person)]
        for width in (TELEPHONE, ENLARGED):
            person.page.set_viewport_size({"width": width, "height": 800})
            faults += too_wide(person, width)
        person.page.set_viewport_size(SCREEN)
        person.page.emulate_media(color_scheme="light")
        for href in person.page.locator('a[href^="/"]:not([download])').evaluate_all("all => all.map(one => one.getAttribute('href'))"):
            self.meets(person, href)
        assert not faults, f"{person.page.url}: " + "\n".join(faults)

    def visit(self, kind):
        person, path = self.met[kind]
        answer = person.open(path)
        assert answer.status == 200, f"{path}: {answer.status}"
        self.look(person)

    def every_kind(self):
        """Goes on by the links of each page to kinds that nobody has looked at, until none is left."""
        while waiting := [kind for kind in self.met if kind not in self.looked and self.is_left(kind)]:
            self.looked.add(waiting[0])
            yield f"{waiting[0]} keeps nobody out and fits", lambda: self.visit(waiting[0])
        yield "every kind of page was looked at", self.is_whole

    def is_left(self, kind):
        """Whether nobody has looked at it: each form and list that was open has to be seen as well."""
        return kind in self.left or kind not in self.kinds

    def is_whole(self):
        assert not self.left, f"never looked at: {sorted(self.left)}"


def too_wide(person, width):
    faults = []
    wide = excess(person)
    if wide > 0:
        faults.append(f"{wide} pixels too wide at {width}")
    # On a telephone nothing of a list lies beyond the edge.
    lists = person.page.locator(".list .wide").evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length")
    if width == TELEPHONE and lists:
        faults.append(f"{lists} lists are wider than {width} pixels")
    return faults
