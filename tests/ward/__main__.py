"""Examine the doctor: python -m tests.ward --seeds 0:8 --seeds 1000:1008."""

from __future__ import annotations

import argparse
import os
import re
from collections import Counter
from pathlib import Path

from tests.ward import taking_in
from tests.ward.judge import verdict
from tests.ward.patient import CODES, RECIPES
from tests.ward.rounds import beds, judged, taken, visited

HELD_OUT = 1000  # seeds from here on are kept from whoever writes the doctor
BLOCK = re.compile(r"(<!-- ward: begin -->\n).*?(<!-- ward: end -->)", re.DOTALL)


def range_of(text):
    low, high = text.split(":")
    return range(int(low), int(high))


def title(seeds):
    kind = "Held out" if seeds[0] >= HELD_OUT else "Tuning"
    return f"{kind}: seeds {seeds[0]} to {seeds[-1]}"


def arguments():
    parser = argparse.ArgumentParser(prog="python -m tests.ward", description=__doc__)
    parser.add_argument("--seeds", type=range_of, action="append", help="LOW:HIGH, repeatable")
    parser.add_argument("--codes", nargs="+", choices=CODES, default=CODES)
    parser.add_argument("--healthy", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", type=Path, help="put the tables between the marks of a page")
    parser.add_argument("--misses", action="store_true", help="list who was not told right")
    parser.add_argument("--drawn", action="store_true", help="only take in; who was sent away, why")
    parser.add_argument("--show", nargs=2, metavar=("CODE", "SEED"), help="patients and words")
    return parser.parse_args()


def show(code, seed):
    for patient in taking_in.patients(code, seed):
        found = verdict(patient)
        mark = "right" if found.right else "WRONG"
        print(f"{mark}  {patient.recipe} (bed {patient.bed}): {patient.words}")
        for sentence in found.sentences or (found.first,):
            print(f"       {sentence}")


def take_in_only(codes, seeds, healthy, processes):
    """Print, for each recipe, how many were taken in and why others were not."""
    drawn, empty, seconds = Counter(), Counter(), Counter()
    places = beds(codes, seeds, healthy)
    for (code, _, _), found, took, seen in visited(taken, places, processes):
        drawn.update(seen)
        seconds[code] += took
        empty[code] += not found
    for code in codes:
        print(f"{code}: {seconds[code]:.1f} s, {empty[code]} beds empty")
        for made in RECIPES[code]:
            fates = Counter()
            for (c, name, why), count in drawn.items():
                if (c, name) == (code, made.__name__):
                    fates[re.sub(r"[\d.]+ of", "part of", why)] += count
            print(f"    {made.__name__}: {dict(fates.most_common())}")
    print(f"{sum(seconds.values()):.0f} seconds of work")


def main():
    # Two processes share the cores; threads of each would stand in each other's way.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    asked = arguments()
    if asked.show:
        show(asked.show[0], int(asked.show[1]))
        return
    ranges = asked.seeds or [range(8)]
    if asked.drawn:
        for seeds in ranges:
            take_in_only(asked.codes, seeds, asked.healthy, asked.processes)
        return
    lines = []
    for seeds in ranges:
        score, drawn = judged(asked.codes, seeds, asked.healthy, asked.processes)
        sent = sum(count for (_, _, why), count in drawn.items() if why != "taken in")
        print(f"\n{title(seeds)}\n")
        print("\n".join([*score.table(), "", *score.summary(), f"{sent} drafts were sent away."]))
        lines += [f"### {title(seeds)}", "", *score.summary()[:-1], "", *score.table(), ""]
        for v in score.verdicts if asked.misses else ():
            if not v.right:
                print(f"{v.code} seed {v.seed} bed {v.bed} {v.recipe}: said {v.first}; {v.words}")
    if asked.write:
        page = asked.write.read_text("utf-8")
        text = "\n".join(lines)
        asked.write.write_text(BLOCK.sub(lambda m: f"{m[1]}\n{text}{m[2]}", page), "utf-8")


if __name__ == "__main__":
    main()
