#!/bin/sh
# Plans, rehearsed and run on a token of their own: transcripts, refusals,
# stops and what goes on after them.
. "$(dirname "$0")/../lib.sh"

plan=$T/plan.json
cat >"$plan" <<END
{"plan": "small", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "Ed25519 or P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "check-key", "purpose": "root"},
  {"step": "pause", "text": "Put the token into the safe."}
]}
END
bind_plan "$plan" "$templates"
R=$T/rehearsal
H=$T/acme
F=ceremonies/small-1
printf 87654321 >"$T/so-pin"
printf 12345678 >"$T/pin"

ceremony() {
	word=$1
	shift
	set -- ceremony "$word" "$plan" --templates "$templates" "$@"
	echo "$*"
}

# A folder of tokens, empty.
new_tokens() {
	mkdir -p "$T/$1"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
		"$T/$1" >"$T/$1.conf"
	SOFTHSM2_CONF=$T/$1.conf
	export SOFTHSM2_CONF
}

# events HOME: the events of its transcript, a word each.
events() {
	jq -r .event "$1/$F/transcript.jsonl" | tr '\n' ' '
}

count() {
	events "$1" | tr ' ' '\n' | grep -c -x "$2"
}

# answers WORD...: a script of them.
answers() {
	printf '%s\n' "$@" >"$T/answers"
}

case_start "explained in words"
expect_exit 0 "$PROVCTL" ceremony explain "$plan"
expect_text "1 of 6: init-token"
expect_text "People: Put the token into the safe."
expect_exit 0 "$PROVCTL" ceremony explain "$plan" --html -o "$T/script.html"
grep -q '<td class="n">6</td><td><b>pause</b>' "$T/script.html" || fail "no step 6"

case_start "what is wrong is named with its file and its place"
echo '{"plan": "p", "version": 1, "steps": [{"step": "none"}]}' >"$T/bad.json"
expect_error 3 plan.value ceremony explain "$T/bad.json"
expect_text "$T/bad.json"
run "$PROVCTL" ceremony rehearse "$T/bad.json" --home "$T/none"
expect_text "bad.json: "
echo '{"binding": 1}' >"$T/bad.json"
run "$PROVCTL" ceremony run "$plan" --home "$T/none" --rehearsal "$T/none" \
	--binding "$T/bad.json"
expect_text "bad.json: "
[ ! -e "$T/none" ] || fail "something was made"

case_start "rehearsed on a token of its own"
# shellcheck disable=SC2046 # no path here has a space
expect_exit 0 "$PROVCTL" $(ceremony rehearse --home "$R" --name acme)
expect_exit 0 "$PROVCTL" ceremony verify "$R/$F/transcript.jsonl" \
	--plan "$plan" --mode rehearsal
expect_text "mode rehearsal, answers none"
expect_error 4 ceremony.mode ceremony verify "$R/$F/transcript.jsonl" \
	--plan "$plan"
module=$(jq -r .module "$R/provctl.json")
cat >"$T/binding.json" <<END
{"binding": "b", "module": "$module", "tokens": ["pkcs11:token=acme"],
 "pin_source": "file:$T/pin", "so_pin_source": "file:$T/so-pin"}
END
set -- --home "$H" --binding "$T/binding.json"

case_start "what was not rehearsed is not run"
new_tokens tokens
mkdir "$T/empty"
# shellcheck disable=SC2046
expect_error 4 plan.rehearsed $(ceremony run "$@" --rehearsal "$T/empty")
cp "$plan" "$T/kept"
sed -i 's/the safe/the box/' "$plan"
# shellcheck disable=SC2046
expect_error 4 plan.rehearsed $(ceremony run "$@" --rehearsal "$R")
cp "$T/kept" "$plan"
cp -R "$R" "$T/flipped"
flip "$T/flipped/$F/transcript.jsonl" 300
# shellcheck disable=SC2046
run "$PROVCTL" $(ceremony run "$@" --rehearsal "$T/flipped")
case $rc in
3 | 5) ;;
*) fail "a changed rehearsal: exit $rc" ;;
esac
[ ! -e "$H" ] || fail "something was made"

