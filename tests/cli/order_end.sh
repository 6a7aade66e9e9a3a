#!/bin/sh
# What an interrupted run leaves of an order, whose answers are given out under
# one, and devices that somebody made above the quantity.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

new_authority
client=$templates/tls-client.json
sensor=$templates/symmetric-sensor.json

# Before there is a roster: under one another module has to be accepted.
jq --arg to "$builddir/tests/fault/shim.so" '.module = $to' "$H/provctl.json" \
	>"$T/provctl.json" && cat "$T/provctl.json" >"$H/provctl.json"
accept_module

# leave_open ID ORDER: a durable intent, no certificate.
leave_open() {
	new_device tls-client "$1"
	FAULT_C_Sign_RV=50 # CKR_DEVICE_REMOVED
	export FAULT_C_Sign_RV
	issue tls-client "$1" --order "$2"
	unset FAULT_C_Sign_RV
	[ "$rc" -ne 0 ] || fail "a token that does not sign has signed"
}

put_back() {
	rm -rf "$H"
	cp -a "$T/kept" "$H"
}

case_start "what was begun under an order is finished under it"
open_order o-1 "$client" 3
open_order o-2 "$client" 3
leave_open client-00000001 o-1
issue tls-client client-00000001 --order o-2
expect_equal "$rc" 9 "exit under another order"
expect_text order.other
issue tls-client client-00000001
expect_equal "$rc" 9 "exit without an order"
issue tls-client client-00000001 --order o-1 -o "$T/1.pvb"
expect_equal "$rc" 0 "exit under its own"
p --json order show o-1 >"$T/show"
expect_equal "$(jq -r '[.taken, .issued, .unfinished] | join(" ")' "$T/show")" \
	"1 1 0" "what is shown"

case_start "what waits for its result keeps an order open, or is held for good"
leave_open client-00000002 o-1
expect_error 9 order.unfinished -C "$H" order close o-1 -o "$T/o-1.note"
[ ! -e "$T/o-1.note" ] || fail "a note of an open order"
expect_exit 0 "$PROVCTL" -C "$H" order close o-1 --give-up -o "$T/o-1.note"
grep -q '^issued 1 of 3$' "$T/o-1.note" || fail "issued: $(cat "$T/o-1.note")"
issue tls-client client-00000002 --order o-1
expect_equal "$rc" 4 "exit for what was held"
expect_text quarantine.held
verify_audit
expect_equal "$(audit_number open_intents)" 0 "open intents"
p --json audit show --device client-00000002 >"$T/story"
grep -q '"rule":"order.closed"' "$T/story" || fail "the log does not say why"

case_start "an edited order gives nothing"
cp -a "$H" "$T/kept"
"$builddir/tests/cli/sql" "$H/store.db" "update ticket set bytes =
	cast(replace(cast(bytes as text), '\"quantity\": 3',
	'\"quantity\": 9') as blob) where name = 'o-2'"
new_device tls-client client-00000003
issue tls-client client-00000003 --order o-2
expect_equal "$rc" 5 "exit"
expect_text store.governance
put_back

case_start "a closed order that is made open again gives nothing either"
"$builddir/tests/cli/sql" "$H/store.db" \
	"update ticket set closed_index = NULL, note = NULL where name = 'o-1'"
issue tls-client client-00000003 --order o-1
expect_equal "$rc" 5 "exit"
put_back

case_start "under a roster anybody gets answers of the order at hand only"
officer_key alice
officer_key operator
open_order o-3 "$sensor" 2
open_order o-4 "$sensor" 2
open_order o-5 "$sensor" 1
open_order o-6 "$templates/tls-client.json" 1
issue symmetric-sensor S0000000001 --order o-3 -o "$T/3.pvb"
expect_equal "$rc" 0 "exit under o-3"
make_roster "$T/r1.json" 1 '"roster": 1' alice:security-officer \
	operator:operator
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"
issue symmetric-sensor S0000000001 --order o-3 -o "$T/3b.pvb"
expect_equal "$rc" 0 "exit under its own"
issue symmetric-sensor S0000000001 --order o-4 -o "$T/3c.pvb"
expect_equal "$rc" 4 "exit under another"
expect_text actor.role
by operator order close o-3 --request "$T/end.json"
expect_equal "$rc" 11 "exit of an end before the quantity is taken"
run "$PROVCTL" -q approve "$T/end.json" --as alice --key "$T/keys/alice.key" \
	--yes -o "$T/notes/alice.note"
