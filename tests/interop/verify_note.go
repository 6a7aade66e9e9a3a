// verify_note: a signed note, verified by the checksum database's own code.
//
//	verify_note VKEY-FILE NOTE     prints the text
package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func must(err error) {
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
}

func main() {
	vkey, err := os.ReadFile(os.Args[1])
	must(err)
	msg, err := os.ReadFile(os.Args[2])
	must(err)
	v, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	must(err)
	n, err := note.Open(msg, note.VerifierList(v))
	must(err)
	fmt.Print(n.Text)
}
