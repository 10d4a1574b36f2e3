"""One of each thing that has a page of its own: an advisory, what is done about it, a device that its neighbour asks."""

import json
from datetime import datetime, timedelta, timezone

from signing import UNIT

MAKER, MODEL = "Acme Medical", "Monitor M7"


# A vendor's answers to the form HN 1-2019, as far as they say who may install what.
ANSWERS = {"DOC-1": MAKER, "DOC-3": MODEL, "DOC-4": "M7", "DOC-7": "2026-03-20", "CSUP-1": "Yes", "CSUP-2": "Yes", "CSUP-2.1": "Yes",
           "CSUP-2.2": "No", "CSUP-2.3": "Yes", "CSUP-3": "No", "CSUP-4": "No", "CSUP-5": "No", "CSUP-6": "No"}


def csaf(version):
    """An advisory of the maker's on versions below 3.0 of the model."""
    leaf = {"category": "product_version_range", "name": "<3.0", "product": {"name": f"Acme {MODEL}", "product_id": "P1"}}
    named = {"category": "product_name", "name": MODEL, "branches": [leaf]}
    return {
        "document": {
            "category": "csaf_security_advisory", "csaf_version": "2.0", "title": "Acme M7",
            "publisher": {"category": "vendor", "name": "Acme", "namespace": "https://acme.example"},
            "tracking": {"id": "ACME-1", "version": version, "status": "final", "current_release_date": "2026-01-02T00:00:00Z",
                         "initial_release_date": "2026-01-02T00:00:00Z"},
        },
        "product_tree": {"branches": [{"category": "vendor", "name": f"{MAKER} Inc.", "branches": [named]}]},
        "vulnerabilities": [{
            "cve": "CVE-2026-0001", "product_status": {"known_affected": ["P1"]},
            "remediations": [{"category": "none_available", "details": "None", "product_ids": ["P1"]}],
            "scores": [{"products": ["P1"], "cvss_v3": {"baseScore": 9.8, "vectorString": "CVSS:3.1/AV:N/AC:L"}}],
        }],
    }


def one_of_each(hospital, unit, neighbour):
    for tag in ("M-1", "M-2"):
        hospital.ask("asset", "put", tag, "--manufacturer", MAKER, "--model", MODEL, "--unit", unit)
        hospital.ask("advisory", "installed", tag, "2.5")
    for version in ("1", "2"):
        file = hospital.folder / f"advisory-{version}.json"
        file.write_text(json.dumps(csaf(version)))
        hospital.ask("advisory", "import", str(file))
    form = hospital.folder / "answers.csv"
    rows = "".join(f"{question};What is asked?;{said};a note\n" for question, said in ANSWERS.items())
    form.write_text(f"Question ID;Question;;See note\n{rows}")
    hospital.ask("mds2", "import", "m7", str(form))
    due = datetime.now(timezone.utc) + timedelta(days=30)
    hospital.ask("mitigation", "add", "ACME-1", "--title", "Close port 104", "--step", "Close it at the switch", "--owner", "it",
                 "--all", "--due", f"{due:%Y-%m-%dT%H:%M:%SZ}")
    hospital.ask("case", "open", "Acme", "--about", "ACME-1")
    hospital.ask("asset", "manual", "M-2", "--name", "monitor-2", "--model", "m7", "--by", "htm")
    hospital.ask("device", "watch", "M-2", "--by", neighbour)


def names(hospital, plan):
    """What forms of what only tells are answered with, by their fields; and some of them, by their own words."""
    of_plan = {"plan": plan}
    return {
        "machine": "station-1", "tag": "M-1", "unit": UNIT, "plan": plan, "model": "m7", "id": "ACME-1", "number": "1",
        "job": hospital.ask_json("job", "list", "--plan", plan)[0]["job"], "product": "viewer", "version": "4.2.0",
        "release": "viewer=4.2.0", "component": "viewer", "name": "for-station-1", "class": "critical",
        "component/search": {"question": "viewer"}, "component/diff": {"machine": "station-1", "other": "station-2"},
        "exposure/show": {"id": "ACME-1", "asset": "M-1"}, "risk/show": {"release": "viewer=4.2.2", "model": "workstation"},
        "evidence/list": of_plan, "evidence/export": of_plan, "evidence/report": of_plan, "evidence/table": of_plan,
    }
