#!/bin/sh
# Rotation of devices in the field: what they had stays valid until the receipt
# of the next credential came; until then it can be taken back.
. "$(dirname "$0")/../lib.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"

# template FILE NAME jq-OBJECT: a shipped one of another name and class, with
# more of it in the object; adopted.
template() {
	jq --arg name "$2" ".template = \$name |
		.class = \"0d4f3a52-8e19-4c6b-9d27-51b8e0c7f3$4\" | . * $3" \
		"$templates/$1.json" >"$T/$2.json"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/$2.json"
}
template tls-client same '{rotation: {same_key: true}}' 01
template tls-client fresh '{rotation: {renew_before_days: 30}}' 02
template tls-client proof '{attestation: {formats: ["psa"]},
	stages: {bootstrap: ["identity"],
		operational: {components: ["service"], requires: "attestation"}},
	rotation: {fresh_evidence: true}}' 03

# issued TEMPLATE ID: a device that has its bundle, and its receipt taken in.
issued() {
	new_device tls-client "$2"
	issue "$1" "$2" -o "$T/$2.1.pvb"
	expect_equal "$rc" 0 "issue $2"
	opened "$2" "$T/$2.1.pvb"
	received "$2"
}
opened() {
	run "$PROVDEV" open "$T/dev/$1" "$2" --bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "provdev open $1"
}
received() {
	run "$PROVCTL" -C "$H" attest receipt "$T/dev/$1/receipt.cose"
	expect_equal "$rc" 0 "receipt of $1"
}
rotate() {
	run "$PROVCTL" -C "$H" rotate device "$@"
}
# states DEVICE: of its credentials, oldest first: 0 issued, 3 revoked.
states() {
	"$builddir/tests/cli/sql" "$H/store.db" "SELECT state FROM device
		WHERE device = '$1' ORDER BY intent_index" | tr '\n' ' '
}
csr_opts() {
	echo --csr "$T/dev/$1/csr.pem" --seal-key "$T/dev/$1/seal_pub.pem" \
		--seal-key-sig "$T/dev/$1/seal_sig.b64"
	[ ! -f "$T/dev/$1/key_sig.b64" ] ||
		echo --key-sig "$T/dev/$1/key_sig.b64"
}

case_start "the key it has: the old one stays valid until the receipt"
issued same client-00000001
rotate client-00000001 -o "$T/r.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 issued" rotated
expect_equal "$(states client-00000001)" "0 0 " "both valid"
expect_equal "$(p --json status | jq -c '[.devices, .credentials]')" "[1,2]" \
	"counts of status"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_text "1 device, 2 credentials, "
verify_audit
expect_equal "$(audit_number devices) $(audit_number credentials)" "1 2" \
	"counts of audit"
rotate client-00000001 -o "$T/r.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 existing" "the same again"
opened client-00000001 "$T/r.pvb"
received client-00000001
expect_equal "$(json_field superseded "$T/out")" 1 superseded
expect_equal "$(states client-00000001)" "3 0 " "one valid"
run "$PROVDEV" open "$T/dev/client-00000001" "$T/client-00000001.1.pvb" \
	--bundle-key "$T/bundle.pem"
expect_equal "$rc" 4 "the device takes no older bundle"

case_start "after the receipt nothing is taken back"
expect_error 9 rotate.received -C "$H" rotate device client-00000001 --rollback

case_start "until then it is, and the old one is current again"
issued same client-00000002
rotate client-00000002 -o "$T/r2.pvb"
expect_equal "$rc" 0 rotate
expect_error 4 rotate.given -C "$H" rotate device client-00000002 --rollback
expect_equal "$(states client-00000002)" "0 0 " "both valid"
expect_exit 0 "$PROVCTL" -C "$H" rotate device client-00000002 --rollback \
	--not-installed
expect_equal "$(states client-00000002)" "0 3 " "the first is valid"
expect_error 9 rotate.first -C "$H" rotate device client-00000002 --rollback
rotate client-00000002 -o "$T/r3.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 issued" "rotated anew"
expect_equal "$(states client-00000002)" "0 3 0 " "states"
opened client-00000002 "$T/r3.pvb"
received client-00000002
expect_equal "$(states client-00000002)" "3 3 0 " "one valid"

case_start "one that was taken back, and yet was installed, is told"
issued same client-0000000a
rotate client-0000000a -o "$T/ra.pvb"
expect_exit 0 "$PROVCTL" -C "$H" rotate device client-0000000a --rollback \
	--not-installed
opened client-0000000a "$T/ra.pvb"
received client-0000000a
expect_equal "$(jq .valid "$T/out")" false valid
expect_text "1 of them say that a device has a credential that is not valid"
expect_equal "$(states client-0000000a)" "0 3 " states
received client-0000000a
grep -q "not valid" "$T/err" && fail "it was told twice"

