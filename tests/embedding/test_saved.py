"""A model's folder that was edited, damaged or put together from two models is refused in one sentence, and quickly."""

import json
import shutil
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import tenfma
from tenfma.cli import run
from tenfma.embedding.saved import FINGERPRINT, write_settings
from tenfma.errors import TenfmaError
from tenfma.site import assets

HUGE = 10**9


def copied(kind, name, tmp_path):
    folder = tmp_path / name
    shutil.copytree(assets() / kind / name, folder)
    return folder


def edited(folder, change, sealed=False):
    """Change the settings; without their fingerprint, so that every value must be looked at by itself."""
    path = folder / "model.json"
    held = json.loads(path.read_text())
    if not sealed:
        held.pop(FINGERPRINT)
    held = change(held) or held
    path.write_text(json.dumps(held))
    return folder


def put(*place):
    """A change that puts the last value at a place."""
    *path, last, value = place

    def change(held):
        for step in path:
            held = held[step]
        if value is None and isinstance(held, dict):
            del held[last]
        else:
            held[last] = value

    return change


def refused(folder):
    begun = time.process_time()
    with pytest.raises(TenfmaError) as told:
        tenfma.load(str(folder))
    assert time.process_time() - begun < 5.0
    message = str(told.value)
    assert "\n" not in message and len(message) < 500 and "Error" not in message
    return message


FORCES = {
    "no cutoff": put("cutoff", None),
    "cutoff zero": put("cutoff", "0"),
    "cutoff not a number": put("cutoff", "nan"),
    "cutoff number": put("cutoff", 5.2),
    "described cutoff negative": put("body_order", "cutoff", -5.2),
    "described cutoff NaN": put("body_order", "cutoff", float("nan")),
    "described cutoff huge": put("body_order", "cutoff", 1e9),
    "cutoffs differ": put("body_order", "cutoff", 5.0),
    "lmax -1": put("body_order", "invariants", "lmax", -1),
    "lmax huge": put("body_order", "invariants", "lmax", HUGE),
    "lmax text": put("body_order", "invariants", "lmax", "5"),
    "lmax other": put("body_order", "invariants", "lmax", 4),
    "radial huge": put("body_order", "invariants", "radial", HUGE),
    "degrees huge": put("body_order", "invariants", "degrees", [900, 900, 900, 900]),
    "degrees empty": put("body_order", "invariants", "degrees", []),
    "degrees five": put("body_order", "invariants", "degrees", [16, 16, 15, 13, 12]),
    "degree_l zero": put("body_order", "invariants", "degree_l", 0),
    "channels huge": put("body_order", "invariants", "channels", HUGE),
    "no invariants": put("body_order", "invariants", None),
    "invariants a list": put("body_order", "invariants", [1]),
    "another element": put("body_order", "elements", [42]),
    "element 200": put("body_order", "elements", [200]),
    "element text": put("body_order", "elements", ["Si"]),
    "embedding ragged": put("body_order", "embedding", [[1.0], [1.0, 2.0]]),
    "embedding other": put("body_order", "embedding", [[2.0]]),
    "strange key": put("colour", "blue"),
    "trained maybe": put("trained", "maybe"),
    "seed negative": put("seed", -1),
    "confinement NaN": put("confinement", float("nan")),
    "confinement huge": put("confinement", 10**400),
    "no channels": put("channels", None),
    "channels without bonds": put("channels", "bonds", None),
    "channel irreps": put("channels", "atoms", 0, "irreps", "999999999e"),
    "channel flip": put("channels", "atoms", 0, "flip", 0),
    "channel gone": put("channels", "bonds", []),
    "a list": lambda held: [held],
    "a number": lambda held: 3,
    "nothing": lambda held: {"name": "x"},
}


@pytest.mark.parametrize("case", FORCES)
def test_settings_of_a_force_model_that_fit_nothing_are_refused(case, tmp_path):
    refused(edited(copied("models", "Si", tmp_path), FORCES[case]))


PROPERTIES = {
    "no heads": put("heads", None),
    "empty heads": put("heads", []),
    "head NaN": put("heads", 0, "mean", float("nan")),
    "scale zero": put("heads", 0, "scale", 0.0),
    "blend short": put("heads", 0, "blend", [1.0]),
    "scores fall": put("heads", 0, "scores", [2.0, 1.0]),
    "link unknown": put("heads", 0, "link", "debye"),
    "members none": put("members", 0),
    "members huge": put("members", HUGE),
    "members fewer": put("members", 1),
    "channels huge": put("size", "channels", HUGE),
    "channels wide": put("size", "channels", 4096),
    "hidden wide": put("size", "hidden", 4096),
    "rounds huge": put("size", "rounds", HUGE),
    "dropout": put("size", "dropout", float("nan")),
    "size missing": put("size", "scalars", None),
    "method unknown": put("motion", "method", "teleport"),
    "dt NaN": put("motion", "dt", float("nan")),
    "steps endless": put("motion", "steps", HUGE),
    "p0": put("motion", "p0", "random"),
    "energy beyond": put("energy", 99),
    "static other": put("static", ["a"]),
    "domain element": put("domain", "elements", ["Si", "Xx"]),
    "domain gone": put("domain", None),
}


@pytest.mark.parametrize("case", PROPERTIES)
def test_settings_of_a_property_model_that_fit_nothing_are_refused(case, tmp_path):
    refused(edited(copied("properties", "binaries", tmp_path), PROPERTIES[case]))


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, '{"kind": NaN', "\x00\xff", '{"a": 1e5000}', "not json"]
)
def test_settings_that_are_no_json_are_refused(text, tmp_path):
    folder = copied("models", "Cu", tmp_path)
    (folder / "model.json").write_text(text, encoding="latin-1")
    refused(folder)


