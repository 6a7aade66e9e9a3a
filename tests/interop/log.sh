#!/bin/sh
# A log as it is published, made by make_log and read by the code of Go's
# checksum database (golang.org/x/mod/sumdb), which shares nothing with ours.
# Exit 77 (skipped) without Go or that module (Debian: golang-go,
# golang-golang-x-mod-dev).
#
#     log.sh [PATH/make_log]
set -eu

src=$(cd "$(dirname "$0")" && pwd)
make=${1:-./tests/interop/make_log}
gopath=${PV_GOPATH:-/usr/share/gocode}

command -v go >/dev/null || { echo "skipped: no go"; exit 77; }
[ -d "$gopath/src/golang.org/x/mod/sumdb" ] || {
	echo "skipped: no golang.org/x/mod in $gopath"
	exit 77
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT INT TERM
mkdir "$tmp/log"
"$make" "$tmp/log" >"$tmp/out" 2>&1 || { cat "$tmp/out"; exit 1; }
GO111MODULE=off GOPATH=$gopath GOCACHE=$tmp/cache GOFLAGS='' \
	go build -o "$tmp/verify_log" "$src/verify_log.go"

verified() {
	"$tmp/verify_log" "$tmp/log" entry.tlog-proof log/12345 >"$tmp/out" 2>&1
}
verified || { cat "$tmp/out"; echo "not ok - log"; exit 1; }
cat "$tmp/out"
echo "ok - log: Go verifies checkpoint, tiles, entries and proof"

# changed FILE: its tenth byte is another.
changed() {
	cp "$tmp/log/$1" "$tmp/kept"
	printf '\377' | dd of="$tmp/log/$1" bs=1 seek=9 conv=notrunc 2>/dev/null
	if verified; then
		echo "not ok - log: $1 was changed"
		exit 1
	fi
	cp "$tmp/kept" "$tmp/log/$1"
	echo "ok - log: a changed $1 is refused"
}
changed checkpoint
changed entry.tlog-proof
changed tile/0/001
changed tile/1/001.p/1
changed tile/entries/257.p/208
