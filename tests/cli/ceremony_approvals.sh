#!/bin/sh
# A plan that sets a roster is run when enough of its people approved these very
# bytes: notes, transcript and log say who, and an audit holds them.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
. "$srcdir/tests/transcript.sh"

for who in alice bob carol mallory; do
	officer_key "$who"
done
roster=$T/roster.json
make_roster "$roster" 1 '"roster": 2, "ceremony": 2' \
	alice:security-officer bob:security-officer carol:security-officer

# plan_of FILE ROSTER VERSION
plan_of() {
	cat >"$1" <<END
{"plan": "ruled", "version": $3, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "set-roster",
   "sha256": "$(sha256sum "$2" | cut -d ' ' -f 1)"}
]}
END
	bind_plan "$1" "$templates"
}

plan=$T/plan.json
plan_of "$plan" "$roster" 1
R=$T/rehearsal
H=$T/acme
F=ceremonies/ruled-1
printf 87654321 >"$T/so-pin"
printf 12345678 >"$T/pin"
expect_exit 0 "$PROVCTL" ceremony rehearse "$plan" --home "$R" --name acme \
	--templates "$templates" --roster "$roster"
module=$(jq -r .module "$R/provctl.json")
cat >"$T/binding.json" <<END
{"binding": "b", "module": "$module", "tokens": ["pkcs11:token=acme"],
 "pin_source": "file:$T/pin", "so_pin_source": "file:$T/so-pin"}
END
i=0
while [ "$i" -lt 12 ]; do
	echo yes
	i=$((i + 1))
done >"$T/yes"
mkdir "$T/tokens" "$T/here"
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
	"$T/tokens" >"$T/tokens.conf"
SOFTHSM2_CONF=$T/tokens.conf
export SOFTHSM2_CONF
cd "$T/here" || exit 1

# ahead COMMAND...: eight days later, when approvals have expired.
echo 691200 >"$T/clock"
ahead() {
	run env CLOCK_FILE="$T/clock" \
		LD_PRELOAD="$builddir/tests/cli/clock.so" "$@"
}

# ceremony ARGUMENT...: run in this folder.
ceremony() {
	set -- ceremony run "$plan" --home "$H" --rehearsal "$R" --name "$name" \
		--binding "$binding" --templates "$templates" \
		--roster "$roster" --answers "$answers" "$@"
	run "$PROVCTL" "$@"
}

# refused CODE RULE ARGUMENT...: and nothing is made.
refused() {
	want_rc=$1
	want_rule=$2
	shift 2
	ceremony "$@"
	expect_equal "$rc" "$want_rc" "exit, with $want_rule"
	expect_text "$want_rule"
	[ ! -e "$H" ] || fail "something was made"
	[ -z "$(ls -A "$T/tokens")" ] || fail "something is on a token"
}

# goes_on CODE RULE: resumed, and refused.
goes_on() {
	run "$PROVCTL" ceremony resume "$plan" --home "$H" \
		--binding "$T/binding.json" --templates "$templates" \
		--answers "$T/yes"
	expect_equal "$rc" "$1" "exit of the run that goes on, with $2"
	expect_text "$2"
}

answers=$T/yes
name=acme
binding=$T/binding.json

case_start "a rehearsal is verified without approvals"
expect_exit 0 "$PROVCTL" ceremony verify "$R/$F/transcript.jsonl" --plan "$plan" \
	--mode rehearsal
head=$("$PROVCTL" --json ceremony verify "$R/$F/transcript.jsonl" \
	--mode rehearsal | jq -r .head)
expect_text "approved by nobody"

case_start "without approvals: a request and nothing else, 11"
refused 11 approval.missing
request=$(echo ceremony-*.json)
expect_text "provctl approve $request"
[ -f "$request" ] || fail "no request"
cp "$request" "$T/first.json"
refused 11 approval.missing
same_bytes "$T/first.json" "$request"
refused 11 approval.missing --request "$T/elsewhere.json"
[ -f "$T/elsewhere.json" ] || fail "no request elsewhere"

case_start "what approvers read"
expect_equal "$(jq -r .root "$request")" - root
approve alice "$request"
expect_equal "$rc" 0 "exit of approve"
expect_text "root -"
expect_text "operation ceremony"
expect_text "authority acme"
expect_text "plan sha256:$(sha256sum "$plan" | cut -d ' ' -f 1)"
expect_text "module $module"
expect_text "token pkcs11:token=acme"
expect_text "home $(uname -n):$H"
expect_text "rehearsal $head"
expect_text "Plan ruled, version 1:"
expect_text "5 of 5: Set the roster"
expect_text "officer bob: bob Example; security-officer"
approve alice "$request" --root "$R/$F/root.pem"
expect_equal "$rc" 5 "exit with a root"
approve alice "$request"
jq --arg x "$(base64 -w 0 "$plan")" '.context.roster = $x' "$request" \
	>"$T/lies.json"
