"""How soon the lab lives, how fast it answers, how it draws, and what memory it takes.

    python benchmarks/lab.py                # the figures, with their goals; ten minutes of play
    python benchmarks/lab.py --minutes 1    # less play
    python benchmarks/lab.py --smoke        # tiny: does it run?

It needs Playwright (the extra `test`) and Chromium, from the system or named in CHROMIUM.  The lab
is a process of its own, started as a user starts it; Chromium is open already.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests import browser

COMMAND = [sys.executable, "-c", "from descend.cli import main; main()", "lab", "--no-browser"]
TURNS = 5
MOVES, APART = 200, 30  # of the slider, and milliseconds between
# Notes when the first picture was there, presses Play, and notes when the first state arrived that
# training sent.
WATCH = """(() => {
  const look = () => {
    const lab = document.querySelector('.lab[data-ready=yes]');
    if (lab !== null && window.descendDrawn === undefined) {
      window.descendDrawn = Date.now();
      if (lab.dataset.playing !== 'yes') lab.querySelector('button[aria-label^=Play]').click();
    }
    if (Number(lab?.dataset.frames ?? 0) > 0) window.descendLive ??= Date.now();
    if (window.descendLive === undefined) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""
# Moves a slider; returns the times from each move to its answer, in milliseconds.
SLIDE = """async ([name, moves, apart]) => {
  const root = document.querySelector('.lab');
  const slider = [...root.querySelectorAll('input[type=range]')].find(
    (one) => (one.labels[0]?.textContent ?? one.ariaLabel ?? '').toLowerCase().includes(name));
  const [low, high] = [Number(slider.min), Number(slider.max)];
  const times = [];
  for (let i = 0; i < moves; i++) {
    await new Promise((done) => setTimeout(done, apart));
    times.push(await new Promise((done) => {
      const before = performance.now();
      const heard = new MutationObserver(() => {
        heard.disconnect();
        done(performance.now() - before);
      });
      heard.observe(root, { attributeFilter: ['data-answered'] });
      slider.value = String(low + (high - low) * (0.3 + 0.2 * Math.sin(i)));
      slider.dispatchEvent(new Event('input', { bubbles: true }));
    }));
  }
  return times;
}"""
# Counts what is painted and what arrives while it trains, per second.
COUNT = """async (seconds) => {
  const root = document.querySelector('.lab');
  const arrived = () => Number(root.dataset.frames);
  const next = () => new Promise((done) => requestAnimationFrame(done));
  const begun = await next(), before = arrived();
  const updates = Number(root.dataset.updates);
  let painted = 0, now = begun;
  while (now - begun < seconds * 1000) {
    now = await next();
    painted++;
  }
  const took = (now - begun) / 1000;
  return [painted / took, (arrived() - before) / took];
}"""


class Figure(NamedTuple):
    """A figure, and what it should be."""

    name: str
    figure: str
    goal: str = ""


class Started(NamedTuple):
    """A lab in a process of its own, and when that began."""

    process: subprocess.Popen[str]
    address: str
    began: float


@contextmanager
def started(cache: str) -> Iterator[Started]:
    """Start a lab as a user would, with kernels kept in a folder."""
    began = time.time()
    process = subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, text=True, env={**os.environ, "DESCEND_CACHE": cache}
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("Lab: "), line
        yield Started(process, line.split()[1], began)
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def blank(chromium: Browser, complaints: list[str]) -> Page:
    """Open an empty page, as a browser that is open has."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(WATCH)
    allowed = (*browser.ALLOWED, "http://127.0.0.1:")
    return browser.watched(context.new_page(), complaints, allowed)


def visit(page: Page, lab: Started) -> None:
    """Open a lab and wait until it plays."""
    page.goto(lab.address)
    page.wait_for_function("() => window.descendLive !== undefined")


def start_to_live(
    chromium: Browser, cache: str, complaints: list[str], turns: int
) -> tuple[list[float], list[float], list[float]]:
    """Return seconds from the process's start to its address, the first picture, and life."""
    told, drawn, live = [], [], []
    for _ in range(turns):
        page = blank(chromium, complaints)
        with started(cache) as lab:
            told.append(time.time() - lab.began)
            visit(page, lab)
            drawn.append(page.evaluate("window.descendDrawn") / 1000 - lab.began)
            live.append(page.evaluate("window.descendLive") / 1000 - lab.began)
            page.context.close()
    return told, drawn, live


def memory(process: subprocess.Popen[str]) -> float:
    """Return the resident memory of a process in MB."""
    found = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(process.pid)],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        check=True,
    )
    return int(found.stdout) / 1000


def flat_out(page: Page) -> None:
    """Train as fast as it can."""
    page.get_by_role("combobox", name="Speed").select_option(label="as fast as it can")


def measured(chromium: Browser, *, smoke: bool, minutes: float) -> tuple[list[Figure], list[str]]:
    complaints: list[str] = []
    turns = 1 if smoke else TURNS
    with tempfile.TemporaryDirectory() as cache:
        _, _, live_first = start_to_live(chromium, cache, complaints, 1)
        told, drawn, live = start_to_live(chromium, cache, complaints, turns)
        with started(cache) as lab:
            page = blank(chromium, complaints)
            visit(page, lab)
            begun = memory(lab.process)
            times = page.evaluate(SLIDE, ["learning rate", 20 if smoke else MOVES, APART])
            flat_out(page)
            painted, arrived = page.evaluate(COUNT, 1 if smoke else 10)
            time.sleep(minutes * 60)
            after = memory(lab.process)
            page.get_by_role("button", name="Pause").click()
            page.wait_for_selector(".lab[data-playing=no]")
            updates = page.locator(".lab").get_attribute("data-updates")
            page.context.close()
    median = statistics.median
    return [
        Figure("start to its address", f"{median(told):.2f} s"),
        Figure("start to the first picture", f"{median(drawn):.2f} s"),
        Figure("start to live", f"{median(live):.2f} s", "under 1 s"),
        Figure("the same, no kernels compiled", f"{live_first[0]:.2f} s", "under 1 s"),
        Figure("slider to answer, median", f"{median(times):.1f} ms", "under 8 ms"),
        Figure("slider to answer, 90 %", f"{sorted(times)[int(0.9 * len(times))]:.1f} ms"),
        Figure("painted, training flat out", f"{painted:.0f} / s", "60 / s"),
        Figure("states that arrive meanwhile", f"{arrived:.0f} / s"),
        Figure("memory of the server", f"{begun:.0f} MB"),
        Figure(f"after {minutes:g} minutes, {updates} updates", f"{after:.0f} MB"),
    ], complaints


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the lab in a real browser.")
    parser.add_argument("--minutes", type=float, default=10.0, help="of play; default 10")
    parser.add_argument("--smoke", action="store_true", help="tiny: does it run?")
    asked = parser.parse_args()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser.executable(), args=browser.ARGUMENTS
        )
        minutes = 0.02 if asked.smoke else asked.minutes
        figures, complaints = measured(chromium, smoke=asked.smoke, minutes=minutes)
        chromium.close()
    for figure in figures:
        print(f"{figure.name:40} {figure.figure:>12}  {figure.goal and f'goal: {figure.goal}'}")
    for complaint in complaints:
        print(f"complaint: {complaint}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
