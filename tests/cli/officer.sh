#!/bin/sh
# The roster: set, changed by the quorum it replaces, read back, held against
# the log.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

new_authority
for name in alice bob carol dave; do
	officer_key "$name"
done
three="alice:security-officer bob:security-officer carol:security-officer"
# shellcheck disable=SC2086  # words
make_roster "$T/r1.json" 1 '"roster": 2, "adopt": 1' $three dave:operator
# shellcheck disable=SC2086
make_roster "$T/r2.json" 2 '"roster": 1' $three
entries() {
	p --json audit verify | jq .entries
}

case_start "without a roster nobody is an officer"
expect_error 10 roster.none -C "$H" officer review
expect_error 10 roster.none -C "$H" officer show
expect_error 4 actor.unknown -C "$H" --as alice --key "$T/keys/alice.key" \
	export chain
expect_error 2 usage.argument -C "$H" officer review "$T/r1.json"
expect_error 2 usage.option -C "$H" --as alice export chain

case_start "the first roster needs nobody, and has version 1"
expect_error 9 store.roster -C "$H" officer roster "$T/r2.json"
sed 's|"roster": 2|"roster": 9|' "$T/r1.json" >"$T/nine.json"
expect_error 3 roster.quorum -C "$H" officer roster "$T/nine.json"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"
expect_text "roster version 1 is in force: 4 officers"
before=$(entries)
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"
expect_text "is in force already"
expect_equal "$(entries)" "$before" entries
expect_exit 0 "$PROVCTL" -C "$H" officer show
same_bytes "$T/out" "$T/r1.json"
verify_audit

case_start "a later one waits for its quorum, and says for whom"
before=$(entries)
expect_error 11 approval.missing -C "$H" officer roster "$T/r2.json"
expect_text "needs 2 approvals and has 0; may still give one: alice, bob, carol"
sum=$(sha256sum <"$T/r2.json" | cut -c 1-12)
request=$H/requests/roster-$sum.json
expect_text "$request"
expect_equal "$(stat -c %a "$request")" 600 "mode of the request"
cp "$request" "$T/first.json"
expect_exit 11 "$PROVCTL" -C "$H" officer roster "$T/r2.json"
same_bytes "$request" "$T/first.json" # the same nonce
approve alice "$request"
expect_equal "$rc" 0 "exit of approve"
expect_error 11 approval.missing -C "$H" officer roster "$T/r2.json" \
	--approval "$T/notes/alice.note"
expect_text "has 1; may still give one: bob, carol"
expect_equal "$(entries)" "$before" entries

case_start "to a file of one's own: used again, or a conflict"
expect_exit 11 "$PROVCTL" -C "$H" officer roster "$T/r2.json" \
	--request "$T/mine.json"
cp "$T/mine.json" "$T/mine.1"
expect_exit 11 "$PROVCTL" -C "$H" officer roster "$T/r2.json" \
	--request "$T/mine.json"
same_bytes "$T/mine.json" "$T/mine.1"
by alice officer roster "$T/r2.json" --request "$T/mine.json"
expect_equal "$rc" 9 "exit for another requester's request"
same_bytes "$T/mine.json" "$T/mine.1"

case_start "with all of them it is in force, and the log says by whom"
approve carol "$request"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r2.json" \
	--approval "$T/notes/alice.note" --approval "$T/notes/carol.note"
expect_text "approved by alice,carol"
expect_exit 0 "$PROVCTL" -C "$H" officer show
same_bytes "$T/out" "$T/r2.json"
p --json audit show >"$T/story"
expect_equal "$(jq -r 'select(.type == "approval.use") |
	.object + " " + .facts.persons' "$T/story")" "roster alice,carol" use
expect_equal "$(jq -r 'select(.type == "roster.change") |
	.facts.persons // "-"' "$T/story" | tr '\n' ' ')" "- alice,carol " change
verify_audit

case_start "review says who may what, and who approved what"
expect_exit 0 "$PROVCTL" -C "$H" --json officer review
jq -e '.version == 2 and .quorum.roster == 1 and .quorum.adopt == 1 and
	([.officers[] | select(.name == "alice" or .name == "carol") |
		.approved == 1 and .last == "roster" and .last_ms > 0] | all) and
	(.officers[] | select(.name == "bob") | .approved == 0) and
	(.officers[0].may | index("adopt"))' "$T/out" >/dev/null ||
	fail "review: $(cat "$T/out")"
jq -e '.used | length == 1 and .[0].operation == "roster" and
	.[0].persons == "alice,carol" and .[0].requester == $who and
	.[0].index > 0 and .[0].time_ms > 0 and
	(.[0].subject | length) == 64' --arg who "os:$(id -u)" "$T/out" \
	>/dev/null || fail "used: $(cat "$T/out")"
expect_equal "$(jq -r '.used[0].subject' "$T/out")" \
	"$(sha256sum <"$T/r2.json" | cut -d ' ' -f 1)" "what was approved"
