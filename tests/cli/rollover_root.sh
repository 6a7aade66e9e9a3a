#!/bin/sh
# A root gets a new key, then the CA below it: devices of each age verify each
# other's chains with OpenSSL and GnuTLS before, during and after, whichever
# root a party trusts, and bundles carry both roots.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/chains.sh"

# device_takes NUMBER CERT HELP...: with the trust anchors that it was given.
device_takes() {
	anchors=$T/dev/client-$1/active/identity/anchors.pem
	shift
	takes "$anchors" "$@"
}

# opened NUMBER: the device takes its bundle; it trusts so many roots.
opened() {
	run "$PROVDEV" open "$T/dev/client-$1" "$T/$1.pvb" --bundle-key \
		"$T/bundle.pem"
	expect_equal "$rc" 0 "provdev open $1 ($(cat "$T/err"))"
	expect_equal "$(grep -c BEGIN \
		"$T/dev/client-$1/active/identity/anchors.pem")" "$2" \
		"trust anchors of $1"
}

# takes_all TRUSTED NUMBER CROSS...: with all that there is of chains. GnuTLS does
# not look for a way among more than one needs: it gets that alone.
takes_all() {
	trusted=$1
	number=$2
	shift 2
	p export chain --ca issuing-1 --all >"$T/all"
	openssl verify -purpose sslclient -partial_chain -trusted "$trusted" \
		-untrusted "$T/all" "$T/$number.pem" >"$T/out" 2>&1 ||
		fail "openssl: $number: $(cat "$T/out")"
	awk '/BEGIN/ { n++ } n == 1' "$T/$number.chain" >"$T/issuing"
	by_gnutls "$trusted" "$T/$number.pem" "$T/issuing" "$@" ||
		fail "certtool: $number: $(cat "$T/out")"
}

