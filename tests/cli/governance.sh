#!/bin/sh
# What people decided counts as the log says it: a row of a roster, an approval,
# an order, a stored secret or a decision that somebody took out, put in or
# edited is found by whatever command opens the store (5, store.governance), and
# named by audit verify (policy.md, "Trusting the store").
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
SQL=$builddir/tests/cli/sql
PEOPLE=$builddir/tests/cli/people

people() {
	"$PEOPLE" "$H" "$@" 2>"$T/err" || fail "people $*: $(cat "$T/err")"
}

sql() {
	"$SQL" "$H/store.db" "pragma foreign_keys=off" "$@" 2>"$T/err" ||
		fail "sql $*: $(cat "$T/err")"
}

# sign: an event, so that the checkpoint covers all that there is.
sign() {
	p export inventory >"$T/inventory" 2>"$T/err" ||
		fail "export: $(cat "$T/err")"
}

# fresh BASE: H becomes a new copy of what was prepared.
copies=0
fresh() {
	[ "$copies" -eq 0 ] || rm -rf "$H"
	copies=$((copies + 1))
	H=$1
	copy_authority "$T/copy$copies"
}

# finds OBJECT SQL...: the edited store is refused, and the object is named.
finds() {
	finds_object=$1
	shift
	for finds_base in "$covered" "$uncovered"; do
		fresh "$finds_base"
		sql "$@"
		expect_error 5 store.governance -C "$H" status
		json_holds "$error_line" "\"object\":\"$finds_object\""
		expect_error 5 store.governance -C "$H" issue \
			--template symmetric-sensor --device S0100000001
		expect_error 5 store.governance -C "$H" audit verify
	done
}

# said LINE HOME: what that line of HOME/governance says.
said() {
	sed -n "s/^$1 //p" "$2/governance"
}

new_authority
covered=$H
# newest: the newest decision of the store's list.
newest() {
	"$SQL" "$H/store.db" "SELECT max(log_index) FROM governance"
}

case_start "HOME/governance is written with the checkpoint"
expect_equal "$(said head "$H") $(said size "$H")" \
	"$(newest) $(sed -n 2p "$H/checkpoint")" "a new authority's"
before=$T/governance.before
cp "$H/governance" "$before"
officer_key alice
officer_key bob
for version in 1 2; do
	make_roster "$T/roster.$version" "$version" '"roster": 1' \
		alice:security-officer bob:security-officer
done
by_bob=by:$T/keys/bob.key
people order:o-2:tls-client
expect_exit 0 "$PROVCTL" -C "$H" order close o-2 -o "$T/o-2.note"
people "$by_bob" "roster:1:$T/roster.1" order:o-1:tls-client clock
people "$by_bob" secret:fleet:1:sealed-1 secret:fleet:2:sealed-2 destroy:fleet:1 \
	held:r-1:D-1 held:r-2:D-2 held:r-3:D-3 \
	release:1:r-1 reject:2:r-2 "roster:2:$T/roster.2"
n=$(newest)
copy_authority "$T/uncovered"
uncovered=$H
H=$covered
sign
expect_equal "$(said head "$H")" "$n" head
expect_equal "$(said size "$H")" \
	"$(sed -n 2p "$H/checkpoint")" size
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" status
expect_error 6 log.uncovered -C "$uncovered" status
expect_exit 0 "$PROVCTL" -C "$uncovered" audit verify

case_start "an adoption under a roster is one of the decisions"
copy_authority "$T/adopted"
jq '.version = 7' "$templates/tls-client.json" >"$templates/next.json"
expect_exit 11 "$PROVCTL" -C "$H" policy adopt "$templates/next.json" \
	--request "$T/adopt.json"
approve alice "$T/adopt.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$templates/next.json" \
	--approval "$T/notes/alice.note"
expect_equal "$("$SQL" "$H/store.db" \
	"SELECT kind FROM governance ORDER BY log_index DESC LIMIT 2" |
	tr '\n' ' ')" "approval.use template.adopt " "newest decisions"
