//go:build !race

package allocs

const underRace = false
