#!/bin/sh
# provctl.json cannot loosen what people guard: whoever writes it, and has
# neither token nor approvals, finds no weaker authority.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

new_authority
cp "$H/provctl.json" "$T/true"

# configure FILTER: the true configuration, changed.
configure() {
	jq "$1" "$T/true" >"$T/conf" || fail "jq: $1"
	cat "$T/conf" >"$H/provctl.json"
}

restore() {
	cat "$T/true" >"$H/provctl.json"
}

case_start "no key of the log, another's name, a purpose too much: 5"
for change in 'del(.keys.log)' 'del(.keys)' \
	'.keys.log.label = "acme/bundle/1"' '.keys.log = .keys.bundle' \
	'.keys["log-ecdsa"] = .keys.bundle' '.keys.logs = .keys.log | del(.keys.log)'; do
	configure "$change"
	expect_error 5 config.keys -C "$H" status
	expect_error 5 config.keys -C "$H" export chain
	run "$PROVCTL" -C "$H" audit verify
	expect_equal "$rc" 5 "exit of audit with $change"
	expect_text config.keys
	run "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		--device S0000000001 -o "$T/x"
	expect_equal "$rc" 5 "exit of issue with $change"
	expect_text "rule: config.keys"
done
restore
expect_exit 0 "$PROVCTL" -C "$H" audit verify

tests_end