case_start "a template that wants new keys asks for a CSR"
issued fresh client-00000003
rotate client-00000003
expect_equal "$rc" 4 "exit without one"
expect_text rotate.csr
# shellcheck disable=SC2046  # no option holds a space
rotate client-00000003 $(csr_opts client-00000003)
expect_equal "$rc" 4 "exit with the old key's"
expect_text rotation.same_key
cp -a "$T/dev/client-00000003" "$T/kept"
rm -rf "$T/dev/client-00000003"
new_device tls-client client-00000003
# shellcheck disable=SC2046
rotate client-00000003 $(csr_opts client-00000003)
expect_equal "$rc" 4 "exit with anybody's"
expect_text rotate.key_sig
printf 'AAAA' >"$T/dev/client-00000003/key_sig.b64"
# shellcheck disable=SC2046
rotate client-00000003 $(csr_opts client-00000003)
expect_equal "$rc" 4 "exit with a wrong signature"
expect_text "the certified key did not sign the new key"
rm -rf "$T/dev/client-00000003"
cp -a "$T/kept" "$T/dev/client-00000003"
rotate_keys tls-client client-00000003
# shellcheck disable=SC2046
rotate client-00000003 $(csr_opts client-00000003) -o "$T/r4.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 issued" "with a new one's"
# shellcheck disable=SC2046
rotate client-00000003 $(csr_opts client-00000003) -o "$T/r4.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 existing" "again"
mv "$T/dev/client-00000003" "$T/new"
rm -rf "$T/dev/client-00000003"
new_device tls-client client-00000003
# shellcheck disable=SC2046
rotate client-00000003 $(csr_opts client-00000003)
expect_equal "$rc" 9 "exit of a third key before the receipt"
expect_text rotate.pending
rm -rf "$T/dev/client-00000003"
mv "$T/new" "$T/dev/client-00000003"
opened client-00000003 "$T/r4.pvb"
received client-00000003
expect_equal "$(states client-00000003)" "3 0 " "one valid"

case_start "a template without that section takes no new key"
issued tls-client client-00000009
rotate_keys tls-client client-00000009
# shellcheck disable=SC2046
rotate client-00000009 $(csr_opts client-00000009)
expect_equal "$rc" 4 exit
expect_text rotation.missing

case_start "many at once, from a file"
for i in 4 5; do
	issued fresh "client-0000000$i"
	rotate_keys tls-client "client-0000000$i"
	request_line "client-0000000$i"
done >"$T/in.jsonl"
rotate --template fresh --from "$T/in.jsonl" --out "$T/many"
expect_equal "$rc" 0 exit
expect_equal "$(jq -r .status "$T/many/results.jsonl" | sort -u)" issued status
rotate --template fresh --from "$T/in.jsonl" --out "$T/many"
expect_equal "$(jq -r .status "$T/many/results.jsonl" | sort -u)" existing again
issue fresh client-00000004
expect_equal "$rc $(json_field status "$T/out")" "0 existing" "by issue"
request_line client-00000004 >"$T/in.jsonl"
run "$PROVCTL" -C "$H" issue --template fresh --from "$T/in.jsonl"
expect_equal "$rc" 3 "a first request with the key's before"
expect_text request.key_sig
request_line client-00000004 '{replace: "rework"}' >"$T/in.jsonl"
rotate --template fresh --from "$T/in.jsonl"
expect_equal "$rc" 3 "a line that replaces"

case_start "components alone, beside the certificate it has"
issued same client-00000006
serial=$(json_field serial "$T/out")
rotate client-00000006 --components service -o "$T/c.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 issued" exit
expect_equal "$(json_field serial "$T/out")" "$serial" serial
expect_equal "$(states client-00000006)" "0 " "one credential"
opened client-00000006 "$T/c.pvb"
received client-00000006
expect_equal "$(json_field seq "$T/out")" 2 seq
rotate client-00000006 --components nothing
expect_equal "$rc" 4 "exit of what is none"
expect_text rotate.components
issue same client-00000006 -o "$T/c2.pvb"
same_bytes "$T/c.pvb" "$T/c2.pvb"

case_start "secrets that would change beside the named ones stand in the way"
template symmetric-sensor sensor '{components: {radio: {secrets:
	{psk: {random: {bytes: 16}}}, sealed: true}}}' 04
run "$PROVCTL" -C "$H" issue --template sensor --device S0000000001 \
	-o "$T/s.pvb"
expect_equal "$rc" 0 issue
rotate S0000000001 --components keys
expect_equal "$rc" 4 "exit of one"
expect_text "radio would get new secrets"
rotate S0000000001 --components keys,radio -o "$T/s2.pvb"
expect_equal "$rc" 0 "exit of both"

case_start "what provctl makes itself needs nothing"
rotate S0000000001 -o "$T/s3.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 issued" "no certificate"
run "$PROVCTL" -C "$H" issue --template aws-iot --device thing-00000000000a \
	--set lot=LOT1 -o "$T/h1.pvb"
expect_equal "$rc" 0 issue
rotate thing-00000000000a -o "$T/h2.pvb"
expect_equal "$rc" 3 "its fields were not kept"
expect_text device.field
template aws-iot thing '{rotation: {renew_before_days: 7}}' 05
run "$PROVCTL" -C "$H" issue --template thing --device thing-00000000000b \
	--set lot=LOT1 -o "$T/h3.pvb"
expect_equal "$rc" 0 issue
rotate thing-00000000000b -o "$T/h4.pvb"
expect_equal "$rc $(json_field status "$T/out")" "0 issued" "a host key"

case_start "what is not to be rotated"
expect_error 10 device.unknown -C "$H" rotate device client-0000000f
issued proof client-00000007
# shellcheck disable=SC2046
rotate client-00000007 $(csr_opts client-00000007)
expect_equal "$rc" 4 "exit without evidence"
expect_text rotate.evidence
expect_exit 2 "$PROVCTL" -C "$H" rotate device
expect_exit 2 "$PROVCTL" -C "$H" rotate device client-00000001 --from x
expect_exit 2 "$PROVCTL" -C "$H" rotate device client-00000001 --rollback \
	--components a
expect_exit 2 "$PROVCTL" -C "$H" rotate device client-00000001 --not-installed
expect_exit 2 "$PROVCTL" -C "$H" rotate nothing

case_start "log and store agree"
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
tests_end