approve bob "$T/lies.json"
expect_equal "$rc" 3 "exit with another roster shown"
jq --arg x "$(sed 's/ruled/other/' "$plan" | base64 -w 0)" \
	'.context.plan = $x' "$request" >"$T/lies.json"
approve bob "$T/lies.json"
expect_equal "$rc" 3 "exit with another plan shown"
jq '.operation = "adopt"' "$request" >"$T/lies.json"
approve bob "$T/lies.json"
expect_equal "$rc" 3 "exit of another operation without a root"

case_start "one is not enough, a stranger's or an edited one is none"
refused 11 "has 1" --approval "$T/notes/alice.note"
approve mallory "$request"
refused 4 approval.unknown --approval "$T/notes/alice.note" \
	--approval "$T/notes/mallory.note"
refused 4 approval.person --approval "$T/notes/alice.note" \
	--approval "$T/notes/alice.note"
approve bob "$request"
sed 's/^operation ceremony/operation adopt/' "$T/notes/bob.note" \
	>"$T/notes/edited.note"
refused 5 approval.signature --approval "$T/notes/alice.note" \
	--approval "$T/notes/edited.note"

case_start "another home, name, token or rehearsal: refused"
set -- --approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
real=$H
H=$T/beside
refused 5 approval.subject "$@"
H=$real
name=other
refused 5 approval.subject "$@" --origin acme
name=acme
binding=$T/other.json
sed 's/token=acme/token=other/' "$T/binding.json" >"$binding"
refused 5 approval.subject "$@"
binding=$T/binding.json
real=$R
R=$T/again
expect_exit 0 "$PROVCTL" ceremony rehearse "$plan" --home "$R" --name acme \
	--templates "$templates" --roster "$roster"
refused 5 approval.subject "$@"
R=$real

case_start "another plan, another log, one that expired: refused"
cp "$plan" "$T/kept"
plan_of "$plan" "$roster" 2
expect_exit 0 "$PROVCTL" ceremony rehearse "$plan" --home "$T/other" \
	--name acme --templates "$templates" --roster "$roster"
run "$PROVCTL" ceremony run "$plan" --home "$H" --rehearsal "$T/other" \
	--name acme --binding "$T/binding.json" --templates "$templates" \
	--roster "$roster" --answers "$T/yes" \
	--approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_equal "$rc" 5 "exit with another plan"
expect_text approval.subject
cp "$T/kept" "$plan"
refused 5 approval.other --approval "$T/notes/alice.note" \
	--approval "$T/notes/bob.note" --origin another
make_roster "$T/theirs.json" 1 '"roster": 1' alice:security-officer \
	mallory:security-officer
right=$roster
roster=$T/theirs.json
refused 4 plan.roster --approval "$T/notes/alice.note"
roster=$right
jq '.expires = "2026-01-01T00:00:00Z"' "$request" >"$T/late.json"
approve carol "$T/late.json"
expect_equal "$rc" 4 "exit of approve"
expect_text approval.expired

case_start "a roster that the plan does not set"
jq -c 'del(.steps[4])' "$T/kept" >"$plan"
expect_exit 0 "$PROVCTL" ceremony rehearse "$plan" --home "$T/unruled" \
	--name acme --templates "$templates"
run "$PROVCTL" ceremony run "$plan" --home "$H" --rehearsal "$T/unruled" \
	--name acme --binding "$T/binding.json" --templates "$templates" \
	--roster "$roster" --answers "$T/yes"
expect_equal "$rc" 4 "exit with a roster"
expect_text plan.roster
run "$PROVCTL" ceremony run "$plan" --home "$H" --rehearsal "$T/unruled" \
	--name acme --binding "$T/binding.json" --templates "$templates" \
	--answers "$T/yes" --approval "$T/notes/alice.note"
expect_equal "$rc" 4 "exit with approvals nobody asked for"
expect_text approval.roster
[ ! -e "$H" ] || fail "something was made"
printf '%s\n' yes stop >"$T/stop"
run "$PROVCTL" ceremony run "$plan" --home "$H" --rehearsal "$T/unruled" \
	--name acme --binding "$T/binding.json" --templates "$templates" \
	--answers "$T/stop"
