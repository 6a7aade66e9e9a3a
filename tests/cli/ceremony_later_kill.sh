#!/bin/sh
# A plan of an authority that is there, killed where it makes something durable,
# and before and behind its calls to the token, and gone on with: the same keys
# and files.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/tokens.sh"
. "$srcdir/tests/kills.sh"
step=23

R=$T/rehearsal
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
use_tokens "$T/tokens"

# make_authority MODULE: on a token, and copies of both to begin with.
make_authority() {
	rm -rf "$H" "$T/tokens"
	mkdir "$T/tokens"
	printf 12345678 >"$T/pin"
	bind_tokens "$1" acme
	run "$PROVCTL" ceremony run "$T/first.json" --home "$T/acme" \
		--rehearsal "$R" --binding "$T/binding.json" \
		--templates "$templates" --answers "$T/yes"
	[ "$rc" -eq 0 ] || fail "no authority"
	keep_home
}

anew() {
	home_again
	rm -f "$T/pin.new"
	printf 12345678 >"$T/pin"
}

# The PIN that the token has by now.
pin_now() {
	for pin in 99887766 12345678; do
		token "$pin" --list-all "pkcs11:token=acme" >"$T/listed" &&
			break
	done
	echo "$pin"
}

labels() {
	token "$(pin_now)" --list-all "pkcs11:token=acme" |
		grep -o 'object=[^;]*;type=[a-z]*' | sort
}

# ceremony WORD OPTION...: with the words of $under in its environment.
under=
ceremony() {
	word=$1
	shift
	# shellcheck disable=SC2086 # words of an environment
	run env $under "$PROVCTL" -C "$T/acme" ceremony "$word" \
		"$T/later.json" --templates "$templates" \
		--answers "$T/yes" --new-pin-source "file:$T/next-pin" "$@"
}

go() {
	under=$*
	ceremony run --rehearsal "$R"
	under=
}

resume() {
	ceremony resume
	# It did not come to a beginning.
	[ "$rc" -ne 10 ] || go
}

go_on() {
	past_orphans "$T/acme/ceremonies/later-1/transcript.jsonl" \
		"$(pin_now)" resume
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
	(cd "$T/acme/ceremonies/later-1" && ls -I 'transcript.aside-*') \
		>"$T/files"
	same_bytes "$T/files.whole" "$T/files"
	expect_equal "$(jq -c '.keys | map_values(.generation)' \
		"$T/acme/provctl.json")" "$generations" "$1: generations"
}

case_start "killed where something is made durable"
make_authority "$softhsm"
go
[ "$rc" -eq 0 ] || {
	fail "the whole run"
	show_output
}
labels >"$T/labels.whole"
(cd "$T/acme/ceremonies/later-1" && ls) >"$T/files.whole"
generations=$(jq -c '.keys | map_values(.generation)' "$T/acme/provctl.json")
kill_at_each durable 5

case_start "killed before calls to the token"
make_authority "$builddir/tests/fault/shim.so"
kill_at_each before 3

case_start "killed behind calls to the token"
kill_at_each behind 3

tests_end
