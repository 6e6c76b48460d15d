"""The pages in a real browser: drawn, quiet, narrow enough, moving, restored by links."""

import io

import numpy as np
import pytest

from tenfma.ui.layout import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600), pytest.mark.xdist_group("browser")]

PATHS = {
    name: "" if name == "home" else file.removeprefix("pages/").removesuffix(".py")
    for name, file in PAGES.items()
}
#: the first figure of every page
FIGURE = {
    "home": "canvas.plane", "materials": ".stage canvas", "simplices": ".stage canvas", "phase": "canvas.plane",
    "drift": ".js-plotly-plot", "heat": ".js-plotly-plot", "mechanics": "canvas.plane",
    "couplings": ".stage canvas", "atlas": ".js-plotly-plot", "evidence": ".js-plotly-plot",
}  # fmt: skip


def pixels(locator) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("L"), float)


def first_figure(seen, page: str):
    found = seen.page.locator(FIGURE[page]).first
    found.wait_for(state="visible", timeout=120_000)
    seen.page.wait_for_timeout(2500)
    return found


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
    picture = pixels(first_figure(seen, page))
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


def test_player_moves_and_its_button_stops_it(server, visit):
    seen = visit(f"{server.url}/phase_space")
    canvas, player = first_figure(seen, "phase"), seen.page.locator(".player")
    one = pixels(canvas)
    seen.page.wait_for_timeout(700)
    two = pixels(canvas)
    assert np.abs(one - two).mean() > 0.05, "two frames are alike"
    seen.page.locator("button.play").click()
    seen.page.wait_for_timeout(300)
    still = player.get_attribute("data-frame")
    seen.page.wait_for_timeout(700)
    assert player.get_attribute("data-frame") == still, "the pause button does not pause"


def test_player_obeys_the_keyboard_and_reduced_motion(server, visit):
    seen = visit(f"{server.url}/phase_space", reduced=True)
    first_figure(seen, "phase")
    player = seen.page.locator(".player")
    assert player.get_attribute("data-frame") == "0", "it plays although less motion was asked for"
    slider = seen.page.locator("input.time")
    slider.focus()
    seen.page.keyboard.press("End")
    assert int(player.get_attribute("data-frame")) == int(slider.get_attribute("max"))
    seen.page.locator(".panels").focus()
    seen.page.keyboard.press("ArrowLeft")
    assert int(player.get_attribute("data-frame")) < int(slider.get_attribute("max"))
    seen.page.keyboard.press("Space")
    seen.page.wait_for_timeout(500)
    assert "❚❚" in seen.page.locator("button.play").inner_text()


def test_area_is_printed(server, visit):
    seen = visit(f"{server.url}/phase_space")
    first_figure(seen, "phase")
    assert "Σ∮p dq: 0.1" in seen.page.locator(".values").inner_text()


def test_camera_survives_a_rerun_and_a_new_crystal_resets_it(server, visit):
    seen = visit(f"{server.url}/materials")
    first_figure(seen, "materials")
    box = seen.page.locator(".crystal")
    start = box.get_attribute("data-view")
    seen.page.locator(".stage").focus()
    for _ in range(4):
        seen.page.keyboard.press("ArrowRight")
    turned = box.get_attribute("data-view")
    assert turned != start
    seen.page.get_by_text("Element symbols in the picture").click()
    seen.page.wait_for_timeout(2500)
    seen.ready()
    assert box.get_attribute("data-view") == turned, "a rerun moved the camera"


def test_clicked_atom_reaches_python(server, visit):
    seen = visit(f"{server.url}/materials?crystal=diamond")
    stage = seen.page.locator(".stage")
    first_figure(seen, "materials")
    picture = pixels(stage)
    ground = np.median(picture)
    ys, xs = np.nonzero(np.abs(picture - ground) > 60)
    order = np.argsort(np.abs(ys - ys.mean()) + np.abs(xs - xs.mean()))
    box = stage.bounding_box()
    for k in order[:: max(1, len(order) // 25)]:
        seen.page.mouse.click(float(box["x"] + xs[k]), float(box["y"] + ys[k]))
        seen.page.wait_for_timeout(900)
        if seen.page.get_by_test_id("stDataFrame").count() > 1:
            return
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
    assert "crystal=diamond" in seen.page.url
    assert holds(seen, "C (diamond")


def test_clicked_cell_of_the_heat_map_shows_the_pair(server, visit):
    seen = visit(f"{server.url}/couplings?subject=coupled-oscillators")
    seen.page.locator(".js-plotly-plot .heatmaplayer").first.wait_for(timeout=120_000)
    box = seen.page.locator(".js-plotly-plot:has(.heatmaplayer) .nsewdrag").first.bounding_box()
    seen.page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
    assert holds(seen, "Pair q1 – q2")
    assert "partner=1" in seen.page.url


def test_energy_flow_moves_and_stops(server, visit):
    seen = visit(f"{server.url}/couplings?subject=coupled-oscillators")
    picture = seen.page.locator(".player.single")
    picture.locator("canvas.plane").wait_for(state="visible", timeout=120_000)
    picture.scroll_into_view_if_needed()
    seen.page.wait_for_timeout(1500)
    one = picture.get_attribute("data-frame")
    seen.page.wait_for_timeout(900)
    assert picture.get_attribute("data-frame") != one, "the flow stands still"
    picture.locator("button.play").click()
    seen.page.wait_for_timeout(300)
    still = picture.get_attribute("data-frame")
    seen.page.wait_for_timeout(700)
    assert picture.get_attribute("data-frame") == still


def test_next_step_of_a_lesson_sets_the_page(server, visit):
    seen = visit(f"{server.url}/heat?potential=harmonic&mass=1.0&lesson=bath&step=1")
    seen.page.get_by_role("link", name="Next").click()
    assert holds(seen, "step 2 of 3")
    seen.ready()
    assert "mass=4.0" in seen.page.url
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
    window.wait_for_timeout(2500)
    assert pixels(window.locator("canvas").first).std() > 4
    assert not errors
    assert not [url for url in asked if url.startswith("http")]
    window.close()


def restarted(server, seen):
    """The same address, a new process: what was open in browsers is gone from memory."""
    server.process.kill()
    server.process.wait(timeout=30)
    server.start()
    seen.page.wait_for_timeout(3000)
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
    slider.press("ArrowRight")
    seen.page.wait_for_timeout(3000)
    seen.ready()
    assert float(slider.input_value()) > value, "the first change was lost"
    assert "mass=4" in seen.page.url, "the restart lost what was chosen"
    assert "potential=harmonic" in seen.page.url


def test_choices_follow_the_language(server, visit):
    seen = visit(f"{server.url}/phase_space?system=kepler")
    for button, name in (("中文", "开普勒问题"), ("English", "Kepler problem")):
        seen.page.get_by_text(button, exact=True).first.click()
        assert holds(seen, name)
        assert "system=kepler" in seen.page.url


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
    before = seen.page.locator(".crystal").get_attribute("data-view")
    chosen_file(seen, f"{HOSTILE}.cif", f"data_{HOSTILE}\n_cell_length_a 4\n".encode())
    seen.page.get_by_test_id("stAlert").first.wait_for(timeout=60_000)
    assert seen.page.evaluate("window.harmed") is None
    assert seen.page.locator(".crystal").get_attribute("data-view") == before
    assert not seen.foreign
