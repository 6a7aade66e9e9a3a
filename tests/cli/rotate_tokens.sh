#!/bin/sh
# A root whose key is on another token than what it certifies: found on any of
# the tokens that provctl.json names, used there, and its next key is made
# there; without that token it is said what to do.
. "$(dirname "$0")/../lib.sh"

set_config() {
	jq "$1" "$H/provctl.json" >"$T/provctl.json" &&
		cat "$T/provctl.json" >"$H/provctl.json"
}

# on_token TOKEN WHAT LABEL: p11tool's answer.
on_token() {
	SOFTHSM2_CONF=$H/softhsm/softhsm2.conf GNUTLS_PIN=$(cat \
		"$H/softhsm/pin") p11tool --provider "$module" --login \
		--batch "$2" "pkcs11:token=$1;object=acme%2F$3" 2>&1
}

# has TOKEN LABEL: how many objects.
has() {
	on_token "$1" --list-all "$2" | grep -c URL
}

if ! command -v p11tool >/dev/null; then
	case_start "tokens"
	skip_case "no p11tool"
	tests_end
fi
new_authority
module=$(jq -r .module "$H/provctl.json")
# The same keys on a token of another label and serial number; then the root is
# on that one alone, and the CA below it on the first alone.
cp -a "$H/softhsm/tokens" "$T/tokens"
serial=$(SOFTHSM2_CONF=$H/softhsm/softhsm2.conf softhsm2-util --show-slots |
	sed -n 's/.*Serial number: *\([0-9a-f]\{16\}\)$/\1/p' | head -n 1)
twin=$H/softhsm/tokens/00000000-0000-4000-8000-000000000002
cp -a "$T/tokens"/* "$twin"
sed -i -e "s/$serial/ffff00000abcdef2/" -e 's/acme   /twin   /' \
	"$twin/token.object"
on_token acme --delete root%2F1 >"$T/out"
on_token twin --delete issuing-1%2F1 >"$T/out"
own=$(jq -c .tokens "$H/provctl.json")

case_start "without the token of the root it is said what to do"
expect_error 10 rotate.parent -C "$H" rotate ca issuing-1
expect_text "name the token that has it"
expect_error 7 hsm.key-missing -C "$H" rotate ca root
set_config ".tokens = $own + [\"pkcs11:token=absent\"]"
expect_error 6 hsm.token-missing -C "$H" rotate ca issuing-1
expect_text "on no other token"
expect_equal "$(jq -r '.keys["issuing-1"].generation' "$H/provctl.json")" 1 \
	"generation in use"
verify_audit

case_start "found on the second token"
set_config ".tokens = $own + [\"pkcs11:token=twin\"]"
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1
expect_text "issuing-1 generation 2"
expect_equal "$(has acme issuing-1%2F2)" 3 "objects on the first token"
expect_equal "$(has twin issuing-1%2F2)" 0 "objects on the second token"
verify_audit

case_start "the root's next key is made beside the old one"
expect_exit 0 "$PROVCTL" -C "$H" rotate ca root
expect_equal "$(has twin root%2F2)" 3 "objects on the second token"
expect_equal "$(has acme root%2F2)" 0 "objects on the first token"
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1
p export chain --ca issuing-1 >"$T/chain"
p export chain --ca root >"$T/root"
openssl verify -CAfile "$T/root" "$T/chain" >"$T/out" 2>&1 ||
	fail "not by the new root: $(cat "$T/out")"
verify_audit

case_start "a first token that is away: the search starts at the next"
set_config ".tokens = [\"pkcs11:token=absent\", \"pkcs11:token=twin\"] + $own"
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1
verify_audit
set_config ".tokens = $own + [\"pkcs11:token=twin\"]"

case_start "lists of both are signed, each on its token"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
for list in root/0 root/1 issuing-1/0 issuing-1/48; do
	openssl crl -inform DER -in "$H/publish/crl/$list.crl" -noout \
		>"$T/out" 2>&1 || fail "$list: $(cat "$T/out")"
done
new_device tls-client client-00000001
issue tls-client client-00000001
expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000001 \
	--reason superseded
verify_audit

case_start "a PIN that the second token refuses is tried once"
set_config ".module = \"$builddir/tests/fault/shim.so\""
accept_module
FAULT_LOG=$T/calls
: >"$FAULT_LOG"
export FAULT_LOG FAULT_C_Login_RV=0xa0 FAULT_C_Login_FROM=2
expect_exit 7 "$PROVCTL" -C "$H" rotate ca issuing-1
unset FAULT_LOG FAULT_C_Login_RV FAULT_C_Login_FROM
expect_equal "$(grep -c ' C_Login 0xa0$' "$T/calls")" 1 "refused logins"
set_config ".module = \"$module\""
accept_module
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1
verify_audit

case_start "which of two tokens has not the next key is said, with what to do"
lacks() {
	jq -c 'select(.kind == "not-on-token") | [.object, .detail]' "$T/out" |
		grep -F "$1"
}
expect_exit 0 "$PROVCTL" -C "$H" --json audit reconcile
expect_equal "$(lacks acme)" "" "before"
expect_exit 0 "$PROVCTL" -C "$H" rotate bundle
expect_exit 0 "$PROVCTL" -C "$H" --json audit reconcile
expect_equal "$(lacks twin | jq -r '.[0]')" acme/bundle/2 "the key"
lacks "token twin (serial ffff00000abcdef2) has generation 1" >"$T/said" ||
	fail "the token is not named"
grep -q restore-key "$T/said" || fail "nothing says what to do"
expect_equal "$(tail -n 1 "$T/out" | jq '.found["not-on-token"]')" 1 "counted"
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
expect_text "tokens: 1 key not on each that takes over"
expect_exit 0 "$PROVCTL" -C "$H" --json status
expect_equal "$(jq -c '.tokens | map([.label, .serial, .lacks])' "$T/out" |
	sed "s/$serial/first/")" '[["acme","first",[]],["twin","ffff00000abcdef2",["acme/bundle/2"]]]' \
	"what status says"
expect_exit 0 "$PROVCTL" -C "$H" status
expect_text "lacks acme/bundle/2, and has the generation before: bring it there"
for token in "$H"/softhsm/tokens/*; do
	[ "$token" = "$twin" ] || cp -n "$token"/*.object "$twin"
done
expect_exit 0 "$PROVCTL" -C "$H" --json audit reconcile
expect_equal "$(lacks acme)" "" "once it has a copy"
expect_exit 0 "$PROVCTL" -C "$H" --json status
expect_equal "$(jq -c '.tokens | map(.lacks)' "$T/out")" '[[],[]]' "by status"

case_start "a key is missing when none of the tokens has it"
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
on_token twin --delete root%2F1 >"$T/out"
expect_exit 9 "$PROVCTL" -C "$H" audit reconcile
expect_text "acme/root/1: not on any token"
expect_text "found: 1 missing"

tests_end
