"""Work cut into pieces: every frame once, in order, read where the piece is, faults told with their place."""

import pickle

import pytest
from ase.build import bulk
from ase.io import write

from tenfma.cli.pieces import CHUNK, crystals, pieces
from tenfma.crystal.structures import read_frames


@pytest.fixture
def sources(tmp_path):
    write(tmp_path / "many.extxyz", [bulk("Cu", a=3.4 + 0.01 * n) for n in range(2 * CHUNK + 5)])
    write(tmp_path / "three.extxyz", [bulk("W"), bulk("Mo"), bulk("Ta")])
    text = (tmp_path / "three.extxyz").read_text().replace("Mo ", "Xx ")
    (tmp_path / "three.extxyz").write_text(text)
    names = ["many.extxyz", "missing.cif", "three.extxyz"]
    return [*(str(tmp_path / name) for name in names), "prototype:perovskite"]


def test_every_frame_comes_once_and_in_order(sources):
    cut = [pickle.loads(pickle.dumps(piece)) for piece in pieces(sources)]
    found = [crystal for piece in cut for crystal in crystals(piece)[0]]
    whole = [
        (source, place, structure)
        for source in (sources[0], *sources[2:])
        for place, structure in zip(read_frames(source).places, read_frames(source).structures, strict=True)
    ]
    assert [(c.source, c.frame) for c in found] == [item[:2] for item in whole]
    assert all(c.structure == item[2] for c, item in zip(found, whole, strict=True))
    assert [c.several for c in found][-3:] == [True, True, False]
    assert max(len(crystals(piece)[0]) for piece in cut) == CHUNK
    done = [piece.done for piece in cut]
    assert done == sorted(done) and done[-1] == len(sources)


def test_what_cannot_be_read_is_told_in_its_place(sources):
    failures = [failure for piece in pieces(sources) for failure in crystals(piece)[1]]
    assert len(failures) == 2
    assert "missing.cif" in failures[0] and "no file" in failures[0]
    assert "frame 1 of three.extxyz" in failures[1] and "Xx" in failures[1]


def test_many_small_files_go_together_and_a_few_do_not():
    together = list(pieces(["prototype:fcc"] * 200))
    assert {len(piece.parts) for piece in together} == {4}
    assert [len(piece.parts) for piece in pieces(["prototype:fcc"] * 3)] == [1, 1, 1]
