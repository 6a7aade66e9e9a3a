#!/bin/sh
# A ceremony that is killed where it makes something durable, and before and
# behind its calls to the token, and goes on.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
. "$srcdir/tests/tokens.sh"
. "$srcdir/tests/kills.sh"
step=17

roster=$T/roster.json
officer_key alice
make_roster "$roster" 1 '"roster": 1' alice:security-officer

plan=$T/plan.json
cat >"$plan" <<END
{"plan": "small", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "issuing-1", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "issue-ca", "ca": "issuing-1", "issuer": "root",
   "template": "issuing-ca"},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256"},
  {"step": "adopt", "template": "tls-client"},
  {"step": "set-roster",
   "sha256": "$(sha256sum "$roster" | cut -d ' ' -f 1)"},
  {"step": "check-key", "purpose": "root"},
  {"step": "pause", "text": "Lock the token away."}
]}
END
bind_plan "$plan" "$templates"
H=$T/acme
F=ceremonies/small-1/transcript.jsonl

rehearse() {
	run env "$@" "$PROVCTL" ceremony rehearse "$plan" --home "$H" \
		--name acme --templates "$templates" --roster "$roster"
}

# In the home's own token folder.
own_token() {
	SOFTHSM2_CONF=$H/softhsm/softhsm2.conf
	export SOFTHSM2_CONF
	own_pin=$(cat "$H/softhsm/pin" 2>/dev/null)
}

# resume OPTION...
resume() {
	run "$PROVCTL" ceremony resume "$plan" --home "$H" \
		--templates "$templates" --answers "$T/yes" "$@"
}

# whole WHAT MODE: the ceremony is done, in the mode that it was begun in.
whole() {
	if [ "$rc" -ne 0 ]; then
		fail "$1: resume ends with $rc"
		show_output
	fi
	expect_exit 0 "$PROVCTL" ceremony verify --plan "$plan" \
		--mode "$2" --unattended "$H/$F"
	jq -es --arg mode "$2" '.[0].facts.mode == $mode' "$H/$F" >/dev/null ||
		fail "$1: it is no $2 any more"
	expect_exit 0 "$PROVCTL" -C "$H" audit verify
	expect_equal "$(objects acme "$own_pin")" 10 "$1: objects on the token"
}

case_start "a rehearsal, killed where something is made durable"
anew() {
	rm -rf "$H"
	unset SOFTHSM2_CONF
}

go() {
	rehearse "$@"
	own_token
}

# Before there is a plan there is nothing to go on with.
go_on() {
	began=0
	[ -e "$H/ceremonies/small-1/plan.json" ] || began=10
	past_orphans "$H/$F" "$own_pin" resume
	own_token
}

done_well() {
	if [ "$began" -ne 0 ]; then
		expect_equal "$rc" 10 "$1: nothing begun, exit"
	else
		whole "$1" rehearsal
	fi
}

rehearse KILL=none
own_token
whole "without a kill" rehearsal
cp -R "$H" "$T/whole"
kill_at_each durable 5

case_start "not without approvals"
rm -rf "$H"
own_pin=12345678
bind_tokens "$builddir/tests/fault/shim.so" acme
use_tokens "$T/tokens"
run "$PROVCTL" ceremony run "$plan" --home "$H" --rehearsal "$T/whole" \
	--binding "$T/binding.json" --templates "$templates" \
	--roster "$roster" --request "$T/request.json"
expect_equal "$rc" 11 "exit without approvals"
approve alice "$T/request.json"

anew() {
	rm -rf "$H" "$T/tokens"
	mkdir "$T/tokens"
}

go() {
	run env "$@" "$PROVCTL" ceremony run "$plan" --home "$H" \
		--rehearsal "$T/whole" --binding "$T/binding.json" \
		--templates "$templates" --roster "$roster" \
		--answers "$T/yes" --approval "$T/notes/alice.note"
}

# The token is looked at before there is a home: with none it begins.
go_on() {
	if [ ! -e "$H" ]; then
		go KILL=none
		return
	fi
	past_orphans "$H/$F" "$own_pin" resume --binding "$T/binding.json"
}

done_well() {
	whole "$1" run
}

case_start "a run, killed before calls to the token"
kill_at_each before 3

case_start "a run, killed behind calls to the token"
kill_at_each behind 3

tests_end
