#!/bin/sh
# The end of a ceremony is in the log before it is signed: what ended is not
# edited and signed again, a stop behind the last step leaves its trace, and no
# backup is taken for one that the ceremony made.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/later.sh"
. "$srcdir/tests/transcript.sh"

plan first '{"step": "init-token"}' "$(key root P-256)" \
	"$(key issuing-1 P-256)" "$(key bundle P-256)" "$(key log P-256)" \
	'{"step": "self-signed", "ca": "root", "template": "root-ca"}' \
	'{"step": "issue-ca", "ca": "issuing-1", "issuer": "root", "template": "issuing-ca"}'
cp "$srcdir/templates/issuing-ca.json" "$templates/issuing-ca.json"
bind_plan "$T/first.json" "$templates"

# with_log NAME: it holds beside the log of now.
with_log() {
	rm -rf "$T/log"
	expect_exit 0 "$PROVCTL" -C "$H" export log --out "$T/log"
	expect_exit 0 "$PROVCTL" ceremony verify --unattended --log "$T/log" \
		--plan "$T/$1.json" "$H/ceremonies/$1-1/transcript.jsonl"
}

case_start "people stop behind the last step, and that stands there"
rehearse_first
lines=$H/ceremonies/first-1/transcript.jsonl
{
	yes yes | head -n 9
	echo stop
} >"$T/answers"
run "$PROVCTL" ceremony run "$T/first.json" --home "$H" \
	--binding "$T/binding.json" --rehearsal "$R" \
	--answers "$T/answers" --templates "$templates"
expect_rc 130 "the list is not signed"
grep -q 'Sign the revocation list' "$T/err" || fail "another question"
jq -es '.[-1] | .event == "stopped" and .step == 0 and
	.facts.rule == "ceremony.stopped"' "$lines" >/dev/null ||
	fail "no line of the stop"
cp -R "$H" "$T/stopped"

case_start "who takes that line away is found"
sed -i -e '/"event":"stopped"/d' -e '/"answer":"stop"/d' "$lines"
cp "$T/yes" "$T/answers"
run "$PROVCTL" ceremony resume "$T/first.json" --home "$H" \
	--answers "$T/answers" --templates "$templates"
expect_rc 5 "a stop that is not there any more"
rule_is ceremony.transcript
rm -rf "$H"
cp -R "$T/stopped" "$H"

case_start "an end that somebody put there is none"
add 0 end '{"result": "done", "keys": "4"}'
run "$PROVCTL" ceremony resume "$T/first.json" --home "$H" \
	--answers "$T/answers" --templates "$templates"
expect_rc 0 resume
[ -s "$H/ceremonies/first-1/root.crl" ] || fail "no list was signed"
[ "$(jq -s 'map(select(.event == "end")) | length' "$lines")" -eq 1 ] ||
	fail "the end that was put there counts"
with_log first
expect_text "1 time lines were set aside"
cp -p "$H/ceremonies/first-1/transcript.aside-1" "$T/aside"
flip "$H/ceremonies/first-1/transcript.aside-1" 20
expect_error 5 ceremony.file ceremony verify --unattended "$lines"
rm "$H/ceremonies/first-1/transcript.aside-1"
expect_error 10 '' ceremony verify --unattended "$lines"
mv "$T/aside" "$H/ceremonies/first-1/transcript.aside-1"
rm -f "$T/answers"

case_start "a rehearsal is no run, nor a run a rehearsal"
expect_error 4 ceremony.mode ceremony run "$T/first.json" --home "$R" \
	--binding "$T/binding.json" --rehearsal "$R" --answers "$T/yes" \
	--templates "$templates"
expect_error 4 ceremony.mode ceremony rehearse "$T/first.json" --home "$H" \
	--templates "$templates"
expect_exit 0 "$PROVCTL" ceremony run "$T/first.json" --home "$H" \
	--binding "$T/binding.json" --rehearsal "$R" --answers "$T/yes" \
	--templates "$templates"
expect_text "nothing done"
expect_exit 0 "$PROVCTL" ceremony resume "$T/first.json" --home "$R" \
	--templates "$templates"
expect_text "nothing done"

case_start "the log has the end"
plan list '{"step": "sign-crl", "ca": "root"}'
both list
with_log list
lines=$H/ceremonies/list-1/transcript.jsonl
note=$H/ceremonies/list-1/transcript.note
expect_exit 0 "$PROVCTL" -C "$H" --json audit show --type ceremony.step
jq -es --argjson n "$(wc -l <"$lines")" '.[-1].facts |
	.step == "0 end" and .result == "done" and .lines == $n' "$T/out" \
	>/dev/null || fail "it does not say how it ended"
cp "$lines" "$T/lines"
cp "$note" "$T/note"

case_start "what ended is not edited and signed again"
witnessed='{"seq": 0, "time": "", "prev": "", "step": 0, "event": "given",
	"facts": {"file": "root.pem", "sha256": "the old root was destroyed"}}'
rm "$note"
jq -c --argjson more "$witnessed" 'if .event == "end"
	then ($more | .time = $last.time), $last else . end' \
	--argjson last "$(tail -n 1 "$T/lines")" "$T/lines" >"$lines"
