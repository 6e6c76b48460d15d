"""Likeness: the true nearest, also where float32 cannot tell; vectors kept once per model version."""

import numpy as np
import pytest
from ase.build import bulk, make_supercell
from catalogue_crystals import perovskite

from tenfma import catalogue
from tenfma.catalogue import CatalogueError, Query, embedders, likeness
from tenfma.catalogue.embedders import Embedder, embedder
from tenfma.catalogue.likeness import Vectors
from tenfma.crystal.structures import from_ase


def held(rows, ids=None):
    rows = np.asarray(rows, np.float32)
    ids = np.arange(len(rows)) if ids is None else np.asarray(ids)
    return Vectors(ids, rows, np.einsum("ij,ij->i", rows, rows))


def brute(rows, x, n):
    distances = np.linalg.norm(rows.astype(float) - np.asarray(x, float), axis=1)
    order = np.lexsort((np.arange(len(rows)), distances))[:n]
    return order, distances[order]


def test_nearest_is_what_float64_says_where_float32_is_blind():
    """Far from the origin the product's cancellation hides the distances; the wrong twin, float32 alone, fails."""
    rng = np.random.default_rng(0)
    rows = (300 + 1e-2 * rng.normal(size=(5000, 32))).astype(np.float32)
    x = rows[17] + np.float32(1e-3)
    vectors = held(rows)
    ids, distances = vectors.nearest(x, 10)
    expected, true = brute(rows, x, 10)
    assert ids.tolist() == expected.tolist() and np.allclose(distances, true, rtol=1e-12)
    assert np.argsort(vectors._squared(x), kind="stable")[:10].tolist() != expected.tolist()


@pytest.mark.parametrize("block", [7, 64, 10_000])
def test_blocks_and_restrictions_change_nothing(block, monkeypatch):
    monkeypatch.setattr(likeness, "BLOCK", block)
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(500, 16)).astype(np.float32)
    rows[100:110] = rows[0]
    x = rows[0]
    ids, distances = held(rows).nearest(x, 20)
    assert ids.tolist() == brute(rows, x, 20)[0].tolist() and (distances[:11] == 0).all()
    for share in (30, 400):
        within = np.sort(rng.permutation(500)[:share])
        ids, _ = held(rows).nearest(x, 5, within)
        assert ids.tolist() == within[brute(rows[within], x, 5)[0]].tolist()
    assert held(rows).nearest(x, 5, np.empty(0, np.int64))[0].tolist() == []
    assert len(held(rows).nearest(x, 5000)[0]) == 500


def test_the_crystal_itself_in_any_cell_is_nearest(filled):
    rocksalt = filled.structure("halite-rock-salt")
    first = filled.like(rocksalt, 3)
    assert first[0].entry.identifier == "halite-rock-salt" and first[0].distance < 1e-3
    cell = from_ase(make_supercell(bulk("Cu"), [[1, 1, 0], [0, 1, 1], [1, 0, 1]]))
    near = filled.like(cell, 5)
    assert {item.entry.reduced_formula for item in near} == {"Cu"} or near[0].entry.reduced_formula == "Cu"
    assert [item.distance for item in near] == sorted(item.distance for item in near)


def test_an_entry_is_not_its_own_neighbour_and_filters_hold(filled):
    id = filled.get("mp-2663").id
    near = filled.like(id, 4, query=Query(elements=["Pt"]))
    assert len(near) == 4 and all("Pt" in item.entry.elements and item.entry.id != id for item in near)
    assert filled.like(id, 4, query=Query(formula="NaCl", elements=["Pt"])) == []


@pytest.mark.parametrize(
    "filters",
    [
        {"elements": ["O", "S"], "match": "any"},
        {"text": "project"},
        {"space_group": 225, "properties": {"K_vrh": (300.0, None)}},
        {"properties": {"K_vrh": (390.0, None), "G_vrh": (200.0, None)}},
    ],
)
@pytest.mark.parametrize("first", [1, 64])
def test_filtered_likeness_is_what_every_distance_says(filters, first, filled, monkeypatch):
    """Broad filters end with the nearest that are asked first, narrow ones with everything that fits."""
    monkeypatch.setattr(likeness, "FIRST", first)
    fit = [entry.id for entry in filled.search(limit=None, **filters)]
    assert filled.ids(**filters).tolist() == fit == filled.ids(among=range(1, 5000), **filters).tolist()
    all_ = likeness.vectors(filled, embedder("static"))
    rows = all_.rows[np.searchsorted(all_.ids, fit)]
    for name in ("mp-2663", "halite-rock-salt"):
        id = filled.get(name).id
        order, distances = brute(rows, all_.rows[np.searchsorted(all_.ids, id)], 12)
        expected = [(fit[place], d) for place, d in zip(order, distances) if fit[place] != id][:10]
        near = filled.like(id, 10, query=Query(**filters))
        assert [item.entry.id for item in near] == [id for id, _ in expected]
        assert np.allclose([item.distance for item in near], [d for _, d in expected], rtol=1e-12)