expect_exit 0 "$PROVCTL" -C "$H" officer review
expect_text "approved 1, last \"roster\" at 20"
expect_text "may ask for what takes approvals"
expect_equal "$(grep -c 'may approve what others ask for' "$T/out")" 3 \
	"who may approve"
expect_equal "$(grep -c 'may: reading, auditing, ' "$T/out")" 1 "what anybody may"
expect_text "approvals used: 1"
expect_text "roster by alice,carol, asked by os:$(id -u), entry "

case_start "a roster or an approval that was edited in the store is found"
# edited NAME SQL...: a copy of the authority, edited behind its back, fails.
edited() {
	edit_name=$1
	shift
	H=$T/acme
	copy_authority "$T/$edit_name"
	"$builddir/tests/cli/sql" "$H/store.db" "$@" >/dev/null ||
		fail "sql: $*"
	expect_error 5 "" -C "$H" officer review
	expect_exit 5 "$PROVCTL" -C "$H" audit verify
}
edited quorum "UPDATE roster SET bytes =
	CAST(replace(bytes, '\"roster\": 1', '\"roster\": 2') AS BLOB)
	WHERE version = 2; SELECT changes()"
expect_error 5 "" -C "$H" export kek --to /dev/null --device S1
edited older "DELETE FROM roster WHERE version = 2; SELECT changes()"
edited note "UPDATE approval SET note =
	CAST(replace(note, 'alice', 'bobby') AS BLOB); SELECT changes()"
H=$T/acme
expect_exit 0 "$PROVCTL" -C "$H" officer review

case_start "a roster that takes all its officers can be changed, asked without --as"
whole=$H
copy_authority "$T/all"
make_roster "$T/r3.json" 3 '"roster": 2' alice:security-officer \
	bob:security-officer
make_roster "$T/r4.json" 4 '"roster": 1' alice:security-officer \
	bob:security-officer
# changed FILE NAME...: put in force with the approvals of these.
changed() {
	file=$1
	shift
	expect_exit 11 "$PROVCTL" -C "$H" officer roster "$file"
	request=$H/requests/roster-$(sha256sum <"$file" | cut -c 1-12).json
	notes=
	for name in "$@"; do
		approve "$name" "$request"
		notes="$notes --approval $T/notes/$name.note"
	done
	# shellcheck disable=SC2086  # words
	expect_exit 0 "$PROVCTL" -C "$H" officer roster "$file" $notes
}
changed "$T/r3.json" alice
expect_text "all security officers must agree to roster,"
expect_text "without --as"
expect_error 4 approval.few -C "$H" --as alice --key "$T/keys/alice.key" \
	officer roster "$T/r4.json"
expect_text "without --as"
changed "$T/r4.json" alice bob
verify_audit
H=$whole

case_start "init sets the first one"
expect_error 9 store.roster init "$T/bad" --softhsm --templates "$templates" \
	--roster "$T/r2.json"
[ ! -e "$T/bad" ] || fail "an authority was made for a wrong roster"
H=$T/born
expect_exit 0 "$PROVCTL" init "$H" --softhsm --templates "$templates" \
	--roster "$T/r1.json"
expect_exit 0 "$PROVCTL" -C "$H" officer show
same_bytes "$T/out" "$T/r1.json"
expect_exit 0 "$PROVCTL" -C "$H" export chain -o "$T/chain"
verify_audit

case_start "key files: private, new, named, with a passphrase"
expect_equal "$(stat -c %a "$T/keys/alice.key")" 600 mode
expect_error 9 output.exists officer key new --name alice \
	--file "$T/keys/alice.key"
expect_error 3 note.name officer key new --name 'a b' --file "$T/keys/ab.key"
echo 'open sesame' >"$T/phrase"
expect_exit 0 "$PROVCTL" officer key new --name eve --file "$T/keys/eve.key" \
	--pin-source "file:$T/phrase"
grep -q 'BEGIN ENCRYPTED PRIVATE KEY' "$T/keys/eve.key" || fail "in the clear"
H=$T/acme
make_roster "$T/r3.json" 3 '"roster": 1' alice:security-officer
expect_exit 11 "$PROVCTL" -C "$H" officer roster "$T/r3.json" \
	--request "$T/q3.json"
approve eve "$T/q3.json" --pin-source "file:$T/phrase"
expect_equal "$rc" 0 "exit with the passphrase"
echo 'open barley' >"$T/phrase"
expect_error 3 officer.key -q approve "$T/q3.json" --as eve \
	--key "$T/keys/eve.key" --pin-source "file:$T/phrase" --yes
expect_error 3 officer.key -q approve "$T/q3.json" --as bob \
	--key "$T/keys/alice.key" --yes
chmod 644 "$T/keys/bob.key"
expect_error 4 "" -q approve "$T/q3.json" --as bob --key "$T/keys/bob.key" --yes
chmod 600 "$T/keys/bob.key"

case_start "keys for a chip programmer leave with approvals only"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/prog.key" -out \
	"$T/prog.pem" -subj /CN=programmer -days 2 2>/dev/null
