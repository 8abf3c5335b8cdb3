"""Policy to PromQL to samples, each with its data state."""
