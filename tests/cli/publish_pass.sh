#!/bin/sh
# What is published follows what was revoked, wherever a run before was cut: a
# pass over OCSP answers that ended early is begun anew, and what waits for its
# signature is given up, not signed.
. "$(dirname "$0")/../lib.sh"
RUN_S=300

use_module() {
	jq --arg to "$1" '.module = $to' "$H/provctl.json" >"$T/config.json"
	cat "$T/config.json" >"$H/provctl.json"
	accept_module
}

# sign_fails FROM COMMAND...: the token is gone from that signature on.
sign_fails() {
	FAULT_C_Sign_RV=50 FAULT_C_Sign_FROM=$1 # CKR_DEVICE_REMOVED
	export FAULT_C_Sign_RV FAULT_C_Sign_FROM
	shift
	run "$PROVCTL" -C "$H" "$@"
	unset FAULT_C_Sign_RV FAULT_C_Sign_FROM
}

sql() {
	"$builddir/tests/cli/sql" "$H/store.db" "$@"
}

pending() {
	sql "select count(*) from crl where tbs is not null"
}

# Answers in the folder that say keyCompromise.
revoked_answers() {
	find "$H/publish/ocsp/issuing-1" -name '*.ors' -exec \
		perl -0777 -ne 'print "x\n" if /\xa0\x03\x0a\x01\x01/' {} + |
		wc -l
}

entries() {
	p --json audit show --type "$1" | grep -c "$1"
}

jq '.crl = {shards: 1}' "$srcdir/templates/issuing-ca.json" \
	>"$templates/issuing-ca.json"
jq '.steps |= (.[0:6] + [{step: "generate-key", purpose: "ocsp", kind: "P-256"}]
	+ .[6:])' "$srcdir/templates/plans/softhsm-demo.json" \
	>"$templates/plans/softhsm-demo.json"
new_authority
module=$(jq -r .module "$H/provctl.json")
jq '.template = "asks" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f311" |
	.certificate.extensions.authorityInfoAccess =
	{ocsp: "http://ocsp.example.com"}' "$srcdir/templates/aws-iot.json" \
	>"$T/asks.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/asks.json"
devices=1100 # more than one batch
seq -f '%012g' 1 $devices |
	jq -R -c '{device: ("thing-" + .), fields: {lot: "LOT1"}}' >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" -q issue --template asks --jobs 2 \
	--from "$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_equal "$(revoked_answers)" 0 "answers that say revoked"
use_module "$builddir/tests/fault/shim.so"

case_start "what waits for its signature is given up, whatever it says"
next_second
sign_fails 1 rotate crl --all
[ "$rc" -ne 0 ] || fail "signed without a token"
expect_equal "$(pending)" 5 "rows that wait" # four lists, one batch
verify_audit
sql "update crl set next_s = 253402300000, tbs = x'3000' where tbs is not null"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_equal "$(pending)" 0 "rows that wait"
expect_equal "$(entries crl.void)" 4 "lists given up"
verify_audit
next_second
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
openssl crl -inform DER -in "$H/publish/crl/issuing-1/0.crl" -noout \
	-crlnumber -nextupdate >"$T/out"
expect_text "crlNumber=0x03"
grep -q 9999 "$T/out" && fail "a list until 9999"
verify_audit

case_start "an answer recorded before a revocation is not signed after it"
next_second
sign_fails 6 rotate crl --all
expect_equal "$(pending)" 3 "rows that wait" # a batch, two lists after it
expect_exit 0 "$PROVCTL" -C "$H" revoke --device thing-000000000001 \
	--reason keyCompromise
expect_equal "$(entries ocsp.void)" 2 "batches given up"
expect_equal "$(revoked_answers)" 1 "answers that say revoked"
verify_audit

case_start "a pass that ended early is begun anew"
sign_fails 1050 revoke --template asks --reason keyCompromise
[ "$rc" -ne 0 ] || fail "answers without a token"
[ "$(revoked_answers)" -lt $devices ] || fail "nothing is left to do"
[ "$(revoked_answers)" -gt 1 ] || fail "the first batch was not signed"
expect_exit 0 "$PROVCTL" -C "$H" revoke --template asks \
	--reason keyCompromise
expect_equal "$(revoked_answers)" $devices "answers that say revoked"
verify_audit

case_start "answers of which a run renewed a part: status says so, until all are"
clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}
cut_off() {
	run "$PROVCTL" -C "$H" --json status
	jq -s -c '[.[0].crls[] | select(.kind == "ocsp") | .cut]' "$T/out"
}
# How many different nextUpdate the answers have.
ends() {
	find "$H/publish/ocsp/issuing-1" -name '*.ors' -exec \
		perl -0777 -ne 'print "$1\n" if /\xa0\x11\x18\x0f(\d{14}Z)/' \
		{} + | sort -u | wc -l
}
clock_set 5
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
expect_equal "$(cut_off)" '[false]' "before"
# Four lists, the responder's certificate and a batch.
next_second
sign_fails 1040 rotate crl --all
expect_equal "$rc" 6 "exit without the token ($(cat "$T/err"))"
expect_equal "$(ends)" 2 "different ends"
expect_equal "$(cut_off)" '[false]' "of a run that may still be at it"
clock_set 700
expect_equal "$(cut_off)" '[true]' "later"
expect_exit 4 "$PROVCTL" -C "$H" status
expect_text "OCSP       issuing-1: 1 batch"
expect_text "a run was cut off: run \`provctl rotate crl'"
cp -a "$H" "$T/cut"
expect_exit 0 "$PROVCTL" -C "$H" rotate due
expect_equal "$(ends)" 1 "different ends"
expect_equal "$(cut_off)" '[false]' "after"
expect_exit 0 "$PROVCTL" -C "$H" status

case_start "answers that are all there after all: one more says that it is so"
mv "$H" "$T/whole"
mv "$T/cut" "$H"
rm -rf "$H/publish/ocsp"
cp -a "$T/whole/publish/ocsp" "$H/publish/ocsp"
expect_equal "$(cut_off)" '[true]' "before"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl
expect_equal "$(jq .answers "$T/out")" 1 "answers"
expect_equal "$(cut_off)" '[false]' "after"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl
expect_equal "$(jq .answers "$T/out")" 0 "answers once more"
verify_audit

case_start "what is due comes from the log: a new one, and nothing else is read"
jq -n -c '{device: "thing-000000002001", fields: {lot: "LOT1"}}' \
	>"$T/one.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template asks --from "$T/one.jsonl"
lost=$(find "$H/publish/ocsp/issuing-1" -name '*.ors' | sort | head -n 1)
rm "$lost"
expect_exit 0 "$PROVCTL" -C "$H" rotate due
expect_equal "$(find "$H/publish/ocsp/issuing-1" -name '*.ors' | wc -l)" \
	$devices "answers, of which one is new and one is lost"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate crl
expect_equal "$(jq .answers "$T/out")" 1 "answers of a full look"
[ -e "$lost" ] || fail "the lost answer is not back"

case_start "issued and revoked since, with much in between: one answer"
jq -n -c '{device: "thing-000000002002", fields: {lot: "LOT1"}}' \
	>"$T/one.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template asks --from "$T/one.jsonl"
seq -f '%012g' 3001 3250 | # more entries than are looked at together
	jq -R -c '{device: ("thing-" + .), fields: {lot: "LOT1"}}' >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" -q issue --template aws-iot --jobs 2 \
	--from "$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device thing-000000002002 \
	--reason superseded
expect_text "published: 1 revocation list, 1 OCSP answer"
verify_audit

tests_end
