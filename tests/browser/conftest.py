"""A fresh server and a headless browser for tests marked `browser`."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
START = 120
#: counts the script's finished runs in `window.runs`, and returns how many there have been
COUNT_RUNS = """() => {
    if (window.runs === undefined) {
        window.runs = 0;
        const app = document.querySelector('.stApp');
        new MutationObserver(() => { if (app.dataset.testScriptState === 'notRunning') window.runs += 1; })
            .observe(app, { attributes: true, attributeFilter: ['data-test-script-state'] });
    }
    return window.runs;
}"""


class Server:
    """Our app on a free port of this machine."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.home = tempfile.TemporaryDirectory()  # the catalogue of these tests, not the user's
        self.start()

    def start(self) -> None:
        """A process at this address, answering."""
        home = {"OMP_NUM_THREADS": "1", "TENFMA_DATA_HOME": self.home.name}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={self.port}", "--server.headless=true"],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **home},
        )  # fmt: skip
        for _ in range(4 * START):
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2)
                return
            except OSError:
                time.sleep(0.25)
        self.stop()
        raise RuntimeError(f"the app did not answer within {START} s")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)
        self.home.cleanup()


@pytest.fixture(scope="session")
def server():
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def fresh_server():
    running = Server()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser():
    api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed; pip install tenfma[browser]"
    )
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium found; install it or set CHROMIUM to its path")
    with api.sync_playwright() as p:
        launched = p.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


class Visit:
    """One page in one browser window, with everything it asked for and complained of."""

    def __init__(
        self,
        browser,
        url: str,
        *,
        dark=False,
        width=1280,
        height=900,
        locale="en-GB",
        reduced=False,
        no_webgl=False,
    ):
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", locale=locale,
            reduced_motion="reduce" if reduced else "no-preference",
        )  # fmt: skip
        if no_webgl:
            self.context.add_init_script(
                "const get = HTMLCanvasElement.prototype.getContext;"
                "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
                "  return String(kind).includes('webgl') ? null : get.call(this, kind, ...rest); };"
            )
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.foreign: list[str] = []
        origin = url.split("/")[2]
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._console)
        self.page.on("request", lambda request: self._request(request.url, origin))
        self.page.goto(url)
        self.ready()

    def _console(self, message) -> None:
        where = message.location.get("url", "")
        harmless = "_stcore/health" in where or "_stcore/host-config" in where
        if message.type == "error" and not harmless:
            self.errors.append(f"{message.text} {where}")

    def _request(self, url: str, origin: str) -> None:
        if not url.startswith(("data:", "blob:")) and url.split("/")[2] != origin:
            self.foreign.append(url)

    def ready(self) -> None:
        """Wait until the script has run and its title is there."""
        try:
            self.page.wait_for_selector("h1", timeout=120_000)
        except Exception as error:
            seen = self.page.locator("body").inner_text()
            raise AssertionError(
                f"no title appeared; the page shows: {seen[:600]!r}; errors: {self.errors}"
            ) from error
        self.page.wait_for_selector('[data-test-script-state="notRunning"]', timeout=180_000)

    def rerun(self, action) -> None:
        """Do something that makes the script run, and wait until that run is over."""
        before = self.page.evaluate(COUNT_RUNS)
        action()
        self.page.wait_for_function("was => window.runs > was", arg=before, timeout=120_000)

    def close(self) -> None:
        self.context.close()


@pytest.fixture
def visit(browser):
    opened: list[Visit] = []

    def start(url: str, **settings) -> Visit:
        opened.append(Visit(browser, url, **settings))
        return opened[-1]

    yield start
    for each in opened:
        each.close()
