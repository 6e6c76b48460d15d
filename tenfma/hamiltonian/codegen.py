"""SymPy expressions → straight-line Python source that NumPy, torch and Numba run alike.

An expression is first lowered to a graph of elementary operations in which every distinct operation appears once;
integer powers become products by repeated squaring and half-integer powers square roots. The graph is then printed,
operations used once inside the one that uses them. The order of operations is fixed, so the three faces round alike.
Names in the source are ours (q0, p0, k0, v0, …): what a person called a variable never appears in generated source.
"""

from collections.abc import Callable, Iterable, Sequence

import sympy

#: SymPy function -> its name in generated source
_FUNCTIONS = {
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.asin: "asin",
    sympy.acos: "acos",
    sympy.atan: "atan",
    sympy.atan2: "atan2",
    sympy.sinh: "sinh",
    sympy.cosh: "cosh",
    sympy.tanh: "tanh",
    sympy.exp: "exp",
    sympy.log: "log",
}

#: functions the source may call; on plain numbers (parameters, time) they carry the prefix s_
FUNCTION_NAMES = (*_FUNCTIONS.values(), "sqrt")

_HALF = sympy.Rational(1, 2)
#: nesting at which an expression is given a name of its own, well inside Python's limit of brackets
_DEEPEST = 12
_INFIX = {"add": " + ", "sub": " - ", "mul": "*", "div": "/", "pow": "**"}


