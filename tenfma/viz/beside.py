"""On which side of its mark a word stands, so that words and marks do not lie on each other."""

from collections.abc import Sequence

import numpy as np

#: sides in the order in which they are tried: the word's middle from the mark's, in (mark + word) half sizes
SIDES = {"top center": (0, 1), "middle right": (1, 0), "middle left": (-1, 0), "bottom center": (0, -1)}
#: a letter's width and a line's height, px
LETTER, LINE = 8.0, 14.0
#: how often every word may move
ROUNDS = 8


def box(at: np.ndarray, word: str, mark: float, side: str) -> np.ndarray:
    """Left, bottom, right and top of a word beside a mark of that size at `at`, px."""
    half = np.array([LETTER * len(word), LINE]) / 2
    middle = at + np.array(SIDES[side]) * (half + mark / 2)
    return np.concatenate([middle - half, middle + half])


def overlap(one: np.ndarray, others: np.ndarray) -> float:
    """Area that a box (4,) shares with others (n, 4)."""
    low, high = np.maximum(one[:2], others[:, :2]), np.minimum(one[2:], others[:, 2:])
    return float(np.prod(np.clip(high - low, 0, None), axis=1).sum())


def sides(places: np.ndarray, words: Sequence[str], marks: Sequence[float]) -> list[str]:
    """The side of each word, for marks at `places` (n, 2), px: the first that is free, or the one least covered.

    Each word in turn gives way to all others, until none has a reason to move.
    """
    sizes = np.array(marks, float)[:, None]
    covered = np.hstack([places - sizes / 2, places + sizes / 2])
    found = [next(iter(SIDES))] * len(words)
    for _ in range(ROUNDS):
        before = list(found)
        for k, (at, word, mark) in enumerate(zip(places, words, marks)):
            others = [box(*each) for j, each in enumerate(zip(places, words, marks, found)) if j != k]
            taken = np.vstack([covered, *others])
            found[k] = min(SIDES, key=lambda side: overlap(box(at, word, mark, side), taken))
        if found == before:
            break
    return found
