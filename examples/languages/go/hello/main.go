// Greets whom its arguments name, counts what comes on stdin and reads a file that it may have been granted.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	greeting, whom := "Hello", "world"
	if given, isGiven := os.LookupEnv("GREETING"); isGiven {
		greeting = given
	}
	if len(os.Args) > 1 {
		whom = strings.Join(os.Args[1:], " ")
	}
	fmt.Printf("%s, %s!\n", greeting, whom)

	bytes, err := io.Copy(io.Discard, os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("stdin: %d bytes\n", bytes)

	note, err := os.ReadFile("/data/note.txt")
	if err != nil {
		note = []byte("none")
	}
	first, _, _ := strings.Cut(string(note), "\n")
	fmt.Printf("note: %s\n", first)
}
