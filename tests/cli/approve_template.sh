#!/bin/sh
# A template may ask for more than the roster: keys in tokens, and a request
# that was made just now.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}

# version N ASK: the template with what it asks for its adoption.
version() {
	jq --argjson version "$1" --argjson ask "$2" \
		'.version = $version | .approvals = {adopt: $ask}' \
		"$srcdir/templates/tls-client.json" >"$T/v$1.json"
}

adopt() { # N [OPTION]...
	n=$1
	shift
	run "$PROVCTL" -C "$H" policy adopt "$T/v$n.json" "$@"
}

new_authority
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
for name in alice bob; do
	officer_key "$name"
done
make_roster "$T/r1.json" 1 '"roster": 1' alice:security-officer \
	bob:security-officer
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"

case_start "both forms are a template, and show has the whole"
version 2 '{"persons": 2, "max_age_s": 900}'
expect_exit 0 "$PROVCTL" policy lint "$T/v2.json"
expect_exit 0 "$PROVCTL" policy show "$T/v2.json"
expect_equal "$(jq -c '[.approvals.adopt, .approvals.order]' "$T/out")" \
	'[{"persons":2,"max_age_s":900,"token":false},0]' shown

case_start "a request lives as long as the template lets it"
adopt 2 --request "$T/q.json"
expect_equal "$rc" 11 "exit without approvals"
expires=$(date -d "$(jq -r .expires "$T/q.json")" +%s)
now=$(env -u LD_PRELOAD date +%s)
[ "$expires" -le $((now + 901)) ] || fail "expires in $((expires - now)) s"
for name in alice bob; do
	approve "$name" "$T/q.json"
	expect_equal "$rc" 0 "exit of approve"
done
clock_set 901
adopt 2 --approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_equal "$rc" 4 "exit after its time"
expect_text "rule: approval.expired"

case_start "in its time it is adopted"
adopt 2 --request "$T/q2.json"
expect_equal "$rc" 11 "exit without approvals"
for name in alice bob; do
	approve "$name" "$T/q2.json"
done
adopt 2 --approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_equal "$rc" 0 "exit in time"

case_start "a key that may be a file does not do where a token is wanted"
version 3 '{"persons": 1, "token": true}'
adopt 3 --request "$T/q3.json"
expect_equal "$rc" 11 "exit without approvals"
expect_text "may still give one: nobody"
approve alice "$T/q3.json"
adopt 3 --approval "$T/notes/alice.note"
expect_equal "$rc" 4 "exit with a key file"
expect_text "rule: approval.key"

tests_end
