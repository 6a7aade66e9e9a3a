#!/bin/sh
# The end of an order counts what the log says, not what rows of devices say
# while it is closed: more devices than it names are found by the note.
. "$(dirname "$0")/../lib.sh"
SQL=$builddir/tests/cli/sql

sql() {
	"$SQL" "$H/store.db" "pragma foreign_keys=off" "$@" 2>"$T/err" ||
		fail "sql: $(cat "$T/err")"
}

copies=0
fresh() {
	[ "$copies" -eq 0 ] || rm -rf "$H"
	copies=$((copies + 1))
	H=$base
	copy_authority "$T/copy$copies"
}

# closes_not SQL...: no note is signed over what was edited.
closes_not() {
	fresh
	sql "$@"
	for give_up in "" --give-up; do
		run "$PROVCTL" -C "$H" order close o-1 $give_up -o "$T/end.note"
		expect_equal "$rc" 5 "exit of order close $give_up, $*"
	done
	[ ! -e "$T/end.note" ] || fail "a note over edited rows"
	expect_exit 5 "$PROVCTL" -C "$H" order show o-1
}

new_authority
base=$H
module=$(jq -r .module "$H/provctl.json")
client=$templates/tls-client.json

use_module() {
	jq --arg to "$1" '.module = $to' "$H/provctl.json" \
		>"$T/provctl.json" && cat "$T/provctl.json" >"$H/provctl.json"
	accept_module
}

case_start "devices that are none of the order for a moment"
open_order o-1 "$client" 5
open_order o-2 "$templates/symmetric-sensor.json" 5
for n in 1 2 3 4 5; do
	new_device tls-client client-0000000$n
	issue tls-client client-0000000$n --order o-1
	expect_equal "$rc" 0 "exit of device $n"
done
for n in 1 2; do
	issue symmetric-sensor S000000000$n --order o-2
	expect_equal "$rc" 0 "exit of sensor $n"
done
two="device IN ('client-00000004', 'client-00000005')"
closes_not "UPDATE device SET ord = NULL WHERE $two"
closes_not "UPDATE device SET ord = 'o-2' WHERE $two"
closes_not "UPDATE device SET ord = NULL WHERE $two" \
	"UPDATE ord SET devices = 3 WHERE name = 'o-1'"
closes_not "DELETE FROM device WHERE $two"
# unfinished WHERE: as if the device waited for its result.
unfinished() {
	echo "INSERT INTO intent SELECT number, 1, NULL, NULL FROM device
		WHERE $1"
}
closes_not "$(unfinished "$two")" "DELETE FROM cert WHERE number IN
	(SELECT number FROM device WHERE $two)"
closes_not "$(unfinished "$two")" "UPDATE device SET state = 5 WHERE $two"

case_start "the same of devices without a certificate"
fresh
sql "$(unfinished "device = 'S0000000002'")" "DELETE FROM bundle WHERE number =
	(SELECT number FROM device WHERE device = 'S0000000002')"
run "$PROVCTL" -C "$H" order close o-2 --give-up -o "$T/end.note"
expect_equal "$rc" 5 "exit of order close"
fresh
expect_exit 0 "$PROVCTL" -C "$H" order close o-2 -o "$T/o-2.note"
grep -q '^issued 2 of 5$' "$T/o-2.note" || fail "issued"
verify_audit

case_start "an intent that is hidden while its order is closed"
fresh
open_order o-3 "$client" 5
new_device tls-client client-00000031
issue tls-client client-00000031 --order o-3
expect_equal "$rc" 0 "exit of the first"
new_device tls-client client-00000032
use_module "$builddir/tests/fault/shim.so"
FAULT_C_Sign_RV=50 # CKR_DEVICE_REMOVED
export FAULT_C_Sign_RV
issue tls-client client-00000032 --order o-3
unset FAULT_C_Sign_RV
[ "$rc" -ne 0 ] || fail "a token that does not sign has signed"
use_module "$module"
sql "UPDATE device SET ord = NULL WHERE device = 'client-00000032'"
run "$PROVCTL" -C "$H" order close o-3 -o "$T/end.note"
expect_equal "$rc" 5 "exit of order close"
sql "UPDATE device SET ord = 'o-3' WHERE device = 'client-00000032'"
expect_error 9 order.unfinished -C "$H" order close o-3 -o "$T/end.note"

case_start "a closed order signs nothing any more"
tbs=$("$SQL" "$H/store.db" "SELECT hex(tbs) FROM intent")
expect_exit 0 "$PROVCTL" -C "$H" order close o-3 --give-up -o "$T/end.note"
grep -q '^issued 1 of 5$' "$T/end.note" || fail "issued"
verify_audit
cp -a "$H" "$T/ended"
sql "UPDATE device SET state = 0 WHERE device = 'client-00000032'" \
	"UPDATE intent SET tbs = x'$tbs'"
issue tls-client client-00000032 --order o-3 -o "$T/late.pvb"
expect_equal "$rc" 9 "exit of issue"
expect_text order.closed
[ ! -e "$T/late.pvb" ] || fail "a device after the end"
expect_error 5 "" -C "$H" audit verify
rm -rf "$H"
cp -a "$T/ended" "$H"

case_start "the note of an end is the log's, and signed by its keys"
sql "UPDATE ticket SET note = CAST(replace(CAST(note AS TEXT), 'issued 1 of',
	'issued 0 of') AS BLOB) WHERE name = 'o-3'"
expect_error 5 store.governance -C "$H" audit verify
tests_end