expect_exit 11 "$PROVCTL" -C "$H" export kek --to "$T/prog.pem" \
	--device S0000000001 --request "$T/kek.json" -o "$T/kek.cms"
[ ! -e "$T/kek.cms" ] || fail "keys left without approvals"
run "$PROVCTL" approve "$T/kek.json" --as bob --key "$T/keys/bob.key" --yes \
	-o "$T/notes/kek.note"
expect_text "device S0000000001"
expect_text "certificate CN=programmer"
expect_text "spki sha256:$(openssl x509 -in "$T/prog.pem" -noout -pubkey |
	openssl pkey -pubin -outform DER | sha256sum | cut -c 1-64)"
expect_text "count 1"
expect_error 5 approval.subject -C "$H" export kek --to "$T/prog.pem" \
	--device S0000000002 --approval "$T/notes/kek.note"
expect_exit 0 "$PROVCTL" -C "$H" export kek --to "$T/prog.pem" \
	--device S0000000001 --approval "$T/notes/kek.note" -o "$T/kek.cms"
expect_error 4 approval.used -C "$H" export kek --to "$T/prog.pem" \
	--device S0000000001 --approval "$T/notes/kek.note"
printf 'S0000000003\r\n\nS0000000001\nS0000000002' >"$T/ids"
rm -f "$T/kek.json"
expect_exit 11 "$PROVCTL" -C "$H" export kek --to "$T/prog.pem" \
	--from "$T/ids" --request "$T/kek.json"
expect_equal "$(jq -r '.subject | @base64d' "$T/kek.json" |
	grep -E '^(count|first|last|list) ' | tr '\n' ' ')" \
	"count 3 first S0000000003 last S0000000002 list sha256:$(tr '\r' '\n' \
	<"$T/ids" | grep . | sha256sum | cut -c 1-64) " "what is said of a list"
echo .hidden >"$T/ids"
expect_error 3 device.id -C "$H" export kek --to "$T/prog.pem" \
	--from "$T/ids" --request "$T/kek.bad"
verify_audit

case_start "stored secrets change with approvals only, and are in no request"
echo 'value of the fleet 4711' >"$T/fleet.key"
chmod 600 "$T/fleet.key"
# change RULE WORDS...: waits, is approved by bob, and is done.
change() {
	change_line=$1
	shift
	rm -f "$T/secret.json"
	expect_error 11 approval.missing -C "$H" secret "$@" \
		--request "$T/secret.json"
	rm -f "$T/notes/bob.note"
	run "$PROVCTL" approve "$T/secret.json" --as bob \
		--key "$T/keys/bob.key" --yes -o "$T/notes/bob.note"
	expect_text "$change_line"
	expect_exit 0 "$PROVCTL" -C "$H" secret "$@" \
		--approval "$T/notes/bob.note"
}
change "  version 1" add fleet-key --from "$T/fleet.key"
change "  version 2" rotate fleet-key --from "$T/fleet.key"
change "  version all" destroy fleet-key
expect_error 10 secret.missing -C "$H" secret rotate other --from "$T/fleet.key"
expect_error 9 secret.exists -C "$H" secret add fleet-key --from "$T/fleet.key"
if grep -r -q -a -e 'of the fleet 4711' -e "$(sha256sum <"$T/fleet.key" |
	cut -c 1-64)" "$T/secret.json" "$H/requests"; then
	fail "a request holds the value, or its hash"
fi
p --json audit show | jq -e -s 'map(select(.object == "fleet-key") |
	.facts.persons == "bob") == [true, true, true, true]' >/dev/null ||
	fail "the log does not say by whom"
expect_equal "$(find "$H/requests" -name '*.salt')" "" "salts that are left"
verify_audit

case_start "what was approved of a secret is what is done"
echo 'another value 0815' >"$T/other.key"
chmod 600 "$T/other.key"
expect_error 11 approval.missing -C "$H" secret add line-key \
	--from "$T/fleet.key" --request "$T/line.json"
expect_equal "$(find "$H/requests" -name '*.salt' -perm 600 | wc -l)" 1 salts
approve bob "$T/line.json"
expect_error 5 approval.subject -C "$H" secret add line-key \
	--from "$T/other.key" --approval "$T/notes/bob.note"
expect_exit 0 "$PROVCTL" -C "$H" secret add line-key \
	--from "$T/fleet.key" --approval "$T/notes/bob.note"
expect_error 11 approval.missing -C "$H" secret destroy line-key \
	--request "$T/end.json"
approve bob "$T/end.json"
mv "$T/notes/bob.note" "$T/notes/end.note"
change "  version 2" rotate line-key --from "$T/other.key"
expect_error 5 approval.subject -C "$H" secret destroy line-key \
	--approval "$T/notes/end.note"
change "  count 2" destroy line-key
expect_exit 0 "$PROVCTL" -C "$H" secret destroy line-key
expect_text "destroyed before"
verify_audit

tests_end
