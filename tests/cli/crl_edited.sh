#!/bin/sh
# Somebody who can write the home, without a PIN, takes rows of revocations and
# lists back as they were: the log's entries since the last list say otherwise,
# and nothing is signed (5), with no number used twice.
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

ca="(select id from ca where name = 'issuing-1')"
list_rows="kind = 0 and ca = $ca"
of() {
	echo "(select number from device where device = 'client-0000000$1')"
}
# number_of FILE
number_of() {
	openssl crl -inform DER -in "$1" -noout -crlnumber
}

# nothing_signed RULE: rotate crl refuses and makes no list of issuing-1.
nothing_signed() {
	cp "$H/publish/crl/issuing-1/0.crl" "$T/before.crl"
	for _ in 1 2; do
		expect_error 5 "$1" -C "$H" rotate crl --all
		same_bytes "$T/before.crl" "$H/publish/crl/issuing-1/0.crl"
	done
	expect_error 5 '' -C "$H" audit verify
}

jq '.crl = {shards: 1}' "$srcdir/templates/issuing-ca.json" \
	>"$templates/issuing-ca.json"
new_authority
case_start "what the edits are made to: a list, then one more revocation"
for n in 1 2 3; do
	new_device tls-client client-0000000$n
	issue tls-client client-0000000$n
	expect_equal "$rc" 0 "issue client-0000000$n"
done
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
cp "$H/publish/crl/issuing-1/0.crl" "$T/old.crl"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000001 \
	--reason keyCompromise
expect_equal "$(number_of "$H/publish/crl/issuing-1/0.crl")" crlNumber=0x02 \
	"number of the second list"
verify_audit
base=$H

case_start "the list before put back with its rows: its number is not signed twice"
fresh
hex=$(od -An -v -tx1 "$T/old.crl" | tr -d ' \n')
sql "delete from crl where $list_rows and number = 2" \
	"update crl set der = x'$hex' where $list_rows and number = 1" \
	"delete from revocation where number = $(of 1)" \
	"update device set state = 0 where number = $(of 1)"
cp "$T/old.crl" "$H/publish/crl/issuing-1/0.crl"
nothing_signed crl.rollback

case_start "the same, with the list that it was a number that was given up"
fresh
sql "update crl set der = null where $list_rows and number = 2" \
	"update crl set der = x'$hex' where $list_rows and number = 1" \
	"delete from revocation where number = $(of 1)" \
	"update device set state = 0 where number = $(of 1)"
cp "$T/old.crl" "$H/publish/crl/issuing-1/0.crl"
nothing_signed crl.rollback

case_start "all lists gone: the first one is none"
fresh
sql "delete from crl where ca = $ca"
nothing_signed crl.rollback

case_start "where the log goes on from: the intent of that list, or nothing"
for index in 0 intent_index-1 intent_index+1 issue_index; do
	fresh
	sql "update crl set intent_index = $index
		where $list_rows and number = 2"
	nothing_signed store.edited
done

case_start "held again after a release: the row's absence is no release"
fresh
for reason in certificateHold removeFromCRL certificateHold; do
	expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000002 \
		--reason $reason
done
sql "delete from revocation where number = $(of 2)" \
	"update device set state = 0 where number = $(of 2)" \
	"update crl set intent_index = 0 where $list_rows and der is not null"
nothing_signed store.edited

# Recorded while the token is away: on no list yet.
away() {
	mv "$H/softhsm/pin" "$T/pin"
	expect_exit "10" "$PROVCTL" -C "$H" revoke \
		--device client-00000002 --reason "$1"
	mv "$T/pin" "$H/softhsm/pin"
}

case_start "revoked, on no list yet, and gone: the next list is not made"
fresh
away keyCompromise
for what in inventory "chain --device client-00000002" \
	"escrow --all --out $T/before"; do
	# shellcheck disable=SC2086 # words
	expect_exit 0 "$PROVCTL" -C "$H" export $what
done
sql "delete from revocation where number = $(of 2)" \
	"update device set state = 0 where number = $(of 2)"
nothing_signed store.edited
for what in inventory "chain --device client-00000002" \
	"escrow --all --out $T/after"; do
	# shellcheck disable=SC2086 # words
	expect_error 5 store.edited -C "$H" export $what
done
expect_exit 0 "$PROVCTL" -C "$H" export inventory --device client-00000003

case_start "a reason or entry that is not the last"
fresh
away certificateHold
away superseded
sql "update revocation set reason = 6, log_index = log_index - 1
	where number = $(of 2)"
nothing_signed store.edited

case_start "released in between, held and revoked: the rows as they are"
fresh
away certificateHold
away removeFromCRL
away certificateHold
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
away superseded
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
expect_equal "$(number_of "$H/publish/crl/issuing-1/0.crl")" crlNumber=0x04 \
	"number of the list"
verify_audit

tests_end
