"""Work that takes longer than people look at a blank page."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from people import expect

# What ends the wait of a thread that nobody tells to go on.
AT_MOST_S = 120
UNDERWAY = re.compile("/underway/[0-9a-f]+$")


class Dawdling:
    """A vendor's server that says nothing until it may, and then that it cannot."""

    def __init__(self):
        may = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                may.wait(AT_MOST_S)
                self.send_error(503)

            def log_message(self, *_):
                pass

        self.may = may
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/acme"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def without_refresh(route):
    """The page as it is, which does not look again while somebody looks at it."""
    answer = route.fetch()
    headers = {name: value for name, value in answer.headers.items() if name != "refresh"}
    route.fulfill(response=answer, headers=headers)


def is_told_how_far_it_is(olga, pages):
    """Who sent a form comes to a page that says that it goes on, and there to the answer."""
    vendor = Dawdling()
    olga.fill("vendor sync", repository="acme", **{"from": vendor.address})
    olga.page.route(UNDERWAY, without_refresh)
    try:
        olga.send()
        expect(olga.page).to_have_url(UNDERWAY)
        # Where a form leads on its own is not in our hands, what is opened is.
        olga.page.reload()
        expect(olga.page.get_by_role("status")).to_contain_text("Underway for")
        pages.look(olga)
    finally:
        olga.page.unroute(UNDERWAY)
        vendor.may.set()
    olga.page.reload()
    # From here on it looks again by itself.
    expect(olga.page.get_by_role("alert")).to_contain_text("503")
    vendor.server.shutdown()
