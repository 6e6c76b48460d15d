"""Units as people and files write them, and what one is of another.

Only what a factor converts: a logarithm or a temperature scale is the same unit or none.
"""

import re
from functools import lru_cache
from unicodedata import normalize

#: other spellings of one word; MeV is no meV, so letters keep their size
SPELLINGS = {
    "angstrom": "Å",
    "Angstrom": "Å",
    "ang": "Å",
    "A": "Å",
    "a0": "bohr",
    "hartree": "Ha",
    "Hartree": "Ha",
}
SPELLINGS |= {"rydberg": "Ry", "Rydberg": "Ry", "ev": "eV", "mev": "meV", "gpa": "GPa", "GPA": "GPa"}
_WRITTEN = str.maketrans({"^": "", "*": "", "−": "-"})


def plain(unit: str) -> str:
    """A unit in one spelling: no spaces, powers as digits, `per` as a stroke.

    >>> plain("eV per atom") == plain("eV / atom")
    True
    """
    text = re.sub(r"\s+per\s+|\s*/\s*", "/", normalize("NFKC", unit.strip()))
    text = text.translate(_WRITTEN)
    text = re.sub(r"a0|[A-Za-z]+", lambda word: SPELLINGS.get(word[0], word[0]), text)
    return re.sub(r"\s+", " ", text)


def factor(unit: str, other: str) -> float | None:
    """How many `other` one `unit` is; None where no factor turns one into the other.

    What both are divided by stays as it is: meV/atom become eV/atom, not eV.

    >>> factor("GPa", "kbar"), factor("meV/atom", "eV/atom"), factor("eV", "eV/atom")
    (10.0, 0.001, None)
    """
    one, two = plain(unit), plain(other)
    if one == two:
        return 1.0
    for kind in kinds():
        for divided in (_rest(one, kind), _rest(two, kind)):
            if divided is not None and one.endswith(divided) and two.endswith(divided):
                heads = one.removesuffix(divided), two.removesuffix(divided)
                if heads[0] in kind and heads[1] in kind:
                    return float(f"{kind[heads[0]] / kind[heads[1]]:.12g}")
    return None


def _rest(unit: str, kind: dict[str, float]) -> str | None:
    """What follows the longest unit of this kind that `unit` begins with, where that is a divisor or nothing."""
    heads = [head for head in kind if unit == head or unit.startswith(f"{head}/")]
    return unit.removeprefix(max(heads, key=len)) if heads else None


@lru_cache(maxsize=1)
def kinds() -> tuple[dict[str, float], ...]:
    """Units of one quantity in SI, by name; CODATA through scipy.constants."""
    from scipy import constants as c

    hartree, bohr = c.value("Hartree energy"), c.value("Bohr radius")
    mole = c.Avogadro
    energy = {"J": 1.0, "eV": c.eV, "meV": c.eV / 1e3, "Ha": hartree, "Ry": hartree / 2}
    energy |= {"J/mol": 1 / mole, "kJ/mol": 1e3 / mole, "kcal/mol": c.calorie * 1e3 / mole}
    length = {"m": 1.0, "Å": c.angstrom, "nm": 1e-9, "pm": 1e-12, "bohr": bohr}
    area = {f"{name}2": size**2 for name, size in length.items()}
    volume = {f"{name}3": size**3 for name, size in length.items()}
    pressure = {"Pa": 1.0, "kPa": 1e3, "MPa": 1e6, "GPa": 1e9, "TPa": 1e12}
    pressure |= {
        "bar": c.bar,
        "kbar": c.bar * 1e3,
        "Mbar": c.bar * 1e6,
        "atm": c.atm,
        "eV/Å3": c.eV / c.angstrom**3,
    }
    mass = {"kg": 1.0, "g": 1e-3, "u": c.atomic_mass, "amu": c.atomic_mass}
    density = {"kg/m3": 1.0, "g/cm3": 1e3}
    time = {"s": 1.0, "ns": 1e-9, "ps": 1e-12, "fs": 1e-15}
    frequency = {"Hz": 1.0, "GHz": 1e9, "THz": 1e12, "cm-1": c.c * 1e2, "1/cm": c.c * 1e2}
    entropy = {"J/(mol K)": 1 / mole, "J/mol/K": 1 / mole, "kB": c.k, "eV/K": c.eV, "meV/K": c.eV / 1e3}
    return energy, length, area, volume, pressure, mass, density, time, frequency, entropy
