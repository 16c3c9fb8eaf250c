"""Ask a service of known vulnerabilities about what is installed, and say honestly what was asked.

`pip-audit` calls it "no known vulnerabilities" where it could ask nobody; here that is said as what it is. Exit status:
0 none is known of what was asked, or nobody could be asked (the last line says SKIPPED); 1 some are known; 2 the tool
failed for another reason.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

OURS = "elyte"
SECONDS = 600.0
_OFFLINE = re.compile(
    r"ConnectionError|ConnectTimeout|ReadTimeout|NameResolutionError|ProxyError|SSLError|HTTPError|MaxRetryError"
    r"|ServiceError|Could not connect|Connection refused|timed out",
    re.IGNORECASE,
)


class Verdict(StrEnum):
    """What an audit came to."""

    CLEAN = "clean"
    PARTLY = "partly"
    NOT_ASKED = "not_asked"
    VULNERABLE = "vulnerable"
    FAILED = "failed"


EXIT = {Verdict.VULNERABLE: 1, Verdict.FAILED: 2}
"""Of those that are no success: for lack of a network nothing is red."""


@dataclass(frozen=True, slots=True)
class Audit:
    """A verdict, and the lines that say it."""

    verdict: Verdict
    lines: tuple[str, ...]


def audit_of(stdout: str, stderr: str) -> Audit:
    """Read what `pip-audit --format json` wrote.

    Parameters
    ----------
    stdout, stderr
        Of the tool, whatever its exit status was: 0 also where nothing was asked, 1 for a finding as for a failure.
    """
    try:
        told = json.loads(stdout)["dependencies"]
        asked = [one for one in told if "skip_reason" not in one]
        skipped = sorted(one["name"] for one in told if "skip_reason" in one and one["name"] != OURS)
        found = [(one["name"], one["version"], flaw) for one in asked for flaw in one["vulns"]]
    except (ValueError, KeyError, TypeError):
        return _without_answer(stderr)
    if found:
        lines = [f"{name} {version}: {flaw['id']}, mended in {_fixes(flaw)}" for name, version, flaw in found]
        return Audit(Verdict.VULNERABLE, (*lines, f"{len(found)} known vulnerabilities"))
    if not asked:
        return Audit(
            Verdict.NOT_ASKED, (f"SKIPPED: the service knew none of {len(skipped)} packages; nothing was audited",)
        )
    line = f"no known vulnerability in the {len(asked)} packages that were asked about"
    if skipped:
        return Audit(Verdict.PARTLY, (f"SKIPPED for {len(skipped)}: {', '.join(skipped)}", line))
    return Audit(Verdict.CLEAN, (line,))


def _fixes(flaw: dict[str, list[str]]) -> str:
    return ", ".join(flaw.get("fix_versions", [])) or "no version yet"


def _without_answer(stderr: str) -> Audit:
    last = next((line.strip() for line in reversed(stderr.splitlines()) if line.strip()), "no message")
    if _OFFLINE.search(stderr):
        return Audit(
            Verdict.NOT_ASKED, (f"SKIPPED: the service cannot be reached; nothing was audited ({last[:200]})",)
        )
    return Audit(Verdict.FAILED, (f"the audit failed: {last[:500]}",))


def run(tool: Path, site: Path) -> Audit:
    """Run the tool on a folder of installed packages."""
    command = [str(tool), "--path", str(site), "--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return Audit(Verdict.NOT_ASKED, (f"SKIPPED: no answer within {SECONDS:g} s; nothing was audited",))
    return audit_of(done.stdout, done.stderr)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", type=Path, required=True, help="pip-audit")
    parser.add_argument("--site", type=Path, required=True, help="folder of installed packages")
    arguments = parser.parse_args()
    found = run(arguments.tool, arguments.site)
    sys.stdout.write("".join(f"audit: {line}\n" for line in found.lines))
    sys.exit(EXIT.get(found.verdict, 0))


if __name__ == "__main__":
    main()
