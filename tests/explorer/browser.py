"""
The page in a real browser: what a person at it does, and what they could look up afterwards.

    with chromium() as browser, serve(app) as address, explorer_page(browser, address) as explorer:
        explorer.open()
        explorer.click_example("Which repositories can I see?")
        explorer.wait_for_answer('"hsc"')
        explorer.screenshot("repositories")

On leaving, `explorer_page` fails if anything was asked of another origin, the Content-Security-Policy was violated,
or a script failed.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

CHROMIUM = Path(shutil.which("chromium") or "/usr/bin/chromium")
ARTEFACTS = Path(__file__).parents[1] / "artefacts"
ARGUMENTS = (
    "--no-sandbox",  # The tests may run as root.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
PATIENCE = 20_000  # milliseconds; the machine may be busy

# Everything that the page could have kept: what a thief with this profile would find.
KEPT = """async () => {
  const databases = {};
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((yes, no) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => yes(request.result);
      request.onerror = () => no(request.error);
    });
    for (const store of database.objectStoreNames) {
      databases[`${name}/${store}`] = await new Promise((yes, no) => {
        const request = database.transaction(store).objectStore(store).getAll();
        request.onsuccess = () => yes(request.result);
        request.onerror = () => no(request.error);
      });
    }
    database.close();
  }
  return {
    address: location.href,
    history: history.state,
    cookie: document.cookie,
    windowName: window.name,
    localStorage: { ...localStorage },
    sessionStorage: { ...sessionStorage },
    indexedDB: databases,
    caches: await caches.keys(),
  };
}"""

WATCH = """
window.policyViolations = [];
document.addEventListener('securitypolicyviolation', (event) => {
  window.policyViolations.push(`${event.violatedDirective}: ${event.blockedURI}`);
});
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless. Not there: a failure that says what to install, never a silent skip."""
    if not CHROMIUM.exists():
        pytest.fail(
            f"{CHROMIUM} is missing: `apt-get update && apt-get install -y chromium`, or `make browser`",
            False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serve(app: Any) -> Iterator[str]:
    """An ASGI application on a port of its own, by uvicorn; its address, with a slash at the end."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            pytest.fail("the server did not start")
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def explorer_page(
    browser: Browser, address: str, *, size: tuple[int, int] = (1440, 900), dark: bool = False
) -> Iterator[ExplorerPage]:
    """A page in a profile of its own; on leaving, its promises are held against what was seen."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
    )
    try:
        explorer = ExplorerPage(context, address)
        yield explorer
        explorer.check()
    finally:
        context.close()


class ExplorerPage:
    """The explorer as a person uses it. Waits are built in; a wait that ends in vain fails the test."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.requests: list[str] = []
        self.complaints: list[str] = []
        context.set_default_timeout(PATIENCE)
        context.add_init_script(WATCH)
        context.on("request", self._note_request)
        self.page: Page = context.new_page()
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script failed: {error}"))

    def _note_request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _note_console(self, message: ConsoleMessage) -> None:
        # A gateway answers bad queries with 4xx, which Chromium reports here; that is no fault of the page.
        harmless = message.type != "error" or "Failed to load resource" in message.text
        if not harmless or "Content Security Policy" in message.text:
            self.complaints.append(message.text)

    def open(self, fragment: str = "") -> None:
        """Go to the page; return when its editor is there and the schema has been read."""
        self.page.goto(self.address + fragment)
        expect(self.page.get_by_role("heading", name="Butler gateway")).to_be_visible(timeout=PATIENCE)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Return when the editors show text and can be typed into."""
        expect(self.page.locator(".graphiql-query-editor .view-lines")).to_be_visible(timeout=PATIENCE)
        expect(self.page.locator(".graphiql-response .view-lines")).to_be_visible(timeout=PATIENCE)

    def examples(self) -> list[str]:
        """Titles in the menu of examples, in their order."""
        menu = self.page.get_by_role("region", name="Example queries")
        expect(menu).to_be_visible(timeout=PATIENCE)
        return menu.locator("button strong").all_inner_texts()

    def click_example(self, title: str) -> None:
        """Click on the example of this title."""
        self.page.get_by_role("region", name="Example queries").get_by_role("button").filter(
            has=self.page.get_by_text(title, exact=True)
        ).click()

    def query(self) -> str:
        """The text in the query editor, all of it (the screen shows what fits)."""
        return self._text("operation.graphql")

    def variables(self) -> str:
        """The text in the pane of variables."""
        return self._text("variables.json")

    def answer(self) -> str:
        """The text in the response pane, all of it."""
        return self._text("response.json")

    def _text(self, name: str) -> str:
        # GraphiQL leaves Monaco, its editor, in this global; the screen holds only the lines in view.
        return str(
            self.page.evaluate(
                "name => globalThis.__MONACO.editor.getModels().find(m => m.uri.path.endsWith(name))?.getValue() ?? ''",
                name,
            )
        )

    def wait_for_answer(self, text: str) -> str:
        """Wait until the answer holds this text and something of the answer is on the screen; return the answer."""
        self.page.wait_for_function(
            "text => globalThis.__MONACO.editor.getModels()"
            ".some(m => m.uri.path.endsWith('response.json') && m.getValue().includes(text))",
            arg=text,
        )
        expect(self.page.locator(".graphiql-response .view-line").first).to_contain_text(
            "{", timeout=PATIENCE
        )
        return self.answer()

    def run(self) -> None:
        """Press the button that runs what is in the editor."""
        self.page.get_by_role("button", name=re.compile("^Execute query")).click()

    def write_query(self, text: str) -> None:
        """Replace what is in the query editor, by keyboard."""
        self._write(".graphiql-query-editor", text)

    def write_headers(self, headers: dict[str, str]) -> None:
        """Open the pane of headers and replace what is in it, by keyboard."""
        self.page.get_by_role("button", name="Headers", exact=True).click()
        self._write(".graphiql-editor-tool .graphiql-editor:not(.hidden)", json.dumps(headers))

    def _write(self, editor: str, text: str) -> None:
        self.page.locator(f"{editor} .view-lines").first.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)
        self.page.wait_for_timeout(700)  # GraphiQL keeps what was typed after half a second.

    def kept(self) -> dict[str, Any]:
        """The address, and everything in every store that a page has, now that GraphiQL has had time to fill it."""
        self.page.wait_for_timeout(1200)
        found = self.page.evaluate(KEPT)
        assert isinstance(found, dict)
        return found

    def screenshot(self, name: str) -> Path:
        """Keep a picture as a test artefact, outside git."""
        ARTEFACTS.mkdir(exist_ok=True)
        path = ARTEFACTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def check(self) -> None:
        """Nothing asked of another origin, no violation of the policy, no failed script."""
        foreign = [url for url in self.requests if not url.startswith((self.address, "data:", "blob:"))]
        assert not foreign, f"requests to other origins: {foreign}"
        violations = self.page.evaluate("window.policyViolations ?? []")
        assert not violations, f"Content-Security-Policy violated: {violations}"
        assert not self.complaints, f"the browser complains: {self.complaints}"
