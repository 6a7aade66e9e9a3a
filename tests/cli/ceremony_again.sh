#!/bin/sh
# At a terminal a medium that has not what is needed, too few shares and a share
# with a typing mistake are put right where they are asked for; a file of
# answers ends with the first of them.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/keepers.sh"
. "$srcdir/tests/tokens.sh"
command -v expect >/dev/null || {
	echo "ok - ceremony_again: # SKIP no expect for a terminal"
	exit 77
}
TERM=xterm
export TERM

cat >"$T/first.json" <<END
{"plan": "first", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256", "backup": true},
  {"step": "generate-key", "purpose": "log", "kind": "P-256", "backup": true},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "back-up-key", "purpose": "root", "shares": 3, "threshold": 2,
   "print": true},
  {"step": "back-up-key", "purpose": "log", "shares": 3, "threshold": 2,
   "print": true}
]}
END
cat >"$T/restore.json" <<END
{"plan": "restore", "version": 1, "steps": [
  {"step": "restore-key", "purpose": "root"},
  {"step": "restore-key", "purpose": "log"}
]}
END
H=$T/acme
M=$T/media
R=$T/rehearsal
bind_plan "$T/first.json" "$templates"
mkdir "$M" "$T/rehearsed"

rehearse() { # PLAN OPTION...
	file=$1
	shift
	(unset SOFTHSM2_CONF
	"$PROVCTL" ceremony rehearse "$T/$file.json" --home "$R" \
		--templates "$templates" --media "$T/rehearsed" "$@") \
		>"$T/out" 2>"$T/err" || fail "rehearse: $(tail -n 3 "$T/err")"
}

# room ARGUMENT...: provctl on a terminal, by the script on standard input.
room() {
	cat >"$T/script"
	expect "$srcdir/tests/cli/room.exp" "$T/script" "$PROVCTL" "$@" \
		>"$T/raw" 2>"$T/err"
	rc=$?
	tr -d '\r' <"$T/raw" >"$T/out"
	grep "NEVER [AE]" "$T/out" >"$T/never" && fail "$(cat "$T/never")"
}

line() {
	printf '%s\t%s\n' "$1" "$2"
}

case_start "two keys in shares, and a token that came later"
rehearse first --name acme
rehearse restore
use_tokens "$T/tokens"
bind_tokens "$softhsm" acme
attended "$H/ceremonies/first-1/transcript.jsonl" "$T/papers" \
	"$PROVCTL" ceremony run "$T/first.json" --home "$H" --name acme \
	--binding "$T/binding.json" --rehearsal "$R" --media "$M" \
	--templates "$templates" --answers "$T/said"
expect_equal "$rc" 0 "exit of run ($(tail -n 3 "$T/err"))"
new_token spare
jq '.tokens += ["pkcs11:token=spare"]' "$H/provctl.json" >"$T/config" &&
	cat "$T/config" >"$H/provctl.json"
accept_module
mv "$M/acme" "$T/kept"

case_start "a file of answers: it ends"
cp -R "$H" "$T/home.kept"
expect_exit 10 "$PROVCTL" ceremony run "$T/restore.json" --home "$H" \
	--templates "$templates" --media "$M" --rehearsal "$R" \
	--answers "$T/yes"
expect_text "rule: media.file"
grep -q "Try again" "$H/ceremonies/restore-1/transcript.jsonl" &&
	fail "somebody was asked"
rm -rf "$H"
mv "$T/home.kept" "$H"

case_start "a terminal: put right, and tried again"
root_share() {
	echo "$T/papers"/root-1.*.share-"$1".txt
}
mangled=$T/mangled.txt
sed 's/^1 ..../1 zzzz/' "$(root_share 2)" >"$mangled"
room ceremony run "$T/restore.json" --home "$H" --templates "$templates" \
	--media "$M" --rehearsal "$R" <<END
$(line "Step 1 of 2: go on? [yes/stop]" yes)
$(line "Try again? [yes/stop]" yes)
$(line "Try again? [yes/stop]" "!cp -R $T/kept $M/acme")
$(line "? [yes/stop]" yes)
$(line "Try again? [yes/stop]" "!mkdir $M/shares && cp $(root_share 1) $M/shares")
$(line "Try again? [yes/stop]" "!cp $mangled $M/shares/two.txt")
$(line "Try again? [yes/stop]" "!cp $(root_share 2) $M/shares/two.txt")
$(line "Step 2 of 2: go on? [yes/stop]" "!cp $T/papers/log-1.*.share-[13].txt $M/shares")
$(line "..." 12345678)
END
expect_equal "$rc" 0 "exit of the restore ($(tail -n 5 "$T/out"))"
lines=$H/ceremonies/restore-1/transcript.jsonl
expect_equal "$(jq -r 'select(.event == "ask").facts.text |
	select(endswith("Try again")) | capture("\\((?<r>[a-z.]+)\\)").r' \
	"$lines" | tr '\n' ' ')" \
	"media.file media.file shares.few shares.few shares.text " \
	"what was put right"
expect_equal "$(jq -r .event "$lines" | grep -c failed)" 0 "failures"
expect_equal "$(objects spare)" 4 "objects on the second token"
expect_exit 0 "$PROVCTL" ceremony verify --plan "$T/restore.json" "$lines"
for n in 1 2; do
	if grep -q -F "$(sed -n 's/^1 //p' "$(root_share $n)")" "$lines"; then
		fail "a line of share $n stands in the transcript"
	fi
done
verify_audit

tests_end
