#!/bin/sh
# Revoking under a roster: the quorum agrees to exactly the certificates that
# were chosen, once; a template may ask for more persons.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

new_authority
case_start "what is revoked is made first"
adopt_changed tls-client strict \
	-e 's|"approvals": {|"approvals": {"revoke": 2, |' \
	-e 's|"limits": {|"approvals": {"revoke": 2}, "limits": {|'
for n in 1 2 3 4; do
	new_device tls-client client-0000000$n
	issue tls-client client-0000000$n
	expect_equal "$rc" 0 "issue client-0000000$n"
done
new_device tls-client client-00000005
issue strict client-00000005
expect_equal "$rc" 0 "issue client-00000005: $(cat "$T/err")"
jq '.template = "turns" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f321" |
	. * {rotation: {same_key: true}}' "$templates/tls-client.json" \
	>"$T/turns.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/turns.json"
new_device tls-client client-00000006
issue turns client-00000006
expect_equal "$rc" 0 "issue client-00000006"
# What stops behind its intent: the token goes away before it signs.
module=$(jq -r .module "$H/provctl.json")
use_module() {
	jq --arg to "$1" '.module = $to' "$H/provctl.json" >"$T/json" &&
		cat "$T/json" >"$H/provctl.json"
	accept_module
}
use_module "$builddir/tests/fault/shim.so"
FAULT_C_Sign_RV=50
export FAULT_C_Sign_RV
for n in 7 8; do
	new_device tls-client client-0000000$n
	issue tls-client client-0000000$n
	[ "$rc" -ne 0 ] || fail "client-0000000$n has its result"
done
run "$PROVCTL" -C "$H" rotate device client-00000006
[ "$rc" -ne 0 ] || fail "client-00000006 is rotated"
unset FAULT_C_Sign_RV
use_module "$module"
seq -f '{"device":"S%010.0f"}' 1 101 >"$T/many.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template symmetric-sensor \
	--from "$T/many.jsonl" --out "$T/many"
for name in alice bob carol; do officer_key "$name"; done
make_roster "$T/roster.json" 1 '"roster": 2, "revoke": 1' \
	alice:security-officer bob:security-officer carol:auditor
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/roster.json"

with_notes() {
	for note in "$@"; do
		printf ' --approval %s' "$T/notes/$note.note"
	done
}

case_start "it takes the quorum"
printf '{"device":"client-00000001"}\n{"device":"client-00000002"}\n' \
	>"$T/two.jsonl"
expect_error 11 approval.missing -C "$H" revoke --from "$T/two.jsonl" \
	--reason keyCompromise --request "$T/ask.json"
expect_equal "$(p --json audit show | jq -r .type | grep -c cert.revoke)" 0 \
	"entries while nobody agreed"
expect_exit 0 "$PROVCTL" -C "$H" revoke --from "$T/two.jsonl" \
	--reason keyCompromise --dry-run
approve carol "$T/ask.json"
[ "$rc" -eq 0 ] && {
	# shellcheck disable=SC2046
	expect_error 4 '' -C "$H" revoke --from "$T/two.jsonl" \
		--reason keyCompromise $(with_notes carol)
}
approve alice "$T/ask.json"
expect_equal "$rc" 0 "exit of approve: $(cat "$T/err")"
run "$PROVCTL" approve "$T/ask.json" --as bob --key "$T/keys/bob.key" --yes \
	-o "$T/notes/shown.note"
expect_text "revoke keyCompromise"
expect_text "count 2"

case_start "what was agreed to is that, and nothing else"
# shellcheck disable=SC2046
expect_error 5 approval.subject -C "$H" revoke --device client-00000003 \
	--reason keyCompromise $(with_notes alice)
# shellcheck disable=SC2046
expect_error 5 approval.subject -C "$H" revoke --from "$T/two.jsonl" \
	--reason superseded $(with_notes alice)
# shellcheck disable=SC2046
expect_error 5 approval.subject -C "$H" revoke --from "$T/two.jsonl" \
	--reason keyCompromise --retire $(with_notes alice)
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" -C "$H" revoke --from "$T/two.jsonl" \
	--reason keyCompromise $(with_notes alice)
expect_text "approved by alice"
expect_equal "$(jq -r .status "$T/out" | tr '\n' ' ')" "revoked revoked " status
expect_equal "$(p --json audit show | jq -r .type |
	grep -c -e cert.revoke -e approval.use)" 3 "entries"
verify_audit

case_start "once, and again is no question"
expect_exit 0 "$PROVCTL" -C "$H" revoke --from "$T/two.jsonl" \
	--reason keyCompromise
expect_equal "$(jq -r .status "$T/out" | tr '\n' ' ')" \
	"unchanged unchanged " status
