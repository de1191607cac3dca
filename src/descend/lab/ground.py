"""The ground of a race: the objective over one plane in which the paths of all racers move.

With two parameters the plane is everything.  With more it is the plane of most motion of the
paths; of racers that have not been anywhere yet, those of scouts: the same trainings, run ahead
for a moment on copies.  A training is a function of its recipe, so that they go where the racers
will go.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from descend.lab.branch import Branch
from descend.showing.frames import Frames, frames_of
from descend.showing.surfaces import Surface, surface_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descend.lab.branch import Change
    from descend.lab.rows import Rows
    from descend.lab.settings import Settings
    from descend.run import Run

# Updates of scouts, how long they may take together, and the longest stretch between two looks.
AHEAD, SECONDS, LONGEST = 300, 0.8, 20
SHAPE = (41, 61)
FRAMES = 100


@final
@dataclass(frozen=True, eq=False)
class Recipe:
    """What makes a racer again, and its run as it stands."""

    settings: Settings
    rows: Rows
    changes: Sequence[Change]
    run: Run


def recipe_of(branch: Branch) -> Recipe:
    """Return a branch as another thread may look at it."""
    return Recipe(branch.begun, branch.rows, branch.recipe(AHEAD), branch.run())


def ground_of(recipes: Sequence[Recipe]) -> Surface | None:
    """Return the objective over the plane of all paths; None where nothing moves.

    Of racers that diverged the others decide what is shown.
    """
    runs = _scouted(recipes)
    with np.errstate(all="ignore"):
        steady = [run for run in runs if not run.outcome.diverged] or runs[:1]
        steady.sort(key=_height, reverse=True)
        frames = [frames_of(run, FRAMES, replayed=False) for run in steady]
        theta = np.concatenate([own.theta for own in frames])
        # The plane goes through the end of the lowest, which comes last.
        last = len(theta) - len(frames[-1].theta) + frames[-1].returned
        return surface_of(steady[-1], SHAPE, Frames(np.arange(len(theta)), theta, last))


def _height(run: Run) -> float:
    return run.outcome.loss if np.isfinite(run.outcome.loss) else np.inf


def _scouted(recipes: Sequence[Recipe]) -> list[Run]:
    """Return the runs, those of racers that have not gone far run ahead by scouts."""
    end = time.perf_counter() + SECONDS
    scouts = {
        i: Branch(0, recipe.settings, recipe.rows, changes=recipe.changes)
        for i, recipe in enumerate(recipes)
        if recipe.run.state.step < AHEAD
    }
    reached, stretch = 0, 1
    while reached < AHEAD and time.perf_counter() < end:
        for scout in scouts.values():
            scout.advance(stretch)
        reached, stretch = reached + stretch, min(2 * stretch, LONGEST)
    return [scouts[i].run() if i in scouts else recipe.run for i, recipe in enumerate(recipes)]
