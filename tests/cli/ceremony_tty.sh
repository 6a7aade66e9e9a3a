#!/bin/sh
# Ceremonies on a terminal, as people drive them: one step a screen, answers
# that are none, a wrong PIN, the last try, a PIN pad, a token that was
# exchanged, ^C, stop, and what goes on after each.
. "$(dirname "$0")/../lib.sh"
command -v expect >/dev/null || {
	echo "ok - ceremony_tty: # SKIP no expect for a terminal"
	exit 77
}
shim=$builddir/tests/fault/shim.so
TERM=xterm
export TERM

# room ARGUMENT...: provctl on a terminal, by the script on standard input.
room() {
	cat >"$T/script"
	expect "$srcdir/tests/cli/room.exp" "$T/script" "$PROVCTL" "$@" \
		>"$T/raw" 2>"$T/err"
	rc=$?
	tr -d '\r' <"$T/raw" >"$T/out"
	grep "NEVER [AE]" "$T/out" >"$T/never" && fail "$(cat "$T/never")"
	grep -q -e 12345678 -e 11111111 "$T/out" && fail "a PIN was shown"
}

line() {
	printf '%s\t%s\n' "$1" "$2"
}

# new_token FOLDER: one that is there, named acme.
new_token() {
	mkdir -p "$T/$1"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
		"$T/$1" >"$T/$1.conf"
	SOFTHSM2_CONF=$T/$1.conf
	export SOFTHSM2_CONF
	softhsm2-util --init-token --free --label acme --pin 12345678 \
		--so-pin 87654321 >/dev/null 2>&1 || fail softhsm2-util
}

# binding FILE MODULE
binding() {
	cat >"$1" <<END
{"binding": "b", "module": "$2", "tokens": ["pkcs11:token=acme"],
 "pin_source": "prompt"}
END
}

# rehearse PLAN FOLDER ARGUMENT...
rehearse() {
	unset SOFTHSM2_CONF
	rehearsed=$1
	folder=$2
	shift 2
	expect_exit 0 "$PROVCTL" ceremony rehearse "$rehearsed" \
		--home "$folder" --name acme --templates "$templates" "$@"
}

screens() {
	grep -o "$(printf '\033')\[2J" "$T/raw" | wc -l
}

plan=$templates/plans/root-issuing.json
R=$T/rehearsal
H=$T/acme
F=ceremonies/root-issuing-1
rehearse "$plan" "$R"
binding "$T/binding.json" "$(jq -r .module "$R/provctl.json")"
binding "$T/shim.json" "$shim"

case_start "the shipped plan: answers that are none, a wrong PIN, stop"
new_token one
room ceremony run "$plan" --home "$H" --binding "$T/binding.json" \
	--rehearsal "$R" --templates "$templates" <<END
$(line "PIN for acme: " 11111111)
$(line "Step 1 of 13: go on? [yes/stop]" perhaps)
$(line "Step 1 of 13: go on? [yes/stop]" "")
$(line "Step 1 of 13: go on? [yes/stop]" yes)
$(line "write it down. Done? [yes/stop]" yes)
$(line "Step 3 of 13: go on? [yes/stop]" yes)
$(line "PIN for acme: " 12345678)
$(line "Step 4 of 13: go on? [yes/stop]" yes)
$(line "Step 5 of 13: go on? [yes/stop]" stop)
END
expect_equal "$rc" 130 exit
expect_equal "$(screens)" 4 "screens"
expect_text "==== step 5 of 13: generate-key bundle"
expect_text "Generate a P-256 key pair for \"bundle\" in the token and read its attributes"
expect_text "the token does not take that PIN"
expect_equal "$(grep -c -x "answer yes or stop" "$T/out")" 2 "told how to answer"
serial=$(softhsm2-util --show-slots | sed -n 's/.*Serial number: *//p' | head -n 1)
sed '/Step 1 of 13/,$d' "$T/out" | grep -q -F "serial: $serial" ||
	fail "people were not shown which token it is before they were asked"
sed '/Step 1 of 13/,$d' "$T/out" >"$T/before"
grep -q "Nothing on it is changed by this step" "$T/before" ||
	fail "nobody said what becomes of a token that is there"
grep -q "gone then" "$T/before" && fail "that is not true of this token"
grep -q "public keys on it: 0" "$T/before" ||
	fail "people were not shown that the token is empty"
expect_text "incomplete: \`provctl ceremony resume' goes on"

case_start "^C at a question, on a terminal that cannot be cleared"
TERM=dumb
room ceremony resume "$plan" --home "$H" --templates "$templates" <<END
$(line "PIN for acme: " 12345678)
$(line "Step 5 of 13: go on? [yes/stop]" yes)
$(line "Step 6 of 13: go on? [yes/stop]" ^C)
END
expect_equal "$rc" 130 exit
expect_equal "$(screens)" 0 "screens"
TERM=xterm

