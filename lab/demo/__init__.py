"""The demo: a real model fails silently on a real cluster, and Knowngood puts it back."""
