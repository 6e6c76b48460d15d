"""`tenfma catalogue`: import, search, show, export, stats; one sentence on bad input."""

import json
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from ase.build import bulk
from ase.io import write

from tenfma import catalogue
from tenfma.catalogue import starter
from tenfma.catalogue.starter import load_predictions
from tenfma.cli import run


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A filled catalogue in a data folder of its own; tests add little to it."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def here(home, monkeypatch):
    monkeypatch.setenv("TENFMA_DATA_HOME", str(home))
    monkeypatch.delenv("TENFMA_DATABASE_URL", raising=False)


def printed(capsys, *arguments):
    code = run(["catalogue", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_search_lists_what_fits(capsys):
    code, out, _ = printed(
        capsys, "search", "--system", "Al-Ni", "--where", "K_vrh>=100", "--sort", "K_vrh", "--json"
    )
    found = json.loads(out)
    values = [next(v["value"] for v in e["properties"] if v["name"] == "K_vrh") for e in found]
    assert code == 0 and values == sorted(values) and values[0] >= 100
    assert {entry["chemical_system"] for entry in found} == {"Al-Ni"}
    code, out, _ = printed(capsys, "search", "quartz", "--limit", "2")
    assert code == 0 and "SiO2" in out and out.splitlines()[-1].startswith("2 of ")


def test_likeness_to_a_name_a_file_and_an_entry(capsys, tmp_path):
    write(tmp_path / "salt.cif", bulk("NaCl", "rocksalt", a=5.64), format="cif")
    for asked in ("prototype:halite", str(tmp_path / "salt.cif"), "mp-22862", "catalogue:mp-22862"):
        code, out, _ = printed(capsys, "search", "--like", asked, "--limit", "3", "--json")
        found = json.loads(out)
        assert code == 0 and "NaCl" in {entry["reduced_formula"] for entry in found}
        assert [e["distance"] for e in found] == sorted(e["distance"] for e in found)


def test_show_tells_everything_and_gives_cif(capsys):
    code, out, _ = printed(capsys, "show", "mp-2663")
    assert code == 0 and "CC BY 4.0" in out and "203.6 GPa" in out and "Materials Project" in out
    code, out, _ = printed(capsys, "show", "mp-2663", "--cif")
    assert code == 0 and out.startswith("data_Nb3Pt")
    code, out, _ = printed(capsys, "stats")
    assert code == 0 and "3,319" in out


def test_a_models_own_value_stands_beside_the_published_one(capsys, home, tmp_path, monkeypatch):
    monkeypatch.setattr(
        starter, "PREDICTIONS", "none.parquet"
    )  # the shipped table would take this one's place again
    row = {"source": "Materials Project", "identifier": "mp-2663", "property": "K_vrh", "value": 198.25}
    row |= {"lower": 181.0, "upper": 214.5, "unit": "GPa", "fold": 3, "model": "moduli-1"}
    pd.DataFrame([row]).to_parquet(tmp_path / "predictions.parquet")
    with catalogue.open() as held:
        load_predictions(held, tmp_path / "predictions.parquet")
    code, out, _ = printed(capsys, "show", "mp-2663")
    lines = out.splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("K_vrh"))
    assert code == 0 and "203.6 GPa" in lines[place]
    assert (
        "198.25 (181 to 214.5) GPa  [model: moduli-1, crystal not seen in training, fold 3]"
        in lines[place + 1]
    )
    _, out, _ = printed(capsys, "search", "mp-2663")
    assert "K_vrh model" in out and "203.6" in out and "198.2 (181 to 214)" in out
    _, out, _ = printed(
        capsys, "search", "--system", "Nb-Pt", "--where", "K_vrh>=190", "--where", "K_vrh<=200"
    )
    published = [line for line in out.splitlines() if "mp-2663" in line]
    _, out, _ = printed(
        capsys, "search", "--where", "K_vrh>=190", "--where", "K_vrh<=200", "--origin", "model"
    )
    assert published == [] and "mp-2663" in out and out.splitlines()[-1] == "1 of 1 entries"


def test_ranges_of_one_property_both_hold_and_atoms_are_counted(capsys):
    arguments = (
        "--system",
        "Al-Ni",
        "--where",
        "n_atoms<=4",
        "--where",
        "K_vrh>=100",
        "--where",
        "K_vrh<=180",
    )
    code, out, _ = printed(capsys, "search", *arguments, "--json")
    found = json.loads(out)
    assert code == 0 and found and all(entry["n_atoms"] <= 4 for entry in found)
    values = [
        v["value"] for e in found for v in e["properties"] if v["name"] == "K_vrh" and v["origin"] == "dft"
    ]
    assert all(100 <= value <= 180 for value in values)
    code, out, _ = printed(capsys, "search", "--where", "K_vrh>=200", "--where", "K_vrh<=100")
    assert code == 2


def test_ranges_have_units_and_say_which(capsys):
    code, out, err = printed(capsys, "search", "--where", "K_vrh>=3900 kbar", "--json")
    assert code == 0 and len(json.loads(out)) == 6 and err == "tenfma: K_vrh asked in kbar, held in GPa\n"
    code, out, err = printed(capsys, "search", "--where", "K_vrh>=5000")
    assert code == 0 and out == "0 of 0 entries\n" and "K_vrh is held from 0.521 to 411.017 GPa" in err


def test_search_and_export_take_the_same_filters(capsys, tmp_path):
    filters = ("--elements", "Al,Ni", "--match", "only", "--where", "K_vrh>=150 GPa", "--space-group", "Pm3m")
    code, out, _ = printed(capsys, "search", *filters, "--json")
    found = [entry["identifier"] for entry in json.loads(out)]
    assert code == 0 and found
    assert printed(capsys, "export", str(tmp_path / "out.csv"), *filters)[0] == 0
    assert pd.read_csv(tmp_path / "out.csv")["identifier"].tolist() == found
    options = [printed(capsys, name, "--help")[1] for name in ("search", "export")]
    for option in ("formula", "elements", "match", "system", "space-group", "where", "origin", "source"):
        assert all(f"--{option} " in text for text in options), option


def test_import_and_export(capsys, tmp_path):
    frames = [bulk("Cu", a=3.9 + 0.2 * step) for step in range(3)]
    for step, frame in enumerate(frames):
        frame.info.update(id=f"my-{step}", stiffness=1.5 + step)
    write(tmp_path / "mine.extxyz", frames)
    (tmp_path / "bad.cif").write_text("nothing")
    arguments = ("import", str(tmp_path), "--unit", "stiffness=GPa", "--licence", "CC0", "--source", "mine")
    code, out, err = printed(capsys, *arguments)
    assert code == 2 and "added 3" in out and "skipped 1" in out and "bad.cif" in err
    code, out, _ = printed(capsys, *arguments)
    assert "added 0" in out and "imported before 3" in out
    code, out, _ = printed(capsys, "export", str(tmp_path / "out.csv"), "--source", "mine")
    table = pd.read_csv(tmp_path / "out.csv")
    assert (
        code == 0
        and table["stiffness [GPa]"].tolist() == [1.5, 2.5, 3.5]
        and set(table["licence"]) == {"CC0"}
    )
    code, out, _ = printed(capsys, "export", str(tmp_path / "one.zip"), "--id", "my-1")
    assert code == 0 and "exported 1" in out


def test_an_entry_is_a_crystal_for_other_commands(capsys, tmp_path):
    assert run(["featurize", "catalogue:mp-2663", "--out", str(tmp_path / "f.csv")]) == 0
    assert pd.read_csv(tmp_path / "f.csv")["formula"].tolist() == ["Nb3Pt"]
    assert run(["featurize", "catalogue:mp-0", "--out", str(tmp_path / "g.csv")]) == 2
    assert "no entry 'mp-0'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["search", "--formula", "'; DROP TABLE entries; --"], "is no formula"),
        (["search", "--elements", "Qq"], "is no element"),
        (["search", "--where", "K_vrh"], "is no range"),
        (["search", "--where", "K_vhr>=1"], "K_vrh or G_vrh is held"),
        (["search", "--where", "K_vrh>=1 eV"], "no factor turns eV into"),
        (["search", "--where", "n_atoms>=1 eV"], "has no unit"),
        (["search", "--where", "K_vrh>=1 GPa", "--where", "K_vrh<=9 kbar"], "same unit in both"),
        (["search", "--source", "nobody"], "are held"),
        (["export", "x.csv", "--space-group", "Fm3mm"], "there is no space group"),
        (["search", "--like", "no-such-thing"], "no-such-thing"),
        (["search", "--like", "prototype:NaCl", "--model", "nobody"], "there is no model nobody"),
        (["show", "nobody"], "no entry"),
        (["import"], "give one of"),
        (["import", "nowhere/at/all"], "no file or folder"),
        (["import", "x", "--optimade", "https://y"], "give one of"),
        (["import", "--optimade", "nonsense"], "no OPTIMADE address"),
        (["import", ".", "--unit", "GPa"], "NAME=VALUE"),
        (["embed", "--model", "nobody"], "there is no model nobody"),
        (["export", "x.xlsx"], "ends in .xlsx"),
        (["export", "no/such/folder/x.csv"], "no folder"),
    ],
)
def test_bad_input_is_one_sentence(arguments, sentence, capsys):
    code, _, err = printed(capsys, *arguments)
    assert code == 2 and sentence in err and err.count("\n") == 1


