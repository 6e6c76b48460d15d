"""What a typed formula may hold, and that everything else is refused quickly, in one sentence, without running."""

import math
import sys
import time
from itertools import product

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from tenfma.errors import FormulaError
from tenfma.hamiltonian.formula import FUNCTIONS, MAX_LENGTH, names_in, parse
from tenfma.hamiltonian.symbolic import symbolic

Q, P = sympy.symbols("q p", real=True)
SCOPE = {"q": Q, "p": P}

#: pieces that are no part of the language, each tried alone, added to a good formula, and inside a function
FOREIGN = (
    *("q.real", "q.__class__", "p.denominator", "().__class__.__bases__", "q.subs", "q._sympy_", "''.join"),
    *(
        "__import__('os')",
        "__builtins__",
        "__name__",
        "eval('1')",
        "exec('x=1')",
        "open('x')",
        "compile('1','','eval')",
    ),
    *(
        "globals()",
        "locals()",
        "getattr(q,'real')",
        "vars()",
        "dir()",
        "type(q)",
        "input()",
        "print(q)",
        "breakpoint()",
    ),
    *(
        "lambda: 1",
        "(lambda x: x)(q)",
        "[q for q in (1,2)]",
        "{q for q in (1,)}",
        "{1: q}",
        "sum(q for q in (1,))",
    ),
    *(
        "q if p else 1",
        "q and p",
        "not q",
        "q < p",
        "q == p",
        "q is p",
        "q in (p,)",
        "(q := 3)",
        "[q]",
        "(q, p)",
        "{q}",
    ),
    *(
        "q[0]",
        "q[0:1]",
        "*q",
        "f'{q}'",
        "'text'",
        "b'bytes'",
        "1j",
        "q // 2",
        "q % 2",
        "q @ p",
        "q & 1",
        "q | 1",
    ),
    *(
        "q << 2",
        "q >> 2",
        "~q",
        "True",
        "None",
        "...",
        "sin(q, p)",
        "sin()",
        "sin(x=q)",
        "sin(*q)",
        "sin",
        "sin.cos(q)",
    ),
    *(
        "Abs(q)",
        "abs(q)",
        "sign(q)",
        "max(q, p)",
        "min(q, p)",
        "floor(q)",
        "Symbol(q)",
        "Integer(q)",
        "gamma(q)",
    ),
    *(
        "foo(q)",
        "unknown",
        "q1q",
        "await q",
        "yield q",
        "nan",
        "inf",
        "oo",
        "zoo",
        "I",
        "S",
        "N",
        "import os",
    ),
)
WRAPPINGS = ("{}", "p**2/2 + {}", "exp({})")

#: numbers and powers that must not be worked out
HUGE = (
    *(
        "9**9**9",
        "9**9**9**9",
        "10**400",
        "2**(10**9)",
        "q**(9**9)",
        "q**100000",
        "(q**30)**30",
        "1e999",
        "1e300",
    ),
    *(
        "123456789012345678901234567890",
        "exp(exp(exp(9)))",
        "exp(1e14)",
        "(1e15)**3",
        "(q**32)**32*p",
        "q**-99999",
    ),
    *("sinh(800)", "2**-2000", "1e-400*0+1e-310", "q**1e9"),
)
#: never finite or never real
UNDEFINED = (
    *(
        "1/0",
        "q/0",
        "1/(q - q)",
        "p/(2 - 2)",
        "0**-1",
        "1/(p*0)",
        "log(0)",
        "log(-1)",
        "sqrt(-1)",
        "sqrt(-4)*q",
    ),
    *("acos(2)", "asin(-3)", "log(q - q)", "(-1)**0.5", "(-8)**(1/3)", "sqrt(-1 - q**2)", "log(-1 - p**2)"),
    *(
        "(-1 - q**2)**0.5",
        "sqrt(-exp(q))",
        "acos(2 + q**2)",
        "0/0",
        "(q - q)/(p - p)",
        "q**2/(sin(0))",
        "tan(0)**-1",
    ),
)
NOT_SMOOTH = (
    "sqrt(q**2)",
    "(q**2)**0.5 + p**2",
    "sqrt(p**2*q**2)",
    "(p**2)**(3/2)",
    "sqrt((q - 1)**2)",
    "abs(p) + q",
)
BROKEN = (
    *(
        "",
        " ",
        "\n",
        "q +",
        "* q",
        "q q",
        "(q",
        "q)",
        "((q)",
        "q**",
        "2 q",
        "q;p",
        "q = 1",
        "def f(): pass",
        "q\x00",
    ),
    *(
        "\x00",
        "q + \u202e p",
        "q^2",
        "q # comment",
        "pi(q)",
        "..",
        "q...p",
        "@q",
        "$q",
        "?",
        "q!",
        "`q`",
        "q\\p",
    ),
)
LARGE = (
    "q" * 1_000_000,
    "q+" * 500_000 + "q",
    "(" * 5_000 + "q" + ")" * 5_000,
    "sin(" * 5_000 + "q" + ")" * 5_000,
    "[" * 5_000,
    "-" * 1_900 + "q",
    "+".join(["q"] * 999),
    "9" * 1_000_000,
    "9" * 1_900,
    "q*" * 900 + "q",
    "(" * 900 + "q" + ")" * 900,
    "q**2" + "**2" * 600,
)
HOSTILE = [
    *(wrapping.format(piece) for piece, wrapping in product(FOREIGN, WRAPPINGS)),
    *HUGE,
    *UNDEFINED,
    *NOT_SMOOTH,
    *BROKEN,
    *LARGE,
]


