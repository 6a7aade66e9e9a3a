#!/bin/sh
# Approvals that must not count: cases 29 to 33 of the table of attacks.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

CLOCK_FILE=$T/offset
printf '%-32d' 0 >"$CLOCK_FILE"
export CLOCK_FILE
# at SECONDS COMMAND...: run with the clock so far ahead.
at() {
	printf '%-32d' "$1" | dd of="$CLOCK_FILE" conv=notrunc 2>/dev/null
	shift
	LD_PRELOAD=$builddir/tests/cli/clock.so
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
	export LD_PRELOAD ASAN_OPTIONS
	run "$@"
	unset LD_PRELOAD ASAN_OPTIONS
}

new_authority
for name in alice bob carol dave mallory; do
	officer_key "$name"
done
# shellcheck disable=SC2046  # words
make_roster "$T/three.json" 1 '"roster": 2, "adopt": 2, "export_kek": 1' \
	$(for n in alice bob carol; do echo "$n:security-officer"; done) \
	dave:operator
# alice has two keys, one of them under her name in a file of its own.
"$PROVCTL" officer key new --name alice --file "$T/keys/second.key" \
	>"$T/keys/second.vkey"
jq --rawfile vkey "$T/keys/second.vkey" '.officers[0].keys +=
	[{vkey: ($vkey | rtrimstr("\n")), kind: "file"}]' "$T/three.json" \
	>"$T/r1.json"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"

# version N: a new version of a template, its request in $T/q.json.
version() {
	sed "s|\"version\": 1,|\"version\": $1,|" \
		"$srcdir/templates/tls-client.json" >"$T/t.json"
	rm -f "$T/q.json"
	run "$PROVCTL" -C "$H" policy adopt "$T/t.json" --request "$T/q.json"
	expect_equal "$rc" 11 "exit without approvals"
}
# adopt_with CODE RULE NOTE...: the notes of these names; nothing is adopted.
adopt_with() {
	adopt_code=$1
	adopt_rule=$2
	shift 2
	for note in "$@"; do
		set -- "$@" --approval "$T/notes/$note.note"
		shift
	done
	expect_error "$adopt_code" "$adopt_rule" -C "$H" policy adopt \
		"$T/t.json" "$@"
}
good() {
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/t.json" \
		--approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
}

version 2
approve alice "$T/q.json"
approve bob "$T/q.json"

case_start "29: one approver twice, two keys of one person"
adopt_with 4 approval.person alice alice
rm -f "$T/notes/second.note"
run "$PROVCTL" -q approve "$T/q.json" --as alice --key "$T/keys/second.key" \
	--yes -o "$T/notes/second.note"
adopt_with 4 approval.person alice second
adopt_with 11 approval.missing second

case_start "who asks does not approve; who has no role, or is nobody, neither"
rm -f "$T/qa.json"
by alice policy adopt "$T/t.json" --request "$T/qa.json"
expect_equal "$rc" 11 "exit of alice's request"
expect_text "may still give one: bob, carol"
expect_error 4 approval.requester -q approve "$T/qa.json" --as alice \
	--key "$T/keys/alice.key" --yes
# A program of alice's own would sign it: the same text under another name.
jq -c '.requester = "bob"' "$T/qa.json" >"$T/qb.json"
approve carol "$T/qa.json"
by alice policy adopt "$T/t.json" --approval "$T/notes/carol.note"
expect_equal "$rc" 11 "exit with one"
cp "$T/notes/alice.note" "$T/notes/alice.keep"
approve alice "$T/qb.json"
by alice policy adopt "$T/t.json" --approval "$T/notes/alice.note" \
	--approval "$T/notes/bob.note"
expect_equal "$rc" 5 "exit for alice's request in bob's name"
mv "$T/notes/alice.keep" "$T/notes/alice.note"
approve dave "$T/q.json"
adopt_with 4 approval.role alice dave
approve mallory "$T/q.json"
adopt_with 4 approval.unknown alice mallory

case_start "30: any part of a note edited, and a bit anywhere in it"
size=$(wc -c <"$T/notes/bob.note")
tried=0
at_byte=0
while [ "$at_byte" -lt "$size" ]; do
	perl -e 'local $/; open F, "<", $ARGV[0]; binmode F; $_ = <F>;
		substr($_, $ARGV[2], 1) ^= chr(1 << $ARGV[2] % 7);
		open G, ">", $ARGV[1]; binmode G; print G' "$T/notes/bob.note" \
		"$T/notes/flip.note" "$at_byte" || fail "perl"
	run "$PROVCTL" -C "$H" policy adopt "$T/t.json" --approval \
		"$T/notes/alice.note" --approval "$T/notes/flip.note"
	case $rc in
	3 | 4 | 5) ;;
	*) fail "exit $rc with byte $at_byte flipped" ;;
	esac
	tried=$((tried + 1))
	at_byte=$((at_byte + ${STEP:-13}))