expect_text "order close"
expect_text "name o-3"
by operator order close o-4 --approval "$T/notes/alice.note"
expect_equal "$rc" 5 "exit with the approval of another end"
by operator order close o-3 --give-up --approval "$T/notes/alice.note" \
	-o "$T/o-3.note"
expect_equal "$rc" 0 "exit of order close, which has nothing to give up"
issue symmetric-sensor S0000000001 --order o-3 -o "$T/3c.pvb"
expect_equal "$rc" 4 "exit under a closed one"
by operator issue --template symmetric-sensor --order o-3 --device S0000000001 \
	-o "$T/3c.pvb"
expect_equal "$rc" 0 "exit as an operator"
same_bytes "$T/3.pvb" "$T/3c.pvb"
verify_audit

case_start "what is finished one may end, what is given up people decide"
by operator issue --template symmetric-sensor --order o-5 \
	--device S0000000051 -o "$T/5.pvb"
expect_equal "$rc" 0 "exit under o-5"
leave_open client-00000061 o-6
by operator order close o-5 -o "$T/o-5.note"
expect_equal "$rc" 0 "exit of the end of a finished order"
by operator order close o-6
expect_equal "$rc" 9 "exit while one waits for its result"
by operator order close o-6 --give-up --request "$T/end6.json"
expect_equal "$rc" 11 "exit of giving up"
verify_audit
expect_equal "$(audit_number open_intents)" 1 "open intents"
approve alice "$T/end6.json"
by operator order close o-6 --give-up --approval "$T/notes/alice.note" \
	-o "$T/o-6.note"
expect_equal "$rc" 0 "exit of giving up with approvals"
verify_audit
expect_equal "$(audit_number open_intents)" 0 "open intents"
p --json audit show --type order.close >"$T/story"
expect_equal "$(jq -r '.object + ":" + (.facts.persons // "-")' "$T/story" |
	tail -n 3 | tr '\n' ' ')" "o-3:alice o-5:- o-6:alice " "who ended what"
by operator order close o-6 -o "$T/o-6.again"
expect_equal "$rc" 0 "exit of what is over"
same_bytes "$T/o-6.note" "$T/o-6.again"
verify_audit

case_start "devices above the quantity: the audit says so, and which"
count_is() {
	"$builddir/tests/cli/sql" "$H/store.db" \
		"update ord set devices = $1 where name = 'o-4'" || fail sql
}
issue symmetric-sensor S0000000041 --order o-4
issue symmetric-sensor S0000000042 --order o-4
issue symmetric-sensor S0000000043 --order o-4
expect_equal "$rc" 4 "exit of the third of two"
count_is 1
echo '{"device": "S0000000043"}' >"$T/in.jsonl"
run "$PROVCTL" -C "$H" issue --template symmetric-sensor --order o-4 --from \
	"$T/in.jsonl"
expect_equal "$rc" 5 "exit of a batch with an edited count"
expect_text "counts other devices"
expect_exit 5 "$PROVCTL" -C "$H" order show o-4
by operator order close o-4
expect_equal "$rc" 5 "exit of order close with an edited count"
issue symmetric-sensor S0000000043 --order o-4
expect_equal "$rc" 0 "exit of one device with an edited count"
count_is 3
expect_error 5 audit.order -C "$H" audit verify
expect_text "more devices than it allows"
run "$PROVCTL" -C "$H" --json audit reconcile --no-out
expect_equal "$rc" 5 "exit of reconcile"
grep '"extra"' "$T/out" | grep -q '"S0000000043"' || fail "not the third"
grep '"extra"' "$T/out" | grep -q 'order o-4' || fail "not the order"
expect_equal "$(jq -c 'select(.kind)' "$T/out" | wc -l)" 1 findings
expect_error 5 reconcile.found -C "$H" audit reconcile --no-out
run "$PROVCTL" -C "$H" audit reconcile --no-out
grep -q '^extra .*S0000000043 .*order o-4: more devices than it allows' \
	"$T/out" || fail "$(cat "$T/out")"
tests_end
