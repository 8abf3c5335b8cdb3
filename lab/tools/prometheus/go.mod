// Builds the prometheus program(s) of the lab; see lab/README.md.
module knowngood.dev/lab/prometheus

go 1.26.7

require github.com/prometheus/prometheus v0.316.0
