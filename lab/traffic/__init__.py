"""Steady traffic for the digits model, with the true labels told a moment later."""
