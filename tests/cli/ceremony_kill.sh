#!/bin/sh
# A ceremony that is killed where it makes something durable, and before and
# behind its calls to the token, and goes on. KILL_STEP=1 kills at every place
# (make check-kill-ceremony), else at some.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
step=${KILL_STEP:-17}

roster=$T/roster.json
officer_key alice
make_roster "$roster" 1 '"roster": 1' alice:security-officer

plan=$T/plan.json
cat >"$plan" <<END
{"plan": "small", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "issuing-1", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "issue-ca", "ca": "issuing-1", "issuer": "root",
   "template": "issuing-ca"},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256"},
  {"step": "adopt", "template": "tls-client"},
  {"step": "set-roster",
   "sha256": "$(sha256sum "$roster" | cut -d ' ' -f 1)"},
  {"step": "check-key", "purpose": "root"},
  {"step": "pause", "text": "Lock the token away."}
]}
END
bind_plan "$plan" "$templates"
i=0
while [ "$i" -lt 40 ]; do
	echo yes
	i=$((i + 1))
done >"$T/yes"

token() {
	GNUTLS_PIN=$token_pin p11tool --batch --provider "$softhsm" --login "$@" \
		2>/dev/null
}

count_objects() {
	token --list-all "pkcs11:token=acme" | grep -c '^Object'
}

# resume: until it is done. An unrecorded key is named, and stays until people
# delete it.
resume() {
	tries=0
	while [ "$tries" -lt 3 ]; do
		tries=$((tries + 1))
		run "$PROVCTL" ceremony resume "$plan" --home "$H" \
			--templates "$templates" --answers "$T/yes" "$@"
		[ "$rc" -eq 9 ] && grep -q hsm.label-taken "$T/err" || return
		label=$(sed -n 's/.*label \([^ ]*\) is taken.*/\1/p' "$T/err")
		jq -es --arg name "$label" 'any(.[];
			.event == "orphan" and .facts.label == $name and
			(.facts.id | test("^[0-9a-f]+$")) and
			(.facts.next | test("delete it")))' \
			"$H/ceremonies/small-1/transcript.jsonl" >/dev/null ||
			fail "no word of $label in the transcript"
		orphans=$((orphans + 1))
		token --delete "pkcs11:token=acme;object=$label" >/dev/null
	done
}

# done_well WHAT: the resumed ceremony is whole.
done_well() {
	if [ "$rc" -ne 0 ]; then
		fail "$1: resume ends with $rc"
		show_output
	fi
	expect_exit 0 "$PROVCTL" ceremony verify --plan "$plan" \
		--mode "$mode" --unattended \
		"$H/ceremonies/small-1/transcript.jsonl"
	jq -es --arg mode "$mode" '.[0].facts.mode == $mode' \
		"$H/ceremonies/small-1/transcript.jsonl" >/dev/null ||
		fail "$1: it is no $mode any more"
	expect_exit 0 "$PROVCTL" -C "$H" audit verify
	expect_equal "$(count_objects)" 10 "$1: objects on the token"
	[ "$case_failed" -eq 0 ]
}

rehearse() {
	run env "$@" "$PROVCTL" ceremony rehearse "$plan" --home "$H" \
		--name acme --templates "$templates" --roster "$roster"
}

# In the home's own token folder.
own_token() {
	SOFTHSM2_CONF=$H/softhsm/softhsm2.conf
	export SOFTHSM2_CONF
	token_pin=$(cat "$H/softhsm/pin" 2>/dev/null)
}

orphans=0
mode=rehearsal
H=$T/whole
rehearse KILL=none
module=$(jq -r .module "$H/provctl.json")
softhsm=$module

case_start "killed where something is made durable"
own_token
expect_equal "$(count_objects)" 10 "objects on the token"
n=1
kills=0
while :; do
	H=$T/acme$n
	unset SOFTHSM2_CONF
	rehearse DIE_AT=$n LD_PRELOAD="$builddir/tests/cli/die.so"
	[ "$rc" -ne 0 ] || break
	kills=$((kills + 1))
	# Before there is a plan there is nothing to go on with.
	began=0
	[ -e "$H/ceremonies/small-1/plan.json" ] || began=10
	own_token
	resume
	if [ "$began" -ne 0 ]; then
		expect_equal "$rc" 10 "kill $n: nothing begun, exit"
		[ "$case_failed" -eq 0 ] || break
	else
		own_token
		done_well "kill $n" || break
	fi
	rm -rf "$H"
	n=$((n + step))
done
echo "# $kills kills"
[ "$kills" -ge 5 ] || fail "only $kills kills"

case_start "killed before and behind calls to the token"
mode=run
printf 87654321 >"$T/so-pin"
printf 12345678 >"$T/pin"
token_pin=12345678
shim=$builddir/tests/fault/shim.so
cat >"$T/binding.json" <<END
{"binding": "b", "module": "$shim", "tokens": ["pkcs11:token=acme"],
 "pin_source": "file:$T/pin", "so_pin_source": "file:$T/so-pin"}
END
set -- --binding "$T/binding.json"
H=$T/acme
mkdir "$T/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
	"$T/tokens" >"$T/tokens.conf"
SOFTHSM2_CONF=$T/tokens.conf
export SOFTHSM2_CONF
run "$PROVCTL" ceremony run "$plan" --home "$H" --rehearsal "$T/whole" "$@" \
	--templates "$templates" --roster "$roster" --request "$T/request.json"
expect_equal "$rc" 11 "exit without approvals"
approve alice "$T/request.json"
rmdir "$T/tokens"
kills=0
for behind in 0 1; do
	n=1
	while [ "$case_failed" -eq 0 ]; do
		H=$T/acme
		mkdir "$T/tokens"
		printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
			"$T/tokens" >"$T/tokens.conf"
		SOFTHSM2_CONF=$T/tokens.conf
		export SOFTHSM2_CONF
		run env FAULT_DIE=$n FAULT_DIE_BEHIND=$behind "$PROVCTL" \
			ceremony run "$plan" --home "$H" --rehearsal "$T/whole" \
			"$@" --templates "$templates" --answers "$T/yes" \
			--roster "$roster" --approval "$T/notes/alice.note"
		[ "$rc" -ne 0 ] || break
		kills=$((kills + 1))
		resume "$@"
		done_well "call $n, behind $behind" || break
		rm -rf "$H" "$T/tokens"
		n=$((n + step))
	done
	rm -rf "$H" "$T/tokens"
done
echo "# $kills kills, $orphans keys that nobody had recorded"
[ "$kills" -ge 5 ] || fail "only $kills kills"

tests_end
