"""Optimizer rules, schedules and the order of rows, as text of a script.

Rules and the threshold are written with ``np.``; the names they use (sqrt, where) are the same in
JAX and PyTorch, so that one text serves the three.  ``w`` is one parameter array and ``g`` its
gradient; numbers of a rule stand above its function as constants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from descend.schedules import Schedule


class Lines(NamedTuple):
    """A rule as text: what its function takes beside (w, g), what it says, and what it does."""

    takes: str
    says: str
    does: tuple[str, ...]


_AVERAGES = (
    "mean = BETA1 * mean + (1 - BETA1) * g",
    "square = BETA2 * square + (1 - BETA2) * g * g",
)
_ADAM = (
    "mean, square = memory",
    *_AVERAGES,
    "size = np.sqrt(square / (1 - BETA2**t)) + EPSILON",
)
_STEP = "w - rate * (mean / (1 - BETA1**t)) / size"

RULE_LINES = {
    "gradient_descent": Lines("rate", "A step against the gradient.", ("return w - rate * g",)),
    "momentum": Lines(
        "memory, rate",
        "A step against a velocity that remembers the gradients before.",
        (
            "(velocity,) = memory",
            "velocity = BETA * velocity + g",
            "return w - rate * velocity, (velocity,)",
        ),
    ),
    "nesterov": Lines(
        "memory, rate",
        "Momentum that looks ahead: w is where the velocity would lead.",
        (
            "(velocity,) = memory",
            "velocity = BETA * velocity + g",
            "return w - rate * (g + BETA * velocity), (velocity,)",
        ),
    ),
    "adagrad": Lines(
        "memory, rate",
        "Each entry's step shrinks with the gradients it has seen.",
        (
            "(squares,) = memory",
            "squares = squares + g * g",
            "return w - rate * g / (np.sqrt(squares) + EPSILON), (squares,)",
        ),
    ),
    "rmsprop": Lines(
        "memory, rate",
        "Divide by the root of a mean square that forgets.",
        (
            "(square,) = memory",
            "square = DECAY * square + (1 - DECAY) * g * g",
            "return w - rate * g / (np.sqrt(square) + EPSILON), (square,)",
        ),
    ),
    "adam": Lines(
        "memory, rate, t",
        "The mean gradient over the root of the mean square, corrected for starting at 0.",
        (*_ADAM, f"return {_STEP}, (mean, square)"),
    ),
    "adamw": Lines(
        "memory, rate, t, decay",
        "Adam; weights are also multiplied by 1 - rate * decay.",
        (
            *_ADAM,
            "w = w - rate * decay * w",
            f"return {_STEP}, (mean, square)",
        ),
    ),
    "nadam": Lines(
        "memory, rate, t",
        "Adam that looks ahead: the mean is corrected with the next step's momentum.",
        (
            "mean, square, product = memory",
            "now = BETA1 * (1 - 0.5 * 0.96 ** (t * MOMENTUM_DECAY))",
            "following = BETA1 * (1 - 0.5 * 0.96 ** ((t + 1) * MOMENTUM_DECAY))",
            "product = product * now  # of all momenta so far",
            *_AVERAGES,
            "ahead = following * mean / (1 - product * following)",
            "size = np.sqrt(square / (1 - BETA2**t)) + EPSILON",
            "moved = w - rate * ((1 - now) * g / (1 - product) + ahead) / size",
            "return moved, (mean, square, product)",
        ),
    ),
    "amsgrad": Lines(
        "memory, rate, t",
        "Adam whose mean square never shrinks.",
        (
            "mean, square, largest = memory",
            *_AVERAGES,
            "largest = np.where(largest > square, largest, square)",
            "size = np.sqrt(largest / (1 - BETA2**t)) + EPSILON",
            f"return {_STEP}, (mean, square, largest)",
        ),
    ),
}

# With an absolute penalty.  Velocity remembers the step truly taken, threshold included.
_NO_THRESHOLD = "if l1 == 0:"
PROXIMAL_LINES = {
    "gradient_descent": Lines(
        "rate, l1",
        "A step against the gradient, then the threshold of the absolute penalty.",
        ("return soft(w - rate * g, rate * l1)",),
    ),
    "momentum": Lines(
        "memory, rate, l1",
        "Momentum, then the threshold; the velocity is the step truly taken.",
        (
            "(velocity,) = memory",
            "velocity = BETA * velocity + g",
            _NO_THRESHOLD,
            "    return w - rate * velocity, (velocity,)",
            "moved = soft(w - rate * velocity, rate * l1)",
            "return moved, ((w - moved) / (rate + 1e-30),)  # 0 where the rate is 0",
        ),
    ),
    "nesterov": Lines(
        "memory, rate, l1",
        "Nesterov's momentum, with the threshold at the point truly reached.",
        (
            "(velocity,) = memory",
            _NO_THRESHOLD,
            "    velocity = BETA * velocity + g",
            "    return w - rate * (g + BETA * velocity), (velocity,)",
            "reached = soft(w - rate * g, rate * l1)",
            "before = w + rate * BETA * velocity  # w itself looks ahead of it",
            "velocity = (before - reached) / (rate + 1e-30)  # 0 where the rate is 0",
            "return reached - rate * BETA * velocity, (velocity,)",
        ),
    ),
}

SOFT = '''
def soft(z, t):
    """Return z moved towards 0 by t; what lies within t of 0 becomes 0."""
    return np.where(z > t, z - t, np.where(z < -t, z + t, 0.0))
'''


def update_text(rule: Any, l1: float, xp: str) -> str:
    """Return the constants and the function of a rule, for the namespace `xp`."""
    lines = (PROXIMAL_LINES if l1 else RULE_LINES)[rule.name]
    numbers = {name.upper(): value for name, value in rule._asdict().items()}
    text = ""
    if numbers:
        text = f"{', '.join(numbers)} = {', '.join(map(repr, numbers.values()))}\n"
    if l1:
        text += f"L1 = {l1!r}  # the absolute penalty's strength\n\n{SOFT}\n"
    body = "\n".join(f"    {line}" for line in (f'"""{lines.says}"""', *lines.does))
    text += f"\n\ndef {rule.name}(w, g, {lines.takes}):\n{body}\n"
    return text.replace("np.", f"{xp}.").lstrip()


# ---------------------------------------------------------------- the learning rate


_WAVE = "wave = 0.5 * (1 + math.cos(math.pi * share))"

FACTORS = {
    "step": ("return RATE * {gamma} ** (update // {every})",),
    "exponential": ("return RATE * {gamma}**update",),
    "inverse_time": ("return RATE / (1 + {decay} * update)",),
    "cosine": (
        "share = min(update / {steps}, 1.0)",
        _WAVE,
        "return RATE * ({final} + (1 - {final}) * wave)",
    ),
    "cosine to 0": (
        "share = min(update / {steps}, 1.0)",
        "return RATE * 0.5 * (1 + math.cos(math.pi * share))",
    ),
    "warm_up": ("return RATE * min((update + 1) / {steps}, 1.0)",),
    "one_cycle": (
        "top = {rise} * {steps}",
        "if update <= top:",
        "    low, share = {start}, 1 - update / top",
        "else:",
        "    low, share = {final}, min((update - top) / ({steps} - top), 1.0)",
        _WAVE,
        "return RATE * (low + (1 - low) * wave)",
    ),
}
_SAYS = {
    "step": "a staircase",
    "exponential": "a little less after each update",
    "inverse_time": "it falls like 1/update",
    "cosine": "half a cosine wave down",
    "warm_up": "a straight line up, then level",
    "one_cycle": "a cosine up, then one down",
}


def rate_text(learning_rate: float, schedule: Schedule | None, events: Any) -> tuple[str, bool]:
    """Return the learning rate as text, and whether it is a function of the update."""
    text = f"RATE = {learning_rate!r}\n"
    name = "constant" if schedule is None else schedule.name
    changed = [(e["step"], e["learning_rate"]) for e in events if e["kind"] == "change"]
    if changed:
        return _changed_rates([(0, learning_rate), *changed]), True
    if schedule is None or name == "constant":
        return text, False
    if name == "reduce_on_plateau":
        lowered = [(event["step"], event["value"]) for event in events if event["kind"] == "scale"]
        if not lowered:
            return text, False
        text += "LOWERED = [  # from which update on, to which share of RATE\n"
        text += "".join(f"    {pair!r},\n" for pair in lowered) + "]\n"
        does = [
            "found = [scale for first, scale in LOWERED if update >= first]",
            "return RATE * (found[-1] if found else 1.0)",
        ]
        says = "lowered on the run's plateaus"
    else:
        numbers = schedule._asdict()
        to_zero = name == "cosine" and not numbers["final"]
        lines = FACTORS["cosine to 0" if to_zero else name]
        does = [line.format_map(numbers) for line in lines]
        says = _SAYS[name]
    body = "\n".join(f"    {line}" for line in does)
    says = f'    """Return the learning rate of an update, from 0: {says}."""'
    return f"{text}\n\ndef rate_of(update):\n{says}\n{body}\n", True


def _changed_rates(rates: list[tuple[int, float]]) -> str:
    """Return a table of rates that were changed by hand."""
    lines = "".join(f"    {pair!r},\n" for pair in rates)
    return (
        f"RATES = [  # from which update on, which learning rate\n{lines}]\n\n\n"
        "def rate_of(update):\n"
        '    """Return the learning rate of an update, from 0: changed by hand on the way."""\n'
        "    return [rate for first, rate in RATES if update >= first][-1]\n"
    )


# ---------------------------------------------------------------- the order of the rows

_ORDER = '''
def mix(x):
    """Scramble 32-bit words (Chris Wellons' "triple32"); products wrap around."""
    x = (x ^ (x >> 17)) * 0xED5AD4BB
    x = (x ^ (x >> 11)) * 0xAC4C1B51
    x = (x ^ (x >> 15)) * 0x31848BAB
    return x ^ (x >> 14)


def order(epoch):
    """Return the rows in an epoch's order: a permutation of 0 … {last}, keyed by seed and epoch.

    A Feistel network: the low and the high bits of each index take turns to be scrambled by the
    other half. That permutes 0 … {top}; an index that lands beyond the last row goes round again.
    """
    key = np.zeros(1, np.uint32)
    for word in ({low_seed}, {high_seed}, {purpose}, epoch, 0):  # the seed in two words
        key = mix(key ^ np.uint32(word)) + np.uint32(0x9E3779B9)
    keys = mix(key + np.arange(1, 17, dtype=np.uint32) * np.uint32(0x9E3779B9))
    found = np.arange({n}, dtype=np.uint32)
    astray = np.ones({n}, bool)
    while astray.any():
        high, low = found[astray] >> {shift}, found[astray] & {low_mask}
        for r in range(0, {rounds}, 2):
            high = (high ^ mix(low + keys[r])) & {high_mask}
            low = (low ^ mix(high + keys[r + 1])) & {low_mask}
        found[astray] = (high << {shift}) | low
        astray = found >= {n}
    return found.astype(np.int64)
'''


def order_text(n: int, seed: int, purpose: int, rounds: int) -> str:
    """Return the keyed permutation of `descend.randomness`, for `n` rows and one seed."""
    bits = max((n - 1).bit_length(), 1)
    return _ORDER.format(
        n=n,
        last=n - 1,
        top=2**bits - 1,
        low_seed=seed & 0xFFFFFFFF,
        high_seed=seed >> 32,
        purpose=purpose,
        shift=bits // 2,
        low_mask=2 ** (bits // 2) - 1,
        high_mask=2 ** (bits - bits // 2) - 1,
        rounds=rounds,
    ).lstrip()
