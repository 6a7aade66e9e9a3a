#!/bin/sh
# Every denial is in the log, with the hash of the request's bytes: those of
# reader, signer and writer, and what refuses a whole run.
. "$(dirname "$0")/../lib.sh"

# The entries of the log, in hexadecimal digits.
entries() {
	"$builddir/tests/cli/sql" "$H/store.db" \
		'SELECT hex(entries) FROM log' | tr -d '\n' |
		tr 'A-F' 'a-f'
}

denials() {
	entries | grep -o "$(printf request.deny | od -An -tx1 | tr -d ' \n')" |
		wc -l
}

# expect_logged CODE RULE LINE: the line is denied and its bytes are logged.
expect_logged() {
	before=$(denials)
	printf '%s\n' "$3" >"$T/in.jsonl"
	expect_exit "$1" "$PROVCTL" -C "$H" issue --template symmetric-sensor \
		--from "$T/in.jsonl"
	expect_equal "$(json_field error.rule "$T/out")" "$2" rule
	expect_equal "$(($(denials) - before))" 1 "denials logged"
	sum=$(printf '%s' "$3" | sha256sum | cut -d ' ' -f 1)
	entries | grep -q "$sum" || fail "no hash of these bytes: $3"
}

new_authority
issue symmetric-sensor S0000000001
expect_equal "$rc" 0 exit

case_start "what the reader, a signer and the writer refuse"
expect_logged 3 json.syntax 'not json'
expect_logged 4 device.id '{"device":"other"}'
expect_logged 9 request.conflict \
	'{"device":"S0000000002","request":"S0000000001"}'
verify_audit

case_start "one device from the command line"
before=$(denials)
expect_exit 4 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--device other
expect_equal "$(($(denials) - before))" 1 "denials logged"
sum=$(printf 'device=other\n' | sha256sum | cut -d ' ' -f 1)
entries | grep -q "$sum" || fail "no hash of the options"

case_start "what refuses the whole run"
before=$(denials)
expect_exit 4 "$PROVCTL" -C "$H" issue --template matter-pai --device x-1
expect_equal "$(($(denials) - before))" 1 "denials logged"
expect_exit 4 "$PROVCTL" -C "$H" issue --template matter-pai --from "$T/in.jsonl"
expect_equal "$(($(denials) - before))" 2 "denials logged"
verify_audit

# SoftHSM writes its token's file at each login.
case_start "a run that is refused never logs in"
logins() {
	stat -c %y "$H"/softhsm/tokens/*/token.object
}
before=$(logins)
expect_exit 4 "$PROVCTL" -C "$H" issue --template matter-pai --device x-1
expect_exit 10 "$PROVCTL" -C "$H" issue --template none --device x-1
expect_equal "$(logins)" "$before" "the token's file"
issue symmetric-sensor S0000000009
expect_equal "$rc" 0 exit
[ "$(logins)" != "$before" ] || fail "no login is seen where there is one"

tests_end
