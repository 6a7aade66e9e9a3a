#!/bin/sh
# What goes amiss while a ceremony runs: somebody begins it twice, what takes a
# medium apart dies, memory is not locked, a binding has another serial number,
# and people on a terminal say no, or type a PIN that is not the same twice.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/tokens.sh"

M=$T/media
R=$T/rehearsal
mkdir "$M"
# officer NAME: a certificate on the medium, and how the plan names its key.
officer() {
	mkdir "$M/$1"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$T/$1.key" -out "$M/$1/encryption.pem" \
		-subj "/CN=$1" -days 30 >"$T/log" 2>&1
	(cd "$M/$1" && sha256sum encryption.pem >SHA256SUMS)
	printf '{"name": "%s", "spki_sha256": "%s"}' "$1" "$(openssl x509 \
		-in "$M/$1/encryption.pem" -noout -pubkey | openssl pkey -pubin \
		-outform DER | sha256sum | cut -d ' ' -f 1)"
}
plan=$T/plan.json
cat >"$plan" <<END
{"plan": "amiss", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256", "backup": true},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "back-up-key", "purpose": "root", "shares": 2, "threshold": 2,
   "officers": [$(officer alice), $(officer bob)]},
  {"step": "self-signed", "ca": "root", "template": "root-ca"}
]}
END
bind_plan "$plan" "$templates"
lines=$H/ceremonies/amiss-1/transcript.jsonl

# ceremony WORD OPTION...: its words, a line each.
ceremony() {
	word=$1
	shift
	set -- ceremony "$word" "$plan" --home "$H" --templates "$templates" \
		--media "$M" "$@"
	[ "$word" != run ] || set -- "$@" --name acme --rehearsal "$R" \
		--binding "$T/binding.json"
	printf '%s\n' "$@"
}

# begin WORD: in the background, answered through descriptor 3.
begin() {
	rm -f "$T/said"
	mkfifo "$T/said"
	exec 3<>"$T/said"
	# shellcheck disable=SC2046 # no path here has a blank
	"$PROVCTL" $(ceremony "$1" --answers "$T/said") >"$T/out" 2>"$T/err" \
		</dev/null 3>&- &
	room=$!
	echo "$room" >>"$T/pids"
}

# asked TEXT: that is what is asked now.
asked() {
	waited=0
	until [ -f "$lines" ] && tail -n 1 "$lines" |
		jq -e --arg text "$1" '.event == "ask" and
			(.facts.text | startswith($text))' >/dev/null 2>&1; do
		sleep 0.1
		waited=$((waited + 1))
		if [ "$waited" -eq 600 ] || ! kill -0 "$room" 2>/dev/null; then
			fail "never asked: $1"
			show_output
			return
		fi
	done
}

# ended: rc of what begin() began.
ended() {
	wait "$room"
	rc=$?
	exec 3>&-
}

case_start "memory that the machine does not lock is written down"
expect_exit 0 "$PROVCTL" ceremony rehearse "$plan" --home "$R" --name acme \
	--templates "$templates" --media "$M"
rm -rf "$M/acme"
expect_equal "$(grep -c '"event":"unlocked"' \
	"$R/ceremonies/amiss-1/transcript.jsonl")" 0 "said of a machine that does"
# Who may lock all the same has to be told not to.
may_not=
[ "$(id -u)" -ne 0 ] ||
	may_not="setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock"
# shellcheck disable=SC2016,SC2086 # of the other shell; words
expect_exit 0 sh -c 'ulimit -l 0 && exec "$@"' sh $may_not "$PROVCTL" \
	ceremony rehearse "$plan" --home "$T/unlocked" --name acme \
	--templates "$templates" --media "$M"
expect_text "unlocked"
expect_equal "$(jq -r 'select(.event == "unlocked") | .facts.memory' \
	"$T/unlocked/ceremonies/amiss-1/transcript.jsonl")" \
	"where shares are made and joined" "what it says"
expect_exit 0 "$PROVCTL" ceremony verify --mode rehearsal --plan "$plan" \
	"$T/unlocked/ceremonies/amiss-1/transcript.jsonl"
rm -rf "$M/acme"

case_start "a token by its serial number: another one's is refused"
use_tokens "$T/tokens"
new_token acme
serial=$(softhsm2-util --show-slots |
	sed -n 's/.*Serial number: *\([0-9a-f]\{16\}\).*/\1/p' | head -n 1)
bind_serial() {
	jq -n --arg lib "$softhsm" --arg pin "file:$T/pin" \
		--arg token "pkcs11:token=acme;serial=$1" '{binding: "b",
		"module": $lib, tokens: [$token], pin_source: $pin}' \
		>"$T/binding.json"
}
bind_serial 0123456789abcdef
# shellcheck disable=SC2046
expect_exit 6 "$PROVCTL" $(ceremony run --answers "$T/yes")
[ ! -e "$H" ] || fail "something was made"

case_start "a ceremony that runs is not gone on with beside it: 9"
bind_serial "$serial"
begin run
asked "Step 1 of 5"
# shellcheck disable=SC2046
expect_error 9 ceremony.busy $(ceremony resume --answers "$T/yes")
echo stop >&3
ended
expect_equal "$rc" 130 "exit of the one that runs"
expect_equal "$(jq -r 'select(.event == "token") | .facts.serial' "$lines")" \
	"$serial" "the token that it is on"

case_start "what takes the medium apart dies: 3, and it goes on"
# What watches forks what works, that one what keeps boxes, and that one a box.
# shellcheck disable=SC2046
expect_exit 3 env DIE_FORKED=3 LD_PRELOAD="$builddir/tests/cli/die.so" \
	"$PROVCTL" $(ceremony resume --answers "$T/yes")
