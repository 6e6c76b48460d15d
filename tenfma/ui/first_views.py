"""Make the file of first views: python -m tenfma.ui.first_views."""

import gzip
import json
from typing import Any

from tenfma.site import site
from tenfma.ui.layout import PAGES
from tenfma.viz import first

#: pages that draw from first views
DRAWN = ("home", "materials", "simplices", "couplings", "heat", "drift", "mechanics", "atlas")


def computed() -> dict[str, Any]:
    """What these pages ask for at their defaults, computed now."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    from tenfma.ui import components

    st.cache_data.clear()
    st.cache_resource.clear()
    with first.recorded() as found:
        for name in DRAWN:
            page = AppTest.from_file(str(site() / "app.py"), default_timeout=600)
            page.session_state[components.AT_ONCE] = name in ("drift", "atlas")  # all is kept
            if name != "home":
                page.switch_page(PAGES[name])
            page.run()
            if page.exception:
                raise RuntimeError(f"{name}: {page.exception[0].value}")
    return found


def main() -> None:
    """Write the file, with no time in it, so that the same views make the same bytes."""
    text = json.dumps(computed(), sort_keys=True, separators=(",", ":"))
    first.file().write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{first.file()}: {first.file().stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
