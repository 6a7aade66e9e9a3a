#!/bin/sh
# What another run made beside a ceremony is not its own: a rotation that was cut
# off is ended, and the step makes what the plan says; cross-certificates that
# its people were never shown end the step.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/later.sh"
SQL=$builddir/tests/cli/sql

cp "$srcdir/templates/issuing-ca.json" "$templates/issuing-ca.json"
ca='{"step": "issue-ca", "ca": "issuing-1", "issuer": "root", "template": "issuing-ca"'
plan first '{"step": "init-token"}' "$(key root P-256)" \
	"$(key issuing-1 P-256)" "$(key bundle P-256)" "$(key log P-256)" \
	'{"step": "self-signed", "ca": "root", "template": "root-ca"}' "$ca}"
begin_authority

case_start "a rotation that was cut off: ended, and the plan's own is made"
plan roll "$(key issuing-1 P-256)" "$ca, \"not_after\": \"2036-01-01T00:00:00Z\"}"
rehearse roll
cp -R "$H" "$T/home.kept"
cp -R "$T/tokens" "$T/tokens.kept"
n=0
cut=
# Between the store, which has generation 2, and provctl.json.
while [ -z "$cut" ] && [ "$n" -lt 60 ]; do
	n=$((n + 1))
	rm -rf "$H" "$T/tokens"
	cp -R "$T/home.kept" "$H"
	cp -R "$T/tokens.kept" "$T/tokens"
	env DIE_AT="$n" LD_PRELOAD="$builddir/tests/cli/die.so" \
		"$PROVCTL" -C "$H" rotate ca issuing-1 >/dev/null 2>&1
	[ "$("$SQL" "$H/store.db" \
		"select max(generation) from ca where name = 'issuing-1'")" != 2 ] ||
		[ "$(jq '.keys["issuing-1"].generation' "$H/provctl.json")" != 1 ] ||
		cut=$n
done
[ -n "$cut" ] || fail "it was cut off nowhere between the two"
ceremony run roll
expect_rc 0 roll
holds roll
expect_equal "$(jq '.keys["issuing-1"].generation' "$H/provctl.json")" 3 \
	"the generation in use"
openssl x509 -in "$H/ceremonies/roll-1/issuing-1.pem" -noout -enddate \
	>"$T/out" 2>&1
expect_text "2036"
audited

case_start "cross-certificates that were made beside it"
plan cross '{"step": "cross-sign", "ca": "issuing-1"}'
plan again '{"step": "cross-sign", "ca": "issuing-1"}'
cp -R "$R" "$T/rehearsal.kept"
rehearse cross
mv "$R" "$T/rehearsal.cross"
cp -R "$T/rehearsal.kept" "$R"
rehearse again
ceremony run again
expect_rc 0 again
holds again
R=$T/rehearsal.cross
ceremony run cross
expect_rc 9 "they were never shown in it"
rule_is ceremony.made
[ -z "$(find "$H/ceremonies/cross-1" -name '*.pem')" ] ||
	fail "it has their certificates"
[ ! -e "$H/ceremonies/cross-1/transcript.note" ] || fail "it was signed"

case_start "a key that another plan destroyed"
R=$T/rehearsal
plan next "$(key bundle P-256)"
gone='{"step": "destroy-key", "purpose": "bundle", "generation": 1}'
plan waits '{"step": "pause", "text": "Wait."}' "$gone"
plan gone "$gone"
both next
rm -rf "$T/rehearsal.kept"
cp -R "$R" "$T/rehearsal.kept"
rehearse waits
echo stop >"$T/answers"
ceremony run waits
expect_rc 130 "a stop"
rm -rf "$R"
mv "$T/rehearsal.kept" "$R"
both gone
ceremony resume waits
expect_rc 9 "it is not this ceremony that destroys it"
rule_is ceremony.made
[ ! -e "$H/ceremonies/waits-1/transcript.note" ] || fail "it was signed"
plan late "$gone"
expect_error 3 plan.destroyed -C "$R" ceremony rehearse "$T/late.json" \
	--templates "$templates"
audited

tests_end
