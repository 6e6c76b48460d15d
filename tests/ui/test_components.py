"""The browser components' files: there, small, licensed, and asking no other origin for anything."""

import re
import shutil
import subprocess

import pytest

from tenfma.site import site

STATIC = site() / "static"
OURS = ["crystal.js", "flow.js", "later.js", "playback.js", "player.js"]


@pytest.mark.parametrize(
    "name", [*OURS, "crystal.css", "player.css", "pages.css", "3Dmol-min.js", "3Dmol-LICENSE.txt", "icon.png"]
)
def test_file_is_there(name):
    assert (STATIC / name).stat().st_size > 100


def test_license_of_3dmol_is_kept():
    text = (STATIC / "3Dmol-LICENSE.txt").read_text()
    assert "University of Pittsburgh" in text
    assert "Redistribution and use" in text


@pytest.mark.parametrize("name", OURS)
def test_our_code_is_small_and_asks_no_other_origin(name):
    text = (STATIC / name).read_text(encoding="utf-8")
    assert len(text) < 30_000
    assert not re.search(r"https?://", text)
    for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "document.write", "Function("):
        assert danger not in text, f"{danger}: data must never become markup or code"
    assert "prefers-reduced-motion" in text or name != "playback.js", "what moves by itself must ask"


@pytest.mark.parametrize("name", OURS)
def test_our_code_parses(name, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so the components' syntax is not checked")
    module = tmp_path / name.replace(".js", ".mjs")
    module.write_text((STATIC / name).read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run([node, "--check", str(module)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_pages_render_no_html_of_users():
    for path in [site() / "app.py", *(site() / "pages").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert "unsafe_allow" not in text
        assert "st.html" not in text
