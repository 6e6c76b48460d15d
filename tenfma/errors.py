"""Errors a person can act on.

Every error raised for what a user gave is a `TenfmaError` whose message is one plain sentence: the value, what was
expected, the remedy. The command line prints that sentence and exits with code 2; the pages show it.
"""


class TenfmaError(ValueError):
    """What was asked for cannot be done, and the message says why and what would work."""


class StructureError(TenfmaError):
    """A file or name could not be read as a crystal."""


class FormulaError(TenfmaError):
    """A typed formula is not one this program accepts."""


class PairingError(TenfmaError):
    """A method was asked to integrate a Hamiltonian it is not right for."""


class DomainWarning(UserWarning):
    """A model was asked about crystals unlike those it was trained on; the message says in what."""


class ConvergenceError(TenfmaError):
    """An implicit step or an inversion did not reach its tolerance."""
