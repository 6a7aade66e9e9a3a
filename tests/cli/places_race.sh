#!/bin/sh
# Two templates that are adopted at once: each has a place left for the URL of
# its lists, and together they have not.
. "$(dirname "$0")/../lib.sh"

new_authority
jq --arg to "$builddir/tests/fault/shim.so" '.module = $to' "$H/provctl.json" \
	>"$T/conf" && cat "$T/conf" >"$H/provctl.json"
accept_module

moving() { # VERSION
	jq --argjson v "$1" '.version = $v | .template = "moving" |
		.class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f322" |
		.certificate.extensions.crlDistributionPoints =
			["http://crl\($v).example/${shard}.crl"]' \
		"$srcdir/templates/tls-client.json" >"$T/moving$1.json"
}

case_start "the last place of a list is given once"
for v in $(seq 2 15); do # tls-client's own place, and 14 more
	moving "$v"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/moving$v.json"
done
moving 16
moving 17
(
	FAULT_C_Sign_WAIT=$T/go
	export FAULT_C_Sign_WAIT
	"$PROVCTL" -C "$H" --json policy adopt "$T/moving16.json" \
		>"$T/first" 2>&1 </dev/null
	echo $? >"$T/first.rc"
) &
until [ -e "$T/go.here" ] || [ -e "$T/first.rc" ]; do
	sleep 0.02
done
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/moving17.json"
: >"$T/go"
wait
expect_equal "$(cat "$T/first.rc")" 3 "exit of the first ($(cat "$T/first"))"
grep -q '"rule":"template.places"' "$T/first" || fail "$(cat "$T/first")"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
verify_audit

tests_end
