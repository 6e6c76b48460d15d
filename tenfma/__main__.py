"""`python -m tenfma` is `tenfma`."""

from tenfma.cli import main

if __name__ == "__main__":
    main()
