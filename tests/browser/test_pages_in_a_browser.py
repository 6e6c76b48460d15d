"""The pages in a real browser: drawn, quiet, narrow enough, moving, restored by links."""

import io
import time
from functools import partial

import numpy as np
import pytest

from tenfma.ui.layout import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600), pytest.mark.xdist_group("browser")]

PATHS = {
    name: "" if name == "home" else file.removeprefix("pages/").removesuffix(".py")
    for name, file in PAGES.items()
}
CRYSTAL = ".crystal[data-drawn='3d'][aria-busy='false']"
#: the first figure of every page, and what it matches once it is drawn
FIGURE = {
    "home": "canvas.plane", "materials": ".stage canvas", "simplices": ".stage canvas", "phase": "canvas.plane",
    "drift": ".js-plotly-plot", "heat": ".js-plotly-plot", "mechanics": "canvas.plane",
    "couplings": ".stage canvas", "atlas": ".js-plotly-plot", "evidence": ".js-plotly-plot",
}  # fmt: skip
DRAWN = {
    "canvas.plane": ".player[data-frame]",
    ".stage canvas": CRYSTAL,
    ".js-plotly-plot": ".js-plotly-plot .main-svg",
}


def until(condition, what: str, seconds: float = 60) -> None:
    """Wait for something to become true; on a busy machine nothing has a time of its own."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def pixels(locator) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("L"), float)


def drawn_pixels(locator) -> np.ndarray:
    """Pixels of a figure as soon as there is something on it, or after a while what there is."""
    for _ in range(20):
        found = pixels(locator)
        if found.std() > 4:
            break
        time.sleep(0.5)
    return found


def first_figure(seen, page: str):
    """The page's first figure, drawn."""
    found = seen.page.locator(FIGURE[page]).first
    found.wait_for(state="visible", timeout=120_000)
    seen.page.locator(DRAWN[FIGURE[page]]).first.wait_for(timeout=120_000)
    return found


def view(seen) -> str:
    """The crystal's camera at rest: drawn, none awaited, and the same two frames later."""
    box = seen.page.locator(CRYSTAL)
    box.wait_for(timeout=60_000)
    while True:
        one = box.get_attribute("data-view")
        seen.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        box.wait_for(timeout=60_000)
        if box.get_attribute("data-view") == one:
            return one


def holds(seen, text: str) -> bool:
    """Whether the page shows a text, in words or in one of its controls, within a minute."""
    look = """text => document.body.innerText.includes(text)
        || [...document.querySelectorAll('input')].some(input => input.value.includes(text))"""
    try:
        seen.page.wait_for_function(look, arg=text, timeout=60_000)
    except Exception as error:
        if type(error).__name__ != "TimeoutError":
            raise
        return False
    return True


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_page_is_drawn_quietly_and_from_its_own_origin(server, visit, page, dark):
    seen = visit(f"{server.url}/{PATHS[page]}", dark=dark)
    picture = drawn_pixels(first_figure(seen, page))
    assert picture.std() > 4, "the figure is blank"
    ground = np.median(picture)
    assert (ground < 100) == dark, "the figure does not follow the theme"
    assert not seen.foreign
    assert not seen.errors


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", PAGES)
def test_page_fits_a_narrow_screen(server, visit, page, language):
    seen = visit(f"{server.url}/{PATHS[page]}?lang={language}", width=390, height=844)
    figure = first_figure(seen, page)
    wide = seen.page.evaluate(
        "Math.max(document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth)"
    )
    assert wide <= 390, "the page overflows sideways"
    assert figure.bounding_box()["y"] < 844, "the first figure is below the first screen"


def stops(player, button) -> None:
    """A player that runs, and whose button stops it."""
    frame = partial(player.get_attribute, "data-frame")
    until(frame, "a first frame")
    one = frame()
    until(lambda: frame() != one, "another frame")
    button.click()
    until(lambda: button.get_attribute("aria-pressed") == "false", "the button to be up")
    still = frame()
    time.sleep(0.7)
    assert frame() == still, "the pause button does not pause"


