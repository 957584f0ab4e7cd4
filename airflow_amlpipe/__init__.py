"""Which version of airflow-amlpipe is this?

Importing the package imports nothing else: ``airflow_amlpipe.azureml`` is the alias that serves ``azureml``, ``airflow_amlpipe.sdk`` is what it
serves, ``airflow_amlpipe.cli`` is the command ``amlpipe``.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
