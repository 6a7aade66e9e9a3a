#!/bin/sh
# An order that one person ends: only one that is over at the time of the entry,
# as the log counts it, and never with devices that are given up.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
export CLOCK_FILE LD_PRELOAD

new_authority
client=$templates/tls-client.json
jq --arg to "$builddir/tests/fault/shim.so" '.module = $to' "$H/provctl.json" \
	>"$T/provctl.json" && cat "$T/provctl.json" >"$H/provctl.json"
accept_module
for name in alice bob carol; do
	officer_key "$name"
done
until=$(TZ=UTC date -d "+1 hour" +%Y-%m-%dT%H:%M:%SZ)
open_order o-1 "$client" 2 "{until: \"$until\"}"
open_order o-2 "$client" 2
open_order o-3 "$client" 2
make_roster "$T/r1.json" 1 '"roster": 2, "order": 2' alice:security-officer \
	bob:security-officer carol:operator
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"

# issue_by_carol ID ORDER
issue_by_carol() {
	new_device tls-client "$1"
	# shellcheck disable=SC2046  # no option holds a space
	by carol issue --template tls-client --order "$2" $(device_opts "$1")
}

given_up() {
	p --json audit show --type quarantine.put |
		grep -c '"rule":"order.closed"'
}

case_start "a clock that goes back while the note is signed: it is not over"
issue_by_carol client-00000001 o-1
expect_equal "$rc" 0 "exit of issue"
by carol order close o-1
expect_equal "$rc" 11 "exit before its time"
clock_set 3605
FAULT_C_Sign_WAIT=$T/go
export FAULT_C_Sign_WAIT
(
	until [ -e "$T/go.here" ]; do
		sleep 0.02
	done
	clock_set 3500
	: >"$T/go"
) &
by carol order close o-1 -o "$T/o-1.note"
unset FAULT_C_Sign_WAIT
wait
expect_equal "$rc" 9 "exit of order close"
expect_text "the clock went back"
[ ! -e "$T/o-1.note" ] || fail "a note of an open order"
expect_exit 0 "$PROVCTL" -C "$H" status
verify_audit
clock_set 3605
by carol order close o-1 -o "$T/o-1.note"
expect_equal "$rc" 0 "exit when it is over"
expect_exit 0 "$PROVCTL" -C "$H" status
verify_audit

case_start "nothing is given up before those who agree to it are used"
issue_by_carol client-00000021 o-2
expect_equal "$rc" 0 "exit of issue"
FAULT_C_Sign_RV=50 # CKR_DEVICE_REMOVED
export FAULT_C_Sign_RV
issue_by_carol client-00000022 o-2
unset FAULT_C_Sign_RV
[ "$rc" -ne 0 ] || fail "a token that does not sign has signed"
by carol order close o-2 --give-up --request "$T/give.json"
expect_equal "$rc" 11 "exit of giving up"
approve alice "$T/give.json"
approve bob "$T/give.json"
FAULT_C_Sign_RV=50
export FAULT_C_Sign_RV
by carol order close o-2 --give-up --approval "$T/notes/alice.note" \
	--approval "$T/notes/bob.note"
unset FAULT_C_Sign_RV
expect_equal "$rc" 6 "exit without the token"
expect_equal "$(given_up)" 0 "devices held"
by carol order close o-2
expect_equal "$rc" 9 "exit of an end that gives nothing up"
by carol order close o-2 --give-up --approval "$T/notes/alice.note" \
	--approval "$T/notes/bob.note" -o "$T/o-2.note"
expect_equal "$rc" 0 "exit with the same approvals"
expect_equal "$(given_up)" 1 "devices held"
p --json audit show --type order.close >"$T/story"
expect_equal "$(jq -r '.object + " " + (.facts.persons // "-") + " " +
	(.facts.given_up // 0 | tostring)' "$T/story" | tail -n 1)" \
	"o-2 alice,bob 1" "who ended what"
expect_exit 0 "$PROVCTL" -C "$H" status
verify_audit

case_start "an end that counts what the row says, and not the log: 5"
"$builddir/tests/cli/sql" "$H/store.db" \
	"update ord set devices = 2 where name = 'o-3'" || fail sql
"$builddir/tests/cli/people" "$H" ended:o-3:note 2>"$T/err" ||
	fail "people: $(cat "$T/err")"
expect_error 5 store.governance -C "$H" status
expect_text "not finished"
expect_exit 5 "$PROVCTL" -C "$H" audit verify

tests_end
