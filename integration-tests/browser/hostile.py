"""What a page must not do for whoever sends it what no page would send."""

import re
import sys

from people import PASSWORD, Hospital, Person, expect, sync_playwright

UNIT, OTHER = "icu", "theatre"


def token_of(person, path):
    person.open(path)
    field = lambda name: person.page.locator(f"form.asks input[name={name}]").first.get_attribute("value")
    return {"_token": field("_token"), "_form": field("_form")}


def post(person, path, answers, **more):
    return person.context.request.post(person.hospital.address + path, multipart=answers, max_redirects=0, **more)


def unchanged(hospital, act):
    before = hospital.ask("audit", "verify")
    answer = act()
    assert hospital.ask("audit", "verify") == before, "something was changed"
    return answer


def refused(hospital, status, act):
    answer = unchanged(hospital, act)
    assert answer.status == status, f"{answer.status} instead of {status}: {answer.text()[:300]}"


def forms(admin, hospital):
    path = "/do/site/add"
    good = token_of(admin, path)
    site = {"name": "annex"}
    refused(hospital, 403, lambda: post(admin, path, site))
    refused(hospital, 403, lambda: post(admin, path, {**site, **good, "_token": "0" * 64}))
    refused(hospital, 422, lambda: post(admin, path, {**site, "_token": good["_token"]}))
    refused(hospital, 403, lambda: post(admin, path, {**site, **good}, headers={"Origin": "https://evil.example"}))
    refused(hospital, 422, lambda: post(admin, path, {**good, "name": "../x"}))
    refused(hospital, 422, lambda: post(admin, path, {**good, "name": "x" * 70_000}))
    refused(hospital, 422, lambda: post(admin, path, {**good, **site, "folder": "/etc"}))
    refused(hospital, 422, lambda: post(admin, path, {**good, "name": "x'; DROP TABLE sites; --"}))
    assert post(admin, path, {**good, **site}).status == 200
    refused(hospital, 409, lambda: post(admin, path, {**good, "name": "twice"}))
    again = token_of(admin, path)
    refused(hospital, 422, lambda: post(admin, path, {**again, **site}))  # it is there already


def markup(admin, hospital):
    form = token_of(admin, "/do/unit/add")
    hostile = "<img src=x onerror=alert(1)>"
    answer = post(admin, "/do/unit/add", {**form, "name": "cellar", "site": "main", "class": "standard", "title": hostile})
    assert answer.status == 200 and hostile not in answer.text(), answer.text()
    admin.open('/settings?units.q="><script>alert(1)</script>')
    assert "<script>alert" not in admin.page.content()
    admin.open("/settings")
    assert hostile not in admin.page.content() and "&lt;img" in admin.page.content()


def addresses(admin, hospital):
    get = lambda path: admin.context.request.get(hospital.address + path, max_redirects=0)
    for path in ["/nothing", "/do/nothing", "/static/..%2f..%2fcollector.toml", "/static/go.key", "/assets/machine/nobody",
                 "/plan/zz", "/welcome/" + "0" * 64, "/ward/" + "0" * 64, "/do/asset", "/list/site/add"]:
        answer = unchanged(hospital, lambda: get(path))
        assert answer.status in (404, 422), f"{path}: {answer.status}"
    assert get("/do/release/import").status == 403
    headers = get("/").headers
    assert "script-src 'self'" in headers["content-security-policy"] and "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
    body = get("/").text()
    assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?! src)", body), "inline style or script"


def roles(playwright, hospital, links):
    viewer = Person(playwright, hospital, "vera")
    viewer.begin(links["vera"])
    for path in ["/do/site/add", "/do/stop/now", "/do/user/add", "/do/plan/new", "/do/document/add"]:
        assert viewer.open(path).status == 403, path
    ian = Person(playwright, hospital, "ian")
    ian.begin(links["ian"])
    form = token_of(ian, "/do/asset/put")
    refused(hospital, 403, lambda: post(ian, "/do/asset/put", {**form, "tag": "T-1", "unit": OTHER}))
    put = post(ian, "/do/asset/put", {**form, "tag": "T-1", "unit": UNIT})
    assert put.status == 200, f"{put.status}: {put.text()}"
    # Another session's token, and a session that has ended.
    other = {"_token": "1" * 64, "_form": form["_form"]}
    refused(hospital, 403, lambda: post(ian, "/do/asset/put", {**other, "tag": "T-2", "unit": UNIT}))
    ian.open("/assets")
    expect(ian.page.locator("main")).to_contain_text("T-1")
    hospital.ask("user", "end", "ian")
    ian.open("/assets")
    assert "/login" in ian.page.url, ian.page.url
    viewer.context.close()
    ian.context.close()


def passwords(playwright, hospital):
    guest = Person(playwright, hospital, "guest")
    def enter(name, password, to="/"):
        return guest.context.request.post(hospital.address + "/login", form={"name": name, "password": password, "code": "", "to": to}, max_redirects=0)
    cookie = enter("vera", PASSWORD).headers["set-cookie"]
    assert all(part in cookie for part in ["__Host-", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"]), cookie
    guest.context.clear_cookies()
    for away in ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nX-Evil: 1"]:
        assert enter("vera", PASSWORD, away).headers["location"] == "/", away
    said = {enter(name, "wrong wrong wrong").text().replace(f'value="{name}"', "") for name in ("vera", "nobody")}
    assert len(said) == 1, "the answer tells whether there is such an account"
    for _ in range(5):
        assert enter("vera", "wrong wrong wrong").status == 422
    assert enter("vera", PASSWORD).status == 422, "the account waits after so many wrong answers"
    assert hospital.ask_json("user", "list")[-1]["state"] == "locked"
    guest.context.close()


def main():
    hospital = Hospital()
    with sync_playwright() as playwright:
        admin = Person(playwright, hospital, "admin")
        admin.begin(hospital.welcome, "adam", "Adam, IT")
        links = {}
        for name, role in [("ian", f"technician:{UNIT}"), ("vera", "viewer")]:
            said = hospital.ask_json("user", "add", name, "--title", name, "--role", role)
            links[name] = said["link"]
        forms(admin, hospital)
        markup(admin, hospital)
        addresses(admin, hospital)
        roles(playwright, hospital, links)
        passwords(playwright, hospital)
        admin.context.close()
    print("Nothing was done that should not be.")


main()
