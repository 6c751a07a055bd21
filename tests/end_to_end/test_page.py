"""The page of the real gateway in a real browser, and the public audit of its endpoint."""

from __future__ import annotations

import json

from gateway.explorer import load_examples
from gateway.explorer.build import build_page, is_built
from tests.end_to_end.asking import Asker
from tests.explorer.browser import chromium, explorer_page
from tests.http.audit import audit


def test_a_clicked_example_is_answered_and_nothing_leaves_the_gateway(asker: Asker) -> None:
    if not is_built():
        build_page()
    examples = {example.name: example for example in load_examples()}
    # On leaving, explorer_page fails on a request to elsewhere, a violation of the policy, a failed script.
    with chromium() as browser, explorer_page(browser, f"{asker.address}/") as page:
        page.open()
        assert page.examples() == [example.title for example in examples.values()]
        page.click_example(examples["06-not-processed-yet"].title)
        answer = json.loads(page.wait_for_answer("904014"))
        assert answer["data"]["repository"]["dataIds"]["totalCount"] == 6
        page.click_example(examples["05-calexps-at-a-point"].title)
        answer = json.loads(page.wait_for_answer("visit_detector_region"))
        assert answer["data"]["repository"]["datasets"]["totalCount"] == 13
        assert page.screenshot("gateway-example").stat().st_size > 20_000


def test_the_real_gateway_passes_all_public_audits(asker: Asker) -> None:
    result = audit(f"{asker.address}/graphql")
    assert result["failed"] == []
    assert (result["audits"], result["ok"]) == (61, 61)