case_start "and to its end: verified, and the chain by OpenSSL"
room ceremony resume "$plan" --home "$H" --templates "$templates" <<END
$(line ... 12345678)
END
expect_equal "$rc" 0 exit
cp "$T/out" "$T/shown"
lines=$H/$F/transcript.jsonl
expect_exit 0 "$PROVCTL" ceremony verify "$lines" --plan "$plan"
expect_text "2 resumed"
expect_text "0 unrecorded objects"
expect_exit 0 "$PROVCTL" -C "$H" audit verify
openssl verify -CAfile "$H/$F/root.pem" "$H/$F/issuing-1.pem" >"$T/ssl" 2>&1 ||
	fail "OpenSSL: $(cat "$T/ssl")"
expect_equal "$(jq -r 'select(.event == "wrong-pin").event' "$lines")" \
	wrong-pin event
grep -q -e 12345678 -e 11111111 "$lines" && fail "a PIN was written down"
expect_equal "$(jq -r 'select(.event == "answer").facts.answer' "$lines" |
	head -n 3 | tr '\n' ' ')" "neither neither yes " "first answers"

case_start "what is signed is shown in groups that can be read aloud"
for hash in $(jq -r 'select(.event == "sign").facts.tbs_sha256' "$lines"); do
	grep -q -F "$(echo "$hash" | sed 's/..../& /g' | cut -c 1-39)" \
		"$T/shown" || fail "$hash was not shown"
done

case_start "a token with keys of somebody is no empty one, and people see it"
room ceremony run "$plan" --home "$T/second" --binding "$T/binding.json" \
	--rehearsal "$R" --templates "$templates" --name acme <<END
$(line "PIN for acme: " 12345678)
$(line "Step 1 of 13: go on? [yes/stop]" stop)
END
expect_equal "$rc" 130 exit
expect_text "public keys on it: 4"

case_start "once more: nothing is done"
room ceremony run "$plan" --home "$H" --binding "$T/binding.json" \
	--rehearsal "$R" --templates "$templates" <<END
$(line ... 12345678)
END
expect_equal "$rc" 0 exit
expect_text "nothing done"

small=$T/small.json
cat >"$small" <<END
{"plan": "small", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256",
   "present": ["alice", "security-officer"]},
  {"step": "pause", "text": "Breathe."},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"}
]}
END
bind_plan "$small" "$templates"
rehearse "$small" "$T/small"

# small ARGUMENT...: the ceremony in $H on the shim.
small() {
	room ceremony "$@" "$small" --home "$H" --templates "$templates"
}

# logins: how many C_Login the module saw.
logins() {
	grep -c " C_Login " "$T/calls"
}

# What people are shown must not hang on where messages go.
cat >"$T/quiet" <<END
#!/bin/sh
exec "$PROVCTL" -q "\$@"
END
cat >"$T/apart" <<END
#!/bin/sh
exec "$PROVCTL" "\$@" 2>"$T/apart.log"
END
chmod 700 "$T/quiet" "$T/apart"
provctl=$PROVCTL
for how in quiet apart; do
	case_start "screens go where the questions go ($how)"
	new_token "token.$how"
	H=$T/home.$how
	PROVCTL=$T/$how
	small run --binding "$T/binding.json" --rehearsal "$T/small" \
		--name acme <<END
$(line ... 12345678)
END
	PROVCTL=$provctl
	expect_equal "$rc" 0 exit
	expect_text "==== step 2 of 5: generate-key root"
	expect_text "that is the transcript"
	hash=$(jq -r 'select(.event == "sign").facts.tbs_sha256' \
		"$H/ceremonies/small-1/transcript.jsonl" | head -n 1)
	sed '/Sign the certificate of root/,$d' "$T/out" >"$T/before"
	grep -q "subject: CN=" "$T/before" &&
		grep -q "$(echo "$hash" | sed 's/..../& /g' | cut -c 1-39)" \
			"$T/before" ||
		fail "people signed what they were not shown"
done
grep -q "subject: CN=" "$T/apart.log" || fail "no copy on standard error"

case_start "the name of a stranger's file: the terminal obeys none of it"
backup=$T/backup.json
cat >"$backup" <<END
{"plan": "backup", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256", "backup": true},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "back-up-key", "purpose": "root", "shares": 2, "threshold": 2,
   "print": true}
]}
END
bind_plan "$backup" "$templates"
mkdir "$T/media.rehearsal" "$T/media" "$T/media/acme"
rehearse "$backup" "$T/backup" --media "$T/media.rehearsal"
esc=$(printf '\033[31m')
bel=$(printf '\007')
: >"$T/media/acme/$esc$bel"EVIL.share-9.txt
new_token backup.tokens
H=$T/home.backup
room ceremony run "$backup" --home "$H" --templates "$templates" \
	--media "$T/media" --binding "$T/binding.json" \
	--rehearsal "$T/backup" --name acme <<END