case_start "outside its window a plan is not run"
sed 's/"version": 1,/"version": 1, "not_after": "2026-01-01T00:00:00Z",/' \
	"$T/kept" >"$plan"
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" $(ceremony rehearse --home "$T/window" --name acme)
# shellcheck disable=SC2046
expect_error 4 plan.window $(ceremony run --home "$T/late" \
	--binding "$T/binding.json" --rehearsal "$T/window")
cp "$T/kept" "$plan"

case_start "a binding of another label than the token will have, or of one there"
sed 's/token=acme/token=other/' "$T/binding.json" >"$T/other.json"
# shellcheck disable=SC2046
expect_error 3 binding.label $(ceremony run --home "$H" --rehearsal "$R" \
	--binding "$T/other.json")
expect_text "pkcs11:token=other"
new_tokens there
softhsm2-util --init-token --free --label acme --pin 12345678 \
	--so-pin 87654321 >/dev/null 2>&1 || fail "softhsm2-util"
# shellcheck disable=SC2046
expect_error 9 hsm.label-taken $(ceremony run "$@" --rehearsal "$R")
[ ! -e "$H" ] || fail "something was made"
new_tokens tokens

case_start "people stop it, and it goes on"
answers yes yes stop
# shellcheck disable=SC2046
expect_exit 130 "$PROVCTL" $(ceremony run "$@" --rehearsal "$R" \
	--answers "$T/answers")
expect_text "ceremony resume"
bound=$(sha256sum "$T/binding.json" | cut -d ' ' -f 1)
expect_text "binding_sha256       $(echo "$bound" | cut -c 1-32 |
	sed 's/..../& /g; s/ $//')"
grep -q ' : stopped' "$T/err" && fail "a blank before the colon"
expect_exit 10 "$PROVCTL" -C "$H" status
expect_error 10 ceremony.unfinished ceremony verify "$H/$F/transcript.jsonl"
expect_text "has not ended"
# shellcheck disable=SC2046
expect_error 9 init.folder $(ceremony run "$@" --rehearsal "$R" \
	--answers "$T/answers")
answers yes yes no yes
# shellcheck disable=SC2046
expect_exit 130 "$PROVCTL" $(ceremony resume "$@" --answers "$T/answers")
expect_equal "$(count "$H" stopped)" 2 stops
answers yes yes yes yes yes
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" $(ceremony resume "$@" --answers "$T/answers")
expect_equal "$(count "$H" key)" 3 keys
expect_equal "$(count "$H" orphan)" 0 "unrecorded objects"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_exit 0 "$PROVCTL" -C "$H" audit verify
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile

case_start "once more: nothing is done"
cp "$H/$F/transcript.jsonl" "$T/before"
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" $(ceremony run "$@" --rehearsal "$R")
expect_text "nothing done"
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" $(ceremony resume "$@")
expect_text "nothing done"
same_bytes "$T/before" "$H/$F/transcript.jsonl"

case_start "the transcript, offline"
mkdir "$T/carried"
cp "$H/$F/transcript.jsonl" "$H/$F/transcript.note" "$H/$F/root.pem" \
	"$H/$F/root.crl" "$T/carried"
vkey=$("$PROVCTL" -C "$H" export key --purpose log --format vkey 2>/dev/null ||
	"$PROVCTL" -C "$H" export key --purpose log --vkey)
expect_error 4 ceremony.unattended ceremony verify \
	"$T/carried/transcript.jsonl" --plan "$plan" --log-vkey "$vkey"
expect_exit 0 "$PROVCTL" ceremony verify "$T/carried/transcript.jsonl" \
	--plan "$plan" --log-vkey "$vkey" --unattended
expect_text "mode run, answers file"
expect_text "binding $(echo "$bound" | sed 's/..../& /g; s/ $//')"
expect_text "$vkey"
jq -r '[.event, .facts.binding_sha256] | select(.[1]) | join(" ")' \
	"$T/carried/transcript.jsonl" >"$T/bindings"
