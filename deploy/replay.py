"""Replay the Containerfile on a Debian machine without a container engine, then try what it makes.

Every stage gets an overlay over this machine's own files in place of the base image; COPY, ENV, ARG, USER, WORKDIR and
RUN are carried out in it, and the service runs there as process 1, on a read-only root, as the image's user. Needs
root, `unshare`, `setpriv` and Python 3.11; asks the package index that pip is set up for. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from urllib.error import URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[1]
CONTAINERFILE = Path(__file__).with_name("Containerfile")
KNOWN = {
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "RUN",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
}
START_SECONDS = 300.0


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name and what follows, continued lines joined."""

    name: str
    text: str

    def words(self) -> list[str]:
        """Return the parts, of the JSON form or of a plain line."""
        parsed: list[str] = json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)
        return parsed


@dataclass
class Stage:
    """One stage, from its FROM to the next."""

    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        """Return the instructions of one kind."""
        return [one for one in self.instructions if one.name == name]


def parse(text: str) -> list[Stage]:
    """Return the stages of a Containerfile.

    Raises
    ------
    ValueError
        If an instruction is not known here.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        name, _, rest = line.strip().partition(" ")
        if name not in KNOWN:
            raise ValueError(f"instruction: received {name!r}, expected one of {sorted(KNOWN)}")
        if name == "FROM":
            stages.append(Stage(rest.partition(" AS ")[2].strip() or f"stage{len(stages)}"))
        elif stages:
            stages[-1].instructions.append(Instruction(name, rest.strip()))
    return stages


@dataclass
class Room:
    """A stage's files: an overlay over this machine's, kept in a folder, and what its processes are given."""

    folder: Path
    environment: dict[str, str]
    directory: str = "/"
    user: str = "root"
    volumes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("upper", "work", "merged"):
            (self.folder / name).mkdir(parents=True)

    def host_path(self, path: str) -> Path:
        """Return where a path of the room that was written lies on this machine."""
        return self.folder / "upper" / os.path.normpath(f"{self.directory}/{path}" if path[0] != "/" else path)[1:]

    def command(self, words: list[str], *, final: bool = False) -> list[str]:
        """Return what runs words in the room; `final`: as process 1 on a read-only root with an empty /tmp."""
        merged = self.folder / "merged"
        options = f"lowerdir=/,upperdir={self.folder}/upper,workdir={self.folder}/work"
        steps = [f"mount -t overlay overlay -o {options} {merged}", f"mount --rbind /dev {merged}/dev"]
        steps += [f"mount -t proc proc {merged}/proc"]
        if final:
            steps += [f"mount --bind {merged}{volume} {merged}{volume}" for volume in self.volumes]
            steps += [
                f"mount -t tmpfs tmpfs {merged}/tmp",
                f"mount -o remount,ro,bind {merged}",
            ]
            steps += [f"mount -o remount,rw,bind {merged}{volume}" for volume in self.volumes]
        as_user = (
            ""
            if self.user == "root"
            else (f"setpriv --reuid {self.user} --regid {self.user} --clear-groups --inh-caps=-all --no-new-privs ")
        )
        variables = shlex.join(f"{name}={value}" for name, value in self.environment.items())
        inside = f"cd {self.directory} && exec env -i {variables} {shlex.join(words)}"
        # setpriv looks the user up inside, as the room has users of its own
        steps += [f"exec chroot {merged} {as_user}sh -c {shlex.quote(inside)}"]
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", "; ".join(steps)]


def run_stage(stage: Stage, folder: Path, rooms: dict[str, Room], arguments: dict[str, str]) -> Room:
    """Carry out the instructions of a stage and return its room."""
    own_python = Path(os.path.realpath(sys.executable))
    from_pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    usual = {"PATH": f"{own_python.parent}:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root"}
    room = Room(folder, usual | from_pip)
    rooms[stage.name] = room
    readable = [str(parent) for parent in own_python.parents][:-1]  # by the image's user too
    subprocess.run(room.command(["chmod", "a+x", *readable]), check=True)
    for one in stage.instructions:
        if one.name == "WORKDIR":
            room.directory = one.text
            room.host_path(one.text).mkdir(parents=True, exist_ok=True)
        elif one.name == "USER":
            room.user = one.text
        elif one.name in {"ENV", "ARG"}:
            room.environment |= assigned(one, room.environment, arguments)
        elif one.name == "VOLUME":
            room.volumes = tuple(one.words())
        elif one.name == "COPY":
            copy(one, room, rooms)
        elif one.name == "RUN":
            words = one.words() if one.text.startswith("[") else ["sh", "-c", one.text]
            sys.stderr.write(f"RUN {one.text}\n")
            subprocess.run(room.command(words), check=True, stdout=sys.stderr)
    return room


def assigned(one: Instruction, known: dict[str, str], arguments: dict[str, str]) -> dict[str, str]:
    """Return what ENV or ARG sets; what the build was given wins over ARG's default."""
    pairs = dict(word.split("=", 1) for word in one.words() if "=" in word)
    given = {name: arguments[name] for name in pairs if one.name == "ARG" and name in arguments}
    return {name: Template(value).substitute(known) for name, value in (pairs | given).items()}


