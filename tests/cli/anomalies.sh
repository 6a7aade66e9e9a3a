#!/bin/sh
# audit anomalies: what many entries of the log show together, by the thresholds
# of the templates (limits.anomalies), and a simulated month of a factory.
. "$(dirname "$0")/../lib.sh"

# finds WATCH OBJECT COUNT: the last audit names it once.
finds() {
	expect_equal "$(jq -r --arg w "$1" --arg o "$2" \
		'select(.anomaly == $w and .object == $o) | .count' "$T/out")" \
		"$3" "$1 of $2"
}

# anomalies NUMBER [OPTION]...: that many.
anomalies() {
	anomalies_n=$1
	shift
	expect_exit 0 "$PROVCTL" -C "$H" --json audit anomalies "$@"
	expect_equal "$(jq -r '.anomalies // empty' "$T/out")" "$anomalies_n" \
		anomalies
}

case_start "a month of a factory: all that is planted, and nothing else"
for devices in 400 1200; do
	mkdir "$T/month$devices"
	run "$builddir/tests/cli/month" "$T/month$devices" "$devices" 7
	expect_equal "$rc" 0 exit
	expect_text "found 10 of 10, 0 false alarms, 0 missed"
	echo "# $devices devices: $(cat "$T/out" "$T/err" | grep "false alarms")"
done

new_authority
limits='"without_order": true, "stations": ["line-*"], "anomalies":'
adopt_changed symmetric-sensor watched -e "s|\"without_order\": true|$limits \
	{\"unknown_station\": 3, \"retries\": 4, \"rate_per_hour\": 5}|"
adopt_changed symmetric-sensor unwatched -e "s|\"without_order\": true|$limits \
	{\"unknown_station\": 0}|"
at() {
	run "$PROVCTL" -C "$H" issue --template "$1" --station "$2" --device "$3"
}

case_start "a new authority has none"
anomalies 0

case_start "one below its threshold, and what is not watched"
at watched shed S0000000001
at watched shed S0000000002
for n in 1 2 3 4 5; do
	at unwatched shed S000000000$n
	at watched line-1 S000000001$n
	expect_equal "$rc" 0 exit
done
anomalies 0

case_start "at it, and above it"
at watched shed S0000000001
at watched line-1 S0000000016
anomalies 2
finds unknown_station watched 3
finds rate_per_hour watched 6
at watched shed S0000000001
at watched shed S0000000001
anomalies 3
finds retries S0000000001 4
expect_exit 0 "$PROVCTL" -C "$H" audit anomalies
expect_text "retries watched S0000000001: 4, threshold 4, log entries"
expect_text "3 anomalies in"

# lacks WATCH OBJECT: the last audit does not name it.
lacks() {
	expect_equal "$(jq -r --arg w "$1" --arg o "$2" \
		'select(.anomaly == $w and .object == $o) | .count' "$T/out")" \
		"" "$1 of $2"
}
audit() {
	expect_exit 0 "$PROVCTL" -C "$H" --json audit anomalies
}

# csr DEVICE KEY: $T/DEVICE.csr, signed with $T/KEY.key.
csr() {
	[ -f "$T/$2.key" ] || openssl genpkey -quiet -algorithm EC \
		-pkeyopt ec_paramgen_curve:P-256 -out "$T/$2.key" 2>"$T/err" ||
		fail "genpkey: $(cat "$T/err")"
	openssl req -new -key "$T/$2.key" -subj "/CN=$1" -out "$T/$1.csr" \
		2>"$T/err" || fail "req: $(cat "$T/err")"
	run "$PROVCTL" -C "$H" issue --template keyed --device "$1" \
		--csr "$T/$1.csr"
}

case_start "two keys for one device, one key for two"
watches='"two_keys_one_device": 2, "one_key_two_devices": 2'
adopt_changed tls-client keyed -e 's|"sealing-key"|"certified-key"|' \
	-e "s|\"without_order\": true|&, \"anomalies\": {$watches}|"
csr client-00000001 one
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
csr client-00000001 two
expect_equal "$(json_field error.rule "$T/out")" device.key_changed rule
csr client-00000002 one
expect_equal "$(json_field error.rule "$T/out")" key.reused rule
audit
lacks two_keys_one_device client-00000001
lacks one_key_two_devices client-00000002
csr client-00000001 three
csr client-00000002 one
audit
finds two_keys_one_device client-00000001 2
finds one_key_two_devices client-00000002 2

case_start "outside of the hours"
hours="$(date -u -d '+6 hours' +%H:00)-$(date -u -d '+8 hours' +%H:00)"
adopt_changed symmetric-sensor nightly -e "s|\"without_order\": true|&, \
	\"hours_utc\": \"$hours\", \"anomalies\": {\"outside_hours\": 2}|"
at nightly line-1 S0000000021
expect_equal "$(json_field error.rule "$T/out")" limits.hours rule
audit
lacks outside_hours nightly
at nightly line-1 S0000000022
audit
finds outside_hours nightly 2

case_start "an order that is nearly used up, and one that is not yet"
adopt_changed symmetric-sensor counted -e "s|\"without_order\": true| \
	\"anomalies\": {\"quantity_nearly_used_percent\": 80}|"
open_order q-1 "$T/counted.json" 5
open_order q-2 "$T/counted.json" 5
for n in 1 2 3 4; do
	issue counted S000000003$n --order q-1
	expect_equal "$rc" 0 "exit of q-1"
	[ "$n" -eq 4 ] && continue
	issue counted S000000004$n --order q-2
	expect_equal "$rc" 0 "exit of q-2"
done
audit
finds quantity_nearly_used_percent q-1 80
lacks quantity_nearly_used_percent q-2

case_start "a clock that steps ahead of what is usual"
printf '%-32d' 0 >"$T/offset"
# later SECONDS: a device at that time.
later() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
	CLOCK_FILE=$T/offset
	LD_PRELOAD=$builddir/tests/cli/clock.so
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
	export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
	issue ticking "$2"
	unset CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
	expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
	expect_exit 0 env CLOCK_FILE="$T/offset" \
		LD_PRELOAD="$builddir/tests/cli/clock.so" \
		ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" \
		"$PROVCTL" -C "$H" --json audit anomalies
}
adopt_changed symmetric-sensor ticking -e "s|\"without_order\": true|&, \
	\"anomalies\": {\"clock_step_s\": 3600}|"
later 10 S0000000051
later 3000 S0000000052
lacks clock_step_s ticking
later 7000 S0000000053
# It has what passed between the two as well.
step=$(jq -r 'select(.anomaly == "clock_step_s") | .count' "$T/out")
{ [ "$step" -ge 4000 ] && [ "$step" -lt 4600 ]; } || fail "a step of $step s"

case_start "from a time on"
# What is open is open at any time.
anomalies 1 --since 2200-01-01T00:00:00Z
finds quantity_nearly_used_percent q-1 80
expect_error 2 usage.value -C "$H" audit anomalies --since yesterday

case_start "a threshold is a number"
sed 's|"without_order": true|"without_order": true, "anomalies": {"retries": -1}|' \
	"$srcdir/templates/symmetric-sensor.json" >"$T/bad.json"
expect_error 3 "" policy lint "$T/bad.json"
sed 's|"without_order": true|"without_order": true, "anomalies": {"tries": 1}|' \
	"$srcdir/templates/symmetric-sensor.json" >"$T/bad.json"
expect_error 3 template.unknown_key policy lint "$T/bad.json"
tests_end
