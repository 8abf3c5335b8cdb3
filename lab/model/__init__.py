"""The digits model: trained when its image is built, served over HTTP with metrics."""