def test_ids_come_in_parts_where_there_are_many(filled, monkeypatch):
    from tenfma.catalogue import store

    whole = filled.ids(elements=["O"])
    monkeypatch.setattr(store, "SPAN", 100)
    assert filled.ids(elements=["O"]).tolist() == whole.tolist()


def test_shipped_vectors_are_what_the_embedder_gives(filled):
    ids = [filled.get(name).id for name in ("mp-2663", "mp-867189", "mp-975512")]
    made = embedder("static").vectors(filled.structures(ids))
    vectors = likeness.vectors(filled, embedder("static"))
    kept = vectors.rows[np.searchsorted(vectors.ids, ids)]
    assert np.abs(made - kept).max() < 1e-3
    assert len(vectors.ids) == 4615


def sizes(structures):
    """An embedder with a fault: crystals of lattice constant above 4.005 cannot be embedded."""
    rows = np.array([[s.lattice.a, len(s)] for s in structures], np.float32)
    rows[rows[:, 0] > 4.005] = np.nan
    return rows


@pytest.fixture
def small(empty, monkeypatch):
    monkeypatch.setattr(likeness, "embedder", lambda name: Embedder(f"sizes-{name}", 2, sizes))
    empty.add([perovskite(number) for number in range(8)], "test")
    return empty


def test_new_entries_get_vectors_and_those_without_are_tried_once(small, monkeypatch):
    near = small.like("p2", 10, model="1")
    assert [item.entry.identifier for item in near] == ["p1", "p3", "p0", "p4", "p5"]
    small.add([perovskite(-1)], "test")
    assert "p-1" in {item.entry.identifier for item in small.like("p2", 10, model="1")}
    files = list(small.database.cache().glob("*.vectors"))
    assert len(files) == 1
    with pytest.raises(CatalogueError, match="could not be embedded"):
        small.like("p7", model="1")
    with pytest.raises(CatalogueError, match="could not be embedded"):
        small.like(small.structure("p7"), model="1")
    small.like("p2", 1, model="2")
    assert small.stats()["vectors"] == {"sizes-1": 9, "sizes-2": 9}


def test_a_store_filled_anew_knows_nothing_of_the_one_before(tmp_path, monkeypatch):
    """Files of vectors outlive a store that is deleted; the next one has as many changes, and other crystals."""
    monkeypatch.setattr(likeness, "embedder", lambda name: Embedder(f"sizes-{name}", 2, sizes))
    path = tmp_path / "catalogue.sqlite"
    for order in ((0, 1, 2, 3), (3, 0, 2, 1)):
        with catalogue.open(f"sqlite:///{path}", filled=False) as store:
            store.add([perovskite(number) for number in order], "test")
            assert [item.entry.identifier for item in store.like("p0", 3, model="1")] == ["p1", "p2", "p3"]
        for file in tmp_path.glob("catalogue.sqlite*"):
            file.unlink()
    assert list(tmp_path.rglob("*.vectors"))


def test_a_broken_file_of_vectors_is_told(small):
    small.like("p2", model="1")
    (path,) = small.database.cache().glob("*.vectors")
    path.write_bytes(path.read_bytes()[8:])
    with pytest.raises(CatalogueError, match="delete it"):
        small.like("p2", model="1")
    path.unlink()
    assert small.like("p2", 1, model="1")


def test_embedding_cut_short_keeps_its_batches(small, monkeypatch):
    monkeypatch.setattr(likeness, "BATCH", 3)

    def cut(_, done, total):
        raise KeyboardInterrupt

    maker = Embedder("sizes-3", 2, sizes)
    with pytest.raises(KeyboardInterrupt):
        likeness.embed_missing(small, maker, cut)
    assert small.stats()["vectors"] == {"sizes-3": 2}  # ids 1 and 2: the first block of three
    assert likeness.embed_missing(small, maker) == 6
    assert likeness.embed_missing(small, maker) == 0


def test_a_learned_model_embeds_by_name():
    made = embedders.embedder("untrained:3")
    rows = made.vectors([from_ase(bulk("Cu")), from_ase(bulk("NaCl", "rocksalt", a=5.6))])
    assert rows.shape == (2, made.dimension) and np.isfinite(rows).all()
    assert made.version.startswith("untrained:3-")
    assert made.version != embedders.embedder("untrained:4").version
