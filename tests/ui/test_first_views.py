"""First views are what the code computes: kept values and fresh ones agree, and pages draw without them."""

import numpy as np
import pytest

from tenfma.ui import first_views
from tenfma.viz import first


def assert_alike(kept, fresh, where):
    if isinstance(kept, dict) and "half" in kept:
        np.testing.assert_allclose(first.array(kept), first.array(fresh), rtol=2e-3, atol=2e-3, err_msg=where)
    elif isinstance(kept, dict):
        assert kept.keys() == fresh.keys(), where
        for key in kept:
            assert_alike(kept[key], fresh[key], f"{where} {key}")
    elif isinstance(kept, list) and kept and all(isinstance(each, float) for each in kept):
        np.testing.assert_allclose(kept, fresh, rtol=1e-6, atol=1e-6, err_msg=where)
    elif isinstance(kept, list):
        assert len(kept) == len(fresh), where
        for part, other in zip(kept, fresh):
            assert_alike(part, other, where)
    elif isinstance(kept, float):  # finite differences and sums in another order leave 1e-6
        assert kept == pytest.approx(fresh, rel=1e-6, abs=1e-6), where
    else:
        assert kept == fresh, where


def test_kept_views_are_what_is_computed_now():
    fresh = first_views.computed()
    kept = first.kept()
    assert fresh.keys() == kept.keys(), "run python -m tenfma.ui.first_views"
    for where in fresh:
        assert_alike(kept[where], fresh[where], where)


def test_a_value_not_kept_is_computed_and_a_kept_one_is_not(monkeypatch):
    monkeypatch.setattr(first, "kept", lambda: {"bonds here": [1]})
    assert first.value("bonds", "here", lambda: pytest.fail("computed although kept")) == [1]
    assert first.value("bonds", "elsewhere", lambda: [2]) == [2]
    with first.recorded() as found:
        assert first.value("bonds", "here", lambda: [3]) == [3]
    assert found == {"bonds here": [3]}


def test_a_changed_view_is_noticed():
    where, kept = next((key, value) for key, value in first.kept().items() if key.startswith("couplings"))
    wrong = {**kept, "strengths": (1.001 * np.array(kept["strengths"])).tolist()}
    with pytest.raises(AssertionError):
        assert_alike(kept, wrong, where)
