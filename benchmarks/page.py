"""What the report weighs, how soon it lives, and how fast it draws, in a real browser.

    python benchmarks/page.py            # the four figures, with their goals
    python benchmarks/page.py --smoke    # tiny: does it run?

It needs Playwright (the extra `test`) and Chromium, from the system or named in CHROMIUM.  The page
is opened from disk; whatever asks for something outside fails the run.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from playwright.sync_api import sync_playwright

import descend as ds

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests import browser

TURNS = 5
# Heights of the window: as on a desk, and one that holds every view.
WINDOW, ALL = 900, 2600
# Jump to one frame after another, one per animation frame; return the times between.
FRAMES = """async (count) => {
  const slider = document.querySelector('#descend-run-0 input[type=range]')
      ?? document.querySelector('input[type=range]');
  const last = Number(slider.max), times = [];
  const next = () => new Promise((done) => requestAnimationFrame(done));
  let before = await next();
  for (let i = 0; i < count; i++) {
    slider.value = String((i * 7) % (last + 1));
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    const now = await next();
    times.push(now - before);
    before = now;
  }
  return times;
}"""


class Figure(NamedTuple):
    """A figure, and what it may be at most."""

    name: str
    figure: str
    goal: str


def large(*, smoke: bool) -> ds.Run:
    """Return 2000 recorded updates of a 497-parameter net on 29 columns, 10 000 rows."""
    rng = np.random.default_rng(0)
    n = 200 if smoke else 10_000
    X = rng.normal(size=(n, 29))
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.normal(size=n)
    task = ds.Task(ds.MLP((16,)), ds.squared_error(), ds.adam(0.01))
    return ds.train(task, X, y, epochs=20 if smoke else 2000, validation=0.2)


def deep(updates: int, *, smoke: bool) -> ds.Run:
    """Return a net of (32, 32) on two moons, trained for that many updates."""
    X, y = ds.datasets.moons()
    task = ds.Task(ds.MLP((32, 32)), ds.logistic(), ds.adam(0.01))
    return ds.train(task, X, y, epochs=20 if smoke else updates)


def opened(
    chromium: Browser, path: Path, complaints: list[str], height: int = WINDOW
) -> tuple[Page, float]:
    """Open a report from disk; return the page and the seconds until its scrubber is alive."""
    context = chromium.new_context(viewport={"width": 1200, "height": height})
    page = browser.watched(context.new_page(), complaints)
    begun = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("[data-ready=yes]", state="attached")
    return page, time.perf_counter() - begun


def measure(*, smoke: bool) -> list[Figure]:
    """Return what was measured."""
    complaints: list[str] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser.executable(), args=browser.ARGUMENTS
        )
        found = [
            *of_the_file(chromium, Path(folder), complaints, smoke=smoke),
            *of_the_frames(chromium, Path(folder), complaints, smoke=smoke),
        ]
        chromium.close()
    if complaints:
        sys.exit("\n".join(complaints))
    return found


def of_the_file(
    chromium: Browser, folder: Path, complaints: list[str], *, smoke: bool
) -> list[Figure]:
    """Return its size, the seconds to write it, and those until it lives."""
    run, path = large(smoke=smoke), folder / "large.html"
    begun = time.perf_counter()
    run.report(path)
    written = time.perf_counter() - begun
    loads = [opened(chromium, path, complaints)[1] for _ in range(1 if smoke else TURNS)]
    what = f"size: 2000 updates, {len(run.theta)} parameters, 5000 rows"
    return [
        Figure(what, f"{path.stat().st_size / 1e6:.2f} MB", "1.5"),
        Figure("writing it", f"{written:.1f} s", ""),
        Figure("from disk to a live scrubber", f"{statistics.median(loads):.2f} s", "1"),
    ]


def of_the_frames(
    chromium: Browser, folder: Path, complaints: list[str], *, smoke: bool
) -> list[Figure]:
    """Return the time from frame to frame, in a window and with all views in sight."""
    found = []
    for updates, height in ((200, WINDOW), (20_000, WINDOW), (20_000, ALL)):
        path = folder / f"deep-{updates}.html"
        if not path.exists():
            deep(updates, smoke=smoke).report(path)
        page, _ = opened(chromium, path, complaints, height)
        times = page.evaluate(FRAMES, 20 if smoke else 240)
        late = statistics.quantiles(times, n=20)[-1]
        seen = "in a window" if height == WINDOW else "all views in sight"
        found.append(
            Figure(
                f"frame of a net of (32, 32), {updates} updates, {seen}",
                f"{statistics.median(times):.1f} ms, 95th percentile {late:.1f} ms",
                "16.7",
            )
        )
    return found


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, one turn")
    for name, figure, goal in measure(smoke=parser.parse_args().smoke):
        print(f"{name:66} {figure:40}{f'goal: at most {goal}' if goal else ''}")


if __name__ == "__main__":
    main()
