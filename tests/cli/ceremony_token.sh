#!/bin/sh
# The token of a ceremony and its PIN, as people at a terminal meet them: real
# tokens that change places at a prompt, a PIN that is none, a PIN pad.
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/tokens.sh
. "$srcdir/tests/tokens.sh"
command -v expect >/dev/null || {
	echo "ok - ceremony_token: # SKIP no expect for a terminal"
	exit 77
}
shim=$builddir/tests/fault/shim.so
TERM=dumb
export TERM

plan=$T/plan.json
cat >"$plan" <<END
{"plan": "plan", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"}
]}
END
bind_plan "$plan" "$templates"
R=$T/rehearsal
expect_exit 0 "$PROVCTL" ceremony rehearse "$plan" --home "$R" --name acme \
	--templates "$templates"

# binding MODULE [URI]: its PIN is typed.
binding() {
	jq -n --arg lib "$1" --arg uri "${2:-pkcs11:token=acme}" '{binding: "b",
		module: $lib, tokens: [$uri], pin_source: "prompt"}' \
		>"$T/binding.json"
}

# binding_new URI: of one that is to be initialised, on the shim.
binding_new() {
	binding "$shim" "$1"
	jq --arg so "file:$T/so-pin" --arg pin "file:$T/pin" \
		'.so_pin_source = $so | .pin_source = $pin' "$T/binding.json" \
		>"$T/new.json"
	mv "$T/new.json" "$T/binding.json"
}

# made: how many tokens have a label.
made() {
	softhsm2-util --show-slots | grep -c 'Label: *[a-z]'
}

# room WORD: run or resume in $H, by the script on standard input (room.exp).
room() {
	cat >"$T/script"
	set -- ceremony "$1" "$plan" --home "$H" --templates "$templates"
	[ -e "$H" ] || set -- "$@" --binding "$T/binding.json" \
		--rehearsal "$R" --name acme
	expect "$srcdir/tests/cli/room.exp" "$T/script" "$PROVCTL" "$@" \
		>"$T/raw" 2>"$T/err"
	rc=$?
	tr -d '\r' <"$T/raw" >"$T/out"
	grep "NEVER [AE]" "$T/out" >"$T/never" && fail "$(cat "$T/never")"
	grep -q -e 12345678 -e 11111111 "$T/out" && fail "a PIN was shown"
	L=$H/ceremonies/plan-1/transcript.jsonl
}

line() {
	printf '%s\t%s\n' "$1" "$2"
}

serial() {
	softhsm2-util --show-slots | sed -n 's/.*Serial number: *//p' |
		head -n 1
}

# verified: and nobody was left with an object that nothing knows.
verified() {
	expect_exit 0 "$PROVCTL" ceremony verify "$L" --plan "$plan"
	expect_text "0 unrecorded objects"
}

case_start "two tokens of one label change places while a PIN is typed: 7"
binding "$softhsm"
use_tokens "$T/second"
new_token acme
second=$(serial)
use_tokens "$T/first"
new_token acme
first=$(serial)
H=$T/swapped
# As person_pin asks; the other one is in the reader when it is typed.
cat >"$T/swap.exp" <<END
set timeout 60
set n 0
spawn -noecho $PROVCTL ceremony run $plan --home $H --name acme \\
	--binding $T/binding.json --rehearsal $R --templates $templates
expect {
	-re {PIN for [^\n]*: $} {
		incr n
		if {\$n == 1} {
			send "11111111\r"
		} else {
			exec mv $T/first $T/away
			exec mv $T/second $T/first
			send "12345678\r"
		}
		exp_continue
	}
	-ex {[yes/stop] } { send "yes\r"; exp_continue }
	timeout { exit 98 }
	eof { }
}
lassign [wait] pid id failed status
exit \$status
END
expect "$T/swap.exp" >"$T/out" 2>"$T/err"
expect_equal "$?" 7 exit
expect_text "ceremony.token"
L=$H/ceremonies/plan-1/transcript.jsonl
expect_equal "$(jq -r 'select(.event == "token").facts.serial' "$L")" \
	"$first" "serial number in the transcript"
expect_equal "$(serial)" "$second" "serial number of the token that is there"
expect_equal "$(objects acme)" 0 "objects on the other token"

case_start "the first one is put back, and it goes on"
mv "$T/first" "$T/second"
mv "$T/away" "$T/first"
room resume <<END
$(line ... 12345678)
END
expect_equal "$rc" 0 exit
verified
expect_equal "$(objects acme)" 5 "objects on it"

