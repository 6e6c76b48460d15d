"""Model folders as they are found: settings and weights are checked before anything is built from them.

A folder may be edited, damaged or put together from two models. `Settings` reads `model.json` value by value, each of a
stated type and range, so that no size is believed before the weights on disk have it. `fingerprint` ties settings and
weights together.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from tenfma.errors import TenfmaError
from tenfma.whole import write_text

WEIGHTS, SETTINGS = "weights.safetensors", "model.json"
FINGERPRINT = "fingerprint"
#: bytes; the settings of the largest model shipped have 23 thousand
LARGEST_SETTINGS = 16_000_000
#: highest ℓ that harmonics and couplings are known for
HIGHEST_DEGREE = 11


class Settings:
    """A JSON object whose values are read with what they must be; TenfmaError names file, value and expectation."""

    def __init__(self, held: Mapping[str, Any], where: str) -> None:
        self.held, self.where = held, where

    def only(self, *names: str) -> None:
        """Refuse names that nobody reads."""
        if strange := sorted(set(self.held) - set(names)):
            raise TenfmaError(
                f"{self.where} has {strange[0]!r}, which is no setting of this model; remove it"
            )

    def text(self, name: str, *choices: str) -> str:
        """A text, one of the choices where there are any."""
        expected = f"one of {', '.join(map(repr, choices))}" if choices else "a text"
        return self._checked(name, expected, lambda x: isinstance(x, str) and (not choices or x in choices))

    def chosen(self, name: str, *choices: str) -> str:
        """One of the choices; the first where the model is older than the setting."""
        return self.text(name, *choices) if name in self.held else choices[0]

    def flag(self, name: str) -> bool:
        """True or false."""
        return self._checked(name, "true or false", lambda x: isinstance(x, bool))

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number within bounds."""
        return self._checked(
            name,
            f"a whole number from {least} to {most}",
            lambda x: isinstance(x, int) and not isinstance(x, bool) and least <= x <= most,
        )

    def wholes(self, name: str, least: int, most: int) -> tuple[int, ...]:
        """A list of whole numbers within bounds."""
        values = self.numbers(name, least, most)
        if not all(x.is_integer() for x in values):
            raise TenfmaError(f"{self.where} has a value in {name} that is no whole number")
        return tuple(map(int, values))

    def number(self, name: str, least: float = -math.inf, most: float = math.inf) -> float:
        """A finite number within bounds."""
        bounds = "" if (least, most) == (-math.inf, math.inf) else f" from {least:g} to {most:g}"
        return float(
            self._checked(name, f"a finite number{bounds}", lambda x: _finite(x) and least <= x <= most)
        )

    def numbers(self, name: str, least: float = -math.inf, most: float = math.inf) -> tuple[float, ...]:
        """A list of finite numbers within bounds."""
        values = self.many(name)
        if not all(_finite(x) and least <= x <= most for x in values):
            raise TenfmaError(f"{self.where} has a value in {name} that is not a finite number in its range")
        return tuple(float(x) for x in values)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        values = self.many(name)
        if not all(isinstance(x, str) for x in values):
            raise TenfmaError(f"{self.where} has a value in {name} that is no text")
        return tuple(values)

    def many(self, name: str) -> list:
        """A list."""
        return self._checked(name, "a list", lambda x: isinstance(x, list))

    def part(self, name: str) -> "Settings":
        """An object within."""
        held = self._checked(name, "an object", lambda x: isinstance(x, dict))
        return Settings(held, f"{self.where}, {name},")

    def parts(self, name: str, most: int) -> list["Settings"]:
        """A list of objects."""
        values = self.many(name)
        if len(values) > most or not all(isinstance(x, dict) for x in values):
            raise TenfmaError(f"{self.where} has {name} that is no list of at most {most} objects")
        return [Settings(x, f"{self.where}, {name} {place + 1},") for place, x in enumerate(values)]

    def _checked(self, name: str, expected: str, fits: Callable[[Any], bool]) -> Any:
        if name not in self.held:
            raise TenfmaError(f"{self.where} has no {name}; {expected} is expected")
        value = self.held[name]
        if not fits(value):
            raise TenfmaError(f"{self.where} has {name} {_short(value)}; {expected} is expected")
        return value