# shellcheck disable=SC2046
expect_error 4 approval.used -C "$H" revoke --device client-00000003 \
	--reason keyCompromise $(with_notes alice)

case_start "an officer who asks is none of those who agree"
by alice revoke --device client-00000003 --reason superseded \
	--request "$T/ask3.json"
expect_equal "$rc" 11 "exit of revoke by alice"
approve alice "$T/ask3.json"
[ "$rc" -ne 0 ] || {
	# shellcheck disable=SC2046
	by alice revoke --device client-00000003 --reason superseded \
		$(with_notes alice)
	expect_equal "$rc" 4 "exit with the requester's own note"
}
approve bob "$T/ask3.json"
# shellcheck disable=SC2046
by alice revoke --device client-00000003 --reason superseded $(with_notes bob)
expect_equal "$rc" 0 "exit with another's note: $(cat "$T/err")"
p --json audit show --device client-00000003 >"$T/story"
expect_equal "$(jq -r 'select(.type == "cert.revoke") | .actor' "$T/story")" \
	alice actor

case_start "a template asks for more"
expect_error 11 approval.missing -C "$H" revoke --device client-00000005 \
	--reason superseded --request "$T/ask5.json"
approve alice "$T/ask5.json"
# shellcheck disable=SC2046
expect_error 11 approval.missing -C "$H" revoke --device client-00000005 \
	--reason superseded $(with_notes alice) --request "$T/ask5.json"
approve bob "$T/ask5.json"
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000005 \
	--reason superseded $(with_notes alice bob)
verify_audit

case_start "what is open in place of it is given up with the quorum's word"
expect_error 11 approval.missing -C "$H" revoke --device client-00000006 \
	--reason keyCompromise --request "$T/ask6.json"
approve alice "$T/ask6.json"
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000006 \
	--reason keyCompromise $(with_notes alice)
expect_text "1 that were not issued yet were given up"
by alice rotate device client-00000006
expect_equal "$rc" 4 "exit of a rotation"
expect_text device.revoked
verify_audit

case_start "an approval to retire is for these devices, open ones too"
printf '{"device":"client-0000000%d"}\n' 6 7 >"$T/retire.jsonl"
expect_error 11 approval.missing -C "$H" revoke --from "$T/retire.jsonl" \
	--retire --reason cessationOfOperation --request "$T/ask7.json"
approve alice "$T/ask7.json"
run "$PROVCTL" approve "$T/ask7.json" --as alice --key "$T/keys/alice.key" \
	--yes -o "$T/shown.note"
expect_text "retires client-00000006"
expect_text "retires client-00000007"
printf '{"device":"client-0000000%d"}\n' 6 8 >"$T/other.jsonl"
# shellcheck disable=SC2046
run "$PROVCTL" -C "$H" revoke --from "$T/other.jsonl" --retire \
	--reason cessationOfOperation $(with_notes alice)
expect_equal "$rc" 5 "exit of another list"
expect_text approval.subject
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" -C "$H" revoke --from "$T/retire.jsonl" --retire \
	--reason cessationOfOperation $(with_notes alice)
verify_audit

case_start "of very many an approver sees the first and the last"
expect_error 11 approval.missing -C "$H" revoke --template symmetric-sensor \
	--reason superseded --request "$T/ask8.json"
approve alice "$T/ask8.json"
run "$PROVCTL" approve "$T/ask8.json" --as alice --key "$T/keys/alice.key" \
	--yes -o "$T/shown8.note"
expect_text "count 101"
expect_text "first $(jq -r .serial "$T/many/results.jsonl" | sort | head -n 1)"
expect_text "last $(jq -r .serial "$T/many/results.jsonl" | sort | tail -n 1)"
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" -C "$H" revoke --template symmetric-sensor \
	--reason superseded $(with_notes alice)
verify_audit

case_start "two at once: one wins, and nothing is said twice"
expect_error 11 approval.missing -C "$H" revoke --device client-00000004 \
	--reason superseded --request "$T/ask4.json"
approve alice "$T/ask4.json"
for n in 1 2; do
	# shellcheck disable=SC2046
	"$PROVCTL" -C "$H" revoke --device client-00000004 --reason superseded \
		$(with_notes alice) >"$T/race$n" 2>&1 &
	eval "race$n=\$!"
done
wait "$race1"
first=$?
wait "$race2"
second=$?
case "$first $second" in
"0 0" | "0 9" | "9 0" | "0 4" | "4 0") ;;
*) fail "exits $first and $second: $(cat "$T/race1" "$T/race2")" ;;
esac
expect_equal "$(p --json audit show --device client-00000004 |
	jq -r .type | grep -c cert.revoke)" 1 entries
verify_audit

tests_end
