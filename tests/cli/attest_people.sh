#!/bin/sh
# Under a roster people approve which attestation key is whose: one approval for
# all keys of a run, and no key beside those that were approved. Nobody enrols
# alone, whatever role they have.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/attest.sh"
. "$srcdir/tests/people.sh"

new_authority
staged staged 1 '{"formats": ["psa"]}'
for n in 1 2 3; do
	staged_device staged client-0000000$n
	new_key key$n
done
for name in alice bob op; do officer_key "$name"; done
make_roster "$T/roster.json" 1 '"roster": 2, "attest_enrol": 1, "adopt": 1' \
	alice:security-officer bob:security-officer op:operator,technician
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/roster.json"

# asked NAME WHAT...: by NAME, who has to wait; the request is $T/ask.json.
asked() {
	rm -f "$T/ask.json"
	asked_by=$1
	shift
	by "$asked_by" attest enrol "$@" --request "$T/ask.json"
	expect_equal "$rc" 11 "exit without approvals: $(cat "$T/err")"
}
one() {
	printf '%s\n' --device "client-0000000$1" --format psa --key \
		"$T/key$2.pub"
}
# types N: of the log's last entries.
types() {
	p --json audit show | jq -r .type | tail -n "$1" | tr '\n' ' '
}
sha_of() {
	openssl pkey -pubin -in "$T/key$1.pub" -outform DER | sha256sum |
		cut -d ' ' -f 1
}

case_start "one key: asked for, shown, approved, enrolled"
# shellcheck disable=SC2046  # words
asked op $(one 1 1)
expect_error 4 evidence.unknown -C "$H" --as op --key "$T/keys/op.key" \
	attest challenge --device client-00000001
jq -j '.subject | @base64d' "$T/ask.json" |
	sed 's/ instance 01[0-9a-f]\{64\}$//' >"$T/asked"
printf 'attest enrol\ncount 1\nkey client-00000001 psa sha256:%s\n' \
	"$(sha_of 1)" >"$T/text"
same_bytes "$T/asked" "$T/text"
approve bob "$T/ask.json"
expect_equal "$rc" 0 "approve: $(cat "$T/err")"
# shellcheck disable=SC2046
by op attest enrol $(one 1 1) --approval "$T/notes/bob.note"
expect_equal "$rc" 0 "enrol: $(cat "$T/err")"
expect_text '"status":"enrolled"'
expect_equal "$(types 3)" "attest.enrol people.decide approval.use " entries
# shellcheck disable=SC2046
by op attest enrol $(one 1 1)
expect_equal "$rc" 0 "what is enrolled needs nobody: $(cat "$T/err")"
expect_text '"status":"existing"'
verify_audit

case_start "an approval is for that key of that device, once"
# shellcheck disable=SC2046
asked op $(one 2 2)
approve bob "$T/ask.json"
cp "$T/notes/bob.note" "$T/good.note"
# shellcheck disable=SC2046
by op attest enrol $(one 2 3) --approval "$T/good.note"
expect_equal "$rc" 5 "another key: $(cat "$T/err")"
# shellcheck disable=SC2046
by op attest enrol $(one 3 2) --approval "$T/good.note"
expect_equal "$rc" 5 "another device: $(cat "$T/err")"
# shellcheck disable=SC2046
by alice attest enrol $(one 2 2) --approval "$T/good.note"
expect_equal "$rc" 5 "somebody else asks: $(cat "$T/err")"
# shellcheck disable=SC2046
by op attest enrol $(one 2 2) --approval "$T/good.note"
expect_equal "$rc" 0 "enrol: $(cat "$T/err")"

case_start "who asks does not approve"
# shellcheck disable=SC2046
asked bob $(one 3 3)
approve bob "$T/ask.json"
expect_equal "$rc" 4 "approve: $(cat "$T/err")"
expect_equal "$(entries attest.enrol)" 2 "enrolled"

case_start "many: one approval for those that are new"
line() {
	jq -c -n --arg device "$1" --rawfile key "$T/key$2.pub" \
		'{device: $device, format: "psa", key: $key}'
}
for n in 4 5; do
	new_device tls-client client-0000000$n
	# shellcheck disable=SC2046
	by op issue --template staged $(device_opts client-0000000$n) \
		-o "$T/$n.pvb"
	expect_equal "$rc" 0 "issue: $(cat "$T/err")"
	new_key key$n
done
{
	line client-00000001 1
	line client-00000004 4
	line client-00000002 5
	line client-00000005 5
	line client-00000003 5
} >"$T/keys.jsonl"
asked op --from "$T/keys.jsonl"
expect_equal "$(jq -r '"\(.device) \(.error.rule)"' "$T/out" | tr '\n' ' ')" \
	"client-00000002 evidence.enrolled client-00000003 evidence.owner " \
	"who is refused"
jq -j '.subject | @base64d' "$T/ask.json" >"$T/asked"
expect_equal "$(grep -c '^key ' "$T/asked")" 2 "keys that are asked for"
approve alice "$T/ask.json"
by op attest enrol --from "$T/keys.jsonl" --approval "$T/notes/alice.note"
expect_equal "$rc" 4 "exit: $(cat "$T/err")"
expect_equal "$(jq -r .status "$T/out" | tr '\n' ' ')" \
	"existing enrolled refused enrolled refused "
expect_equal "$(types 4)" \
	"attest.enrol attest.enrol people.decide approval.use " entries
p --json audit show --type people.decide --last 1 >"$T/entry"
expect_equal "$(jq -r .facts.covers "$T/entry")" 2 "entries that it covers"
verify_audit

case_start "the template asks for more"
jq -c '.version = 2 | .approvals = {attest_enrol: 2}' "$T/staged.json" \
	>"$T/two.json"
rm -f "$T/ask.json"
by op policy adopt "$T/two.json" --request "$T/ask.json"
approve bob "$T/ask.json"
by op policy adopt "$T/two.json" --approval "$T/notes/bob.note"
expect_equal "$rc" 0 "adopt: $(cat "$T/err")"
# shellcheck disable=SC2046
asked op $(one 3 3)
approve bob "$T/ask.json"
# shellcheck disable=SC2046
by op attest enrol $(one 3 3) --approval "$T/notes/bob.note"
expect_equal "$rc" 11 "with one of two: $(cat "$T/err")"
approve alice "$T/ask.json"
# shellcheck disable=SC2046
by op attest enrol $(one 3 3) --approval "$T/notes/bob.note" \
	--approval "$T/notes/alice.note"
expect_equal "$rc" 0 "with both: $(cat "$T/err")"

# well: with all that the log has since the roster, too.
expect_exit 0 "$PROVCTL" -C "$H" status
verify_audit
rm -f "$H/governance"
expect_exit 0 "$PROVCTL" -C "$H" status
verify_audit
tests_end
