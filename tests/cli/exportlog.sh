#!/bin/sh
# The log as others get it: a folder of tiles that grows by what is new, never
# has a checkpoint before its tiles, and takes no other log's place; read by
# the checksum database's code where there is Go.
. "$(dirname "$0")/../lib.sh"

new_authority
L=$T/log
p export key --purpose log --vkey >"$T/vkey"

# symmetric PREFIX N: that many devices, two entries each.
symmetric() {
	i=0
	while [ "$i" -lt "$2" ]; do
		printf '{"device":"S%s%09X"}\n' "$1" "$i"
		i=$((i + 1))
	done >"$T/in.jsonl"
	p -q issue --template symmetric-sensor --from "$T/in.jsonl" \
		>"$T/issued" 2>"$T/err" || fail "issue: $(cat "$T/err")"
}

size() {
	sed -n 2p "$1"
}

# Each file with what changes when it is written again.
files() {
	(cd "$1" && find . -type f -printf '%p %i %T@ %s\n' | sort)
}

export_log() {
	expect_exit 0 "$PROVCTL" -C "$H" --json export log --out "${1:-$L}"
}

# export_refused CODE RULE: nothing is written.
export_refused() {
	files "$L" >"$T/before"
	expect_error "$1" "$2" -C "$H" export log --out "$L"
	files "$L" >"$T/after"
	same_bytes "$T/before" "$T/after"
}

# The folder is the one that a first export makes, but for older edges.
whole() {
	rm -rf "$T/fresh"
	export_log "$T/fresh"
	(cd "$T/fresh" && find . -type f) >"$T/names"
	while read -r name; do
		same_bytes "$T/fresh/$name" "$L/$name"
	done <"$T/names"
}

gopath=${PV_GOPATH:-/usr/share/gocode}
reader=
if command -v go >/dev/null && [ -d "$gopath/src/golang.org/x/mod/sumdb" ]; then
	reader=$T/verify_log # one that cannot be built is no reason to skip
	GO111MODULE=off GOPATH=$gopath GOCACHE=$T/cache GOFLAGS='' go build \
		-o "$reader" "$srcdir/tests/interop/verify_log.go"
fi
verified() {
	[ -n "$reader" ] || {
		skip_case "no Go with golang.org/x/mod"
		return
	}
	rm -rf "$T/read"
	cp -R "$L" "$T/read"
	cp "$T/vkey" "$T/read/log.vkey"
	run "$reader" "$T/read"
	expect_equal "$rc" 0 "exit of Go's reader"
	expect_text "$(size "$L/checkpoint") entries are the tree's"
}

case_start "the first export: all tiles, all of it public"
export_log
same_bytes "$H/checkpoint" "$L/checkpoint"
expect_equal "$(json_field entries "$T/out")" "$(size "$L/checkpoint")" entries
n=$(size "$L/checkpoint")
[ -f "$L/tile/entries/000.p/$n" ] || fail "no entries of the edge"
[ -f "$L/tile/0/000.p/$n" ] || fail "no hashes of the edge"
expect_equal "$(find "$L" -type f ! -perm 644 | wc -l)" 0 "files not 0644"
expect_equal "$(find "$L" -type d ! -perm 755 | wc -l)" 0 "folders not 0755"

case_start "a reader that shares no code with it verifies every entry"
verified

case_start "that reader says how it is called"
if [ -n "$reader" ]; then
	expect_exit 2 "$reader"
	expect_text "usage: verify_log DIR"
else
	skip_case "no Go with golang.org/x/mod"
fi

case_start "asked again: nothing is written and nothing is logged"
files "$L" >"$T/before"
export_log
expect_equal "$(json_field files "$T/out")" 0 "files written"
files "$L" >"$T/after"
same_bytes "$T/before" "$T/after"
same_bytes "$H/checkpoint" "$L/checkpoint"

case_start "a grown log: only what is new, and what was there stays"
symmetric A 110
files "$L" | grep -v /checkpoint >"$T/before"
export_log
files "$L" >"$T/after"
expect_equal "$(comm -23 "$T/before" "$T/after" | wc -l)" 0 "files changed"
[ -f "$L/tile/entries/000" ] || fail "the first bundle is not full"
expect_equal "$(json_field files "$T/out")" 6 "files written"
symmetric B 3
files "$L" | grep -v /checkpoint >"$T/before"
export_log
files "$L" >"$T/after"
expect_equal "$(comm -23 "$T/before" "$T/after" | wc -l)" 0 "files changed"
expect_equal "$(json_field new "$T/out")" 6 "new entries"
expect_equal "$(json_field files "$T/out")" 3 "files written"
whole

