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

case_start "from a time on"
anomalies 0 --since 2200-01-01T00:00:00Z
expect_error 2 usage.value -C "$H" audit anomalies --since yesterday

case_start "a threshold is a number"
sed 's|"without_order": true|"without_order": true, "anomalies": {"retries": -1}|' \
	"$srcdir/templates/symmetric-sensor.json" >"$T/bad.json"
expect_error 3 "" policy lint "$T/bad.json"
sed 's|"without_order": true|"without_order": true, "anomalies": {"tries": 1}|' \
	"$srcdir/templates/symmetric-sensor.json" >"$T/bad.json"
expect_error 3 template.unknown_key policy lint "$T/bad.json"
tests_end
