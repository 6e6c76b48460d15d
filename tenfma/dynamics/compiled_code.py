"""Source of the compiled integrators: a word over flows and the exact derivatives of a formula, as plain loops.

One kernel is generated for each formula and each pattern of letters; step sizes, coefficients and parameters are
arguments. Two layouts of the same statements exist. *Serial*: one trajectory at a time, its components in registers
(or in small arrays, where there are many). *Lanes*: blocks of trajectories advance together, the innermost loop runs
over the block, and LLVM turns it into vector instructions.

Where a word begins and ends with the same letter, the last flow of a step and the first of the next are one flow over
the sum of their lengths: one gradient a step for leapfrog.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tenfma.dynamics.words import Word
from tenfma.hamiltonian.codegen import FUNCTION_NAMES, function_source
from tenfma.hamiltonian.structure import TIME, Structure

#: trajectories that advance together: enough for full vector registers, few enough for the first cache
LANES = 64
#: up to this many degrees of freedom live in registers, more in arrays
MOST_SCALARS = 8

FUNCTIONS = {name: getattr(math, name) for name in FUNCTION_NAMES}
FUNCTIONS |= {f"s_{name}": function for name, function in FUNCTIONS.items()}

ARGUMENTS = (
    *("q_in", "p_in", "k", "t0", "h_in", "f", "fc", "first", "lo", "hi", "saves", "every"),
    *("noise", "key_lo", "key_hi", "out_q", "out_p", "out_e", "out_heat"),
)


@dataclass(frozen=True)
class Plan:
    """A word cut for a loop: `head`, then every − 1 times `core` and `joint`, then `core` and `tail`.

    Letters are (letter, index into `lengths`); lengths are coefficients, to be multiplied by the step.
    """

    head: tuple[tuple[str, int], ...]
    core: tuple[tuple[str, int], ...]
    joint: tuple[tuple[str, int], ...]
    tail: tuple[tuple[str, int], ...]
    #: (letter, coefficient) of each distinct flow
    lengths: tuple[tuple[str, float], ...]

    @property
    def pattern(self) -> tuple:
        """What the generated source depends on."""
        return (self.head, self.core, self.joint, self.tail, tuple(letter for letter, _ in self.lengths))

    @property
    def draws(self) -> int:
        return sum(letter == "O" for letter, _ in self.core)


def plan(word: Word) -> Plan:
    """Cut a word so that equal letters on both sides of a step boundary become one."""
    lengths: dict[tuple[str, float], int] = {}

    def placed(*letters: tuple[str, float]) -> tuple[tuple[str, int], ...]:
        return tuple((letter, lengths.setdefault((letter, c), len(lengths))) for letter, c in letters)

    (first, c0), (last, c1) = word[0], word[-1]
    if len(word) > 1 and first == last and first in "AB":
        parts = (placed(word[0]), placed(*word[1:-1]), placed((first, c0 + c1)), placed(word[-1]))
    else:
        parts = ((), placed(*word), (), ())
    return Plan(*parts, lengths=tuple(lengths))


@dataclass
class Writer:
    """Writes the statements of one kernel. In a statement, `@` stands for a component and `#` for its index."""

    structure: Structure
    layout: str
    noise: str
    damped: bool
    draws: int
    #: letters of the word that need their length as b0, b1, …
    lines: list[str] = field(default_factory=list)
    depth: int = 1

    @property
    def n(self) -> int:
        return self.structure.dimension

    @property
    def scalars(self) -> bool:
        return self.n <= MOST_SCALARS

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
            self.put(f"{outputs}, = {function}({', '.join([*inputs, *self.parameters(), t])})")
        else:
            self.put(f"{function}({', '.join([q, p, *self.parameters(), t, target])})")

    def energy(self, target: str, t: str) -> None:
        inputs = [f"{letter}{i}" for letter in "qp" for i in range(self.n)] if self.scalars else ["q", "p"]
        self.put(f"{target} = energy({', '.join([*inputs, *self.parameters(), t])})")

    def letters(self, letters: Sequence[tuple[str, int]], fresh: bool) -> bool:
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
                self._thermostat(j, draw)
                draw += 1
            elif letter == "E":
                self._euler()
                fresh = False
            elif letter == "R":
                self._runge_kutta()
                fresh = False
        return fresh

    def _thermostat(self, j: int, draw: int) -> None:
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
        self.each(
            f"new = c{j}@*p@ + s{j}@*z@",
            "heat = heat + (new - p@)*(new + p@)*w@",
            "p@ = new",
        )

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


def derivative_sources(structure: Structure) -> dict[str, str]:
    """Source of energy, gradient_q and gradient_p, on scalars or on arrays as the dimension asks."""
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
        if n <= MOST_SCALARS:
            arguments = [*components, *parameters, "t"]
            result = results[0] if name == "energy" else f"({', '.join(results)},)"
            sources[name] = function_source(name, arguments, statements, result)
            continue
        used = set().union(*(expression.free_symbols for expression in expressions)) - {*structure.k, TIME}
        names = sorted(structure.names[symbol] for symbol in used)
        unpack = [f"{each} = {each[0]}[{each[1:]}]" for each in names]
        if name == "energy":
            sources[name] = function_source(
                name, ["q", "p", *parameters, "t"], [*unpack, *statements], results[0]
            )
        else:
            store = [f"out[{i}] = {result}" for i, result in enumerate(results)]
            arguments = ["q", "p", *parameters, "t", "out"]
            sources[name] = function_source(name, arguments, [*unpack, *statements, *store], "None")
    return sources


def kernel_source(
    structure: Structure, cut: Plan, layout: str, noise: str, damped: bool, varied: bool
) -> str:
    """Source of `kernel` for one formula, one pattern of letters, one layout and one kind of noise.

    layout  "serial" or "lanes"; noise "none", "seed" or "recorded"; damped: H has linear friction; varied: every
    trajectory has a step size of its own
    """
    writer = Writer(structure, layout, noise, damped, cut.draws)
    writer.put(*(f"k{i} = k[{i}]" for i in range(len(structure.k))))
    writer.put(f"n = {structure.dimension}", "t = t0")
    if layout == "serial":
        _serial(writer, cut)
    else:
        _lanes(writer, cut, varied)
    return "\n".join([f"def kernel({', '.join(ARGUMENTS)}):", *writer.lines]) + "\n"


def _factors(writer: Writer, cut: Plan, row: str) -> None:
    """Load what each flow needs: its length, what friction keeps of p, the thermostat's two numbers."""
    writer.put(f"h = h_in[{row}]")
    if writer.damped:
        writer.put(f"c_damping = f[{row}, {2 * len(cut.lengths)}]")
    for j, (letter, _) in enumerate(cut.lengths):
        if letter in "AB":
            writer.put(f"b{j} = f[{row}, {2 * j}]")
        if letter == "B" and writer.damped:
            writer.put(f"kept{j} = f[{row}, {2 * j + 1}]")
        if letter == "O":
            if writer.scalars:
                writer.each(f"c{j}@ = fc[{row}, {2 * j}, #]", f"s{j}@ = fc[{row}, {2 * j + 1}, #]")
            else:
                writer.put(f"c{j} = fc[{row}, {2 * j}]", f"s{j} = fc[{row}, {2 * j + 1}]")
    if cut.draws:
        weights = 2 * len(cut.lengths)
        if writer.scalars:
            writer.each(f"w@ = fc[{row}, {weights}, #]")
        else:
            writer.put(f"w = fc[{row}, {weights}]")


