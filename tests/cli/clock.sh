#!/bin/sh
# The machine's clock against the log: a wrong one denies and moves nothing,
# and a rate is counted by when devices are reserved.
. "$(dirname "$0")/../lib.sh"
day=86400

# Seconds that programs see the clock ahead by; those that run see it too.
clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}

new_authority
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS

case_start "a clock 40 days ahead denies, the second time too"
new_device symmetric-sensor S0000000001
issue symmetric-sensor S0000000001 -o "$T/1.pvb"
expect_equal "$rc" 0 "exit with a right clock"
clock_set $((40 * day))
for id in S0000000002 S0000000002 S0000000003; do
	expect_error 4 clock.step -C "$H" issue --template symmetric-sensor \
		--device "$id"
done
expect_text "too far ahead of"
expect_error 4 clock.step -C "$H" status
# An old answer is no event; what is logged anew is.
issue symmetric-sensor S0000000001 -o "$T/again.pvb"
expect_equal "$rc" 0 "exit of an old answer"
same_bytes "$T/1.pvb" "$T/again.pvb"
expect_error 4 clock.step -C "$H" export bundle --device S0000000001
sed 's|"version": 1,|"version": 2,|' "$srcdir/templates/tls-client.json" \
	>"$T/tls-client.json"
expect_error 4 clock.step -C "$H" policy adopt "$T/tls-client.json"

case_start "400 days ahead: no better"
clock_set $((400 * day))
expect_error 4 clock.step -C "$H" export chain
expect_error 4 clock.step -C "$H" issue --template symmetric-sensor \
	--device S0000000004

case_start "behind the log: denied, and no entry is older than the one before"
clock_set -$day
expect_error 4 clock.backwards -C "$H" issue --template symmetric-sensor \
	--device S0000000005
expect_error 4 clock.backwards -C "$H" export chain
run "$PROVCTL" -C "$H" status
expect_equal "$rc" 4 "exit of status"
expect_text "the clock stands before"
run "$PROVCTL" -C "$H" --json status
expect_equal "$(jq -r -s '.[0].clock' "$T/out")" false clock

case_start "the clock set right: all goes on"
clock_set 0
expect_exit 0 "$PROVCTL" -C "$H" status
verify_audit
for id in S0000000002 S0000000003 S0000000005; do
	issue symmetric-sensor "$id"
	expect_equal "$rc" 0 "exit of $id"
done
clock_set $((29 * day))
issue symmetric-sensor S0000000006
expect_equal "$rc" 0 "exit within the step"
verify_audit

tests_end
