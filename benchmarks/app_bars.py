"""The app's bars in a headless browser: each figure beside what is asked of it.

    python benchmarks/app_bars.py [--json bars.json] [--screens FOLDER]

Times are of this machine and this moment; on a busy one they say little. With --screens, pictures of every page are
written, light and dark, 1280 and 390 wide, in both languages.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tenfma.ui.layout import PAGES

ROOT = Path(__file__).parents[1]
FLAGS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
FIGURE = {
    "drift": ".js-plotly-plot",
    "heat": ".js-plotly-plot",
    "materials": ".stage canvas",
    "simplices": ".stage canvas",
    "couplings": ".stage canvas",
    "atlas": ".js-plotly-plot",
    "evidence": ".js-plotly-plot",
}
PATHS = {
    name: "" if name == "home" else file.removeprefix("pages/").removesuffix(".py")
    for name, file in PAGES.items()
}


def serve() -> tuple[subprocess.Popen, str]:
    """A fresh server, answering."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    url = f"http://localhost:{port}"
    for _ in range(400):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2)
            return process, url
        except OSError:
            time.sleep(0.25)
    raise RuntimeError("the app does not answer")


def picture(page: Page, name: str) -> None:
    """Wait for the page's first figure."""
    page.locator(FIGURE.get(name, "canvas.plane")).first.wait_for(state="visible", timeout=180_000)


def idle(page: Page) -> None:
    page.wait_for_selector('[data-test-script-state="notRunning"]', timeout=180_000)


def cold_and_warm(browser, rows: list) -> None:
    """First figure on a fresh server, page by page, and again inside the running app."""
    for name in PAGES:
        process, url = serve()
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        received: list[int] = []

        def count(data: bytes | str, received: list[int] = received) -> None:
            received.append(len(data))

        page.on("websocket", lambda opened, count=count: opened.on("framereceived", count))
        begun = time.perf_counter()
        page.goto(f"{url}/{PATHS[name]}")
        picture(page, name)
        rows.append(
            (f"first picture, cold: {name}", time.perf_counter() - begun, 3.0 if name == "home" else 6.0, "s")
        )
        idle(page)
        rows.append((f"data sent: {name}", sum(received) / 1e6, 2.0, "MB"))
        begun = time.perf_counter()
        page.reload()
        picture(page, name)
        rows.append((f"first picture, inside the app: {name}", time.perf_counter() - begun, 2.5, "s"))
        context.close()
        process.terminate()
        process.wait()


def slider(browser, url: str, rows: list) -> None:
    """From a key on a slider to changed data."""
    page = browser.new_page()
    page.goto(f"{url}/heat")
    picture(page, "heat")
    idle(page)
    handle = page.get_by_role("slider").first
    times = []
    for _ in range(9):
        before = page.locator("[class*=st-key-notice-]").first.inner_text()
        begun = time.perf_counter()
        handle.press("ArrowRight")
        page.wait_for_function(
            "was => document.querySelector('[class*=st-key-notice-]').innerText !== was",
            arg=before,
            timeout=60_000,
        )
        times.append(time.perf_counter() - begun)
    rows.append(("slider to changed data, median", statistics.median(times), 0.7, "s"))
    page.close()


def frames(browser, url: str, rows: list) -> None:
    """Frames per second of the player, as it counts them itself."""
    page = browser.new_page()
    page.goto(f"{url}/phase_space")
    picture(page, "phase")
    idle(page)
    seen = []
    for _ in range(6):
        page.wait_for_timeout(1100)
        seen.append(float(page.locator(".player").get_attribute("data-fps") or 0))
    rows.append(("player, frames/s", statistics.median(seen), 45.0, "1/s"))
    page.close()


def screens(browser, url: str, folder: Path) -> None:
    """Pictures of every page."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in PATHS.items():
        for width, height in ((1280, 1000), (390, 844)):
            for scheme in ("light", "dark"):
                for language in ("en", "zh"):
                    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                    page.goto(f"{url}/{path}?lang={language}")
                    picture(page, name)
                    idle(page)
                    page.wait_for_timeout(2500)
                    page.screenshot(path=folder / f"{name}-{width}-{scheme}-{language}.png")
                    page.close()


def main() -> None:
    """Print every bar; exit code 1 where one is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--screens", type=Path)
    asked = parser.parse_args()
    rows: list[tuple[str, float, float, str]] = []
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=FLAGS)
        if asked.screens is None:
            cold_and_warm(browser, rows)
        process, url = serve()
        if asked.screens is None:
            slider(browser, url, rows)
            frames(browser, url, rows)
        else:
            screens(browser, url, asked.screens)
        process.terminate()
        browser.close()
    missed = 0
    for name, value, bar, unit in rows:
        good = value >= bar if unit == "1/s" else value <= bar
        missed += not good
        verdict, sign = "ok    " if good else "MISSED", "≥" if unit == "1/s" else "≤"
        print(f"{verdict} {name:44s} {value:8.2f} {unit:4s} (bar {sign} {bar:g})")
    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if asked.json:
        asked.json.write_text(
            json.dumps([dict(zip(("name", "value", "bar", "unit"), row)) for row in rows], indent=1)
        )
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