class Program:
    """Straight-line code for a set of expressions that share their common parts.

    names: symbol → name in the source
    scalars: symbols that are plain numbers in every face (parameters and time), never arrays
    prefix: of the names of intermediate results
    """

    def __init__(self, names: dict[sympy.Symbol, str], scalars: Iterable[sympy.Symbol], prefix: str = "v"):
        self._names = names
        self._scalars = {names[symbol] for symbol in scalars}
        self._prefix = prefix
        self._operations: list[tuple] = []
        self._index: dict[tuple, int] = {}
        self._lowered: dict[sympy.Expr, int] = {}

    def source(self, expressions: Sequence[sympy.Expr]) -> tuple[list[str], list[str]]:
        """(statements, results): assignments to run in order, then one operand for each expression."""
        roots = [self._lower(sympy.sympify(expression)) for expression in expressions]
        uses = [0] * len(self._operations)
        needed = [False] * len(self._operations)
        for root in roots:
            needed[root] = True
            uses[root] += 1
        for node in range(len(self._operations) - 1, -1, -1):  # a node's arguments come before it
            if needed[node]:
                for argument in self._arguments(node):
                    needed[argument] = True
                    uses[argument] += 1
        return self._print(roots, uses, needed)

    @staticmethod
    def _is_leaf(operation: tuple) -> bool:
        return operation[0] in ("const", "name")

    def _arguments(self, node: int) -> tuple[int, ...]:
        operation = self._operations[node]
        return () if self._is_leaf(operation) else operation[1:]

    def _node(self, *operation) -> int:
        if operation not in self._index:
            self._index[operation] = len(self._operations)
            self._operations.append(operation)
        return self._index[operation]

    def _constant(self, value: float) -> int:
        return self._node("const", float(value))

    def _lower(self, expression: sympy.Expr) -> int:
        if expression not in self._lowered:
            self._lowered[expression] = self._lower_new(expression)
        return self._lowered[expression]

    def _lower_new(self, expression: sympy.Expr) -> int:
        if expression.is_Symbol:
            return self._node("name", self._names[expression])
        if not expression.free_symbols:
            return self._constant(expression)
        if expression.is_Add:
            return self._lower_sum(expression)
        if expression.is_Mul:
            return self._lower_product(expression)
        if expression.is_Pow:
            return self._lower_power(expression.base, expression.exp)
        function = _FUNCTIONS.get(type(expression))
        if function is None:
            raise TypeError(f"no rule to generate code for {type(expression).__name__}")
        return self._node(function, *(self._lower(argument) for argument in expression.args))

    def _lower_sum(self, expression: sympy.Expr) -> int:
        positive = [term for term in expression.args if not term.could_extract_minus_sign()]
        negative = [-term for term in expression.args if term.could_extract_minus_sign()]
        if positive:
            total = self._lower(positive[0])
            for term in positive[1:]:
                total = self._node("add", total, self._lower(term))
        else:
            total, negative = self._node("neg", self._lower(negative[0])), negative[1:]
        for term in negative:
            total = self._node("sub", total, self._lower(term))
        return total

    def _lower_product(self, expression: sympy.Expr) -> int:
        coefficient, rest = expression.as_coeff_Mul()
        factors = [self._lower(factor) for factor in sympy.Mul.make_args(rest)]
        product = factors[0]
        for factor in factors[1:]:
            product = self._node("mul", product, factor)
        if abs(coefficient) != 1:
            product = self._node("mul", self._constant(abs(coefficient)), product)
        return self._node("neg", product) if coefficient < 0 else product

    def _lower_power(self, base: sympy.Expr, exponent: sympy.Expr) -> int:
        if exponent.is_Rational and exponent < 0:
            return self._node("div", self._constant(1.0), self._lower_power(base, -exponent))
        if exponent.is_Integer:
            return self._integer_power(self._lower(base), int(exponent))
        if exponent.is_Rational and exponent.q == 2:
            root = self._node("sqrt", self._lower(base))
            whole = int(exponent - _HALF)
            return self._node("mul", self._integer_power(self._lower(base), whole), root) if whole else root
        return self._node("pow", self._lower(base), self._lower(exponent))

    def _integer_power(self, base: int, exponent: int) -> int:
        """xⁿ by repeated squaring; the squares are shared with every other power of x."""
        if exponent == 1:
            return base
        half = self._integer_power(base, exponent // 2)
        square = self._node("mul", half, half)
        return self._node("mul", square, base) if exponent & 1 else square

    def _print(self, roots: list[int], uses: list[int], needed: list[bool]) -> tuple[list[str], list[str]]:
        lines: list[str] = []
        texts: dict[int, tuple[str, int, bool]] = {}  # node → (source, depth, is a plain number)
        for node, operation in enumerate(self._operations):
            if not needed[node]:
                continue
            if operation[0] == "const":
                value = operation[1]
                texts[node] = (f"({value!r})" if value < 0 else repr(value), 0, True)
            elif operation[0] == "name":
                texts[node] = (operation[1], 0, operation[1] in self._scalars)
            else:
                parts = [texts[argument] for argument in operation[1:]]
                scalar = all(part[2] for part in parts)
                depth = 1 + max(part[1] for part in parts)
                text = self._format(operation[0], [part[0] for part in parts], scalar)
                if uses[node] > 1 or depth >= _DEEPEST:
                    lines.append(f"{self._prefix}{node} = {text}")
                    texts[node] = (f"{self._prefix}{node}", 0, scalar)
                else:
                    texts[node] = (f"({text})", depth, scalar)
        return lines, [texts[root][0] for root in roots]

    @staticmethod
    def _format(kind: str, parts: list[str], scalar: bool) -> str:
        if kind in _INFIX:
            return _INFIX[kind].join(parts)
        if kind == "neg":
            return f"-{parts[0]}"
        return f"{'s_' if scalar else ''}{kind}({', '.join(parts)})"


def function_source(name: str, arguments: Sequence[str], body: Sequence[str], result: str) -> str:
    """Source of one function: its statements, then `return result`."""
    return "\n    ".join([f"def {name}({', '.join(arguments)}):", *body, f"return {result}"]) + "\n"


def compile_source(source: str, name: str, namespace: dict) -> Callable:
    """The function that generated source defines. Only source written by this package's generators comes here."""
    scope = dict(namespace)
    exec(compile(source, f"<generated {name}>", "exec"), scope)
    return scope[name]
