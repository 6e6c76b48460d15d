"""Words that the package says in English, in the page's language: features, notes on a crystal, ways to split H, rows."""

import re

from tenfma.ui.texts import CATALOGUE, Texts

#: a feature's words, in bars where a norm is meant, and its unit
_FEATURE = re.compile(r"(\|?)([^|/]+?)(\|?)( / .*)?")
#: what stands between the parts of a measured row's name
_BETWEEN = re.compile(r"(: | · |, | / | \(|\)$)")
_NOTES = {
    "note.prototype": re.compile(r"prototype (?P<name>[^:]+): (?P<title>.*)", re.DOTALL),
    "note.band": re.compile(r"band \[(?P<low>[^,]*), (?P<high>[^\]]*)\], max \|ΔE\| (?P<most>\S*)"),
    "note.frames": re.compile(r"(?P<name>.*) names no symmetries", re.DOTALL),
    "note.first": re.compile(r"(?P<name>.*) holds several structures; this is the first", re.DOTALL),
}


def feature(t: Texts, label: str) -> str:
    """A feature as it is called, such as "|gyration| / Å²" or "radial 2"; one that has no name stays."""
    found = _FEATURE.fullmatch(label.replace("_", " "))
    if found is None:
        return label
    before, words, after, unit = found.groups(default="")
    kind, _, rest = words.partition(" ")
    if f"feature.{words}" in CATALOGUE:
        words = t(f"feature.{words}")
    elif rest and f"feature.{kind}" in CATALOGUE:
        words = t(f"feature.{kind}", rest=rest)
    return f"{before}{words}{after}{unit}"


def note(t: Texts, sentence: str) -> str:
    """A note on a crystal or a check; one that is not known stays."""
    for key, form in _NOTES.items():
        if found := form.fullmatch(sentence):
            return t(key, **found.groupdict())
    return sentence


def gauge(t: Texts, sentence: str) -> str:
    """How H is split among its parts; a way that is not known stays."""
    key = f"gauge:{sentence}"
    return t(key) if key in CATALOGUE else sentence


def row(t: Texts, words: str) -> str:
    """What a measured row is called, part by part: "Hénon–Heiles, one trajectory (leapfrog)"; unknown parts stay."""
    parts = [words] if f"row:{words}" in CATALOGUE else _BETWEEN.split(words)
    return "".join(t(f"row:{part}") if f"row:{part}" in CATALOGUE else part for part in parts)
