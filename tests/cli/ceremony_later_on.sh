#!/bin/sh
# Who goes on with a later plan under a roster, and until when: by those who
# were asked about it, under the roster that they were asked by.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/later.sh"
. "$srcdir/tests/people.sh"

for who in alice bob carol dave eve; do
	officer_key "$who"
done
people="alice:security-officer bob:security-officer carol:security-officer eve:auditor"
# shellcheck disable=SC2086 # words
make_roster "$T/v1.json" 1 '"roster": 2, "ceremony": 2, "rotate_ca": 2' $people
# shellcheck disable=SC2086 # words
make_roster "$T/v2.json" 2 '"roster": 2, "ceremony": 2, "rotate_ca": 2' $people \
	dave:security-officer

plan first '{"step": "init-token"}' "$(key root P-256)" "$(key bundle P-256)" \
	"$(key log P-256)" \
	'{"step": "self-signed", "ca": "root", "template": "root-ca"}'
sets="{\"step\": \"set-roster\", \"sha256\": \"$(sha256sum <"$T/v1.json" |
	cut -d ' ' -f 1)\"}"
plan planned '{"step": "pause", "text": "Look."}' '{"step": "sign-crl", "ca": "root"}' \
	"$sets" '{"step": "check-key", "purpose": "root"}'
for name in look short; do
	plan "$name" '{"step": "check-key", "purpose": "root"}' \
		'{"step": "sign-crl", "ca": "root"}'
done
sed -i 's/"version": 1,/& "not_after": "2099-01-01T00:00:00Z",/' "$T/short.json"

# set_roster FILE: by the verb of it.
set_roster() {
	run "$PROVCTL" -C "$H" --as alice --key "$T/keys/alice.key" \
		officer roster "$1"
	[ "$rc" -eq 11 ] || return
	for who in bob carol; do
		approve "$who" "$H"/requests/roster-*.json
	done
	expect_exit 0 "$PROVCTL" -C "$H" --as alice --key "$T/keys/alice.key" \
		officer roster "$1" --approval "$T/notes/bob.note" \
		--approval "$T/notes/carol.note"
}

# on NAME [WHO]: resumed, by nobody in particular or by an officer.
on() {
	if [ -n "${2:-}" ]; then
		by "$2" ceremony resume "$T/$1.json" --templates "$templates" \
			--answers "$T/said"
	else
		run "$PROVCTL" -C "$H" ceremony resume "$T/$1.json" \
			--templates "$templates" --answers "$T/said"
	fi
}

case_start "a plan that nobody was asked about, and then a roster by its verb"
begin_authority
expect_exit 0 "$PROVCTL" ceremony rehearse "$T/planned.json" --home "$R" \
	--templates "$templates" --roster "$T/v1.json"
echo stop >"$T/answers"
ceremony run planned --roster "$T/v1.json"
expect_rc 130 "stopped"
cp -R "$H" "$T/home.kept"
cp -R "$T/tokens" "$T/tokens.kept"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/v1.json"
cp "$T/yes" "$T/said"
on planned
expect_rc 4 "another one set that roster"
rule_is ceremony.roster

case_start "and one that its own step has set"
rm -rf "$H" "$T/tokens"
mv "$T/home.kept" "$H"
mv "$T/tokens.kept" "$T/tokens"
printf 'yes\nyes\nyes\nyes\nstop\n' >"$T/said"
on planned
expect_rc 130 "behind that step"
expect_exit 0 "$PROVCTL" -C "$H" --json audit show --type roster.change
expect_equal "$(jq -es length "$T/out")" 1 "rosters"
cp "$T/yes" "$T/said"
on planned eve
expect_rc 4 "an auditor"
rule_is actor.role
on planned
expect_rc 0 "who began it"
audited

# begin NAME: by alice, with the approvals of two, as far as its second step.
begin() {
	rm -f "$H"/requests/* "$T/notes"/*
	by alice ceremony run "$T/$1.json" --templates "$templates" \
		--rehearsal "$R" --answers "$T/said"
	expect_rc 11 "$1 has to be approved"
	approve bob "$H"/requests/ceremony-*.json
	approve carol "$H"/requests/ceremony-*.json
	printf 'yes\nstop\n' >"$T/said"
	by alice ceremony run "$T/$1.json" --templates "$templates" \
		--rehearsal "$R" --answers "$T/said" \
		--approval "$T/notes/bob.note" --approval "$T/notes/carol.note"
	expect_rc 130 "$1, stopped"
}

case_start "who goes on has the role, or has begun it"
for name in look short; do
	rm -f "$R"/requests/* "$T/notes"/*
	run "$PROVCTL" ceremony rehearse "$T/$name.json" --home "$R" \
		--templates "$templates"
	expect_rc 11 "a rehearsal is approved, too"
	approve bob "$R"/requests/ceremony-*.json
	approve carol "$R"/requests/ceremony-*.json
	expect_exit 0 "$PROVCTL" ceremony rehearse "$T/$name.json" --home "$R" \
		--templates "$templates" --approval "$T/notes/bob.note" \
		--approval "$T/notes/carol.note"
done
begin look
begin short
on look
expect_rc 4 "nobody in particular"
rule_is actor.role
on look eve
expect_rc 4 "an auditor"
rule_is actor.role
on look carol
expect_rc 130 "a security officer"
on look alice
expect_rc 130 "who began it"

cp -R "$H" "$T/home.kept"
case_start "and as long as approvals are valid, or the plan says"
echo $((8 * 24 * 3600)) >"$T/clock"
late="CLOCK_FILE=$T/clock LD_PRELOAD=$builddir/tests/cli/clock.so"
# shellcheck disable=SC2086 # words of an environment
run env $late "$PROVCTL" -C "$H" --as alice --key "$T/keys/alice.key" \
	ceremony resume "$T/look.json" --templates "$templates" \
	--answers "$T/said"
expect_rc 4 "a week is over"
rule_is ceremony.age
# shellcheck disable=SC2086 # words of an environment
run env $late "$PROVCTL" -C "$H" --as alice --key "$T/keys/alice.key" \
	ceremony resume "$T/short.json" --templates "$templates" \
	--answers "$T/said"
expect_rc 130 "one that says until when"

rm -rf "$H"
mv "$T/home.kept" "$H"
case_start "under the roster that it was approved by"
set_roster "$T/v2.json"
expect_rc 0 "the next roster"
cp "$T/yes" "$T/said"
on look alice
expect_rc 4 "another roster"
rule_is ceremony.roster

tests_end
