#!/bin/sh
# A transcript between a stop and what goes on: the log vouches for it, so one
# that was taken away, cut, written anew or added to is found, and what no entry
# vouches for steers nothing.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/transcript.sh"
. "$srcdir/tests/tokens.sh"

R=$T/rehearsal
H=$T/acme
use_tokens "$T/tokens"
bind_tokens "$softhsm" acme

cat >"$T/first.json" <<END
{"plan": "first", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "check-key", "purpose": "root"},
  {"step": "pause", "text": "Put the token into the safe."}
]}
END
cat >"$T/later.json" <<END
{"plan": "later", "version": 1, "steps": [
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256"},
  {"step": "destroy-key", "purpose": "bundle", "generation": 1},
  {"step": "sign-crl", "ca": "root"}
]}
END
bind_plan "$T/first.json" "$templates"

# ceremony WORD NAME ARGUMENT...: by the answers in $T/answers.
ceremony() {
	word=$1
	name=$2
	shift 2
	run "$PROVCTL" ceremony "$word" "$T/$name.json" --home "$H" \
		--templates "$templates" --answers "$T/answers" "$@"
}

answers() {
	printf '%s\n' "$@" >"$T/answers"
}

expect_rule() {
	[ "$rc" -eq "$1" ] || fail "$3: exit $rc, not $1"
	grep -q -F "$2" "$T/err" || fail "$3: no word of $2"
	[ "$case_failed" -eq 0 ] || show_output
}

# add STEP EVENT FACTS: a line more, at the time of the last one.
add() {
	tail -n 1 "$lines" | jq -c --argjson step "$1" --arg event "$2" \
		--argjson facts "$3" \
		'.step = $step | .event = $event | .facts = $facts' >>"$lines"
	rechain "$lines"
}

case_start "an authority, stopped while it is made"
run "$PROVCTL" ceremony rehearse "$T/first.json" --home "$R" --name acme \
	--templates "$templates"
[ "$rc" -eq 0 ] || show_output
lines=$H/ceremonies/first-1/transcript.jsonl
answers yes yes yes yes yes stop
ceremony run first --rehearsal "$R" --binding "$T/binding.json"
expect_equal "$rc" 130 "exit of a stop"
keep_home

case_start "one that is not there any more"
rm "$lines"
answers yes yes yes yes yes yes
ceremony resume first
expect_rule 5 ceremony.transcript "no transcript"
[ ! -e "$lines" ] || fail "another one was begun"

case_start "one that was cut"
whole=$(wc -l <"$T/home.kept/ceremonies/first-1/transcript.jsonl")
for kept in 0 1 5 $((whole - 1)); do
	home_again
	head -n "$kept" "$T/home.kept/ceremonies/first-1/transcript.jsonl" \
		>"$lines"
	ceremony resume first
	expect_rule 5 ceremony.transcript "$kept lines"
done

case_start "one that was written anew"
home_again
sed -i '/"event":"stopped"/d' "$lines"
add 0 resume '{}'
ceremony resume first
expect_rule 5 ceremony.transcript "without the stop"
home_again
sed -i 's/"serial":"/"serial":"f/' "$lines"
rechain "$lines"
ceremony resume first
expect_rule 5 ceremony.transcript "another token"

case_start "in another mode"
home_again
sed -i '1s/"mode":"run"/"mode":"rehearsal"/' "$lines"
rechain "$lines"
printf rehearsal >"$H/ceremonies/first-1/mode"
ceremony resume first
expect_rule 5 ceremony.mode "a rehearsal"

case_start "for another home"
home_again
sed -i 's,file:/,file://,' "$H/ceremonies/first-1/home.json"
ceremony resume first
expect_rule 5 ceremony.file "another source of the PIN"

