// The program that holds a pod's namespaces open; see lab/README.md.
module knowngood.dev/lab/pause

go 1.26.0
