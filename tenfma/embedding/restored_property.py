"""A `PropertyModel` from its folder, every value checked before it is used."""

from pathlib import Path

import numpy as np
from torch import Tensor

from tenfma.crystal.elements import LAST, table
from tenfma.dynamics.methods import METHODS
from tenfma.embedding.concatenated import AGGREGATIONS
from tenfma.embedding.evolved import BATHS, MOMENTA, Motion, Size
from tenfma.embedding.graphs import static_names
from tenfma.embedding.kernel import Kernels
from tenfma.embedding.links import EINSTEIN
from tenfma.embedding.property_model import KIND, PREDICTORS, Domain, Head, PropertyModel, linked_heads
from tenfma.embedding.saved import (
    FINGERPRINT,
    SETTINGS,
    WEIGHTS,
    Settings,
    check_fingerprint,
    check_shapes,
    read_settings,
    read_weights,
    shapes_of,
    weight_shapes,
)
from tenfma.embedding.trees import Trees
from tenfma.errors import TenfmaError

#: what a saved model may ask for
MOST_MEMBERS, MOST_TARGETS, WIDEST, MOST_ROUNDS, MOST_STEPS = 100, 100, 4096, 16, 10_000
GRADIENTS = ("backprop", "checkpoint", "reversible", "none")
#: element data, the same in every member, which is not saved
TABLE = "messages.table"


def restored_property_model(folder: Path) -> PropertyModel:
    """The model in a folder. Raises TenfmaError, in a sentence, for whatever does not fit."""
    held, shapes = read_settings(folder), weight_shapes(folder)
    held.only(
        *("kind", "name", "energy", "aggregation", "size", "motion", "static", "members", "heads", "domain"),
        FINGERPRINT,
    )
    held.text("kind", KIND)
    check_fingerprint(held, folder)
    heads = [_head(one) for one in held.parts("heads", MOST_TARGETS)]
    if not heads:
        raise TenfmaError(f"{held.where} has no heads; at least one target is expected")
    if held.texts("static") != static_names():
        raise TenfmaError(f"{held.where} has other pooled features than this program makes; train again")
    size, motion = _size(held.part("size")), _motion(held.part("motion"))
    kind = AGGREGATIONS[held.chosen("aggregation", *AGGREGATIONS)]
    members = held.whole("members", 1, MOST_MEMBERS)
    energy = None if held.held.get("energy", 0) is None else held.whole("energy", 0, len(heads) - 1)
    names, linked = held.texts("static"), linked_heads(heads)
    _sized(folder, shapes, kind.context_width(size), size, members, names)
    model = PropertyModel(
        [kind(names, len(heads), size, motion, linked) for _ in range(members)],
        heads,
        _domain(held.part("domain")),
        name=held.text("name"),
        energy=energy,
    )
    own = {key: shape for key, shape in shapes.items() if key.startswith("members.")}
    expected = {key: shape for key, shape in shapes_of(model).items() if not key.endswith(TABLE)}
    check_shapes(folder, own, expected)
    found = read_weights(folder)
    model.trees = _trees(folder, found, members, len(heads), len(names))
    model.kernels = _kernels(folder, found, members, len(heads), len(names))
    model.load_state_dict({key: found[key] for key in own}, strict=False)
    return model.requires_grad_(False).eval()


def _sized(
    folder: Path,
    shapes: dict[str, tuple[int, ...]],
    context: int,
    size: Size,
    members: int,
    names: tuple[str, ...],
) -> None:
    """Refuse settings of other sizes than the weights before anything of these sizes is made."""
    found = {key.split(".")[1] for key in shapes if key.startswith("members.")}
    asked = {
        "messages.element.weight": (LAST + 1, size.channels),
        "messages.of_static.weight": (size.scalars, len(names)),
        "messages.vectors.weight": (size.tensors, size.rounds * size.copies),
        "cell.0.weight": (context, len(names)),
        "heads.4.weight": (size.hidden, size.hidden),
    }
    first = {key: shapes.get(f"members.0.{key}", ()) for key in asked}
    if len(found) != members:
        raise TenfmaError(f"{folder} has weights of {len(found)} members, and {SETTINGS} asks for {members}")
    check_shapes(folder, first, asked)


