"""Run `pip install` and say how far it is: one line on a terminal, elsewhere a line every ten seconds.

Needs nothing but Python, as it runs before anything is installed. What pip warns of is passed on at once; where pip
fails, all that it said is printed.

    python deploy/install.py --packages 131 --size "870 MB" -- --constraint constraints.txt --editable '.[serve]'
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import sysconfig
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TextIO

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off")
COLLECTED = re.compile(r"\s*(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9][A-Za-z0-9._-]*)")
INSTALLING = "Installing collected packages: "
TERMINAL_SECONDS, LOG_SECONDS = 0.2, 10.0
CLEAR = "\r\x1b[2K"


@dataclass
class State:
    """How far pip is, as its lines tell.

    Parameters
    ----------
    expected
        About how many packages there are.
    folder
        Where they are installed; they are counted there, as pip says nothing while it installs.
    """

    expected: int
    folder: Path
    collected: set[str] = field(default_factory=set)
    name: str = ""
    to_install: int = 0
    before: int = 0
    said: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        """Learn from a line of pip."""
        self.said.append(line)
        found = COLLECTED.match(line)
        if found is not None:
            self.name = found[1]
            self.collected.add(self.name.lower().replace("_", "-"))
        elif line.startswith(INSTALLING):
            self.before = self.installed()
            self.to_install = line.count(",") + 1

    def installed(self) -> int:
        """Count the packages in the folder."""
        return sum(1 for _ in self.folder.glob("*.dist-info"))

    def words(self) -> str:
        """Say how far it is."""
        if self.to_install:
            done = min(max(self.installed() - self.before, 0), self.to_install)
            return f"installed {done} of {self.to_install}"
        if not self.collected:
            return "asking the package index"
        return f"collected {len(self.collected)} of about {max(self.expected, len(self.collected))}, {self.name}"


def install(arguments: list[str], expected: int, stream: TextIO) -> int:
    """Run pip with arguments and return its exit status.

    Parameters
    ----------
    arguments
        Behind `pip install`.
    expected
        About how many packages that will be.
    stream
        Where to say how far it is.
    """
    state = State(expected, Path(sysconfig.get_path("purelib")))
    process = subprocess.Popen([*PIP, *arguments], stdout=subprocess.PIPE, text=True, errors="replace")
    reader = threading.Thread(target=_read, args=(process.stdout, state))
    reader.start()
    started = time.monotonic()
    pause = TERMINAL_SECONDS if stream.isatty() else LOG_SECONDS
    try:
        while reader.is_alive():
            reader.join(pause)
            if stream.isatty():
                stream.write(f"{CLEAR}{state.words()}, {time.monotonic() - started:.0f} s"[:100])
            elif reader.is_alive():
                stream.write(f"{state.words()}, {time.monotonic() - started:.0f} s\n")
            stream.flush()
        status = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if stream.isatty():
        stream.write(CLEAR)
    if status:
        stream.write("".join(state.said))
        stream.write(f"pip failed with status {status}; run the same command again once the cause is gone\n")
    else:
        stream.write(f"{state.to_install or 'no'} packages installed in {time.monotonic() - started:.0f} s\n")
    stream.flush()
    return status


def _read(lines: IO[str] | None, state: State) -> None:
    for line in lines or ():
        state.take(line)


def main() -> int:
    """Say what will happen, install, and return pip's exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=int, required=True, help="about how many there are")
    parser.add_argument("--size", required=True, help="what they take on the disk")
    parser.add_argument("arguments", nargs="+", help="of `pip install`, behind --")
    given = parser.parse_args()
    sys.stdout.write(
        f"installing about {given.packages} packages into {sys.prefix} ({given.size}, one to five minutes, once only)\n"
    )
    sys.stdout.flush()
    return install(given.arguments, given.packages, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
