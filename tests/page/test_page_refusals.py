"""What the page does when things go wrong: hostile text, refusals, a service that goes away, keys, prefixes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from running_service import RunningService, running_service

from serving.answers.request import MAX_CANDIDATES

if TYPE_CHECKING:
    import pytest
    from playwright.sync_api import Route

    from tests.page.conftest import Visit

ATTACK = "<img src=x onerror=\"document.body.dataset.hit='1'\"><script>document.body.dataset.hit='1'</script>"


def test_hostile_text_stays_text(visit: Visit) -> None:
    """Formulas, ids, file names, header cells and conditions come back in answers and messages."""
    visit.ask(f"{ATTACK}\tLi6PS5Cl", ATTACK, f"{ATTACK}\t{ATTACK}")
    assert visit.page.locator("#answers-body .id").first.text_content() == ATTACK
    visit.page.locator("#answers-body input").first.check()
    visit.page.wait_for_selector("#comparison [aria-busy]", state="detached")
    panel = visit.open_row(0)
    assert ATTACK in panel.inner_text()
    visit.page.keyboard.press("Escape")
    visit.drop((f"{ATTACK}.csv", f"formula,{ATTACK.replace(chr(34), '')}\nLi3N,1\n"))
    visit.drop((f"{ATTACK}.doc", "x"))
    assert ATTACK in visit.said()
    visit.drop(
        ("conditions.csv", f'formula,interlayer_type,temperature_C\nLi3N,"{ATTACK.replace(chr(34), chr(34) * 2)}",\n')
    )
    visit.drop(("cell.csv", "formula,temperature_C\nLi3N,<b>hot</b>\n"))
    visit.predict()
    assert visit.rows().count() == 6
    assert visit.page.locator("img, #answers b b, #files b b, script:not([src])").count() == 0
    assert visit.page.evaluate("document.body.dataset.hit") is None


def test_a_doi_that_is_none_becomes_no_link(visit: Visit) -> None:
    """Tables are made by people; `javascript:` in a source column must not become a link."""
    made = visit.page.evaluate(
        """async () => { const { sourceLink } = await import('./page/format.js');
            const sources = ['javascript:alert(1)', '10.1/x y', '10.1000/a"><b>', null];
            return sources.map(doi => sourceLink(doi).outerHTML); }"""
    )
    assert [html.startswith("<a") for html in made] == [False, False, True, False]
    assert 'href="https://doi.org/10.1000/a%22%3E%3Cb%3E"' in made[2]


def test_too_many_candidates_are_refused_in_the_services_words(visit: Visit) -> None:
    """Ten thousand and one: the page neither cuts the list nor hides the reason."""
    visit.expected.append("status of 413")
    visit.paste("Li3N\n" * (MAX_CANDIDATES + 1))
    visit.page.click("#predict")
    visit.page.wait_for_selector("#problem:not([hidden])")
    assert f"received {MAX_CANDIDATES + 1} candidates, expected at most {MAX_CANDIDATES}" in visit.said()
    assert visit.page.locator("#results").is_hidden()
    assert len(visit.page.input_value("#formulas")) > MAX_CANDIDATES


def test_what_cannot_be_asked_is_said_before_asking(visit: Visit) -> None:
    """Nothing to ask, and a field that makes no sense."""
    visit.page.click("#predict")
    assert "no formula yet" in visit.said()
    visit.page.fill("#formulas", "Li3N")
    visit.page.fill("#temperature", "-400")
    visit.page.click("#predict")
    assert "Temperature: received -400, expected above -273.15" in visit.said()
    visit.page.fill("#temperature", "25")
    visit.page.fill("#coverage", "100")
    visit.page.click("#predict")
    assert "50 to 99 %" in visit.said()


def test_no_plot_waits_for_a_question_that_was_refused(visit: Visit) -> None:
    """What fills in later says why it does not, in the panel and in the comparison, and nothing there stays busy."""
    visit.expected += ["status of 503", "status of 500"]
    visit.ask("Li6PS5Cl", "Li3YCl6")

    def refuse(route: Route) -> None:
        document = json.dumps({"error": {"code": "not_ready", "message": "the models are being loaded"}})
        route.fulfill(status=503, body=document, content_type="application/json")

    visit.page.route("**/predict", refuse)
    visit.page.route("**/ccd/grid", lambda route: route.fulfill(status=500, body="<h1>a proxy's own page</h1>"))
    panel = visit.open_row(0)
    said = panel.inner_text()
    assert "Asking" not in said
    assert "the models are being loaded" in said
    assert "The service failed: It gave no reason." in said
    visit.page.keyboard.press("Escape")
    for place in (0, 1):
        visit.page.locator("#answers-body input").nth(place).check()
    visit.page.wait_for_selector("#comparison [aria-busy]", state="detached")
    said = visit.page.locator("#comparison").inner_text()
    assert "Asking" not in said
    assert "the models are being loaded" in said


def test_a_busy_service_is_asked_again_after_the_time_it_names(visit: Visit) -> None:
    """Loading models answer 503 with Retry-After; the user need not press anything."""
    visit.expected.append("status of 503")
    refusals = iter([1, 1])

    def busy_twice(route: Route) -> None:
        if next(refusals, None) is None:
            route.continue_()
            return
        body = '{"error": {"code": "not_ready", "message": "the models are being loaded"}}'
        route.fulfill(status=503, headers={"Retry-After": "1"}, content_type="application/json", body=body)

    visit.page.route("**/predict", busy_twice)
    visit.page.fill("#formulas", "Li3N")
    visit.page.click("#predict")
    visit.page.wait_for_selector("#said >> text=trying again in 1 s")
    visit.page.wait_for_selector("#answers-body tr")
    assert visit.page.locator("#problem").is_hidden()


def test_an_installation_without_a_property(visit: Visit) -> None:
    """A fresh model store may hold one model; the page shows what there is and says what is not."""

    def without_ccd(route: Route) -> None:
        response = route.fetch()
        document = response.json()
        document["models"].pop("ccd", None)
        for row in document["results"]:
            row.pop("ccd", None)
            row["applicability"].pop("ccd", None)
        route.fulfill(response=response, json=document)

    visit.page.route("**/predict", without_ccd)
    visit.ask("Li6PS5Cl", "Li3YCl6")
    assert visit.cells("ccd") == ["no value: not judged"] * 2
    assert visit.page.locator("#answers-body .flags").first.locator("li").count() == 3
    visit.page.locator("#answers-body input").first.check()
    assert visit.page.locator("#comparison h3").all_text_contents() == ["Conductivity", "Stability windows"]
    assert visit.open_row(0).locator(".part-ccd").count() == 0


def test_intervals_that_cannot_be_given(visit: Visit) -> None:
    """At some coverages a table is too small for an interval: null ends must not break a bar or a band."""

    def without_ends(route: Route) -> None:
        response = route.fetch()
        document = response.json()
        for row in document["results"]:
            for block in (row.get(name) or {} for name in ("conductivity", "stability", "ccd", "mechanics")):
                for interval in (part for part in block.values() if isinstance(part, dict) and "coverage" in part):
                    interval |= {"lower": None, "upper": None}
        route.fulfill(response=response, json=document)

    visit.page.route("**/predict", without_ends)
    visit.ask("Li6PS5Cl", "Li7La3Zr2O12", coverage="99")
    assert visit.page.locator("#answers-body svg.bar").count() == 8  # linear ones need ends
    panel = visit.open_row(1)
    assert panel.locator(".part-arrhenius .line").count() == 1
    assert panel.locator(".part-arrhenius .band").count() == 0
    assert "NaN" not in visit.page.locator("body").inner_html()


def test_a_long_question_can_be_stopped(visit: Visit) -> None:
    """Nobody should have to close the page to get rid of a list sent by mistake."""
    visit.paste("\n".join(f"Li{1 + i / 10000:.4f}Cl" for i in range(9000)))
    visit.page.click("#predict")
    visit.page.click("#stop")
    assert visit.page.locator("#said").inner_text().startswith("Stopped")
    assert visit.page.locator("#predict").is_enabled()
    visit.ask("Li3N")
    assert visit.rows().count() == 1


def test_a_service_that_goes_away_and_comes_back_with_a_key(
    visitor: Callable[..., Visit], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The input is kept, the words say what happened, and a key is asked for only where the service asks for it."""
    with running_service(tmp_path_factory.mktemp("first")) as first:
        visit = visitor(first.url)
        visit.expected += ["ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET", "status of 401"]
        visit.open()
        visit.ask("Li6PS5Cl")
        assert visit.page.locator("#api-key").count() == 0
    visit.page.click("#predict")
    visit.page.wait_for_selector("#problem:not([hidden])")
    assert "The service does not answer" in visit.said()
    assert visit.page.input_value("#formulas") == "Li6PS5Cl"
    assert visit.rows().count() == 1, "the old answers stay"

    settings = {"ELYTE_API_KEY": "open-sesame", "ELYTE_PROTECT_READS": "1"}
    with running_service(tmp_path_factory.mktemp("second"), first.port, **settings):
        visit.page.get_by_role("button", name="Try again").click()
        visit.page.fill("#api-key", "wrong")
        visit.page.get_by_role("button", name="Use it").click()
        visit.page.wait_for_selector("#problem >> text=not valid")
        visit.page.fill("#api-key", "open-sesame")
        visit.page.get_by_role("button", name="Use it").click()
        visit.page.wait_for_selector("#said >> text=1 row answered")
        assert visit.page.locator("#problem").is_hidden()
        visit.open()
        assert "ready" in visit.page.locator("#models").inner_text(), "the key holds for the tab"


