"""A `Model` from its folder, every value checked before it is used."""

from pathlib import Path

import torch

from tenfma.crystal.cutoffs import cutoff_rule
from tenfma.crystal.features import LOCAL_RANKS, Channel
from tenfma.embedding.forces_model import NO_TRIANGLES, BodyOrder
from tenfma.embedding.model import Model
from tenfma.embedding.saved import (
    FINGERPRINT,
    SETTINGS,
    Settings,
    check_channel,
    check_fingerprint,
    check_shapes,
    read_settings,
    read_weights,
    shapes_of,
    weight_shapes,
)
from tenfma.errors import TenfmaError

#: features of one rank; Module A has 40
MOST_CHANNELS = 500
#: eV
STRONGEST_CONFINEMENT = 1e6
#: |ln m| of a learned mass
LARGEST_LOG_MASS = 50.0


def restored_model(folder: Path) -> Model:
    """The model in a folder. Raises TenfmaError, in a sentence, for whatever does not fit."""
    held, shapes = read_settings(folder), weight_shapes(folder)
    held.only(
        "name",
        "trained",
        "seed",
        "cutoff",
        "triangle_cutoff",
        "confinement",
        "channels",
        "body_order",
        FINGERPRINT,
    )
    check_fingerprint(held, folder)
    channels = _channels(held.part("channels"))
    cutoffs = {name: _cutoff(held, name) for name in ("cutoff", "triangle_cutoff")}
    body_order = None
    if "body_order" in held.held:
        weights = shapes.get("potential.weights", ())
        body_order = BodyOrder.read(held.part("body_order"), weights[1] if len(weights) == 2 else 0)
        _consistent(held, folder, channels, cutoffs, body_order)
    else:
        _sized(folder, channels, shapes)
    model = Model(
        channels,
        name=held.text("name"),
        trained=held.flag("trained"),
        seed=held.whole("seed", 0, 2**63 - 1),
        confinement=held.number("confinement", 0.0, STRONGEST_CONFINEMENT),
        body_order=body_order,
        **cutoffs,
    )
    expected = shapes_of(model)
    check_shapes(folder, shapes, expected)
    found = read_weights(folder)
    if body_order is not None:
        fixed = {key: value for key, value in model.state_dict().items() if key.startswith("lift.")}
        fixed["potential.embedding"] = torch.from_numpy(body_order.description.embedding)
        for key, value in fixed.items():
            if not torch.equal(value, found[key]):
                raise TenfmaError(
                    f"{folder} has weights of another description ({key}); give weights and settings of one"
                )
    for rank in LOCAL_RANKS:
        if bool((found[f"log_mass.{rank}"].abs() > LARGEST_LOG_MASS).any()):
            raise TenfmaError(
                f"{folder} has a learned mass out of all bounds; train again or restore the file"
            )
    model.load_state_dict(found)
    return model.requires_grad_(False).eval()


def _channels(held: Settings) -> dict[str, tuple[Channel, ...]]:
    held.only(*LOCAL_RANKS)
    found = {}
    for rank in LOCAL_RANKS:
        channels = []
        for one in held.parts(rank, MOST_CHANNELS):
            one.only("name", "unit", "irreps", "flip", "smooth", "source", "labels")
            check_channel(one)
            channels.append(
                Channel(
                    one.text("name"),
                    one.text("unit"),
                    one.text("irreps"),
                    one.whole("flip", -1, 1),
                    one.flag("smooth"),
                    one.text("source"),
                    one.texts("labels"),
                )
            )
        found[rank] = tuple(channels)
    return found


def _cutoff(held: Settings, name: str) -> str:
    rule = held.text(name)
    try:
        cutoff_rule(rule)
    except TenfmaError as error:
        raise TenfmaError(f"{held.where} has a {name} that is none: {error}") from None
    return rule


def _consistent(
    held: Settings, folder: Path, channels: dict, cutoffs: dict[str, str], body_order: BodyOrder
) -> None:
    """Refuse features or cutoffs that are not those of the body-ordered description."""
    described = {rank: tuple(body_order.channels[rank]) for rank in LOCAL_RANKS}
    if channels != described:
        raise TenfmaError(
            f"{folder / SETTINGS} lists features that are not those of its body_order; train again"
        )
    asked = {"cutoff": body_order.description.cutoff, "triangle_cutoff": NO_TRIANGLES}
    for name, value in asked.items():
        if str(cutoff_rule(cutoffs[name])) != str(cutoff_rule(value)):
            raise TenfmaError(
                f"{held.where} has the {name} {cutoffs[name]}, and its body_order has {value:g} Å; train again"
            )


def _sized(
    folder: Path, channels: dict[str, tuple[Channel, ...]], shapes: dict[str, tuple[int, ...]]
) -> None:
    """Refuse settings of other sizes than the weights before anything of these sizes is made."""
    for rank in LOCAL_RANKS:
        columns = 1 + sum(channel.dim for channel in channels[rank])
        if shapes.get(f"lift.ranks.{rank}.scale") != (columns,):
            raise TenfmaError(
                f"{folder} has weights for other features of {rank} than {SETTINGS} lists; give those of one model"
            )
