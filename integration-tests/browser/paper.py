"""What people print: nothing of the page that only works on a screen, nothing cut off, and dark words on white."""

from people import SCREEN, excess, expect
from signing import UNIT

# A4 without the margins that the style asks for: 180 of 210 mm, at 96 pixels an inch.
PAPER = {"width": 680, "height": 1000}
# What is pressed, written into or led on by. What a table or a sentence links to are words on paper.
FOR_SCREENS = "nav, button, .button, input:not([type=hidden]), select, textarea, summary, .csv, .skip, .who, footer"
# What is not seen whole: it lies beyond the paper, or within a part that would scroll.
CUT = """() => {
  const seen = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest(".unseen, [hidden]");
  const paper = document.documentElement.clientWidth + 1;
  const all = [...document.querySelectorAll("main *")].filter(seen);
  const beyond = all.filter((one) => one.getBoundingClientRect().right > paper);
  const within = all.filter((one) => getComputedStyle(one).overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1);
  return [...within, ...beyond].slice(0, 3).map((one) => one.outerHTML.slice(0, 160));
}"""
# Words that are not dark, or not on white: browsers print no colour behind words unless they are told to, and the
# light ones of a state are as good as none. What stands within a drawing's shape is cut out of it.
PALE = """() => {
  const parts = (colour) => (colour.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if ((parts(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const pale = [];
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !one.checkVisibility({ visibilityProperty: true })) continue;
    if (one.closest(".unseen, title, desc, .on")) continue;
    const colour = one.closest("svg") ? getComputedStyle(one).fill : getComputedStyle(one).color;
    if (light(colour) > 0.2 || light(behind(one)) < 0.7) pale.push(`${colour} on ${behind(one)}: ${one.outerHTML.slice(0, 120)}`);
  }
  return pale.slice(0, 3);
}"""


def printed(people, plan):
    """Each page that people print, with what has to be on the paper."""
    ada, olga = people["ada"], people["olga"]
    for person, path, parts in [
        (ada, "/", ["#today-items table", ".tiles"]),
        (ada, "/shift", ["main .list table"]),
        (olga, "/setup", [".steps .state", "#setup-firewall_sheet table"]),
        (ada, f"/plan/{plan}", [".picture svg", "#check table", "#plan-machines table"]),
        (ada, "/evidence", ["#plans table"]),
        (ada, f"/ward/unit/{UNIT}", [".ward .machines"]),
        (ada, "/ward", ["main h1"]),
        (ada, f"/unit/{UNIT}", [".picture svg", "#windows table"]),
        (ada, "/windows", ["#windows table"]),
        (ada, "/assets", ["#assets-assets table"]),
    ]:
        yield f"{path} is printed", lambda: on_paper(person, path, parts)


def on_paper(person, path, parts):
    faults = []
    answer = person.open(path)
    assert answer.status == 200, f"{path}: {answer.status}"
    person.page.set_viewport_size(PAPER)
    # Also by who looks at dark pages: their printer has white paper.
    for scheme in ("dark", "light"):
        person.page.emulate_media(media="print", color_scheme=scheme)
        expect(person.page.get_by_role("heading", level=1)).to_be_visible()
        for part in parts:
            expect(person.page.locator(part).first).to_be_visible()
        stays = person.page.locator(FOR_SCREENS).filter(visible=True)
        faults += [f"for screens: {one}" for one in stays.evaluate_all("all => all.slice(0, 3).map(one => one.outerHTML.slice(0, 160))")]
        faults += [f"cut off: {one}" for one in person.page.evaluate(CUT)]
        faults += [f"{scheme}, pale: {one}" for one in person.page.evaluate(PALE)]
        if (wide := excess(person)) > 0:
            faults.append(f"{wide} pixels wider than the paper")
    person.page.emulate_media(media="screen", color_scheme="light")
    person.page.set_viewport_size(SCREEN)
    assert not faults, f"{path}: " + "\n".join(faults)
