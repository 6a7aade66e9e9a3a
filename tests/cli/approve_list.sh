#!/bin/sh
# What waits for approvals, of many requests: newest first, by operation and
# state, as lines of JSON.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

new_authority
for who in alice bob carol; do
	officer_key "$who"
done
set -- alice:security-officer bob:security-officer carol:security-officer
make_roster "$T/roster.json" 1 '"roster": 2, "adopt": 2' "$@"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/roster.json"

# newest MEMBER [OPTION]...: of each line, in a word.
newest() {
	member=$1
	shift
	expect_exit 0 "$PROVCTL" -C "$H" --json approve --list "$@"
	jq -r ".$member" "$T/out" | tr '\n' ' '
}

case_start "a folder that is not there, and words that are none"
expect_error 10 '' -C "$H" approve --list
expect_error 2 usage.value -C "$H" approve --list --state waiting
expect_error 2 usage.value -C "$H" approve --list --operation nothing
expect_error 2 '' -C "$H" approve --list --last 0
expect_error 2 '' -C "$H" approve --list --yes

case_start "many, the newest first"
for n in 1 2 3 4 5; do
	jq ".template = \"tls-$n\"" "$templates/tls-client.json" >"$T/tls-$n.json"
	expect_error 11 approval.missing -C "$H" policy adopt "$T/tls-$n.json"
done
sleep 1.1
make_roster "$T/next.json" 2 '"roster": 2, "adopt": 1' "$@"
expect_error 11 approval.missing -C "$H" officer roster "$T/next.json"
expect_equal "$(newest operation)" \
	"roster adopt adopt adopt adopt adopt " "operations"
jq -r .expires "$T/out" >"$T/times"
sort -r "$T/times" >"$T/sorted"
same_bytes "$T/sorted" "$T/times"
first=$(jq -r .request "$T/out" | head -n 1)
expect_equal "$(jq -r .subject "$T/out" | head -n 1)" \
	"$(sha256sum <"$T/next.json" | cut -d ' ' -f 1)" subject
[ -f "$first" ] || fail "no file $first"
expect_equal "$(newest operation --last 2)" "roster adopt " "the newest two"
expect_equal "$(newest operation --operation adopt)" \
	"adopt adopt adopt adopt adopt " "adopt"
expect_exit 0 "$PROVCTL" approve --list "$H/requests" --last 1
expect_text "open roster until "
expect_text " by os:"

case_start "some are over"
old=$(find "$H/requests" -name 'adopt-*.json' | sort | head -n 1)
sed 's/\("expires": *"\)[^"]*/\12020-01-01T00:00:00Z/' "$old" >"$T/old.json"
cat "$T/old.json" >"$old"
expect_equal "$(newest operation --state expired)" "adopt " expired
expect_equal "$(newest request --state expired)" "$old " "which"
expect_equal "$(newest state | tr ' ' '\n' | sort | uniq -c | tr -s ' \n' ' ')" \
	" 1 expired 5 open " states

case_start "what is no request hides none"
echo '{}' >"$H/requests/other.json"
echo notes >"$H/requests/notes.txt"
ln -s "$first" "$H/requests/link.json"
run "$PROVCTL" -C "$H" --json approve --list
expect_equal "$(grep -c '"operation"' "$T/out")" 6 requests
case $rc in
3 | 4 | 5) ;;
*) fail "exit $rc" ;;
esac
grep -q 'other.json\|link.json' "$T/out" "$T/err" || fail "it is not named"

tests_end
