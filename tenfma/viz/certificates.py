"""A certificate as a table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

#: verdict → a sign and a word, so that colour is not needed
SIGNS = {"pass": "✓ pass", "fail": "✗ fail", "shown": "· shown", "n/a": "– n/a"}


def rows(certificate: Mapping[str, Any]) -> pd.DataFrame:
    """One row per check: verdict, name, value, limit, meaning, note."""
    return pd.DataFrame(
        {
            "verdict": [SIGNS[check["verdict"]] for check in certificate["checks"]],
            "check": [check["name"] for check in certificate["checks"]],
            "value": [
                "" if check["value"] is None else f"{check['value']:.3g}" for check in certificate["checks"]
            ],
            "limit": [check["limit"] for check in certificate["checks"]],
            "meaning": [check["meaning"] for check in certificate["checks"]],
            "note": [check["note"] for check in certificate["checks"]],
        }
    )
