#!/bin/sh
# SIGKILL at seeded moments of `rotate due': reader, signer, writer and parent
# in turn. After each, log and store agree and each device has exactly one
# current credential, and one that is valid; run again, it ends clean, with one
# new credential a device.
#
# KILLS  how many moments (4; make check-kill-rotate takes 100)
# SEED   of the moments (1); DEVICES that are due (60; there 500)
. "$(dirname "$0")/../lib.sh"
kills=${KILLS:-4}
devices=${DEVICES:-60}
seed=${SEED:-1}
export RUN_S=120

# A number from 0 to $1 - 1, the same for the same SEED and $2.
chosen() {
	printf '%d' "$((0x$(printf '%s %s' "$seed" "$2" | sha256sum |
		cut -c 1-12) % $1))"
}
clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}
rows() {
	"$builddir/tests/cli/sql" "$H/store.db" "$1"
}
due() {
	"$PROVCTL" -C "$H" -q rotate due --jobs 2 >"$T/out" 2>"$T/err" \
		</dev/null
}

# Exactly one current credential a device; it, or the one that it is to take
# the place of, is issued.
one_each() {
	expect_equal "$(rows 'SELECT count(*) FROM device WHERE first IS NULL')" \
		"$devices" devices
	expect_equal "$(rows 'SELECT count(*) FROM device f JOIN device c ON
		c.number = coalesce(f.current, f.number) LEFT JOIN device p ON
		p.number = c.replaces WHERE f.first IS NULL AND
		(c.number IN (SELECT number FROM cert) OR
		 p.number IN (SELECT number FROM cert))')" "$devices" \
		"devices with a valid credential"
	verify_audit
}
# The exit status of status is another matter: lists may be behind.
usable() {
	p --json status >"$T/status" 2>/dev/null
	jq -e -s '.[0].tokens[0].usable' "$T/status" >/dev/null
}
# SoftHSM writes its object files without care for kills.
token_whole() {
	usable && return
	rm -rf "$H/softhsm/tokens"
	cp -a "$T/tokens" "$H/softhsm/tokens"
	usable || fail "no token: $(cat "$T/status")"
}

new_authority
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
jq '.template = "thing" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f311" |
	. * {rotation: {renew_before_days: 7},
	certificate: {validity: {days: 10}}}' "$templates/aws-iot.json" \
	>"$T/thing.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/thing.json"
seq -f '%012g' 1 "$devices" |
	jq -R -c '{device: ("thing-" + .), fields: {lot: "LOT1"}}' >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" -q issue --template thing --jobs 2 --from \
	"$T/in.jsonl" --out "$T/issued"
clock_set $((4 * 86400))
cp -a "$H" "$T/aged"
cp -a "$H/softhsm/tokens" "$T/tokens"

start=$(date +%s%N)
due || fail "a run without a kill: $(cat "$T/err")"
whole_ms=$((($(date +%s%N) - start) / 1000000))
expect_equal "$(rows 'SELECT count(*) FROM device')" $((2 * devices)) \
	"credentials without a kill"
rm -rf "$H"
cp -a "$T/aged" "$H"
echo "# $devices devices take $whole_ms ms here; seed $seed"

case_start "$kills kills of rotate due over $devices devices"
number=0
round=0
between=0
lives=0
while [ "$number" -lt "$kills" ] && [ "$round" -lt $((kills * 24)) ]; do
	round=$((round + 1))
	case $((round % 4)) in
	0) victim=writer ;;
	1) victim=signer ;;
	2) victim=provctl ;;
	3) victim=reader ;;
	esac
	# The devices come first, then the lists.
	delay=$((10 + $(chosen $((whole_ms / (1 + round % 3 * 5))) "$round")))
	[ "$victim" != reader ] || delay=$((1 + $(chosen 40 "$round")))
	due &
	shell=$!
	echo "$shell" >>"$T/pids"
	# The verb runs in a child that a process watches, the crew below it.
	parent=
	tries=0
	while [ -z "$parent" ] && [ "$tries" -lt 200 ]; do
		parent=$(child_of "$(child_of "$shell" provctl)" provctl)
		tries=$((tries + 1))
	done
	sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
	pid=$parent
	[ "$victim" = provctl ] || pid=$(child_of "$parent" "$victim")
	killed=no
	if [ -n "$pid" ] && kill -9 "$pid" 2>/dev/null; then
		killed=yes
	fi
	wait "$shell" 2>/dev/null
	rc=$?
	tries=0
	while [ -n "$parent" ] && [ "$tries" -lt 100 ] &&
		[ -n "$(child_of "$parent" writer)$(child_of 1 writer)" ]; do
		sleep 0.02
		tries=$((tries + 1))
	done
	token_whole
	if [ "$killed" = yes ] && [ "$rc" -ne 0 ]; then
		number=$((number + 1))
		one_each
		open=$(audit_number open_intents)
		[ "$open" -eq 0 ] || between=$((between + 1))
		echo "# kill $number: $victim after $delay ms, exit $rc," \
			"$open open intents," \
			"$(rows 'SELECT count(*) FROM device') credentials"
	fi
	# All are done, or as good as: it ends clean, and a new life starts.
	if [ "$(rows 'SELECT count(*) FROM cert')" -ge \
		$((2 * devices - devices / 3)) ]; then
		due || fail "run again: $(cat "$T/err")"
		expect_equal "$(rows 'SELECT count(*) FROM cert')" \
			$((2 * devices)) "certificates of a life"
		one_each
		lives=$((lives + 1))
		rm -rf "$H"
		cp -a "$T/aged" "$H"
	fi
done
expect_equal "$number" "$kills" kills
echo "# $lives lives, $between kills between intent and result"

case_start "run again: one new credential a device, and nothing open"
due || fail "run again: $(cat "$T/err")"
one_each
expect_equal "$(audit_number open_intents)" 0 "open intents"
expect_equal "$(rows 'SELECT count(*) FROM cert')" $((2 * devices)) certificates
expect_equal "$(rows 'SELECT count(*) FROM device')" $((2 * devices)) \
	credentials
due || fail "and again: $(cat "$T/err")"
expect_equal "$(rows 'SELECT count(*) FROM device')" $((2 * devices)) \
	"credentials after one more run"
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
tests_end
