"""Trains one release on scikit-learn's handwritten digits: `python -m lab.model.train 1.0.0 OUT`.

Writes model.npz (the arrays), metadata.json (release, decoder, accuracy on held-out
images as the training pipeline sees them) and heldout.json (images and labels that no
release was trained on; the traffic posts them).
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from lab.model.network import WHITE, Floats, Network
from lab.model.releases import Release, release_of

SEED = 7
HELD_OUT = 0.4


def split() -> tuple[Floats, Floats, Any, Any]:
    """Training images, held-out images, training labels, held-out labels: the same for every release."""
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images, labels, test_size=HELD_OUT, random_state=SEED, stratify=labels)
    return parts[0], parts[1], parts[2], parts[3]


def fit(release: Release, images: Floats, labels: Any) -> tuple[Any, Network]:
    """The fitted scikit-learn estimator and the same thing as plain arrays."""
    if not release.hidden:
        linear = LogisticRegression(max_iter=500).fit(images / WHITE, labels)
        return linear, Network([linear.coef_.T], [linear.intercept_])
    deep = MLPClassifier(release.hidden, alpha=1e-2, max_iter=300, random_state=SEED)
    deep.fit(images / WHITE, labels)
    return deep, Network(deep.coefs_, deep.intercepts_)


def train(release: Release, out: Path) -> dict[str, Any]:
    """Train `release`, write its files into `out`, return its metadata."""
    images, unseen, labels, truth = split()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator, network = fit(release, images, labels)
    probabilities = network.probabilities(unseen / WHITE)
    if not np.allclose(probabilities, estimator.predict_proba(unseen / WHITE), atol=1e-9):
        raise RuntimeError(f"release {release.version}: exported arrays differ from the trained estimator")
    metadata = {
        "release": release.version,
        "decoder": release.decoder,
        "hidden": list(release.hidden),
        "accuracy": round(float((probabilities.argmax(axis=1) == truth).mean()), 4),
        "trained_on": len(labels),
        "held_out": len(truth),
    }
    out.mkdir(parents=True, exist_ok=True)
    network.save(out / "model.npz")
    (out / "metadata.json").write_text(json.dumps(metadata, indent=1) + "\n")
    held_out = {"images": unseen.astype(int).tolist(), "labels": truth.tolist()}
    (out / "heldout.json").write_text(json.dumps(held_out, separators=(",", ":")))
    return metadata


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m lab.model.train RELEASE OUTPUT-DIRECTORY")
    print(json.dumps(train(release_of(sys.argv[1]), Path(sys.argv[2]))))
