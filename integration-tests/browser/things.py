"""One of each thing that has a page of its own: an advisory, what is done about it, a device that its neighbour asks."""

import json
from datetime import datetime, timedelta, timezone

MAKER, MODEL = "Acme Medical", "Monitor M7"


def csaf():
    """An advisory of the maker's on versions below 3.0 of the model."""
    leaf = {"category": "product_version_range", "name": "<3.0", "product": {"name": f"Acme {MODEL}", "product_id": "P1"}}
    named = {"category": "product_name", "name": MODEL, "branches": [leaf]}
    return {
        "document": {
            "category": "csaf_security_advisory", "csaf_version": "2.0", "title": "Acme M7",
            "publisher": {"category": "vendor", "name": "Acme", "namespace": "https://acme.example"},
            "tracking": {"id": "ACME-1", "version": "1", "status": "final", "current_release_date": "2026-01-02T00:00:00Z",
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
    file = hospital.folder / "advisory.json"
    file.write_text(json.dumps(csaf()))
    hospital.ask("advisory", "import", str(file))
    due = datetime.now(timezone.utc) + timedelta(days=30)
    hospital.ask("mitigation", "add", "ACME-1", "--title", "Close port 104", "--step", "Close it at the switch", "--owner", "it",
                 "--all", "--due", f"{due:%Y-%m-%dT%H:%M:%SZ}")
    hospital.ask("case", "open", "Acme", "--about", "ACME-1")
    hospital.ask("asset", "manual", "M-2", "--name", "monitor-2", "--model", "m7", "--by", "htm")
    hospital.ask("device", "watch", "M-2", "--by", neighbour)
