"""Draw the picture in the README: what `make demo` prints, as an SVG.

python tools/picture.py            write docs/demo.svg
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


def main() -> None:
    """Write the picture."""
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
