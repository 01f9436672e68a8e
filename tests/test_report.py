"""The report: one page with all in it, true to the records on disk, readable in a browser."""

import re
import shutil
from html.parser import HTMLParser
from typing import Any

import pytest
from conftest import Project

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
RUN = "width=20,size=3,C0=10,eps=0.3,seed=0"


class Links(HTMLParser):
    """The ids of a page, and all that it refers to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key == "id":
                self.ids.append(value or "")
            if key == "href" and tag == "a":
                self.links.append(value or "")
            elif key in ("src", "href", "srcset"):
                self.loaded.append(value or "")


def report(project: Project) -> str:
    said = project.run("python", "stages/report.py", "--preset", "tiny").stdout.strip()
    assert said == "results/tiny/report.html"
    return (project.root / said).read_text()


def test_all_is_in_the_page_and_every_link_leads_somewhere(copied: Project) -> None:
    page = report(copied)
    found = Links(page)
    assert all(address.startswith("data:") for address in found.loaded)
    assert "url(" not in page
    assert len(set(found.ids)) == len(found.ids)
    folder = copied.root / "results/tiny"
    for link in found.links:
        assert link[1:] in found.ids if link.startswith("#") else (folder / link).resolve().is_file(), link
    assert len(re.findall('<section class="record"', page)) == 30
    assert page.count("data:image/svg+xml") == 5
    assert "30 of 30 runs are here." in page


def test_a_run_deleted_by_hand_is_missing_in_table_ledger_figure_and_report(copied: Project) -> None:
    gone = copied.root / f"results/tiny/advtrain/runs/{RUN}.json"
    gone.unlink()
    page = report(copied)
    assert not gone.exists()
    assert re.search(r"29 of 30 runs are here, <b class=\"missing\">1 missing</b>", page)
    assert page.count("7 of 8 runs") == 8  # at figure 3 and its seven claims
    assert f'<b class="missing">missing</b> <code>results/tiny/advtrain/runs/{RUN}.json</code>' in page
    for stage in ("collect.py advtrain", "plot.py fig3", "claims.py"):
        copied.run("python", *f"stages/{stage} --preset tiny".split())
    assert (copied.root / "results/tiny/claims.md").read_text().count("7 of 8 runs") == 7
    assert not gone.exists()


def test_a_failed_a_stale_and_a_damaged_run_are_named(copied: Project) -> None:
    runs = copied.root / "results/tiny/advtrain/runs"
    first, second = sorted(runs.iterdir())[:2]
    first.write_text(first.read_text()[:-9])
    second.unlink()
    copied.edit("params.yaml", "T: 3, lr: 0.1, normalize: false}", "T: 3, lr: 0.2, normalize: false}")
    failing = copied.run("python", "stages/train.py", "advtrain", "--lr", "-1", ok=False)
    log = copied.root / f"logs/tiny/advtrain/{second.stem}.log"
    log.write_text(failing.stderr)
    page = report(copied)
    assert re.search(r"16 of 30 runs are here, .*12 stale.*, .*1 failed.*, .*1 unusable", page)
    assert "train.py: flags: lr: Input should be greater than 0" in page
    assert "not what was sealed" in page
    copied.edit("lazyadv/networks/training.py", "STUCK_EPOCHS = 20", "STUCK_EPOCHS = 21")
    log.write_text("epoch 0: loss 0.9565\n")  # being trained, or killed
    assert re.search(r"16 of 30 runs are here, .*29 stale.*, .*1 missing", report(copied))


def test_a_network_that_is_gone_or_an_audit_of_another_time_counts_for_nothing(copied: Project) -> None:
    next(copied.root.glob("results/tiny/advtraingap/networks/*.npz")).unlink()
    table = copied.root / "results/tiny/audit.csv"
    table.write_text(re.sub('""fingerprint"": ""[0-9a-f]{4}', '""fingerprint"": ""0000', table.read_text()))
    page = report(copied)
    assert re.search(r"30 of 30 runs are here, .*1 stale", page)
    assert "0 of 2 runs" in page


def watch(page: Any) -> tuple[list[str], list[str]]:
    """What a page complains of, and what it asks for, from now on."""
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    return complaints, requests


def test_it_reads_well_in_a_browser(copied: Project) -> None:
    """At the width of a desk and of a phone: nothing asked of anybody, nothing complained of, nothing cut off."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"needs one of {', '.join(BROWSERS)}: make test-browser installs one on Debian")
    report(copied)
    from playwright.sync_api import sync_playwright

    page_file = copied.root / "results/tiny/report.html"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        for width, height in ((1280, 900), (390, 844)):
            page = chromium.new_page(viewport={"width": width, "height": height})
            complaints, requests = watch(page)
            page.goto(page_file.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
            record = page.locator(f"[id='advtrain/{RUN}']")
            assert not record.is_visible()
            page.get_by_role("link", name=RUN, exact=True).click()
            assert record.is_visible()
            assert [url.partition("#")[0] for url in set(requests)] == [page_file.as_uri()]
            assert complaints == []
        chromium.close()
