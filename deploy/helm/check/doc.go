// Package check holds the chart cc-connector against Kubernetes and against the connector.
//
// It renders the chart as Helm does, in every values file of its folder ci/, and decodes each object strictly into the
// types of the Kubernetes API, so that an unknown field fails. Those of NACK are no module that can be had; nack.go
// writes down what the chart and the connector use of them. It is a module of its own, so that the connector's stays
// small, and has tests alone: go test ./...
package check
