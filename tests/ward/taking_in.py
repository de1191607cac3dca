"""Taking in: a draft becomes a patient once its illness is proved, and its cure as well."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
from tests.ward import (
    ill_code,
    ill_columns,
    ill_depth,
    ill_fit,
    ill_losses,
    ill_motion,
    ill_rows,
    ill_steps,
    ill_units,
    ill_values,
    well,
    well_nets,
)
from tests.ward.patient import CODES, RECIPES, Patient, Told
from tests.ward.vitals import complaint

# The modules are imported for the recipes they enter.
WARDS = (
    ill_code,
    ill_columns,
    ill_depth,
    ill_fit,
    ill_losses,
    ill_motion,
    ill_rows,
    ill_steps,
    ill_units,
    ill_values,
    well,
    well_nets,
)
TRIES = 16
DRAWN: Counter[tuple[str, str, str]] = Counter()  # (code, recipe, what became of it)


def admitted(draft):
    """Return the ill run and an empty string, or None and why it was sent away."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        cured = None
        if draft.cured is not None:
            cured = draft.cured.train()
            trouble = complaint(cured)
            if trouble:
                return None, f"cured twin: {trouble}"
        ill = draft.ill if isinstance(draft.ill, Told) else draft.ill.train()
        return (ill, "") if draft.proof(ill, cured) else (None, "no proof")


def one(code, seed, bed):
    """Return the patient in one bed of a draw, or None where no recipe gave one."""
    recipes = RECIPES[code]
    for attempt in range(TRIES):
        made = recipes[(bed + seed + attempt // 4) % len(recipes)]
        rng = np.random.default_rng([seed, CODES.index(code), bed, attempt])
        draft = made(rng)
        found, why = admitted(draft)
        DRAWN[code, made.__name__, why or "taken in"] += 1
        if not why:
            told = isinstance(draft.ill, Told)
            return Patient(
                code,
                draft.words,
                made.__name__,
                seed,
                bed,
                found.history if told else found,
                found.X if told else None,
                found.y if told else None,
            )
    return None


def patients(code, seed, count=10):
    """Return the patients of a draw: functions of (code, seed, bed) alone."""
    found = [one(code, seed, bed) for bed in range(count)]
    return [patient for patient in found if patient is not None]
