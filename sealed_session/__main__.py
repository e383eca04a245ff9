"""``python -m sealed_session``: the same as the command ``sealed-session``."""

from .cli import main

if __name__ == "__main__":
    main()