verify_audit
H=$covered

case_start "a roster's row"
finds "roster.change roster" "DELETE FROM roster WHERE version = 2"
finds "roster.change roster" "DELETE FROM roster WHERE version = 1"
finds "roster.change roster" "UPDATE roster SET bytes = x'00' WHERE version = 2"
finds "roster.change roster" "UPDATE roster SET bytes =
	(SELECT bytes FROM roster WHERE version = 1) WHERE version = 2"
finds "table roster" "INSERT INTO roster VALUES (3, 3, x'00')"

case_start "an approval's row"
finds "approval.use order" "DELETE FROM approval"
finds "approval.use order" "UPDATE approval SET note = x'00'"
finds "approval.use order" \
	"UPDATE approval SET nonce = x'00000000000000000000000000000000'
	WHERE log_index = (SELECT min(log_index) FROM approval)"
finds "table approval" "INSERT INTO approval
	SELECT x'09', log_index, note FROM approval LIMIT 1"

case_start "an order's rows"
finds "order.open o-1" "DELETE FROM ticket WHERE name = 'o-1'"
finds "order.open o-1" "UPDATE ticket SET bytes = x'00' WHERE name = 'o-1'"
finds "order.open o-1" "UPDATE ticket SET template = template - 1
	WHERE name = 'o-1'"
finds "order.close o-2" "UPDATE ticket SET closed_index = NULL, note = NULL
	WHERE name = 'o-2'"
finds "order.close o-2" "UPDATE ticket SET note = x'00' WHERE name = 'o-2'"
finds "table order" "UPDATE ticket SET closed_index = 1, note = x'00'
	WHERE name = 'o-1'"

case_start "a stored secret's rows"
finds "secret.rotate fleet" "DELETE FROM secret WHERE version = 2"
finds "secret.rotate fleet" "UPDATE secret SET sealed = x'00'
	WHERE version = 2"
finds "secret.destroy fleet" "UPDATE secret SET destroyed_index = NULL,
	sealed = CAST('sealed-1' AS BLOB) WHERE version = 1"
finds "secret.add fleet" "UPDATE secret SET destroyed_index = NULL,
	sealed = x'00' WHERE version = 1"
finds "table secret" "UPDATE secret SET destroyed_index = 5, sealed = NULL
	WHERE version = 2"

case_start "what was held and decided"
finds "quarantine.release r-1" "DELETE FROM held WHERE id = 1"
finds "quarantine.reject r-2" "UPDATE held SET state = 1 WHERE id = 2"
finds "quarantine.release r-1" "UPDATE held SET device = 'D-3' WHERE id = 1"
finds "quarantine.release r-1" "UPDATE held SET rule = 'limits.hours'
	WHERE id = 1"
finds "table held" "UPDATE held SET state = 1, decided_index = 5 WHERE id = 3"
finds "table held" "UPDATE held SET state = 1 WHERE id = 3"
finds "table held" "UPDATE state SET held = 0"
finds "table held" "UPDATE state SET held = 2"
finds "table held" "DELETE FROM held WHERE id = 3"

case_start "the list itself: its newest row, one in it, one too many"
finds "log entry $n" \
	"DELETE FROM governance WHERE log_index = $n"
finds "log entry $n" "DELETE FROM governance WHERE log_index = $n" \
	"DELETE FROM approval WHERE log_index = $n" \
	"UPDATE state SET governance = $n"