expect_equal "$(cat "$T/bindings")" "begin $bound
resume $bound
resume $bound" "bindings of the transcript"
openssl verify -CAfile "$T/carried/root.pem" "$T/carried/root.pem" \
	>/dev/null 2>&1 || fail "OpenSSL does not take the root"
if grep -q -e 12345678 -e 87654321 "$T/carried/transcript.jsonl"; then
	fail "a PIN stands in the transcript"
fi

case_start "the transcript, for people"
expect_exit 0 "$PROVCTL" ceremony show "$T/carried/transcript.jsonl"
expect_text "Not verified: \`provctl ceremony verify'"
expect_text "begin"
head=$("$PROVCTL" --json ceremony verify --unattended \
	"$T/carried/transcript.jsonl" | jq -r .head | sed 's/..../& /g; s/ $//')
expect_text "head  $head"
expect_exit 0 "$PROVCTL" ceremony show "$T/carried/transcript.jsonl" --html \
	-o "$T/page.html"
grep -q -F "<code>$(echo "$head" | cut -c 1-39)<br>$(echo "$head" |
	cut -c 41-)</code>" "$T/page.html" || fail "no head on the page"

case_start "witnesses cosign it"
for who in alice bob; do
	expect_exit 0 "$PROVCTL" officer key new --name "$who" \
		--file "$T/$who.key"
done
alice=$(head -n 1 "$T/alice.key")
bob=$(head -n 1 "$T/bob.key")
lines=$T/carried/transcript.jsonl
expect_exit 4 setsid -w "$PROVCTL" ceremony cosign "$lines" --as alice \
	--key "$T/alice.key" -o "$T/none" --unattended
expect_text "mode run, answers file"
expect_error 4 ceremony.unattended ceremony cosign "$lines" --as alice \
	--key "$T/alice.key" -o "$T/none" --yes
expect_exit 0 "$PROVCTL" ceremony cosign "$lines" --as alice \
	--key "$T/alice.key" -o "$T/one.note" --yes --unattended
# What stands on the script, and what a witness compares with it.
in_groups() {
	sed 's/..../& /g; s/ $//'
}
for shown in "head $(tail -n 1 "$lines" | sha256sum | cut -c 1-64 | in_groups)" \
	"$(wc -l <"$lines") lines, " "plan approved by " \
	"plan $(head -n 1 "$lines" | jq -r .facts.sha256 | in_groups)" \
	"rehearsed, with head $(head -n 1 "$lines" | jq -r .facts.rehearsed |
		in_groups)" \
	"whose key has SHA-256 $(jq -r 'select(.event == "log-key" or
		.event == "key" and .facts.purpose == "log").facts.spki_sha256' \
		"$lines" | tail -n 1 | in_groups)" \
	"one.note is the note with that signature"; do
	expect_text "$shown"
done
log=$("$PROVCTL" ceremony verify "$lines" --unattended |
	sed -n 's/^signed by //p' | head -n 1)
expect_text "signed by $log"
for event in resume failed orphan; do
	grep -c "\"event\":\"$event\"" "$lines"
done >"$T/counts"
expect_text "$(paste -s -d ' ' "$T/counts" |
	sed 's/ / resumed, /; s/ \([0-9]*\)$/ failed, \1 unrecorded objects/')"
expect_exit 0 "$PROVCTL" ceremony cosign "$lines" --note "$T/one.note" \
	--as bob --key "$T/bob.key" -o "$T/two.note" --yes --unattended
expect_exit 0 "$PROVCTL" ceremony cosign "$lines" --note "$T/two.note" \
	--as alice --key "$T/alice.key" -o "$T/again.note" --yes \
	--unattended
same_bytes "$T/two.note" "$T/again.note"
expect_exit 0 "$PROVCTL" ceremony verify "$lines" --note "$T/two.note" \
	--witness "$alice" --witness "$bob" --witness "$alice" --unattended
fingerprint() {
	echo "$1" | sed 's/^[^+]*+[^+]*+//' | base64 -d | tail -c +2 >"$T/raw"
	# RFC 8410: what stands before the 32 bytes of an Ed25519 key.
	{ echo 302a300506032b6570032100 | xxd -r -p && cat "$T/raw"; } |
		sha256sum | cut -d ' ' -f 1
}
for who in alice bob; do
	eval "key=\$$who"
	expect_text "witnessed by $who, whose key has SHA-256 $(
		fingerprint "$key" | sed 's/..../& /g; s/ $//')"
