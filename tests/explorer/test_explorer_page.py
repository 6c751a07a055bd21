"""The page in a real Chromium, served by a real uvicorn under the real policy."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from playwright.sync_api import Browser, expect

from tests.explorer.browser import ExplorerPage, explorer_page
from tests.explorer.small_gateway import CANARY, LIST, ONE

ANSWER_SCROLLED = (
    "() => globalThis.__MONACO.editor.getEditors()"
    ".find(e => e.getModel()?.uri.path.endsWith('response.json')).getScrollTop()"
)
# How far down its box the query is painted.
TEXT_IN_ITS_BOX = """() => {
  const top = (part) => document.querySelector(`.graphiql-query-editor ${part}`).getBoundingClientRect().top;
  return top('.view-lines') - top('.graphiql-editor');
}"""


def test_first_visit_shows_the_menu_and_opens_with_the_first_example(explorer: ExplorerPage) -> None:
    assert explorer.examples() == ["Which repositories can I see?", "One repository by its name"]
    assert explorer.query() == LIST
    assert explorer.answer() == ""  # Nothing is run that nobody asked for.
    expect(explorer.page.get_by_role("link", name="schema.graphql")).to_be_visible()
    expect(explorer.page).to_have_title("Butler gateway")


def test_one_click_on_an_example_fills_the_editor_and_runs_it(explorer: ExplorerPage) -> None:
    explorer.click_example("One repository by its name")
    answer = explorer.wait_for_answer("LSSTCam")
    assert json.loads(answer) == {"data": {"repository": {"name": "lsst", "description": "LSSTCam"}}}
    assert explorer.query() == ONE
    assert json.loads(explorer.variables()) == {"name": "lsst"}
    explorer.click_example("Which repositories can I see?")
    explorer.wait_for_answer("HSC, real subset")
    assert explorer.variables() == ""
    expect(explorer.page.get_by_text("HTTP 200 in")).to_be_visible()
    explorer.screenshot("explorer-example")


def test_an_answer_is_shown_from_its_beginning(explorer: ExplorerPage) -> None:
    explorer.click_example("Which repositories can I see?")
    explorer.wait_for_answer("HSC, real subset")
    explorer.page.locator(".graphiql-response").hover()
    explorer.page.mouse.wheel(0, 300)
    explorer.page.wait_for_function(ANSWER_SCROLLED)
    explorer.click_example("Which repositories can I see?")
    explorer.wait_for_answer("HSC, real subset")
    assert explorer.page.evaluate(ANSWER_SCROLLED) == 0


def test_the_menu_works_by_keyboard_alone(explorer: ExplorerPage) -> None:
    explorer.page.get_by_role("button", name="One repository by its name").focus()
    explorer.page.keyboard.press("Enter")
    explorer.wait_for_answer("LSSTCam")


def test_headers_reach_the_gateway_but_are_kept_nowhere(explorer: ExplorerPage) -> None:
    explorer.write_headers({"Authorization": f"Bearer {CANARY}"})
    explorer.write_query("query WithToken { hasToken }")
    explorer.run()
    explorer.wait_for_answer('"hasToken": true')
    kept = explorer.kept()
    # GraphiQL did keep the query, and its history did: the test looks where there is something to find.
    assert "WithToken" in kept["localStorage"]["graphiql:queries"]
    assert "WithToken" in kept["localStorage"]["graphiql:tabState"]
    assert CANARY not in json.dumps(kept)
    assert not [url for url in explorer.requests if CANARY in url]
    explorer.page.get_by_role("button", name="Copy link").click()
    explorer.page.reload()
    explorer.wait_until_ready()
    assert CANARY not in json.dumps(explorer.kept())
    assert CANARY not in explorer.page.content()


def test_own_work_stays_in_its_tab_when_an_example_is_clicked(explorer: ExplorerPage) -> None:
    explorer.write_headers({"Authorization": f"Bearer {CANARY}"})
    explorer.write_query("query MyOwn { repositories { name } }")
    explorer.click_example("One repository by its name")
    explorer.wait_for_answer("LSSTCam")
    tab = explorer.page.get_by_role("tab", name="MyOwn")
    expect(tab).to_be_visible()
    # The new tab has the token too: examples of a private repository would otherwise be refused.
    explorer.write_query("query InNewTab { hasToken }")
    explorer.run()
    explorer.wait_for_answer('"hasToken": true')
    tab.click()
    assert explorer.query() == "query MyOwn { repositories { name } }"


def test_a_shared_link_is_shown_but_not_run(browser: Browser, address: str) -> None:
    words = urlencode(
        {
            "query": "query Shared($name: String!) { repository(name: $name) { name } }",
            "variables": '{"name": "hsc"}',
        }
    )
    with explorer_page(browser, address) as explorer:
        explorer.open(f"#{words}")
        assert explorer.query().startswith("query Shared")
        assert explorer.variables() == '{"name": "hsc"}'
        assert explorer.answer() == ""
        assert explorer.page.url == address
        assert explorer.page.get_by_role("tab").all_inner_texts() == ["Shared"]
        expect(explorer.page.locator(".examples [aria-current=true]")).to_have_count(0)
        explorer.run()
        explorer.wait_for_answer('"hsc"')
        # A visitor who comes back has tabs kept; the link gets one of its own.
        explorer.page.goto("about:blank")
        explorer.open(f"#{urlencode({'query': 'query Another { hasToken }'})}")
        assert explorer.query() == "query Another { hasToken }"
        assert explorer.page.get_by_role("tab").all_inner_texts() == ["Shared", "Another"]


def test_a_copied_link_holds_query_and_variables_only(explorer: ExplorerPage) -> None:
    explorer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    explorer.write_headers({"Authorization": f"Bearer {CANARY}"})
    explorer.click_example("One repository by its name")
    explorer.wait_for_answer("LSSTCam")
    explorer.page.get_by_role("button", name="Copy link").click()
    expect(explorer.page.get_by_role("button", name="Link copied")).to_be_visible()
    link = explorer.page.evaluate("navigator.clipboard.readText()")
    assert (
        link
        == f"{explorer.address}#{urlencode({'query': ONE, 'variables': json.dumps({'name': 'lsst'}, indent=2)})}"
    )
    assert CANARY not in link


def test_on_a_telephone_nothing_is_beside_the_screen(browser: Browser, address: str) -> None:
    with explorer_page(browser, address, size=(390, 844)) as explorer:
        explorer.open()
        explorer.click_example("Which repositories can I see?")
        explorer.wait_for_answer("HSC, real subset")
        for part in (".graphiql-execute-button", ".graphiql-query-editor", ".graphiql-response"):
            box = explorer.page.locator(part).bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390, part
            if part != ".graphiql-execute-button":
                assert box["width"] > 250 and box["height"] > 100, part
        explorer.screenshot("explorer-telephone")


def test_on_a_telephone_the_answer_comes_into_view_and_all_scrolls_together(
    browser: Browser, address: str
) -> None:
    with explorer_page(browser, address, size=(390, 844)) as explorer:
        explorer.open()
        explorer.click_example("Which repositories can I see?")
        explorer.wait_for_answer("HSC, real subset")
        expect(explorer.page.locator(".examples")).to_have_count(0)
        answer = explorer.page.locator(".graphiql-response").bounding_box()
        assert answer is not None and answer["y"] + answer["height"] <= 844
        main = explorer.page.locator(".graphiql-main")
        assert main.evaluate("main => main.scrollHeight - main.clientHeight") == 0
        # With the menu open again there is something to scroll: the menu's height, and no more.
        explorer.page.get_by_role("button", name="Show Examples").click()
        menu = explorer.page.locator(".graphiql-plugin").bounding_box()
        assert menu is not None and menu["height"] > 100
        before = explorer.page.evaluate(TEXT_IN_ITS_BOX)
        scrolled = main.evaluate("main => { main.scrollTop = 1e6; return main.scrollTop; }")
        assert abs(scrolled - menu["height"]) <= 1
        assert abs(explorer.page.evaluate(TEXT_IN_ITS_BOX) - before) <= 1
        assert explorer.page.evaluate("document.documentElement.scrollHeight") == 844
        explorer.screenshot("explorer-telephone-scrolled")


def test_the_page_is_readable_in_the_dark_and_on_a_small_screen(browser: Browser, address: str) -> None:
    with explorer_page(browser, address, size=(1024, 700), dark=True) as explorer:
        explorer.open()
        explorer.click_example("Which repositories can I see?")
        explorer.wait_for_answer("HSC, real subset")
        explorer.screenshot("explorer-dark")
