"""The lab's settings: closed, fitting, and shared by address; over every part of every family."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

import descend as ds
from descend.activations import ACTIVATIONS
from descend.errors import InputError
from descend.lab import fields
from descend.lab.address import LONGEST, MOST_STEPS, Address, from_query, to_query
from descend.lab.choices import choices, parts_of
from descend.lab.rows import rows_of
from descend.lab.settings import Settings
from descend.lab.sources import RUN, SOURCES, TABLE
from descend.losses import LOSSES
from descend.models import INITIALISATIONS
from descend.optimizers import RULES
from descend.penalties import PENALTIES
from descend.schedules import SCHEDULES

DRAWN = tuple(name for name, source in SOURCES.items() if source.drawn)
# One set of data for each kind of target.
KINDS = {
    "numbers": {"data": "line", "n": 30},
    "two labels": {"data": "moons", "n": 30},
    "labels": {"data": "blobs", "classes": 3, "n": 30},
}


def train(settings, epochs=3):
    rows = rows_of(settings)
    task, how = settings.task(), {**rows.arguments(), **settings.train_arguments()}
    return ds.train(task, rows.X, rows.y, epochs=epochs, engine="numpy", **how)


def is_a_sentence(error):
    text = str(error)
    if "\n" in text or not text.endswith((".", "?)")) or not text[0].isupper() or len(text) > 700:
        raise AssertionError(text)


def trained_or_refused(plain):
    """Return how many updates settings train, or 0 where a sentence refuses them."""
    try:
        return train(Settings.of(plain)).state.step
    except InputError as error:
        is_a_sentence(error)
        return 0


@pytest.mark.parametrize("text", ["no capital.", "No full stop", "Two\nlines."])
def test_what_is_no_sentence_is_seen(text):
    with pytest.raises(AssertionError):
        is_a_sentence(InputError(text))


# ---------------------------------------------------------------- every part of every family


def test_the_moons_are_learnt_within_a_few_seconds():
    run = train(Settings(), epochs=1000)
    reached = np.flatnonzero(run.history["validation_accuracy"] >= 0.97)
    assert 20 < reached[0] < 400  # seen to learn: neither at once nor late


@pytest.mark.parametrize("data", DRAWN)
def test_all_drawn_data_is_learnt_with_its_usual_settings(data):
    run = train(Settings.of({"data": data}), epochs=300)
    loss = run.history["loss"]
    assert loss[-1] < 0.6 * loss[0]
    assert not run.outcome.diverged


def test_every_loss_trains_on_what_it_is_for_and_is_refused_elsewhere():
    for cls in LOSSES.classes():
        done = {k: trained_or_refused({**of, "loss": cls.name}) for k, of in KINDS.items()}
        own = "numbers" if cls.targets == "counts" else cls.targets
        assert done[own] == 3, cls.name
        assert done["two labels"] == 3, cls.name  # taken as 0 and 1
        assert done["labels"] == (3 if cls.targets == "labels" else 0), cls.name
        assert bool(done["numbers"]) == (cls.targets in {"numbers", "counts"}), cls.name


@pytest.mark.parametrize("hidden", [[], [3]])
def test_every_optimizer_trains(hidden):
    for name in RULES:
        done = trained_or_refused({"n": 30, "hidden": hidden, "optimizer": name})
        assert done == (0 if name == "newton" and hidden else 3), name


def test_every_activation_initialisation_and_schedule_trains():
    for setting, names in (
        ("activation", ACTIVATIONS),
        ("init", INITIALISATIONS),
        ("schedule", SCHEDULES),
    ):
        for name in names:
            assert trained_or_refused({"n": 30, setting: name}) == 3, name


def test_every_penalty_trains_or_is_refused_with_every_optimizer():
    for rule in RULES.classes():
        for penalty in PENALTIES:
            plain = {"n": 30, "hidden": [], "optimizer": rule.name, "penalty": penalty}
            fits = rule.proximal or penalty == "l2"
            assert trained_or_refused(plain) == (3 if fits else 0), plain


def test_a_part_that_enters_its_family_can_be_chosen(monkeypatch):
    class Cubed(type(ds.squared_error())):
        pass

    monkeypatch.setattr(LOSSES, "_classes", dict(LOSSES._classes))
    LOSSES.add("cubed")(Cubed)
    monkeypatch.setitem(LOSSES._makers, "cubed", lambda: LOSSES.value(Cubed()))
    parts_of.cache_clear()
    try:
        assert "cubed" in [part["name"] for part in choices(Settings())["loss"]]
        assert trained_or_refused({**KINDS["numbers"], "loss": "cubed"}) == 3
    finally:
        parts_of.cache_clear()


# ---------------------------------------------------------------- closed


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        ({"lerning_rate": 1}, "did you mean 'learning_rate'"),
        ({"data": "mons"}, "did you mean 'moons'"),
        ({"loss": "hubr"}, "did you mean 'huber'"),
        ({"optimizer": {"name": "momentum", "bta": 1}}, "did you mean 'beta'"),
        ({"optimizer": {"name": "momentum", "beta": 1.5}}, "in [0, 1)"),
        ({"optimizer": {"name": "momentum", "learning_rate": 1}}, "takes beta"),
        ({"penalty": {"name": "l2", "biases": "no"}}, "true or false"),
        ({"penalty": {"strength": 1}}, "must be named"),
        ({"penalty": "l1"}, "proximal"),
        ({"features": ["x1", "x3"]}, "There is no feature 'x3'"),
        ({"features": []}, "at least one feature"),
        ({"features": ["x1", "x1"]}, "different names"),
        ({"hidden": [1] * 7}, "at most 6"),
        ({"hidden": [65]}, "from 1 to 64"),
        ({"hidden": 4}, "a list"),
        ({"n": 1}, "from 2 to 100000"),
        ({"n": 100_001}, "from 2 to 100000"),
        ({"n": 20.5}, "whole number"),
        ({"n": True}, "whole number"),
        ({"noise": -0.1}, "from 0 to 10"),
        ({"noise": float("nan")}, "from 0 to 10"),
        ({"noise": 10**400}, "from 0 to 10"),
        ({"validation": 0.95}, "from 0 to 0.9"),
        ({"learning_rate": 0}, "above 0, or 'auto'"),
        ({"learning_rate": float("inf")}, "above 0, or 'auto'"),
        ({"clip_norm": float("inf")}, "above 0"),
        ({"learning_rate": "fast"}, "above 0, or 'auto'"),
        ({"learning_rate": 0.1, "optimizer": "lbfgs"}, "takes no learning_rate"),
        ({"seed": 2**53}, "from 0 to"),
        ({"init": "he_normal"}, "did you mean"),
        ({"data": "houses", "n": 4}, "has 3 rows"),
        ({"data": "breast-cancer", "standardize": True}, "as it is read"),
        ({"data": "blobs", "classes": 9}, "from 2 to 8"),
        ({"data": "blobs", "classes": 3, "loss": "hinge"}, "choose one of softmax"),
        ({"start": ["a"]}, "'start'"),
        ([("n", 3)], "by name"),
    ],
)
def test_what_settings_cannot_be_is_refused_in_a_sentence(plain, says):
    with pytest.raises(InputError) as refused:
        Settings.of(plain)
    is_a_sentence(refused.value)
    assert says in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from([*fields.READERS, "name", "nn"])


@tried(max_examples=40)
@given(st.dictionaries(NAMES, JSON | st.sampled_from(["adam", "l2", "huber", "auto"]), max_size=4))
def test_whatever_is_sent_is_taken_or_refused(plain):
    for ask in (Settings.of, Settings().with_changes, Settings().kept_by):
        try:
            ask(plain)
        except InputError as error:
            is_a_sentence(error)


@pytest.mark.parametrize("data", SOURCES)
def test_settings_come_back_from_plain_data(data):
    settings = Settings.of({"data": data, "seed": 5})
    assert Settings.of(json.loads(json.dumps(settings.plain()))) == settings
    assert Settings.of(settings.differing()) == settings
    assert set(settings.differing()) == {"data", "seed"}
    with pytest.raises(FrozenInstanceError):
        settings.n = 3


def test_settings_can_be_keys():
    assert len({Settings(), Settings.of({}), Settings.of({"seed": 1})}) == 2


# ---------------------------------------------------------------- changes


def test_a_change_of_numbers_keeps_the_part():
    settings = Settings().with_changes({"optimizer": {"beta2": 0.9}})[0]
    settings, said = settings.with_changes({"optimizer": {"beta1": 0.8}})
    assert (settings.optimizer.beta1, settings.optimizer.beta2, said) == (0.8, 0.9, ())
    assert settings.with_changes({"optimizer": "adam"})[0].optimizer.beta2 == 0.9


def test_other_targets_get_a_loss_that_fits_and_it_is_said():
    settings, said = Settings().with_changes({"data": "line"})
    assert settings.loss == ds.squared_error()
    assert "The loss is squared_error now, for the targets are numbers." in said
    chosen = settings.with_changes({"loss": {"name": "huber", "delta": 2}})[0]
    assert chosen.with_changes({"data": "sliders"})[0].loss == ds.huber(2)
    assert chosen.with_changes({"data": "circles"})[0].loss == ds.logistic()
    zero_one = Settings.of({"loss": "huber"})
    assert zero_one.with_changes({"data": "circles", "n": 50})[0].loss == ds.logistic()
    assert zero_one.with_changes({"n": 50})[0].loss == ds.huber()
    three, said = settings.with_changes({"data": "blobs", "classes": 3})
    assert three.loss == ds.softmax()
    two, said = three.with_changes({"classes": 2})
    assert (two.loss, said) == (ds.softmax(), ())
    assert two.with_changes({"data": "moons", "loss": "hinge"})[0].loss == ds.hinge()


def test_what_was_chosen_stays_on_other_data_and_what_was_usual_goes():
    chosen = Settings().with_changes({"hidden": [7], "n": 50})[0]
    moved = chosen.with_changes({"data": "spiral"})[0]
    usual = Settings.of({"data": "spiral"})
    assert (moved.hidden, moved.n, moved.noise) == ((7,), usual.n, usual.noise)
    assert moved.learning_rate == usual.learning_rate


def test_a_rule_that_searches_takes_no_rate_and_gives_it_back():
    busy = Settings.of({"batch_size": 10, "schedule": "exponential", "clip_norm": 1.0})
    searching, said = busy.with_changes({"optimizer": "lbfgs"})
    assert searching.learning_rate == "auto"
    assert searching.batch_size is searching.schedule is searching.clip_norm is None
    assert len(said) == 4
    assert searching.with_changes({"optimizer": "adam"})[0].learning_rate == 0.03
    with pytest.raises(InputError, match="takes no learning_rate"):
        searching.with_changes({"learning_rate": 0.1})


def test_a_start_by_hand_is_the_start_and_goes_with_its_shape():
    settings = Settings.of({"hidden": [], "start": [1.0, -2.0, 0.5]})
    assert train(settings).at(0).theta.tolist() == [1.0, -2.0, 0.5]
    assert settings.with_changes({"learning_rate": 0.1})[0].start == (1.0, -2.0, 0.5)
    assert settings.with_changes({"features": ["x1"]})[0].start is None
    assert settings.with_changes({"loss": "softmax"})[0].start is None


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"learning_rate": 0.1}, True),
        ({"learning_rate": "auto"}, False),
        ({"optimizer": {"beta2": 0.9}}, True),
        ({"optimizer": {"name": "adam", "beta2": 0.9}}, True),
        ({"optimizer": "adamw"}, False),
        ({"penalty": "l2"}, True),
        ({"penalty": None}, True),
        ({"learning_rate": 0.1, "penalty": {"name": "l2", "strength": 0.5}}, True),
        ({"learning_rate": 0.1, "batch_size": 5}, False),
        ({"n": 200}, True),
        *[({n: v}, False) for n, v in {"n": 9, "seed": 1, "loss": "brier", "hidden": []}.items()],
    ],
)
def test_which_changes_go_on_with_a_training(change, kept):
    assert Settings().kept_by(change) is kept


def test_other_memory_begins_a_new_training():
    assert not Settings.of({"optimizer": "lbfgs"}).kept_by({"optimizer": {"memory": 3}})


def test_a_new_start_is_judged_on_the_same_rows():
    first, second = rows_of(Settings()), rows_of(Settings.of({"seed": 9}))
    np.testing.assert_array_equal(first.validation[0], second.validation[0])
    other = rows_of(Settings.of({"data_seed": 9}))
    assert not np.array_equal(first.validation[0], other.validation[0])
    line = {"data": "sliders", "n": 40, "validation": 0.25}  # drawn in order
    held = [rows_of(Settings.of({**line, "data_seed": s})).validation[0] for s in (0, 1)]
    assert not np.array_equal(*held)
    assert held[0].max() > 2
    assert held[0].min() < 0


# ---------------------------------------------------------------- addresses


def test_an_address_is_short_and_readable():
    settings = Settings.of(
        {"data": "spiral", "hidden": [8, 4], "optimizer": "momentum", "penalty": "l2"}
    )
    changes = (
        (40, {"learning_rate": 0.1}),
        (60, {"penalty": None}),
        (60, {"edit": {"at": 3, "to": -0.5}}),
    )
    query = to_query(settings, changes, 90, ("data", "noise"), "validation loss < 0.1 within 200")
    assert query == (
        "data=spiral&hidden=8,4&penalty=l2&optimizer=momentum"
        "&changes=40.rate=0.1;60.penalty=none;60.edit=3=-0.5&step=90&lock=data,noise"
        "&goal=validation%20loss%20%3C%200.1%20within%20200"
    )
    goal = "validation loss < 0.1 within 200"
    assert from_query(query) == Address(settings, changes, 90, ("data", "noise"), goal)
    assert from_query("?" + query).settings == settings
    assert from_query("") == Address(Settings())


def floats(low=1e-300, high=1e300):
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


MOMENTUM = floats(0, 0.9999).map(lambda v: {"name": "momentum", "beta": v})
NUMBERS = {
    "data": st.sampled_from([*DRAWN]),
    "seed": st.integers(0, 2**53 - 1),
    "data_seed": st.integers(0, 2**32 - 1),
    "hidden": st.lists(st.integers(1, 64), max_size=6),
    "learning_rate": floats() | st.just("auto"),
    "clip_norm": floats() | st.none(),
    "batch_size": st.integers(1, 9999) | st.none(),
    "validation": floats(0, 0.9),
    "noise": floats(0, 10),
    "bias": st.booleans(),
    "start": st.none() | st.lists(floats(-1e300), max_size=4),
    "penalty": st.none() | floats().map(lambda v: {"name": "l2", "strength": v, "biases": True}),
    "schedule": st.none() | st.integers(1, 10**9).map(lambda v: {"name": "cosine", "steps": v}),
    "activation": st.sampled_from(list(ACTIVATIONS)),
}
CHANGES = st.one_of(
    floats().map(lambda v: {"learning_rate": v}),
    floats(0, 0.99).map(lambda v: {"optimizer": {"beta": v}}),
    floats(0).map(lambda v: {"penalty": {"name": "l1", "strength": v}}),
    st.just({"penalty": None}),
    st.tuples(st.integers(0, 99), floats(-1e300)).map(
        lambda pair: {"edit": {"at": pair[0], "to": pair[1]}}
    ),
)


PLAIN = st.fixed_dictionaries({"optimizer": MOMENTUM}, optional=NUMBERS)


@tried(max_examples=40)
@given(PLAIN, st.data())
def test_an_address_brings_every_number_back_to_the_last_bit(plain, data):
    settings = Settings.of(plain)
    steps = sorted(data.draw(st.lists(st.integers(0, MOST_STEPS), max_size=4)))
    changes = tuple((step, data.draw(CHANGES)) for step in steps)
    goal = data.draw(st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
    address = Address(settings, changes, data.draw(st.none() | st.integers(0, 99)), (), goal)
    assert from_query(to_query(settings, changes, address.step, (), goal)) == address


@pytest.mark.parametrize(
    "features", [["a,b"], ["[c"], ["é &=#+%", "sin x"], ["", "none"], ["none"]]
)
def test_odd_names_of_columns_come_back(features):
    settings = Settings.of({"data": TABLE, "features": features, "target": "a=b&c,+ %"})
    assert from_query(to_query(settings)).settings == settings


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                "data=moons",
                "&",
                "hidden=",
                "8,4",
                "optimizer=",
                "adam:",
                "beta1=",
                "1e999",
                "-",
                "none",
                "[",
                "changes=",
                "3.",
                "rate=",
                "edit=",
                "4=",
                ";",
                "%FF",
                "%20",
                "step=",
                "=",
                ":",
                "penalty=l2",
                "features=",
                "start=",
                "lock=",
                "goal=",
                "null",
                "true",
                "schedule=step:every=",
                "0",
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_whatever_an_address_holds_it_is_read_or_refused(text):
    try:
        address = from_query(text)
    except InputError as error:
        is_a_sentence(error)
    else:
        query = to_query(
            address.settings, address.changes, address.step, address.lock, address.goal
        )
        assert from_query(query) == address


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("hiden=4", "did you mean 'hidden'"),
        ("learning_rate=0.1", "did you mean"),
        ("n=30&n=40", "twice"),
        ("n", "not an address"),
        ("n=%FF", "not an address"),
        ("n=1e2.5", "no number"),
        ("n=1", "from 2"),
        ("n=" + "9" * 5000, "no number"),
        ("n=" + "3" * LONGEST, "at most 8192"),
        ("features=" + "[" * 4000, "no number"),
        ("step=-1", "no whole number"),
        ("step=²", "no whole number"),
        ("lock=<b>", "names no control"),
        ("goal=", "1 to 500"),
        ("changes=5.hidden=4", "along the way"),
        ("changes=5.optimizer=momentum", "begin another run"),
        ("changes=5.rate=auto", "begin another run"),
        ("changes=5.penalty=l1", "proximal"),
        ("changes=9.rate=1;5.rate=2", "by their steps"),
        ("changes=5.edit=1=NaN", "no number"),
        ("changes=5.edit=1=true", "no number"),
        ("changes=" + "1.rate=1;" * 600, "up to 500"),
        (7, "is text"),
    ],
)
def test_what_an_address_cannot_say_is_refused_in_a_sentence(query, says):
    with pytest.raises(InputError) as refused:
        from_query(query)
    is_a_sentence(refused.value)
    assert says in str(refused.value)


def test_a_run_too_long_for_an_address_is_said():
    changes = [(step, {"learning_rate": 0.123456789}) for step in range(400)]
    with pytest.raises(InputError, match="save the run file"):
        to_query(Settings(), changes)


# ---------------------------------------------------------------- choices


@pytest.mark.parametrize("data", [n for n in SOURCES if n not in {TABLE, RUN}])
def test_choices_name_everything_and_refuse_what_settings_refuse(data):
    settings = Settings.of({"data": data})
    found = json.loads(json.dumps(choices(settings)))
    assert [source["name"] for source in found["data"]] == [
        name for name in SOURCES if name not in {TABLE, RUN}
    ]
    for setting, family in (("loss", LOSSES), ("optimizer", RULES), ("penalty", PENALTIES)):
        assert [part["name"] for part in found[setting]] == list(family)
        for part in found[setting]:
            if part["refused"] is None:
                settings.with_changes({setting: part["name"]})
            else:
                with pytest.raises(InputError) as refused:
                    settings.with_changes({setting: part["name"]})
                assert str(refused.value) == part["refused"]


@pytest.mark.parametrize("setting", ["activation", "loss", "optimizer", "penalty", "schedule"])
def test_the_ranges_of_numbers_are_what_their_makers_take(setting):
    family = {"activation": ACTIVATIONS, "loss": LOSSES, "optimizer": RULES}
    family |= {"penalty": PENALTIES, "schedule": SCHEDULES}
    for part in parts_of(setting):
        for number in part["numbers"]:
            if number.get("flag"):
                continue
            for end, beyond in (("low", -1e-9), ("high", 1e-9)):
                if number[end] is None:
                    continue
                off = (-1 if end == "low" else 1) if number["whole"] else beyond
                for value, fits in (
                    (number[end], not number[f"{end}_open"]),
                    (number[end] + off, False),
                ):
                    record = {"name": part["name"], number["name"]: value}
                    if fits:
                        fields.made(family[setting], record, None)
                    else:
                        with pytest.raises(InputError):
                            fields.made(family[setting], record, None)
