"""How does a script of SDK v1 come over: what of it works here, and how are its imports rewritten?

Nothing that is looked at is run. ``files.py`` finds scripts and notebooks, ``notebooks.py`` reads cells, ``names.py`` knows what stands behind a name of
``azureml`` here, ``tracing.py`` follows such names through a script, ``habits.py`` knows what authors of SDK v1 stumbled over, ``requirements.py`` reads
requirement lines; ``examining.py`` puts it together for ``amlpipe doctor``, and ``rewriting.py`` does the work of ``amlpipe migrate``.
"""
