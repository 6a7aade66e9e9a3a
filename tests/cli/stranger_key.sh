#!/bin/sh
# A key of a stranger's is never the authority's. Whoever may write the home,
# and has neither PIN nor token, appends a key with its entries
# (tests/cli/people.c) and names it in provctl.json: nothing gives it out or
# goes by it, no checkpoint is signed over it, and one that is signed by it
# counts for nothing.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
PEOPLE=$builddir/tests/cli/people
SQL=$builddir/tests/cli/sql

people() {
	"$PEOPLE" "$H" "$@" 2>"$T/err" || fail "people $*: $(cat "$T/err")"
}

# fresh HOME: a copy of it.
copies=0
fresh() {
	[ "$copies" -eq 0 ] || rm -rf "$H"
	copies=$((copies + 1))
	H=$1
	copy_authority "$T/copy$copies"
}

# named PURPOSE: provctl.json names acme/PURPOSE/2.
named() {
	jq --arg purpose "$1" '.keys[$purpose] = {generation: 2,
		label: ("acme/" + $purpose + "/2")}' "$H/provctl.json" \
		>"$T/conf" && cat "$T/conf" >"$H/provctl.json"
}

# refused RULE: by whoever reads, and by who has the token.
refused() {
	expect_error 5 "$1" -C "$H" export key --purpose bundle
	expect_error 5 "$1" -C "$H" export chain
	expect_error 5 "$1" -C "$H" status
	expect_error 5 "$1" -C "$H" rotate crl --all
	expect_error 5 "$1" -C "$H" issue --template symmetric-sensor \
		--device S0000000001
	run "$PROVCTL" -C "$H" audit verify
	expect_equal "$rc" 5 "exit of audit verify"
}

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	-out "$T/evil.key" 2>/dev/null
openssl pkey -in "$T/evil.key" -pubout -outform DER -out "$T/evil.spki"
openssl pkey -in "$T/evil.key" -pubout -out "$T/evil.pem"

# sign: HOME/checkpoint says what the log is now, signed by the stranger.
sign() {
	p --json audit verify >"$T/audit" || fail "$(cat "$T/audit")"
	printf 'acme\n%s\n%s\n' "$(json_field entries "$T/audit")" \
		"$(json_field root "$T/audit" | tr a-f A-F |
			basenc --base16 -d | base64)" >"$T/body"
	openssl dgst -sha256 -sign "$T/evil.key" -out "$T/sig" "$T/body"
	{
		openssl dgst -sha256 -binary "$T/evil.spki" | head -c 4
		cat "$T/sig"
	} | base64 -w 0 >"$T/line"
	{
		cat "$T/body"
		printf '\n\342\200\224 acme %s\n' "$(cat "$T/line")"
	} >"$H/checkpoint"
}

new_authority
alone=$H
copy_authority "$T/ruled"
for name in alice bob carol; do
	officer_key "$name"
done
make_roster "$T/roster.json" 1 '"roster": 2, "rotate_ca": 2' \
	alice:security-officer bob:security-officer carol:security-officer
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/roster.json"
ruled=$H

case_start "recorded only: it is not given out, and no checkpoint covers it"
for who in "" "--as alice --key $T/keys/alice.key"; do
	fresh "$([ -n "$who" ] && echo "$ruled" || echo "$alone")"
	people key:bundle:2:"$T/evil.spki"
	cp "$H/checkpoint" "$T/before"
	expect_error 5 log.key -C "$H" export key --purpose bundle --generation 2
	# shellcheck disable=SC2086  # words
	expect_error 7 hsm.key-missing -C "$H" $who rotate crl --all
	expect_error 9 log.key -C "$H" issue --template symmetric-sensor \
		--device S0000000001
	same_bytes "$H/checkpoint" "$T/before"
	p export key --purpose bundle >"$T/pem"
	! cmp -s "$T/pem" "$T/evil.pem" || fail "it was given out"
done

case_start "named in provctl.json: 5, whoever asks"
for base in "$alone" "$ruled"; do
	fresh "$base"
	people key:bundle:2:"$T/evil.spki"
	named bundle
	refused config.keys
done

case_start "with a key.rotate of nobody's: 5, or not before the token shows it"
fresh "$alone"
people key:bundle:2:"$T/evil.spki" rotate:bundle:bare
expect_error 7 hsm.key-missing -C "$H" rotate crl --all
expect_error 7 hsm.key-missing -C "$H" rotate bundle
expect_error 5 log.key -C "$H" export key --purpose bundle --generation 2
named bundle
refused config.keys
fresh "$ruled"
people key:bundle:2:"$T/evil.spki" rotate:bundle:bare
named bundle
refused config.keys

case_start "a log key: what it signs counts for nothing"
fresh "$alone"
people key:log:2:"$T/evil.spki" rotate:log:bare
sign
rm "$H/governance"
refused log.checkpoint
named log
refused log.checkpoint
"$SQL" "$H/store.db" 'DELETE FROM checkpoint'
refused log.checkpoint

case_start "no checkpoint at all is no new authority"
fresh "$alone"
"$SQL" "$H/store.db" 'DELETE FROM checkpoint'
rm "$H/checkpoint" "$H/governance"
refused log.checkpoint

case_start "nor is a log key that was not there before"
fresh "$alone"
people key:log-ecdsa:1:"$T/evil.spki"
refused config.keys
jq '.keys["log-ecdsa"] = {generation: 1, label: "acme/log-ecdsa/1"}' \
	"$H/provctl.json" >"$T/conf" && cat "$T/conf" >"$H/provctl.json"
refused config.keys

tests_end