# goes_on_without WHAT: the lines behind the last entry are kept in a file, and
# not in the transcript, which goes on with the step that was not done.
goes_on_without() {
	tail -n "$1" "$lines" >"$T/behind"
	answers yes stop
	ceremony resume first
	expect_equal "$rc" 130 "exit where the question is asked"
	grep -q "step 5 of 7" "$T/err" || fail "another step"
	same_bytes "$T/behind" "$(dirname "$lines")/transcript.aside-1"
	jq -es --arg lines "$1" \
		--arg hash "$(sha256sum "$T/behind" | cut -d ' ' -f 1)" '
		any(.[]; .event == "set-aside" and .facts.lines == $lines and
			.facts.file == "transcript.aside-1" and
			.facts.file_sha256 == $hash)' "$lines" >/dev/null ||
		fail "no word of what was set aside"
	grep -F -q "$(tail -n 1 "$T/behind")" "$lines" &&
		fail "it stands in the transcript"
	[ ! -e "$H/ceremonies/first-1/transcript.note" ] || fail "it was signed"
}

case_start "with a step more that is done"
home_again
add 6 step '{"kind": "check-key", "about": "root", "present": ""}'
add 6 done '{}'
goes_on_without 2

case_start "with an end that is none"
home_again
add 0 end '{"result": "done", "keys": "3"}'
goes_on_without 1

case_start "with what is no line"
home_again
printf 'no line\n{"seq":' >>"$lines"
tail -n 1 "$lines" >"$T/torn"
answers yes stop
ceremony resume first
expect_equal "$rc" 130 "exit where the question is asked"
cmp -s "$T/torn" "$(dirname "$lines")/transcript.aside-1" &&
	fail "the line before is lost"
[ "$(wc -l <"$(dirname "$lines")/transcript.aside-1")" -eq 1 ] ||
	fail "what was set aside"

case_start "as it was, it goes on"
home_again
answers yes yes yes yes yes yes
ceremony resume first
expect_equal "$rc" 0 resume
[ "$rc" -eq 0 ] || show_output
expect_exit 0 "$PROVCTL" ceremony verify "$lines" --unattended --plan "$T/first.json"
expect_exit 0 "$PROVCTL" -C "$H" --json audit show --type ceremony.step
jq -es 'all(.[]; .facts.mode == "run" and .facts.lines > 0)' "$T/out" \
	>/dev/null || fail "a step without a line of the transcript"

case_start "what lies beside it is what people were shown"
changed_lines "$(dirname "$lines")" <<'END'
5|ceremony.shown|if .facts.subject then .facts.subject = "CN=Other CA,O=acme" else . end
5|ceremony.shown|if .facts.key_usage then .facts.not_after = "2030-01-01T00:00:00Z" else . end
5|ceremony.shown|if .facts.key_usage then .facts.tbs_sha256 = .prev else . end
5|ceremony.shown|if .event == "sign" and .facts.list then .facts.tbs_sha256 = .prev else . end
5|ceremony.shown|if .facts.key_usage then .facts |= del(.not_after) else . end
5|ceremony.order|if .event == "sign" and .facts.list then .facts.tbs_sha256 = "none" else . end
5|ceremony.order|select((.event == "sign" and .step == 0) | not)
5|ceremony.order|select((.event == "answer" and .step == 0) | not)
5|transcript.time|if .event == "end" then .time = "2026-01-01T00:00:00Z" else . end
5|ceremony.file|if .event == "certificate" then .facts.sha256 = .prev else . end
5|ceremony.file|if .event == "certificate" then .facts |= del(.sha256) else . end
END

case_start "which token it was is what the log's key has signed"
changed_lines "$(dirname "$lines")" <<'END'
5|ceremony.note|if .event == "token" then .facts.serial = "0123456789abcdef" else . end
5|ceremony.note|if .event == "token" then .facts.label = "other" else . end
5|ceremony.order|select(.event != "token")
END
cp -R "$(dirname "$lines")" "$T/changed"
sed -i 's/"serial":"/"serial":"f/' "$T/changed/transcript.jsonl"
expect_error 5 transcript.chain ceremony verify --unattended \
	"$T/changed/transcript.jsonl"
rm -r "$T/changed"

case_start "a line that no entry vouches for steers nothing"
bind_plan "$T/later.json" "$templates"
run "$PROVCTL" ceremony rehearse "$T/later.json" --home "$R" \
	--templates "$templates"
