#!/bin/sh
# What people decided is under a checkpoint before a command says that it is in
# force: else an older database, put back, takes it back unseen.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

officers="alice:security-officer bob:security-officer carol:security-officer"

covered() { # entries under HOME/checkpoint
	sed -n 2p "$H/checkpoint"
}

entries() {
	p status | sed -n 's/^log  *\([0-9]*\) entries.*/\1/p'
}

case_start "the checkpoint of init covers the roster that it sets"
for name in alice bob carol; do
	officer_key "$name"
done
make_roster "$T/r1.json" 1 '"roster": 2' $officers
expect_exit 0 "$PROVCTL" init "$H" --softhsm --name acme \
	--templates "$templates" --roster "$T/r1.json"
expect_equal "$(covered)" "$(entries)" "entries under the checkpoint"
grep -q '^head [0-9]' "$H/governance" || fail "no decision is signed"

case_start "no PIN at hand: recorded, not in force (6), and status fails"
make_roster "$T/r2.json" 2 '"roster": 2' $officers
mv "$H/softhsm/pin" "$T/pin"
mkdir "$T/old"
cp -a "$H"/store.db* "$H/sealed.dat" "$T/old"
run "$PROVCTL" -C "$H" officer roster "$T/r2.json" --request "$T/q.json"
expect_equal "$rc" 11 "exit without approvals"
approve alice "$T/q.json"
approve bob "$T/q.json"
set -- --approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
before=$(covered)
run "$PROVCTL" -C "$H" officer roster "$T/r2.json" "$@"
expect_equal "$rc" 6 "exit without a PIN"
expect_text "rule: log.uncovered"
expect_text "the decision is recorded, but no checkpoint covers it"
! grep -q "in force" "$T/out" || fail "it is said to be in force"
expect_equal "$(covered)" "$before" "entries under the checkpoint"
mv "$T/pin" "$H/softhsm/pin"
expect_error 6 log.uncovered -C "$H" status
expect_exit 6 "$PROVCTL" -C "$H" --json status
expect_equal "$(head -n 1 "$T/out" | jq -c '[.uncovered, .roster.version]')" \
	'[2,2]' "decisions that nothing covers"
run "$PROVCTL" -C "$H" status
expect_text "decisions  2 that no checkpoint covers yet"

case_start "the same command where the PIN is at hand: in force"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r2.json"
expect_text "is in force already"
expect_equal "$(covered)" "$(entries)" "entries under the checkpoint"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_equal "$(p --json status | jq .uncovered)" 0 uncovered

case_start "the older database put back is found"
rm -f "$H"/store.db* "$H/sealed.dat"
cp -a "$T"/old/* "$H"
expect_error 5 store.older -C "$H" status
expect_error 5 store.older -C "$H" officer roster "$T/r2.json"

tests_end
