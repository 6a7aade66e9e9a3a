#!/bin/sh
# What templates ask for beside the roster's numbers where a key is rotated: for
# a CA the most of those that it issues for, for the authority's other keys the
# most of all. Who rotates, and who audits, counts alike.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
PEOPLE=$builddir/tests/cli/people

new_authority
adopt_changed matter-dac two -e \
	's|"limits": {|"approvals": {"rotate_ca": 2}, "limits": {|'
adopt_changed matter-dac three -e \
	's|"limits": {|"approvals": {"rotate_ca": 3}, "limits": {|'
run "$PROVCTL" -C "$H" rotate bundle --prepare
expect_equal "$rc" 0 "the next bundle key: $(cat "$T/err")"
for name in ann bob cat dee; do officer_key "$name"; done
make_roster "$T/roster.json" 1 '"roster": 1' ann:security-officer \
	bob:security-officer cat:security-officer dee:security-officer
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/roster.json"

# takes NUMBER WHAT...: one approval less waits, so many do.
takes() {
	number=$1
	shift
	rm -f "$T/ask.json"
	by dee rotate "$@" --request "$T/ask.json"
	expect_equal "$rc" 11 "exit of rotate $* ($(cat "$T/err"))"
	set -- "$@" --request "$T/ask.json"
	for officer in ann bob cat; do
		[ "$number" -gt 0 ] || break
		by dee rotate "$@"
		expect_equal "$rc" 11 "exit of rotate $* ($(cat "$T/err"))"
		approve "$officer" "$T/ask.json"
		expect_equal "$rc" 0 "exit of approve ($(cat "$T/err"))"
		set -- "$@" --approval "$T/notes/$officer.note"
		number=$((number - 1))
	done
	by dee rotate "$@"
	expect_equal "$rc" 0 "exit of rotate $* ($(cat "$T/err"))"
	verify_audit
}

case_start "one that the roster asks for, where no template asks for more"
takes 1 ca issuing-1

case_start "rotated with too few by whoever writes the store: found"
cp -a "$H" "$T/kept"
"$PEOPLE" "$H" by:"$T/keys/bob.key" rotate:bundle 2>"$T/err" ||
	fail "people: $(cat "$T/err")"
expect_error 5 store.governance -C "$H" status
expect_error 5 store.governance -C "$H" audit verify
rm -rf "$H"
mv "$T/kept" "$H"

case_start "the most of the templates that the CA issues for"
takes 3 ca matter-pai

case_start "the most of all templates, for a key that all are made with"
takes 3 bundle

case_start "and nobody goes back to the key that was there before"
cp "$H/provctl.json" "$T/true"
jq '.keys.bundle = {label: "acme/bundle/1", generation: 1}' "$T/true" \
	>"$T/conf"
cat "$T/conf" >"$H/provctl.json"
expect_error 4 config.changed -C "$H" status
expect_text "acme/bundle/2"
by dee rotate bundle
expect_equal "$rc" 0 "a rotation that provctl.json has not goes on ($(cat "$T/err"))"
expect_equal "$(jq -c .keys.bundle "$H/provctl.json")" \
	"$(jq -c .keys.bundle "$T/true")" "the key in use"
expect_exit 0 "$PROVCTL" -C "$H" status

tests_end