[ "$rc" -eq 0 ] || show_output
lines=$H/ceremonies/later-1/transcript.jsonl
answers yes stop
ceremony run later --rehearsal "$R"
expect_equal "$rc" 130 "exit of a stop"
cp "$lines" "$T/begun"
ceremony run later --rehearsal "$R"
expect_rule 9 ceremony.begun "run once more, in place of resume"
same_bytes "$T/begun" "$lines"
expect_exit 0 "$PROVCTL" -C "$H" export log --out "$T/log.early"
keep_home
add 2 token '{"serial": "0123456789abcdef"}'
add 2 step '{"kind": "destroy-key", "about": "bundle", "present": ""}'
add 2 target '{"label": "acme/bundle/1", "value": "1"}'
answers yes stop
ceremony resume later
expect_equal "$rc" 130 "exit where the question is asked"
jq -es 'any(.[]; .event == "ask" and (.facts.text | test("^Destroy key")))' \
	"$lines" >/dev/null || fail "nobody was asked before a key goes"
jq -es 'all(.[]; .event != "destroyed")' "$lines" >/dev/null ||
	fail "the key is gone"

case_start "a note that nobody signed ends nothing"
home_again
: >"$H/ceremonies/later-1/transcript.note"
answers yes yes yes yes yes yes
for word in resume run; do
	if [ "$word" = run ]; then
		ceremony run later --rehearsal "$R"
	else
		ceremony resume later
	fi
	expect_rule 5 ceremony.order "$word: an empty note is its end"
	case $(cat "$T/out") in
	*"nothing done"*) fail "$word: nothing done" ;;
	esac
done

case_start "as it was, that goes on, too"
home_again
answers yes yes yes yes yes yes
ceremony resume later
expect_equal "$rc" 0 resume
[ "$rc" -eq 0 ] || show_output
expect_exit 0 "$PROVCTL" ceremony verify "$lines" --unattended --plan "$T/later.json"
ceremony resume later
expect_equal "$rc" 0 "once more"
expect_text "nothing done"

case_start "offline, beside the log"
expect_exit 0 "$PROVCTL" -C "$H" export log --out "$T/log"
for name in first later; do
	expect_exit 0 "$PROVCTL" ceremony verify --unattended --log "$T/log" \
		"$H/ceremonies/$name-1/transcript.jsonl"
	expect_text "of the log say the same"
done
expect_error 5 ceremony.transcript ceremony verify --unattended \
	--log "$T/log.early" "$lines"
expect_exit 0 "$PROVCTL" -C "$R" export log --out "$T/log.rehearsal"
expect_error 5 log.checkpoint ceremony verify --unattended \
	--log "$T/log.rehearsal" "$lines"
expect_error 5 ceremony.mode ceremony verify --unattended "$lines" \
	--log "$T/log.rehearsal" \
	--log-key "$("$PROVCTL" -C "$R" export key --purpose log --vkey)"
expect_error 2 usage.option ceremony verify --log-key x "$lines"

case_start "plan and home beside it are those that it is of"
for file in plan.json home.json; do
	cp -R "$H/ceremonies/first-1" "$T/carried"
	expect_exit 0 "$PROVCTL" ceremony verify --unattended \
		"$T/carried/transcript.jsonl"
	flip "$T/carried/$file" 20
	expect_error 5 ceremony.file ceremony verify --unattended \
		"$T/carried/transcript.jsonl"
	rm "$T/carried/$file"
	expect_exit 0 "$PROVCTL" ceremony verify --unattended \
		"$T/carried/transcript.jsonl"
	rm -r "$T/carried"
done

case_start "what ended does not hold any more"
cp "$H/ceremonies/later-1/transcript.note" "$T/note"
cp "$R/ceremonies/later-1/transcript.note" \
	"$H/ceremonies/later-1/transcript.note"
ceremony resume later
expect_rule 5 ceremony.note "another note"
cp "$T/note" "$H/ceremonies/later-1/transcript.note"
cp "$R/ceremonies/first-1/transcript.jsonl" \
	"$R/ceremonies/first-1/transcript.note" "$R/ceremonies/first-1/root.pem" \
	"$H/ceremonies/first-1"
ceremony resume first
expect_rule 5 ceremony.mode "the transcript of its rehearsal"

tests_end