def copy(one: Instruction, room: Room, rooms: dict[str, Room]) -> None:
    """Carry out COPY."""
    *sources, target = one.words()
    source_room = rooms[sources.pop(0).partition("=")[2]] if sources[0].startswith("--from=") else None
    for source in sources:
        path = ROOT / source if source_room is None else source_room.host_path(source)
        to = room.host_path(target)
        if path.is_dir():
            shutil.copytree(path, to, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.nb?"))
        else:
            to.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, to)


def answers(path: str, body: bytes | None = None) -> bytes | None:
    """Return what the service answers with 200, else None."""
    headers = {"Content-Type": "application/json"}
    try:
        with urlopen(Request(f"http://127.0.0.1:3000{path}", body, headers), timeout=60) as response:
            content: bytes = response.read()
            return content
    except (URLError, OSError):
        return None


def try_service(stage: Stage, room: Room, log: Path) -> dict[str, object]:
    """Run the service as the image would, ask it, check its health, end it."""
    words = stage.all("ENTRYPOINT")[0].words() + stage.all("CMD")[0].words()
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(room.command(words, final=True), stdout=output, stderr=output)
    try:
        while answers("/readyz") is None:
            if process.poll() is not None or time.monotonic() - started > START_SECONDS:
                raise RuntimeError(f"not ready:\n{log.read_text()}")
            time.sleep(0.2)
        found: dict[str, object] = {"ready_s": round(time.monotonic() - started, 1)}
        document = json.loads(answers("/predict", b'{"candidates": [{"formula": "Li6PS5Cl"}]}') or b"{}")
        found["log10_sigma"] = document["results"][0]["conductivity"]["log10_sigma_S_per_cm"]["value"]
        health = Instruction("CMD", stage.all("HEALTHCHECK")[0].text.partition("CMD ")[2]).words()
        found["health_exit"] = subprocess.run(room.command(health, final=True), check=False).returncode
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        found["process_1"] = Path(f"/proc/{children[0]}/cmdline").read_bytes().decode().split("\0")[1:4]
        stopping = time.monotonic()
        os.kill(int(children[0]), signal.SIGTERM)  # process 1 of the room, as an engine would
        found["exit"] = process.wait(30)
        found["stop_s"] = round(time.monotonic() - stopping, 1)
        return found
    finally:
        process.kill()
        process.wait()


def megabytes(folder: Path) -> int:
    """Return the size of a folder."""
    return round(sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 1e6)


def main() -> None:
    """Replay, try, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--keep", type=Path, help="a folder for the stages' files, which then stay")
    given = parser.parse_args()
    arguments = dict(text.split("=", 1) for text in given.build_arg)
    stages = parse(CONTAINERFILE.read_text())
    rooms: dict[str, Room] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        started = time.monotonic()
        for stage in stages:
            room = run_stage(stage, folder / stage.name, rooms, arguments)
        found: dict[str, object] = {"build_s": round(time.monotonic() - started)}
        found["libraries_and_code_MB"] = megabytes(room.host_path("/opt/elyte"))
        found["machine_code_MB"] = megabytes(room.host_path("/var/cache/elyte"))
        found |= try_service(stages[-1], room, folder / "service.log")
    sys.stdout.write(json.dumps({"replay": "Containerfile", "arguments": arguments} | found) + "\n")


if __name__ == "__main__":
    main()
