"""What the rest of the core needs to know of Kubernetes objects, read from their raw JSON."""
