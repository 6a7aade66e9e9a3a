#!/bin/sh
# A plan of an authority that is there, killed where it makes something durable,
# and before and behind its calls to the token, and gone on with: the same keys
# and files. KILL_STEP=1 kills at every place (make check-kill-ceremony), else at
# some.
. "$(dirname "$0")/../lib.sh"
step=${KILL_STEP:-23}

R=$T/rehearsal
i=0
while [ "$i" -lt 60 ]; do
	echo yes
	i=$((i + 1))
done >"$T/yes"
printf 87654321 >"$T/so-pin"
printf 99887766 >"$T/next-pin"

cat >"$T/first.json" <<END
{"plan": "first", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "issuing-1", "kind": "P-256"},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"},
  {"step": "issue-ca", "ca": "issuing-1", "issuer": "root",
   "template": "issuing-ca"}
]}
END
cat >"$T/later.json" <<END
{"plan": "later", "version": 1, "steps": [
  {"step": "generate-key", "purpose": "issuing-1", "kind": "P-256"},
  {"step": "issue-ca", "ca": "issuing-1", "issuer": "root",
   "template": "issuing-ca"},
  {"step": "cross-sign", "ca": "issuing-1"},
  {"step": "sign-crl", "ca": "root"},
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256"},
  {"step": "rotate-pin"},
  {"step": "destroy-key", "purpose": "bundle", "generation": 1}
]}
END
# The one with a single list: its files are few.
cp "$srcdir/templates/issuing-ca.json" "$templates/issuing-ca.json"
bind_plan "$T/first.json" "$templates"
bind_plan "$T/later.json" "$templates"
for name in first later; do
	run "$PROVCTL" ceremony rehearse "$T/$name.json" --home "$R" \
		--name acme --templates "$templates"
	[ "$rc" -eq 0 ] || run "$PROVCTL" ceremony rehearse "$T/$name.json" \
		--home "$R" --templates "$templates"
done
softhsm=$(jq -r .module "$R/provctl.json")
SOFTHSM2_CONF=$T/tokens.conf
export SOFTHSM2_CONF
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
	"$T/tokens" >"$SOFTHSM2_CONF"

# make MODULE: an authority on a token, and copies of both to begin with.
make_authority() {
	rm -rf "$T/acme" "$T/tokens" "$T/home0" "$T/tokens0"
	mkdir "$T/tokens"
	printf 12345678 >"$T/pin"
	cat >"$T/binding.json" <<END
{"binding": "b", "module": "$1", "tokens": ["pkcs11:token=acme"],
 "pin_source": "file:$T/pin", "so_pin_source": "file:$T/so-pin"}
END
	run "$PROVCTL" ceremony run "$T/first.json" --home "$T/acme" \
		--rehearsal "$R" --binding "$T/binding.json" \
		--templates "$templates" --answers "$T/yes"
	[ "$rc" -eq 0 ] || fail "no authority"
	cp -R "$T/acme" "$T/home0"
	cp -R "$T/tokens" "$T/tokens0"
}

put_back() {
	rm -rf "$T/acme" "$T/tokens" "$T/pin.new"
	cp -R "$T/home0" "$T/acme"
	cp -R "$T/tokens0" "$T/tokens"
	printf 12345678 >"$T/pin"
}

token() {
	for pin in 99887766 12345678; do
		GNUTLS_PIN=$pin p11tool --batch --provider "$softhsm" --login \
			"$@" 2>/dev/null && return
	done
}

objects() {
	token --list-all "pkcs11:token=acme" | grep -c '^Object'
}

labels() {
	token --list-all "pkcs11:token=acme" | grep -o 'object=[^;]*;type=[a-z]*' |
		sort
}

go() {
	word=$1
	shift
	[ "$word" != run ] || set -- "$@" --rehearsal "$R"
	# shellcheck disable=SC2086 # words of an environment
	run env $dies "$PROVCTL" -C "$T/acme" ceremony "$word" "$T/later.json" \
		--templates "$templates" --answers "$T/yes" \
		--new-pin-source "file:$T/next-pin" "$@"
}

# resume: until it is done. An unrecorded key is named, and stays until people
# delete it.
resume() {
	tries=0
	while [ "$tries" -lt 3 ]; do
		tries=$((tries + 1))
		go resume
		# It did not come to a beginning.
		[ "$rc" -ne 10 ] || go run
		[ "$rc" -eq 9 ] && grep -q hsm.label-taken "$T/err" || return
		label=$(sed -n 's/.*label \([^ ]*\) is taken.*/\1/p' "$T/err")
		orphans=$((orphans + 1))
		token --delete "pkcs11:token=acme;object=$label" >/dev/null
	done
}

done_well() {
	if [ "$rc" -ne 0 ]; then
		fail "$1: resume ends with $rc"
		show_output
	fi
	expect_exit 0 "$PROVCTL" ceremony verify --unattended --plan "$T/later.json" \
		"$T/acme/ceremonies/later-1/transcript.jsonl"
	expect_exit 0 "$PROVCTL" -C "$T/acme" audit verify
	expect_exit 0 "$PROVCTL" -C "$T/acme" audit reconcile
	expect_equal "$(cat "$T/pin")" 99887766 "$1: the PIN"
	labels >"$T/labels"
	same_bytes "$T/labels.whole" "$T/labels"
	(cd "$T/acme/ceremonies/later-1" && ls) >"$T/files"
	same_bytes "$T/files.whole" "$T/files"
	expect_equal "$(jq -c '.keys | map_values(.generation)' \
		"$T/acme/provctl.json")" "$generations" "$1: generations"
	[ "$case_failed" -eq 0 ]
}

orphans=0
dies=
case_start "killed where something is made durable"
make_authority "$softhsm"
go run
[ "$rc" -eq 0 ] || {
	fail "the whole run"
	show_output
}
labels >"$T/labels.whole"
(cd "$T/acme/ceremonies/later-1" && ls) >"$T/files.whole"
generations=$(jq -c '.keys | map_values(.generation)' "$T/acme/provctl.json")
n=1
kills=0
while [ "$case_failed" -eq 0 ]; do
	put_back
	dies="DIE_AT=$n LD_PRELOAD=$builddir/tests/cli/die.so"
	go run
	dies=
	[ "$rc" -ne 0 ] || break
	kills=$((kills + 1))
	resume
	done_well "kill $n" || break
	n=$((n + step))
done
echo "# $kills kills"
[ "$kills" -ge 5 ] || fail "only $kills kills"

case_start "killed before and behind calls to the token"
make_authority "$builddir/tests/fault/shim.so"
kills=0
for behind in 0 1; do
	n=1
	while [ "$case_failed" -eq 0 ]; do
		put_back
		dies="FAULT_DIE=$n FAULT_DIE_BEHIND=$behind"
		go run
		dies=
		[ "$rc" -ne 0 ] || break
		kills=$((kills + 1))
		resume
		done_well "call $n, behind $behind" || break
		n=$((n + step))
	done
done
echo "# $kills kills, $orphans keys that nobody had recorded"
[ "$kills" -ge 5 ] || fail "only $kills kills"

tests_end
