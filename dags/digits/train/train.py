"""Train a classifier of digits and write it as JSON: its coefficients, and how well it knows the images it was trained on."""

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from azureml.core import Run

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--prepared", type=Path, required=True)
parser.add_argument("--inverse-regularisation", type=float, required=True, help="small values regularise strongly")
parser.add_argument("--output", type=Path, required=True)
arguments = parser.parse_args()

table = np.loadtxt(arguments.prepared / "train.csv", delimiter=",")
labels, pixels = table[:, 0].astype(int), table[:, 1:] / 16

classifier = LogisticRegression(C=arguments.inverse_regularisation, max_iter=1000)
classifier.fit(pixels, labels)
accuracy = classifier.score(pixels, labels)

run = Run.get_context()
run.log("inverse_regularisation", arguments.inverse_regularisation)
run.log("training_accuracy", accuracy)
print(f"C={arguments.inverse_regularisation}: accuracy {accuracy:.4f} on the images it was trained on")

model = {
    "inverse_regularisation": arguments.inverse_regularisation,
    "classes": classifier.classes_.tolist(),
    "coefficients": classifier.coef_.tolist(),
    "intercept": classifier.intercept_.tolist(),
}
(arguments.output / "model.json").write_text(json.dumps(model), encoding="ascii")
