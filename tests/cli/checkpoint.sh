#!/bin/sh
# The log's checkpoint: signed by the token after every command that appended,
# kept outside the database, and what a store that does not go on from it meets.
. "$(dirname "$0")/../lib.sh"

new_authority

size() {
	sed -n 2p "${1:-$H/checkpoint}"
}

# What audit says the log has.
entries() {
	expect_exit 0 "$PROVCTL" -C "$H" --json audit verify
	jq -r .entries "$T/out"
}

# Ed25519 by OpenSSL: the text with its last LF, then key id and signature.
verified() {
	p export key --purpose log >"$T/log.pem"
	awk '/^$/ { exit } { print }' "$1" >"$T/body"
	sed -n 's/^— [^ ]* //p' "$1" | base64 -d | tail -c +5 >"$T/sig"
	openssl pkeyutl -verify -pubin -inkey "$T/log.pem" -rawin \
		-in "$T/body" -sigfile "$T/sig" >/dev/null 2>&1
}

refused() { # RULE DEVICE
	expect_error 5 "$1" -C "$H" status
	expect_error 5 "$1" -C "$H" policy list
	new_device tls-client "client-$2"
	issue tls-client "client-$2"
	expect_equal "$rc" 5 "exit of issue"
	expect_text "rule: $1"
	! grep -q -e '-wal' "$T/err" || fail "it speaks of the -wal"
}

case_start "a new authority has one, true by somebody else's verification"
expect_equal "$(sed -n 1p "$H/checkpoint")" acme origin
expect_equal "$(size)" "$(entries)" size
verified "$H/checkpoint" || fail "OpenSSL does not verify it"

case_start "one more after a device, a batch, an export, an adoption"
before=$(size)
new_device tls-client client-00000001
issue tls-client client-00000001
expect_equal "$rc" 0 exit
[ "$(size)" -gt "$before" ] || fail "it did not grow"
expect_equal "$(size)" "$(entries)" "size after issue"
verified "$H/checkpoint" || fail "not true after issue"
p export inventory >"$T/inventory"
expect_equal "$(size)" "$(entries)" "size after an export"
jq '.version = 2' "$templates/tls-client.json" >"$templates/next.json"
p policy adopt "$templates/next.json" >"$T/adopted"
expect_equal "$(size)" "$(entries)" "size after an adoption"
verified "$H/checkpoint" || fail "not true after an adoption"

case_start "a large batch of several signers: some under way, one at the end"
awk 'BEGIN { for (i = 0; i < 11000; i++)
	printf "{\"device\":\"S01%08X\"}\n", i }' >"$T/bulk.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" -q issue --template symmetric-sensor \
	--jobs 3 --from "$T/bulk.jsonl"
expect_equal "$(grep -c '"status":"issued"' "$T/out")" 11000 issued
verify_audit
expect_equal "$(audit_number uncovered)" 0 "entries without a checkpoint"
[ "$(audit_number checkpoints)" -ge 6 ] || fail "too few checkpoints"
expect_equal "$(size)" "$(entries)" size

case_start "nothing appended: it stays as it is"
cp "$H/checkpoint" "$T/same"
p policy list >"$T/list"
issue tls-client client-00000001
cmp -s "$T/same" "$H/checkpoint" || fail "it was signed again"

case_start "an older store is refused"
cp -a "$H" "$T/older"
new_device tls-client client-00000002
issue tls-client client-00000002
expect_equal "$rc" 0 exit
cp -a "$H" "$T/good"
rm "$H"/store.db*
cp -a "$T"/older/store.db* "$H/"
cp -a "$T/older/sealed.dat" "$H/sealed.dat"
refused store.older 00000003

case_start "a copy without its -wal is, too, and the hint says what it is"
rm -rf "$H"
cp -a "$T/good" "$H"
[ -s "$H/store.db-wal" ] || fail "no -wal was left"
rm "$H"/store.db-*
expect_error 5 store.older -C "$H" status
expect_text "a copy that was made without store.db-wal looks like this"
expect_error 5 store.older -C "$H" status
expect_text "a copy that was made without store.db-wal looks like this"
cp "$T/good/store.db-wal" "$H/"
rm -f "$H/store.db-shm"
expect_exit 0 "$PROVCTL" -C "$H" status

case_start "so is another store with a log as long"
rm -rf "$H"
cp -a "$T/older" "$H"
new_device tls-client client-00000004
issue tls-client client-00000004
expect_equal "$rc" 0 exit
cp "$T/good/checkpoint" "$H/checkpoint"
refused store.older 00000005

case_start "a checkpoint that is gone, cut, changed or another's is refused"
rm -rf "$H"
cp -a "$T/good" "$H"
rm "$H/checkpoint"
refused log.checkpoint 00000006
head -c 20 "$T/good/checkpoint" >"$H/checkpoint"
refused log.checkpoint 00000007
expect_error 5 log.checkpoint -C "$H" status
expect_text "put the file back, from a backup or from the exported log"
sed '2s/.*/7/' "$T/good/checkpoint" >"$H/checkpoint"
refused note.signature 00000008
sed '3a extension' "$T/good/checkpoint" >"$H/checkpoint"
refused log.checkpoint 00000009
sed '1s/.*/other/' "$T/good/checkpoint" >"$H/checkpoint"
refused log.checkpoint 00000010
cp "$T/good/checkpoint" "$H/checkpoint"
chmod 666 "$H/checkpoint"
expect_exit 4 "$PROVCTL" -C "$H" policy list

case_start "a wrong row where the next one comes: no mere warning"
rm -rf "$H"
cp -a "$T/good" "$H"
before=$(size)
for more in 1 2 3 4; do
	"$builddir/tests/cli/sql" "$H/store.db" \
		"insert into checkpoint values($((before + more)), x'00')" ||
		fail "no row"
done
expect_error 5 log.checkpoint -C "$H" export inventory
expect_equal "$(size)" "$before" size

case_start "one that a crash left as a file is a row again"
rm -rf "$H"
cp -a "$T/good" "$H"
rows() {
	"$builddir/tests/cli/sql" "$H/store.db" \
		"select count(*) from checkpoint where size = $(size)" |
		tr -dc 0-9
}
expect_equal "$(rows)" 1 rows
"$builddir/tests/cli/sql" "$H/store.db" \
	"delete from checkpoint where size = $(size)" || fail "no row deleted"
expect_equal "$(rows)" 0 rows
before=$(size)
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_equal "$(size)" "$before" size
expect_equal "$(rows)" 1 rows

case_start "with its own one put back all goes on"
rm -rf "$H"
cp -a "$T/good" "$H"
issue tls-client client-00000002
expect_equal "$rc" 0 exit
expect_equal "$(size)" "$(entries)" size

tests_end
