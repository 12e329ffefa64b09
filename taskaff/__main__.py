"""``python -m taskaff``."""

from __future__ import annotations

from taskaff.cli import main

if __name__ == "__main__":
    main()
