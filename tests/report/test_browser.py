"""The report in a real browser: fits, filters, is reached by keyboard, read by machines, and light enough.

A run of twelve implementations of six frameworks with twelve defects is made up; a browser that is installed opens it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from worlds import records as world

from bnconform.report import write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium is installed: apt-get install chromium"),
]
NAMES = [f"{one}.{kind}" for one in ("torch", "keras", "tf", "flax", "jax", "numpy") for kind in ("BatchNorm", "norm")]
DTYPES = ("float16", "bfloat16", "float32", "float64")
SPECS = [{**world.NORMALIZES, "id": f"keeps_statement_{n}", "chapter": f"chapter_{n % 12}"} for n in range(120)]
LARGEST, MOST_NODES, LONGEST = 500_000, 15_000, 1.0
"""Bytes, nodes and seconds that the first page may take."""


def finding(spec: int, name: str, dtype: str, place: int) -> Any:
    told = {"spec": f"keeps_statement_{spec}", "implementation": name, "dtype": dtype}
    if place % 19 == 0:
        cause = {
            "fault": "implementation",
            "reason": "so",
            "link": "https://x.org/issues/7",
            "defect": f"d{place % 12}",
        }
        cause |= {
            "defect": f"d{place % 12}",
            "title": f"Defect number {place % 12}",
            "severity": "ordinary",
            "effect": "It is wrong.",
        }
        return world.finding(**told, verdict="fails", worst_ratio=10.0 ** (place % 9), output="y", known=cause,
                             detail=world.DETAIL)  # fmt: skip
    verdict = "unsupported" if place % 4 == 0 else "conforms"
    return world.finding(**told, verdict=verdict, missing="not offered" if verdict == "unsupported" else "no claim")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    all_of_them = [(spec, name, dtype) for spec in range(120) for name in NAMES for dtype in DTYPES]
    findings = [finding(*one, place) for place, one in enumerate(all_of_them)]
    stated = [world.implementation(name, dtypes=list(DTYPES)) for name in NAMES]
    return write_report([world.write(out, *findings, implementations=stated, specs=SPECS)], out)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


def opened(browser: Any, page: Path, *, width: int = 1400, scheme: str = "light", at: str = "") -> Any:
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab.goto(page.as_uri() + at)
    return tab


@pytest.mark.parametrize("name", ["index.html", "framework-torch.html", "specs.html", "choices.html"])
@pytest.mark.parametrize("width", [1400, 390])
def test_no_page_scrolls_sideways(browser: Any, report: Path, name: str, width: int) -> None:
    tab = opened(browser, report.parent / name, width=width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["index.html", "framework-torch.html", "specs.html", "choices.html"])
@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (390, "dark")])
def test_no_page_has_serious_violations_of_accessibility(
    browser: Any, report: Path, name: str, width: int, scheme: str
) -> None:
    found = axe.Axe().run(opened(browser, report.parent / name, width=width, scheme=scheme)).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_the_first_page_is_light(browser: Any, report: Path) -> None:
    assert report.stat().st_size <= LARGEST
    tab = opened(browser, report)
    assert tab.evaluate("document.getElementsByTagName('*').length") <= MOST_NODES
    took = tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000
    assert took <= 3 * LONGEST  # three times: the machines of tests are busy


def test_nothing_is_asked_of_the_network_and_nothing_runs(browser: Any, report: Path) -> None:
    tab = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(report.as_uri())
    assert asked == [report.as_uri()]
    assert said == []


def shown(tab: Any) -> int:
    return int(tab.evaluate("[...document.querySelectorAll('.card')].filter(one => one.checkVisibility()).length"))


def test_a_filter_by_framework_is_a_link_that_can_be_sent(browser: Any, report: Path) -> None:
    tab = opened(browser, report)
    everything = shown(tab)
    assert everything == 12
    tab.click("text=/^Flax/")
    assert tab.url.endswith("#only-flax")
    some = shown(tab)
    assert 0 < some <= everything
    assert shown(opened(browser, report, at="#only-flax")) == some


def test_a_filter_by_type_hides_what_does_not_show_in_it(browser: Any, report: Path) -> None:
    tab = opened(browser, report)
    tab.check("#dt-f16", force=True)
    assert 0 < shown(tab) <= 12


def test_a_link_to_a_defect_opens_it_though_it_is_filtered_out(browser: Any, report: Path) -> None:
    tab = opened(browser, report, at="#defect-d3")
    assert tab.evaluate("document.querySelector('#defect-d3').checkVisibility()")
    assert tab.evaluate("document.querySelector('#defect-d3').closest('details').open")


def test_the_first_defect_is_a_few_keys_away(browser: Any, report: Path) -> None:
    tab = opened(browser, report)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the contents"
    tab.keyboard.press("Enter")
    reached = []
    while "SUMMARY" not in reached and len(reached) < 30:
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate("document.activeElement.tagName"))
    assert reached[-1] == "SUMMARY"
    before = tab.evaluate("document.activeElement.parentElement.open")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.parentElement.open") != before


def test_a_click_selects_a_whole_script_or_text(browser: Any, report: Path) -> None:
    tab = opened(browser, report)
    tab.locator(".copy summary").first.click()
    text = tab.locator(".copy pre").first
    text.click()
    assert tab.evaluate("getSelection().toString().trim()") == text.inner_text().strip()


def test_it_prints_on_few_pages(browser: Any, report: Path) -> None:
    made = opened(browser, report).pdf(format="A4")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", made)) <= 20


MOST_WORDS = 250
"""What a question may cost to read."""
WORDS = """
all => [...document.querySelectorAll(all)].filter(one => one.checkVisibility()).map(one => one.innerText).join(' ')
"""


def words(tab: Any, selector: str) -> list[str]:
    """The words that are seen within the elements of a selector."""
    return str(tab.evaluate(WORDS, selector)).split()


def test_what_a_framework_does_wrong_is_told_in_one_action_and_few_words(browser: Any, report: Path) -> None:
    tab = opened(browser, report)
    tab.click(".filter >> text=/^PyTorch/")
    told = words(tab, ".card")
    assert "Defect" in told
    assert len(told) <= MOST_WORDS


def test_how_to_reproduce_a_defect_is_told_in_two_actions_and_few_words(browser: Any, report: Path) -> None:
    tab = opened(browser, report)
    tab.click(".filter >> text=/^PyTorch/")
    before = len(words(tab, ".card"))
    tab.locator(".card:visible >> summary").nth(1).click()
    assert 0 < len(words(tab, ".card")) - before <= MOST_WORDS


def test_whether_it_can_be_trusted_is_told_in_one_action_and_few_words(browser: Any, report: Path) -> None:
    tab = opened(browser, report)
    tab.click("text=Can I trust it?")
    assert tab.evaluate("document.querySelector('#trust').getBoundingClientRect().top") < 900
    assert 20 < len(words(tab, "section[aria-labelledby=trust]")) <= MOST_WORDS


def test_what_is_wrong_with_one_kernel_is_told_without_any_action(browser: Any, tmp_path: Path) -> None:
    likely = {"fault": "epsilon_outside", "sentence": "ε is added to the root.", "ratio": 0.3, "convention": False}
    told = {"verdict": "fails", "worst_ratio": 9.0, "output": "y", "diagnosis": [likely], "detail": world.DETAIL}
    specs = [{**world.NORMALIZES, "id": f"keeps_{n}"} for n in range(38)]
    findings = [world.finding(spec=one["id"], implementation="mine.norm", **told) for one in specs]
    results = world.write(tmp_path, *findings, specs=specs, implementations=[world.implementation("mine.norm")])
    tab = opened(browser, write_report([results], tmp_path))
    seen = words(tab, "header, section[aria-labelledby=defects]")
    assert "Behaves like epsilon outside" in " ".join(seen)
    assert "Breaks 38 statements, 38 findings" in " ".join(seen)
    assert len(seen) <= MOST_WORDS


def test_how_to_move_a_layer_is_told_in_two_actions(browser: Any, tmp_path: Path) -> None:
    settings = {"call": "bn", "eps": {"name": "eps", "default": "0.1", "link": ""}, "weighs": "", "offers": []}
    stated = [world.implementation(name, settings=settings) for name in ("keras.norm", "flax.norm")]
    tab = opened(browser, write_report([world.write(tmp_path, implementations=stated)], tmp_path))
    tab.click("nav >> text=Documented choices")
    tab.click("text=the commands")
    assert tab.locator("#port").evaluate("one => one.getBoundingClientRect().top") < 900
    tab.locator("section[aria-labelledby=port] summary").first.click()
    seen = words(tab, "section[aria-labelledby=port]")
    assert "bnconform convert keras.norm flax.norm" in " ".join(seen)
    assert len(seen) <= MOST_WORDS
