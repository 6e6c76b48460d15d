"""How a compiled loop cuts a word: what is shared between steps, and which stages repeat.

Where a word begins and ends with the same letter, the last flow of a step and the first of the next are one flow
over the sum of their lengths: one gradient a step for leapfrog.
"""

from dataclasses import dataclass

from tenfma.dynamics.words import Word

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
