#!/bin/sh
# A later plan sets the next roster: approved by the people of the one before,
# beside the plan, and asked for ahead; bound to its bytes, also after a stop.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
. "$srcdir/tests/tokens.sh"
. "$srcdir/tests/kills.sh"
step=5

for who in alice bob carol dave; do
	officer_key "$who"
done
quorum='"roster": 2, "ceremony": 2, "rotate_ca": 2'
make_roster "$T/v1.json" 1 "$quorum" \
	alice:security-officer bob:security-officer carol:security-officer
make_roster "$T/v2.json" 2 "$quorum" \
	alice:security-officer bob:security-officer dave:security-officer
make_roster "$T/v3.json" 3 "$quorum" \
	alice:security-officer carol:security-officer dave:security-officer
H=$T/acme
R=$T/rehearsal
cat >"$T/first.json" <<END
{"plan": "first", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"}
]}
END
# roster_plan NAME FILE
roster_plan() {
	cat >"$T/$1.json" <<END
{"plan": "$1", "version": 1, "steps": [
  {"step": "sign-crl", "ca": "root"},
  {"step": "set-roster", "sha256": "$(sha256sum "$2" | cut -d ' ' -f 1)"},
  {"step": "check-key", "purpose": "root"}
]}
END
}
printf '{"plan": "lists", "version": 1, "steps": [
  {"step": "sign-crl", "ca": "root"}
]}\n' >"$T/lists.json"
roster_plan one "$T/v1.json"
roster_plan two "$T/v2.json"
roster_plan three "$T/v3.json"
bind_plan "$T/first.json" "$templates"

expect_rc() {
	[ "$rc" -eq "$1" ] && return
	fail "$2: exit $rc, not $1"
	show_output
}

# ceremony HOME WORD NAME OPTION...: alice does it, where she is somebody.
actor=
ceremony() {
	H=$1
	word=$2
	name=$3
	shift 3
	set -- "$word" "$T/$name.json" --templates "$templates" "$@"
	[ "$word" = rehearse ] || set -- "$@" --answers "$T/yes"
	[ "$word" != run ] || set -- "$@" --rehearsal "$R"
	# shellcheck disable=SC2086 # options
	set -- -C "$H" $actor ceremony "$@"
	if [ "$H" = "$R" ]; then
		(unset SOFTHSM2_CONF
		"$PROVCTL" "$@") >"$T/out" 2>"$T/err"
		rc=$?
	else
		run "$PROVCTL" "$@"
	fi
}

# notes HOME OPERATION WHO...: an option for each, in $T/given.
notes() {
	set -- "$1/requests/$2"-*.json "$@"
	[ -f "$1" ] || fail "no request for $3"
	asked=$1
	op=$3
	shift 3
	for who in "$@"; do
		approve "$who" "$asked"
		[ "$rc" -eq 0 ] || fail "approving $op: $(cat "$T/err")"
		said=$(cat "$T/out" "$T/err" | grep -c "This is for a rehearsal")
		want=0
		[ "$home $op" != "$R ceremony" ] || want=1
		expect_equal "$said" "$want" "a word of the rehearsal in $op"
		cp "$T/notes/$who.note" "$T/notes/$op.$who"
		printf '%s\n' --approval "$T/notes/$op.$who" >>"$T/given"
	done
}