def test_a_terminal_is_not_obeyed(capsys, tmp_path):
    frame = bulk("Ag", a=4.9)
    frame.info["id"] = "\x1b[31mred\x07"
    write(tmp_path / "x.extxyz", [frame])
    assert printed(capsys, "import", str(tmp_path / "x.extxyz"), "--source", "esc")[0] == 0
    for arguments in (["search", "--source", "esc"], ["search", "esc", "--formula", "Ag"]):
        _, out, _ = printed(capsys, *arguments)
        assert "\x1b" not in out and "\x07" not in out and "red" in out


def test_every_command_has_help_with_an_example(capsys):
    for name in ("import", "search", "export", "embed", "show", "stats"):
        code, out, _ = printed(capsys, name, "--help")
        assert code == 0 and f"Example: tenfma catalogue {name}" in " ".join(out.split())


def test_ctrl_c_keeps_what_is_finished(tmp_path, monkeypatch):
    monkeypatch.setenv("TENFMA_DATA_HOME", str(tmp_path / "own"))
    catalogue.open(filled=True).close()
    frames = [bulk("Cu", a=3.0 + 0.01 * step) for step in range(300)]
    write(tmp_path / "many.extxyz", frames)
    command = [sys.executable, "-c", "from tenfma.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "catalogue", "import", str(tmp_path / "many.extxyz"), "--keep-duplicates"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with catalogue.open(filled=False) as held:
        before = 4615
        while held.count() == before and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        if process.returncode == 130:
            assert "what was finished is kept" in err and "added" in out
        assert held.count() > before
    assert run(["catalogue", "import", str(tmp_path / "many.extxyz"), "--keep-duplicates"]) == 0
    with catalogue.open(filled=False) as held:
        assert held.count() == before + 300
