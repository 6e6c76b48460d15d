"""Tables and sentences as HTML, every text escaped."""

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

#: rows shown of a longer table
SHOWN = 12


def html_table(frame: "pd.DataFrame", caption: str = "", most: int = SHOWN) -> str:
    """A table of the first `most` rows; says how many there are."""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in frame.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(shown(value))}</td>" for value in row) + "</tr>"
        for row in frame.head(most).itertuples(index=False)
    )
    more = f" ({most} of {len(frame)} rows)" if len(frame) > most else ""
    title = f"<caption>{escape(caption + more)}</caption>" if caption or more else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def sentence(text: str) -> str:
    """A paragraph."""
    return f"<p>{escape(text)}</p>"


def shown(value: Any) -> str:
    """A number to five digits; other things as text."""
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    return f"{value:.5g}"
