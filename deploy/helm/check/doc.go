// Package check holds the chart cc-connector against Kubernetes and against the connector.
//
// It renders the chart as Helm does, in every values file of its folder ci/, and decodes each object strictly into the
// types of the Kubernetes API and of the Prometheus operator, so that an unknown field fails. Those of NACK are written
// down here (nack_test.go). The rendered environment is then given to a real connector. It is a module of its own, so
// that the connector's stays small, and has tests alone: go test ./...
package check
