"""History through the operator's own loop: a source's past, a stand-in for the cluster, and a clock that is set."""
