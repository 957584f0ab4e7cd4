"""What does `azureml.train` offer? Its parts; there is nothing of its own in it."""
