"""Samples to verdicts; one file a detector."""
