"""What does `import azureml` find inside a step?

This package, put on the script's path by the back end. It loads the runtime from the folder it lies in, under the runtime's own name, so
that nothing has to be installed in the step's environment, and a script that has airflow-amlpipe too sees the same classes.
What the runtime does not serve comes from ``airflow_amlpipe.sdk``, where that is installed.
"""

import os
import sys


def _load_runtime():
    name = "airflow_amlpipe.runtime"
    if name in sys.modules:
        return
    from importlib.machinery import ModuleSpec, SourceFileLoader

    folder = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    loader = SourceFileLoader(name, os.path.join(folder, "__init__.py"))
    spec = ModuleSpec(name, loader, origin=loader.path, is_package=True)
    spec.submodule_search_locations = [folder]
    # importlib.util.module_from_spec would do this too, and cost every step two milliseconds for its own imports.
    module = type(sys)(name)
    module.__spec__, module.__loader__, module.__file__ = spec, loader, loader.path
    module.__package__, module.__path__ = name, [folder]
    # There is no parent in sys.modules: submodules are found through this package alone.
    sys.modules[name] = module
    loader.exec_module(module)


# Modules whose names a script imports from; what is not among them is the SDK's.
_SERVED = {
    "azureml.core.dataset": {"Dataset": "datasets"},
    "azureml.core.datastore": {"Datastore": "datastores"},
    "azureml.core.environment": {"Environment": "environments"},
    "azureml.core.experiment": {"Experiment": "surroundings"},
    "azureml.core.keyvault": {"Keyvault": "secrets"},
    "azureml.core.model": {"Model": "models"},
    "azureml.core.workspace": {"Workspace": "workspace"},
    "azureml.data": {"FileDataset": "datasets", "TabularDataset": "datasets"},
    "azureml.data.abstract_dataset": {"AbstractDataset": "datasets"},
    "azureml.data.file_dataset": {"FileDataset": "datasets"},
    "azureml.data.tabular_dataset": {"TabularDataset": "datasets"},
    "azureml.pipeline": {},
    "azureml.pipeline.core": {"PipelineRun": "other_runs", "StepRun": "other_runs"},
    "azureml.pipeline.core.run": {"PipelineRun": "other_runs", "StepRun": "other_runs"},
}


class _ServedBySdk:
    """Finds `azureml.data`, `azureml.pipeline.core` and the like: the modules of ``airflow_amlpipe.sdk`` under SDK v1's names."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if not name.startswith("azureml."):
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, _ServedBySdk)

    @staticmethod
    def create_module(spec):
        from airflow_amlpipe.runtime.elsewhere import from_sdk, names_of_sdk, sdk_module

        ours, below = _SERVED.get(spec.name), spec.name[len("azureml.") :]
        module = type(sys)(spec.name)
        module.__path__ = []
        if ours is None:
            served = sdk_module(below, spec.name)
            module.__doc__ = served.__doc__
            module.__getattr__ = lambda name: getattr(served, name)
            module.__all__ = [name for name in getattr(served, "__all__", dir(served)) if not name.startswith("_")]
            return module
        from importlib import import_module

        def find(name):
            if name in ours:
                return getattr(import_module("airflow_amlpipe.runtime." + ours[name]), name)
            if name == "__all__":  # asked for by `import *` alone, which then pays for the SDK
                return sorted({*ours, *names_of_sdk(below)})
            if name.startswith("__"):
                raise AttributeError(name)
            return from_sdk(below, name, spec.name + "." + name)

        module.__getattr__ = find
        return module

    @staticmethod
    def exec_module(module):
        return None


_load_runtime()
sys.meta_path.append(_ServedBySdk)
