#!/bin/sh
# Ten days of clock, hour by hour, with a timer that runs twice a day and then
# stands still: numbers rise strictly, status warns a day before any nextUpdate,
# a list that ended is never given out, and a clock that goes back makes none.
. "$(dirname "$0")/../lib.sh"
hour=3600
day=86400

clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}

# A plan with two CAs and few shards: lists of 48 hours, due a day before.
jq '.crl = {shards: 2, lifetime_hours: 48, overlap_hours: 24}' \
	"$srcdir/templates/issuing-ca.json" >"$templates/issuing-ca.json"
new_authority
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS

case_start "hour by hour: numbers only rise, and no list is near its end"
last=0
made=0
i=0
while [ "$i" -le 240 ]; do
	clock_set $((i * hour))
	if [ $((i % 12)) -eq 0 ]; then
		p --json rotate crl >"$T/out" 2>"$T/err" ||
			fail "hour $i: $(cat "$T/err")"
		made=$((made + $(jq .lists "$T/out")))
	fi
	if [ $((i % 8)) -eq 0 ]; then
		p export crl --ca issuing-1 --shard 1 >"$T/crl.pem" ||
			fail "hour $i: no list"
		n=$((0x$(openssl crl -in "$T/crl.pem" -noout -crlnumber |
			sed 's/.*0x//')))
		[ "$n" -ge "$last" ] || fail "hour $i: number $n after $last"
		last=$n
	fi
	i=$((i + 4))
done
[ "$last" -ge 4 ] || fail "only $last lists in ten days"
echo "# $made lists in 240 hours, issuing-1/1 is at number $last"

case_start "no timer any more: 4 a day before the end, 5 after it"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
next=$(p --json status | jq -r '.crls[] | select(.ca == "issuing-1") |
	.next_update | fromdate')
at=$((next - $(LD_PRELOAD='' date +%s) - 25 * hour))
clock_set "$at"
expect_exit 0 "$PROVCTL" -C "$H" status
clock_set $((at + 2 * hour))
expect_error 4 status.crl -C "$H" status
expect_equal "$(jq -s -c '.[0].crls[] | select(.ca == "issuing-1") |
	[.ending, .expired]' "$T/out")" '[true,false]' alarm
expect_exit 0 "$PROVCTL" -C "$H" export crl --ca issuing-1 --shard 0
clock_set $((at + 26 * hour))
expect_error 5 crl.expired -C "$H" status
expect_error 5 crl.expired -C "$H" export crl --ca issuing-1 --shard 0

case_start "run again: all is well, and the number is the next one"
before=$(p --json status | jq '.crls[] | select(.ca == "issuing-1").number')
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_exit 0 "$PROVCTL" -C "$H" status
expect_equal "$(p --json status | jq '.crls[] |
	select(.ca == "issuing-1").number')" $((before + 1)) number

case_start "a clock that went back makes no list"
clock_set $((at - 3 * day))
expect_error 4 clock.backwards -C "$H" rotate crl --all
clock_set $((at + 27 * hour))
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
verify_audit

tests_end
