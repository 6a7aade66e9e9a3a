#!/bin/sh
# Plans of an authority that is there: rehearsed where the plan before was, run
# in its home, stopped and gone on with; the next generation of CAs and keys,
# revocation lists, another PIN, a key that is destroyed.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/later.sh"

plan first '{"step": "init-token"}' "$(key root P-256)" \
	"$(key issuing-1 P-256)" "$(key bundle P-256)" "$(key log P-256)" \
	"$(key kdf AES-256)" "$(key store AES-256)" \
	'{"step": "self-signed", "ca": "root", "template": "root-ca"}' \
	'{"step": "issue-ca", "ca": "issuing-1", "issuer": "root", "template": "issuing-ca"}' \
	'{"step": "adopt", "template": "tls-client"}' \
	'{"step": "sign-crl", "ca": "root"}'

case_start "a list is signed when the authority is made"
begin_authority
first=$H/ceremonies/first-1
openssl crl -inform DER -in "$first/root.crl" -CAfile "$first/root.pem" \
	-noout >/dev/null 2>&1 || fail "OpenSSL does not take the list"
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/first.json" \
	"$first/transcript.jsonl"
cmp -s "$first/root.crl" "$H/publish/crl/root/0.crl" ||
	fail "another list is published"
jq -es 'any(.[]; .event == "sign" and .facts.list == "root/0" and
	(.facts.tbs_sha256 | length) == 64)' "$first/transcript.jsonl" \
	>/dev/null || fail "the list was not shown"
audited

case_start "a plan goes where its kind of home is"
plan look '{"step": "check-key", "purpose": "root"}' \
	'{"step": "pause", "text": "Look at the safe."}'
expect_error 4 ceremony.rehearsal -C "$H" ceremony rehearse "$T/look.json"
expect_text "rehearse in a new one what came before"
expect_error 10 authority.missing ceremony rehearse "$T/look.json" \
	--home "$T/lost"
expect_text "rehearse in a new one what came before, plan by plan"
expect_error 4 plan.rehearsed -C "$H" ceremony run "$T/look.json" \
	--rehearsal "$R" --answers "$T/yes"
rehearse look
cp -R "$R" "$T/other"
expect_error 4 ceremony.rehearsal -C "$R" ceremony run "$T/look.json" \
	--rehearsal "$T/other" --answers "$T/yes"
expect_error 2 '' -C "$H" ceremony run "$T/look.json" --answers "$T/yes"
expect_error 2 '' -C "$H" ceremony run "$T/look.json" --rehearsal "$R" \
	--binding "$T/binding.json"
expect_error 10 ceremony.none -C "$H" ceremony resume "$T/look.json" \
	--answers "$T/yes"
expect_error 3 plan.order init "$T/none" --plan "$T/look.json" \
	--module "$module" --token pkcs11:token=acme
[ ! -e "$H/ceremonies/look-1" ] || fail "something was made"

case_start "the log says what a home is, and no folder in it"
mkdir "$H/ceremonies/planted-1"
head -n 1 "$R/ceremonies/first-1/transcript.jsonl" \
	>"$H/ceremonies/planted-1/transcript.jsonl"
