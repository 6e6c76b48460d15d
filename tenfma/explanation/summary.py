"""An explanation as plain values for JSON and as tables for a notebook."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tenfma.dynamics.certificates.report import plain_number
from tenfma.errors import TenfmaError
from tenfma.explanation.couplings import LARGEST, Couplings, between_kinds, shells_of
from tenfma.explanation.crystals import SiteParts
from tenfma.explanation.tables import html_table, sentence
from tenfma.explanation.tensions import GAUGE

if TYPE_CHECKING:
    import pandas as pd

    from tenfma.explanation.explain import Explanation
    from tenfma.explanation.flow import Flow

#: atoms up to which all couplings are told unasked: of machine code, and of what is slower
COUPLED, COUPLED_SLOW = 100, 16


def few_enough(e: "Explanation") -> bool:
    """Whether all couplings of atoms are told unasked."""
    numbers = e.subject.numbers
    return numbers is not None and e.subject.structure is not None and len(numbers) <= most_coupled(e)


def most_coupled(e: "Explanation") -> int:
    """Atoms up to which all couplings are told unasked."""
    return COUPLED if isinstance(e.parted, SiteParts) else COUPLED_SLOW


def tables_of(
    e: "Explanation", flow: "Flow | None" = None, supercell: Any = None
) -> dict[str, "pd.DataFrame"]:
    """Every table that applies: parts, by kind, sensitivities, bonds, angles, features, couplings, modes, flow."""
    found = {
        "parts": e.parts.frame(),
        "parts by kind": e.parts.by_kind(),
        "sensitivities": e.sensitivities.frame(),
    }
    numbers = e.subject.numbers
    try:
        found["bond tensions"] = e.sensitivities.bond_table()
        found["angle torques"] = e.sensitivities.angle_table(most=200)
    except TenfmaError:
        pass
    if e.subject.complex is not None:
        found["features"] = e.sensitivities.features.frame()
    couplings = e.couplings()
    if not isinstance(couplings, Couplings):
        found["couplings"] = couplings.between_groups(probes=8)
    elif few_enough(e):
        found["couplings by kind"] = between_kinds(couplings, e.kinds())
        found["couplings"] = shells_of(couplings, e.kinds(), e.distances())
        found["modes"] = e.modes(supercell or (1, 1, 1)).frame()
    elif numbers is None and len(couplings.labels) <= min(LARGEST, COUPLED):
        found["couplings"] = matrix_frame(couplings.labels, couplings.strengths())
    if flow is not None:
        found["energy flow"] = flow.network()
    return found


def matrix_frame(labels: tuple[str, ...], values: np.ndarray) -> "pd.DataFrame":
    """A square table with names."""
    import pandas as pd

    frame = pd.DataFrame(values, columns=list(labels))
    frame.insert(0, "of", list(labels))
    return frame


def to_dict(e: "Explanation", flow: "Flow | None" = None, supercell: Any = None) -> dict[str, Any]:
    """Plain values: name, units, gauges, total, checks and all tables as lists of rows."""
    units = e.H.units
    return {
        "name": e.name,
        "units": {"q": units.q, "energy": units.energy, "time": units.time},
        "gauge": e.gauge,
        "tension_gauge": GAUGE,
        "total": e.parts.total,
        "verification": e.verify().to_dict(),
        "tables": {
            name: [
                {key: plain_number(value) for key, value in row.items()}
                for row in frame.to_dict(orient="records")
            ]
            for name, frame in tables_of(e, flow, supercell).items()
        },
        "flow": None
        if flow is None
        else {
            "unit": flow.unit,
            "method": None if flow.path is None else flow.path.method,
            "t": plain_number(flow.t),
            "energies": plain_number(flow.energies),
            "power": plain_number(flow.power),
            "balance": float(np.abs(flow.balance).max()),
            "swing": flow.swing,
            "warning": flow.warning,
        },
    }


def notebook(e: "Explanation") -> str:
    """What a notebook shows: the gauge, parts, and what would change them."""
    pieces = [
        sentence(f"{e.name}: H = {e.parts.total:.6g} {e.H.units.energy}"),
        sentence(f"Gauge: {e.gauge}."),
        html_table(e.parts.by_kind(), "Parts by kind"),
        html_table(e.parts.frame(), "Parts"),
        html_table(e.sensitivities.frame(), "What would change H"),
    ]
    return "".join(pieces)
