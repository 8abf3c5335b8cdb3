"""A one-node Kubernetes with a registry and Prometheus on a bare Linux machine."""
