"""The step a word spells, and its exact inverse.

A kick leaves q and t alone, so ∂H/∂q is kept until the next drift: a method that begins and ends with a kick
costs one gradient a step after the first.
"""

from dataclasses import replace
from typing import Any

from tenfma.dynamics.arrays import like, namespace
from tenfma.dynamics.flows import (
    Setting,
    State,
    Step,
    damping_factors,
    friction_matrix,
    kinetic_change,
    thermostat_factors,
)
from tenfma.dynamics.implicit import dissipation, midpoint_map
from tenfma.dynamics.words import Word
from tenfma.hamiltonian.protocol import Array


def word_step(setting: Setting, word: Word, q: Array) -> Step:
    """The step a word spells: its letters applied from left to right."""
    H, h = setting.H, setting.h
    k = float(H.damping)
    letters = [(letter, c * h, _factors(setting, letter, c * h, k, q)) for letter, c in word]
    account = setting.account and setting.kT is not None

    def step(state: State, t: Any, normals: Any) -> State:
        q, p, slope, heat = state.q, state.p, state.slope, state.heat
        draw = 0
        for letter, b, (kept, scale) in letters:
            if letter == "A":
                q = q + b * H.dp(q, p, t)  # q ← q + h ∂H/∂p
                t, slope = t + b, None
            elif letter == "B":
                slope = H.dq(q, p, t) if slope is None else slope
                p = kept * p - scale * slope if k else p - b * slope  # p ← p − h ∂H/∂q
            else:
                before = p
                if letter == "O":
                    p = kept * p + scale * normals[draw]  # p ← e^{−γh} p + √(m kT (1 − e^{−2γh})) ξ
                    draw += 1
                elif letter == "N":
                    p = p + scale * normals[draw]  # p ← p + √(2 Γ kT h) ξ
                    draw += 1
                elif letter == "D":
                    p = scale(q, p, t)
                else:
                    q, p = scale(q, p, t)
                    t, slope = t + b, None
                    continue
                if account:
                    change = kinetic_change(setting, q, before, p, t)
                    heat = change if heat is None else heat + change
        return replace(state, q=q, p=p, slope=slope, heat=heat)

    return step


def _factors(setting: Setting, letter: str, b: Any, k: float, x: Array) -> tuple[Any, Any]:
    """What a letter needs, computed once for all steps."""
    xp = namespace(x)
    if letter == "B" and k:
        return damping_factors(k, b, x)
    if letter == "O":
        return thermostat_factors(b, setting.friction, setting.H.mass, setting.kT, x)
    if letter == "N":
        return 1.0, xp.sqrt(2.0 * friction_matrix(setting, x) * like(setting.kT, x) * like(b, x))
    if letter == "D":
        return 1.0, dissipation(setting, b, x)
    if letter == "M":
        return 1.0, midpoint_map(setting, b)
    return 1.0, None


def inverse_word_step(setting: Setting, word: Word, q: Array) -> Step:
    """The exact inverse of a word over A, B and O, with the same normals: the state at t back to t − h.

    Kicks and drifts are undone at −h, the thermostat by p ← (p − √(…) ξ)/e^{−γh}.
    """
    H, k = setting.H, float(setting.H.damping)
    letters = []
    for letter, c in reversed(word):
        b = (c if letter == "O" else -c) * setting.h
        letters.append((letter, b, _factors(setting, letter, b, k, q)))
    draws = sum(letter == "O" for letter, _ in word)

    def step(state: State, t: Any, normals: Any) -> State:
        q, p, slope = state.q, state.p, state.slope
        draw = draws
        for letter, b, (kept, scale) in letters:
            if letter == "A":
                q = q + b * H.dp(q, p, t)
                t, slope = t + b, None
            elif letter == "B":
                slope = H.dq(q, p, t) if slope is None else slope
                p = kept * p - scale * slope if k else p - b * slope
            else:
                draw -= 1
                p = (p - scale * normals[draw]) / kept
        return State(q, p, slope)

    return step
