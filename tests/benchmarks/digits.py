"""How often a classifier of real digits reads the label that a conditional GAN was asked for, and how digits vary.

The classifier, a support vector machine, is trained on the real digits of the split train; its accuracy on those of the
split test is what a perfect generator would reach. Digits vary as much as real ones if the mean difference between two
of one label is that of real ones; a generator that has collapsed draws one digit again and again.

    python tests/benchmarks/digits.py CHECKPOINT [SAMPLES] [GRID.png]
"""

from __future__ import annotations

import sys

import numpy as np
from sklearn.svm import SVC

from itrans.api import DATASETS, load, write_image

CLASSES = range(10)


def real(split: str) -> tuple[np.ndarray, np.ndarray]:
    dataset = DATASETS.build({"name": "digits"}, split=split)
    pairs = [dataset[index] for index in range(len(dataset))]
    return np.stack([pair.target.ravel() for pair in pairs]), np.array([pair.source[0, 0].argmax() for pair in pairs])


def difference(pictures: np.ndarray) -> float:
    """Return the mean absolute difference between two pictures, of 255."""
    distances = np.abs(pictures[:, None].astype(np.float32) - pictures[None]).mean(axis=2)
    return float(distances.sum() / (len(pictures) * (len(pictures) - 1)))


def main() -> None:
    checkpoint, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100
    pictures, labels = real("train")
    classifier = SVC(C=10, gamma="scale").fit(pictures / 255, labels)
    test_pictures, test_labels = real("test")
    print(f"real digits (test):  {classifier.score(test_pictures / 255, test_labels):6.1%} read as labelled")

    translator = load(checkpoint)
    sources = 255 * np.eye(10, dtype=np.uint8)[:, None, None, :].repeat(8, axis=1).repeat(8, axis=2)
    drawn = np.array([translator.samples(source, count, batch_size=100) for source in sources])
    flat = drawn.reshape(10, count, -1)
    read = np.array([classifier.predict(digits / 255) for digits in flat])
    right = [float((read[label] == label).mean()) for label in CLASSES]
    print(f"drawn digits:        {np.mean(right):6.1%} read as asked for; {count} of each label")
    print("  by label:          " + "  ".join(f"{label}: {share:.0%}" for label, share in enumerate(right)))
    among_real = np.mean([difference(pictures[labels == label]) for label in CLASSES])
    print(f"mean difference:     {among_real:.1f} among real digits of one label, ", end="")
    print(f"{np.mean([difference(digits) for digits in flat]):.1f} among drawn ones, of 255")
    frequencies = np.bincount(read.ravel(), minlength=10) / read.size
    print("digits read:         " + "  ".join(f"{label}: {share:.0%}" for label, share in enumerate(frequencies)))
    nearest = np.abs(flat.reshape(-1, 1, 64).astype(np.float32)[:200] - pictures[None]).mean(axis=2).min(axis=1)
    print(f"nearest real digit:  {nearest.mean():.1f} away on average, {nearest.min():.1f} at least, of 255")
    if len(sys.argv) > 3:
        grid = np.full((10 * 10, 12 * 10, 1), 90, np.uint8)
        for row in CLASSES:
            for column in range(min(12, count)):
                grid[row * 10 + 1 : row * 10 + 9, column * 10 + 1 : column * 10 + 9] = drawn[row, column]
        write_image(sys.argv[3], grid.repeat(6, axis=0).repeat(6, axis=1))


if __name__ == "__main__":
    main()