case_start "PINs of a length that the token does not take are asked for again"
use_tokens "$T/lengths"
new_token acme
H=$T/lengths.home
room run <<END
$(line "PIN for acme: " 12)
$(line "go on? [yes/stop]" yes)
$(line "go on? [yes/stop]" yes)
$(line "PIN for acme: " "")
$(line "PIN for acme: " "$(printf '%0300d' 7)")
$(line ... 12345678)
END
expect_equal "$rc" 0 exit
expect_equal "$(jq -r 'select(.event == "wrong-pin").event' "$L" | wc -l)" 1 \
	"PINs that were written down as wrong"
verified

case_start "a wrong PIN at the token's own keys is never asked for here"
binding "$shim"
use_tokens "$T/pad"
new_token acme
H=$T/pad.home
FAULT_PAD=$T/typed
export FAULT_PAD
printf 11111111 >"$T/typed"
room run <<END
$(line "go on? [yes/stop]" yes)
$(line "go on? [yes/stop]" yes)
$(line "type it there once more? [yes/stop]" yes)
$(line "type it there once more? [yes/stop]" stop)
END
expect_equal "$rc" 130 exit
grep -q "PIN for" "$T/out" && fail "the PIN was asked for on this machine"
room resume <<END
$(line "go on? [yes/stop]" yes)
$(line "type it there once more? [yes/stop]" "!printf 12345678 >$T/typed")
$(line ... none)
END
unset FAULT_PAD
expect_equal "$rc" 0 exit
grep -q "PIN for" "$T/out" && fail "the PIN was asked for on this machine"
expect_equal "$(jq -r 'select(.event == "wrong-pin").event' "$L" | wc -l)" 3 \
	"wrong PINs that were written down"
verified

case_start "a token without a serial number is none to hold a ceremony on: 7"
use_tokens "$T/blank"
new_token acme
H=$T/blank.home
FAULT_BLANK=1
export FAULT_BLANK
room run <<END
$(line ... 12345678)
END
unset FAULT_BLANK
expect_equal "$rc" 7 exit
expect_text "hsm.serial"

case_start "another empty token than the one that people saw: 7, as it was"
binding_new pkcs11:token=acme
use_tokens "$T/other"
H=$T/other.home
FAULT_SERIAL=$T/exchanged
export FAULT_SERIAL
room run <<END
$(line "go on? [yes/stop]" "!touch $T/exchanged")
$(line ... none)
END
unset FAULT_SERIAL
expect_equal "$rc" 7 exit
expect_text "ceremony.token"
expect_equal "$(made)" 0 "tokens that were initialised"

case_start "two empty tokens: 7, and none is initialised"
use_tokens "$T/two"
new_token spare
spare=$(serial)
FAULT_EMPTY=spare
export FAULT_EMPTY
H=$T/two.home
room run <<END
$(line ... none)
END
expect_equal "$rc" 7 exit
expect_text "hsm.token-double"
expect_equal "$(made)" 1 "tokens that bear a label"

case_start "the one whose serial number the URI names is taken"
binding_new "pkcs11:token=acme;serial=$spare"
H=$T/named.home
room run <<END
$(line ... none)
END
unset FAULT_EMPTY
expect_equal "$rc" 0 exit
expect_equal "$(made)" 1 "tokens that bear a label"
expect_equal "$(jq -r 'select(.event == "new-token" or .event == "token") |
	.facts.serial' "$L" | sort -u)" "$spare" "serial numbers"
verified

case_start "answers of a file: whole lines, and nobody else writes them"
binding "$softhsm"
use_tokens "$T/said.tokens"
new_token acme
jq --arg pin "file:$T/pin" '.pin_source = $pin' "$T/binding.json" \
	>"$T/filed.json"
cp "$T/yes" "$T/loose"
chmod 622 "$T/loose"
{
	printf '%063d' 0
	cat "$T/yes"
} >"$T/long"
printf 'yes\000no\n' | cat - "$T/yes" >"$T/nul"
for answers in loose:4 long:3 nul:3; do
	expect_exit "${answers#*:}" "$PROVCTL" ceremony run "$plan" \
		--home "$T/${answers%:*}.home" --name acme \
		--binding "$T/filed.json" --rehearsal "$R" \
		--templates "$templates" --answers "$T/${answers%:*}"
	expect_text "ceremony.answers"
done

tests_end
