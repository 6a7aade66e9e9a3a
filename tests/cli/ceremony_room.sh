#!/bin/sh
# A ceremony on a real terminal: what people are shown, a wrong PIN, an answer
# that is none, ^C, and what goes on after it.
. "$(dirname "$0")/../lib.sh"
command -v python3 >/dev/null || {
	echo "ok - ceremony_room: # SKIP no python3 for a terminal"
	exit 77
}

plan=$T/plan.json
cat >"$plan" <<END
{"plan": "room", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca",
   "not_after": "2040-01-01T00:00:00Z"},
  {"step": "pause", "text": "Put the token into the safe."}
]}
END
bind_plan "$plan" "$templates"
R=$T/rehearsal
H=$T/acme
run "$PROVCTL" ceremony rehearse "$plan" --home "$R" --name acme \
	--templates "$templates"
module=$(jq -r .module "$R/provctl.json")
printf 87654321 >"$T/so-pin"
mkdir "$T/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
	"$T/tokens" >"$T/tokens.conf"
SOFTHSM2_CONF=$T/tokens.conf
export SOFTHSM2_CONF
softhsm2-util --init-token --free --label acme --pin 12345678 \
	--so-pin 87654321 >/dev/null 2>&1
cat >"$T/binding.json" <<END
{"binding": "b", "module": "$module", "tokens": ["pkcs11:token=acme"],
 "pin_source": "prompt"}
END

# room SCRIPT ARGUMENT...: provctl on a terminal. Lines of SCRIPT: the text that
# is waited for, a tab, what is typed then (^C as it stands here; behind ! a
# command that is run before yes is typed).
cat >"$T/room.py" <<'END'
import os, pty, select, sys, time
script = [l.rstrip("\n").split("\t") for l in open(sys.argv[1])]
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen, at, end = b"", 0, time.monotonic() + 100
while time.monotonic() < end:
    ready = select.select([fd], [], [], 1)[0]
    try:
        more = os.read(fd, 4096) if ready else b"-"
    except OSError:
        break
    if not more:
        break
    seen += more if ready else b""
    while script and script[0][0].encode() in seen[at:]:
        text, typed = script.pop(0)
        at = seen.index(text.encode(), at) + len(text)
        if typed.startswith("!"):
            os.system(typed[1:])
            typed = "yes"
        os.write(fd, b"\x03" if typed == "^C" else typed.encode() + b"\n")
status = os.waitpid(pid, 0)[1]
sys.stdout.buffer.write(seen)
if script:
    print("NEVER ASKED:", script[0][0])
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 99)
END
room() {
	asked=$1
	shift
	timeout 120 python3 "$T/room.py" "$asked" "$PROVCTL" "$@" \
		>"$T/out" 2>"$T/err"
	rc=$?
}

line() {
	printf '%s\t%s\n' "$1" "$2"
}

case_start "^C at the PIN, or no file of it: nothing is made"
line "PIN for acme: " "^C" >"$T/script"
begin="ceremony run $plan --home $H --rehearsal $R --templates $templates"
# shellcheck disable=SC2086 # words
room "$T/script" $begin --binding "$T/binding.json"
expect_equal "$rc" 130 exit
expect_text "next: run it again"
[ ! -e "$H" ] || fail "a home was made"
jq --arg pin "file:$T/none" '.pin_source = $pin' "$T/binding.json" \
	>"$T/file.json"
: >"$T/script"
# shellcheck disable=SC2086 # words
room "$T/script" $begin --binding "$T/file.json"
expect_equal "$rc" 10 exit
expect_text "PIN file: there is no file"
grep -q "goes on" "$T/out" && fail "nothing was begun"
[ ! -e "$H" ] || fail "a home was made"
mkdir "$H" "$H/ceremonies"
# shellcheck disable=SC2086 # words
room "$T/script" $begin --binding "$T/binding.json"
expect_equal "$rc" 9 exit
expect_text "provctl ceremony resume"
rmdir "$H/ceremonies" "$H"

