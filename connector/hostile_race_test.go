//go:build race

package connector_test

// hostileSize is less where each message costs much more.
const hostileSize = 5_000
