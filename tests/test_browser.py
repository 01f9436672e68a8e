"""The report in a browser: read, pointed at, and used by keyboard."""

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from project import RUNS, Project

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
RUN = "width=20,size=3,C0=10,eps=0.3,seed=0"


def watch(page: Any) -> tuple[list[str], list[str]]:
    """What a page complains of, and what it asks for, from now on."""
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    return complaints, requests


@pytest.fixture
def chromium() -> Iterator[Any]:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"needs one of {', '.join(BROWSERS)}: make test-browser installs one on Debian")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


def test_it_reads_well_in_a_browser(copied: Project, chromium: Any) -> None:
    """At the width of a desk and of a phone: nothing asked of anybody, nothing complained of, nothing cut off."""
    copied.run("python", "stages/report.py", "--preset", "tiny")
    address = (copied.root / "results/tiny/report.html").as_uri()
    for width, height in ((1280, 900), (390, 844)):
        page = chromium.new_page(viewport={"width": width, "height": height})
        complaints, requests = watch(page)
        page.goto(address)
        page.locator("body[data-ready]").wait_for()
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        points_say_and_lead(page)
        table_filters_and_sorts(page)
        for summary in page.locator(".multiples summary").all():
            summary.click()
        assert page.locator("#fig3 .panels a .curve").count() == 8
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert {url.partition("#")[0] for url in requests if not url.startswith("data:")} == {address}
        assert complaints == []
    plain = chromium.new_page(java_script_enabled=False)
    plain.goto(address)
    assert plain.locator("#answer").is_visible()
    assert not plain.locator("a[href^='#rows/']").first.is_visible()


def points_say_and_lead(page: Any) -> None:
    """By pointer and by keyboard, from a point of figure 3 to its run's curves, and back."""
    from playwright.sync_api import expect

    says, run = page.locator("#fig3 .value"), page.locator("#run")
    point = page.locator(f"#fig3 .point[href='#advtrain/{RUN}']")
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*place)
    expect(says).to_have_text(re.compile("^robust test accuracy [0-9.]+ · width=20, size=3, C0=10, eps=0.3, seed=[01]"))
    page.mouse.click(*place)
    expect(run.locator("h2")).to_contain_text("eps=0.3")
    expect(run.locator("svg")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(run).to_be_hidden()
    expect(page.locator("#fig3 .point[tabindex='0']")).to_have_count(1)  # one stop for Tab
    page.keyboard.press("Home")
    first = says.inner_text()
    page.keyboard.press("ArrowRight")
    assert says.inner_text() != first
    chosen = page.evaluate("document.activeElement.hash")
    page.keyboard.press("Enter")
    expect(run).to_be_visible()
    run.get_by_role("slider").press("Home")
    expect(run).to_contain_text("0 of 0 to 1")
    run.get_by_role("button", name="Close").click()
    expect(run).to_be_hidden()
    assert page.evaluate("document.activeElement.hash") == chosen


def table_filters_and_sorts(page: Any) -> None:
    """A claim's link leads to its rows alone; words take some of them away; heads put them in order."""
    from playwright.sync_api import expect

    rows, said = page.locator("#runs-table tbody tr"), page.locator("#runs-count")
    pick, words = page.get_by_label("runs of"), page.get_by_label("with the words")
    page.locator("#claim-robust_collapse a[href^='#rows/']").click()
    expect(said).to_have_text("1 to 2 of 2 runs")
    pick.select_option("advtrain")
    expect(said).to_have_text("1 to 8 of 8 runs")
    head = page.locator("#runs-table th", has=page.get_by_role("button", name="ε", exact=True))
    for way, eps in (("ascending", "0.05"), ("descending", "0.3")):
        head.get_by_role("button").press("Enter")
        expect(head).to_have_attribute("aria-sort", way)
        assert eps in rows.first.locator("td").all_inner_texts()
    words.fill("size=3 eps=0.05")
    expect(said).to_have_text("1 to 2 of 2 runs")
    words.fill(RUN.replace(",", " "))
    rows.get_by_role("link").click()
    expect(page.locator("#run-record")).to_have_text(f"results/tiny/advtrain/runs/{RUN}.json")
    page.keyboard.press("Escape")
    words.fill("")
    pick.select_option("")
    expect(said).to_have_text(f"1 to {sum(RUNS.values())} of {sum(RUNS.values())} runs")
