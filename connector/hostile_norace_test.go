//go:build !race

package connector_test

const hostileSize = 20_000