done
expect_equal "$(grep -c '^witnessed by' "$T/out")" 2 "witnesses that counted"
expect_exit 0 "$PROVCTL" --json ceremony verify "$lines" \
	--note "$T/two.note" --witness "$bob" --unattended
jq -e --arg hash "$(fingerprint "$bob")" \
	'.witnesses == [{name: "bob", spki_sha256: $hash}]' "$T/out" \
	>/dev/null || fail "not bob alone: $(cat "$T/out")"
expect_exit 0 "$PROVCTL" officer key new --name carol --file "$T/carol.key"
carol=$(head -n 1 "$T/carol.key")
expect_error 10 note.unsigned ceremony verify "$lines" --note "$T/one.note" \
	--witness "$alice" --witness "$bob" --witness "$carol"
expect_text "2 witnesses did not sign: bob (sha256:$(fingerprint "$bob")), carol (sha256:$(fingerprint "$carol"))"
expect_error 10 note.unsigned ceremony verify "$lines" \
	--note "$T/one.note" --witness "$alice" --witness "$bob"
# The log's own key is none, and one key is one person under any name.
bytes=${alice#*+*+}
other="mallory+$({ printf 'mallory\n' && echo "$bytes" | base64 -d; } |
	sha256sum | cut -c 1-8)+$bytes"
expect_error 2 ceremony.witness ceremony verify "$lines" --unattended \
	--witness "$log"
expect_error 2 ceremony.witness ceremony verify "$lines" --unattended \
	--note "$T/two.note" --witness "$alice" --witness "$log"
expect_error 2 ceremony.witness ceremony verify "$lines" --unattended \
	--note "$T/two.note" --witness "$alice" --witness "$other"
expect_exit 5 "$PROVCTL" ceremony cosign "$R/$F/transcript.jsonl" \
	--note "$T/one.note" --as bob --key "$T/bob.key" -o "$T/none" --yes
[ ! -e "$T/none" ] || fail "something was signed"

case_start "what was changed is refused"
cp -R "$T/carried" "$T/bad"
flip "$T/bad/root.pem" 40
expect_error 5 ceremony.file ceremony verify "$T/bad/transcript.jsonl"
rm "$T/bad/root.pem"
expect_error 10 '' ceremony verify "$T/bad/transcript.jsonl"
cp "$T/carried/root.pem" "$T/bad"
sed -i 4d "$T/bad/transcript.jsonl"
expect_error 5 transcript.chain ceremony verify "$T/bad/transcript.jsonl"
expect_text "take the transcript as the ceremony left it"
sed '$d' "$T/carried/transcript.jsonl" >"$T/bad/transcript.jsonl"
expect_error 5 ceremony.order ceremony verify "$T/bad/transcript.jsonl"
cp "$R/$F/transcript.jsonl" "$T/bad"
cp "$R/$F/root.pem" "$R/$F/root.crl" "$T/bad"
expect_error 5 ceremony.note ceremony verify "$T/bad/transcript.jsonl"
expect_error 5 ceremony.plan ceremony verify "$T/carried/transcript.jsonl" \
	--plan "$templates/plans/softhsm-demo.json"
other=$("$PROVCTL" -C "$R" export key --purpose log --vkey)
expect_error 10 note.unsigned ceremony verify \
	"$T/carried/transcript.jsonl" --log-vkey "$other"
expect_text "this is another log's key"

case_start "a plan that sets the roster"
people_roster=$T/roster.json
cat >"$people_roster" <<END
{"roster": "provctl/roster/v1", "version": 1, "officers": [
  {"name": "alice", "person": "Alice", "roles": ["security-officer"],
   "keys": [{"vkey": "$alice", "kind": "file"}]},
  {"name": "bob", "person": "Bob", "roles": ["security-officer"],
   "keys": [{"vkey": "$bob", "kind": "file"}]}],
 "quorum": {"roster": 2, "adopt": 2, "order": 2, "revoke": 1, "rotate_ca": 2,
  "export_offline": 2, "export_kek": 2, "release_quarantine": 2,
  "clock_accept": 2, "secret": 2}}