done
echo "# $tried of $size bytes flipped, none counted"
for edit in 's|^operation adopt|operation order|' 's|^log acme|log acmf|' \
	's|^requester .*|requester carol|' 's|^expires 2|expires 3|' \
	's|^nonce .|nonce 0|' 's|^subject sha256:.|subject sha256:g|' \
	's|^root .|root 0|'; do
	sed "$edit" "$T/notes/bob.note" >"$T/notes/edit.note"
	cmp -s "$T/notes/bob.note" "$T/notes/edit.note" && continue
	run "$PROVCTL" -C "$H" policy adopt "$T/t.json" --approval \
		"$T/notes/alice.note" --approval "$T/notes/edit.note"
	expect_equal "$rc" 5 "exit of $edit"
done
sed 's|"days": 397|"days": 398|; s|"days": 365|"days": 366|' "$T/t.json" \
	>"$T/other.json"
if ! cmp -s "$T/t.json" "$T/other.json"; then
	expect_error 5 approval.subject -C "$H" policy adopt "$T/other.json" \
		--approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
fi

case_start "31: expired, good for too long, clock back"
at 700000 "$PROVCTL" -C "$H" policy adopt "$T/t.json" --approval \
	"$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_equal "$rc" 4 "exit a week later"
expect_text approval.expired
at 700000 "$PROVCTL" -q approve "$T/q.json" --as carol --key \
	"$T/keys/carol.key" --yes
expect_equal "$rc" 4 "exit of approve a week later"
at -86400 "$PROVCTL" -C "$H" policy adopt "$T/t.json" --approval \
	"$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_equal "$rc" 4 "exit a day before"
expect_text clock.backwards
jq -c '.expires = "2999-01-01T00:00:00Z"' "$T/q.json" >"$T/long.json"
approve carol "$T/long.json"
adopt_with 4 approval.expiry carol

case_start "32: fewer are asked for by hand"
run "$PROVCTL" -C "$H" policy adopt "$T/t.json" --approval "$T/notes/alice.note"
expect_equal "$rc" 11 "exit with one"
jq '.version = 2 | .quorum.adopt = 1' "$T/r1.json" >"$T/r2.json"
expect_error 11 approval.missing -C "$H" officer roster "$T/r2.json"
first=$H
copy_authority "$T/lowered"
"$builddir/tests/cli/sql" "$H/store.db" "UPDATE roster SET bytes =
	CAST(replace(bytes, '\"adopt\": 2', '\"adopt\": 1') AS BLOB);
	SELECT changes()" >/dev/null || fail sql
adopt_with 5 "" alice
H=$first

case_start "an unused approval counts, once"
good
verify_audit
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/t.json" \
	--approval "$T/notes/alice.note" # adopted: nothing is asked for
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/prog.key" -out \
	"$T/prog.pem" -subj /CN=programmer -days 2 2>/dev/null
expect_exit 11 "$PROVCTL" -C "$H" export kek --to "$T/prog.pem" \
	--device S0000000001 --request "$T/kek.json"
approve bob "$T/kek.json"
expect_exit 0 "$PROVCTL" -C "$H" export kek --to "$T/prog.pem" \
	--device S0000000001 --approval "$T/notes/bob.note" -o "$T/kek.1"
expect_error 4 approval.used -C "$H" export kek --to "$T/prog.pem" \
	--device S0000000001 --approval "$T/notes/bob.note"
# Asked for again, the used request is not taken for a good one.
cp "$T/kek.json" "$T/kek.used"
rm "$T/kek.json"
expect_exit 11 "$PROVCTL" -C "$H" export kek --to "$T/prog.pem" \
	--device S0000000001 --request "$T/kek.json"
[ "$(jq -r .nonce "$T/kek.json")" != "$(jq -r .nonce "$T/kek.used")" ] ||
	fail "the same nonce again"
verify_audit

case_start "33: two use one approval at once: one wins"
round=1
while [ "$round" -le "${ROUNDS:-5}" ]; do
	rm -f "$T/kek.json"
	run "$PROVCTL" -C "$H" export kek --to "$T/prog.pem" \
		--device S0000000001 --request "$T/kek.json"
	approve bob "$T/kek.json"
	for k in 1 2; do
		{
			"$PROVCTL" -C "$H" export kek --to "$T/prog.pem" \
				--device S0000000001 --approval \
				"$T/notes/bob.note" -o "$T/kek.$round.$k" \
				>"$T/race.$k" 2>&1 </dev/null
			echo $? >"$T/race.rc.$k"
		} &
	done
	wait
	codes=$(sort -n "$T/race.rc.1" "$T/race.rc.2" | tr '\n' ' ')
	case $codes in
	"0 9 ") conflicts=$((${conflicts:-0} + 1)) ;;
	"0 4 ") ;; # the second one began when the first had ended
	*) fail "exits $codes: $(cat "$T/race.1" "$T/race.2")" ;;
	esac
	round=$((round + 1))
done
echo "# ${ROUNDS:-5} races, ${conflicts:-0} conflicts, the rest came too late"
verify_audit
uses=$(p --json audit show | jq -s 'map(select(.type == "approval.use" and
	.object == "export_kek")) | length')
expect_equal "$uses" $((${ROUNDS:-5} + 1)) "uses in the log"

tests_end