case_start "the grown folder is verified too"
verified

case_start "tiles that a crash left wrong, before a checkpoint, are repaired"
cp -a "$L" "$T/old"
symmetric C 120
export_log
rm -rf "$T/new"
mv "$L" "$T/new"
cp -a "$T/old" "$L"
n=$(size "$T/new/checkpoint")
cp -R "$T/new/tile" "$L"
head -c 100 "$T/new/tile/entries/001" >"$L/tile/entries/001"
: >"$L/tile/0/001"
echo junk >"$L/tile/0/.001.99999999.tmp"
echo junk >"$L/.checkpoint.0.99999999.tmp"
export_log
whole
expect_equal "$(find "$L" -name '.*' | wc -l)" 0 "files left behind"

case_start "killed at any moment: what is there is whole, and the next run completes it"
rm -rf "$L"
for moment in 01 02 03 04 06 09 14 20 30; do
	timeout -s KILL "0.$moment" "$PROVCTL" -C "$H" -q export log \
		--out "$L" >"$T/out" 2>&1 </dev/null
	tries=0 # what holds the folder ends with what was killed
	while [ -d "$L" ] && ! flock -n "$L" true && [ "$tries" -lt 100 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	[ ! -f "$L/checkpoint" ] || {
		whole
		rm -rf "$L"
	}
done
export_log
whole
expect_equal "$(find "$L" -name '.*' | wc -l)" 0 "files left behind"

case_start "a tile under the checkpoint: without that, all are compared"
printf X | dd of="$L/tile/entries/000" bs=1 seek=50 conv=notrunc 2>/dev/null
rm "$L/checkpoint"
export_log
whole

case_start "what is no file in a tile's place stays"
symmetric D 1
n=$(($(size "$L/checkpoint") + 2))
edge=$L/tile/0/$(printf %03d $((n / 256))).p
mkdir -p "$edge"
ln -s /dev/null "$edge/$((n % 256))"
expect_error 9 output.exists -C "$H" export log --out "$L"
[ "$(size "$L/checkpoint")" -lt "$n" ] || fail "a checkpoint without its tile"
find "$L" -type l -exec rm {} +
export_log
whole

case_start "another log's folder, an edited one, one of this log's future are refused"
symmetric E 1
cp "$L/checkpoint" "$T/good"
sed '1s/.*/other/' "$T/good" >"$L/checkpoint"
export_refused 9 export.log
sed 's/^\(— [^ ]* \).*/\1AAAAAMM=/' "$T/good" >"$L/checkpoint"
export_refused 9 export.log
sed '2s/.*/7/' "$T/good" >"$L/checkpoint"
export_refused 5 note.signature
head -c 20 "$T/good" >"$L/checkpoint"
export_refused 5 log.checkpoint
ln -sf "$T/good" "$L/checkpoint"
export_refused 3 file.symlink
rm "$L/checkpoint"
cp "$T/good" "$L/checkpoint"
mine=$H
new_authority "$T/twin"
export_refused 9 export.log
H=$mine
cp -a "$mine" "$T/back"
symmetric F 1
export_log
rm -rf "$mine"
cp -a "$T/back" "$mine"
export_refused 5 export.log
expect_text "the published log is longer"
expect_text "the store was set back"
symmetric 0 5
export_refused 5 export.log
expect_text "this log does not go on from it"

case_start "usage"
expect_exit 2 "$PROVCTL" -C "$H" export log
expect_exit 10 "$PROVCTL" -C "$H" export log --out "$T/none/log"

case_start "an entry that is not the tree's: nothing is given out"
rm -rf "$mine" "$L"
cp -a "$T/back" "$mine"
"$builddir/tests/cli/sql" "$H/store.db" "update log set
	entries = cast(substr(entries, 1, length(entries) - 1) || x'58' as blob)
	where first = (select min(first) from log)" >"$T/sql" 2>&1 ||
	fail "sql: $(cat "$T/sql")"
expect_error 5 store.edited -C "$H" export log --out "$L"
[ ! -e "$L" ] || fail "something was written"

tests_end
