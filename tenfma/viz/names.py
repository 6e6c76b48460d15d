"""How variables are called in figures and sentences."""

_GREEK = {"theta": "θ", "phi": "φ", "psi": "ψ", "alpha": "α", "beta": "β", "omega": "ω"}
_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def pretty(name: str) -> str:
    """A variable's name as it is written by hand: theta1 → θ₁, ptheta1 → p_θ₁, pr → p_r."""
    for word, letter in _GREEK.items():
        for prefix, shown in (("", ""), ("p", "p_")):
            if name.startswith(prefix + word):
                return shown + letter + name.removeprefix(prefix + word).translate(_BELOW)
    if len(name) == 2 and name[0] == "p" and name[1].isalpha():
        return "pₓ" if name == "px" else f"p_{name[1]}"
    return name.translate(_BELOW)


def typeset(name: str, after: str = "") -> str:
    """A variable's name, and what comes `after` it, as a formula inside a sentence: pr → $p_{r}$."""
    import sympy  # which pages that show only pretty names go without

    from tenfma.hamiltonian.notation import latex

    return f"${latex(sympy.Symbol(name))}{after}$"


def lowered(shown: str) -> str:
    """A pretty name for an axis of Plotly: p_r → p<sub>r</sub>."""
    base, _, below = shown.partition("_")
    return f"{base}<sub>{below}</sub>" if below else shown
