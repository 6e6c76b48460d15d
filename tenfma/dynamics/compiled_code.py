"""Source of the compiled integrators: a word over flows and the exact derivatives of a formula, as plain loops.

One kernel is generated for each formula and each pattern of letters; step sizes, coefficients and parameters are
arguments. Two layouts of the same statements exist. *Serial*: one trajectory at a time, its components in registers
(or in small arrays, where there are many). *Lanes*: blocks of trajectories advance together, the innermost loop runs
over the block, and LLVM turns it into vector instructions.
"""

from tenfma.dynamics.compiled_plan import Letters, Plan
from tenfma.dynamics.compiled_writer import Writer
from tenfma.hamiltonian.structure import Structure

#: trajectories that advance together: enough for full vector registers, few enough for the first cache
LANES = 64
#: up to this many degrees of freedom live in registers, more in arrays
MOST_SCALARS = 8

#: what every kernel takes
ARGUMENTS = (
    *("q_in", "p_in", "k", "t0", "h_in", "f", "fc", "first", "lo", "hi", "saves", "every"),
    *("noise", "key_lo", "key_hi", "out_q", "out_p", "out_e", "out_heat"),
    *("copy_x", "copy_y"),
)


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