expect_equal "$rc" 130 "exit of the stopped run"
cp "$roster" "$H/$F/roster.json"
goes_on 4 plan.roster
rm -rf "$H" "$T/tokens"/*
cp "$T/kept" "$plan"

case_start "approvals that have expired begin nothing"
ahead "$PROVCTL" ceremony run "$plan" --home "$H" --rehearsal "$R" \
	--name acme --binding "$T/binding.json" --templates "$templates" \
	--roster "$roster" --answers "$T/yes" \
	--approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_equal "$rc" 4 "exit with expired approvals"
expect_text approval.expired
[ ! -e "$H" ] || fail "something was made"

case_start "two approve, people stop it, and it goes on"
answers=$T/stop
ceremony --approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
expect_equal "$rc" 130 "exit of the stopped run"
expect_error 2 '' ceremony resume "$plan" --home "$H" \
	--approval "$T/notes/alice.note"
flip "$H/$F/approvals.note" 40
run "$PROVCTL" ceremony resume "$plan" --home "$H" --templates "$templates" \
	--binding "$T/binding.json" --answers "$T/yes"
expect_equal "$rc" 3 "exit with changed approvals"
flip "$H/$F/approvals.note" 40

case_start "what a run was told when it began, its folder says, too"
cp -R "$H/$F" "$T/began"
# back: the folder as it was.
back() {
	rm -rf "$H/$F"
	cp -R "$T/began" "$H/$F"
}
sed 's/^authority acme/authority other/' "$T/began/approved.txt" \
	>"$H/$F/approved.txt"
goes_on 5 approval.subject
back
cp "$T/theirs.json" "$H/$F/roster.json"
goes_on 4 plan.roster
rm "$H/$F/roster.json"
goes_on 4 plan.roster
back
rm "$H/$F/rehearsed"
goes_on 4 plan.rehearsed
printf %064d 0 >"$H/$F/rehearsed"
goes_on 4 plan.rehearsed
back
head -n 1 "$T/began/transcript.jsonl" | jq -c 'del(.facts.rehearsed)' \
	>"$H/$F/transcript.jsonl"
goes_on 4 plan.rehearsed
back
printf init >"$H/$F/mode"
goes_on 5 ceremony.mode
back
# They were good when it began.
ahead "$PROVCTL" ceremony resume "$plan" --home "$H" \
	--templates "$templates" --binding "$T/binding.json" --answers "$T/yes"
expect_equal "$rc" 0 "exit of the resumed run, days later"
lines=$H/$F/transcript.jsonl
expect_equal "$(jq -r 'select(.event == "approvals").facts.persons' "$lines")" \
	alice,bob "persons of the transcript"
expect_exit 0 "$PROVCTL" ceremony verify --unattended "$lines" --plan "$plan"
expect_text "plan approved by alice,bob"

case_start "the log holds them, and an audit holds the log"
expect_exit 0 "$PROVCTL" -C "$H" --json audit show \
	--type ceremony.begin,approval.use
expect_equal "$(jq -r '.type + " " + .object' "$T/out" | tr '\n' ,)" \
	"ceremony.begin ruled,approval.use ceremony," entries
ahead "$PROVCTL" -C "$H" audit verify
expect_equal "$rc" 0 "exit of audit"
ahead "$PROVCTL" -C "$H" status
expect_equal "$rc" 0 "exit of status"
ahead "$PROVCTL" -C "$H" officer review
expect_equal "$rc" 0 "exit of review"
cp -R "$H" "$T/true"
for change in "UPDATE approval SET note = x'00'" "DELETE FROM approval" \
	"DELETE FROM governance WHERE kind = 'ceremony.begin'"; do
	"$builddir/tests/cli/sql" "$H/store.db" "$change" >"$T/sql" 2>&1 ||
		fail "$(cat "$T/sql")"
	ahead "$PROVCTL" -C "$H" audit verify
	expect_equal "$rc" 5 "exit of audit after: $change"
	rm -rf "$H"
	cp -R "$T/true" "$H"
done

case_start "verified offline, with what was approved beside it"
cp -R "$H/$F" "$T/carried"
expect_exit 0 "$PROVCTL" ceremony verify --unattended "$T/carried/transcript.jsonl"
changed_lines "$T/carried" <<'END'
5|ceremony.approval|if .event == "token" then .facts.module = "/tmp/evil.so" else . end
5|ceremony.approval|if .event == "token" then .facts |= del(.module) else . end
END
flip "$T/carried/approvals.note" 40
expect_error 5 ceremony.file ceremony verify "$T/carried/transcript.jsonl"
flip "$T/carried/approvals.note" 40
flip "$T/carried/approved.txt" 40
expect_error 5 ceremony.file ceremony verify "$T/carried/transcript.jsonl"
rm "$T/carried/approvals.note"
expect_error 10 '' ceremony verify "$T/carried/transcript.jsonl"

tests_end