END
sum=$(sha256sum "$people_roster" | cut -d ' ' -f 1)
sed "s/{\"step\": \"pause\"/{\"step\": \"set-roster\", \"sha256\": \"$sum\"}, &/" \
	"$T/kept" >"$plan"
# shellcheck disable=SC2046
expect_error 4 plan.roster $(ceremony rehearse --home "$T/ruled")
sed 's/Alice/Eve/' "$people_roster" >"$T/eve.json"
# shellcheck disable=SC2046
expect_error 4 plan.roster $(ceremony rehearse --home "$T/ruled" \
	--roster "$T/eve.json")
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" $(ceremony rehearse --home "$T/ruled" \
	--roster "$people_roster")
expect_text "officers: alice,bob"
expect_exit 0 "$PROVCTL" -C "$T/ruled" officer show
expect_text "alice"
expect_exit 0 "$PROVCTL" ceremony verify --plan "$plan" \
	--mode rehearsal "$T/ruled/$F/transcript.jsonl"
expect_exit 0 "$PROVCTL" init "$T/set" --name acme --plan "$plan" \
	--softhsm --templates "$templates" --roster "$people_roster"
# As a crash leaves it between the transcript's note and the configuration.
rm "$T/set/provctl.json"
expect_exit 0 "$PROVCTL" ceremony resume "$plan" --home "$T/set" \
	--templates "$templates"
expect_exit 0 "$PROVCTL" -C "$T/set" audit verify
cp "$T/kept" "$plan"

case_start "a token with a pin pad asks by itself"
new_tokens pad
softhsm2-util --init-token --free --label acme --pin 12345678 \
	--so-pin 87654321 >/dev/null 2>&1 || fail "softhsm2-util"
cat >"$T/pad.json" <<END
{"binding": "b", "module": "$builddir/tests/fault/shim.so",
 "tokens": ["pkcs11:token=acme"], "pin_source": "prompt"}
END
answers yes yes yes yes yes yes yes yes yes
# shellcheck disable=SC2046
expect_exit 0 env FAULT_PAD="$T/pin" setsid -w "$PROVCTL" $(ceremony run \
	--home "$T/padded" --name acme --binding "$T/pad.json" \
	--rehearsal "$R" --answers "$T/answers")

case_start "the manual's own plan and binding"
sed -n '/^  {"plan": "acme"/,/^$/{s/\\-/-/g;p}' "$srcdir/docs/provctl.1" \
	>"$T/manual.json"
jq -S . "$T/manual.json" >"$T/manual.said"
bind_plan "$T/manual.json" "$srcdir/templates"
jq -S . "$T/manual.json" >"$T/manual.shipped"
same_bytes "$T/manual.said" "$T/manual.shipped"
bind_plan "$T/manual.json" "$templates"
sed -n '/^  {"binding": "hsm"/,/^.fi/{/^.fi/d;s/\\-/-/g;p}' \
	"$srcdir/docs/provctl.1" | jq --arg m "$module" --arg p "file:$T/pin" \
	'.module = $m | .pin_source = $p' >"$T/manual-binding.json"
expect_exit 0 "$PROVCTL" ceremony rehearse "$T/manual.json" \
	--home "$T/manual-r" --name acme --templates "$templates"
new_tokens manual
softhsm2-util --init-token --free --label acme --pin 12345678 \
	--so-pin 87654321 >/dev/null 2>&1 || fail "softhsm2-util"
i=0
while [ "$i" -lt 20 ]; do
	echo yes
	i=$((i + 1))
done >"$T/answers"
expect_exit 0 "$PROVCTL" ceremony run "$T/manual.json" --home "$T/manual-h" \
	--name acme --binding "$T/manual-binding.json" --rehearsal "$T/manual-r" \
	--templates "$templates" --answers "$T/answers"
expect_exit 0 "$PROVCTL" -C "$T/manual-h" audit verify