expect_error 4 ceremony.rehearsal -C "$H" ceremony rehearse "$T/look.json"
rm -rf "$H/ceremonies/planted-1" "$T/other/ceremonies"/*
expect_error 4 ceremony.rehearsal -C "$T/other" ceremony run "$T/look.json" \
	--rehearsal "$R" --answers "$T/yes"
expect_exit 0 "$PROVCTL" -C "$R" --json audit show --type ceremony.step
jq -es 'all(.[]; .facts.mode == "rehearsal")' "$T/out" >/dev/null ||
	fail "a step of a rehearsal does not say so"
expect_exit 0 "$PROVCTL" -C "$H" --json audit show --type ceremony.step
jq -es 'all(.[]; .facts.mode == "run")' "$T/out" >/dev/null ||
	fail "a step of a run says that it was rehearsed"

case_start "a folder that the log knows nothing of is not gone on with"
plan never '{"step": "sign-crl", "ca": "root"}'
never=$H/ceremonies/never-1
mkdir -m 700 "$never"
cp "$T/never.json" "$never/plan.json"
printf '%064d' 0 >"$never/rehearsed"
chmod 600 "$never"/*
ceremony resume never
expect_rc 5 "a folder that was put there"
rule_is ceremony.folder
[ ! -e "$never/transcript.jsonl" ] || fail "a transcript was begun"
rm -rf "$never"

case_start "stopped, gone on with, and done once"
printf 'yes\nstop\n' >"$T/answers"
ceremony run look
expect_rc 130 "a stop"
expect_exit 0 "$PROVCTL" -C "$H" status
ceremony run look
expect_rc 9 "run again"
rule_is "ceremony resume"
sed 's/the safe/the box/' "$T/look.json" >"$T/changed.json"
expect_error 4 ceremony.other -C "$H" ceremony resume "$T/changed.json" \
	--answers "$T/yes"
mv "$H/ceremonies/look-1" "$T/look-1"
for kept in 0 1; do
	cp -R "$T/look-1" "$H/ceremonies/look-1"
	head -n $kept "$T/look-1/transcript.jsonl" \
		>"$H/ceremonies/look-1/transcript.jsonl"
	ceremony resume look
	expect_rc 5 "$kept lines of the transcript"
	rule_is ceremony.transcript
	rm "$H/ceremonies/look-1/transcript.jsonl"
	ceremony resume look
	expect_rc 5 "no transcript"
	rule_is ceremony.transcript
	rm -rf "$H/ceremonies/look-1"
	ceremony run look
	expect_rc 5 "no folder"
	rule_is ceremony.folder
done
mv "$T/look-1" "$H/ceremonies/look-1"
rm "$H/ceremonies/look-1/rehearsed"
ceremony resume look
expect_rc 4 "a folder that says of no rehearsal"
rule_is plan.rehearsed
printf '%064d' 1 >"$H/ceremonies/look-1/rehearsed"
ceremony resume look
expect_rc 4 "a folder that says of another rehearsal"
rule_is "began with another"
jq -j 'select(.event == "begin").facts.rehearsed' \
	"$H/ceremonies/look-1/transcript.jsonl" \
	>"$H/ceremonies/look-1/rehearsed"
# Another version of that name does not get in its way.
sed 's/"version": 1,/"version": 2,/' "$T/look.json" >"$T/look2.json"
rehearse look2
ceremony run look2
expect_rc 0 "another version"
ceremony resume look
expect_rc 0 resume
holds look
cp "$H/ceremonies/look-1/transcript.jsonl" "$T/before"
ceremony run look
expect_rc 0 "once more"
expect_text "nothing done"
same_bytes "$T/before" "$H/ceremonies/look-1/transcript.jsonl"
audited

case_start "what the authority has not"
bad() {
	want=$1
	rule=$2
	shift 2
	plan bad "$@"
	expect_error "$want" "$rule" -C "$R" ceremony rehearse "$T/bad.json" \
		--templates "$templates"
	[ ! -e "$R/ceremonies/bad-1" ] || fail "something was made: $*"
}
bad 10 plan.unknown '{"step": "sign-crl", "ca": "issuing-9"}'
bad 10 plan.unknown '{"step": "check-key", "purpose": "ocsp"}'
bad 10 plan.unknown "$(key issuing-9 P-256)"
bad 10 plan.unknown '{"step": "destroy-key", "purpose": "log", "generation": 2}'
bad 3 plan.kind "$(key log Ed25519)"
bad 3 plan.issuer "$(key issuing-1 P-256)" \
	'{"step": "self-signed", "ca": "issuing-1", "template": "root-ca"}'
bad 3 plan.key_missing \
	'{"step": "self-signed", "ca": "root", "template": "root-ca"}'

case_start "a template that the plan is not bound to"
plan loose "$(key issuing-1 P-256)" \
	'{"step": "issue-ca", "ca": "issuing-1", "issuer": "root", "template": "issuing-ca"}'
cp -R "$templates" "$T/swapped"
echo >>"$T/swapped/issuing-ca.json"
expect_error 4 plan.template -C "$R" ceremony rehearse "$T/loose.json" \
	--templates "$T/swapped"
sed -i 's/, "template_sha256": "[^"]*"//' "$T/loose.json"
expect_error 3 plan.template_unbound -C "$R" ceremony rehearse \
	"$T/loose.json" --templates "$templates"
[ ! -e "$R/ceremonies/loose-1" ] || fail "something was made"

case_start "a CA's next generation, and what is between the two"
plan rollover "$(key issuing-1 P-256)" \
	'{"step": "issue-ca", "ca": "issuing-1", "issuer": "root", "template": "issuing-ca"}' \
	'{"step": "cross-sign", "ca": "issuing-1"}' \
	'{"step": "sign-crl", "ca": "issuing-1"}' \
	'{"step": "check-key", "purpose": "issuing-1"}'
both rollover
made=$H/ceremonies/rollover-1
openssl verify -CAfile "$first/root.pem" "$made/issuing-1.pem" \
	>/dev/null 2>&1 || fail "OpenSSL does not take the new CA"
cat "$first/root.pem" >"$T/trust.pem"
openssl verify -partial_chain -trusted "$first/issuing-1.pem" \
	"$made/issuing-1-2-by-1.pem" >/dev/null 2>&1 ||
	fail "the new key, by the old one"
openssl verify -partial_chain -trusted "$made/issuing-1.pem" \
	"$made/issuing-1-1-by-2.pem" >/dev/null 2>&1 ||
	fail "the old key, by the new one"
expect_equal "$(jq -r '.keys["issuing-1"].generation' "$H/provctl.json")" 2 \
	"the generation in use"
expect_equal "$(find "$made" -name 'issuing-1*.crl' | wc -l)" 32 \
	"lists of both generations"
openssl crl -inform DER -in "$made/issuing-1-16.crl" \
	-CAfile "$made/issuing-1.pem" -noout >/dev/null 2>&1 ||
	fail "OpenSSL does not take the new CA's list"
audited

case_start "later, and until a day"
soon=$(date -u -d '+20 days' +%Y-%m-%dT00:00:00Z)
plan planned "$(key issuing-1 P-256)" \
	"{\"step\": \"issue-ca\", \"ca\": \"issuing-1\", \"issuer\": \"root\", \"template\": \"issuing-ca\", \"active\": \"$soon\", \"not_after\": \"2028-01-01T00:00:00Z\"}"
both planned
openssl x509 -in "$H/ceremonies/planned-1/issuing-1.pem" -noout -enddate |
	grep -q 'Jan  1 00:00:00 2028' || fail "another end"
expect_exit 0 "$PROVCTL" -C "$H" --json status
audited

case_start "a list that is carried"
plan carried '{"step": "sign-crl", "ca": "root"}'
rehearse carried
mkdir "$T/stick"
ceremony run carried --media "$T/stick"
expect_rc 0 "a list for the medium"
holds carried
expect_text "1 list"
(cd "$T/stick/acme" && sha256sum -c SHA256SUMS) >/dev/null 2>&1 ||
	fail "the medium's sums"
same_bytes "$T/stick/acme/root.crl" "$H/ceremonies/carried-1/root.crl"
before=$(openssl crl -inform DER -in "$first/root.crl" -noout -crlnumber)
after=$(openssl crl -inform DER -in "$T/stick/acme/root.crl" -noout -crlnumber)
[ "$before" != "$after" ] || fail "the list before it"

case_start "a plan whose steps name no template needs no folder of them"
plan bare '{"step": "sign-crl", "ca": "root"}'
expect_exit 0 "$PROVCTL" ceremony rehearse "$T/bare.json" --home "$R" \
	--templates "$T/nowhere"
expect_exit 0 "$PROVCTL" -C "$H" ceremony run "$T/bare.json" --rehearsal "$R" \
	--templates "$T/nowhere" --answers "$T/yes"

case_start "outside its days, and with a file in its way"
sed 's/"version": 1,/"version": 1, "not_after": "2026-01-01T00:00:00Z",/
	s/carried/late/' "$T/carried.json" >"$T/late.json"
rehearse late
ceremony run late
expect_rc 4 "a plan of days that are over"
rule_is plan.window
[ ! -e "$H/ceremonies/late-1" ] || fail "something was made"
plan again '{"step": "sign-crl", "ca": "root"}'
rehearse again
echo stop >"$T/answers"
ceremony run again
expect_rc 130 "a stop"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_text "ceremony   again-1 has not ended: \`provctl ceremony resume'"
expect_equal "$(p --json status | jq -c .ceremonies)" '["again-1"]' \
	"ceremonies that have not ended"
echo mine >"$H/ceremonies/again-1/root.crl"
ceremony resume again
expect_rc 9 "a file of that name"
rule_is output.exists
expect_equal "$(cat "$H/ceremonies/again-1/root.crl")" mine "the file"
number=$(openssl crl -inform DER -in "$H/publish/crl/root/0.crl" -noout \
	-crlnumber)
rm "$H/ceremonies/again-1/root.crl"
ceremony resume again
expect_rc 0 "once it is out of the way"
holds again
expect_equal "$(p --json status | jq -c .ceremonies)" '[]' \
	"ceremonies that have not ended"
expect_equal "$(grep -c '"event":"crl"' \
	"$H/ceremonies/again-1/transcript.jsonl")" 1 "lists told of"
next=$(openssl crl -inform DER -in "$H/ceremonies/again-1/root.crl" -noout \
	-crlnumber)
expect_equal "$((${next#*=}))" "$((${number#*=} + 1))" "one list was made"
audited

case_start "a generation that another plan made, with another end or template"
# stopped NAME END [TEMPLATE]: behind its key, which is made, or waits.
stopped() {
	plan "$1" "$(key root P-256)" \
		"{\"step\": \"self-signed\", \"ca\": \"root\", \"template\": \"${3:-root-ca}\"$2}"
	rehearse "$1"
	printf 'yes\nyes\nstop\n' >"$T/answers"
	ceremony run "$1"
	expect_rc 130 "a stop of $1"
}
stopped with-end ', "not_after": "2029-01-01T00:00:00Z"'
stopped other-end ', "not_after": "2029-01-02T00:00:00Z"'
stopped no-end ''
stopped other-template ', "not_after": "2029-01-02T00:00:00Z"' root-ca-offline
ceremony resume other-end
expect_rc 0 "the first that goes on"
for name in with-end no-end other-template; do
	ceremony resume "$name"
	expect_rc 9 "$name"
	rule_is ceremony.generation
done
rule_is "from another template"
holds other-end
audited

case_start "keys that are no CA's"
plan keys "$(key bundle P-256)" "$(key log P-256)" "$(key event P-256)" \
	'{"step": "adopt", "template": "aws-iot"}'
both keys
expect_equal "$(jq -r '.keys.bundle.generation' "$H/provctl.json")" 2 bundle
expect_equal "$(jq -r '.keys["log-old"].generation' "$H/provctl.json")" 1 \
	"the old log key"
audited

case_start "a key that is needed is not destroyed"
for at in root/1 kdf/1 store/1 bundle/2 issuing-1/1 log/1; do
	bad 9 key.in-use "{\"step\": \"destroy-key\", \"purpose\": \"${at%/*}\", \"generation\": ${at#*/}}"