def test_player_moves_and_its_button_stops_it(server, visit):
    seen = visit(f"{server.url}/phase_space")
    canvas, player = first_figure(seen, "phase"), seen.page.locator(".player")
    one, at = drawn_pixels(canvas), int(player.get_attribute("data-frame"))
    until(lambda: abs(int(player.get_attribute("data-frame")) - at) > 5, "five more frames")
    assert np.abs(one - pixels(canvas)).mean() > 0.05, "two frames are alike"
    stops(player, seen.page.locator("button.play"))


def test_player_obeys_the_keyboard_and_reduced_motion(server, visit):
    seen = visit(f"{server.url}/phase_space", reduced=True)
    first_figure(seen, "phase")
    player = seen.page.locator(".player")

    def frame() -> int:
        return int(player.get_attribute("data-frame"))

    assert frame() == 0, "it plays although less motion was asked for"
    slider = seen.page.locator("input.time")
    slider.focus()
    seen.page.keyboard.press("End")
    last = int(slider.get_attribute("max"))
    until(lambda: frame() == last, "the last frame")
    seen.page.locator(".panels").focus()
    seen.page.keyboard.press("ArrowLeft")
    until(lambda: frame() < last, "an earlier frame")
    seen.page.keyboard.press("Space")
    until(lambda: "❚❚" in seen.page.locator("button.play").inner_text(), "the button to say pause")


def test_area_is_printed(server, visit):
    seen = visit(f"{server.url}/phase_space")
    first_figure(seen, "phase")
    until(lambda: "Σ∮p dq: 0.1" in seen.page.locator(".values").inner_text(), "the patch's area")


def test_camera_survives_a_rerun_and_a_new_crystal_resets_it(server, visit):
    seen = visit(f"{server.url}/materials")
    first_figure(seen, "materials")
    box = seen.page.locator(".crystal")

    def shown() -> int:
        return int(box.get_attribute("data-scenes"))

    start = view(seen)
    seen.page.locator(".stage").focus()
    for _ in range(4):
        seen.page.keyboard.press("ArrowRight")
    turned = view(seen)
    assert turned != start
    before = shown()
    seen.page.get_by_text("Element symbols in the picture").click()
    until(lambda: shown() > before, "the picture with symbols")
    assert view(seen) == turned, "a rerun moved the camera"
    before = shown()
    seen.page.get_by_role("slider").first.press("ArrowRight")
    until(lambda: shown() > before, "the picture of more cells")
    assert view(seen) != turned, "another picture kept the camera"


