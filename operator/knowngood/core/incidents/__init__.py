"""Verdicts to episodes to an incident with its evidence and timeline."""