def test_an_edit_by_hand_is_found_by_the_fingerprint_and_another_name_is_not(tmp_path):
    folder = edited(copied("models", "Cu", tmp_path), put("name", "my copper"), sealed=True)
    assert tenfma.load(str(folder)).name == "my copper"
    assert "edited" in refused(edited(folder, put("confinement", 2.0), sealed=True))


@pytest.mark.parametrize(("kind", "one", "other"), [("models", "Si", "Mo"), ("models", "Cu", "MoNbTaW")])
def test_weights_of_another_model_are_refused(kind, one, other, tmp_path):
    folder = copied(kind, one, tmp_path)
    shutil.copy(assets() / kind / other / "weights.safetensors", folder)
    refused(folder)


def spoilt(folder, change):
    """Change the weights, sealed again as if they had been trained so."""
    path = folder / "weights.safetensors"
    held = load_file(path)
    change(held)
    save_file(held, path)
    settings = json.loads((folder / "model.json").read_text())
    settings.pop(FINGERPRINT)
    write_settings(settings, folder)
    return folder


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("kind", "name", "key"),
    [
        ("models", "Cu", "potential.weights"),
        ("models", "Cu", "log_mass.atoms"),
        ("properties", "binaries", "kernels.weights"),
        ("properties", "binaries", "members.0.cell.0.weight"),
    ],
)
def test_weights_that_are_not_finite_are_refused(kind, name, key, value, tmp_path):
    def change(held):
        held[key].view(-1)[0] = value

    assert "not finite" in refused(spoilt(copied(kind, name, tmp_path), change))


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("models", "Cu", lambda held: held.pop("potential.offsets")),
        ("models", "Cu", lambda held: held.update({"more": torch.zeros(3)})),
        ("models", "Cu", lambda held: held.update({"potential.weights": torch.zeros(1, 7)})),
        ("models", "Cu", lambda held: held.update({"potential.weights": torch.zeros(1)})),
        ("models", "Cu", lambda held: held["potential.embedding"].add_(1.0)),
        ("models", "Cu", lambda held: held["lift.ranks.bonds.scale"].mul_(2.0)),
        ("models", "Cu", lambda held: held["log_mass.atoms"].add_(1e3)),
        ("properties", "binaries", lambda held: held.pop("members.0.log_mass")),
        ("properties", "binaries", lambda held: held.pop("kernels.mean")),
        ("properties", "binaries", lambda held: held.update({"kernels.rows": torch.zeros(2, 2)})),
        ("properties", "binaries", lambda held: held.update({"trees.0.0.left": torch.zeros(3, dtype=int)})),
    ],
)
def test_weights_that_do_not_fit_are_refused(kind, name, change, tmp_path):
    refused(spoilt(copied(kind, name, tmp_path), change))


def test_trees_whose_branches_run_in_circles_are_not_sound():
    from tenfma.embedding.trees import randomised

    rng = np.random.default_rng(0)
    trees = randomised(rng.normal(size=(40, 3)), rng.normal(size=40), 0, trees=2)
    assert trees.sound(3) and not trees.sound(1)
    trees.left[0] = 0
    assert not trees.sound(3)


@pytest.mark.parametrize("text", [b"", b"\x80\x04pickle", b"\xff" * 64])
def test_a_file_that_holds_no_weights_is_refused(text, tmp_path):
    folder = copied("models", "Cu", tmp_path)
    (folder / "weights.safetensors").write_bytes(text)
    refused(folder)
    (folder / "weights.safetensors").unlink()
    assert "missing" in refused(folder)


def test_an_untrained_model_comes_back_and_its_sizes_are_not_believed(tmp_path):
    model = tenfma.load("untrained:3")
    model.save(tmp_path / "own")
    again = tenfma.load(str(tmp_path / "own"))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    channel = {
        "name": "x",
        "unit": "1",
        "irreps": "0e",
        "flip": 1,
        "smooth": True,
        "source": "",
        "labels": [],
    }
    refused(edited(tmp_path / "own", lambda held: held["channels"]["atoms"].extend([channel] * 400)))


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "MODEL", "--data", "FRAMES"],
        ["md", "prototype:A4", "--model", "MODEL", "--out", "OUT.traj"],
        ["relax", "prototype:A4", "--model", "MODEL", "--out", "OUT.cif"],
        ["explain", "prototype:A4", "--model", "MODEL", "--out", "OUT.json"],
        ["embed", "prototype:A4", "--model", "MODEL", "--out", "OUT.csv"],
        ["evolve", "prototype:A4", "--model", "MODEL", "--out", "OUT.npz"],
        ["certify", "MODEL", "--structure", "prototype:A4", "--json", "OUT.json"],
    ],
)
def test_every_command_refuses_such_a_folder(command, tmp_path, capsys):
    folder = edited(copied("models", "Si", tmp_path), put("body_order", "invariants", "lmax", -1))
    (tmp_path / "frames.extxyz").write_text('1\nenergy=-1.0 pbc="F F F"\nSi 0 0 0\n')
    names = {"MODEL": str(folder), "FRAMES": str(tmp_path / "frames.extxyz")}
    words = [names.get(word, word.replace("OUT", str(tmp_path / "out"))) for word in command]
    assert run(words) == 2
    said = capsys.readouterr().err
    assert "lmax" in said and said.count("\n") == 1 and "Traceback" not in said
    assert not list(tmp_path.glob("out*"))
