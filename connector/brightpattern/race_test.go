//go:build race

package brightpattern

const underRace = true // everything takes many times as long
