"""Draw the pictures in the README: what `make demo` prints, a report, and a film.

python tools/picture.py            write docs/demo.svg
python tools/picture.py --report   write docs/report.png; needs Playwright and Chromium
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
