#!/bin/sh
# A later plan makes a CA that the authority has not yet, with its key and its
# templates: approved as a rotation is, asked for ahead, and devices are made
# under it. Killed on the way, it goes on.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"
. "$srcdir/tests/tokens.sh"
. "$srcdir/tests/kills.sh"
step=9

for who in alice bob carol; do
	officer_key "$who"
done
make_roster "$T/roster.json" 1 \
	'"roster": 2, "ceremony": 2, "rotate_ca": 2, "adopt": 2' \
	alice:security-officer,operator bob:security-officer \
	carol:security-officer
H=$T/acme
R=$T/rehearsal
# The one with a single list, for another CA; devices below that.
cp "$srcdir/templates/issuing-ca.json" "$templates/issuing-ca.json"
sed 's/"template": "issuing-ca"/"template": "line-ca"/
	s/Issuing/Line/' "$templates/issuing-ca.json" >"$templates/line-ca.json"
sed 's/"issuing-1"/"line-2"/' "$templates/tls-client.json" >"$T/tls.json"
mv "$T/tls.json" "$templates/tls-client.json"

cat >"$T/first.json" <<END
{"plan": "first", "version": 1, "steps": [
  {"step": "init-token"},
  {"step": "generate-key", "purpose": "root", "kind": "P-256"},
  {"step": "generate-key", "purpose": "log", "kind": "P-256"},
  {"step": "self-signed", "ca": "root", "template": "root-ca"}
]}
END
cat >"$T/keys.json" <<END
{"plan": "keys", "version": 1, "steps": [
  {"step": "generate-key", "purpose": "bundle", "kind": "P-256"},
  {"step": "generate-key", "purpose": "kdf", "kind": "AES-256"},
  {"step": "generate-key", "purpose": "store", "kind": "AES-256"}
]}
END
cat >"$T/line.json" <<END
{"plan": "line", "version": 1, "steps": [
  {"step": "generate-key", "purpose": "line-2", "kind": "P-256"},
  {"step": "issue-ca", "ca": "line-2", "issuer": "root",
   "template": "line-ca"},
  {"step": "sign-crl", "ca": "line-2"},
  {"step": "adopt", "template": "tls-client"},
  {"step": "adopt", "template": "symmetric-sensor"},
  {"step": "check-key", "purpose": "line-2"}
]}
END
cat >"$T/again.json" <<END
{"plan": "again", "version": 1, "steps": [
  {"step": "generate-key", "purpose": "line-2", "kind": "P-256"},
  {"step": "issue-ca", "ca": "line-2", "issuer": "root",
   "template": "line-ca"},
  {"step": "cross-sign", "ca": "line-2"}
]}
END
cat >"$T/root2.json" <<END
{"plan": "root2", "version": 1, "steps": [
  {"step": "generate-key", "purpose": "root2", "kind": "P-256"},
  {"step": "self-signed", "ca": "root2", "template": "root-ca"}
]}
END
cat >"$T/nobody.json" <<END
{"plan": "nobody", "version": 1, "steps": [
  {"step": "generate-key", "purpose": "line-3", "kind": "P-256"},
  {"step": "issue-ca", "ca": "line-3", "issuer": "nobody",
   "template": "line-ca"}
]}
END
cat >"$T/log.json" <<END
{"plan": "log", "version": 1, "steps": [
  {"step": "generate-key", "purpose": "log-ecdsa", "kind": "P-256"}
]}
END
for name in first keys line again root2 nobody; do
	bind_plan "$T/$name.json" "$templates"
done

expect_rc() {
	[ "$rc" -eq "$1" ] && return
	fail "$2: exit $rc, not $1"
	show_output
}

rehearse() {
	(unset SOFTHSM2_CONF
	"$PROVCTL" ceremony rehearse "$T/$1.json" --home "$R" \
		--templates "$templates") >"$T/out" 2>"$T/err"
	rc=$?
}

# ceremony WORD NAME OPTION...: as $actor.
actor=
ceremony() {
	word=$1
	name=$2
	shift 2
	[ "$word" != run ] || set -- --rehearsal "$R" "$@"
	# shellcheck disable=SC2086 # options
	run "$PROVCTL" -C "$H" $actor ceremony "$word" "$T/$name.json" \
		--templates "$templates" --answers "$T/yes" "$@"
}