def test_it_works_behind_a_path_prefix(visitor: Callable[..., Visit], service: RunningService) -> None:
    """Groups put such services behind one proxy; every address of the page is relative."""
    visit = visitor(service.url)

    def forward(route: Route) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace("/lab/elyte/", "/")))

    visit.page.route("**/lab/elyte/**", forward)
    seen: list[str] = []
    visit.page.on("request", lambda request: seen.append(request.url))
    visit.open("/lab/elyte/")
    visit.ask("Li6PS5Cl")
    visit.open_row(0)
    visit.page.keyboard.press("Escape")
    with visit.page.expect_download():
        visit.page.click("#download")
    assert [url for url in seen if "/lab/elyte/" not in url and not url.startswith("blob:")] == []


def test_the_policy_holds(visit: Visit, service: RunningService) -> None:
    """The browser itself refuses inline scripts and foreign addresses on this page."""
    visit.expected.append("Content Security Policy")
    visit.page.evaluate(
        """() => { const script = document.createElement('script');
            script.textContent = "document.body.dataset.hit = '1'"; document.body.append(script); }"""
    )
    assert visit.page.evaluate("document.body.dataset.hit") is None
    refused = visit.page.evaluate("fetch('http://127.0.0.2:9/').then(() => 'sent', () => 'refused')")
    assert refused == "refused"
    visit.strangers.clear()


def test_the_log_holds_no_candidate(visit: Visit, service: RunningService) -> None:
    """Candidates are secrets: what was typed must not stand in the service's log.

    Times in it have two digits before the point, durations three behind: neither can be the amount of lithium.
    """
    visit.ask("secret-name\tLi6.12345PS5.12345Cl0.87655")
    visit.open_row(0)
    assert re.search(r"(?<![0-9])6\.12345", service.log()) is None
    assert "secret-name" not in service.log()