expect_text "rule: media.parser"
expect_equal "$(jq -r 'select(.event == "failed") | .facts.rule' "$lines")" \
	media.parser "what is written down"
[ ! -e "$M/acme" ] || fail "something was given"
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" $(ceremony resume --answers "$T/yes")
expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$plan" "$lines"
expect_equal "$(jq -r '.tokens[0]' "$H/provctl.json")" \
	"pkcs11:token=acme;serial=$serial" "the token of the authority"
verify_audit

case_start "a home or a medium that cannot be looked into: 8, and it goes on"
jq '.plan = "paper" | .steps = .steps[:3] + [{step: "back-up-key",
	purpose: "root", shares: 2, threshold: 2, print: true},
	{step: "restore-key", purpose: "root"}]' "$plan" >"$T/paper.json"
mkdir "$M/shares"
N=$T/paper
failing() {
	unreadable=$1
	word=resume
	set -- --name acme
	[ -e "$N" ] || word=rehearse
	[ "$word" = rehearse ] || set --
	run env FAIL_IN="$unreadable" \
		LD_PRELOAD="$builddir/tests/cli/failing.so" "$PROVCTL" ceremony \
		"$word" "$T/paper.json" --home "$N" --templates "$templates" \
		--media "$M" "$@"
}
rm -rf "$M/acme"
while read -r where rule; do
	failing "$where"
	expect_equal "$rc" 8 "exit: $where"
	expect_text "rule: $rule"
	case $rule in
	file.open) [ ! -e "$M/acme/root-1.backup" ] || fail "it was given" ;;
	esac
	mkdir -p "$M/acme"
done <<END
$N/ceremonies file.open
$M/acme file.open
$M/shares shares.folder
END
failing "$T/none"
expect_equal "$rc" 0 "exit of the one that goes on ($(cat "$T/err"))"
expect_exit 0 "$PROVCTL" ceremony verify --mode rehearsal \
	--plan "$T/paper.json" "$N/ceremonies/paper-1/transcript.jsonl"

# room ARGUMENT...: provctl on a terminal, by the script on standard input.
room() {
	cat >"$T/script"
	expect "$srcdir/tests/cli/room.exp" "$T/script" "$PROVCTL" "$@" \
		>"$T/out" 2>"$T/err"
	rc=$?
}

case_start "a witness who says no has not signed"
if ! command -v expect >/dev/null; then
	skip_case "no expect for a terminal"
	tests_end
fi
expect_exit 0 "$PROVCTL" officer key new --name carol --file "$T/carol.key"
expect_text "is written in clear"
tab=$(printf '\t')
room ceremony cosign "$lines" --as carol --key "$T/carol.key" -o "$T/none" \
	--unattended <<END
sign this as carol? [yes/no] ${tab}maybe
sign this as carol? [yes/no] ${tab}n
END
expect_equal "$rc" 4 exit
expect_text ceremony.declined
expect_text "answer yes or no"
[ ! -e "$T/none" ] || fail "something was signed"

case_start "a key that is none is told before the question"
room ceremony cosign "$lines" --as carol --unattended -o "$T/none" \
	--key 'pkcs11:token=carol;object=carol' <<END
END
expect_equal "$rc" 3 exit
expect_text "it needs ?module-path="
grep -q "sign this" "$T/out" && fail "people were asked"
room ceremony cosign "$lines" --as erin --unattended -o "$T/none" \
	--key "$T/carol.key" <<END
END
expect_equal "$rc" 3 exit
expect_text "the key is carol's, not erin's"
grep -q "sign this" "$T/out" && fail "people were asked"

case_start "a new passphrase is typed twice, a wrong one asked again"
room officer key new --name dora --file "$T/dora.key" --pin-source prompt <<END
passphrase for $T/dora.key (new): ${tab}one and only
passphrase for $T/dora.key (new, again): ${tab}one and other
END
expect_equal "$rc" 3 exit
expect_text pin.twice
[ ! -e "$T/dora.key" ] || fail "a key was written"
room officer key new --name dora --file "$T/dora.key" --pin-source prompt <<END
passphrase for $T/dora.key (new): ${tab}one and only
passphrase for $T/dora.key (new, again): ${tab}one and only
END
expect_equal "$rc" 0 exit
grep -q "in clear" "$T/out" && fail "it is not in clear"
room ceremony cosign "$lines" --as dora --key "$T/dora.key" -o "$T/dora.note" \
	--unattended <<END
sign this as dora? [yes/no] ${tab}yes
passphrase for $T/dora.key: ${tab}other
passphrase for $T/dora.key (wrong: once more): ${tab}one and only
END
expect_equal "$rc" 0 exit
[ -s "$T/dora.note" ] || fail "nothing was signed"
expect_text "signed as dora: $T/dora.note"
room ceremony cosign "$lines" --as dora --key "$T/dora.key" -o "$T/none" \
	--unattended --yes <<END
passphrase for $T/dora.key: ${tab}a
passphrase for $T/dora.key (wrong: once more): ${tab}b
passphrase for $T/dora.key (wrong: once more): ${tab}c
END
expect_equal "$rc" 3 exit
expect_text "the passphrase is wrong"
expect_text "next: run it again with the one"

case_start "a new PIN that is not the same twice"
there=$(objects acme)
room -C "$H" rotate pin <<END
(new): ${tab}11111111
(new, again): ${tab}22222222
END
expect_equal "$rc" 3 exit
expect_text pin.twice
expect_exit 0 "$PROVCTL" -C "$H" audit verify
expect_equal "$(objects acme)" "$there" "objects, by the PIN of before"

tests_end
