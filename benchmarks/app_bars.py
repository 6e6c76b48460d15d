"""The app's bars in a headless browser: each figure beside what is asked of it.

    python benchmarks/app_bars.py [--only cold,slider,frames,crowd,command] [--json bars.json] [--screens FOLDER]

Times are of this machine and this moment; on a busy one they say little, so the processor time that the server has
used until a first picture stands beside it. With --screens, pictures of every page are written, light and dark, 1280
and 390 wide, in both languages.
"""

import argparse
import asyncio
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

from playwright.async_api import async_playwright
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
    "materials": ".crystal[data-drawn='3d']",
    "simplices": ".crystal[data-drawn='3d']",
    "couplings": ".crystal[data-drawn='3d']",
    "atlas": ".js-plotly-plot",
    "evidence": ".js-plotly-plot",
}
PATHS = {
    name: "" if name == "home" else file.removeprefix("pages/").removesuffix(".py")
    for name, file in PAGES.items()
}


#: pictures in assets/screenshots
README = {
    "home": ("home", (1280, 1000, "light", "en")),
    "materials": ("materials", (1280, 1000, "light", "en")),
    "couplings": ("couplings", (1280, 1000, "light", "en")),
    "energy-drift": ("drift", (1280, 1000, "light", "en")),
    "phase-space-dark": ("phase", (1280, 1000, "dark", "en")),
    "narrow-zh": ("phase", (390, 844, "light", "zh")),
}
#: how long ten pages opened at once may take, ms
OPEN = 150_000
#: how often each of ten people changes something, and on which pages by a slider
MOVES = 5
SLIDERS = ("materials", "simplices", "heat", "couplings")
#: ms between two looks at ten pages; a look at every frame would be a good part of the load itself
LOOK = 100
#: the address tells the new value and nothing runs; counting runs would miss those too short for the page to show
ANSWERED = """was => location.href !== was
    && document.querySelector('.stApp').dataset.testScriptState === 'notRunning'"""


def serve(*command: str) -> tuple[subprocess.Popen, str]:
    """A fresh server, answering: by Streamlit's command, or by another that takes --port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    plain = (
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        f"--server.port={port}",
        "--server.headless=true",
    )
    process = subprocess.Popen(
        (*command, f"--port={port}") if command else plain,
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


def used(process: subprocess.Popen) -> float:
    """Processor time of the server, s; NaN where the system does not tell."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
        begun, spent = time.perf_counter(), used(process)
        page.goto(f"{url}/{PATHS[name]}")
        picture(page, name)
        bar = 3.0 if name == "home" else 6.0
        rows.append((f"first picture, cold: {name}", time.perf_counter() - begun, bar, "s"))
        rows.append((f"  of it the server's processor time: {name}", used(process) - spent, bar, "s"))
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


def command(browser, rows: list) -> None:
    """From `tenfma app` to the home page's picture."""
    begun = time.perf_counter()
    process, url = serve(sys.executable, "-m", "tenfma", "app", "--headless")
    rows.append(("tenfma app, until it answers", time.perf_counter() - begun, 6.0, "s"))
    page = browser.new_page()
    page.goto(url)
    picture(page, "home")
    rows.append(("tenfma app, until the home page's picture", time.perf_counter() - begun, 9.0, "s"))
    page.close()
    process.terminate()
    process.wait()


async def crowd(url: str, chromium: str | None, rows: list) -> None:
    """Ten browsers at once, each on a page of its own: how long a change takes, and what went wrong."""
    times: list[float] = []
    wrong: list[str] = []

    async def person(browser, name: str) -> None:
        context = await browser.new_context(viewport={"width": 1280, "height": 900})
        page = await context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"{name}: {error}"))
        try:
            await page.goto(f"{url}/{PATHS[name]}", timeout=OPEN)
            await page.locator(FIGURE.get(name, "canvas.plane")).first.wait_for(state="visible", timeout=OPEN)
            await page.wait_for_selector('[data-test-script-state="notRunning"]', timeout=OPEN)
        finally:  # the others begin even where this page has failed
            ready.append(name)
        while len(ready) < len(PAGES):
            await asyncio.sleep(0.2)
        for move in range(MOVES):
            before = page.url
            begun = time.perf_counter()
            if name in SLIDERS:
                await page.get_by_role("slider").first.press("ArrowLeft" if move % 2 else "ArrowRight")
            else:
                await page.locator(".st-key-language button").nth(1 - move % 2).click()
            await page.wait_for_function(ANSWERED, arg=before, timeout=120_000, polling=LOOK)
            times.append(time.perf_counter() - begun)
            await asyncio.sleep(0.5)
        wrong.extend([f"{name}: an exception is shown"] * await page.get_by_test_id("stException").count())
        await context.close()

    ready: list[str] = []
    async with async_playwright() as p:
        browser = await p.chromium.launch(executable_path=chromium, args=FLAGS)
        people = await asyncio.gather(*(person(browser, name) for name in PAGES), return_exceptions=True)
        wrong.extend(f"{name}: {told}" for name, told in zip(PAGES, people) if told is not None)
        await browser.close()
    for each in wrong:
        print(each)
    rows.append((f"{len(PAGES)} browsers at once: errors", float(len(wrong)), 0.0, ""))
    if times:
        rows.append(("the same: a change, median", statistics.median(times), 3.0, "s"))
        rows.append(("the same: the slowest of " + str(len(times)), max(times), 30.0, "s"))


def shoot(browser, url: str, name: str, look: tuple[int, int, str, str], file: Path) -> None:
    """One picture of a page: width, height, light or dark, language."""
    width, height, scheme, language = look
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(f"{url}/{PATHS[name]}?lang={language}")
    picture(page, name)
    for _ in range(2):  # what lies below the first picture is asked for once that stands
        idle(page)
        page.wait_for_timeout(1500)
        page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')", timeout=120_000)
    page.screenshot(path=file)
    page.close()


def screens(browser, url: str, folder: Path) -> None:
    """Pictures of every page, and those of the README."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, (name, look) in README.items():
        shoot(browser, url, name, look, folder / f"{file}.png")
    for name in PATHS:
        for width, height in ((1280, 1000), (390, 844)):
            for scheme in ("light", "dark"):
                for language in ("en", "zh"):
                    file = folder / f"{name}-{width}-{scheme}-{language}.png"
                    shoot(browser, url, name, (width, height, scheme, language), file)


def main() -> None:
    """Print every bar; exit code 1 where one is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--screens", type=Path)
    parser.add_argument("--only", default="command,cold,slider,frames,crowd")
    asked = parser.parse_args()
    parts = asked.only.split(",")
    rows: list[tuple[str, float, float, str]] = []
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=FLAGS)
        if asked.screens is None and "command" in parts:
            command(browser, rows)
        if asked.screens is None and "cold" in parts:
            cold_and_warm(browser, rows)
        process, url = serve()
        if asked.screens is not None:
            screens(browser, url, asked.screens)
        else:
            for part, measure in (("slider", slider), ("frames", frames)):
                if part in parts:
                    measure(browser, url, rows)
        browser.close()
    if asked.screens is None and "crowd" in parts:
        asyncio.run(crowd(url, chromium, rows))
    process.terminate()
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
