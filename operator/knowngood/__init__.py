"""Knowngood: AI incident response for Kubernetes."""

__version__ = "0.1.0"
