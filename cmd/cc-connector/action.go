package main

import "io"

// action is what a command does, with the operands that follow the flags.
type action func(operands []string, stdout, stderr io.Writer) error

// usageError says what is wrong with the arguments.
type usageError string

func (e usageError) Error() string { return string(e) }
