"""Frames come in with their labels, from every format, and every fault is told in one sentence."""

import gzip
import json

import numpy as np
import pytest
from ase.io import write
from pymatgen.io.ase import AseAtomsAdaptor
from synthetic import labelled

from tenfma.errors import TenfmaError
from tenfma.training.data import digest, frame_of, read_frames


def test_extxyz_trajectory_and_json_say_the_same(tmp_path):
    atoms = labelled(3, stress=True)
    write(tmp_path / "a.extxyz.gz", atoms)
    write(tmp_path / "a.traj", atoms)
    records = [
        {
            "structure": AseAtomsAdaptor.get_structure(a).as_dict(),
            "energy": a.get_potential_energy(),
            "forces": a.get_forces().tolist(),
            "stress": a.get_stress(voigt=False).tolist(),
        }
        for a in atoms
    ]
    (tmp_path / "a.json").write_text(json.dumps(records))
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(json.dumps(records).encode()))
    for name in ("a.extxyz.gz", "a.traj", "a.json", "b.json.gz"):
        frames = read_frames(tmp_path / name)
        for frame, a in zip(frames, atoms, strict=True):
            assert frame.energy == pytest.approx(a.get_potential_energy(), abs=1e-6)
            np.testing.assert_allclose(frame.forces, a.get_forces(), atol=1e-6)
            np.testing.assert_allclose(frame.stress, a.get_stress(voigt=False), atol=1e-6)
            np.testing.assert_allclose(frame.virial, a.get_volume() * frame.stress, rtol=1e-10)


def test_the_fingerprint_sees_one_changed_force(tmp_path):
    write(tmp_path / "a.traj", labelled(2))
    frames = read_frames(tmp_path / "a.traj")
    first = digest(frames)
    frames[1].forces[0, 0] += 1e-9
    assert digest(frames) != first


def broken(kind, tmp_path):
    """A file with the named fault."""
    path = tmp_path / "frames.extxyz"
    atoms = labelled(2)
    if kind == "missing":
        return path
    write(path, atoms)
    if kind == "empty":
        path.write_text("")
    elif kind == "cut":
        path.write_text(path.read_text()[:700])
    elif kind == "no gzip":
        path = tmp_path / "frames.extxyz.gz"
        path.write_bytes(gzip.compress((tmp_path / "frames.extxyz").read_bytes())[:200])
    elif kind == "binary":
        path.write_bytes(bytes(range(256)) * 4)
    elif kind == "not a number":
        atoms[1].calc.results["energy"] = float("nan")
        write(path, atoms)
    elif kind == "infinite force":
        atoms[1].calc.results["forces"][2, 1] = np.inf
        write(path, atoms)
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "there is no file"),
        ("empty", "is empty"),
        ("cut", "says that it has 8 atoms"),
        ("no gzip", "not a whole gzip"),
        ("binary", "could not be read"),
        ("not a number", "frame 2 of frames.extxyz has an energy that is not a finite number"),
        ("infinite force", "frame 2 of frames.extxyz has a force that is not a finite number"),
    ],
)
def test_faults_are_told_in_one_sentence(kind, said, tmp_path):
    with pytest.raises(TenfmaError, match=said) as caught:
        read_frames(broken(kind, tmp_path))
    assert "\n" not in str(caught.value)


def test_flat_periodic_cells_are_refused_and_clusters_have_no_stress():
    atoms = labelled(1, stress=True)[0]
    cluster = atoms.copy()
    cluster.calc = atoms.calc
    cluster.pbc = False
    assert frame_of(cluster).stress is None
    assert frame_of(atoms).stress is not None
    cluster.pbc, cluster.cell = True, np.zeros((3, 3))
    with pytest.raises(TenfmaError, match="no volume"):
        frame_of(cluster)


def test_a_count_of_atoms_that_are_not_there_is_refused_at_once(tmp_path):
    path = tmp_path / "frames.extxyz"
    write(path, labelled(2))
    path.write_text(path.read_text().replace("8\nLattice", "99999999999\nLattice"))
    with pytest.raises(TenfmaError, match="says that it has 99999999999 atoms, and 18 lines follow"):
        read_frames(path)
    path.write_text("-3\nLattice\n")
    with pytest.raises(TenfmaError, match="says that it has -3 atoms"):
        read_frames(path)


def test_a_packed_file_that_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    from tenfma.training import files

    monkeypatch.setattr(files, "LARGEST", 5000)
    (tmp_path / "bomb.extxyz.gz").write_bytes(gzip.compress(b"0" * 10**6))
    with pytest.raises(TenfmaError, match="unpacks to more than"):
        read_frames(tmp_path / "bomb.extxyz.gz")
    (tmp_path / "large.extxyz").write_bytes(b"0" * 6000)
    with pytest.raises(TenfmaError, match="larger than"):
        read_frames(tmp_path / "large.extxyz")


@pytest.mark.parametrize("name", ["x" * 5000, "\x00", "/dev/zero", "."])
def test_names_of_no_file_are_refused(name):
    with pytest.raises(TenfmaError) as told:
        read_frames(name)
    assert len(str(told.value)) < 400


@pytest.mark.parametrize(("label", "value"), [("energy", -1e300), ("energy", 1e9), ("forces", 1e200)])
def test_labels_out_of_all_bounds_are_refused(label, value):
    atoms = labelled(1)[0]
    atoms.calc.results[label] = value if label == "energy" else np.full((len(atoms), 3), value)
    with pytest.raises(TenfmaError, match=r"out of all bounds|at most"):
        frame_of(atoms)
