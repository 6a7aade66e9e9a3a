#!/bin/sh
# A clock that is far ahead and right: people accept it once, and nothing else
# lets it through.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
day=86400

clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}

# until DAYS: the time that far from the machine's own.
until_day() {
	env -u LD_PRELOAD date -u -d "+$1 days" +%Y-%m-%dT%H:%M:%SZ
}

accept() { # DAYS [OPTION]...
	days=$1
	shift
	run "$PROVCTL" -C "$H" clock accept --until "$(until_day "$days")" "$@"
}

entries() { # TYPE
	p audit show --type "$1" --json 2>/dev/null | wc -l
}

new_authority
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS

case_start "a clock within bounds: nothing is done"
size=$(p --json status | jq .log_size)
accept 100
expect_equal "$rc" 0 "exit within bounds"
expect_text "nothing to accept"
expect_equal "$(p --json status | jq .log_size)" "$size" "size of the log"

case_start "options that are none"
expect_error 2 usage.option -C "$H" clock accept
expect_error 2 usage.option -C "$H" clock accept --until tomorrow
expect_error 2 usage.argument -C "$H" clock refuse --until 2030-01-01T00:00:00Z

case_start "40 days ahead, no roster: accepted up to the time that was named"
clock_set $((40 * day))
expect_error 4 clock.step -C "$H" export chain
expect_text "provctl clock accept"
accept 39
expect_equal "$rc" 4 "exit for a time that has passed"
expect_text "rule: clock.until"
expect_error 4 clock.step -C "$H" export chain
accept 41
expect_equal "$rc" 0 "exit of accept"
expect_text "the clock is accepted: from "
expect_exit 0 "$PROVCTL" -C "$H" export chain
issue symmetric-sensor S0000000001
expect_equal "$rc" 0 "exit of issue"
verify_audit

case_start "once: the next step is denied again, and so is a step back"
clock_set $((80 * day))
expect_error 4 clock.step -C "$H" export chain
clock_set 0
expect_error 4 clock.backwards -C "$H" export chain
accept 1
expect_equal "$rc" 4 "exit of accept behind the log"
expect_text "rule: clock.backwards"

case_start "under a roster it waits for a quorum"
clock_set $((41 * day))
for name in alice bob carol; do
	officer_key "$name"
done
make_roster "$T/r1.json" 1 '"roster": 2, "clock_accept": 2' \
	alice:security-officer bob:security-officer carol:operator
expect_exit 0 "$PROVCTL" -C "$H" rotate crl # those of init have ended
expect_equal "$(p --json status | jq -c '[.roster, .open_orders, .held]')" \
	'[null,0,0]' "status without a roster"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"
expect_exit 0 "$PROVCTL" -C "$H" --json status
expect_equal "$(jq -c '[.roster.version, .roster.officers,
	.roster.quorum.clock_accept, .roster.quorum.adopt]' "$T/out")" \
	'[1,3,2,2]' roster
expect_exit 0 "$PROVCTL" -C "$H" status
expect_text "version 1, 3 officers; approvals: roster 2, adopt 2"
clock_set $((90 * day))
accept 91 --request "$T/clock.json"
expect_equal "$rc" 11 "exit without approvals"
expect_error 4 clock.step -C "$H" export chain
approve alice "$T/clock.json"
expect_equal "$rc" 0 "exit of approve"
expect_exit 0 "$PROVCTL" approve "$T/clock.json" --as bob --key \
	"$T/keys/bob.key" --yes -o "$T/notes/bob.note"
expect_text "clock accept"
expect_text "newest_entry "
expect_text "until "
until=$(jq -r .subject "$T/clock.json" | base64 -d | sed -n 's/^until //p')
later=$(until_day 99)

case_start "one is too few, a later time was not approved"
run "$PROVCTL" -C "$H" clock accept --until "$until" --approval \
	"$T/notes/alice.note"
expect_equal "$rc" 11 "exit with one"
run "$PROVCTL" -C "$H" clock accept --until "$later" --approval \
	"$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_equal "$rc" 5 "exit with another time"
expect_text "rule: approval.subject"
expect_error 4 clock.step -C "$H" export chain

case_start "two: accepted, and logged with who approved"
expect_exit 0 "$PROVCTL" -C "$H" --json clock accept --until "$until" \
	--approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_equal "$(jq -c '[.accepted, .persons]' "$T/out")" '[true,"alice,bob"]' \
	accepted
expect_exit 0 "$PROVCTL" -C "$H" export chain
verify_audit

case_start "the approvals are used up"
clock_set $((130 * day))
run "$PROVCTL" -C "$H" clock accept --until "$(until_day 131)" --approval \
	"$T/notes/alice.note" --approval "$T/notes/bob.note"
[ "$rc" -eq 4 ] || [ "$rc" -eq 5 ] || fail "exit $rc with used approvals"
expect_error 4 clock.step -C "$H" export chain

case_start "another step meanwhile: what was approved is worth nothing"
accept 131 --request "$T/clock2.json"
expect_equal "$rc" 11 "exit without approvals"
for name in alice bob; do
	approve "$name" "$T/clock2.json"
done
until=$(jq -r .subject "$T/clock2.json" | base64 -d | sed -n 's/^until //p')
clock_set $((100 * day))
expect_exit 0 "$PROVCTL" -C "$H" export chain
clock_set $((131 * day - 60))
run "$PROVCTL" -C "$H" clock accept --until "$until" --approval \
	"$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_equal "$rc" 5 "exit with what was approved before"
expect_text "rule: approval.subject"
clock_set $((101 * day))
verify_audit

tests_end