class Watch:
    """Notes, while active, what Python's own audit reports: code run, files opened, modules imported, processes."""

    def __init__(self):
        self.active, self.seen = False, []
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple) -> None:
        if self.active and event in (
            "exec",
            "import",
            "open",
            "os.system",
            "subprocess.Popen",
            "socket.connect",
        ):
            self.seen.append((event, str(arguments)[:80]))

    def __enter__(self):
        self.active, self.seen = True, []
        return self

    def __exit__(self, *_):
        self.active = False


watch = Watch()


def test_there_are_hundreds_of_hostile_formulas():
    assert len(set(HOSTILE)) >= 300


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:40]))
def test_hostile_formulas_are_refused_in_a_sentence(text):
    begin = time.process_time()
    with pytest.raises(FormulaError) as refusal:
        symbolic(text, coordinates="q", momenta="p")
    assert time.process_time() - begin < 1.0
    sentence = str(refusal.value)
    assert 10 < len(sentence) < 400
    assert "\n" not in sentence and "Traceback" not in sentence


def read_all(texts):
    for text in texts:
        try:
            parse(text, SCOPE)
        except FormulaError:
            continue


def test_reading_a_formula_runs_nothing():
    read_all(HOSTILE)  # SymPy imports parts of itself on first use
    with watch:
        read_all(HOSTILE)
    assert watch.seen == []
    with watch:
        eval("1 + 1")  # the watch sees what it should
    assert watch.seen and watch.seen[0][0] == "exec"


def test_errors_name_the_nearest_and_the_known():
    with pytest.raises(FormulaError, match=r"nearest: sin"):
        parse("sine(q)", SCOPE)
    with pytest.raises(
        FormulaError, match=r"omega1.*nearest: omega0.*coordinates q; momenta p; parameters omega0"
    ):
        symbolic("p**2 + omega1*q", coordinates="q", parameters={"omega0": 1})
    with pytest.raises(FormulaError, match=r"write powers with \*\*"):
        parse("q^2", SCOPE)
    with pytest.raises(FormulaError, match="tanh"):
        parse("sign(q)", SCOPE)
    with pytest.raises(FormulaError, match=f"{MAX_LENGTH}"):
        parse("q" * 10**6, SCOPE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2*q + 3", 2 * Q + 3),
        ("-q**2", -(Q**2)),
        ("q**-2", Q**-2),
        ("1/3*q", Q / 3),
        ("0.1*q", Q / 10),
        ("exp(-q**2/2)", sympy.exp(-(Q**2) / 2)),
        ("E*q + pi", sympy.E * Q + sympy.pi),
        ("ln(q) + arctan2(p, q)", sympy.log(Q) + sympy.atan2(P, Q)),
        ("sqrt(q)", sympy.sqrt(Q)),
        ("q**0.5", sympy.sqrt(Q)),
        ("2**q", sympy.Integer(2) ** Q),
        ("  q\n +  p ", Q + P),
    ],
)
def test_what_formulas_mean(text, expected):
    assert sympy.simplify(parse(text, SCOPE) - expected) == 0


def test_names_in_order_of_appearance():
    assert names_in("k*x**2 + sin(px)*pi + x") == ["k", "x", "px"]


@st.composite
def formulas(draw, depth: int = 4) -> str:
    if depth == 0:
        return draw(st.sampled_from(["q", "p", "1", "2", "0.5", "3.25"]))
    kind = draw(st.sampled_from(["leaf", "binary", "binary", "function", "power", "minus"]))
    if kind == "leaf":
        return draw(formulas(0))
    inner = draw(formulas(depth - 1))
    if kind == "binary":
        return f"({inner} {draw(st.sampled_from('+-*'))} {draw(formulas(depth - 1))})"
    if kind == "function":
        return f"{draw(st.sampled_from(['sin', 'cos', 'tanh', 'atan']))}({inner})"
    return f"({inner})**{draw(st.integers(2, 3))}" if kind == "power" else f"(-{inner})"


@settings(max_examples=60, deadline=None)
@given(formulas())
def test_built_expressions_have_the_values_python_gives(text):
    """The independent reading of our own generated text is Python's."""
    values = {"q": 0.37, "p": -0.81}
    expected = eval(text, {name: entry[1] for name, entry in FUNCTIONS.items()} | values)
    if abs(expected) > 1e6:
        return
    built = float(parse(text, SCOPE).evalf(30, subs={Q: values["q"], P: values["p"]}))
    assert built == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="qp0123456789.+-*/() sincoexplgqrt_[]{}:,='\"", max_size=60))
def test_any_text_is_accepted_or_refused_never_worse(text):
    try:
        expression = parse(text, SCOPE)
    except FormulaError as refusal:
        assert "\n" not in str(refusal)
    else:
        assert expression.free_symbols <= {Q, P}


def test_start_must_have_an_energy():
    with pytest.raises(FormulaError, match="at the start"):
        symbolic("p**2/2 - 1/q", start=([0.0], [1.0]))
    with pytest.raises(FormulaError, match="at the start"):
        symbolic("p**2/2 + log(q)", start=([-1.0], [1.0]))
    assert math.isclose(float(symbolic("p**2/2 - 1/q", start=([1.0], [0.0]))(np.ones(1), np.zeros(1))), -1.0)
