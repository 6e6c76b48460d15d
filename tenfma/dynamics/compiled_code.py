"""Source of the compiled integrators: a word over flows and the exact derivatives of a formula, as plain loops.

One kernel is generated for each formula and each pattern of letters; step sizes, coefficients and parameters are
arguments. Two layouts of the same statements exist. *Serial*: one trajectory at a time, its components in registers
(or in small arrays, where there are many). *Lanes*: blocks of trajectories advance together, the innermost loop runs
over the block, and LLVM turns it into vector instructions.

Where a word begins and ends with the same letter, the last flow of a step and the first of the next are one flow over
the sum of their lengths: one gradient a step for leapfrog.
"""

import math
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
    *("copy_x", "copy_y"),
)


#: letters in a step: the flow and the name of its coefficients in the source
Letters = tuple[tuple[str, str], ...]
#: pairs of flows that repeat at least this often become a loop
_FEWEST_CYCLES = 4


@dataclass(frozen=True)
class Plan:
    """A word cut for a loop: `head`, then in every step `core` and, at its end, `joint` or, before saving, `tail`.

    The core is `before`, then `cycles` times the letters `cycle` with coefficients of their own, then `after`.
    """

    head: Letters
    before: Letters
    cycle: str
    cycles: int
    after: Letters
    joint: Letters
    tail: Letters
    #: (letter, coefficient) of each flow; those of the cycle come last, in order
    lengths: tuple[tuple[str, float], ...]
    #: whether ∂H/∂q at the end of a step is what the next one begins with
    carries: bool

    @property
    def pattern(self) -> tuple:
        """What the generated source depends on."""
        parts = (self.head, self.before, self.cycle, self.cycles, self.after, self.joint, self.tail)
        return (*parts, tuple(letter for letter, _ in self.lengths))

    @property
    def draws(self) -> int:
        return sum(letter in "OY" for letter, _ in self.before + self.after)

    @property
    def accounts(self) -> bool:
        """Whether there is heat to account for."""
        return any(letter == "O" for letter, _ in self.before + self.after)

    @property
    def doubled(self) -> bool:
        """Whether the step carries a second copy (x, y) of the state."""
        return any(letter == "T" for letter, _ in self.before)

    @property
    def base(self) -> int:
        """Where the cycle's lengths begin."""
        return len(self.lengths) - self.cycles * len(self.cycle)


def plan(word: Word) -> Plan:
    """Cut a word so that equal letters on both sides of a step boundary become one, and repetitions a loop."""
    lengths: dict[tuple[str, float], int] = {}

    def placed(*letters: tuple[str, float]) -> Letters:
        return tuple((letter, str(lengths.setdefault((letter, c), len(lengths)))) for letter, c in letters)

    (first, c0), (last, c1) = word[0], word[-1]
    merges = len(word) > 1 and first == last and first in "AB"
    core = word[1:-1] if merges else word
    cycles = (len(core) - 1) // 2
    pair = "".join(letter for letter, _ in core[1:3])
    repeats = cycles >= _FEWEST_CYCLES and set(pair) == set("AB")
    repeats = repeats and "".join(letter for letter, _ in core[1:]) == pair * cycles
    head, joint, tail = (
        (placed(word[0]), placed((first, c0 + c1)), placed(word[-1])) if merges else ((), (), ())
    )
    before = placed(*(core[:1] if repeats else core))
    flows = [letter for letter, _ in word if letter in "AB"]
    return Plan(
        head=head,
        before=before,
        cycle=pair if repeats else "",
        cycles=cycles if repeats else 0,
        after=(),
        joint=joint,
        tail=tail,
        lengths=(*lengths, *(core[1:] if repeats else ())),
        carries=bool(flows) and flows[0] == "B" and flows[-1] == "B",
    )


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


