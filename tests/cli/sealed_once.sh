#!/bin/sh
# Two runs that finish the same intent: the one that comes second gives out the
# first one's answer, and leaves no sealed bytes that no row names.
. "$(dirname "$0")/../lib.sh"

new_authority
jq --arg to "$builddir/tests/fault/shim.so" '.module = $to' "$H/provctl.json" \
	>"$T/conf" && cat "$T/conf" >"$H/provctl.json"
accept_module

sql() {
	"$builddir/tests/cli/sql" "$H/store.db" "$1"
}

case_start "the second of two answers is the first, and its own is nowhere"
new_device tls-client client-00000001
(
	FAULT_C_Sign_WAIT=$T/go
	export FAULT_C_Sign_WAIT
	# shellcheck disable=SC2046  # no option holds a space
	"$PROVCTL" -C "$H" issue --template tls-client \
		$(device_opts client-00000001) -o "$T/first.pvb" \
		>"$T/first" 2>&1 </dev/null
	echo $? >"$T/first.rc"
) &
until [ -e "$T/go.here" ] || [ -e "$T/first.rc" ]; do
	sleep 0.02
done
issue tls-client client-00000001 -o "$T/second.pvb"
expect_equal "$rc" 0 "exit of the second ($(cat "$T/err"))"
: >"$T/go"
wait
expect_equal "$(cat "$T/first.rc")" 0 "exit of the first ($(cat "$T/first"))"
same_bytes "$T/first.pvb" "$T/second.pvb"
expect_equal "$(sql "select sealed_len + (select
	coalesce(sum(length(bytes)), 0) from sealed) from state")" \
	"$(sql "select sum(len) + sum(coalesce(escrow_len, 0)) from bundle")" \
	"sealed bytes, and those that rows name"
verify_audit

tests_end
