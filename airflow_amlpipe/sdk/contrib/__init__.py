"""What does `azureml.contrib` offer? Its parts; there is nothing of its own in it."""
