#!/bin/sh
# A key that is backed up and restored, killed before and behind calls to the
# tokens: it goes on, and nothing is there twice or in halves. KILL_STEP=1 kills
# at every call (make check-kill-ceremony), else at some.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/keepers.sh"
step=${KILL_STEP:-8}

plan=$T/plan.json
cat >"$plan" <<END
{"plan": "small", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256", "backup": true},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "back-up-key", "purpose": "root", "shares": 3, "threshold": 2,
   "print": true},
  {"step": "restore-key", "purpose": "root"}
]}
END
bind_plan "$plan" "$templates"
H=$T/acme
M=$T/media
F=ceremonies/small-1/transcript.jsonl
printf 87654321 >"$T/so-pin"
printf 12345678 >"$T/pin"
mkdir "$M"
run "$PROVCTL" ceremony rehearse "$plan" --home "$T/whole" --name acme \
	--templates "$templates" --media "$M"
[ "$rc" -eq 0 ] || show_output
module=$(jq -r .module "$T/whole/provctl.json")
cat >"$T/binding.json" <<END
{"binding": "b", "module": "$builddir/tests/fault/shim.so",
 "tokens": ["pkcs11:token=acme", "pkcs11:token=spare"],
 "pin_source": "file:$T/pin", "so_pin_source": "file:$T/so-pin"}
END
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
	"$T/tokens" >"$T/tokens.conf"
SOFTHSM2_CONF=$T/tokens.conf
export SOFTHSM2_CONF
mkdir "$T/tokens"
softhsm2-util --init-token --free --label spare --pin 12345678 \
	--so-pin 87654321 >/dev/null 2>&1 || fail "softhsm2-util"
mv "$T/tokens" "$T/empty"

# objects TOKEN
objects() {
	GNUTLS_PIN=12345678 p11tool --batch --provider "$module" --login \
		--list-all "pkcs11:token=$1" 2>/dev/null | grep -c '^Object'
}

# ceremony WORD OPTION...
ceremony() {
	word=$1
	shift
	attended "$H/$F" "$M/shares" env "$@" "$PROVCTL" ceremony "$word" \
		"$plan" --home "$H" --binding "$T/binding.json" $rehearsal \
		--media "$M" --templates "$templates" --answers "$T/said"
}

# Until it is done. A key that nobody recorded stays until people delete it.
resume() {
	tries=0
	rehearsal=
	while [ "$tries" -lt 3 ]; do
		tries=$((tries + 1))
		ceremony resume TRY=$tries
		[ "$rc" -eq 9 ] && grep -q hsm.label-taken "$T/err" || return
		label=$(sed -n 's/.*label \([^ ]*\) is taken.*/\1/p' "$T/err")
		GNUTLS_PIN=12345678 p11tool --batch --provider "$module" \
			--login --delete "pkcs11:token=acme;object=$label" \
			>/dev/null 2>&1
	done
}

# done_well WHAT
done_well() {
	if [ "$rc" -ne 0 ]; then
		fail "$1: resume ends with $rc"
		show_output
	fi
	expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$plan" "$H/$F"
	expect_exit 0 "$PROVCTL" -C "$H" audit verify
	expect_equal "$(objects acme)" 5 "$1: objects on the first token"
	expect_equal "$(objects spare)" 2 "$1: objects on the second token"
	[ "$case_failed" -eq 0 ]
}

case_start "killed before and behind calls to the tokens"
kills=0
for behind in 0 1; do
	n=$((1 + behind * step / 2))
	while [ "$case_failed" -eq 0 ]; do
		rm -rf "$H" "$T/tokens" "$M"
		mkdir "$M"
		cp -R "$T/empty" "$T/tokens"
		rehearsal="--rehearsal $T/whole --name acme"
		ceremony run FAULT_DIE=$n FAULT_DIE_BEHIND=$behind
		[ "$rc" -ne 0 ] || break
		kills=$((kills + 1))
		resume
		done_well "call $n, behind $behind" || break
		n=$((n + step))
	done
done
done_well "without a kill"
echo "# $kills kills"
[ "$kills" -ge 5 ] || fail "only $kills kills"

tests_end