def kernel_source(
    structure: Structure, cut: Plan, layout: str, noise: str, damped: bool, varied: bool
) -> str:
    """Source of `kernel` for one formula, one pattern of letters, one layout and one kind of noise.

    layout  "serial" or "lanes"; noise "none", "seed" or "recorded"; damped: H has linear friction; varied: every
    trajectory has a step size of its own
    """
    writer = Writer(structure, structure.dimension <= MOST_SCALARS, noise, damped)
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
    for j, (letter, _) in enumerate(cut.lengths[: cut.base]):
        if letter in "AB":
            _length(writer, letter, str(j), f"f[{row}, ", f"{2 * j}")
        if letter == "T":
            writer.put(f"b{j} = f[{row}, {2 * j}]")
            writer.put(*(f"{name}{j} = {name}(f[{row}, {2 * j + 1}])" for name in ("cos", "sin")))
            writer.put(f"half_kept{j} = exp(-0.5*f[{row}, {2 * len(cut.lengths)}]*b{j})")
        if letter in "OY":
            if writer.scalars:
                writer.each(f"c{j}@ = fc[{row}, {2 * j}, #]", f"s{j}@ = fc[{row}, {2 * j + 1}, #]")
            else:
                writer.put(f"c{j} = fc[{row}, {2 * j}]", f"s{j} = fc[{row}, {2 * j + 1}]")
    if cut.accounts:
        weights = 2 * len(cut.lengths)
        if writer.scalars:
            writer.each(f"w@ = fc[{row}, {weights}, #]")
        else:
            writer.put(f"w = fc[{row}, {weights}]")


def _length(writer: Writer, letter: str, key: str, table: str, column: str, close: str = "]") -> None:
    """b and, for a damped kick, what is kept of p, from a table whose columns hold them in pairs."""
    writer.put(f"b{key} = {table}{column}{close}")
    if letter == "B" and writer.damped:
        writer.put(f"kept{key} = {table}{column} + 1{close}")


def _cycle_letters(cut: Plan) -> Letters:
    return tuple((letter, f"_{place}") for place, letter in enumerate(cut.cycle))


def _cycle_column(cut: Plan, place: int) -> str:
    return f"{2 * cut.base} + {2 * len(cut.cycle)}*i + {2 * place}"


def _joint_letters(cut: Plan) -> Letters:
    return tuple((letter, "_end") for letter, _ in cut.joint)


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
    if cut.doubled:
        writer.each("x@ = copy_x[m, #]", "y@ = copy_y[m, #]")
    put("heat = 0.0", "t = t0")
    if cut.carries:
        writer.call("gradient_q", "g")
    put("for s in range(saves):")
    writer.depth += 1
    _clock(writer, "s*every")
    writer.letters(cut.head, cut.carries)
    put("for j in range(every):")
    writer.depth += 1
    for letter, key in cut.joint:
        put(f"b_end = b{key} if j < every - 1 else b{cut.tail[0][1]}")
        if letter == "B" and writer.damped:
            put(f"kept_end = kept{key} if j < every - 1 else kept{cut.tail[0][1]}")
    _clock(writer, "(s*every + j)", cut.head)
    if writer.noise == "seed":
        put("step = uint64(first + s*every + j)")
    elif writer.noise == "recorded":
        put("local = s*every + j")
    fresh = writer.letters(cut.before, cut.carries)
    if cut.cycles:
        put(f"for i in range({cut.cycles}):")
        writer.depth += 1
        for place, letter in enumerate(cut.cycle):
            _length(writer, letter, f"_{place}", "f[r, ", _cycle_column(cut, place))
        fresh = writer.letters(_cycle_letters(cut), fresh)
        writer.depth -= 1
    writer.letters(cut.after + _joint_letters(cut), fresh)
    writer.depth -= 1
    writer.each("out_q[s, m, #] = q@", "out_p[s, m, #] = p@")
    writer.energy("out_e[s, m]", "t0 + (s + 1)*every*h")
    if cut.accounts:
        put("out_heat[s, m] = heat")
    if cut.doubled:
        put("heat = 0.0")
        writer.each("heat = heat + (q@ - x@)*(q@ - x@) + (p@ - y@)*(p@ - y@)")
        put("out_heat[s, m] = s_sqrt(heat)")
        writer.depth -= 1
        writer.each("copy_x[m, #] = x@", "copy_y[m, #] = y@")


