#!/bin/sh
# A CA gets a new key: devices of both ages verify each other's chains with
# OpenSSL and GnuTLS before, during and after, whichever CA a party trusts.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/chains.sh"
SQL=$builddir/tests/cli/sql
module=

# The shard that the certificate names, and that its serial gives, of 16.
crl_of() {
	openssl x509 -in "$1" -noout -ext crlDistributionPoints |
		sed -n 's/.*URI:.*-1\/\(.*\)\.crl/\1/p'
}

crl_by_serial() {
	echo $(($2 * 16 + 0x$(openssl x509 -in "$1" -noout -serial |
		tail -c 2)))
}

new_authority
module=$(jq -r .module "$H/provctl.json")
p export chain --ca root >"$T/root.pem"
p export chain --ca issuing-1 --generation 1 >"$T/old.chain"
parts "$T/old.chain"
cp "$T/part.1" "$T/old.pem"

case_start "before: one key"
new_client 00000001
takes "$T/root.pem" "$T/00000001.pem" "$T/00000001.chain"
same_bytes "$T/00000001.chain" "$T/old.chain"
expect_equal "$(crl_of "$T/00000001.pem")" \
	"$(crl_by_serial "$T/00000001.pem" 0)" "shard in the certificate"

case_start "what is refused leaves nothing behind"
expect_error 10 store.ca -C "$H" rotate ca issuing-9
expect_error 3 rotate.time -C "$H" rotate ca issuing-1 \
	--at 2020-01-01T00:00:00Z
expect_error 2 usage.option -C "$H" rotate ca issuing-1 --at tomorrow
expect_error 10 store.template -C "$H" rotate ca issuing-1 --template none
expect_error 4 rotate.template -C "$H" rotate ca issuing-1 \
	--template tls-client
expect_error 4 rotate.template -C "$H" rotate ca issuing-1 \
	--template matter-pai
expect_equal "$("$SQL" "$H/store.db" 'select count(*) from own_key' |
	tr -d '\n')" "$(jq '.keys | length' "$H/provctl.json")" keys
verify_audit

case_start "a new key under the old name"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate ca issuing-1
expect_equal "$(json_field generation "$T/out")" 2 generation
expect_equal "$(json_field key "$T/out")" acme/issuing-1/2 key
cross=$(json_field new_signed_by_old "$T/out")
expect_exit 0 "$PROVCTL" -C "$H" export proof --serial "$cross"
p export chain --ca issuing-1 >"$T/new.chain"
parts "$T/new.chain"
cp "$T/part.1" "$T/new.pem"
expect_exit 0 "$PROVCTL" -C "$H" export chain --ca issuing-1 --all --proof \
	--out "$T/chain"
same_bytes "$T/chain/issuing-1.pem" "$T/old.pem"
same_bytes "$T/chain/issuing-1-2.pem" "$T/new.pem"
new_old=$T/chain/issuing-1-2-by-1.pem
old_new=$T/chain/issuing-1-1-by-2.pem
expect_equal "$(openssl x509 -in "$T/new.pem" -noout -subject)" \
	"$(openssl x509 -in "$T/old.pem" -noout -subject)" subject
for pair in "$new_old $T/new.pem $T/old.pem" "$old_new $T/old.pem $T/new.pem"; do
	# shellcheck disable=SC2086  # three files
	set -- $pair
	expect_equal "$(openssl x509 -in "$1" -noout -pubkey)" \
		"$(openssl x509 -in "$2" -noout -pubkey)" "key of $1"
	openssl verify -partial_chain -trusted "$3" "$1" >"$T/out" 2>&1 ||
		fail "$1: $(cat "$T/out")"
	openssl x509 -in "$1" -noout -text >"$T/text"
	grep -q 'pathlen:0' "$T/text" || fail "no pathLen in $1"
	if grep -q 'CRL Distribution' "$T/text"; then
		fail "$1 names a CRL"
	fi
done
verify_audit

case_start "during: both keys are in use"
new_client 00000002
expect_equal "$(crl_of "$T/00000002.pem")" \
	"$(crl_by_serial "$T/00000002.pem" 1)" "shard in the certificate"
same_bytes "$T/00000002.chain" "$T/new.chain"
p export chain --device client-00000001 >"$T/1.chain"
same_bytes "$T/1.chain" "$T/old.chain"
for i in 00000001 00000002; do
	takes "$T/root.pem" "$T/$i.pem" "$T/$i.chain"
	p export chain --ca issuing-1 --all >"$T/all.chain"
	openssl verify -CAfile "$T/root.pem" -untrusted "$T/all.chain" \
		"$T/$i.pem" >"$T/out" 2>&1 || fail "$i: $(cat "$T/out")"
done
refuses "$T/old.pem" "$T/00000002.pem"
refuses "$T/new.pem" "$T/00000001.pem"

case_start "each generation signs lists of its own"
for i in 00000001 00000002; do
	list=$H/publish/crl/issuing-1/$(crl_of "$T/$i.pem").crl
	openssl crl -in "$list" -inform DER -out "$T/list.pem" 2>"$T/err" ||
		fail "no list of $i: $(cat "$T/err")"
	openssl verify -crl_check -CAfile "$T/root.pem" -untrusted \
		"$T/$i.chain" -CRLfile "$T/list.pem" "$T/$i.pem" \
		>"$T/out" 2>&1 || fail "$i: $(cat "$T/out")"
done
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000002 \
	--reason superseded
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
openssl crl -in "$H/publish/crl/issuing-1/$(crl_of "$T/00000002.pem").crl" \
	-inform DER -out "$T/list.pem" 2>"$T/err"
openssl verify -crl_check -CAfile "$T/root.pem" -untrusted "$T/00000002.chain" \
	-CRLfile "$T/list.pem" "$T/00000002.pem" >"$T/out" 2>&1 &&
	fail "a revoked device is taken"
expect_text revoked
for file in issuing-1-1 issuing-1-2 issuing-1-1-by-2 issuing-1-2-by-1; do
	openssl x509 -in "$H/publish/ca/$file.cer" -inform DER >"$T/cer" \
		2>"$T/err" || fail "$file: $(cat "$T/err")"
done
openssl x509 -in "$new_old" >"$T/want"
same_bytes "$T/cer" "$T/want"

case_start "who trusts the old key alone takes devices of the new one"
takes_over "$T/old.pem" "$T/00000002.pem" "$new_old"
takes "$T/old.pem" "$T/00000001.pem"

case_start "after: who trusts the new key alone takes devices of the old one"
takes_over "$T/new.pem" "$T/00000001.pem" "$old_new"
takes "$T/new.pem" "$T/00000002.pem"

case_start "the first device keeps what it has"
issue tls-client client-00000001 -o "$T/1.again"
expect_equal "$rc" 0 "exit of a retry"
json_field certificate "$T/out" >"$T/again.pem"
same_bytes "$T/again.pem" "$T/00000001.pem"
same_bytes "$T/1.again" "$T/00000001.pvb"
verify_audit "$T/00000001.pem" "$T/00000002.pem"
expect_exit 0 "$PROVCTL" -C "$H" audit reconcile
expect_exit 0 "$PROVCTL" -C "$H" status
expect_text "issuing-1 generation 2"
expect_text "a later generation issues"

tests_end
