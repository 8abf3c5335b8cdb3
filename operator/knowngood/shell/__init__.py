"""Does: talks to metrics sources and the cluster, and runs what the core decided."""