case_start "nothing to go on with"
expect_error 10 '' ceremony resume "$T/nowhere.json" --home "$T/padded"
# shellcheck disable=SC2046
expect_error 10 '' $(ceremony resume --home "$T/empty")
[ -z "$(ls -A "$T/empty")" ] || fail "resume left something in a folder"
# shellcheck disable=SC2046
expect_error 10 init.folder $(ceremony resume --home "$T/nowhere")
expect_text "there is no such folder"
grep -q "is incomplete" "$T/err" && fail "nothing is there to go on with"

case_start "a template that the plan is not bound to"
sed 's/, "template_sha256": "[^"]*"//' "$plan" >"$T/unbound.json"
expect_error 3 plan.template_unbound ceremony rehearse "$T/unbound.json" \
	--home "$T/unbound" --name acme --templates "$templates"
bound=$(sha256sum "$templates/root-ca.json" | cut -d ' ' -f 1)
expect_text "$bound"
[ ! -e "$T/unbound" ] || fail "something was made"
cp -R "$templates" "$T/swapped"
echo >>"$T/swapped/root-ca.json"
H=$T/bound
set -- --home "$H" --binding "$T/binding.json" --answers "$T/answers"
new_tokens swaps
answers yes yes stop
expect_error 4 plan.template ceremony run "$plan" "$@" --name acme \
	--rehearsal "$R" --templates "$T/swapped"
expect_text "root-ca.json"
[ ! -e "$H" ] || fail "something was made"
# shellcheck disable=SC2046
expect_exit 130 "$PROVCTL" $(ceremony run "$@" --name acme --rehearsal "$R")
answers yes yes yes yes yes yes
expect_error 4 plan.template ceremony resume "$plan" "$@" \
	--templates "$T/swapped"
expect_text "step 4, self-signed"
[ ! -e "$H/$F/root.pem" ] || fail "a certificate was made"
expect_equal "$(count "$H" sign)" 0 "signatures"
answers yes yes yes yes yes yes
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" $(ceremony resume "$@")
expect_equal "$(jq -r 'select(.event == "step").facts.template_sha256 //
	empty' "$H/$F/transcript.jsonl" | sort -u)" "$bound" "hash in the transcript"
expect_exit 0 "$PROVCTL" ceremony verify --unattended "$H/$F/transcript.jsonl" \
	--plan "$plan"
expect_exit 0 "$PROVCTL" ceremony explain "$plan"
expect_text "SHA-256 of"
expect_text "root-ca.json:"
for half in 1-32 33-64; do
	expect_text "      $(echo "$bound" | cut -c $half |
		sed 's/..../& /g; s/ $//')"
done
expect_exit 0 "$PROVCTL" ceremony show "$H/$F/transcript.jsonl" --html \
	-o "$T/bound.html"
grep -q "SHA-256 of its template: .*$(echo "$bound" | cut -c 1-4)" \
	"$T/bound.html" || fail "the page has no hash of the template"

case_start "another plan, another token"
H=$T/second
set -- --home "$H" --binding "$T/binding.json" --name acme
new_tokens other
answers yes yes stop
# shellcheck disable=SC2046
expect_exit 130 "$PROVCTL" $(ceremony run "$@" --rehearsal "$R" \
	--answers "$T/answers")
set -- --home "$H" --binding "$T/binding.json"
sed -i 's/the safe/the box/' "$plan"
# shellcheck disable=SC2046
expect_error 4 ceremony.other $(ceremony resume "$@")
cp "$T/kept" "$plan"
new_tokens third
softhsm2-util --init-token --free --label acme --pin 12345678 \
	--so-pin 87654321 >/dev/null 2>&1 || fail "softhsm2-util"
answers yes yes yes yes yes yes yes
# shellcheck disable=SC2046
expect_error 7 ceremony.token $(ceremony resume "$@" --answers "$T/answers")
new_tokens other
answers yes yes yes yes yes yes yes
# shellcheck disable=SC2046
expect_exit 0 "$PROVCTL" $(ceremony resume "$@" --answers "$T/answers")

tests_end
