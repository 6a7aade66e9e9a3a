#!/bin/sh
# Evidence that is wrong, each with its code (reliability.md, 23 to 28), and
# rows of the store that somebody edited.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/attest.sh"

sql() {
	"$builddir/tests/cli/sql" "$H/store.db" "$@" >"$T/sql" 2>&1 ||
		fail "sql: $(cat "$T/sql")"
}

new_authority
staged staged 1 "$reference"
a=client-00000001
b=client-00000002
enrolled staged $a
iak=$T/$a-iak.pem
other=01$(printf '%064d' 9)
enrolled staged $b "$other"

case_start "23: none, or of another format"
challenge $a
: >"$T/$a.evidence"
verify 5 evidence.missing $a
echo '[h'"''"', h'"''"', []]' >"$T/text"
attester diag "$T/text" "$T/$a.evidence"
verify 5 evidence.type $a
echo '[[], h'"''"']' >"$T/text"
attester diag "$T/text" "$T/$a.evidence"
verify 5 evidence.type $a
head -c 200000 /dev/zero >"$T/$a.evidence"
verify 3 file.size $a
head -c 5000 /dev/zero >"$T/$a.evidence"
verify 3 evidence.form $a

case_start "23: of a format that the template takes no more"
copy_authority "$T/other"
staged staged 2 '{"formats": ["dice"]}'
token $a "$iak"
verify 5 evidence.type $a
expect_error 4 evidence.format -C "$H" attest challenge --device $a
H=$T/acme

case_start "claims: each missing, doubled, or of another type"
challenge $a
for label in 265 10 256 2394 2395 2396 2399; do
	token $a "$iak" -e "s/^\([{[:space:]]*\)$label: /\179999: /"
	verify 3 evidence. $a
	token $a "$iak" -e "s/^\([{[:space:]]*\)$label: /\1$label: {}, $label: /"
	verify 3 evidence. $a
	token $a "$iak" -e "s/^\([{[:space:]]*\)$label: /\1$label: {1: 1}, 79999: /"
	verify 3 evidence. $a
done
token $a "$iak" -e "s/256: h'01/256: h'/"
verify 3 evidence.claim.instance-id $a
token $a "$iak" -e "s/10: h'../10: h'/"
verify 3 evidence. $a

case_start "what the device says is wrong"
token $a "$iak" -e "s/256: h'01/256: h'02/"
verify 3 evidence.claim.instance-id $a
token $a "$iak" -e "s/$ueid/$other/"
verify 4 evidence.identity $a
challenge $a
token $a "$iak" -e "s/2: h'$measured'/2: h'$(printf '%064d' 5)'/"
verify 4 evidence.measurement $a
challenge $a
token $a "$iak" -e 's/2395: 12288/2395: 16384/'
verify 4 evidence.debug $a

case_start "25: a nonce that is over"
staged brief 1 '{"formats": ["psa"], "nonce_ttl_s": 1}'
c=client-00000003
enrolled brief $c "01$(printf '%064d' 6)"
challenge $c
token $c "$T/$c-iak.pem" -e "s/$ueid/01$(printf '%064d' 6)/"
sleep 2
verify 4 evidence.nonce $c
expect_text "one that is over"

case_start "25: another device's nonce, and one that nobody handed out"
challenge $a
challenge $b
token $a "$iak"
cp "$T/$a.challenge" "$T/kept"
jq -c --arg d $a '.device = $d' "$T/$b.challenge" >"$T/$a.challenge"
verify 4 evidence.nonce $a
expect_text "another device's"
jq -c '.nonce = ("00" * 32)' "$T/kept" >"$T/$a.challenge"
verify 4 evidence.nonce $a
expect_text "not handed out"
jq -c '.nonce = "00"' "$T/kept" >"$T/$a.challenge"
verify 3 evidence.nonce $a
jq -c '.device = "nobody"' "$T/kept" >"$T/$a.challenge"
verify 10 attest.challenge $a

case_start "26: valid evidence of another device"
challenge $b
token $b "$T/$b-iak.pem" -e "s/$ueid/$other/"
cp "$T/$b.evidence" "$T/$a.evidence"
jq -c --arg d $a '.device = $d' "$T/$b.challenge" >"$T/$a.challenge"
verify 4 evidence.nonce $a
# Right in all but the device: whose it is, is said. It uses nobody's nonce.
cp "$T/kept" "$T/$a.challenge"
verify 4 evidence.identity $a
expect_text "the evidence is that of $b"
expect_text '"quarantine":'
# It only says to be b's: it is nobody's.
new_key stranger
token $b "$T/stranger.pem" -e "s/$ueid/$other/"
cp "$T/$b.evidence" "$T/$a.evidence"
verify 5 evidence.signature $a
token $a "$T/$b-iak.pem"
verify 5 evidence.signature $a
token $b "$T/$b-iak.pem" -e "s/$ueid/$other/"
verify 0 '"status":"verified"' $b
token $a "$iak"
verify 0 '"status":"verified"' $a

