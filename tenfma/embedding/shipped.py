"""Names of models and where they are: nothing is loaded, so a wrong name is refused before torch is imported."""

import os
from pathlib import Path

from tenfma.errors import TenfmaError
from tenfma.site import assets

#: the folders of shipped models in the assets: of energies and forces, and of properties
MODELS = "models"
PROPERTY_MODELS = "properties"


def located(name: str) -> int | Path:
    """What a model's name stands for: the seed of untrained weights, or the folder of a saved model.

    Raises TenfmaError where there is no such model.
    """
    if name == "untrained" or name.startswith("untrained:"):
        seed = name.partition(":")[2] or "0"
        if not seed.isdecimal() or len(seed) > 9:
            raise TenfmaError(f"{name} has the seed {seed!r}; a whole number is expected, as in untrained:1")
        return int(seed)
    if os.path.isdir(name):
        return Path(name)
    if name in shipped():
        return assets() / MODELS / name
    if name in shipped_properties():
        return assets() / PROPERTY_MODELS / name
    known = ", ".join([*shipped(), *shipped_properties(), "untrained", "untrained:SEED"])
    raise TenfmaError(f"there is no model {name}; {known} or a folder with a saved model is expected")


def shipped() -> list[str]:
    """Names of the trained force models that come with the package."""
    return sorted(card.parent.name for card in (assets() / MODELS).glob("*/card.json"))


def shipped_properties() -> list[str]:
    """Names of the trained property models that come with the package."""
    return sorted(card.parent.name for card in (assets() / PROPERTY_MODELS).glob("*/card.json"))
