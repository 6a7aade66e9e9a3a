#!/bin/sh
# Under a roster: what has its one approval for many entries, and what needs
# none since something is in its place, is told from what somebody put in: who
# opens the store, with HOME/governance and without, and an audit find all well.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

new_authority
p export key --purpose bundle >"$T/bundle.pem"
jq '.template = "same" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f301" |
	.rotation = {same_key: true}' "$templates/tls-client.json" >"$T/same.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/same.json"
for n in 1 2 3 4 5; do
	new_device tls-client client-0000000$n
	issue same client-0000000$n -o "$T/$n.pvb"
	expect_equal "$rc" 0 "issue client-0000000$n: $(cat "$T/err")"
done
for name in alice bob op; do officer_key "$name"; done
make_roster "$T/roster.json" 1 '"roster": 1' alice:security-officer \
	bob:security-officer op:operator
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/roster.json"

# well: with all that the log has since the roster, too.
well() {
	expect_exit 0 "$PROVCTL" -C "$H" status
	verify_audit
	rm -f "$H/governance"
	expect_exit 0 "$PROVCTL" -C "$H" status
	verify_audit
}

# types N: of the log's last entries, but those of lists that follow.
types() {
	p --json audit show | jq -r .type | grep -v '^crl' | tail -n "$1" |
		tr '\n' ' '
}

received() {
	run "$PROVDEV" open "$T/dev/$1" "$2" --bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "provdev open $1"
	by op attest receipt "$T/dev/$1/receipt.cose"
	expect_equal "$rc" 0 "receipt of $1: $(cat "$T/err")"
}

case_start "superseded by the receipt of a rotation"
received client-00000001 "$T/1.pvb"
by op rotate device client-00000001 -o "$T/r.pvb"
expect_equal "$rc" 0 "rotate: $(cat "$T/err")"
received client-00000001 "$T/r.pvb"
expect_equal "$(types 2)" "receipt cert.revoke " "what came of it"
p --json audit show --type cert.revoke --last 1 >"$T/entry"
expect_equal "$(jq -r '.facts.by' "$T/entry")" \
	"$(p --json export inventory | jq -r \
		'select(.device == "client-00000001" and .state == "issued") |
			.serial')" "what is in its place"
well

case_start "taken back"
by op rotate device client-00000002 -o "$T/r2.pvb"
expect_equal "$rc" 0 "rotate: $(cat "$T/err")"
by op rotate device client-00000002 --rollback --not-installed
expect_equal "$rc" 0 "rollback: $(cat "$T/err")"
expect_equal "$(types 2)" "cert.revoke device.rollback " "what came of it"
well

case_start "made anew with another key"
rm -rf "$T/dev/client-00000003"
new_device tls-client client-00000003
# shellcheck disable=SC2046  # words
by op issue --template same $(device_opts client-00000003) --replace \
	--reason rework -o "$T/r3.pvb"
expect_equal "$rc" 0 "replace: $(cat "$T/err")"
p --json audit show --type cert.revoke --last 1 >"$T/entry"
expect_equal "$(jq -r '.facts.by | length > 0' "$T/entry")" true "what follows"
well

# approved WHAT...: by alice, once she was asked.
approved() {
	rm -f "$T/ask.json"
	by op "$@" --request "$T/ask.json"
	expect_equal "$rc" 11 "exit without approvals: $(cat "$T/err")"
	approve alice "$T/ask.json"
	by op "$@" --approval "$T/notes/alice.note"
	expect_equal "$rc" 0 "exit with them: $(cat "$T/err")"
}

case_start "a device retires, of which one certificate is revoked already"
approved revoke --device client-00000001 --reason superseded --retire
expect_equal "$(types 4)" \
	"cert.revoke device.retire people.decide approval.use " entries
p --json audit show --type people.decide --last 1 >"$T/entry"
expect_equal "$(jq -r '.facts.covers' "$T/entry")" 2 "entries that it covers"
jq -j '.subject | @base64d' "$T/ask.json" >"$T/asked"
jq -j '.facts.text' "$T/entry" >"$T/text"
same_bytes "$T/asked" "$T/text"
well

case_start "one whose certificates are all revoked"
approved revoke --device client-00000004 --reason keyCompromise
approved revoke --device client-00000004 --reason superseded --retire
expect_equal "$(types 3)" "device.retire people.decide approval.use " entries
well

case_start "held, and let go of again"
approved revoke --device client-00000005 --reason certificateHold
approved revoke --device client-00000005 --reason removeFromCRL
well

case_start "keys of many devices, of a list and by name"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/prog.key" -out \
	"$T/prog.pem" -subj /CN=programmer -days 2 2>/dev/null
seq -f 'S%010g' 1 600 | sed '7s/$/\r/; 9s/$/\n/' >"$T/ids"
approved export kek --to "$T/prog.pem" --from "$T/ids" -o "$T/kek1.cms"
expect_equal "$(p --json audit show --type export |
	jq -r 'select(.facts.what == "kek") | .object' | wc -l)" 600 exports
approved export kek --to "$T/prog.pem" --device S0000000002 --device \
	S0000000001 -o "$T/kek2.cms"
expect_equal "$(types 4)" "export export people.decide approval.use " entries
well

tests_end
