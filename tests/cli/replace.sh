#!/bin/sh
# A device that is made anew with another key: the old credential is revoked as
# the new one becomes durable, it is counted as rework, and a retry gives the
# same answer.
. "$(dirname "$0")/../lib.sh"

new_authority

# states DEVICE: of its credentials, oldest first: 0 issued, 3 revoked.
states() {
	"$builddir/tests/cli/sql" "$H/store.db" "SELECT state FROM device WHERE device = '$1'
		ORDER BY intent_index" | tr '\n' ' '
}

replace() {
	replace_reason=$1
	shift
	issue "$@" --replace --reason "$replace_reason"
}

case_start "another key without --replace is denied, with it is issued"
new_device tls-client client-00000001
issue tls-client client-00000001 -o "$T/1.pvb"
expect_equal "$rc" 0 exit
first=$(json_field serial "$T/out")
rm -rf "$T/dev/client-00000001"
new_device tls-client client-00000001
issue tls-client client-00000001
expect_equal "$rc" 4 "exit without --replace"
expect_text "--replace --reason rework|scrap"
replace rework tls-client client-00000001 -o "$T/2.pvb"
expect_equal "$rc" 0 "exit with --replace"
expect_equal "$(json_field status "$T/out")" issued status
second=$(json_field serial "$T/out")
[ "$first" != "$second" ] || fail "the serial is the old one"
expect_equal "$(states client-00000001)" "3 0 " "states"

case_start "the same again is the same answer"
replace rework tls-client client-00000001 -o "$T/3.pvb"
expect_equal "$rc" 0 exit
expect_equal "$(json_field status "$T/out")" existing status
same_bytes "$T/2.pvb" "$T/3.pvb"
issue tls-client client-00000001 -o "$T/4.pvb"
expect_equal "$rc" 0 "exit without --replace"
same_bytes "$T/2.pvb" "$T/4.pvb"
expect_equal "$(states client-00000001)" "3 0 " "states"

case_start "the bundle's number is above the old one's"
seq_of() {
	"$builddir/tests/cli/sql" "$H/store.db" "SELECT max(b.seq) FROM bundle b JOIN device d ON
		d.number = b.number WHERE d.device = '$1'"
}
expect_equal "$(seq_of client-00000001)" 2 "seq"

case_start "a key that the device had before is refused"
cp -a "$T/dev/client-00000001" "$T/kept"
rm -rf "$T/dev/client-00000001"
new_device tls-client client-00000001
replace scrap tls-client client-00000001
expect_equal "$rc" 0 "exit of the third key"
rm -rf "$T/dev/client-00000001"
mv "$T/kept" "$T/dev/client-00000001"
replace rework tls-client client-00000001
expect_equal "$rc" 4 "exit of the second key again"
expect_text key.superseded

case_start "what is not known is not replaced"
new_device tls-client client-00000002
replace rework tls-client client-00000002
expect_equal "$rc" 4 exit
expect_text replace.unknown
expect_exit 2 "$PROVCTL" -C "$H" issue --template tls-client \
	--device client-00000002 --replace
expect_exit 2 "$PROVCTL" -C "$H" issue --template tls-client \
	--device client-00000002 --reason rework

case_start "a device without a key of its own is told apart by request ids"
sensor() {
	run "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		--device S0000000001 "$@"
}
sensor
expect_equal "$rc $(json_field status "$T/out")" "0 issued" first
sensor --replace --reason scrap
expect_equal "$rc $(json_field status "$T/out")" "0 issued" replaced
sensor --replace --reason scrap
expect_equal "$rc $(json_field status "$T/out")" "0 existing" again
sensor --replace --reason scrap --request r-2
expect_equal "$rc $(json_field status "$T/out")" "0 issued" "once more"
sensor --replace --reason scrap --request r-2
expect_equal "$rc $(json_field status "$T/out")" "0 existing" "that again"
expect_equal "$(states S0000000001)" "3 3 0 " states

case_start "lines and columns say it, too"
printf '%s\n' '{"device":"S0000000002"}' >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl"
printf '%s\n' '{"device":"S0000000002","replace":"rework"}' >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.jsonl"
expect_equal "$(jq -r .status "$T/out")" issued "status of the line"
printf 'device,request,replace\nS0000000002,r-3,scrap\n' >"$T/in.csv"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/in.csv"
expect_equal "$(jq -r .status "$T/out")" issued "status of the row"
expect_equal "$(states S0000000002)" "3 3 0 " states

case_start "an order allows so many and no more"
open_order o-1 "$templates/symmetric-sensor.json" 2 '{rework: 1}'
ordered() {
	run "$PROVCTL" -C "$H" issue --template symmetric-sensor --order o-1 \
		--device "$@"
}
ordered S0000000011
expect_equal "$rc" 0 first
ordered S0000000011 --replace --reason rework
expect_equal "$rc $(json_field status "$T/out")" "0 issued" "one rework"
ordered S0000000011 --replace --reason rework --request r-4
expect_equal "$rc" 4 "one more"
expect_text order.rework
grep -q "o-1" "$T/err" || fail "the denial names no order"
ordered S0000000012
expect_equal "$rc" 0 "the second device"
ordered S0000000013
expect_equal "$rc" 4 "the third device"
expect_text order.quantity
expect_exit 0 "$PROVCTL" -C "$H" order close o-1 -o "$T/end.note"
grep -qx "issued 2 of 2" "$T/end.note" || fail "replacements were counted"
grep -qx "revoked 1" "$T/end.note" || fail "the old one is not counted"

case_start "log and store agree"
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
tests_end
