"""A headless Chromium before the real service; no visit may leave a console message or go to another host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from running_service import ROOT, RunningService, running_service

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LONGEST_ANSWER_MS = 30_000


@dataclass
class Visit:
    """One page in one browser context.

    Parameters
    ----------
    page
        Playwright's page.
    home
        The service's address.
    problems
        Console messages of type error or warning, and uncaught exceptions.
    strangers
        Requests to another host.
    expected
        Parts of console messages that this visit provokes on purpose.
    """

    page: Page
    home: str
    problems: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Write down what the browser complains about and where it goes."""
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        self.page.on("request", self._note_request)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(message.text)

    def _note_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"blob", "data"} and parts.netloc != urlsplit(self.home).netloc:
            self.strangers.append(request.url)

    def unexpected(self) -> list[str]:
        """Return the problems that nobody provoked."""
        return [text for text in self.problems if not any(part in text for part in self.expected)]

    def open(self, path: str = "/") -> None:
        """Open the page and wait until it has met the service."""
        self.page.goto(self.home + path)
        self.page.wait_for_selector("body[data-ready]")

    def ask(self, *lines: str, **fields: str) -> None:
        """Paste lines, fill fields by their ids, and wait for the answers."""
        self.page.fill("#formulas", "\n".join(lines))
        for name, value in fields.items():
            control = self.page.locator(f"#{name}")
            if control.evaluate("node => node.tagName") == "SELECT":
                control.select_option(value)
            else:
                control.fill(value)
        self.predict()

    def paste(self, text: str) -> None:
        """Paste from the clipboard over what stands in the field; Playwright's own filling is slow for long texts."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.page.focus("#formulas")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Control+V")

    def predict(self) -> None:
        """Press the button and wait for the table of this very question."""
        self.page.evaluate("document.getElementById('answers-body').replaceChildren()")
        self.page.click("#predict")
        self.page.wait_for_selector("#answers-body tr", timeout=LONGEST_ANSWER_MS)

    def rows(self) -> Locator:
        """Return the rows of the table."""
        return self.page.locator("#answers-body tr")

    def cells(self, column: str) -> list[str]:
        """Return the texts of one column, error rows left out."""
        return [text.strip() for text in self.page.locator(f"#answers-body td.col-{column}").all_inner_texts()]

    def materials(self) -> list[str]:
        """Return the formulas in the order shown."""
        return self.page.locator("#answers-body .col-material .formula").all_text_contents()

    def drop(self, *files: tuple[str, str]) -> None:
        """Drop files (name, text) onto the page, as a mouse does, and wait until they are listed."""
        before = self.page.locator("#files > li").count()
        transfer = self.page.evaluate_handle(
            """files => { const data = new DataTransfer();
                for (const [name, text] of files) data.items.add(new File([text], name)); return data; }""",
            [list(file) for file in files],
        )
        self.page.dispatch_event("#question", "drop", {"dataTransfer": transfer})
        self.page.wait_for_selector(f"#files > li:nth-child({before + 1}), #problem:not([hidden])")

    def open_row(self, index: int) -> Locator:
        """Click a row and return the panel, all of its plots drawn."""
        self.page.locator(f"#answers-body tr[data-index='{index}']").click(position={"x": 120, "y": 8})
        panel = self.page.locator("#detail")
        panel.wait_for()
        self.page.wait_for_selector("#detail [aria-busy]", state="detached", timeout=LONGEST_ANSWER_MS)
        self.page.wait_for_timeout(150)  # plots are drawn once their width is known
        return panel

    def said(self) -> str:
        """Return what the page says went wrong."""
        return self.page.locator("#problem").inner_text()

    def overflow_px(self) -> int:
        """Return by how much the page is wider than the window."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return width


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """Return the folder for screenshots, which CI keeps."""
    folder = Path(os.environ.get("ELYTE_ARTEFACTS") or ROOT / "build" / "artefacts" / "page")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Start the real service with its defaults."""
    with running_service(tmp_path_factory.mktemp("page-service")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium once."""
    executable = shutil.which("chromium")
    if executable is None:
        reason = "no chromium on this machine: the page is not looked at (apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Return what opens visits; when the test ends, none may have complained or gone elsewhere."""
    visits: list[Visit] = []
    usual = {"viewport": {"width": 1440, "height": 1000}, "permissions": ["clipboard-read", "clipboard-write"]}

    def visit(home: str, **context: Any) -> Visit:
        made = Visit(browser.new_context(**(usual | context)).new_page(), home)
        made.watch()
        visits.append(made)
        return made

    yield visit
    for made in visits:
        made.page.context.close()
    assert [text for made in visits for text in made.unexpected()] == []
    assert [url for made in visits for url in made.strangers] == []


@pytest.fixture
def visit(visitor: Callable[..., Visit], service: RunningService) -> Visit:
    """Return a desktop visit to the page."""
    made = visitor(service.url)
    made.open()
    return made
