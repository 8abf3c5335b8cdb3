"""Statistics that detectors stand on: numbers in, numbers out."""
