//go:build !race

package brightpattern

const underRace = false
