#!/bin/sh
# A key that is backed up and restored, killed before and behind calls to the
# tokens: it goes on, and nothing is there twice or in halves.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/keepers.sh"
. "$srcdir/tests/tokens.sh"
. "$srcdir/tests/kills.sh"
step=8

plan=$T/plan.json
cat >"$plan" <<END
{"plan": "small", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256", "backup": true},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "back-up-key", "purpose": "root", "shares": 3, "threshold": 2,
   "print": true},
  {"step": "restore-key", "purpose": "root"}
]}
END
bind_plan "$plan" "$templates"
H=$T/acme
M=$T/media
F=ceremonies/small-1/transcript.jsonl
mkdir "$M"
run "$PROVCTL" ceremony rehearse "$plan" --home "$T/whole" --name acme \
	--templates "$templates" --media "$M"
[ "$rc" -eq 0 ] || show_output
bind_tokens "$builddir/tests/fault/shim.so" acme spare
use_tokens "$T/tokens"
new_token spare
cp -R "$T/tokens" "$T/empty"

# ceremony WORD NAME=VALUE...
ceremony() {
	word=$1
	shift
	attended "$H/$F" "$M/shares" env "$@" "$PROVCTL" ceremony "$word" \
		"$plan" --home "$H" --binding "$T/binding.json" $rehearsal \
		--media "$M" --templates "$templates" --answers "$T/said"
}

anew() {
	rm -rf "$H" "$T/tokens" "$M"
	mkdir "$M"
	cp -R "$T/empty" "$T/tokens"
}

go() {
	rehearsal="--rehearsal $T/whole --name acme"
	ceremony run "$@"
}

# The token is looked at before there is a home: with none it begins.
go_on() {
	if [ ! -e "$H" ]; then
		go KILL=none
		return
	fi
	rehearsal=
	past_orphans "$H/$F" 12345678 ceremony resume
}

done_well() {
	if [ "$rc" -ne 0 ]; then
		fail "$1: resume ends with $rc"
		show_output
	fi
	expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$plan" "$H/$F"
	expect_exit 0 "$PROVCTL" -C "$H" audit verify
	expect_equal "$(objects acme)" 5 "$1: objects on the first token"
	expect_equal "$(objects spare)" 2 "$1: objects on the second token"
}

case_start "killed before calls to the tokens"
kill_at_each before 5
done_well "without a kill"

case_start "killed behind calls to the tokens"
kill_at_each behind 5

tests_end
