"""Check that the modules for the browser we ship are what frontend/ builds, or write them.

python tools/check_page.py            types, then builds elsewhere and compares; writes nothing
python tools/check_page.py --write    types, then writes them into src/descend/

It needs Node and npm; the libraries come from frontend/package-lock.json.  Status 1: stale or
wrongly typed; 2: cannot be built here.  How it is built stands in frontend/package.json alone.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FRONTEND = ROOT / "frontend"
SHIPPED = ROOT / "src" / "descend"
# Which script of package.json builds which file, and where it ships.
MODULES = {"build:page": "page/module.js", "build:lab": "lab/lab.js"}
LICENCES = "page/LICENSES.txt"
HEADER = "module.js and lab.js hold parts of these libraries, each under its own licence."


class CannotBuildError(Exception):
    """Something that building needs is not there."""


def run(*command: str) -> None:
    """Run a command in frontend/; what it says is shown only where it fails."""
    done = subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stdout.write(done.stdout + done.stderr)
        msg = f"'{' '.join(command[:3])}' failed in frontend/; its words are above."
        raise CannotBuildError(msg)


def install() -> None:
    """Fetch the libraries where they are missing or older than the lock file."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            msg = f"The page is built by Node, and there is no '{program}' here; install Node 20."
            raise CannotBuildError(msg)
    lock, installed = FRONTEND / "package-lock.json", FRONTEND / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        run("npm", "ci", "--no-audit", "--no-fund")
        installed.touch()


def build(folder: Path) -> dict[str, bytes]:
    """Return what is shipped, by file name, built in `folder`."""
    scripts = json.loads((FRONTEND / "package.json").read_text("utf-8"))["scripts"]
    made: dict[str, bytes] = {}
    bundled: list[str] = []
    for script, name in MODULES.items():
        esbuild, *arguments = shlex.split(scripts[script])
        kept = [a for a in arguments if not a.startswith("--outfile=")]
        outputs = [f"--outfile={folder / 'module.js'}", f"--metafile={folder / 'meta.json'}"]
        run(f"node_modules/.bin/{esbuild}", *kept, *outputs)
        (built,) = json.loads((folder / "meta.json").read_text("utf-8"))["outputs"].values()
        bundled += [path for path, part in built["inputs"].items() if part["bytesInOutput"]]
        made[name] = (folder / "module.js").read_bytes()
    return {**made, LICENCES: licences(bundled).encode()}


def licences(bundled: list[str]) -> str:
    """Return the licences of the libraries among the bundled files."""
    names = {path.split("/")[1] for path in bundled if path.startswith("node_modules/")}
    found = [HEADER]
    for name in sorted(names):
        folder = FRONTEND / "node_modules" / name
        version = json.loads((folder / "package.json").read_text("utf-8"))["version"]
        text = (folder / "LICENSE").read_text("utf-8").strip()
        found.append(f"---- {name} {version}\n\n{text}")
    return "\n\n".join(found) + "\n"


def stale(built: dict[str, bytes], shipped: Path) -> list[str]:
    """Return the files that are shipped otherwise than they are built."""
    return [
        name
        for name, wanted in built.items()
        if not (shipped / name).exists() or (shipped / name).read_bytes() != wanted
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Check or write the modules for the browser.")
    parser.add_argument("--write", action="store_true", help="write what is built")
    write = parser.parse_args().write
    try:
        install()
    except CannotBuildError as error:
        print(error)
        return 2
    try:
        run("npm", "run", "--silent", "types")
        with tempfile.TemporaryDirectory() as folder:
            built = build(Path(folder))
    except CannotBuildError as error:
        print(error)
        return 1
    if write:
        for name, text in built.items():
            (SHIPPED / name).write_bytes(text)
    for name in stale(built, SHIPPED):
        print(f"src/descend/{name} is not what frontend/ builds; run make page.")
        return 1
    sizes = [f"{name} {len(built[name]) / 1000:.0f} kB" for name in MODULES.values()]
    print(f"The browser's modules are current: {', '.join(sizes)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
