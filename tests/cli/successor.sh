#!/bin/sh
# What may take the place of a credential: a rotation or rework that was begun
# does not outlive that its predecessor is revoked or held, what people revoked
# or hold is not walked around, and all that came before is superseded.
. "$(dirname "$0")/../lib.sh"

jq '.crl = {shards: 1}' "$srcdir/templates/issuing-ca.json" \
	>"$templates/issuing-ca.json"
new_authority
module=$(jq -r .module "$H/provctl.json")
p export key --purpose bundle >"$T/bundle.pem"
day=86400

# Seconds that programs see the clock ahead by.
clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS

# template NAME DIGIT jq-OBJECT
template() {
	jq --arg name "$1" ".template = \$name |
		.class = \"0d4f3a52-8e19-4c6b-9d27-51b8e0c7f3$2\" | . * $3" \
		"$templates/tls-client.json" >"$T/$1.json"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/$1.json"
}
template thing 11 '{rotation: {renew_before_days: 7, same_key: true},
	certificate: {validity: {days: 10}}}'

use_module() {
	jq --arg to "$1" '.module = $to' "$H/provctl.json" >"$T/json" &&
		cat "$T/json" >"$H/provctl.json"
	accept_module
}
# cut COMMAND...: provctl, with a token that goes away before it signs.
cut() {
	use_module "$builddir/tests/fault/shim.so"
	FAULT_C_Sign_RV=50
	export FAULT_C_Sign_RV
	run "$PROVCTL" -C "$H" "$@"
	unset FAULT_C_Sign_RV
	use_module "$module"
	[ "$rc" -ne 0 ] || fail "the token was there: $*"
}
issued() {
	new_device tls-client "$2"
	issue "$1" "$2" -o "$T/$2.pvb"
	expect_equal "$rc" 0 "issue $2"
}
# A long credential, then a short one that ends before it was received.
chain() {
	template "$1" "$2" '{rotation: {renew_before_days: 1, same_key: true},
		certificate: {validity: {days: 365}}}'
	issued "$1" "$3"
	template "$1" "$2" '{version: 2, rotation: {renew_before_days: 1,
		same_key: true}, certificate: {validity: {days: 2}}}'
	run "$PROVCTL" -C "$H" rotate device "$3" -o "$T/$3.2.pvb"
	expect_equal "$rc" 0 "rotate to the short one"
}

chain one 12 client-00000006
chain two 13 client-00000007
clock_set $((4 * day))

case_start "a receipt supersedes also what is behind one that has ended"
run "$PROVCTL" -C "$H" rotate device client-00000006 -o "$T/3.pvb"
expect_equal "$rc" 0 "rotate after it ended"
run "$PROVDEV" open "$T/dev/client-00000006" "$T/3.pvb" \
	--bundle-key "$T/bundle.pem"
expect_equal "$rc" 0 "provdev open"
run "$PROVCTL" -C "$H" attest receipt "$T/dev/client-00000006/receipt.cose"
expect_equal "$rc $(json_field superseded "$T/out")" "0 1" superseded

case_start "so does a rework"
rm -rf "$T/dev/client-00000007"
new_device tls-client client-00000007
issue two client-00000007 --replace --reason rework
expect_equal "$rc $(json_field status "$T/out")" "0 issued" rework
expect_equal "$("$builddir/tests/cli/sql" "$H/store.db" "SELECT count(*)
	FROM revocation r JOIN device d ON d.number = r.number
	WHERE d.device = 'client-00000007' AND r.reason = 4")" 1 superseded

case_start "a rotation that was begun does not outlive a revocation"
issued thing client-00000001
issued thing client-00000002
clock_set $((8 * day))
cut rotate device client-00000001
cut rotate device client-00000002
run "$PROVCTL" -C "$H" revoke --device client-00000001 --reason keyCompromise \
	--dry-run
expect_text "1 that were not issued yet would be given up"
run "$PROVCTL" -C "$H" revoke --device client-00000001 --reason keyCompromise
expect_equal "$rc" 0 revoke
expect_text "1 that were not issued yet were given up"
run "$PROVCTL" -C "$H" rotate device client-00000001
expect_equal "$rc" 4 "rotation of it"
expect_text device.revoked

case_start "nor a hold, and the device goes on once it is let go of"
run "$PROVCTL" -C "$H" revoke --device client-00000002 --reason certificateHold
expect_equal "$rc" 0 hold
expect_text "1 that were not issued yet were given up"
run "$PROVCTL" -C "$H" rotate due
expect_equal "$rc $(grep -c 'client-0000000[12]' "$T/out")" "0 0" "none is due"
for i in 1 2; do
	p export inventory | grep "client-0000000$i" |
		grep -q '"state":"issued"' && fail "$i is valid"
done
run "$PROVCTL" -C "$H" revoke --device client-00000002 --reason removeFromCRL
expect_equal "$rc" 0 "let go"
run "$PROVCTL" -C "$H" rotate due
expect_equal "$rc $(jq -r 'select(.device == "client-00000002") | .status' \
	"$T/out")" "0 issued" "due again"

case_start "nor a rework that was begun"
issued thing client-00000003
rm -rf "$T/dev/client-00000003"
new_device tls-client client-00000003
# shellcheck disable=SC2046  # no option holds a space
cut issue --template thing $(device_opts client-00000003) --replace \
	--reason rework
run "$PROVCTL" -C "$H" revoke --device client-00000003 --reason keyCompromise
expect_text "1 that were not issued yet were given up"
issue thing client-00000003 --replace --reason rework
expect_equal "$rc" 4 "the same again"
rm -rf "$T/dev/client-00000003"
new_device tls-client client-00000003
# shellcheck disable=SC2046
cut issue --template thing $(device_opts client-00000003) --replace \
	--reason rework
issue thing client-00000003 --replace --reason rework
expect_equal "$rc $(json_field status "$T/out")" "0 issued" \
	"a rework after the revocation, begun and finished"

case_start "what people revoked is not rolled back"
issued thing client-00000004
run "$PROVCTL" -C "$H" rotate device client-00000004 -o "$T/r.pvb"
expect_equal "$rc" 0 rotate
serial=$(json_field serial "$T/out")
run "$PROVCTL" -C "$H" revoke --serial "$serial" --reason keyCompromise
expect_equal "$rc" 0 revoke
expect_error 9 device.revoked -C "$H" rotate device client-00000004 --rollback

case_start "nor what they hold, nor is it replaced"
issued thing client-00000005
run "$PROVCTL" -C "$H" rotate device client-00000005 -o "$T/r.pvb"
serial=$(json_field serial "$T/out")
run "$PROVCTL" -C "$H" revoke --serial "$serial" --reason certificateHold
expect_equal "$rc" 0 hold
expect_error 9 device.suspended -C "$H" rotate device client-00000005 \
	--rollback
rm -rf "$T/dev/client-00000005"
new_device tls-client client-00000005
issue thing client-00000005 --replace --reason rework
expect_equal "$rc" 4 "exit of a rework"
expect_text device.suspended

case_start "log and store agree"
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
tests_end
