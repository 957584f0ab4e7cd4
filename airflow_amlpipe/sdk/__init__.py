"""What is the Azure ML surface? The packages that `azureml` had: `core`, `data`, `pipeline`, `exceptions`.

`import airflow_amlpipe.azureml` serves them under the name `azureml`.
"""
