"""The trained network as plain arrays, so that serving needs numpy and not scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

PIXELS = 64
WHITE = 16.0
"""The brightest pixel value: the digits have 17 shades, 0 to 16."""
SIDE = 8


def decode(image: Floats, order: str) -> Floats:
    """A raw image (64 numbers, 0 to 16) as the network's input, read by `rows` or `columns`."""
    square = image.reshape(SIDE, SIDE)
    return np.ravel(square, order="C" if order == "rows" else "F") / WHITE


class Network:
    """Dense layers with ReLU between them and a softmax at the end."""

    def __init__(self, weights: list[Floats], biases: list[Floats]) -> None:
        self.weights = weights
        self.biases = biases

    def probabilities(self, inputs: Floats) -> Floats:
        """Class probabilities of `inputs` (…, 64), scaled 0 to 1."""
        last = len(self.weights) - 1
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            inputs = inputs @ weight + bias
            if index < last:
                inputs = np.maximum(inputs, 0.0)
        shifted = np.exp(inputs - inputs.max(axis=-1, keepdims=True))
        result: Floats = shifted / shifted.sum(axis=-1, keepdims=True)
        return result

    def save(self, path: Path) -> None:
        """Write the arrays to an .npz file."""
        arrays: dict[str, Any] = {f"w{i}": w for i, w in enumerate(self.weights)}
        arrays |= {f"b{i}": b for i, b in enumerate(self.biases)}
        np.savez_compressed(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> Network:
        """Read what `save` wrote; OSError when the file is missing."""
        with np.load(path, allow_pickle=False) as arrays:
            layers = len(arrays.files) // 2
            return cls([arrays[f"w{i}"] for i in range(layers)], [arrays[f"b{i}"] for i in range(layers)])
