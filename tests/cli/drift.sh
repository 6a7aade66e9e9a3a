#!/bin/sh
# Which devices were sealed under an older version of their template.
. "$(dirname "$0")/../lib.sh"

SQL=$builddir/tests/cli/sql

newer() { # VERSION
	sed -e "s|\"version\": 1,|\"version\": $1,|" \
		"$srcdir/templates/symmetric-sensor.json" >"$T/v$1.json"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/v$1.json"
}

device() { # ID
	new_device symmetric-sensor "$1"
	issue symmetric-sensor "$1"
	expect_equal "$rc" 0 "exit of $1"
}

# counted: "version devices" of each version, and the devices behind.
drift() {
	expect_exit 0 "$PROVCTL" -C "$H" --json policy drift "$@"
	jq -r 'select(.devices != null) | select(.template ==
		"symmetric-sensor") | "\(.version)/\(.in_effect): \(.devices)"' \
		"$T/out" >"$T/counts"
	jq -r 'select(.device != null) |
		"\(.device) \(.version)/\(.in_effect)"' "$T/out" >"$T/behind"
}

new_authority

case_start "none yet, and none behind"
drift symmetric-sensor
expect_equal "$(cat "$T/counts")" "1/1: 0" counts
device S0000000001
device S0000000002
drift
expect_equal "$(cat "$T/counts")" "1/1: 2" counts
expect_equal "$(cat "$T/behind")" "" behind
expect_exit 0 "$PROVCTL" -C "$H" policy drift
expect_text "symmetric-sensor version 1: 2 devices"
expect_text "0 devices are behind"

case_start "a newer version: what was sealed before is behind"
newer 2
device S0000000003
drift symmetric-sensor
expect_equal "$(cat "$T/counts")" "1/2: 2
2/2: 1" counts
expect_equal "$(cat "$T/behind")" "S0000000001 1/2
S0000000002 1/2" behind
expect_exit 0 "$PROVCTL" -C "$H" policy drift
expect_text "S0000000002"
expect_text "symmetric-sensor version 1: 2 devices, behind"
expect_text "2 devices are behind"
expect_exit 0 "$PROVCTL" -C "$H" -q policy drift
! grep -q S000 "$T/out" || fail "a list with -q"

case_start "a third version, and another template that is not asked for"
newer 3
new_device tls-client client-00000001
issue tls-client client-00000001
drift symmetric-sensor
expect_equal "$(cat "$T/counts")" "1/3: 2
2/3: 1
3/3: 0" counts
expect_equal "$(wc -l <"$T/behind")" 3 behind
drift tls-client
expect_equal "$(cat "$T/behind")" "" "behind of tls-client"
drift
expect_equal "$(wc -l <"$T/behind")" 3 "behind of all"

case_start "names that are none"
expect_error 10 store.template -C "$H" policy drift nothing
expect_error 2 usage.argument -C "$H" policy drift a b

case_start "revoked ones do not count"
expect_exit 0 "$PROVCTL" -C "$H" -q revoke --device S0000000001 \
	--reason superseded
drift symmetric-sensor
expect_equal "$(head -n 1 "$T/counts")" "1/3: 1" counts

case_start "a rotation that awaits its receipt, and one that is taken back"
expect_exit 0 "$PROVCTL" -C "$H" rotate device S0000000003 -o "$T/r.pvb"
drift symmetric-sensor
expect_equal "$(cat "$T/counts")" "1/3: 1
2/3: 0
3/3: 1" counts
expect_equal "$(cat "$T/behind")" "S0000000002 1/3" behind
expect_exit 0 "$PROVCTL" -C "$H" rotate device S0000000003 \
	--rollback --not-installed
drift symmetric-sensor
expect_equal "$(cat "$T/counts")" "1/3: 1
2/3: 1
3/3: 0" counts
expect_equal "$(cat "$T/behind")" "S0000000002 1/3
S0000000003 2/3" behind

case_start "a row moved to the newer version is found"
"$SQL" "$H/store.db" "update bundle set template = (select id from template
	where name = 'symmetric-sensor' and version = 3)
	where number = (select number from device where device = 'S0000000002')" ||
	fail "not moved"
expect_error 5 store.edited -C "$H" policy drift
expect_text S0000000002

tests_end
