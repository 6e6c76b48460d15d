"""Space groups by number and by any symbol of the International Tables."""

import re
import warnings
from difflib import get_close_matches
from functools import lru_cache

from tenfma.errors import TenfmaError

#: written m3 and m3m until 1995, m-3 and m-3m since
_CENTRED_CUBES = (*range(200, 207), *range(221, 231))


def number_of(asked: int | str) -> int:
    """The number of a space group given by number or symbol, short or full, of any setting: Fm-3m, P21/n, C 1 2/c 1.

    Raises TenfmaError with the nearest symbols where there is none.
    """
    text = str(asked).strip()
    if text.isdecimal():
        if 1 <= int(text[:6]) <= 230:
            return int(text)
        raise TenfmaError(
            f"space group {text[:20]} does not exist; 1 to 230, or a symbol such as Fm-3m, is expected"
        )
    if found := _by_symbol().get(_key(text)):
        return found
    near = get_close_matches(_key(text), _by_symbol(), 3, 0.6)
    told = (
        " or ".join(dict.fromkeys(symbols()[_by_symbol()[key]] for key in near)) or "a symbol such as Fm-3m"
    )
    raise TenfmaError(
        f"there is no space group {text[:40]!r}; {told}, or a number from 1 to 230, is expected"
    )


@lru_cache(maxsize=1)
def symbols() -> dict[int, str]:
    """Short Hermann–Mauguin symbols of the 230 space groups."""
    found: dict[int, str] = {}
    for kind in _settings():
        found.setdefault(kind.number, kind.international_short)
    return found


@lru_cache(maxsize=1)
def _by_symbol() -> dict[str, int]:
    """Number by every symbol of every setting; no two groups share one, whatever the size of its letters."""
    found: dict[str, int] = {}
    for kind in _settings():
        written = [kind.international_short, *kind.international.split("=")]
        written += [re.sub(r" 1\b", "", one) for one in written if one.count(" 1 ") + one.endswith(" 1") == 2]
        if kind.number in _CENTRED_CUBES:
            written += [one.replace("-3", "3") for one in written]
        found.update({_key(one): kind.number for one in written})
    return found


def _settings() -> list:
    import spglib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [kind for hall in range(1, 531) if (kind := spglib.get_spacegroup_type(hall))]


def _key(symbol: str) -> str:
    return re.sub(r"[\s_]|:\w*$", "", symbol.replace("−", "-")).lower()
