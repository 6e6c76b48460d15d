"""All 288 prototypes go through the pipeline; the full run is slow, a sample of every size is not."""

import importlib.util
import sys
from pathlib import Path

import pytest

from tenfma.crystal import prototypes


@pytest.fixture(scope="module")
def benchmark():
    place = Path(__file__).parents[2] / "benchmarks" / "prototypes.py"
    spec = importlib.util.spec_from_file_location("benchmark_prototypes", place)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_sample_of_prototypes_evolves(benchmark):
    found = benchmark.outcomes(prototypes.names()[::40], steps=4, dt=0.05)
    assert len(found) == 8
    assert {outcome.verdict for outcome in found} <= {"passed", "refused"}
    assert "8 prototypes" in benchmark.report(found)


def test_batches_hold_every_prototype_once(benchmark):
    some = prototypes.names()[::20]
    held = benchmark.batches(some)
    assert sorted(name for batch in held for name in batch) == some


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_prototypes_evolve_or_are_refused_in_words(benchmark):
    found = benchmark.run(prototypes.names(), steps=400, dt=0.05, processes=2)
    print(benchmark.report(found))
    assert len(found) == 288
    for outcome in found:
        assert outcome.verdict == "passed" or (outcome.verdict == "refused" and outcome.reason), outcome
    assert max(outcome.atoms for outcome in found) >= 105
