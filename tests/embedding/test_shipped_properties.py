"""The property model that comes with the package: small, loadable by name, true to what its card says."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from ase.build import bulk, make_supercell

import tenfma
from tenfma.catalogue.embedders import embedder
from tenfma.cli import run
from tenfma.embedding.pooling import CERTIFICATE
from tenfma.embedding.shipped import PROPERTY_MODELS, shipped_properties
from tenfma.errors import DomainWarning, TenfmaError
from tenfma.site import assets

FOLDER = assets() / PROPERTY_MODELS / "binaries"


@pytest.fixture(scope="module")
def model():
    return tenfma.load("binaries")


def test_it_is_small_and_listed():
    assert "binaries" in shipped_properties()
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 8e6


def test_the_card_tells_domain_motion_and_errors(model):
    card = json.loads((FOLDER / "card.json").read_text())
    assert card["elements"] == list(model.domain.elements) and card["most_atoms"] == model.domain.most_atoms
    assert set(card["held_out"]) == set(model.targets)
    assert card["energy_in_eV"] and "/" not in card["command"].replace("/atom", "")


def test_known_crystals_have_sensible_properties(model):
    crystals = [
        bulk("NaCl", "rocksalt", a=5.69),
        bulk("WC", "zincblende", a=4.6),
        bulk("MgO", "rocksalt", a=4.26),
    ]
    values = dict(zip(model.targets, model.predict(crystals).values.T))
    bulk_modulus = 10 ** values["log10(K_vrh)"]
    assert 10 < bulk_modulus[0] < 45 and bulk_modulus[1] > 150  # NaCl 24 GPa; WC in this structure near 350
    assert -2.3 < values["e_form_per_atom"][0] < -1.4  # NaCl −1.8 to −2.1 eV per atom
    assert 22 < values["Cv_300K/atom"][0] < 24.95 and values["Cv_300K/atom"][2] < values["Cv_300K/atom"][0]


def test_supercells_and_batches_agree(model):
    atoms = bulk("MgO", "rocksalt", a=4.2)
    together = model.predict(
        [atoms, make_supercell(atoms, [[1, 1, 0], [0, 2, 0], [0, 0, 1]]), bulk("LiF", "rocksalt", a=4)]
    )
    np.testing.assert_allclose(together.values[0], together.values[1], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(together.values[0], model.predict([atoms]).values[0], rtol=1e-5, atol=1e-5)


def test_outside_its_domain_it_says_so(model):
    assert not any(model.predict([bulk("NaCl", "rocksalt", a=5.69)]).warnings)
    assert model.warning(bulk("Cu").repeat((8, 8, 8))) == (
        "it has 1 element, training crystals had 2; its 512 atoms exceed the 180 of the largest training cell"
    )
    perovskite = tenfma.read("prototype:perovskite")
    with pytest.warns(DomainWarning, match="1 of 1 crystals"):
        assert model.predict([perovskite]).warnings == ("it has 3 elements, training crystals had 2",)
    with pytest.warns(DomainWarning, match="1 of 2 crystals .* number 2: it has 3 elements"):
        model.embed([tenfma.read("prototype:NaCl"), perovskite])
    assert "Ar never occurred" in model.warning(bulk("Ar", "fcc", a=5.3))


def test_learning_the_names_warns_of_nothing_and_the_features_hold_no_certificate(model):
    salt = tenfma.read("prototype:NaCl")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DomainWarning)
        featurizer = tenfma.TenFMAFeaturizer("binaries").fit([salt])
        rows = featurizer.transform([salt])
        assert embedder("binaries").vectors([salt]).shape == rows.shape
    names = list(featurizer.get_feature_names_out())
    assert names == list(model.embed([salt]).names) and rows.shape == (1, len(names))
    assert not any(CERTIFICATE in name for name in names)
    with pytest.warns(DomainWarning, match="1 of 1"):
        featurizer.transform([bulk("Cu")])


def test_the_command_writes_the_certificate_beside_the_components(model, tmp_path, capsys):
    out = tmp_path / "z.json"
    sources = ["prototype:NaCl", "prototype:ZnS"]
    assert run(["embed", *sources, "--model", "binaries", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    table = pd.read_json(out)
    embedding = model.embed([tenfma.read(source) for source in sources])
    assert f"{len(embedding.names)} components each" in said and "reversal error" in said
    told = [name for name in table if name.startswith(CERTIFICATE)]
    assert told == [f"{CERTIFICATE}{name}" for name in ("energy_drift", "reversal_error", "distance")]
    assert [name for name in table if name in embedding.names] == list(embedding.names)
    np.testing.assert_allclose(table[told[0]], embedding.certificate["energy_drift"], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(table[told[2]], embedding.certificate["distance"], rtol=1e-4)
    assert run(["embed", *sources, "--model", "binaries", "--no-certificate", "--out", str(out)]) == 0
    assert "reversal" not in capsys.readouterr().out
    assert list(pd.read_json(out))[4:] == list(embedding.names)


def test_the_command_says_which_crystals_lie_outside(capsys):
    assert run(["embed", "prototype:NaCl", "prototype:perovskite", "--model", "binaries"]) == 0
    out = capsys.readouterr().out
    assert "1 of 2 structures lie outside" in out and "prototype:perovskite: it has 3 elements" in out
    assert run(["embed", "prototype:NaCl", "--model", "binaries"]) == 0
    assert "outside" not in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [None, 1, "NaCl"])
def test_what_is_no_crystal_is_named_with_its_place(model, wrong):
    crystals = [tenfma.read("prototype:NaCl"), wrong]
    for reading in (model.predict, tenfma.TenFMAFeaturizer(model).fit().transform):
        with pytest.raises(TenfmaError, match=r"crystal 1 \(counted from 0\).*expected a pymatgen Structure"):
            reading(crystals)
