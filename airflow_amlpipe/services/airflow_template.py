"""How is the database made that every local run copies? (run as a child process with ``AIRFLOW_HOME`` set)"""

from __future__ import annotations

__all__ = ["build"]


def build() -> None:
    """Create and migrate the database of the Airflow home that the environment names, and leave it as one file."""
    from airflow import settings
    from airflow.utils.db import initdb
    from sqlalchemy import text

    initdb()
    if settings.engine is not None:
        with settings.engine.connect() as connection:
            # Airflow opens SQLite with a write-ahead log beside it; a copy of the database file alone must be whole.
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        settings.engine.dispose()


if __name__ == "__main__":
    build()
