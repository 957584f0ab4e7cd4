"""What does `azureml.pipeline` hold? Its subpackages `core` and `steps`."""
