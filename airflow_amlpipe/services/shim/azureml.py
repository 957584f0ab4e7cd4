"""What does ``import azureml`` find in a process that a person's program starts with ``multiprocessing``? The same as in the program.

``services/script.py`` puts this folder at the end of ``sys.path``, which such a process takes over. Once imported, this module is no longer there:
the import below puts the SDK in its place.
"""

import airflow_amlpipe.azureml  # noqa: F401