def _serial(writer: Writer, cut: Plan) -> None:
    put = writer.put
    if not writer.scalars:
        kinds = ["q", "p", "g", "v", "z", "x", "y", *(f"{kind}{i}_" for kind in "va" for i in range(1, 5))]
        put(*(f"{kind} = empty(n)" for kind in kinds))
    put("for m in range(lo, hi):")
    writer.depth += 1
    put("r = m if f.shape[0] > 1 else 0")
    _factors(writer, cut, "r")
    if writer.noise == "seed":
        put("lo_key = key_lo[m]", "hi_key = key_hi[m]")
    writer.each("q@ = q_in[m, #]", "p@ = p_in[m, #]")
    put("heat = 0.0", "t = t0")
    kept = _slope_is_kept(cut)
    if kept:
        writer.call("gradient_q", "g")
    put("for s in range(saves):")
    writer.depth += 1
    _clock(writer, "s*every")
    _stamp(writer, "s*every")
    fresh = writer.letters(cut.head, kept)
    put("for j in range(every - 1):")
    writer.depth += 1
    _clock(writer, "(s*every + j)", cut.head)
    _stamp(writer, "s*every + j")
    writer.letters(cut.core + cut.joint, fresh and not cut.joint)
    writer.depth -= 1
    _clock(writer, "(s*every + every - 1)", cut.head)
    _stamp(writer, "s*every + every - 1")
    writer.letters(cut.core + cut.tail, False)
    writer.each("out_q[s, m, #] = q@", "out_p[s, m, #] = p@")
    writer.energy("out_e[s, m]", "t0 + (s + 1)*every*h")
    if cut.draws:
        put("out_heat[s, m] = heat")


