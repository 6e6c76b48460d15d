"""The grammar of typed formulas: text → Python syntax tree, checked node by node against a whitelist.

The text is only ever parsed, never evaluated. Attribute access, subscripts, comparisons, lambdas, keyword arguments and
every other kind of node have no rule here and are refused. Sizes are bounded before any arithmetic is done, and constant
parts are computed in floating point first, so that no input is expensive. Nothing here needs SymPy, so a formula that
cannot be read is refused before SymPy is imported; `tenfma.hamiltonian.formula` builds expressions on top.
"""

import ast
import math
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from tenfma.errors import FormulaError

MAX_LENGTH = 2_000
MAX_NESTING = 40
MAX_NODES = 800
MAX_EXPONENT = 32
#: constants, and what constant parts of a formula come to, lie within these magnitudes
LARGEST, SMALLEST = 1e15, 1e-30

#: function -> (number of arguments, the function on floats)
FUNCTIONS: dict[str, tuple[int, Callable[..., float]]] = {
    name: (2 if name == "atan2" else 1, getattr(math, name))
    for name in (
        *("sin", "cos", "tan", "asin", "acos", "atan", "atan2"),
        *("sinh", "cosh", "tanh", "exp", "log", "sqrt"),
    )
}
CONSTANTS = {"pi": math.pi, "E": math.e}

#: functions people try that have kinks or jumps, and what to write instead
_NOT_SMOOTH = {
    "abs": "sqrt(x**2 + c**2)",
    "sign": "tanh(x/c)",
    "min": "-c*log(exp(-a/c) + exp(-b/c))",
    "max": "c*log(exp(a/c) + exp(b/c))",
    "floor": "a smooth function",
    "ceil": "a smooth function",
    "round": "a smooth function",
}
_ALIASES = {"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2"}
_OPERATORS: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_NAME = re.compile(r"[^\W\d]\w*")
_WHITESPACE = re.compile(r"\s+")
DIVIDES_BY_ZERO = "the formula divides by zero whatever its variables are; check its denominators"


@dataclass(frozen=True)
class Node:
    """A part that was read: what it was built into, and its value where no variable is in it."""

    expr: Any = None
    value: float | None = None


def names_in(text: str) -> list[str]:
    """The names a formula uses, in order of first appearance, functions and constants left out."""
    tree = syntax_tree(text)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called)
    ordered = sorted(found, key=lambda node: (node.lineno, node.col_offset))
    return [name for name in dict.fromkeys(node.id for node in ordered) if name not in CONSTANTS]


def syntax_tree(text: str) -> ast.expr:
    """The formula's syntax tree, of bounded size; no rule of the whitelist has been applied to it yet."""
    if not isinstance(text, str):
        raise FormulaError(f"a formula is text such as 'p**2/2 + q**4/4', not {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise FormulaError(
            f"the formula has {len(text)} characters; at most {MAX_LENGTH} are read: shorten it"
        )
    if not text.strip():
        raise FormulaError("the formula is empty; write one such as p**2/2 + q**4/4")
    for character in text:
        if not (character.isprintable() or character in "\t\n\r"):
            raise FormulaError(
                f"the formula holds the unprintable character U+{ord(character):04X}; type plain text"
            )
    if "^" in text:
        raise FormulaError("the formula holds '^'; write powers with **, as in q**2")
    if "#" in text:
        raise FormulaError("the formula holds '#', and comments are not part of a formula: remove it")
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    if deepest > MAX_NESTING:
        raise FormulaError(
            f"the formula nests {deepest} brackets; at most {MAX_NESTING} are read: simplify it"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(_WHITESPACE.sub(" ", text.strip()), mode="eval")
    except SyntaxError as problem:
        where = f" near character {problem.offset}" if problem.offset else ""
        raise FormulaError(
            f"the formula cannot be read{where}: {_excerpt(text)}; write it as p**2/2 + q**4/4"
        ) from None
    except (RecursionError, MemoryError, ValueError):
        raise FormulaError(
            "the formula is nested too deeply or holds too long a number: simplify it"
        ) from None
    count = sum(1 for _ in ast.walk(tree))
    if count > 3 * MAX_NODES:
        raise FormulaError(f"the formula has {count} parts; at most {3 * MAX_NODES} are read: shorten it")
    return tree.body


def coordinates_of(names: Iterable[str]) -> list[str]:
    """Names that may serve as coordinates, momenta or parameters, or FormulaError."""
    checked = []
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name) or not name.isascii() or "__" in name:
            raise FormulaError(f"{name!r} is no name for a variable; use letters and digits, such as x or q1")
        if name in FUNCTIONS or name in CONSTANTS:
            raise FormulaError(f"{name!r} already stands for a function or constant; choose another name")
        if len(name) > 32:
            raise FormulaError(f"the name {name[:32]!r}… is longer than 32 characters; choose a shorter one")
        checked.append(name)
    return checked