first=$("$SQL" "$covered/store.db" "SELECT min(log_index) FROM governance
	WHERE kind = 'roster.change'")
finds "log entry $((first + 1))" \
	"DELETE FROM governance WHERE log_index = $((first + 1))" \
	"DELETE FROM ticket WHERE name = 'o-1'"
finds "roster.change roster" "INSERT INTO governance VALUES
	(1, 'roster.change', 'roster')"
finds "table state" "UPDATE state SET governance = governance - 1"

case_start "a template's row: gone, put in, of another time or actor"
adopted="template.adopt aws-iot"
finds "$adopted" "DELETE FROM template WHERE name = 'aws-iot'"
finds "$adopted" "UPDATE template SET bytes = CAST(bytes || x'20' AS BLOB)
	WHERE name = 'aws-iot'"
finds "$adopted" "UPDATE template SET version = 7 WHERE name = 'aws-iot'"
finds "$adopted" "UPDATE template SET adopted_ms = adopted_ms + 1
	WHERE name = 'aws-iot'"
finds "$adopted" "UPDATE template SET adopt_index = 1 WHERE name = 'aws-iot'"
finds "$adopted" "UPDATE template SET escrow = x'3000' WHERE name = 'aws-iot'"
finds "table template" "INSERT INTO template SELECT 99, 'other', 1, x'00',
	adopted_ms, actor, bytes, adopt_index, NULL, NULL FROM template
	WHERE name = 'aws-iot'"

case_start "all of it, as if nobody had ever decided"
undecided="DELETE FROM governance WHERE kind <> 'template.adopt'"
back="UPDATE state SET governance = (SELECT max(log_index) + 1 FROM governance),
	held = 0"
for everything in "$covered" "$uncovered"; do
	fresh "$everything"
	sql "$undecided" "DELETE FROM roster" \
		"DELETE FROM approval" "DELETE FROM ticket" \
		"DELETE FROM secret" "DELETE FROM held" "$back"
	expect_error 5 store.governance -C "$H" status
	rm "$H/governance"
	expect_error 5 store.governance -C "$H" status
done

case_start "a held request that is gone or edited is found by audit verify"
for edit in "DELETE FROM held WHERE id = 3" \
	"UPDATE held SET bytes = x'00' WHERE id = 3" \
	"UPDATE held SET source = 'line-2' WHERE id = 3" \
	"UPDATE held SET device = 'D-9' WHERE id = 3"; do
	fresh "$covered"
	sql "$edit" "UPDATE state SET held =
		(SELECT count(*) FROM held WHERE state = 0)"
	expect_error 5 "" -C "$H" audit verify
done

case_start "HOME/governance: edited, of elsewhere, writable by others"
fresh "$covered"
sed 's/^head .*/head 3/' "$covered/governance" >"$H/governance"
expect_error 5 store.governance -C "$H" status
fresh "$covered"
echo "nonsense" >"$H/governance"
expect_error 5 store.governance -C "$H" status
expect_text "or remove it"
fresh "$covered"
sed '/^$/,$d' "$covered/governance" >"$H/governance"
expect_error 5 store.governance -C "$H" status
fresh "$covered"
chmod 666 "$H/governance"
expect_exit 4 "$PROVCTL" -C "$H" status

case_start "an older one finds what was decided since, and cannot be raised"
fresh "$covered"
cp "$before" "$H/governance"
expect_exit 0 "$PROVCTL" -C "$H" status
sql "$undecided" "DELETE FROM roster" "DELETE FROM approval" \
	"DELETE FROM ticket" "DELETE FROM secret" "DELETE FROM held" "$back"
expect_error 5 store.governance -C "$H" status
sed "s/^size .*/size $(said size "$covered")/" "$before" >"$H/governance"
expect_error 5 store.governance -C "$H" status

case_start "without it the whole log is read, and the file comes back"
fresh "$covered"
rm "$H/governance"
expect_exit 0 "$PROVCTL" -C "$H" status
sign
expect_equal "$(said head "$H") $(said chain "$H")" \
	"$(said head "$covered") $(said chain "$covered")" "chain"
fresh "$covered"
rm "$H/governance"
sql "DELETE FROM governance WHERE log_index = $n" \
	"DELETE FROM approval WHERE log_index = $n" \
	"UPDATE state SET governance = $n"
expect_error 5 store.governance -C "$H" status

tests_end
