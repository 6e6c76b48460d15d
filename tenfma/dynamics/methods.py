"""The methods, by name: each a word over flows with derived coefficients, or a builder of its step."""

from tenfma.dynamics.compositions import KAHAN_LI_8, KAHAN_LI_8_17, YOSHIDA_6A, quintuple_jump, triple_jump
from tenfma.dynamics.explicit import euler, rk4
from tenfma.dynamics.extended import tao
from tenfma.dynamics.flows import Setting, Step
from tenfma.dynamics.implicit import gauss_legendre4, implicit_midpoint
from tenfma.dynamics.langevin import euler_maruyama
from tenfma.dynamics.splitting import word_step
from tenfma.dynamics.words import Method, Word, composed, merged
from tenfma.errors import PairingError, TenfmaError
from tenfma.hamiltonian.pairing import coupling
from tenfma.hamiltonian.protocol import Array, Capability, Hamiltonian

GENERAL, SEPARABLE, QUADRATIC = Capability.GENERAL, Capability.SEPARABLE, Capability.QUADRATIC

KICK_DRIFT_KICK: Word = (("B", 0.5), ("A", 1.0), ("B", 0.5))
DRIFT_KICK_DRIFT: Word = (("A", 0.5), ("B", 1.0), ("A", 0.5))


def _spelt(letters: str) -> Word:
    """Equal shares for each flow: BAOAB is B½ A½ O1 A½ B½."""
    return tuple((letter, 1.0 / letters.count(letter)) for letter in letters)


def _symplectic(name: str, order: int, word: Word, reference: str, symmetric: bool = True) -> Method:
    return Method(name, order, SEPARABLE, True, symmetric, reference, word)


def _langevin(name: str, letters: str, reference: str, needs: Capability = QUADRATIC) -> Method:
    return Method(name, 2, needs, False, False, reference, merged(_spelt(letters)), stochastic=True)


_HLW = "Hairer, Lubich & Wanner, Geometric Numerical Integration"
_LM = "Leimkuhler & Matthews (2013)"

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("euler", 1, GENERAL, False, False, "Euler (1768)", build=euler),
        Method("rk4", 4, GENERAL, False, False, "Kutta (1901)", build=rk4),
        _symplectic("symplectic_euler", 1, (("B", 1.0), ("A", 1.0)), f"{_HLW}, VI.3", symmetric=False),
        _symplectic("leapfrog", 2, KICK_DRIFT_KICK, "Verlet (1967)"),
        _symplectic("leapfrog_position", 2, DRIFT_KICK_DRIFT, "Verlet (1967), drifting first"),
        _symplectic("yoshida4", 4, composed(KICK_DRIFT_KICK, triple_jump(2)), "Yoshida (1990)"),
        _symplectic("suzuki4", 4, composed(KICK_DRIFT_KICK, quintuple_jump(2)), "Suzuki (1990)"),
        _symplectic("yoshida6", 6, composed(KICK_DRIFT_KICK, YOSHIDA_6A), "Yoshida (1990), solution A"),
        _symplectic("kahan_li8", 8, composed(KICK_DRIFT_KICK, KAHAN_LI_8), "Kahan & Li (1997), s15odr8"),
        _symplectic(
            "kahan_li8_17", 8, composed(KICK_DRIFT_KICK, KAHAN_LI_8_17), "Kahan & Li (1997), s17odr8a"
        ),
        Method("implicit_midpoint", 2, GENERAL, True, True, f"{_HLW}, VI.4", build=implicit_midpoint),
        Method("gauss_legendre4", 4, GENERAL, True, True, f"{_HLW}, II.1.3", build=gauss_legendre4),
        Method("tao2", 2, GENERAL, True, True, "Tao (2016)", build=tao((1.0,))),
        Method("tao4", 4, GENERAL, True, True, "Tao (2016)", build=tao(triple_jump(2))),
        _langevin("baoab", "BAOAB", _LM),
        _langevin("aboba", "ABOBA", _LM),
        _langevin("obabo", "OBABO", "Bussi & Parrinello (2007)"),
        _langevin("oabao", "OABAO", "Bussi & Parrinello (2007), drifting first"),
        # four thermostat steps a step: they need no ∂H/∂q, and their error would otherwise be the largest
        _langevin("badndab", f"BA{'DND' * 4}AB", f"after {_LM}; friction on ∂H/∂p", needs=SEPARABLE),
        _langevin("dnmnd", "DNMND", "implicit midpoint between friction and noise", needs=GENERAL),
        Method(
            "euler_maruyama",
            1,
            GENERAL,
            False,
            False,
            "Maruyama (1955)",
            stochastic=True,
            build=euler_maruyama,
        ),
    )
}


def method_named(method: str | Method) -> Method:
    """The method of that name; a `Method` passes through. Raises `TenfmaError` listing the names."""
    if isinstance(method, Method):
        return method
    if not isinstance(method, str) or method not in METHODS:
        raise TenfmaError(f"There is no method {method!r}; choose one of {', '.join(METHODS)}.")
    return METHODS[method]


def step_of(method: Method, setting: Setting, q: Array) -> Step:
    """The step of a method in a setting; q says which kind of array it will be given."""
    if method.word is not None:
        return word_step(setting, method.word, q)
    assert method.build is not None
    return method.build(setting)


def check_pairing(method: Method, H: Hamiltonian, q: Array | None = None, p: Array | None = None) -> None:
    """Raise `PairingError`, with the remedy, where a method is not right for H; why is measured at (q, p)."""
    if H.capability >= method.needs:
        if H.probed and q is not None and method.needs > GENERAL and 0 < coupling(H, q, p) < float("inf"):
            raise PairingError(
                f"{method.name} needs a separable H; this one looked separable where it was probed, and couples q "
                f"and p at the start (∂²H/∂q∂p = {coupling(H, q, p):.2g}). Use implicit_midpoint or tao4."
            )
        return
    if H.capability == GENERAL:
        measured = coupling(H, q, p) or coupling(H)
        why = f"∂²H/∂q∂p = {measured:.2g}" if measured < float("inf") else "∂H/∂q depends on p"
        remedy = "dnmnd" if method.stochastic else "implicit_midpoint or tao4"
        raise PairingError(
            f"{method.name} needs a separable H; this one couples q and p ({why}). Use {remedy}."
        )
    raise PairingError(
        f"{method.name} needs a quadratic kinetic energy, Σ p²/2m: its thermostat is exact for −γp only, "
        "and here ∂H/∂p is not p/m. Use badndab, whose friction is −Γ ∂H/∂p."
    )