def _excerpt(text: str) -> str:
    shown = _WHITESPACE.sub(" ", text.strip())
    return repr(shown if len(shown) <= 40 else shown[:40] + "…")


def nearest(name: str, known: Iterable[str]) -> str:
    """' (nearest: a, b)' for the names most like this one, or nothing where none is."""
    close = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f" (nearest: {', '.join(close)})" if close else ""


class Reader:
    """Walks a syntax tree by the whitelist. It builds nothing; a subclass says what parts are built into."""

    def __init__(self, names: Iterable[str] | None = None, describe: str = ""):
        #: names of variables, or None where any name may be one
        self.names = None if names is None else tuple(names)
        self.describe = describe
        self.nodes = 0

    def built(self, kind: str, *parts: Any) -> Any:
        """What a part is built into: kind "number" (Fraction, float), "variable", "constant" (name), "sign" (±1, part),
        an operator or a function (parts)."""
        return None

    def build(self, node: ast.expr, depth: int) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise FormulaError(f"the formula has more than {MAX_NODES} operations and names: shorten it")
        if depth > 20 * MAX_NESTING:
            raise FormulaError("the formula is nested too deeply: simplify it")
        if isinstance(node, ast.Constant):
            return self.number(node.value)
        if isinstance(node, ast.Name):
            return self.name(node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
            inner = self.build(node.operand, depth + 1)
            sign = -1 if isinstance(node.op, ast.USub) else 1
            value = None if inner.value is None else sign * inner.value
            return Node(self.built("sign", sign, inner.expr), value)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            left, right = self.build(node.left, depth + 1), self.build(node.right, depth + 1)
            return self.binary(_OPERATORS[type(node.op)], left, right)
        if isinstance(node, ast.Call):
            return self.call(node, depth)
        raise FormulaError(f"a formula cannot hold {_WORDS.get(type(node), 'this construct')}; {_ACCEPTED}")

    def number(self, value: object) -> Node:
        if isinstance(value, bool) or not isinstance(value, int | float):
            kind = "complex numbers" if isinstance(value, complex) else f"{type(value).__name__} values"
            raise FormulaError(f"a formula holds real numbers, not {kind}; {_ACCEPTED}")
        if abs(value) > LARGEST or (0 < abs(value) < SMALLEST):
            raise FormulaError(f"the formula holds a number outside {SMALLEST:g} … {LARGEST:g}: rescale it")
        return Node(self.built("number", Fraction(repr(value)), value), float(value))

    def name(self, name: str) -> Node:
        if self.names is not None and name in self.names:
            return Node(self.built("variable", name))
        if name in CONSTANTS:
            return Node(self.built("constant", name), CONSTANTS[name])
        if name in FUNCTIONS:
            raise FormulaError(f"the function {name} needs its argument in brackets, as in {name}(q)")
        if self.names is None:
            return Node(self.built("variable", name))
        known = self.describe or f"{', '.join(self.names) or 'none'}"
        raise FormulaError(f"unknown name {_excerpt(name)}{nearest(name, self.names)}; known are {known}")

    def call(self, node: ast.Call, depth: int) -> Node:
        if not isinstance(node.func, ast.Name):
            raise FormulaError(f"a formula can call only the named functions {', '.join(FUNCTIONS)}")
        name = _ALIASES.get(node.func.id, node.func.id)
        if name in _NOT_SMOOTH:
            raise FormulaError(
                f"{name} has kinks or jumps, and forces need smooth functions; write {_NOT_SMOOTH[name]}"
            )
        if self.names is not None and name in self.names:
            raise FormulaError(
                f"{name!r} is a variable and is called like a function; write {name}*(…) to multiply"
            )
        if name not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise FormulaError(
                f"unknown function {_excerpt(name)}{nearest(name, FUNCTIONS)}; known are {known}"
            )
        count, compute = FUNCTIONS[name]
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise FormulaError(f"{name} takes plain arguments, as in {name}(q)")
        if len(node.args) != count:
            raise FormulaError(f"{name} takes {count} argument{'s' * (count > 1)}, not {len(node.args)}")
        arguments = [self.build(argument, depth + 1) for argument in node.args]
        value = self.constant(name, compute, arguments)
        return Node(self.built(name, *(argument.expr for argument in arguments)), value)

    def binary(self, operator: str, left: Node, right: Node) -> Node:
        value = self.constant(operator, _ARITHMETIC[operator], [left, right])
        if operator == "**":
            self.power(left, right)
        if operator == "/" and right.value == 0:
            raise FormulaError(DIVIDES_BY_ZERO)
        return Node(self.built(operator, left.expr, right.expr), value)

    def power(self, base: Node, exponent: Node) -> None:
        """Refuse powers that are no fixed, moderate ones."""
        if exponent.value is None:
            if base.value is None or base.value <= 0:
                raise FormulaError("an exponent must be a number; write exp(b*log(a)) for a**b")
        elif abs(exponent.value) > MAX_EXPONENT:
            raise FormulaError(
                f"the exponent {exponent.value:g} is outside ±{MAX_EXPONENT}: use a smaller one"
            )

    @staticmethod
    def constant(name: str, compute: Callable[..., float], arguments: list[Node]) -> float | None:
        """The float value of a part without symbols, checked before SymPy meets it; None where it has symbols."""
        values = [argument.value for argument in arguments]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        shown = ", ".join(f"{value:g}" for value in known)
        try:
            value = compute(*known)
        except ZeroDivisionError:
            raise FormulaError(DIVIDES_BY_ZERO) from None
        except (ValueError, OverflowError):
            raise FormulaError(f"{name} of {shown} is not a finite real number; check that part") from None
        if isinstance(value, complex) or not math.isfinite(value):
            raise FormulaError(f"{name} of {shown} is not a finite real number; check that part")
        if abs(value) > LARGEST:
            raise FormulaError(f"{name} of {shown} is larger than {LARGEST:g}: rescale it")
        return float(value)


def read(text: str, reader: Reader) -> Node:
    """The formula as the reader builds it. Raises FormulaError for everything outside the whitelist."""
    tree = syntax_tree(text)
    try:
        return reader.build(tree, 0)
    except (RecursionError, OverflowError, MemoryError):
        raise FormulaError("the formula is too deeply nested or its numbers too large: simplify it") from None


_ACCEPTED = f"it takes numbers, names, + - * / **, brackets and {', '.join(FUNCTIONS)}"
_ARITHMETIC: dict[str, Callable] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}
_WORDS: dict[type, str] = {
    ast.Attribute: "a dot between names (attribute access)",
    ast.Subscript: "square brackets after a name",
    ast.Lambda: "a lambda",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.Compare: "a comparison",
    ast.BoolOp: "and/or",
    ast.IfExp: "if/else",
    ast.List: "a list",
    ast.Tuple: "a comma-separated list",
    ast.Dict: "a dictionary",
    ast.Set: "a set",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment",
    ast.Starred: "a starred expression",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.UnaryOp: "not or ~",
    ast.BinOp: "the operators %, //, @, &, | or shifts",
}