done

case_start "one that nothing needs is"
expect_exit 0 "$PROVCTL" -C "$R" rotate log --finish
expect_exit 0 "$PROVCTL" -C "$H" rotate log --finish
plan oldlog '{"step": "destroy-key", "purpose": "log", "generation": 1}'
both oldlog
cp -R "$T/tokens" "$T/tokens.before"
plan destroy '{"step": "destroy-key", "purpose": "bundle", "generation": 1}'
both destroy
token() {
	GNUTLS_PIN=12345678 p11tool --batch --provider "$module" --login \
		--list-all 'pkcs11:token=acme' 2>/dev/null
}
token | grep -q 'object=acme%2Fbundle%2F2' || fail "no newer key"
if token | grep -q -e 'acme%2Fbundle%2F1' -e 'acme%2Flog%2F1'; then
	fail "they are on the token"
fi
expect_exit 0 "$PROVCTL" -C "$H" audit show --type key.destroy
expect_text acme/bundle/1
audited

case_start "one that is back is found, and so is a row that says another thing"
mv "$T/tokens" "$T/tokens.after"
cp -R "$T/tokens.before" "$T/tokens"
expect_exit 9 "$PROVCTL" -C "$H" audit reconcile
expect_text acme/bundle/1
rm -rf "$T/tokens"
mv "$T/tokens.after" "$T/tokens"
cp -R "$H" "$T/kept"
edited() {
	"$builddir/tests/cli/sql" "$H/store.db" \
		"UPDATE own_key SET destroy_index = $1 WHERE label = '$2'" ||
		fail "no row edited"
	expect_exit 5 "$PROVCTL" -C "$H" audit verify
	expect_text audit.key
	rm -rf "$H"
	cp -R "$T/kept" "$H"
}
edited NULL acme/bundle/1
edited 5 acme/bundle/1
edited 5 acme/bundle/2

