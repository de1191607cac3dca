"""Draw the pictures in the README: what `make demo` prints, a report, and the lab.

python tools/picture.py            write docs/demo.svg
python tools/picture.py --report   write docs/report.png; needs Playwright and Chromium
python tools/picture.py --lab      write docs/lab*.png: the lab by machine, by hand and in a race
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "demo.svg"
COMMAND = "descend fit breast-cancer --target diagnosis"


def printed() -> str:
    """Return what the command prints, run in an empty folder."""
    code = f"import sys; sys.argv = {COMMAND.split()!r}; from descend.cli import main; main()"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
        )
    shown = str(Path(done.stdout.split(" from ", 1)[1].split("\n", 1)[0].rstrip(".")).parent) + "/"
    return done.stdout.replace(shown, "")


def lab() -> None:
    """Write pictures of the lab's main views."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not for the other pictures

    sys.path.insert(0, str(ROOT))
    from tests import browser, labs  # noqa: PLC0415 - as above

    with labs.running_lab() as running, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser.executable(), args=browser.ARGUMENTS
        )
        visit = labs.Visitor(chromium, running)
        page = visit("step=150", width=1280, height=1240)
        page.wait_for_selector("[data-view=surface] canvas")
        page.wait_for_timeout(4000)  # the doctor, the surface and the curvature come in
        page.screenshot(path=ROOT / "docs" / "lab.png")
        page = visit("hidden=", height=1000)
        page.get_by_role("button", name="By hand").click()
        problem = page.get_by_label("Problem")
        problem.select_option(label="2 numbers: the line of the sliders")
        page.wait_for_selector("text=705.58")
        page.get_by_label("Squares of the errors").check()
        page.get_by_role("button", name="Which way is down?").click()
        page.wait_for_timeout(500)
        page.screenshot(path=ROOT / "docs" / "lab-by-hand.png")
        page = visit("data=line_by_hand&hidden=", height=1000)
        page.get_by_role("button", name="Race the optimizers").click()
        page.get_by_role("button", name="Race 6 optimizers").or_(
            page.get_by_role("button", name="optimizers", exact=False).last
        ).first.click()
        page.wait_for_selector(".race canvas")
        page.wait_for_timeout(6000)
        page.screenshot(path=ROOT / "docs" / "lab-race.png")
        visit.close()
        chromium.close()


def report() -> None:
    """Write a picture of a report's live part, two moons learnt by a small net."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not for the other picture

    import descend as ds  # noqa: PLC0415 - as above

    sys.path.insert(0, str(ROOT))
    from tests import browser  # noqa: PLC0415 - as above

    X, y = ds.datasets.moons()
    task = ds.Task(ds.MLP((8,)), ds.logistic(), ds.adam(0.05))
    run = ds.train(task, X, y, epochs=500, progress=False)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = run.report(Path(folder) / "moons.html")
        chromium = playwright.chromium.launch(
            executable_path=browser.executable(), args=browser.ARGUMENTS
        )
        page = chromium.new_page(viewport={"width": 1180, "height": 4000})
        page.goto(path.as_uri())
        page.wait_for_selector("[data-ready=yes]", state="attached")
        slider = page.locator("input[type=range]").first
        slider.evaluate(
            "s => { s.value = '120'; s.dispatchEvent(new Event('input', { bubbles: true })) }"
        )
        page.wait_for_selector("[data-settled='120']", state="attached")
        box = page.locator("#descend-run-0").bounding_box() or {"x": 0, "y": 0, "width": 1180}
        clip = {"x": box["x"], "y": box["y"], "width": box["width"], "height": 1060}
        page.screenshot(path=ROOT / "docs" / "report.png", clip=clip)  # type: ignore[arg-type]
        chromium.close()
    print("Written: docs/report.png")


def main() -> None:
    """Write the picture."""
    if sys.argv[1:] == ["--report"]:
        report()
        return
    if sys.argv[1:] == ["--lab"]:
        lab()
        print("Written: docs/lab.png, docs/lab-by-hand.png, docs/lab-race.png")
        return
    console = Console(record=True, width=112, file=io.StringIO())
    console.print(f"$ {COMMAND}", style="bold", highlight=False)
    console.print(printed(), highlight=True, markup=False)
    svg = console.export_svg(title="descend", theme=MONOKAI, font_aspect_ratio=0.61)
    # The export names a web font; a picture that is ours fetches nothing.
    kept, skipping = [], False
    for line in svg.splitlines():
        skipping = skipping or "@font-face" in line
        if not skipping:
            kept.append(line)
        skipping = skipping and "}" not in line
    PICTURE.write_text("\n".join(kept) + "\n", encoding="utf-8")
    print(f"Written: {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
