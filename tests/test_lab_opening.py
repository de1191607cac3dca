"""A lab as it is opened: alive by itself where one likes motion, and on a table handed in."""

from __future__ import annotations

from playwright.sync_api import expect

TABLE = "size,price\n" + "".join(f"{i},{100 + 3 * i}\n" for i in range(60))
DROPPED = """([name, text]) => {
  const files = new DataTransfer();
  files.items.add(new File([text], name, { type: "text/csv" }));
  const drop = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
  document.querySelector(".lab").dispatchEvent(drop);
}"""


def test_a_fresh_lab_is_alive_by_itself(lab):
    page = lab(reduced_motion="no-preference")
    page.wait_for_selector(".lab[data-playing=yes]")
    page.wait_for_function("() => Number(document.querySelector('.lab').dataset.frames) > 5")


def test_whoever_wants_no_motion_starts_it(lab):
    page = lab()
    page.wait_for_selector(".lab[data-ready=yes]")
    page.wait_for_timeout(500)
    assert page.locator(".lab").get_attribute("data-playing") == "no"
    assert page.locator(".lab").get_attribute("data-updates") == "0"


def test_a_table_is_opened_by_the_button(lab):
    page = lab()
    page.wait_for_selector(".lab[data-ready=yes]")
    chosen = {"name": "homes.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
    page.get_by_label("A table to open").set_input_files([chosen])
    page.get_by_text("42 training rows").first.wait_for()


def test_a_table_is_opened_where_it_is_dropped(lab):
    page = lab()
    page.wait_for_selector(".lab[data-ready=yes]")
    page.evaluate(DROPPED, ["homes.csv", TABLE])
    page.get_by_text("42 training rows").first.wait_for()


def test_what_is_no_table_is_refused_in_a_sentence(lab):
    page = lab()
    page.wait_for_selector(".lab[data-ready=yes]")
    page.evaluate(DROPPED, ["homes.xlsx", "PK"])
    page.get_by_text("none of these").first.wait_for()
    lab.expect("422")  # the browser tells its console of every refusal
    assert page.locator(".lab").get_attribute("data-branch") == "1"


def test_the_views_are_laid_out_once(lab):
    """The place of the controls is kept until there are choices: no view is made anew."""
    page = lab("data=moons&n=60&hidden=3,2&step=5")
    net = page.wait_for_selector('[data-view="network"] .net')
    page.wait_for_selector(".controls[data-ready=yes]")
    expect(page.locator(".controls summary").first).to_be_visible()
    page.wait_for_timeout(300)
    assert net.evaluate("net => net.isConnected")