rechain "$lines"
ceremony resume list
expect_rc 5 "an edited one"
rule_is ceremony.transcript
[ ! -e "$note" ] || fail "it was signed"

case_start "nor is there anything behind the end"
cp "$T/lines" "$lines"
add 0 resume '{"answers": "file"}'
ceremony resume list
expect_rc 0 "one that ended"
cmp -s "$T/lines" "$lines" || fail "its lines are others"
head -n 4 "$T/note" >"$T/note.text"
head -n 4 "$note" | cmp -s - "$T/note.text" || fail "another head was signed"
[ "$(wc -l <"$H/ceremonies/list-1/transcript.aside-1")" -eq 1 ] ||
	fail "what stood behind its end is lost"
with_log list
audited

case_start "a backup that was put there is none of this ceremony"
M=$T/media
mkdir "$M" "$T/media.rehearsal"
plan backup '{"step": "generate-key", "purpose": "issuing-1", "kind": "P-256", "backup": true}' \
	'{"step": "back-up-key", "purpose": "issuing-1", "shares": 3, "threshold": 2, "print": true}' \
	'{"step": "issue-ca", "ca": "issuing-1", "issuer": "root", "template": "issuing-ca"}'
expect_exit 0 "$PROVCTL" ceremony rehearse "$T/backup.json" --home "$R" \
	--templates "$templates" --media "$T/media.rehearsal"
printf 'yes\nstop\n' >"$T/answers"
ceremony run backup --media "$M"
expect_rc 130 "stopped before the backup"
made=$H/ceremonies/backup-1/issuing-1-2.backup
cp -p "$R/ceremonies/backup-1/issuing-1-2.backup" "$made"
lines=$H/ceremonies/backup-1/transcript.jsonl
jq -c 'select(.step == 2 and (.event | test("^(step|share|wrapped)$")))' \
	"$R/ceremonies/backup-1/transcript.jsonl" >>"$lines"
rechain "$lines"
ceremony resume backup --media "$M"
expect_rc 5 "a rehearsal's backup"
rule_is backup.other
[ ! -e "$M/acme/issuing-1-2.backup" ] || fail "it was given"
rm "$made"

case_start "nor do shares count that were not given out here"
printf 'yes\nyes\nstop\n' >"$T/answers"
ceremony resume backup --media "$M"
expect_rc 130 "the first share"
[ "$(jq -s 'map(select(.event == "share")) | length' "$lines")" -eq 1 ] ||
	fail "shares that somebody else had made count"
[ ! -e "$made" ] || fail "a backup without its shares"

if command -v expect >/dev/null; then
case_start "a clock that goes back in the midst stands there"
plan clock '{"step": "pause", "text": "Set the clock back."}' \
	'{"step": "check-key", "purpose": "root"}'
rehearse clock
echo 600 >"$T/clock"
cat >"$T/clock.exp" <<END
set timeout 60
spawn env CLOCK_FILE=$T/clock LD_PRELOAD=$builddir/tests/cli/clock.so $PROVCTL -C $H ceremony run $T/clock.json --templates $templates --rehearsal $R
expect "Done? "
exec sh -c "echo 000 >$T/clock"
send "yes\r"
expect eof
lassign [wait] pid spawned os code
exit \$code
END
run expect "$T/clock.exp"
expect_rc 4 "the log takes no entry of before"
lines=$H/ceremonies/clock-1/transcript.jsonl
jq -es 'map(select(.event == "clock")) | length == 1 and
	(.[0].facts | .said < .before)' "$lines" >/dev/null ||
	fail "no word of the clock"
echo 700 >"$T/clock"
run env CLOCK_FILE="$T/clock" LD_PRELOAD="$builddir/tests/cli/clock.so" \
	"$PROVCTL" -C "$H" ceremony resume "$T/clock.json" \
	--templates "$templates" --answers "$T/yes"
expect_rc 0 "with a clock that is right"
expect_exit 0 "$PROVCTL" ceremony verify --unattended "$lines"
fi

case_start "a plan whose end nothing would sign"
plan nolog '{"step": "init-token"}' "$(key root P-256)"
expect_error 3 plan.key_missing ceremony rehearse "$T/nolog.json" \
	--home "$T/nolog.home" --name acme --templates "$templates"
[ ! -e "$T/nolog.home" ] || fail "something was made"

case_start "more lists than a transcript can hold are none to begin with"
cp -R "$templates" "$T/many"
jq '.crl.shards = 8192' "$templates/issuing-ca.json" >"$T/many/issuing-ca.json"
cp "$T/first.json" "$T/many.json"
bind_plan "$T/many.json" "$T/many"
expect_error 4 transcript.size ceremony rehearse "$T/many.json" \
	--home "$T/many.home" --name acme --templates "$T/many"
[ ! -e "$T/many.home" ] || fail "something was made"
plan many '{"step": "generate-key", "purpose": "issuing-1", "kind": "P-256"}' \
	'{"step": "issue-ca", "ca": "issuing-1", "issuer": "root", "template": "issuing-ca"}'
bind_plan "$T/many.json" "$T/many"
expect_error 4 transcript.size ceremony rehearse "$T/many.json" --home "$R" \
	--templates "$T/many"
[ ! -e "$R/ceremonies/many-1" ] || fail "something was made"

tests_end