def test_clicked_atom_reaches_python(server, visit):
    seen = visit(f"{server.url}/materials?crystal=diamond")
    stage = seen.page.locator(".stage")
    first_figure(seen, "materials")
    tables = seen.page.get_by_test_id("stDataFrame")
    before = tables.count()
    picture = drawn_pixels(stage)
    ground = np.median(picture)
    ys, xs = np.nonzero(np.abs(picture - ground) > 60)
    order = np.argsort(np.abs(ys - ys.mean()) + np.abs(xs - xs.mean()))
    box = stage.bounding_box()
    for k in order[:: max(1, len(order) // 25)]:
        seen.page.mouse.click(float(box["x"] + xs[k]), float(box["y"] + ys[k]))
        try:
            until(lambda: tables.count() > before, "the atom's row", 4)
            return
        except AssertionError:
            continue
    pytest.fail("no click on an atom came through")


def test_without_webgl_words_stand_in_the_picture(server, visit):
    seen = visit(f"{server.url}/materials", no_webgl=True)
    seen.page.locator(".crystal .words").wait_for(state="visible", timeout=60_000)
    assert "WebGL" in seen.page.locator(".crystal .words").inner_text()
    assert not seen.errors


@pytest.mark.parametrize("language", ["en", "zh"])
def test_deep_links_on_a_fresh_server(fresh_server, visit, language):
    for path, shown in (
        ("heat?potential=harmonic&mass=4", "4.00"),
        ("energy_drift?system=kepler", {"en": "Kepler problem", "zh": "开普勒问题"}[language]),
        ("materials?crystal=diamond", "C (diamond"),
    ):
        seen = visit(f"{fresh_server.url}/{path}&lang={language}")
        assert holds(seen, shown), f"{path} does not show {shown}"
        assert f"lang={language}" in seen.page.url or language == "en"


def test_language_follows_the_browser_and_the_toggle(server, visit):
    seen = visit(server.url, locale="zh-CN")
    assert seen.page.locator("h1").inner_text() == "透明盒中的晶体"
    seen.page.get_by_role("radio", name="English").or_(
        seen.page.get_by_text("English", exact=True)
    ).first.click()
    seen.page.wait_for_function("document.querySelector('h1')?.innerText.includes('glass')", timeout=30_000)


def test_links_carry_the_crystal(server, visit):
    seen = visit(f"{server.url}/materials?crystal=diamond")
    seen.page.get_by_role("link", name="Simplices", exact=True).click()
    seen.page.wait_for_function("document.querySelector('h1')?.innerText === 'Simplices'", timeout=60_000)
    seen.ready()
    assert holds(seen, "C (diamond")
    until(lambda: "crystal=diamond" in seen.page.url, "the crystal in the address")


def test_clicked_cell_of_the_heat_map_shows_the_pair(server, visit):
    seen = visit(f"{server.url}/couplings?subject=coupled-oscillators")
    seen.page.locator(".js-plotly-plot .heatmaplayer").first.wait_for(timeout=120_000)
    box = seen.page.locator(".js-plotly-plot:has(.heatmaplayer) .nsewdrag").first.bounding_box()
    seen.page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
    assert holds(seen, "Pair q1 – q2")
    until(lambda: "partner=1" in seen.page.url, "the pair in the address")


def test_on_the_map_a_click_chooses_an_entry_and_a_loop_lists_what_is_in_it(server, visit):
    seen = visit(f"{server.url}/embedding_map")
    first_figure(seen, "atlas")
    page = seen.page
    heading = page.get_by_role("heading", level=3).first
    heading.get_by_text("Nearest to MgO").wait_for(timeout=120_000)
    dot = page.locator(".scatterlayer .trace path.point").nth(4000).bounding_box()
    for _ in range(10):  # while the chart is drawn anew a click is lost
        page.mouse.move(dot["x"] + 40, dot["y"] + 40)
        page.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
        page.wait_for_timeout(1000)
        page.mouse.down()
        page.mouse.up()
        page.wait_for_timeout(3000)
        if "entry=" in page.url:
            break
    assert "entry=" in page.url, "the clicked entry is not in the address"
    page.wait_for_function("!document.querySelector('h3').innerText.includes('MgO')", timeout=60_000)
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    left, top, size = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["height"] / 8
    page.locator("[data-val=lasso]:visible").last.click()
    page.mouse.move(left, top)
    page.mouse.down()
    for across, down in ((1, 0), (1, 1), (0, 1), (0, 0.1)):
        page.mouse.move(left + across * size, top + down * size, steps=4)
    page.mouse.up()
    heading.get_by_text("Selected").wait_for(timeout=60_000)


def test_a_control_whose_code_comes_late_shows_its_value(server, browser):
    page = browser.new_page()
    held = []
    page.route("**/static/js/NumberInput*.js", lambda route: held.append(route))
    page.goto(f"{server.url}/embedding_map?neighbours=7")
    page.get_by_role("heading", level=3).first.get_by_text("Nearest to MgO").wait_for(timeout=120_000)
    assert held, "the browser fetches that code under another name"
    for each in held:
        each.continue_()
    control = page.get_by_role("spinbutton")
    control.wait_for(timeout=60_000)
    page.wait_for_timeout(1000)
    assert control.input_value() == "7"
    page.close()


def test_energy_flow_moves_and_stops(server, visit):
    seen = visit(f"{server.url}/couplings?subject=coupled-oscillators")
    picture = seen.page.locator(".player.single")
    picture.locator("canvas.plane").wait_for(state="visible", timeout=120_000)
    picture.scroll_into_view_if_needed()
    stops(picture, picture.locator("button.play"))


def test_next_step_of_a_lesson_sets_the_page(server, visit):
    seen = visit(f"{server.url}/heat?potential=harmonic&mass=1.0&lesson=bath&step=1")
    seen.page.get_by_role("link", name="Next").click()
    assert holds(seen, "step 2 of 3")
    until(lambda: "mass=4.0" in seen.page.url, "the step's mass in the address")
    assert not seen.errors


def test_a_crystal_saved_as_one_file_draws_without_a_server(browser, tmp_path):
    from tenfma.crystal import structures
    from tenfma.viz.bonds import near_bonds
    from tenfma.viz.export import page
    from tenfma.viz.scenes import crystal_scene

    structure = structures.read("prototype:diamond")
    file = tmp_path / "diamond.html"
    file.write_text(page(crystal_scene(structure, near_bonds(structure)), "C <b>"), encoding="utf-8")
    window = browser.new_page()
    asked, errors = [], []
    window.on("request", lambda request: asked.append(request.url))
    window.on("pageerror", lambda error: errors.append(str(error)))
    window.goto(file.as_uri())
    assert drawn_pixels(window.locator("canvas").first).std() > 4
    assert not errors
    assert not [url for url in asked if url.startswith("http")]
    window.close()


def restarted(server, seen):
    """The same address, a new process: what was open in browsers is gone from memory."""
    server.process.kill()
    server.process.wait(timeout=30)
    state = "document.querySelector('.stApp').dataset.testConnectionState !== 'CONNECTED'"
    seen.page.wait_for_function(state, timeout=60_000)
    server.start()
    seen.page.wait_for_selector('[data-test-connection-state="CONNECTED"]', timeout=120_000)


def test_a_page_recovers_when_its_server_was_killed_and_restarted(fresh_server, visit):
    seen = visit(f"{fresh_server.url}/phase_space?system=kepler")
    first_figure(seen, "phase")
    restarted(fresh_server, seen)
    seen.page.get_by_text("中文", exact=True).first.click()
    assert holds(seen, "相空间")
    seen.ready()
    assert "system=kepler" in seen.page.url, "the restart lost what was chosen"
    assert holds(seen, "开普勒问题")
    assert seen.page.locator("canvas.plane").first.is_visible()
    assert seen.page.get_by_test_id("stException").count() == 0


def test_the_first_move_of_a_slider_after_a_restart_counts(fresh_server, visit):
    seen = visit(f"{fresh_server.url}/heat?potential=harmonic&mass=4")
    first_figure(seen, "heat")
    slider = seen.page.get_by_role("slider").first
    value = float(slider.input_value())
    restarted(fresh_server, seen)
    seen.rerun(lambda: slider.press("ArrowRight"))
    seen.ready()
    assert float(slider.input_value()) > value, "the first change was lost"
    assert "mass=4" in seen.page.url, "the restart lost what was chosen"
    assert "potential=harmonic" in seen.page.url


def test_choices_follow_the_language(server, visit):
    seen = visit(f"{server.url}/phase_space?system=kepler")
    for button, name in (("中文", "开普勒问题"), ("English", "Kepler problem")):
        seen.page.get_by_text(button, exact=True).first.click()
        assert holds(seen, name)
        until(lambda: "system=kepler" in seen.page.url, "the system in the address")


HOSTILE = "<img src=x onerror=window.harmed=1>"


def chosen_file(seen, name: str, content: bytes) -> None:
    seen.page.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": content}
    )


def test_a_file_above_5_mb_is_refused_in_words(server, visit):
    seen = visit(f"{server.url}/materials")
    first_figure(seen, "materials")
    chosen_file(seen, "large.cif", b"#" * 6_000_000)
    assert holds(seen, "5.0MB")
    assert seen.page.locator(".crystal").get_attribute("data-drawn") == "3d"


def test_a_hostile_file_becomes_text_and_nothing_else(server, visit):
    seen = visit(f"{server.url}/materials")
    first_figure(seen, "materials")
    before = view(seen)
    chosen_file(seen, f"{HOSTILE}.cif", f"data_{HOSTILE}\n_cell_length_a 4\n".encode())
    seen.page.get_by_test_id("stAlert").first.wait_for(timeout=60_000)
    assert seen.page.evaluate("window.harmed") is None
    assert view(seen) == before
    assert not seen.foreign
