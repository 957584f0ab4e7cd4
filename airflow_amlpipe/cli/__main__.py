"""What does ``python -m airflow_amlpipe.cli`` do? The same as ``amlpipe``."""

from __future__ import annotations

import sys

from airflow_amlpipe.cli import main

if __name__ == "__main__":
    sys.exit(main())
