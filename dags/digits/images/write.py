"""Write scikit-learn's digits as plain PGM images and a list of their labels."""

import argparse
from pathlib import Path

from sklearn.datasets import load_digits

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--output", type=Path, required=True)
arguments = parser.parse_args()

digits = load_digits()
folder = arguments.output / "images"
folder.mkdir(parents=True, exist_ok=True)
lines = ["file,label"]
for number, (image, label) in enumerate(zip(digits.images, digits.target, strict=True)):
    rows = "\n".join(" ".join(f"{int(value):2d}" for value in row) for row in image)
    name = f"{number:04d}.pgm"
    (folder / name).write_text(f"P2\n8 8\n16\n{rows}\n", encoding="ascii")
    lines.append(f"{name},{label}")
(arguments.output / "labels.csv").write_text("\n".join(lines) + "\n", encoding="ascii")
print(f"wrote {len(digits.target)} images")
