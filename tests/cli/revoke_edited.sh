#!/bin/sh
# A database in which somebody has edited what is revoked: what does not agree
# with the log is not given out and not decided on (5), and audit verify finds
# it, whichever rows went with it (reliability.md, case 34).
. "$(dirname "$0")/../lib.sh"
SQL=$builddir/tests/cli/sql

sql() {
	"$SQL" "$H/store.db" "pragma foreign_keys=off" "$@" 2>"$T/err" ||
		fail "sql: $(cat "$T/err")"
}

copies=0
fresh() {
	[ "$copies" -eq 0 ] || rm -rf "$H"
	copies=$((copies + 1))
	H=$base
	copy_authority "$T/copy$copies"
}

new_authority
case_start "what the edits are made to"
for n in 1 2 3 4; do
	new_device tls-client client-0000000$n
	issue tls-client client-0000000$n
	expect_equal "$rc" 0 "issue client-0000000$n"
done
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000001 \
	--reason keyCompromise
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000002 \
	--reason certificateHold
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000003 \
	--reason superseded --retire
verify_audit
base=$H
of() {
	echo "(select number from device where device = 'client-0000000$1')"
}

# is_found DEVICE SQL...: nothing is said or given of it, and audit finds it.
is_found() {
	found_of=$1
	shift
	fresh
	sql "$@"
	issue tls-client "client-0000000$found_of"
	expect_equal "$rc" 5 "exit of issue, $*"
	expect_error 5 '' -C "$H" export bundle \
		--device "client-0000000$found_of"
	expect_error 5 '' -C "$H" revoke --device "client-0000000$found_of" \
		--reason superseded
	expect_error 5 '' -C "$H" audit verify
}

case_start "a state that was set by hand"
for state in 0 2 4; do
	is_found 1 "update device set state=$state where number=$(of 1)"
done
for state in 2 3 4; do
	is_found 4 "update device set state=$state where number=$(of 4)"
done
is_found 3 "update device set state=0 where number=$(of 3)"
is_found 3 "update device set state=3 where number=$(of 3)"
is_found 2 "update device set state=0 where number=$(of 2)"
is_found 2 "update device set state=3 where number=$(of 2)"

case_start "a state that was set by hand, with the row that says so"
is_found 4 "update device set state=3 where number=$(of 4)" \
	"insert into revocation select ca, shard, $(of 4), log_index, reason,
	revoked_ms, invalidity_s, not_after_s, serial from revocation where
	number=$(of 1)"
is_found 2 "update device set state=3 where number=$(of 2)" \
	"update revocation set reason=1 where number=$(of 2)"
is_found 1 "update revocation set log_index = log_index - 1
	where number=$(of 1)"
is_found 4 "update device set state=4 where number=$(of 4)" \
	"insert into retired select $(of 4), log_index, null from retired"

case_start "one that was made good with all its rows: audit verify finds it, \
the next list of its shard, and who asks for its answer or its bundle"
for n in 1 2; do
	fresh
	sql "update device set state=0 where number=$(of $n)" \
		"delete from revocation where number=$(of $n)"
	expect_error 5 audit.state -C "$H" audit verify
	issue tls-client client-0000000$n
	expect_equal "$rc" 5 "exit of issue"
	expect_text "what is revoked does not agree with the log"
	expect_error 5 store.edited -C "$H" export bundle \
		--device client-0000000$n
	issue tls-client client-00000004
	expect_equal "$rc" 0 "exit of issue for another ($(cat "$T/err"))"
	expect_exit 0 "$PROVCTL" -C "$H" export bundle \
		--device client-00000004 -o "$T/4.pvb"
	rm "$T/4.pvb"
	expect_error 5 '' -C "$H" rotate crl --all
done
fresh
sql "delete from crl where issue_index > (select log_index from revocation
		where number=$(of 1))" \
	"update device set state=0 where number=$(of 1)" \
	"delete from revocation where number=$(of 1)"
issue tls-client client-00000001
expect_equal "$rc" 5 "exit of issue, with no list any more"
fresh
sql "update device set state=3 where number=$(of 3)" "delete from retired"
expect_error 5 '' -C "$H" audit verify

case_start "date, reason and list that were edited"
for column in "revoked_ms=revoked_ms-1" "invalidity_s=1" "reason=4" "shard=shard+1" \
	"serial=zeroblob(16)" "not_after_s=1" "ca=ca-1"; do
	fresh
	sql "update revocation set $column where number=$(of 1)"
	expect_error 5 '' -C "$H" audit verify
	expect_error 5 '' -C "$H" revoke --device client-00000001 \
		--reason superseded
done

tests_end