def _clock(writer: Writer, step: str, after: Letters = (), name: str = "t") -> None:
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
    put, n = writer.put, writer.n
    put(f"work = empty(({3 * n}, {LANES}))")
    for place, kind in enumerate("QPG"):
        put(*(f"{kind}{i} = work[{place * n + i}]" for i in range(n)))
    columns = 2 * len(cut.lengths) + 2
    if varied:
        put(f"own = empty(({columns}, {LANES}))")
    else:
        _factors(writer, cut, "0")
    put(f"for start in range(lo, hi, {LANES}):")
    writer.depth += 1
    put(f"for lane in range({LANES}):")
    writer.depth += 1
    put("m = min(start + lane, hi - 1)")
    writer.each("Q@[lane] = q_in[m, #]", "P@[lane] = p_in[m, #]")
    if varied:
        put(
            f"for i in range({columns - 1}):",
            "    own[i, lane] = f[m, i]",
            f"own[{columns - 1}, lane] = h_in[m]",
        )
    if cut.carries:
        writer.each("q@ = Q@[lane]", "p@ = P@[lane]")
        writer.call("gradient_q", "g", t="t0")
        writer.each("G@[lane] = g@")
    writer.depth -= 1
    put("for s in range(saves):")
    writer.depth += 1
    slope = "g" if cut.carries else ""
    if cut.head:
        _clock(writer, "s*every", name="ts")
        _over_lanes(writer, cut, varied, cut.head, cut.carries, "qp" + slope, "qp")
    put("for j in range(every):")
    writer.depth += 1
    for letter, key in cut.joint:
        tail = cut.tail[0][1]
        if varied:
            put(f"row = {2 * int(key)} if j < every - 1 else {2 * int(tail)}")
        else:
            put(f"b_end = b{key} if j < every - 1 else b{tail}")
            if letter == "B" and writer.damped:
                put(f"kept_end = kept{key} if j < every - 1 else kept{tail}")
    _clock(writer, "(s*every + j)", cut.head, "ts")
    if cut.cycles:
        _over_lanes(writer, cut, varied, cut.before, False, "qp", "qp")
        put(f"for i in range({cut.cycles}):")
        writer.depth += 1
        if not varied:
            for place, letter in enumerate(cut.cycle):
                _length(writer, letter, f"_{place}", "f[0, ", _cycle_column(cut, place))
        _over_lanes(writer, cut, varied, _cycle_letters(cut), False, "qp", "qp")
        writer.depth -= 1
        _over_lanes(writer, cut, varied, cut.after + _joint_letters(cut), False, "qp", "qp" + slope)
    else:
        _over_lanes(writer, cut, varied, cut.before + _joint_letters(cut), False, "qp", "qp" + slope)
    writer.depth -= 1
    put(f"for lane in range(min({LANES}, hi - start)):")
    writer.depth += 1
    put("m = start + lane")
    writer.each("q@ = Q@[lane]", "p@ = P@[lane]", "out_q[s, m, #] = q@", "out_p[s, m, #] = p@")
    if varied:
        put(f"h = own[{columns - 1}, lane]")
    writer.energy("out_e[s, m]", "t0 + (s + 1)*every*h")


def _over_lanes(
    writer: Writer, cut: Plan, varied: bool, letters: Letters, fresh: bool, load: str, store: str
) -> None:
    """One pass over the block: load the components of a lane, apply the letters, store them."""
    if not letters:
        return
    put = writer.put
    put(f"for lane in range({LANES}):")
    writer.depth += 1
    for kind in load:
        writer.each(f"{kind}@ = {kind.upper()}@[lane]")
    if varied:
        put(f"h = own[{2 * len(cut.lengths) + 1}, lane]")
        if writer.damped:
            put(f"c_damping = own[{2 * len(cut.lengths)}, lane]")
        for letter, key in letters:
            if letter in "AB":
                column = (
                    "row" if key == "_end" else _cycle_column(cut, int(key[1:])) if key[0] == "_" else None
                )
                _length(writer, letter, key, "own[", column or str(2 * int(key)), ", lane]")
    if writer.structure.time_dependent:
        put("t = ts")
    writer.letters(letters, fresh)
    for kind in store:
        writer.each(f"{kind.upper()}@[lane] = {kind}@")
    writer.depth -= 1
    if writer.structure.time_dependent:
        put(*(f"ts = ts + b{key}" for letter, key in letters if letter == "A"))