# approved: each request by bob and carol; options in $T/given.
approved() {
	rm -f "$T/given"
	for asked in "$H"/requests/*.json; do
		for who in bob carol; do
			approve "$who" "$asked"
			[ "$rc" -eq 0 ] || fail "approving: $(cat "$T/err")"
			note=$T/notes/$(basename "$asked" .json).$who
			cp "$T/notes/$who.note" "$note"
			printf ' --approval %s' "$note" >>"$T/given"
		done
	done
	rm -f "$H"/requests/*
}

audited() {
	expect_exit 0 "$PROVCTL" -C "$H" audit verify
	expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
	expect_exit 0 "$PROVCTL" -C "$H" status
}

holds() {
	expect_exit 0 "$PROVCTL" ceremony verify --unattended \
		--plan "$T/$1.json" "$H/ceremonies/$1-1/transcript.jsonl"
}

case_start "rehearsed, and refused where nobody can sign"
run "$PROVCTL" ceremony rehearse "$T/first.json" --home "$R" --name acme \
	--templates "$templates"
expect_rc 0 "the first plan"
rehearse nobody
expect_rc 10 "a CA above that is not there"
expect_text plan.unknown
rehearse log
expect_rc 10 "a log key that no log key vouches for"
expect_text plan.unknown
for name in nobody log; do
	[ ! -e "$R/ceremonies/$name-1" ] || fail "something was made"
done
for name in keys line again root2; do
	rehearse "$name"
	expect_rc 0 "rehearsing $name"
done

case_start "keys of purposes that the authority had not"
use_tokens "$T/tokens"
bind_tokens "$builddir/tests/fault/shim.so" acme
expect_exit 0 "$PROVCTL" ceremony run "$T/first.json" --home "$H" \
	--name acme --rehearsal "$R" --binding "$T/binding.json" \
	--templates "$templates" --answers "$T/yes"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/roster.json"
actor="--as alice --key $T/keys/alice.key"
ceremony run keys
expect_rc 11 "nobody approved the keys"
expect_text "4 requests"
approved
# shellcheck disable=SC2046 # paths without blanks
ceremony run keys $(cat "$T/given")
expect_rc 0 "the keys"
holds keys
audited
for purpose in bundle kdf store; do
	expect_equal "$(jq -r ".keys.$purpose.generation" "$H/provctl.json")" \
		1 "the generation of $purpose"
done

case_start "nothing is made before all have approved it"
ceremony run line
expect_rc 11 "nobody approved"
expect_text "5 requests"
approve bob "$H"/requests/rotate_ca-*.json
expect_text "new ca"
expect_text "name line-2"
approved
# shellcheck disable=SC2046 # paths without blanks
ceremony run line $(sed 's/--approval [^ ]*rotate_ca[^ ]*carol//' "$T/given")
expect_rc 11 "one did not approve the CA"
[ ! -e "$H/ceremonies/line-1" ] || fail "something was made"
keep_home
cp "$T/given" "$T/given0"

case_start "made, and a device below it"
# shellcheck disable=SC2046 # paths without blanks
ceremony run line $(cat "$T/given")
expect_rc 0 "the CA"
holds line
audited
objects=$(token 12345678 --list-all pkcs11:token=acme |
	grep -c 'object=acme%2Fline-2%2F1')
made=$H/ceremonies/line-1
openssl verify -CAfile "$H/ceremonies/first-1/root.pem" "$made/line-2.pem" \
	>/dev/null 2>&1 || fail "OpenSSL does not take the CA"
openssl crl -inform DER -in "$made/line-2.crl" -CAfile "$made/line-2.pem" \
	-noout >/dev/null 2>&1 || fail "OpenSSL does not take its list"
new_device tls-client client-00000001
# shellcheck disable=SC2046 # no option holds a space
by alice issue --template tls-client $(device_opts client-00000001) \
	-o "$T/device"
expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
json_field certificate "$T/out" >"$T/device.pem"
new_device symmetric-sensor S0000000001
# shellcheck disable=SC2046 # no option holds a space
by alice issue --template symmetric-sensor $(device_opts S0000000001) \
	-o "$T/sensor"
expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
openssl verify -CAfile "$H/ceremonies/first-1/root.pem" \
	-untrusted "$made/line-2.pem" \
	"$T/device.pem" >/dev/null 2>&1 ||
	fail "OpenSSL does not take the device"

case_start "its next generation, and a root beside the first"
for name in again root2; do
	ceremony run "$name"
	expect_rc 11 "nobody approved $name"
	approved
	# shellcheck disable=SC2046 # paths without blanks
	ceremony run "$name" $(cat "$T/given")
	expect_rc 0 "$name"
	holds "$name"
done
expect_equal "$(jq -r '.keys["line-2"].generation' "$H/provctl.json")" 2 \
	"the generation in use"
audited

case_start "killed where something is made durable"
anew() {
	home_again
}
go() {
	# shellcheck disable=SC2046,SC2086 # options, paths without blanks
	run env "$@" "$PROVCTL" -C "$H" $actor ceremony run "$T/line.json" \
		--templates "$templates" --rehearsal "$R" --answers "$T/yes" \
		$(cat "$T/given0")
}
resume() {
	# shellcheck disable=SC2046 # paths without blanks
	ceremony resume line $(cat "$T/given0")
	# It did not come to a beginning.
	[ "$rc" -ne 10 ] || go
}
go_on() {
	past_orphans "$H/ceremonies/line-1/transcript.jsonl" 12345678 resume
}
done_well() {
	expect_rc 0 "$1"
	audited
	holds line
	expect_equal "$(jq -c '.keys["line-2"].generation' "$H/provctl.json")" \
		1 "$1: the generation in use"
	expect_equal "$(token 12345678 --list-all pkcs11:token=acme |
		grep -c 'object=acme%2Fline-2%2F1')" "$objects" "$1: objects"
}
kill_at_each durable 3

case_start "killed before calls to the token"
kill_at_each before 3

tests_end