case_start "26: of one whose instance is derived from its key"
d=client-00000004
staged_device staged $d
new_key $d-iak
expect_exit 0 "$PROVCTL" -C "$H" attest enrol --device $d --format psa \
	--key "$T/$d-iak.pub"
openssl pkey -pubin -in "$T/$d-iak.pub" -outform DER -out "$T/$d-iak.der"
own=01$(tail -c 65 "$T/$d-iak.der" | sha256sum | cut -c 1-64)
challenge $a
challenge $d
token $d "$T/$d-iak.pem" -e "s/$ueid/$own/"
cp "$T/$d.evidence" "$T/$a.evidence"
verify 4 evidence.identity $a
expect_text "the evidence is that of $d"
verify 0 '"status":"verified"' $d

case_start "28: another algorithm than the enrolled key's"
claims "$(answer_to $a)"
head -c 64 "$T/$a-iak.pub" >"$T/public"
attester mac "$T/public" "$T/claims" "$T/$a.evidence"
verify 5 evidence.algorithm $a

case_start "strangers fill neither the quarantine nor the log"
jq -c --argjson at "$reference" '.template = "small" | .attestation = $at |
	.limits.quarantine_max = 2' "$T/staged.json" >"$T/small.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/small.json"
e=client-00000005
small=01$(printf '%064d' 8)
enrolled small $e "$small"
# strange HELD ENTRIES: evidence of a stranger's, with new bytes.
strange() {
	token $e "$T/stranger.pem" -e "s/$ueid/$small/"
	before=$(entries attest.verify)
	verify 5 evidence.signature $e
	expect_equal "$(json_field quarantine "$T/out" | grep -c .)" "$1" held
	expect_equal "$(entries attest.verify)" $((before + $2)) entries
}
challenge $e
strange 1 1
strange 0 0
challenge $e
strange 1 1
challenge $e
strange 0 0
# The device's own are kept still, as many again; those past that are logged.
for kept in 1 1 0; do
	challenge $e
	token $e "$T/$e-iak.pem" -e "s/$ueid/$small/" \
		-e 's/2395: 12288/2395: 4096/'
	before=$(entries attest.verify)
	verify 4 evidence.lifecycle $e
	expect_equal "$(json_field quarantine "$T/out" | grep -c .)" $kept held
	expect_equal "$(entries attest.verify)" $((before + 1)) entries
done

case_start "a sealing key that is another's"
token $a "$iak"
expect_error 4 evidence.seal_key -C "$H" attest verify --device $a \
	--evidence "$T/$a.evidence" --challenge "$T/$a.challenge" \
	--seal-key "$T/dev/$b/seal_pub.pem"
openssl pkey -in "$T/$a-iak.pem" -pubout -outform DER -out "$T/iak.der"
expect_error 4 evidence.seal_key -C "$H" attest verify --device $a \
	--evidence "$T/$a.evidence" --challenge "$T/$a.challenge" \
	--seal-key "$T/iak.der"
expect_error 3 evidence.seal_key -C "$H" attest verify --device $a \
	--evidence "$T/$a.evidence" --challenge "$T/$a.challenge" \
	--seal-key "$T/kept"

case_start "a manifest that is not in effect any more"
copy_authority "$T/newer"
staged staged 2 "$reference"
verify 4 evidence.manifest $a
H=$T/acme

case_start "what is held of it is shown, and no release makes it right"
number=$(p --json quarantine list 2>/dev/null | jq -r -s '.[0].id')
expect_error 4 quarantine.key -C "$H" quarantine release "$number"
expect_exit 0 "$PROVCTL" -C "$H" quarantine reject "$number"

case_start "a device that is revoked attests no more"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device $b --reason keyCompromise
expect_error 4 device.revoked -C "$H" attest challenge --device $b
verify 4 device.revoked $b
verify_audit

case_start "rows that were edited"
was=$H
# edited RULE SQL: an audit finds it.
edited() {
	rm -rf "$T/edited"
	H=$was
	copy_authority "$T/edited"
	sql "$2"
	expect_error 5 "$1" -C "$H" audit verify
}
edited audit.attest "UPDATE attkey SET key = (SELECT key FROM attkey
	WHERE device = '$b') WHERE device = '$a'"
verify 5 store.edited $a
edited audit.attest "UPDATE attkey SET format = 2 WHERE device = '$a'"
verify 5 store.edited $a
edited audit.attest "DELETE FROM attkey WHERE device = '$a'"
edited audit.attest "UPDATE nonce SET until_ms = until_ms + 100000"
verify 5 store.edited $a
edited audit.attest "UPDATE nonce SET used_index = NULL"
edited audit.entry "UPDATE nonce SET used_index = (SELECT max(used_index)
	FROM nonce) WHERE used_index IS NULL"
edited audit.entry "UPDATE nonce SET device = '$b' WHERE device = '$a'"
edited audit.attest "DELETE FROM nonce WHERE used_index IS NULL"
edited audit.attest "UPDATE evidence SET seal = NULL"
edited audit.attest "UPDATE evidence SET nonce_value = nonce"
edited audit.attest "UPDATE evidence SET state = 0, rule = NULL, uses = 1"
edited audit.attest "DELETE FROM evidence"
H=$was
tests_end
