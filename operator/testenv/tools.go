//go:build tools

// Package testenv pins the API server the operator's tests run against.
package testenv

import (
	_ "go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
)
