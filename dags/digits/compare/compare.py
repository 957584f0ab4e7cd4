"""Judge every model by images it has not seen; keep the best one and a report."""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np

from azureml.core import Run

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--prepared", type=Path, required=True)
parser.add_argument("--models", type=Path, nargs="+", required=True)
parser.add_argument("--output", type=Path, required=True)
arguments = parser.parse_args()

table = np.loadtxt(arguments.prepared / "test.csv", delimiter=",")
labels, pixels = table[:, 0].astype(int), table[:, 1:] / 16

run = Run.get_context()
results = []
for folder in arguments.models:
    model = json.loads((folder / "model.json").read_text(encoding="ascii"))
    scores = pixels @ np.array(model["coefficients"]).T + np.array(model["intercept"])
    accuracy = float((np.array(model["classes"])[scores.argmax(axis=1)] == labels).mean())
    results.append((accuracy, model["inverse_regularisation"], folder))
    run.log_row("models", inverse_regularisation=model["inverse_regularisation"], accuracy=accuracy)

# Of two models that judge equally well, the more strongly regularised one is kept.
results.sort(key=lambda result: (-result[0], result[1]))
best_accuracy, best_value, best_folder = results[0]
run.log("best_accuracy", best_accuracy)
run.log("best_inverse_regularisation", best_value)

report = ["# Digits", "", "| C | accuracy on unseen images |", "|---|---|"]
report += [f"| {value} | {accuracy:.4f} |" for accuracy, value, _ in results]
shutil.copyfile(best_folder / "model.json", arguments.output / "model.json")
(arguments.output / "report.md").write_text("\n".join(report) + "\n", encoding="ascii")
print("\n".join(report))
