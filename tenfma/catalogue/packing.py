"""A structure as bytes and back, every number kept to the last bit.

Layout, little-endian: one byte of version, one of periodicity (bits a, b, c), atoms as uint32, the lattice as nine
float64 (rows are vectors, Å), atomic numbers as uint8, fractional coordinates as float64.
"""

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tenfma.errors import TenfmaError

if TYPE_CHECKING:
    from pymatgen.core import Structure

VERSION = 1
_HEAD = struct.Struct("<BBI")


class Sites(NamedTuple):
    """A crystal as arrays: lattice (3, 3) Å, fractional (n, 3), numbers (n,), pbc (3,)."""

    lattice: np.ndarray
    fractional: np.ndarray
    numbers: np.ndarray
    pbc: tuple[bool, bool, bool] = (True, True, True)

    @classmethod
    def of(cls, structure: "Structure") -> "Sites":
        """The arrays of an ordered pymatgen structure."""
        return cls(
            np.array(structure.lattice.matrix, float),
            np.array(structure.frac_coords, float),
            np.array([site.specie.Z for site in structure], np.uint8),
            _three(structure.lattice.pbc),
        )

    def structure(self) -> "Structure":
        """The pymatgen structure."""
        from pymatgen.core import Element, Lattice, Structure

        kinds = [Element.from_Z(int(number)) for number in self.numbers]
        return Structure(Lattice(self.lattice, pbc=self.pbc), kinds, self.fractional)

    def pack(self) -> bytes:
        """The crystal as bytes."""
        periodic = sum(1 << axis for axis, flag in enumerate(self.pbc) if flag)
        return b"".join(
            (
                _HEAD.pack(VERSION, periodic, len(self.numbers)),
                np.asarray(self.lattice, "<f8").tobytes(),
                np.asarray(self.numbers, np.uint8).tobytes(),
                np.asarray(self.fractional, "<f8").tobytes(),
            )
        )


def _three(flags: Iterable[Any]) -> tuple[bool, bool, bool]:
    a, b, c = map(bool, flags)
    return a, b, c


def unpack(data: bytes) -> Sites:
    """The crystal that `Sites.pack` made bytes of. Raises TenfmaError where the bytes are not whole."""
    if len(data) < _HEAD.size:
        raise TenfmaError(f"a stored structure has {len(data)} bytes; it is broken: import it again")
    kind, periodic, count = _HEAD.unpack_from(data)
    if kind != VERSION or len(data) != _HEAD.size + 72 + 25 * count:
        raise TenfmaError(
            f"a stored structure of {count} atoms has {len(data)} bytes; it is broken: import it again"
        )
    place = _HEAD.size
    lattice = np.frombuffer(data, "<f8", 9, place).reshape(3, 3)
    numbers = np.frombuffer(data, np.uint8, count, place + 72)
    fractional = np.frombuffer(data, "<f8", 3 * count, place + 72 + count).reshape(-1, 3)
    return Sites(lattice, fractional, numbers, _three(periodic >> axis & 1 for axis in range(3)))