def _slope_is_kept(cut: Plan) -> bool:
    """Whether ∂H/∂q at the end of a step is what the next one begins with."""
    return bool(cut.head) and cut.head[0][0] == "B"


def _clock(writer: Writer, step: str, after: Sequence[tuple[str, int]] = (), name: str = "t") -> None:
    """t at the beginning of a step, or after its head, multiplied out so that it does not drift."""
    if writer.structure.time_dependent:
        drifted = "".join(f" + b{j}" for letter, j in after if letter == "A")
        writer.put(f"{name} = t0 + {step}*h{drifted}")


def _stamp(writer: Writer, step: str) -> None:
    if writer.noise == "seed":
        writer.put(f"step = uint64(first + {step})")
    elif writer.noise == "recorded":
        writer.put(f"local = {step}")


def _lanes(writer: Writer, cut: Plan, varied: bool) -> None:
    put = writer.put
    n, lanes = writer.n, LANES
    rows = {"q": 0, "p": n, "g": 2 * n}
    put(f"work = empty(({3 * n}, {lanes}))")
    for kind, offset in rows.items():
        put(*(f"{kind.upper()}{i} = work[{offset + i}]" for i in range(n)))
    count = 2 * len(cut.lengths) + 2
    if varied:
        put(f"own = empty(({count}, {lanes}))", *(f"F{j} = own[{j}]" for j in range(count)))
    else:
        _factors(writer, cut, "0")

    def over_lanes(letters: Sequence[tuple[str, int]], fresh: bool, load: str, store: str) -> None:
        put(f"for lane in range({lanes}):")
        writer.depth += 1
        for kind in load:
            writer.each(f"{kind}@ = {kind.upper()}@[lane]")
        if varied:
            _own_factors(writer, cut)
        if writer.structure.time_dependent:
            put("t = ts")
        if writer.letters(letters, fresh) and "g" in store and not fresh and not letters:
            raise AssertionError("an empty segment cannot make a slope")
        for kind in store:
            writer.each(f"{kind.upper()}@[lane] = {kind}@")
        writer.depth -= 1

    kept = _slope_is_kept(cut)
    put(f"for start in range(lo, hi, {lanes}):")
    writer.depth += 1
    put(f"for lane in range({lanes}):", "    m = min(start + lane, hi - 1)")
    writer.depth += 1
    writer.each("Q@[lane] = q_in[m, #]", "P@[lane] = p_in[m, #]")
    if varied:
        put(*(f"F{j}[lane] = f[m, {j}]" for j in range(count - 1)), f"F{count - 1}[lane] = h_in[m]")
    if kept:
        writer.each("q@ = Q@[lane]", "p@ = P@[lane]")
        writer.call("gradient_q", "g", t="t0")
        writer.each("G@[lane] = g@")
    writer.depth -= 1
    put("for s in range(saves):")
    writer.depth += 1
    if cut.head:
        _clock(writer, "s*every", name="ts")
        over_lanes(cut.head, kept, "qpg" if kept else "qp", "qp")
    put("for j in range(every - 1):")
    writer.depth += 1
    _clock(writer, "(s*every + j)", cut.head, "ts")
    over_lanes(cut.core + cut.joint, False, "qp", "qp")
    writer.depth -= 1
    _clock(writer, "(s*every + every - 1)", cut.head, "ts")
    over_lanes(cut.core + cut.tail, False, "qp", "qpg" if kept else "qp")
    put(f"for lane in range(min({lanes}, hi - start)):")
    writer.depth += 1
    put("m = start + lane")
    writer.each("q@ = Q@[lane]", "p@ = P@[lane]", "out_q[s, m, #] = q@", "out_p[s, m, #] = p@")
    if varied:
        put(f"h = F{count - 1}[lane]")
    writer.energy("out_e[s, m]", "t0 + (s + 1)*every*h")


def _own_factors(writer: Writer, cut: Plan) -> None:
    size = 2 * len(cut.lengths)
    writer.put(f"h = F{size + 1}[lane]")
    if writer.damped:
        writer.put(f"c_damping = F{size}[lane]")
    for j, (letter, _) in enumerate(cut.lengths):
        if letter in "AB":
            writer.put(f"b{j} = F{2 * j}[lane]")
        if letter == "B" and writer.damped:
            writer.put(f"kept{j} = F{2 * j + 1}[lane]")
