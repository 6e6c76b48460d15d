"""Every sentence the pages say, in English and 中文: one catalogue, `key -> (English, 中文)`.

Symbols, code, data columns and file names are the same in both languages and are not in here.
"""

import string
from collections.abc import Callable

from tenfma.ui.texts import (
    atlas,
    checks,
    common,
    couplings,
    crystal,
    dynamics,
    evidence,
    features,
    heat,
    learned,
    lessons,
    mechanics,
    motion,
)

LANGUAGES = {"en": "English", "zh": "中文"}

PARTS = (
    common.TEXTS,
    crystal.TEXTS,
    dynamics.TEXTS,
    heat.TEXTS,
    mechanics.TEXTS,
    couplings.TEXTS,
    evidence.TEXTS,
    atlas.TEXTS,
    learned.TEXTS,
    lessons.TEXTS,
    checks.TEXTS,
    features.TEXTS,
    motion.TEXTS,
)

CATALOGUE: dict[str, tuple[str, str]] = {key: pair for part in PARTS for key, pair in part.items()}

#: text key (and the values its sentence is computed from) -> sentence
Texts = Callable[..., str]


def texts(language: str) -> Texts:
    """The catalogue in one language: t("drift.note", best="leapfrog") → a sentence with its numbers in it.

    Raises:
        KeyError: if no sentence has that key.
    """
    column = list(LANGUAGES).index(language)

    def t(key: str, **values: object) -> str:
        return _SENTENCES.vformat(CATALOGUE[key][column], (), values) if values else CATALOGUE[key][column]

    return t


def power(number: str) -> str:
    """5.7e-09 as 5.7×10⁻⁹; what has no exponent stays."""
    digits, sign, exponent = number.partition("e")
    if not sign or not exponent.lstrip("+-").isdigit():
        return number
    if float(number) == 0 or int(exponent) == 0:
        return digits
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits}×10{raised}"


class _Sentences(string.Formatter):
    """Numbers with exponents are written as people write them."""

    def format_field(self, value: object, format_spec: str) -> str:
        shown = str(super().format_field(value, format_spec))
        return power(shown) if format_spec.endswith(("e", "g")) else shown


_SENTENCES = _Sentences()


def language_of(locale: str | None) -> str:
    """The catalogue's language for a browser's locale: 中文 for zh-*, English for every other."""
    return "zh" if (locale or "").lower().startswith("zh") else "en"
