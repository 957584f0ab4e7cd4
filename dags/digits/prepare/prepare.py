"""Turn the images into two tables: every fifth image is kept for testing, the others are for training.

A row is a label and 64 pixels. Comments inside an image leave no trace, so adding one changes this step's input but not its output:
then the steps after it are reused.
"""

import argparse
import csv
from pathlib import Path

from azureml.core import Run


def read_image(path):
    """Return the grey values of a plain PGM image, row after row."""
    lines = (line.partition("#")[0] for line in path.read_text(encoding="ascii").splitlines())
    magic, width, height, _white, *pixels = " ".join(lines).split()
    if magic != "P2" or len(pixels) != int(width) * int(height):
        raise SystemExit(f"{path} is not a plain PGM image of the size that it claims")
    return pixels


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()

    with (arguments.images / "labels.csv").open(encoding="ascii", newline="") as file:
        labels = sorted((row["file"], row["label"]) for row in csv.DictReader(file))
    tables = {"train.csv": [], "test.csv": []}
    for number, (name, label) in enumerate(labels):
        tables["test.csv" if number % 5 == 0 else "train.csv"].append([label, *read_image(arguments.images / "images" / name)])

    run = Run.get_context()
    for name, rows in tables.items():
        (arguments.output / name).write_text("".join(",".join(row) + "\n" for row in rows), encoding="ascii")
        run.log(name.replace(".csv", "_rows"), len(rows))
        print(f"{name}: {len(rows)} rows")


if __name__ == "__main__":
    main()
