"""Hostile and numerous resources on a real API server, and the real operator as a process of its own."""
