"""`python benchmarks/evidence`: see `evolution.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from evolution import main

if __name__ == "__main__":
    main()
