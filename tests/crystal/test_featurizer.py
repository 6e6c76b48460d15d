import os
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from tenfma.crystal import featurizer as featurizer_module
from tenfma.crystal.complex import complex_of
from tenfma.crystal.featurizer import SimplicialFeaturizer
from tenfma.errors import TenfmaError

CRYSTALS = [bulk("Cu"), bulk("Si"), bulk("NaCl", "rocksalt", 5.64), bulk("W"), bulk("Mg")]


def test_rows_are_named_finite_and_in_order():
    featurizer = SimplicialFeaturizer().fit(CRYSTALS)
    rows = featurizer.transform(CRYSTALS)
    names = featurizer.get_feature_names_out()
    assert rows.shape == (len(CRYSTALS), len(names)) and len(set(names)) == len(names)
    assert np.isfinite(rows).all()
    singles = np.concatenate([featurizer.transform([atoms]) for atoms in CRYSTALS])
    np.testing.assert_allclose(rows, singles, rtol=1e-9, atol=1e-9)
    volume = rows[:, list(names).index("cell.volume_per_atom")]
    np.testing.assert_allclose(volume, [len(a) and a.get_volume() / len(a) for a in CRYSTALS])


@pytest.mark.parametrize("discrete", [False, True])
def test_supercells_have_the_row_of_their_primitive_cell(discrete):
    primitive, conventional = bulk("NaCl", "rocksalt", 5.64), bulk("NaCl", "rocksalt", 5.64, cubic=True)
    rows = SimplicialFeaturizer(discrete=discrete).fit_transform(
        [primitive, conventional, conventional.repeat(2)]
    )
    np.testing.assert_allclose(rows[1:], rows[[0, 0]], rtol=1e-8, atol=1e-8)
    other = SimplicialFeaturizer(discrete=discrete).fit_transform([bulk("NaCl", "rocksalt", 5.8)])
    assert not np.allclose(other[0], rows[0], rtol=1e-3)


def test_it_is_a_scikit_learn_transformer():
    featurizer = SimplicialFeaturizer(cutoff=5.0, n_jobs=1)
    copy = clone(featurizer)
    assert copy.get_params() == featurizer.get_params()
    with pytest.raises(NotFittedError):
        copy.transform(CRYSTALS)
    target = np.array([137.0, 98, 24, 310, 35])
    model = make_pipeline(copy, ExtraTreesRegressor(5, random_state=0)).fit(CRYSTALS, target)
    np.testing.assert_allclose(model.predict(CRYSTALS), target)
    assert list(model[:-1].get_feature_names_out()) == list(featurizer.fit(None).get_feature_names_out())


def test_it_drops_into_a_data_frame():
    structures = [AseAtomsAdaptor.get_structure(atoms) for atoms in CRYSTALS]
    frame = pd.DataFrame({"structure": structures}, index=[f"m{n}" for n in range(len(structures))])
    featurizer = SimplicialFeaturizer().set_output(transform="pandas")
    rows = featurizer.fit_transform(frame)
    assert list(rows.index) == list(frame.index) and "cell.density" in rows
    joined = frame.join(rows)
    assert len(joined) == len(frame)
    np.testing.assert_allclose(featurizer.transform(frame["structure"]).to_numpy(), rows.to_numpy())
    np.testing.assert_allclose(rows.to_numpy(), SimplicialFeaturizer().fit_transform(CRYSTALS), atol=1e-7)


def test_parallel_batches_keep_their_order(monkeypatch):
    monkeypatch.setattr(featurizer_module, "BATCH_ATOMS", 3)
    serial = SimplicialFeaturizer().fit_transform(CRYSTALS)
    with joblib.parallel_config(backend="threading"):
        parallel = SimplicialFeaturizer(n_jobs=2).fit_transform(CRYSTALS)
    np.testing.assert_array_equal(serial, parallel)


def test_bad_crystals_are_told_by_place_and_nothing_is_lost():
    alloy = Structure(Lattice.cubic(3.6), [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]])
    listed = [CRYSTALS[0], alloy, CRYSTALS[1]]
    with pytest.raises(TenfmaError, match=r"crystal 1 \(counted from 0\).*partially occupied"):
        SimplicialFeaturizer().fit_transform(listed)
    with pytest.warns(UserWarning, match="crystal 1 .*row of NaN"):
        rows = SimplicialFeaturizer(on_error="nan").fit_transform(listed)
    assert np.isnan(rows[1]).all() and np.isfinite(rows[[0, 2]]).all()


def test_wrong_use_is_told_in_words():
    with pytest.raises(TenfmaError, match="on_error is 'ignore'"):
        SimplicialFeaturizer(on_error="ignore").fit(CRYSTALS)
    featurizer = SimplicialFeaturizer().fit(CRYSTALS)
    with pytest.raises(TenfmaError, match="one structure was given"):
        featurizer.transform(CRYSTALS[0])
    with pytest.raises(TenfmaError, match="2 columns"):
        featurizer.transform(pd.DataFrame({"a": CRYSTALS, "b": CRYSTALS}))
    assert featurizer.transform([]).shape == (0, len(featurizer.get_feature_names_out()))


def test_springs_reproduce_simple_lattices():
    """Central forces between nearest neighbours: simple cubic has no shear stiffness, fcc has; Cauchy: G = 3K/5."""
    from tenfma.crystal.features import featurize
    from tenfma.crystal.features.elasticity import born_tensor, stiffness

    cubic = Atoms("Po", cell=[3.35] * 3, pbc=True)
    h = featurize(complex_of([cubic, bulk("Cu", "fcc", 3.61)], "1.3 covalent", None), smooth_only=True)
    C = born_tensor(h)
    assert abs(C[0, 3:, 3:]).max() < 1e-9 < C[0, 0, 0]
    # fcc, nearest neighbours: C₁₁ = 2 C₁₂ = 2 C₄₄ (Born & Huang); Mandel's 44 component is 2 C₄₄
    assert float(C[1, 0, 0]) == pytest.approx(2 * float(C[1, 0, 1])) == pytest.approx(float(C[1, 3, 3]))
    names, values = stiffness(h)
    shear_over_bulk = values[:, names.index("shear_modulus")] / values[:, names.index("bulk_modulus")]
    np.testing.assert_allclose(shear_over_bulk, 0.6)


@pytest.mark.slow
def test_every_binary_crystal_has_a_finite_row():
    default = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    path = Path(os.environ.get("TENFMA_DATA", default)) / "elasticity" / "mp_binary_elasticity.extxyz.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there; set TENFMA_DATA to the folder of the reference data")
    frames = read(path, ":")
    rows = SimplicialFeaturizer().fit_transform(frames)
    assert len(rows) == len(frames) and np.isfinite(rows).all()