# both HOME NAME FILE WHO...: the people of before approve plan and roster.
both() {
	home=$1
	plan=$2
	file=$3
	shift 3
	rm -f "$home"/requests/* "$T/given"
	word=run
	[ "$home" != "$R" ] || word=rehearse
	ceremony "$home" "$word" "$plan" --roster "$file"
	expect_rc 11 "nobody approved $plan"
	expect_text "2 requests"
	[ ! -e "$home/ceremonies/$plan-1" ] || fail "something was made"
	notes "$home" ceremony "$@"
	notes "$home" roster "$@"
}

given() {
	tr '\n' ' ' <"$T/given"
}

audited() {
	expect_exit 0 "$PROVCTL" -C "$H" audit verify
	expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
	expect_exit 0 "$PROVCTL" -C "$H" status
}

version() {
	expect_exit 0 "$PROVCTL" -C "$H" --json audit show --type roster.change
	jq -s 'last.facts.version' "$T/out"
}

case_start "the first roster, in a home that has none"
expect_exit 0 "$PROVCTL" ceremony rehearse "$T/first.json" --home "$R" \
	--name acme --templates "$templates"
use_tokens "$T/tokens"
bind_tokens "$softhsm" acme
expect_exit 0 "$PROVCTL" ceremony run "$T/first.json" --home "$T/acme" \
	--name acme --rehearsal "$R" --binding "$T/binding.json" \
	--templates "$templates" --answers "$T/yes"
ceremony "$R" rehearse lists
expect_rc 0 "rehearsed"
ceremony "$R" rehearse one --roster "$T/v1.json"
expect_rc 0 "rehearsed"
echo stop >"$T/stop"
run "$PROVCTL" -C "$T/acme" ceremony run "$T/lists.json" --rehearsal "$R" \
	--templates "$templates" --answers "$T/stop"
expect_rc 130 "stopped, while there is no roster"
ceremony "$T/acme" run one
expect_rc 4 "without it"
expect_text "rule: plan.roster"
ceremony "$T/acme" run one --roster "$T/v2.json"
expect_rc 4 "another one"
expect_text "rule: plan.roster"
[ ! -e "$H/ceremonies/one-1" ] || fail "something was made"
printf 'yes\nyes\nyes\nstop\n' >"$T/stop"
run "$PROVCTL" -C "$T/acme" ceremony run "$T/one.json" --rehearsal "$R" \
	--templates "$templates" --answers "$T/stop" --roster "$T/v1.json"
expect_rc 130 "stopped behind the roster"
expect_equal "$(version)" 1 "the roster in force"
ceremony "$T/acme" resume one
expect_rc 0 "set"
audited
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/one.json" \
	"$H/ceremonies/one-1/transcript.jsonl"

actor="--as alice --key $T/keys/alice.key"
case_start "a plan that nobody was asked about does not go on under a roster"
ceremony "$T/acme" resume lists
expect_rc 4 "begun before there was a roster"
expect_text "rule: ceremony.roster"

case_start "the next one: its approvals are asked for with the plan's"
both "$R" two "$T/v2.json" bob carol
# shellcheck disable=SC2046 # paths without blanks
ceremony "$R" rehearse two --roster "$T/v2.json" $(given)
expect_rc 0 "rehearsed"
both "$T/acme" two "$T/v2.json" bob carol
expect_exit 0 "$PROVCTL" approve "$H"/requests/ceremony-*.json --as dave \
	--key "$T/keys/dave.key" --yes -o "$T/notes/dave"
expect_text "officer dave: dave Example"
# shellcheck disable=SC2046 # paths without blanks
ceremony "$T/acme" run two --roster "$T/v2.json" \
	$(given | sed 's/--approval [^ ]*roster.carol//')
expect_rc 11 "one did not approve the roster"
[ ! -e "$H/ceremonies/two-1" ] || fail "something was made"

case_start "stopped before it, and gone on with: the same roster, or none"
printf 'yes\nyes\nstop\n' >"$T/stop"
# shellcheck disable=SC2046 # paths without blanks
by alice ceremony run "$T/two.json" --templates "$templates" --rehearsal "$R" \
	--answers "$T/stop" --roster "$T/v2.json" $(given)
expect_rc 130 "stopped"
expect_equal "$(version)" 1 "the roster in force"
kept=$H/ceremonies/two-1/roster-next.json
same_bytes "$T/v2.json" "$kept"
cp "$T/v3.json" "$T/kept.json"
chmod 600 "$T/kept.json"
cp -p "$T/kept.json" "$kept"
# shellcheck disable=SC2046 # paths without blanks
ceremony "$T/acme" resume two $(given)
expect_rc 4 "another roster lies in the folder"
expect_text "rule: plan.roster"
cp "$T/v2.json" "$kept"
ceremony "$T/acme" resume two --roster "$T/v2.json"
expect_rc 2 "resume has it"
# shellcheck disable=SC2046 # paths without blanks
ceremony "$T/acme" resume two $(given)
expect_rc 0 "gone on with"
expect_equal "$(version)" 2 "the roster in force"
audited
lines=$H/ceremonies/two-1/transcript.jsonl
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/two.json" \
	"$lines"
expect_text "approved by bob,carol"
expect_exit 0 "$PROVCTL" -C "$H" export log --out "$T/log"
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/two.json" \
	--log "$T/log" "$lines"
rm -r "$T/log"
jq -es --arg hash "$(sha256sum "$T/v2.json" | cut -d ' ' -f 1)" \
	'any(.[]; .event == "roster" and .facts.sha256 == $hash)' "$lines" \
	>/dev/null || fail "the roster does not stand in the transcript"

case_start "from then on its people count"
both "$R" three "$T/v3.json" bob dave
# shellcheck disable=SC2046 # paths without blanks
ceremony "$R" rehearse three --roster "$T/v3.json" $(given)
expect_rc 0 "rehearsed"
both "$T/acme" three "$T/v3.json" bob dave
keep_home
sed 's/dave/carol/' "$T/given" >"$T/before"
approve carol "$H"/requests/ceremony-*.json
cp "$T/notes/carol.note" "$T/notes/ceremony.carol"
approve carol "$H"/requests/roster-*.json
cp "$T/notes/carol.note" "$T/notes/roster.carol"
# shellcheck disable=SC2046 # paths without blanks
ceremony "$T/acme" run three --roster "$T/v3.json" \
	$(tr '\n' ' ' <"$T/before")
expect_rc 4 "one of them is in it no more"
# shellcheck disable=SC2046 # paths without blanks
ceremony "$T/acme" run three --roster "$T/v3.json" $(given)
expect_rc 0 "by those of the second one"
expect_equal "$(version)" 3 "the roster in force"
audited

case_start "killed where something is made durable"
anew() {
	home_again
}
go() {
	# shellcheck disable=SC2046,SC2086 # options, paths without blanks
	run env "$@" "$PROVCTL" -C "$H" $actor ceremony run "$T/three.json" \
		--templates "$templates" --rehearsal "$R" --answers "$T/yes" \
		--roster "$T/v3.json" $(given)
}
go_on() {
	# shellcheck disable=SC2046 # paths without blanks
	ceremony "$H" resume three $(given)
	# It did not come to a beginning.
	[ "$rc" -ne 10 ] || go
}
done_well() {
	expect_rc 0 "$1"
	expect_equal "$(version)" 3 "$1: the roster in force"
	audited
	expect_exit 0 "$PROVCTL" ceremony verify --unattended \
		--plan "$T/three.json" "$H/ceremonies/three-1/transcript.jsonl"
}
kill_at_each durable 3

tests_end
