"""Statements of a compiled step: each flow written out for every component of the state."""

import math
from dataclasses import dataclass, field

from tenfma.dynamics.compiled_plan import Letters
from tenfma.hamiltonian.codegen import FUNCTION_NAMES, function_source
from tenfma.hamiltonian.structure import TIME, Structure

FUNCTIONS = {name: getattr(math, name) for name in FUNCTION_NAMES}
FUNCTIONS |= {f"s_{name}": function for name, function in FUNCTIONS.items()}


@dataclass
class Writer:
    """Writes the statements of one kernel. In a statement, `@` stands for a component and `#` for its index."""

    structure: Structure
    scalars: bool
    noise: str
    damped: bool
    lines: list[str] = field(default_factory=list)
    depth: int = 1

    @property
    def n(self) -> int:
        return self.structure.dimension

    def put(self, *statements: str) -> None:
        self.lines.extend("    " * self.depth + statement for statement in statements)

    def each(self, *statements: str) -> None:
        """One statement for every component."""
        if self.scalars:
            for i in range(self.n):
                self.put(*(statement.replace("@", str(i)).replace("#", str(i)) for statement in statements))
        else:
            self.put("for i in range(n):")
            self.put(*("    " + statement.replace("@", "[i]").replace("#", "i") for statement in statements))

    def parameters(self) -> list[str]:
        return [f"k{i}" for i in range(len(self.structure.k))]

    def call(self, function: str, target: str, q: str = "q", p: str = "p", t: str = "t") -> None:
        """target ← ∂H/∂q or ∂H/∂p."""
        if self.scalars:
            outputs = ", ".join(f"{target}{i}" for i in range(self.n))
            inputs = [f"{letter}{i}" for letter in (q, p) for i in range(self.n)]
            self.put(f"{outputs}, = {function}({', '.join([*inputs, t, *self.parameters()])})")
        else:
            self.put(f"{function}({', '.join([q, p, t, target, *self.parameters()])})")

    def energy(self, target: str, t: str) -> None:
        inputs = [f"{letter}{i}" for letter in "qp" for i in range(self.n)] if self.scalars else ["q", "p"]
        self.put(f"{target} = energy({', '.join([*inputs, t, *self.parameters()])})")

    def letters(self, letters: Letters, fresh: bool) -> bool:
        """The flows in order; `fresh` says whether g holds ∂H/∂q at (q, t) before, and the result whether after."""
        draw = 0
        for letter, j in letters:
            if letter == "A":
                self.call("gradient_p", "v")
                self.each(f"q@ = q@ + b{j}*v@")
                if self.structure.time_dependent:
                    self.put(f"t = t + b{j}")
                fresh = False
            elif letter == "B":
                if not fresh:
                    self.call("gradient_q", "g")
                kept = f"kept{j}*p@" if self.damped else "p@"
                self.each(f"p@ = {kept} - b{j}*g@")
                fresh = True
            elif letter == "O":
                self._normals(draw)
                self._thermostat(j)
                draw += 1
            elif letter == "Y":
                self._normals(draw)
                self._euler_maruyama(j)
                fresh, draw = False, draw + 1
            elif letter == "T":
                self._tao(j)
                fresh = False
            elif letter == "E":
                self._euler()
                fresh = False
            elif letter == "R":
                self._runge_kutta()
                fresh = False
        return fresh

    def _normals(self, draw: int) -> None:
        """z ← standard normals."""
        if self.noise == "recorded":
            self.each(f"z@ = noise[local, {draw}, m, #]")
        elif self.scalars:
            for block in range((self.n + 1) // 2):
                second = f"z{2 * block + 1}" if 2 * block + 1 < self.n else "spare"
                pair = f"normal_pair(lo_key, hi_key, step, uint64({draw}), uint64({block}))"
                self.put(f"z{2 * block}, {second} = {pair}")
        else:
            self.put(
                "for i in range(0, n - 1, 2):",
                f"    z[i], z[i + 1] = normal_pair(lo_key, hi_key, step, uint64({draw}), uint64(i // 2))",
                "if n % 2 == 1:",
                f"    z[n - 1], spare = normal_pair(lo_key, hi_key, step, uint64({draw}), uint64(n // 2))",
            )

    def _thermostat(self, j: str) -> None:
        """p ← e^{−γh} p + √(m kT (1 − e^{−2γh})) z, and the kinetic energy this adds."""
        self.each(
            f"new = c{j}@*p@ + s{j}@*z@",
            "heat = heat + (new - p@)*(new + p@)*w@",
            "p@ = new",
        )

    def _tao(self, j: str) -> None:
        """The symmetric step in two copies: H(q, y), H(x, p), and the rotation that binds them; half, half, whole."""
        half = f"0.5*b{j}"
        damp = [f"p@ = half_kept{j}*p@", f"y@ = half_kept{j}*y@"] if self.damped else []

        def first(t: str) -> None:  # the flow of H(q, y) moves p and x
            self.call("gradient_q", "g", "q", "y", t)
            self.call("gradient_p", "v", "q", "y", t)
            self.each(f"p@ = p@ - {half}*g@", f"x@ = x@ + {half}*v@")

        def second(t: str) -> None:  # the flow of H(x, p) moves q and y
            self.call("gradient_q", "g", "x", "p", t)
            self.call("gradient_p", "v", "x", "p", t)
            self.each(f"q@ = q@ + {half}*v@", f"y@ = y@ - {half}*g@")

        if damp:
            self.each(*damp)
        first("t")
        second(f"t + {half}")
        self.each(
            "difference = q@ - x@",
            "other = p@ - y@",
            f"turned = cos{j}*difference + sin{j}*other",
            f"other = cos{j}*other - sin{j}*difference",
            "total = q@ + x@",
            "q@ = 0.5*(total + turned)",
            "x@ = 0.5*(total - turned)",
            "total = p@ + y@",
            "p@ = 0.5*(total + other)",
            "y@ = 0.5*(total - other)",
        )
        second(f"t + {half}")
        if self.structure.time_dependent:
            self.put(f"t = t + b{j}")
        first("t")
        if damp:
            self.each(*damp)

    def _euler_maruyama(self, j: str) -> None:
        """q ← q + h ∂H/∂p,  p ← p − h (∂H/∂q + Γ ∂H/∂p + c p) + √(2 Γ kT h) z."""
        self.call("gradient_p", "v")
        self.call("gradient_q", "g")
        friction = " + c_damping*p@" if self.damped else ""
        self.each("q@ = q@ + h*v@", f"p@ = p@ - h*(g@ + c{j}@*v@{friction}) + s{j}@*z@")

    def _euler(self) -> None:
        """(q, p) ← (q, p) + h (∂H/∂p, −∂H/∂q − c p)."""
        self._velocity("1", "q", "p", "t")
        self.each("q@ = q@ + h*v1_@", "p@ = p@ + h*a1_@")

    def _velocity(self, stage: str, q: str, p: str, t: str) -> None:
        """v ← ∂H/∂p and a ← −∂H/∂q − c p of one stage."""
        self.call("gradient_p", f"v{stage}_", q, p, t)
        self.call("gradient_q", f"a{stage}_", q, p, t)
        friction = f" - c_damping*{p}@" if self.damped else ""
        self.each(f"a{stage}_@ = -a{stage}_@{friction}")

    def _runge_kutta(self) -> None:
        """The classical method of order 4."""
        self._velocity("1", "q", "p", "t")
        previous = "1"
        for stage, half, t in (("2", "0.5*", "t + 0.5*h"), ("3", "0.5*", "t + 0.5*h"), ("4", "", "t + h")):
            self.each(f"x@ = q@ + {half}h*v{previous}_@", f"y@ = p@ + {half}h*a{previous}_@")
            self._velocity(stage, "x", "y", t)
            previous = stage
        self.each(
            "q@ = q@ + h/6.0*(v1_@ + 2.0*v2_@ + 2.0*v3_@ + v4_@)",
            "p@ = p@ + h/6.0*(a1_@ + 2.0*a2_@ + 2.0*a3_@ + a4_@)",
        )


def derivative_sources(structure: Structure, scalars: bool) -> dict[str, str]:
    """Source of energy, gradient_q and gradient_p, on scalars or on arrays; parameters come last."""
    n = structure.dimension
    parameters = [f"k{i}" for i in range(len(structure.k))]
    components = [f"{letter}{i}" for letter in "qp" for i in range(n)]
    sources = {}
    for name, expressions in (
        ("energy", (structure.expression,)),
        ("gradient_q", structure.dq),
        ("gradient_p", structure.dp),
    ):
        statements, results = structure.program().source(expressions)
        if scalars:
            arguments = [*components, "t", *parameters]
            result = results[0] if name == "energy" else f"({', '.join(results)},)"
            sources[name] = function_source(name, arguments, statements, result)
            continue
        used = set().union(*(expression.free_symbols for expression in expressions)) - {*structure.k, TIME}
        names = sorted(structure.names[symbol] for symbol in used)
        unpack = [f"{each} = {each[0]}[{each[1:]}]" for each in names]
        if name == "energy":
            sources[name] = function_source(
                name, ["q", "p", "t", *parameters], [*unpack, *statements], results[0]
            )
        else:
            store = [f"out[{i}] = {result}" for i, result in enumerate(results)]
            arguments = ["q", "p", "t", "out", *parameters]
            sources[name] = function_source(name, arguments, [*unpack, *statements, *store], "None")
    return sources
