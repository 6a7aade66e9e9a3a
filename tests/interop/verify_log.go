// verify_log: a published log, read by the checksum database's own code. It
// shares nothing with lib/log.
//
//	verify_log DIR [PROOF ENTRY]
//
// DIR has checkpoint, tile/... and log.vkey; PROOF is a proof in DIR, without
// extra data, of an entry that is the text ENTRY.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const width = 256

var dir string

func must(err error) {
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
}

func read(name string) []byte {
	b, err := os.ReadFile(filepath.Join(dir, name))
	must(err)
	return b
}

func hashOf(line string) (h tlog.Hash) {
	b, err := base64.StdEncoding.Strict().DecodeString(line)
	must(err)
	if copy(h[:], b) != len(h) || len(b) != len(h) {
		must(fmt.Errorf("a hash of %d bytes", len(b)))
	}
	return h
}

// A signed checkpoint's size and root.
func open(msg []byte) tlog.Tree {
	v, err := note.NewVerifier(string(read("log.vkey")))
	must(err)
	n, err := note.Open(msg, note.VerifierList(v))
	must(err)
	line := strings.Split(n.Text, "\n")
	var size int64
	_, err = fmt.Sscanf(line[1], "%d", &size)
	must(err)
	fmt.Printf("checkpoint: %s, %d entries, %d signature known, %d not\n",
		line[0], size, len(n.Sigs), len(n.UnverifiedSigs))
	return tlog.Tree{N: size, Hash: hashOf(line[2])}
}

// Tiles of the folder. c2sp.org/tlog-tiles leaves the height out of the path.
type tiles struct{}

func (tiles) Height() int                            { return 8 }
func (tiles) SaveTiles(t []tlog.Tile, data [][]byte) {}
func (tiles) ReadTiles(t []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(t))
	for i := range t {
		out[i] = read(strings.Replace(t[i].Path(), "tile/8/", "tile/", 1))
	}
	return out, nil
}

// All entries, against the leaves that TileHashReader proved to be the tree's.
func entries(tree tlog.Tree, hr tlog.HashReader) {
	for first := int64(0); first < tree.N; first += width {
		t := tlog.Tile{H: 8, N: first / width, W: width}
		if tree.N-first < width {
			t.W = int(tree.N - first)
		}
		b := read(strings.Replace(t.Path(), "tile/8/0/", "tile/entries/", 1))
		at := make([]int64, t.W)
		for i := range at {
			at[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		leaves, err := hr.ReadHashes(at)
		must(err)
		for i := range at {
			n := int(binary.BigEndian.Uint16(b))
			if tlog.RecordHash(b[2:2+n]) != leaves[i] {
				must(fmt.Errorf("entry %d of %s", i, t.Path()))
			}
			b = b[2+n:]
		}
		if len(b) != 0 {
			must(fmt.Errorf("%d bytes too many", len(b)))
		}
	}
	fmt.Println("tiles:", tree.N, "entries are the tree's")
}

func proof(file []byte, entry string) {
	head, msg, _ := bytes.Cut(file, []byte("\n\n"))
	line := strings.Split(string(head), "\n")
	if line[0] != "c2sp.org/tlog-proof@v1" {
		must(fmt.Errorf("not a proof"))
	}
	tree := open(msg)
	var index int64
	_, err := fmt.Sscanf(line[1], "index %d", &index)
	must(err)
	p := tlog.RecordProof{}
	for _, l := range line[2:] {
		p = append(p, hashOf(l))
	}
	must(tlog.CheckRecord(p, tree.N, tree.Hash, index,
		tlog.RecordHash([]byte(entry))))
	fmt.Println("proof:", entry)
}

func main() {
	if len(os.Args) != 2 && len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: verify_log DIR [PROOF ENTRY]")
		os.Exit(2)
	}
	dir = os.Args[1]
	tree := open(read("checkpoint"))
	hr := tlog.TileHashReader(tree, tiles{})
	old := tree.N
	if old > 300 {
		old = 300
	}
	h, err := tlog.TreeHash(old, hr)
	must(err)
	p, err := tlog.ProveTree(tree.N, old, hr)
	must(err)
	must(tlog.CheckTree(p, tree.N, tree.Hash, old, h))
	fmt.Println("tiles: the tree of", old, "entries begins it")
	entries(tree, hr)
	if len(os.Args) > 3 {
		proof(read(os.Args[2]), os.Args[3])
	}
}
