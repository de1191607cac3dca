"""The life of a session: it outlives a page and a broken line, and ends where nobody looks."""

from __future__ import annotations

import re

import pytest
from tests import labs

from descend.lab import server
from descend.lab.sessions import Patience

PAUSE = 0.6
UPDATES = "lab => Math.max(Number(lab.dataset.updates), Number(lab.dataset.step))"


@pytest.fixture(scope="module")
def short_lab():
    """Run a lab without much patience."""
    patience = Patience(pause=PAUSE, close=3 * PAUSE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "TEND_EVERY", 0.05)
        with labs.running_lab(patience=patience) as running:
            yield running


@pytest.fixture
def open_short(chromium, short_lab):
    visitor = labs.Visitor(chromium, short_lab)
    yield visitor
    visitor.close()


CUT = """el => {
  const noted = () => { window.told ||= /connection/i.test(el.innerText); };
  window.told = false;
  new MutationObserver(noted).observe(el, { subtree: true, childList: true, characterData: true });
  el.cutLine();
}"""


def updates(page):
    """Return how many updates the page knows of."""
    return page.locator(".lab").evaluate(UPDATES)


def reach(page, count):
    page.wait_for_function(f"n => ({UPDATES})(document.querySelector('.lab')) >= n", arg=count)


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def play(page, *, on):
    press(page, "Play" if on else "Pause")
    page.wait_for_selector(f".lab[data-playing={'yes' if on else 'no'}]")


def name_of(page):
    return re.search(r"/s/([\w-]+)", page.url)[1]


def test_a_reload_finds_the_session_at_its_step(lab):
    page = lab("data=circles&hidden=3")
    play(page, on=True)
    reach(page, 10)
    play(page, on=False)
    here, found = name_of(page), updates(page)
    page.reload()
    page.wait_for_selector(".lab[data-ready=yes]")
    assert (name_of(page), updates(page)) == (here, found)
    assert lab.lab.sessions.find(here).run().state.step == found


def test_training_goes_on_while_the_line_is_cut(lab):
    page = lab()
    play(page, on=True)
    reach(page, 5)
    before = updates(page)
    page.locator("#lab").evaluate(CUT)
    reach(page, before + 5)
    assert page.evaluate("window.told")  # for a moment only: it was there again soon
    assert page.locator(".lab").get_attribute("data-playing") == "yes"
    play(page, on=False)
    assert lab.lab.sessions.find(name_of(page)).run().state.step == updates(page)


def test_tabs_do_not_disturb_each_other(lab):
    one, other = lab("data=xor"), lab("data=circles")
    assert name_of(one) != name_of(other)
    play(one, on=True)
    reach(one, 5)
    press(other, "One update")
    reach(other, 1)
    reach(one, updates(one) + 5)
    assert updates(other) == 1
    assert other.locator(".lab").get_attribute("data-playing") == "no"


def test_two_tabs_on_one_session_see_the_same(lab):
    page = lab("data=xor")
    second = lab.beside(page)
    assert name_of(second) == name_of(page)
    press(page, "One update")
    reach(second, 1)
    press(second, "One update")
    reach(page, 2)


@pytest.mark.slow
def test_the_last_tab_that_closes_ends_the_training(open_short, short_lab):
    page = open_short("data=xor&hidden=3")
    play(page, on=True)
    reach(page, 5)
    session = short_lab.sessions.find(name_of(page))
    url = page.url
    page.close()
    labs.wait_for(lambda: not session.playing)
    stopped = session.run().state.step
    assert stopped > 5
    labs.wait_for(lambda: len(short_lab.sessions) == 0)
    again = open_short.contexts[-1].new_page()
    open_short.watched(again).goto(url)
    again.wait_for_selector(".lab[data-ready=yes]")
    assert short_lab.sessions.find(name_of(again)) is not session
    assert again.url.partition("?")[0] == url.partition("?")[0]
    assert "data=xor&hidden=3" in again.url
