//go:build tools

// Package tools pins what the lab builds from this module.
package tools

import (
	_ "github.com/argoproj/argo-rollouts/cmd/rollouts-controller"
)