$(line ... 12345678)
END
expect_equal "$rc" 4 exit
expect_text "Destroy the file ?[31m?EVIL.share-9.txt: it lies on the medium"
expect_equal "$(grep -c -F -e "$esc" -e "$bel" "$T/raw")" 0 \
	"lines with what a terminal obeys"

FAULT_LOG=$T/calls
export FAULT_LOG

case_start "the last try, a locked PIN: no login at all, 7"
new_token two
H=$T/last
begin="run --name acme --binding $T/shim.json --rehearsal $T/small"
for flag in FAULT_TRIES FAULT_LOCKED; do
	: >"$T/calls"
	eval "$flag=1; export $flag"
	word=resume
	[ -e "$H" ] || word=$begin
	# shellcheck disable=SC2086 # words
	small $word <<END
$(line ... 12345678)
END
	expect_equal "$rc" 7 "exit with $flag"
	expect_text "hsm.pin-locked"
	expect_equal "$(logins)" 0 "logins with $flag"
	unset "$flag"
	[ ! -e "$H" ] || fail "something was made"
done
# shellcheck disable=SC2086 # words
small $begin <<END
$(line ... 12345678)
END
expect_equal "$rc" 0 "exit of the one that goes well"
expect_text "present: alice, security-officer"
expect_exit 0 "$PROVCTL" ceremony verify --plan "$small" \
	"$H/ceremonies/small-1/transcript.jsonl"

case_start "one wrong PIN, and the token says it is the last try"
new_token three
H=$T/tries
: >"$T/calls"
FAULT_TRIES=2
export FAULT_TRIES
small run --binding "$T/shim.json" --rehearsal "$T/small" --name acme <<END
$(line "PIN for acme: " 11111111)
$(line ... 12345678)
END
unset FAULT_TRIES
expect_equal "$rc" 7 exit
expect_equal "$(logins)" 1 logins
expect_text "hsm.pin-locked"
small resume <<END
$(line ... 12345678)
END
expect_equal "$rc" 0 "exit of the resumed one"

case_start "a PIN pad: nobody types a PIN here, and is told where"
new_token four
H=$T/pad
printf 12345678 >"$T/pin"
FAULT_PAD=$T/pin
export FAULT_PAD
small run --binding "$T/shim.json" --rehearsal "$T/small" --name acme <<END
$(line "Step 1 of 5: go on? [yes/stop]" yes)
$(line "Step 2 of 5: go on? [yes/stop]" yes)
$(line "type the PIN on the token's own keys" "")
$(line ... none)
END
unset FAULT_PAD
expect_equal "$rc" 0 exit
grep -q "PIN for" "$T/out" && fail "a PIN was asked for"
expect_exit 0 "$PROVCTL" ceremony verify --plan "$small" \
	"$H/ceremonies/small-1/transcript.jsonl"

case_start "a token that is exchanged in mid-ceremony: 7, and it goes on"
new_token five
H=$T/exchanged
FAULT_SERIAL=$T/other
export FAULT_SERIAL
small run --binding "$T/shim.json" --rehearsal "$T/small" --name acme <<END
$(line "PIN for acme: " 12345678)
$(line "Step 1 of 5: go on? [yes/stop]" yes)
$(line "Step 2 of 5: go on? [yes/stop]" yes)
$(line "Breathe. Done? [yes/stop]" "!touch $T/other")
$(line "Step 4 of 5: go on? [yes/stop]" yes)
END
expect_equal "$rc" 7 exit
expect_text "ceremony.token"
rm "$T/other"
small resume <<END
$(line ... 12345678)
END
expect_equal "$rc" 0 "exit of the resumed one"
objects=$(GNUTLS_PIN=12345678 p11tool --batch --provider "$shim" --login \
	--list-all "pkcs11:token=acme" 2>/dev/null | grep -c '^Object')
expect_equal "$objects" 5 "objects on the token"
expect_exit 0 "$PROVCTL" ceremony verify --plan "$small" \
	"$H/ceremonies/small-1/transcript.jsonl"
expect_text "0 unrecorded objects"

case_start "a token that is to be initialised: its PINs are new, and typed twice"
mkdir "$T/fresh.tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
	"$T/fresh.tokens" >"$T/fresh.conf"
