"""Programs that run in an environment of their own, with what only a benchmark needs."""