def _head(held: Settings) -> Head:
    held.only("name", "unit", "mean", "scale", "blend", "floor", "scores", "link")
    blend, scores = held.numbers("blend", 0.0, 1.0), held.numbers("scores", 0.0)
    if len(blend) != len(PREDICTORS):
        raise TenfmaError(
            f"{held.where} has {len(blend)} shares in its blend; {len(PREDICTORS)} are expected"
        )
    if list(scores) != sorted(scores):
        raise TenfmaError(f"{held.where} has scores that do not rise; train again")
    return Head(
        held.text("name"),
        held.text("unit"),
        held.number("mean"),
        held.number("scale", 1e-300),
        blend,
        held.number("floor", 0.0),
        scores,
        held.text("link", "", EINSTEIN),
    )


def _size(held: Settings) -> Size:
    widths = ("channels", "copies", "scalars", "tensors", "context", "hidden")
    held.only(*widths, "rounds", "dropout")
    found = {name: held.whole(name, 1, WIDEST) for name in widths}
    if 2 * found["copies"] > found["channels"]:
        raise TenfmaError(f"{held.where} has more tensor copies than half its channels")
    return Size(
        **found, rounds=held.whole("rounds", 1, MOST_ROUNDS), dropout=held.number("dropout", 0.0, 1.0)
    )


def _motion(held: Settings) -> Motion:
    held.only("method", "dt", "steps", "p0", "kT", "friction", "gradient", "bath")
    return Motion(
        held.text("method", *METHODS),
        held.number("dt"),
        held.whole("steps", 0, MOST_STEPS),
        held.text("p0", *MOMENTA),
        held.number("kT", 0.0),
        held.number("friction", 0.0),
        held.text("gradient", *GRADIENTS),
        held.chosen("bath", *BATHS),
    )


def _domain(held: Settings) -> Domain:
    held.only("elements", "most_atoms", "crystals", "kinds")
    elements = held.texts("elements")
    if strange := sorted(set(elements) - set(table().symbols)):
        raise TenfmaError(f"{held.where} has {strange[0]!r}, which is no element")
    return Domain(
        elements,
        held.whole("most_atoms", 1, 10**9),
        held.whole("crystals", 1, 10**12),
        held.wholes("kinds", 1, len(elements)),
    )


def _under(held: dict[str, Tensor], prefix: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(prefix): x.numpy() for key, x in held.items() if key.startswith(prefix)}


def _trees(
    folder: Path, held: dict[str, Tensor], members: int, targets: int, columns: int
) -> tuple[tuple[Trees | None, ...], ...]:
    def one(prefix: str) -> Trees | None:
        arrays = _under(held, prefix)
        if not arrays:
            return None
        try:
            trees = Trees.of_arrays(arrays)
        except (TypeError, KeyError, IndexError):
            raise TenfmaError(f"{folder / WEIGHTS} has {prefix}* that are no trees; train again") from None
        if not trees.sound(columns):
            raise TenfmaError(f"{folder / WEIGHTS} has {prefix}* whose branches lead nowhere; train again")
        return trees

    if not any(key.startswith("trees.") for key in held):
        return ()
    return tuple(
        tuple(one(f"trees.{place}.{target}.") for target in range(targets)) for place in range(members)
    )


def _kernels(
    folder: Path, held: dict[str, Tensor], members: int, targets: int, columns: int
) -> Kernels | None:
    arrays = _under(held, "kernels.")
    if not arrays:
        return None
    rows = len(arrays["rows"]) if "rows" in arrays and arrays["rows"].ndim else 0
    shapes = {
        "kernels.mean": (columns,),
        "kernels.scale": (columns,),
        "kernels.rows": (rows, columns),
        "kernels.weights": (members, rows, targets),
        "kernels.offsets": (members, targets),
    }
    check_shapes(folder, {f"kernels.{key}": x.shape for key, x in arrays.items()}, shapes)
    return Kernels(**arrays)