SOFTHSM2_CONF=$T/fresh.conf
H=$T/fresh
jq '.so_pin_source = "prompt"' "$T/shim.json" >"$T/fresh.json"
small run --binding "$T/shim.json" --rehearsal "$T/small" --name acme <<END
END
expect_equal "$rc" 6 "exit without a token"
expect_text "needs --binding with so_pin_source"
[ ! -e "$H" ] || fail "something was made"
small run --binding "$T/fresh.json" --rehearsal "$T/small" --name acme <<END
$(line "PIN for acme (new): " 12345678)
$(line "PIN for acme (new, again): " 11111111)
$(line "PIN for acme (new): " 12345678)
$(line "PIN for acme (new, again): " 12345678)
$(line "PIN for the security officer (new): " 12345678)
$(line "PIN for the security officer (new, again): " 12345678)
$(line "Step 1 of 5: go on? [yes/stop]" stop)
END
expect_equal "$rc" 130 exit
expect_text "Initialise the token and set its user's PIN"
expect_text "new-token"
sed '/Step 1 of 5/,$d' "$T/out" | grep -q " slot: [0-9]" ||
	fail "people were not shown which slot it is before they were asked"

case_start "resumed before it is there: with its binding, and then without"
small resume <<END
END
expect_equal "$rc" 6 "exit without the binding"
expect_text "needs --binding with so_pin_source"
grep -q "the token is there" "$T/out" && fail "that is not true"
small resume --binding "$T/fresh.json" <<END
$(line "PIN for acme (new): " 12345678)
$(line "PIN for acme (new, again): " 12345678)
$(line "PIN for the security officer (new): " 12345678)
$(line "PIN for the security officer (new, again): " 12345678)
$(line "Step 1 of 5: go on? [yes/stop]" yes)
$(line "Step 2 of 5: go on? [yes/stop]" stop)
END
expect_equal "$rc" 130 exit
jq '.tokens = ["pkcs11:token=other"]' "$T/fresh.json" >"$T/other.json"
small resume --binding "$T/other.json" <<END
END
expect_equal "$rc" 4 "exit with another binding"
expect_text "ceremony.binding"
small resume --binding "$T/fresh.json" <<END
$(line "PIN for acme: " 12345678)
$(line ... none)
END
expect_equal "$rc" 0 "exit of the resumed one"
grep -q "security officer" "$T/out" && fail "a PIN was asked for that nothing needs"
expect_exit 0 "$PROVCTL" ceremony verify --plan "$small" \
	"$H/ceremonies/small-1/transcript.jsonl"
expect_text "0 unrecorded objects"

case_start "a question that is left open until the plan's days are over"
jq --arg until "$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)" \
	'.plan = "dated" | .not_after = $until' "$small" >"$T/dated.json"
rehearse "$T/dated.json" "$T/dated"
printf '%-32d' 0 >"$T/clock"
passed="!printf '%-32d' 90000 | dd of=$T/clock conv=notrunc 2>/dev/null"
# dated NUMBER ARGUMENT...: with a clock that goes on while people wait.
dated() {
	H=$T/dated.home$1
	shift
	CLOCK_FILE=$T/clock LD_PRELOAD=$builddir/tests/cli/clock.so
	export CLOCK_FILE LD_PRELOAD
	room ceremony "$@" "$T/dated.json" --home "$H" --templates "$templates"
	unset CLOCK_FILE LD_PRELOAD
	lines=$H/ceremonies/dated-1/transcript.jsonl
}
begin="run --name acme --binding $T/binding.json --rehearsal $T/dated"
new_token six
# shellcheck disable=SC2086 # words
dated 1 $begin <<END
$(line "PIN for acme: " 12345678)
$(line "Step 1 of 5: go on? [yes/stop]" yes)
$(line "Step 2 of 5: go on? [yes/stop]" yes)
$(line "Breathe. Done? [yes/stop]" yes)
$(line "Step 4 of 5: go on? [yes/stop]" yes)
$(line "Step 5 of 5: go on? [yes/stop]" yes)
$(line "Sign the certificate of root" "$passed")
END
expect_equal "$rc" 4 "exit before a signature"
expect_text plan.window
jq -es 'all(.[]; .event != "certificate") and last.event == "failed"' \
	"$lines" >/dev/null || fail "it was signed"
dated 1 resume <<END
$(line ... 12345678)
END
expect_equal "$rc" 4 "exit of one that goes on too late"
expect_text plan.window
printf '%-32d' 0 >"$T/clock"
new_token seven
# shellcheck disable=SC2086 # words
dated 2 $begin <<END
$(line "PIN for acme: " 12345678)
$(line "Step 1 of 5: go on? [yes/stop]" yes)
$(line "Step 2 of 5: go on? [yes/stop]" "$passed")
END
expect_equal "$rc" 4 "exit before a step"
expect_text plan.window
jq -es 'all(.[]; .event != "key")' "$lines" >/dev/null || fail "a key was made"
printf '%-32d' 0 >"$T/clock"
new_token eight
# shellcheck disable=SC2086 # words
dated 3 $begin <<END
$(line ... 12345678)
END
expect_equal "$rc" 0 "exit in time"
expect_exit 0 "$PROVCTL" ceremony verify --plan "$T/dated.json" "$lines"

tests_end
