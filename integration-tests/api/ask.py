"""A program that asks the API: what it may, what it may not, and what it sends wrong."""

import json
import os
import subprocess
import threading
from pathlib import Path

import requests
import urllib3

# The page's certificate is of the collector's own authority.
urllib3.disable_warnings()

PAGE = os.environ["PAGE"]
FOLDER = Path(os.environ["HOSPITAL"]) / "collector"
BASE = f"{PAGE}/api/v1"
# What the machine may take for one answer; a wait ends as soon as it is there.
PATIENCE_S = 60


def collector(*arguments):
    line = [os.environ["COLLECTOR"], "--folder", FOLDER, *arguments]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


class Program:
    """A program that an administrator let in."""

    def __init__(self, name, *roles, scope="ask"):
        given = [word for role in roles for word in ("--role", role)]
        added = json.loads(collector("--json", "program", "add", name, "--scope", scope, *given))
        self.name = name
        self.session = requests.Session()
        self.session.verify = False
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {added['token']}"

    def send(self, method, path, **more):
        answer = self.session.request(method, f"{BASE}/{path}", timeout=PATIENCE_S, **more)
        assert answer.status_code < 500, f"{method} {path}: {answer.text[:400]}"
        return answer

    def get(self, path, **parameters):
        return self.send("GET", path, params=parameters)

    def post(self, path, body=None, **more):
        return self.send("POST", path, json=body or {}, **more)


def anonymous(path, headers):
    with requests.Session() as session:
        session.trust_env = False
        return session.get(f"{BASE}/{path}", headers=headers, verify=False, timeout=PATIENCE_S)


def is_problem(answer, status, field=None):
    assert answer.status_code == status, f"{answer.status_code} instead of {status}: {answer.text[:400]}"
    assert answer.headers["content-type"] == "application/problem+json", answer.headers
    document = answer.json()
    assert document["status"] == status and document["title"] and document["detail"], document
    if field:
        assert document["errors"][0]["field"] == field, document


def refused(act, status, field=None):
    """Asks for what is refused; nothing may have changed."""
    before = collector("audit", "verify")
    is_problem(act(), status, field)
    assert collector("audit", "verify") == before, "something was changed"


def who_may():
    viewer = Program("viewer", "viewer", scope="decide")
    rows = viewer.get("unit/list")
    assert rows.status_code == 200 and rows.headers["content-type"] == "application/json"
    assert rows.json() == json.loads(collector("--json", "unit", "list"))
    site = {"name": "annex"}
    refused(lambda: viewer.post("site/add", site), 403)
    # Roles reach no further than the scope.
    asking = Program("asking", "operator")
    assert asking.get("site/list").status_code == 200
    refused(lambda: asking.post("site/add", site), 403)
    changing = Program("changing", "operator", scope="change")
    added = changing.post("site/add", site)
    assert added.status_code == 200 and "annex" in added.json()["message"], added.text
    assert "annex" in collector("site", "list")
    refused(lambda: changing.post("stop/now", {"all": True, "reason": "a test"}), 403)
    assert "program:changing" in collector("audit", "list")
    # Roles of one unit see and touch that unit.
    for unit in ("icu", "theatre"):
        collector("asset", "put", f"{unit}-1", "--unit", unit, "--manufacturer", "Acme", "--model", "m")
    here = Program("here", "technician:icu", scope="change")
    seen = here.get("asset/list")
    assert "icu-1" in seen.text and "theatre-1" not in seen.text, seen.text
    refused(lambda: here.get("asset/show", tag="theatre-1"), 403)
    refused(lambda: here.post("asset/put", {"tag": "theatre-1", "location": "cellar"}), 403)


def who_is_known():
    program = Program("leaving", "viewer")
    nobody = lambda headers: anonymous("unit/list", headers)
    good = program.session.headers["Authorization"]
    assert nobody({"Authorization": good}).status_code == 200
    for headers in ({}, {"Authorization": good[:-1]}, {"Authorization": "Basic YTpi"},
                    {"Authorization": good.replace("Bearer", "Token")}, {"Cookie": f"__Host-patchward={good[7:]}"}):
        answer = nobody(headers)
        is_problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")
    collector("program", "end", "leaving")
    is_problem(nobody({"Authorization": good}), 401)
    failed = subprocess.run(
        [os.environ["COLLECTOR"], "--folder", FOLDER, "program", "add", "boss", "--role", "admin"],
        capture_output=True, text=True,
    )
    assert failed.returncode == 2 and "is a person" in failed.stderr, failed


