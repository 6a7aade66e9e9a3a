#!/bin/sh
# audit verify over checkpoints: every one of 1,000 entries deleted, edited,
# moved and cut, in the store and in an exported log; an older database put
# back; the exported log verified with nothing but its key.
. "$(dirname "$0")/../lib.sh"
tamper=$builddir/tests/cli/tamper

new_authority

case_start "a log of more than 1,000 entries, all under checkpoints"
i=0
while [ "$i" -lt 340 ]; do
	printf '{"device":"thing-%012x","fields":{"lot":"L042"}}\n' "$i"
	i=$((i + 1))
done >"$T/in.jsonl"
cp -a "$H" "$T/older"
expect_exit 0 "$PROVCTL" -C "$H" -q issue --template aws-iot \
	--from "$T/in.jsonl"
verify_audit
[ "$(audit_number entries)" -gt 1000 ] || fail "too few entries"
[ "$(audit_number checkpoints)" -ge 2 ] || fail "too few checkpoints"
expect_equal "$(audit_number uncovered)" 0 "entries not covered"

case_start "each of 1,000 entries deleted, edited, moved, cut: all found"
cp -a "$H" "$T/copy"
mkdir "$T/log"
RUN_S=300 expect_exit 0 "$tamper" "$T/copy" "$T/log" 1000
sed 's/^tamper/# tamper/' "$T/out"
expect_equal "$(grep -c '^tamper: .* 1000 found, 1000 named$' "$T/out")" 8 \
	"ways that were all found"

case_start "the folder alone, by its keys; none but the right one"
expect_exit 0 "$PROVCTL" -C "$H" --json audit verify --log "$T/log"
expect_equal "$(jq .entries "$T/out")" "$(sed -n 2p "$H/checkpoint")" entries
expect_equal "$(jq .certificates "$T/out")" \
	$(($(audit_number certificates) + $(audit_number cas))) certificates
key=$(p export key --purpose log --vkey)
mkdir "$T/elsewhere"
expect_exit 0 "$PROVCTL" -C "$T/elsewhere" audit verify --log "$T/log" \
	--key "$key"
expect_error 5 log.checkpoint -C "$T/elsewhere" audit verify --log "$T/log" \
	--key acme+a9da55d4+AUNwJ4GrqbH8xDaGqgx6jY0HtsBP0v7uSHLHViFwl1th
expect_error 3 note.key audit verify --log "$T/log" --key acme
expect_error 2 usage.option -C "$H" audit verify --key acme
expect_error 2 usage.option -C "$H" audit verify --strict --log "$T/log"
expect_error 10 "" -C "$H" audit verify --log "$T/none"

case_start "what export log writes, grown, cosigned, with an old checkpoint"
p -q export log --out "$T/exported" >"$T/out"
cp -R "$T/exported" "$T/first"
expect_exit 0 "$PROVCTL" -C "$T/elsewhere" audit verify \
	--log "$T/exported" --key "$key"
printf '{"device":"thing-%012x","fields":{"lot":"L042"}}\n' 999 >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" -q issue --template aws-iot \
	--from "$T/in.jsonl"
p -q export log --out "$T/exported" >"$T/out"
expect_exit 0 "$PROVCTL" -C "$H" --json audit verify --log "$T/exported"
expect_equal "$(jq .entries "$T/out")" "$(sed -n 2p "$H/checkpoint")" entries
w=$("$PROVCTL" audit witness --new-key "$T/w.key" --name w.example)
expect_error 5 log.cosignature -C "$H" audit verify --log "$T/exported" \
	--witness "$w"
"$PROVCTL" audit witness --log "$T/exported" --log-key "$key" --first \
	--state "$T/w.state" --key "$T/w.key" >"$T/w.line" || fail "no line"
printf '%s\n' "$w" >"$H/witnesses"
chmod 644 "$H/witnesses"
p -q audit cosign --from "$T/w.line" >"$T/out"
p -q export log --out "$T/exported" >"$T/out"
expect_exit 0 "$PROVCTL" -C "$H" --json audit verify --log "$T/exported" \
	--witness "$w"
expect_equal "$(jq .cosigned "$T/out")" 1 cosigned
cp "$T/first/checkpoint" "$T/exported/checkpoint"
expect_error 5 log.tile -C "$H" audit verify --log "$T/exported"
expect_text "longer log"

case_start "an older database put back"
cp -a "$H" "$T/good"
rm "$H"/store.db*
cp -a "$T"/older/store.db* "$H/"
cp -a "$T/older/sealed.dat" "$H/sealed.dat"
expect_error 5 store.older -C "$H" audit verify
expect_text "log entries $(sed -n 2p "$T/older/checkpoint") to"

case_start "an edited row of a checkpoint, and a forged one"
sql() {
	"$builddir/tests/cli/sql" "$H/store.db" "$1" >"$T/sql" ||
		fail "sql: $1"
}
damaged() { # RULE SQL
	rm -rf "$H"
	cp -a "$T/good" "$H"
	sql "$2"
	expect_error 5 "$1" -C "$H" audit verify
}
damaged note.signature "UPDATE checkpoint SET note = cast(replace(
	cast(note AS TEXT), 'acme' || char(10) || size, 'acme' || char(10) ||
	(size - 1)) AS BLOB), size = size - 1"
damaged audit.checkpoint "UPDATE checkpoint SET size = size - 1"
damaged audit.checkpoint "INSERT INTO checkpoint SELECT size + 1, note
	FROM checkpoint ORDER BY size DESC LIMIT 1"
damaged log.checkpoint "UPDATE checkpoint SET note = substr(note, 1, 40)"
rm -rf "$H"
cp -a "$T/good" "$H"
verify_audit

tests_end