# not_revoked CERT CHAIN ROOT: every CA's list says so.
not_revoked() {
	expect_exit 0 "$PROVCTL" -C "$H" rotate crl
	for list in "$H"/publish/crl/root/*.crl \
		"$H"/publish/crl/issuing-1/*.crl; do
		openssl crl -inform DER -in "$list"
	done >"$T/lists"
	openssl verify -crl_check_all -CRLfile "$T/lists" -partial_chain \
		-trusted "$3" -untrusted "$2" "$1" >"$T/out" 2>&1 ||
		fail "$1: $(cat "$T/out")"
}

new_authority
p export key --purpose bundle >"$T/bundle.pem"
p export chain --ca root >"$T/old.pem"
jq '.template = "clear" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f355" |
	.device.id = "clear-[0-9]{4}" |
	.components.trust = {sealed: false, content: {trust_anchors: true}}' \
	"$templates/tls-client.json" >"$T/clear.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/clear.json"

case_start "before: one root"
new_client 00000001
opened 00000001 1
takes "$T/old.pem" "$T/00000001.pem" "$T/00000001.chain"
not_revoked "$T/00000001.pem" "$T/00000001.chain" "$T/old.pem"

case_start "a new root under the old name, and both between them"
expect_error 4 rotate.template -C "$H" rotate ca root --template issuing-ca
expect_error 4 rotate.subject -C "$H" rotate ca root --template matter-paa
expect_exit 0 "$PROVCTL" -C "$H" --json rotate ca root
expect_equal "$(json_field generation "$T/out")" 2 generation
expect_equal "$(json_field key "$T/out")" acme/root/2 key
p export chain --ca root >"$T/new.pem"
expect_equal "$(grep -c BEGIN "$T/new.pem")" 1 "certificates of the new root"
expect_exit 0 "$PROVCTL" -C "$H" export chain --ca root --all --proof \
	--out "$T/chain"
same_bytes "$T/chain/root.pem" "$T/old.pem"
same_bytes "$T/chain/root-2.pem" "$T/new.pem"
for pair in "root-2-by-1 new old" "root-1-by-2 old new"; do
	# shellcheck disable=SC2086  # three names
	set -- $pair
	openssl verify -partial_chain -trusted "$T/$3.pem" \
		"$T/chain/$1.pem" >"$T/out" 2>&1 || fail "$1: $(cat "$T/out")"
	by_gnutls "$T/$3.pem" "$T/chain/$1.pem" ||
		fail "certtool: $1: $(cat "$T/out")"
	expect_equal "$(openssl x509 -in "$T/chain/$1.pem" -noout -pubkey)" \
		"$(openssl x509 -in "$T/$2.pem" -noout -pubkey)" "key of $1"
	openssl x509 -in "$T/chain/$1.pem" -outform DER >"$T/cer"
	same_bytes "$T/cer" "$H/publish/ca/$1.cer"
done
openssl verify -CAfile "$T/new.pem" "$T/new.pem" >"$T/out" 2>&1 ||
	fail "the new root: $(cat "$T/out")"
verify_audit

case_start "during: CAs stay under the old root, new bundles carry both"
new_client 00000002
opened 00000002 2
same_bytes "$T/00000002.chain" "$T/00000001.chain"
old_new=$T/chain/root-1-by-2.pem
new_old=$T/chain/root-2-by-1.pem
for i in 00000001 00000002; do
	takes "$T/old.pem" "$T/$i.pem" "$T/$i.chain"
	refuses "$T/new.pem" "$T/$i.pem" "$T/$i.chain"
	takes_all "$T/new.pem" "$i" "$old_new"
	device_takes 00000001 "$T/$i.pem" "$T/$i.chain"
	device_takes 00000002 "$T/$i.pem" "$T/$i.chain"
done
verify_audit

case_start "the next issuing CA is below the new root"
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1
new_client 00000003
opened 00000003 2
expect_equal "$(grep -c BEGIN "$T/00000003.chain")" 2 "its chain"
cat "$T/new.pem" >"$T/want"
awk '/BEGIN/ { n++ } n == 2' "$T/00000003.chain" >"$T/got"
same_bytes "$T/got" "$T/want"
for i in 00000001 00000002; do
	takes_all "$T/old.pem" "$i"
	takes_all "$T/new.pem" "$i" "$old_new"
	device_takes 00000001 "$T/$i.pem" "$T/$i.chain"
	device_takes 00000002 "$T/$i.pem" "$T/$i.chain"
	device_takes 00000003 "$T/$i.pem" "$T/$i.chain"
done
takes_all "$T/old.pem" 00000003 "$new_old"
takes_all "$T/new.pem" 00000003
takes_all "$T/dev/client-00000001/active/identity/anchors.pem" 00000003 \
	"$new_old"
device_takes 00000002 "$T/00000003.pem" "$T/00000003.chain"
device_takes 00000003 "$T/00000003.pem" "$T/00000003.chain"
refuses "$T/old.pem" "$T/00000003.pem" "$T/00000003.chain"
not_revoked "$T/00000001.pem" "$T/00000001.chain" "$T/old.pem"
not_revoked "$T/00000003.pem" "$T/00000003.chain" "$T/new.pem"
# And on the way through the cross-certificate, which is on no list.
awk '/BEGIN/ { n++ } n == 1' "$T/00000001.chain" >"$T/over"
cat "$old_new" >>"$T/over"
not_revoked "$T/00000001.pem" "$T/over" "$T/new.pem"

case_start "after: who trusts the new root alone"
for i in 00000001 00000002; do
	takes_all "$T/new.pem" "$i" "$old_new"
done
takes "$T/new.pem" "$T/00000003.pem" "$T/00000003.chain"
# A retry gives what was given, with the roots of then.
issue tls-client client-00000001 -o "$T/again.pvb"
same_bytes "$T/again.pvb" "$T/00000001.pvb"
verify_audit "$T/00000001.pem" "$T/00000002.pem" "$T/00000003.pem"

case_start "clear anchors are those of the version's adoption"
for i in 1 2; do
	new_device clear "clear-000$i"
	issue clear "clear-000$i" -o "$T/clear$i.pvb"
	expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
	run "$PROVDEV" open "$T/dev/clear-000$i" "$T/clear$i.pvb" --bundle-key \
		"$T/bundle.pem"
	expect_equal "$rc" 0 "provdev open ($(cat "$T/err"))"
	expect_equal "$(grep -c BEGIN \
		"$T/dev/clear-000$i/active/trust/anchors.pem")" "$i" \
		"clear anchors"
	expect_equal "$(grep -c BEGIN \
		"$T/dev/clear-000$i/active/identity/anchors.pem")" 2 \
		"sealed anchors"
	jq '.version = 2' "$T/clear.json" >"$T/clear2.json"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/clear2.json"
done
verify_audit

case_start "interrupted: the key is taken up, nothing else was there"
module=$(jq -r .module "$H/provctl.json")
use_module() {
	jq --arg to "$1" '.module = $to' "$H/provctl.json" \
		>"$T/provctl.json" && cat "$T/provctl.json" >"$H/provctl.json"
	accept_module
}
for n in 1 2 3; do
	use_module "$builddir/tests/fault/shim.so"
	export FAULT_C_Sign_RV=50 FAULT_C_Sign_FROM=$n
	expect_error 6 '' -C "$H" rotate ca matter-paa
	unset FAULT_C_Sign_RV FAULT_C_Sign_FROM
	use_module "$module"
	expect_equal "$(p export chain --ca matter-paa | grep -c BEGIN)" 1 \
		"certificates of the root"
	verify_audit
done
expect_exit 0 "$PROVCTL" -C "$H" --json rotate ca matter-paa
expect_equal "$(json_field key "$T/out")" acme/matter-paa/2 key
verify_audit

case_start "a root that takes over later is given out before"
at=$(date -u -d "@$(($(date +%s) + 86400))" +%Y-%m-%dT%H:%M:%SZ)
expect_exit 0 "$PROVCTL" -C "$H" rotate ca root --at "$at"
new_client 00000004
opened 00000004 3
takes "$T/new.pem" "$T/00000004.pem" "$T/00000004.chain"
expect_error 9 rotate.pending -C "$H" rotate ca root
cp -a "$H" "$T/withdrawn"
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1
p export chain --ca issuing-1 >"$T/chain3"
takes "$T/new.pem" "$T/chain3"
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
verify_audit

case_start "a root that is withdrawn is in no new sealed anchors"
kept=$H
H=$T/withdrawn
sed -i "s|$kept/|$H/|" "$H/softhsm/softhsm2.conf" "$H/provctl.json"
expect_exit 0 "$PROVCTL" -C "$H" rotate ca root --withdraw
new_client 00000005
opened 00000005 2
jq '.version = 3' "$T/clear.json" >"$T/clear3.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/clear3.json"
verify_audit
H=$kept

case_start "the old root ends: new bundles carry the new one alone"
day=86400
clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}
jq '.certificate.validity = {days: 20}' "$srcdir/templates/root-ca.json" \
	>"$templates/root-ca.json"
jq '.certificate.validity = {days: 5}' "$srcdir/templates/issuing-ca.json" \
	>"$templates/issuing-ca.json"
jq '.template = "brief" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f356" |
	.certificate.validity = {days: 1} |
	.components.trust = {sealed: false, content: {trust_anchors: true}}' \
	"$srcdir/templates/tls-client.json" >"$T/brief.json"
new_authority "$T/ends"
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/brief.json"
clock_set $((4 * day))
expect_exit 0 "$PROVCTL" -C "$H" rotate ca root
expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1
brief() {
	new_device tls-client "client-$1"
	issue brief "client-$1" -o "$T/$1.pvb"
	expect_equal "$rc" 0 "exit of issue $1 ($(cat "$T/err"))"
	p export key --purpose bundle >"$T/bundle.pem"
	opened "$1" "$2"
}
brief 00000011 2
for at in 8 12 18; do
	clock_set $((at * day))
	expect_exit 0 "$PROVCTL" -C "$H" rotate ca issuing-1
done
clock_set $((20 * day + 3600))
brief 00000012 1
expect_equal "$(grep -c BEGIN \
	"$T/dev/client-00000012/active/trust/anchors.pem")" 1 "clear anchors"
p export chain --ca root >"$T/last.pem"
same_bytes "$T/dev/client-00000012/active/identity/anchors.pem" "$T/last.pem"
verify_audit

tests_end