case_start "a wrong PIN is asked for again, ^C stops"
{
	line "PIN for acme: " 11111111
	line "Step 1 of 5: go on? [yes/stop]" maybe
	line "Step 1 of 5: go on? [yes/stop]" yes
	line "Step 2 of 5: go on? [yes/stop]" y
	line "PIN for acme: " 12345678
	line "Step 3 of 5: go on? [yes/stop]" "^C"
} >"$T/script"
room "$T/script" ceremony run "$plan" --home "$H" --binding "$T/binding.json" \
	--rehearsal "$R" --templates "$templates"
expect_equal "$rc" 130 exit
expect_text "==== step 3 of 5: generate-key log"
grep -q "clock of this machine: $(date -u +%Y-%m-%dT).*Z (UTC); compare it" \
	"$T/out" || fail "no word of the clock"
grep -q "NEVER ASKED" "$T/out" && fail "$(grep "NEVER ASKED" "$T/out")"
grep -q -e 12345678 -e 11111111 "$T/out" && fail "a PIN was shown"

case_start "the process that a shell waits for is killed: nothing goes on"
# On a terminal of the shell's, which outlives it.
cat >"$T/outlive" <<END
#!/bin/sh
"$PROVCTL" "\$@" &
echo \$! >"$T/outer"
wait \$!
sleep 2
for pid in \$(cat "$T/inner"); do
	case \$(ps -o stat= -p \$pid) in "" | Z*) ;; *) echo "\$pid LIVES" ;; esac
done
exit 0
END
chmod 700 "$T/outlive"
cat >"$T/kill" <<END
outer=\$(cat "$T/outer")
ps -o pid= --ppid "\$outer" >"$T/inner"
kill -9 "\$outer"
sleep 1
END
{
	line "PIN for acme: " 12345678
	line "Step 3 of 5: go on? [yes/stop]" "!sh $T/kill"
} >"$T/script"
provctl=$PROVCTL
PROVCTL=$T/outlive
room "$T/script" ceremony resume "$plan" --home "$H" --templates "$templates"
PROVCTL=$provctl
grep -q "NEVER ASKED" "$T/out" && fail "$(grep "NEVER ASKED" "$T/out")"
[ -s "$T/inner" ] || fail "no process was there to end"
grep LIVES "$T/out" && fail "it reads the terminal"
jq -e 'select(.event == "key" and .facts.label == "acme/log/1")' \
	"$H/ceremonies/room-1/transcript.jsonl" >/dev/null &&
	fail "a step was done that nobody waited for"

case_start "resumed to its end"
{
	line "PIN for acme: " 12345678
	line "Step 3 of 5: go on? [yes/stop]" yes
	line "Step 4 of 5: go on? [yes/stop]" yes
	line "as it was just shown? [yes/stop]" yes
	line "Put the token into the safe. Done? [yes/stop]" yes
	line "list root/0, as it was just shown? [yes/stop]" yes
} >"$T/script"
room "$T/script" ceremony resume "$plan" --home "$H" --templates "$templates"
expect_equal "$rc" 0 exit
grep -q "NEVER ASKED" "$T/out" && fail "$(grep "NEVER ASKED" "$T/out")"
lines=$H/ceremonies/room-1/transcript.jsonl
jq -r 'select(.event == "sign").facts.tbs_sha256' "$lines" |
	sed 's/..../& /g' | cut -c 1-39 >"$T/signed"
expect_equal "$(wc -l <"$T/signed")" 2 "signatures"
while read -r tbs; do
	grep -q -F "$tbs" "$T/out" || fail "what is signed was not shown"
done <"$T/signed"
expect_equal "$(jq -r 'select(.event == "wrong-pin").event' "$lines")" \
	wrong-pin event
grep -q -e 12345678 -e 11111111 "$lines" && fail "a PIN was written down"
openssl x509 -in "$H/ceremonies/room-1/root.pem" -noout -enddate >"$T/end"
grep -q "2040" "$T/end" || fail "another end: $(cat "$T/end")"
expect_exit 0 "$PROVCTL" ceremony verify "$lines" --plan "$plan"

case_start "without a terminal nobody is asked"
expect_exit 4 setsid -w "$PROVCTL" ceremony run "$plan" --home "$T/none" \
	--name acme --binding "$T/binding.json" --rehearsal "$R" \
	--templates "$templates"
expect_text "terminal"
[ ! -e "$T/none" ] || fail "something was made"

tests_end