case_start "another PIN"
plan pin '{"step": "rotate-pin"}' '{"step": "check-key", "purpose": "root"}'
rehearse pin
printf 12345678 >"$T/same-pin"
printf 99887766 >"$T/next-pin"
ceremony run pin --new-pin-source "file:$T/same-pin"
expect_rc 3 "the same PIN"
ceremony resume pin --new-pin-source "file:$T/next-pin"
expect_rc 0 "another PIN"
grep -q "value: " "$T/err" &&
	fail "people are shown a number that says nothing to them"
holds pin
expect_equal "$(cat "$T/pin")" 99887766 "the PIN's file"
if grep -q -e 12345678 -e 99887766 "$H/ceremonies/pin-1/transcript.jsonl"; then
	fail "a PIN stands in the transcript"
fi
audited

case_start "a version of a template that is no longer in effect"
plan older "$(key root P-256)" \
	'{"step": "self-signed", "ca": "root", "template": "root-ca"}'
jq '.version = 2' "$templates/root-ca.json" >"$T/root-ca.json"
expect_exit 0 "$PROVCTL" -C "$R" policy adopt "$T/root-ca.json"
expect_exit 4 "$PROVCTL" -C "$R" ceremony rehearse "$T/older.json" \
	--templates "$templates"
expect_text plan.template
expect_text "version 2 is in effect"
[ ! -e "$R/ceremonies/older-1/root.pem" ] || fail "a certificate was made"

tests_end
