"""Crystals to put in a catalogue."""

import numpy as np

from tenfma.catalogue import Property, Record


def perovskite(number: int, **labels):
    """A small crystal whose lattice constant and value tell its number."""
    from pymatgen.core import Lattice, Structure

    a = 4.0 + 0.001 * number
    sites = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    structure = Structure(Lattice.cubic(a), ["Ca", "Ti", "O", "O", "O"], np.array(sites))
    value = Property("K_vrh", 100.0 + number, "GPa", "dft", "test")
    labels = {"source": "test", "identifier": f"p{number}", "licence": "CC0", **labels}
    return Record.of(f"p{number}", structure, (value,), **labels)
