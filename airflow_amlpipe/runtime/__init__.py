"""What runs inside a step?

Standard library only, Python 3.8 and newer: these files are read by the interpreter of the step's environment, in which nothing of ours is
installed. ``protocol`` is what host and script share; ``run`` is what ``from azureml.core import Run`` gives; ``shim`` is put on the
script's path and serves ``azureml``.
"""