def what_is_wrong():
    it = Program("it", "operator", "approver", scope="decide")
    unit = {"name": "cellar", "site": "annex", "class": "standard"}
    refused(lambda: it.post("unit/add", {**unit, "name": 3}), 422, "name")
    refused(lambda: it.post("unit/add", {**unit, "name": None}), 422, "name")
    refused(lambda: it.post("unit/add", {**unit, "name": ""}), 422, "name")
    refused(lambda: it.post("unit/add", {**unit, "name": "A B"}), 422, "name")
    refused(lambda: it.post("unit/add", {**unit, "name": "x'; DROP TABLE units; --"}), 422, "name")
    refused(lambda: it.post("unit/add", {**unit, "class": "vip"}), 422, "class")
    refused(lambda: it.post("unit/add", {"name": "cellar", "site": "annex"}), 422, "class")
    refused(lambda: it.post("unit/add", {**unit, "folder": "/etc"}), 422, "folder")
    refused(lambda: it.post("unit/add", {**unit, "site": "nowhere"}), 404)
    json_type = {"Content-Type": "application/json"}
    refused(lambda: it.send("POST", "unit/add", data="{", headers=json_type), 400)
    refused(lambda: it.send("POST", "unit/add", data="[]", headers=json_type), 400)
    refused(lambda: it.send("POST", "unit/add", data="{}", headers={"Content-Type": "text/plain"}), 415)
    refused(lambda: it.send("POST", "unit/add", data='{"name":"' + "x" * 1_100_000 + '"}', headers=json_type), 413)
    refused(lambda: it.get("unit/list", colour="red"), 422, "colour")
    refused(lambda: it.get("nothing/here"), 404)
    # It would name files of the collector's own computer.
    refused(lambda: it.post("release/import", {"files": ["/etc/passwd"]}), 404)
    for method, path, allow in (("GET", "unit/add", "POST"), ("POST", "unit/list", "GET"), ("DELETE", "unit/list", "GET")):
        answer = it.send(method, path)
        is_problem(answer, 405)
        assert answer.headers["allow"] == allow, answer.headers
    # What decides on machines, or cannot be undone, says why.
    refused(lambda: it.post("asset/remove", {"tag": "icu-1"}), 422, "_why")
    assert it.post("asset/remove", {"tag": "icu-1", "_why": "entered twice"}).status_code == 200
    assert "entered twice" in collector("--json", "audit", "list")
    # A request that is sent twice counts once.
    once = {"Idempotency-Key": "0f1e"}
    assert it.post("unit/add", unit, headers=once).status_code == 200
    refused(lambda: it.post("unit/add", {**unit, "name": "attic"}, headers=once), 409)
    refused(lambda: it.post("unit/add", {**unit, "name": "attic"}, headers={"Idempotency-Key": ""}), 400)


def files():
    htm = Program("htm", "approver", scope="change")
    rows = "asset tag,manufacturer,model,unit\r\nmri-7,Acme,Magnet,icu\r\n"
    part = lambda text: {"file": ("list.csv", text, "text/csv")}
    checked = htm.send("POST", "asset/import", files=part(rows), data={"dry_run": "true"})
    assert checked.status_code == 200, checked.text
    assert "mri-7" not in collector("asset", "list")
    refused(lambda: htm.send("POST", "asset/import", files=part(rows), data={"dry_run": "maybe"}), 422, "dry_run")
    refused(lambda: htm.send("POST", "asset/import", json={"file": "/etc/passwd"}), 415)
    refused(lambda: htm.send("POST", "asset/import", files={"other": ("x", "y")}), 422)
    done = htm.send("POST", "asset/import", files=part(rows), data={"dry_run": "false"})
    assert done.status_code == 200, done.text
    out = htm.get("asset/export")
    assert out.headers["content-type"].startswith("text/csv") and "mri-7" in out.text, out.text


def live():
    """What changes is told as it changes, and what changed meanwhile to who comes back."""
    program = Program("listening", "viewer")

    def stream(last=None):
        headers = {"Last-Event-ID": str(last)} if last is not None else {}
        return program.send("GET", "events", stream=True, headers=headers)

    def next_event(lines):
        event = {}
        for line in lines:
            if line.startswith(":"):
                continue
            if not line and event:
                return event
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
        raise AssertionError("the stream ended")

    with stream() as answer:
        assert answer.headers["content-type"] == "text/event-stream", answer.headers
        lines = answer.iter_lines(decode_unicode=True)
        assert next(lines).startswith(":")  # it listens
        threading.Thread(target=collector, args=("site", "add", "depot")).start()
        event = next_event(lines)
        assert event["event"] == "changed" and "site" in json.loads(event["data"])["kinds"], event
    collector("unit", "add", "dock", "--site", "depot", "--class", "standard")
    with stream(event["id"]) as answer:
        missed = next_event(answer.iter_lines(decode_unicode=True))
        assert json.loads(missed["data"])["kinds"] == ["unit"], missed
    is_problem(anonymous("events", {}), 401)


who_may()
who_is_known()
what_is_wrong()
files()
live()
