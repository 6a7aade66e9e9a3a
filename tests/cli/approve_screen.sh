#!/bin/sh
# What an approver sees: what is signed comes last, and nothing that is not
# signed can pass for it.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

new_authority
for name in alice bob carol dave; do
	officer_key "$name"
done
three="alice:security-officer bob:security-officer carol:security-officer"
# shellcheck disable=SC2086  # words
make_roster "$T/r1.json" 1 '"roster": 2' $three
# shellcheck disable=SC2086
make_roster "$T/plain.json" 2 '"roster": 1' $three dave:security-officer
sum=$(sha256sum <"$T/r1.json" | cut -d ' ' -f 1)
jq --arg sum "$sum" '. + {replaces: $sum}' "$T/plain.json" >"$T/r2.json"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"

# see REQUEST [OPTION]...: alice approves; the screen, of 80 columns, is
# $T/screen.
see() {
	rm -f "$T/notes/alice.note"
	run "$PROVCTL" -q approve "$@" --as alice --key "$T/keys/alice.key" \
		-o "$T/notes/alice.note"
	fold -w 80 "$T/err" >"$T/screen"
}

case_start "the last lines are of what is signed, also with --quiet"
expect_exit 11 "$PROVCTL" -C "$H" officer roster "$T/r2.json" \
	--request "$T/q.json"
see "$T/q.json" --yes
expect_equal "$rc" 0 "exit of approve"
subject=$(sha256sum <"$T/r2.json" | cut -d ' ' -f 1)
expect_equal "$(tail -n 2 "$T/screen" | tr '\n' '|')" \
	"You sign: roster, asked by os:$(id -u), sha256|  $subject|" "last lines"
grep -q '^+ officer dave: dave Example; security-officer$' "$T/screen" ||
	fail "the change is not shown as one"
grep -q '^  officer bob: ' "$T/screen" || fail "what stays is not shown so"

case_start "a request's context cannot pass for what is signed"
fake=$(printf '%4000s' 'To be signed:')
jq --arg fake "$fake" '.context += {note: $fake,
	to_be_signed: "  operation order", you_sign: "order, asked by carol"}' \
	"$T/q.json" >"$T/forged.json"
see "$T/forged.json" --yes
expect_equal "$rc" 0 "exit of approve"
expect_equal "$(grep -n '^To be signed:' "$T/screen" | cut -d : -f 1)" 5 \
	"where the signed text begins"
expect_equal "$(head -n 4 "$T/screen" | grep -c '^? \|^Said by the req')" 4 \
	"lines of the requester's own"
grep -q '^? ' "$T/err" && sed 1,4d "$T/screen" | grep '^? ' &&
	fail "a line of the context stands below"
jq '.context["at station line-1"] = "yes"' "$T/q.json" >"$T/forged.json"
see "$T/forged.json" --yes
expect_equal "$rc" 3 "exit for a fact with blanks in its name"

case_start "a roster that is shown as replaced is the one that is named"
jq --arg r "$(jq '.version = 1' "$T/plain.json" | base64 -w 0)" \
	'.context.roster = $r' "$T/q.json" >"$T/forged.json"
see "$T/forged.json" --yes
expect_equal "$rc" 3 "exit for another roster"
expect_text "rule: approval_request.roster"
[ ! -e "$T/notes/alice.note" ] || fail "it was signed"
expect_exit 11 "$PROVCTL" -C "$H" officer roster "$T/plain.json" \
	--request "$T/p.json"
see "$T/p.json" --yes
grep -q '^+ officer bob: ' "$T/screen" || fail "shown as known: bob"
jq '.replaces = ("0" * 64)' "$T/r2.json" >"$T/other.json"
expect_error 9 roster.replaces -C "$H" officer roster "$T/other.json"
expect_text "has SHA-256 $sum"

case_start "a request that lies there keeps its nonce and nothing else"
expect_exit 11 "$PROVCTL" -C "$H" officer roster "$T/r2.json"
request=$H/requests/roster-$(echo "$subject" | cut -c 1-12).json
cp "$request" "$T/honest.json"
jq '.context.note = "nothing new"' "$request" >"$T/z"
cat "$T/z" >"$request"
expect_exit 11 "$PROVCTL" -C "$H" officer roster "$T/r2.json"
same_bytes "$request" "$T/honest.json"
jq '.context.note = "nothing new"' "$T/q.json" >"$T/planted.json"
chmod 600 "$T/planted.json"
expect_error 9 output.exists -C "$H" officer roster "$T/r2.json" \
	--request "$T/planted.json"

case_start "what was typed before the question is no answer"
if ! script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
	skip_case "no script"
else
	mkfifo "$T/keyboard"
	rm -f "$T/typed.note"
	# The text goes to the terminal, wherever standard error goes.
	cat >"$T/asked.sh" <<-X
		while [ ! -e '$T/go' ]; do sleep 0.1; done
		exec '$PROVCTL' -q approve '$T/q.json' --as alice \
			--key '$T/keys/alice.key' -o '$T/typed.note' 2>/dev/null
	X
	timeout 60 script -qfec "sh $T/asked.sh" "$T/terminal" <"$T/keyboard" \
		>/dev/null 2>&1 &
	pid=$!
	echo "$pid" >>"$T/pids"
	exec 8>"$T/keyboard"
	# until_shown PATTERN: on the terminal, as what is typed is, too.
	until_shown() {
		shown_i=0
		until grep -q "$1" "$T/terminal" 2>/dev/null; do
			shown_i=$((shown_i + 1))
			if [ "$shown_i" -gt 300 ]; then
				fail "never shown: $1"
				return
			fi
			sleep 0.1
		done
	}
	printf 'y\n' >&8
	until_shown '^y'
	: >"$T/go"
	until_shown 'yes/no'
	printf 'n\n' >&8
	exec 8>&-
	wait "$pid"
	expect_equal "$?" 4 "exit when the answer is no"
	[ ! -e "$T/typed.note" ] || fail "it was signed"
	grep -q 'You sign: roster' "$T/terminal" ||
		fail "the question came without what it is about"
fi

case_start "what was seen so is approved"
see "$T/honest.json" --yes
approve bob "$T/honest.json"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r2.json" \
	--approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
verify_audit

tests_end