def read_settings(folder: Path) -> Settings:
    """`model.json` of a folder. Raises TenfmaError where there is none or it is no JSON object of sensible size."""
    path = folder / SETTINGS
    try:
        size = path.stat().st_size if path.is_file() else -1
        if size < 0:
            raise TenfmaError(
                f"{folder} holds no readable model ({SETTINGS} is missing); give a folder written by save"
            )
        if size > LARGEST_SETTINGS:
            raise TenfmaError(
                f"{path} has {size / 1e6:.0f} MB, too large for settings; give a folder written by save"
            )
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, TenfmaError):
            raise
        raise TenfmaError(
            f"{path} is no readable JSON ({_line(error)}); give a folder written by save"
        ) from error
    if not isinstance(held, dict):
        raise TenfmaError(f"{path} holds {_short(held)}; an object with settings is expected")
    return Settings(held, str(path))


def weight_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes in `weights.safetensors`, nothing loaded. Raises TenfmaError where it cannot be read."""
    with _opened(folder) as file:
        return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors, none with NaN; infinite are only scales, of features that never vary. Raises TenfmaError."""
    with _opened(folder) as file:
        found = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    for key, tensor in found.items():
        wrong = torch.isnan(tensor) if key.endswith("scale") else ~torch.isfinite(tensor)
        if bool(wrong.any()):
            raise TenfmaError(
                f"{folder / WEIGHTS} has a number in {key} that is not finite; train again or restore the file"
            )
    return found


def check_shapes(
    folder: Path, held: Mapping[str, tuple[int, ...]], expected: Mapping[str, Iterable[int]]
) -> None:
    """Raise TenfmaError unless these weights are there with these shapes, and no others."""
    path = folder / WEIGHTS
    for key in sorted(set(held) | set(expected)):
        if key not in held:
            raise TenfmaError(
                f"{path} has no {key}, which {SETTINGS} asks for; give weights and settings of one model"
            )
        if key not in expected:
            raise TenfmaError(
                f"{path} has {key}, which {SETTINGS} does not; give weights and settings of one model"
            )
        if held[key] != tuple(expected[key]):
            raise TenfmaError(
                f"{path} has {key} of shape {held[key]}, and {SETTINGS} asks for {tuple(expected[key])}; "
                "give weights and settings of one model"
            )


def shapes_of(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a module's weights."""
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}


def fingerprint(settings: Mapping[str, Any], folder: Path) -> str:
    """SHA-256 over settings (but for the name, which anybody may change) and weights."""
    own = {key: value for key, value in settings.items() if key not in (FINGERPRINT, "name")}
    total = hashlib.sha256(json.dumps(own, sort_keys=True).encode())
    total.update((folder / WEIGHTS).read_bytes())
    return total.hexdigest()


def write_settings(settings: dict[str, Any], folder: Path, indent: int | None = None) -> None:
    """Write `model.json` with its fingerprint; the weights are there already."""
    sealed = {**settings, FINGERPRINT: fingerprint(settings, folder)}
    write_text(json.dumps(sealed, indent=indent, ensure_ascii=False), folder / SETTINGS)


def check_fingerprint(settings: Settings, folder: Path) -> None:
    """Raise TenfmaError where settings and weights were not saved together; models without fingerprint pass."""
    if FINGERPRINT in settings.held and settings.held[FINGERPRINT] != fingerprint(settings.held, folder):
        raise TenfmaError(
            f"{folder} holds settings and weights that were not saved together, or one was edited; "
            "train again or restore both"
        )


def check_channel(held: Settings) -> None:
    """Refuse a feature whose irreps or parity nobody could read."""
    irreps = held.text("irreps")
    if not re.fullmatch(r"\d{1,2}[eo]", irreps) or int(irreps[:-1]) > HIGHEST_DEGREE:
        raise TenfmaError(
            f"{held.where} has irreps {_short(irreps)}; a degree up to {HIGHEST_DEGREE} with e or o is expected"
        )
    if held.held.get("flip") not in (1, -1):
        raise TenfmaError(f"{held.where} has flip {_short(held.held.get('flip'))}; 1 or -1 is expected")


def _opened(folder: Path) -> Any:
    path = folder / WEIGHTS
    if not path.is_file():
        raise TenfmaError(
            f"{folder} holds no readable model ({WEIGHTS} is missing); give a folder written by save"
        )
    try:
        return safe_open(path, "pt")
    except (OSError, SafetensorError) as error:
        raise TenfmaError(
            f"{path} is no file of weights ({_line(error)}); give a folder written by save"
        ) from error


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _line(error: BaseException) -> str:
    said = (str(error).splitlines() or [type(error).__name__])[0]
    return said.removeprefix("Error while deserializing header: ")[:120]
