#!/bin/sh
# A medium that keeps no modes, and one on which a crash left the half of a
# share's file.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/keepers.sh"
. "$srcdir/tests/tokens.sh"

plan=$T/plan.json
cat >"$plan" <<END
{"plan": "paper", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256", "backup": true},
  {"step": "back-up-key", "purpose": "bundle", "shares": 2, "threshold": 2,
   "print": true}
]}
END
H=$T/acme
R=$T/rehearsal
M=$T/media
log=$H/ceremonies/paper-1/transcript.jsonl
mkdir "$M"
bind_plan "$plan" "$templates"
use_tokens "$T/tokens"
bind_tokens "$softhsm" acme

# Before a command: the files of the medium have the mode of its mount.
fat="env LD_PRELOAD=$builddir/tests/cli/modes.so MODES_OFF=$M"

case_start "a rehearsal asks nobody"
# shellcheck disable=SC2086 # words
expect_exit 0 $fat "$PROVCTL" ceremony rehearse "$plan" --home "$R" \
	--templates "$templates" --name acme --media "$M"
rm -rf "$M/acme"

case_start "no share is written where everybody reads it, unless people say so"
head -n 4 "$T/yes" >"$T/few"
# shellcheck disable=SC2086
expect_exit 130 $fat "$PROVCTL" ceremony run "$plan" --home "$H" \
	--templates "$templates" --name acme --media "$M" \
	--binding "$T/binding.json" --rehearsal "$R" --answers "$T/few"
expect_text "The medium keeps no modes"
expect_text "rule: ceremony.stopped"
expect_equal "$(ls -A "$M/acme")" "" "files on the medium"

case_start "what a crash left on the medium is removed, and named"
# After a restart another process may have the number: this one has it.
half=.bundle-1.0011223344556677.share-1.txt.0.$$.tmp
echo "1 0011" >"$M/acme/$half"
head -n 1 "$T/yes" >"$T/few"
expect_exit 130 "$PROVCTL" ceremony resume "$plan" --home "$H" \
	--templates "$templates" --media "$M" --binding "$T/binding.json" \
	--answers "$T/few"
[ ! -e "$M/acme/$half" ] || fail "it is there still"
expect_equal "$(jq -r 'select(.event == "swept") | .facts.file' "$log")" \
	"$half" "what the transcript names"
rm -f "$M/acme"/*.txt

case_start "a folder that cannot be read to its end: 8, and no share is written"
# What a crash left, before all and before the step; texts of shares.
for n in 1 2 3; do
	preload=$builddir/tests/cli/failing.so:$builddir/tests/cli/modes.so
	run env FAIL_LIST_IN="$M/acme" FAIL_LISTS=$n MODES_OFF="$M" \
		LD_PRELOAD="$preload" "$PROVCTL" ceremony resume \
		"$plan" --home "$H" --templates "$templates" --media "$M" \
		--binding "$T/binding.json" --answers "$T/yes"
	expect_equal "$rc" 8 "exit with listing $n ($(tail -n 3 "$T/err"))"
	expect_text "rule: dir.read"
	expect_equal "$(ls "$M/acme")" SHA256SUMS "files on the medium"
done

case_start "they say so, and it is written down"
# shellcheck disable=SC2086
attended "$log" "$T/papers" $fat "$PROVCTL" ceremony resume "$plan" \
	--home "$H" --templates "$templates" --media "$M" --binding "$T/binding.json" \
	--answers "$T/said"
expect_equal "$rc" 0 "exit of the run that goes on ($(cat "$T/err"))"
expect_equal "$(jq -r .facts.text "$log" | grep -c "keeps no modes")" 4 \
	"questions about the modes"
expect_exit 0 "$PROVCTL" ceremony verify "$log" --unattended --plan "$plan"
verify_audit

tests_end
