#!/bin/sh
# The issuing CA as it is shipped: one revocation list that speaks for all of it,
# so that also verifiers that know no distribution points refuse what is revoked.
. "$(dirname "$0")/../lib.sh"

cp "$srcdir/templates/issuing-ca.json" "$templates/issuing-ca.json"
new_authority
jq '.template = "pointed" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f331" |
	.certificate.extensions.crlDistributionPoints =
		["http://crl.example.com/issuing-1/${shard}.crl"]' \
	"$srcdir/templates/tls-client.json" >"$T/pointed.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/pointed.json"
for i in 1 2 3; do
	new_device tls-client client-0000000$i
	issue pointed client-0000000$i -o "$T/$i.pvb"
	json_field certificate "$T/out" >"$T/$i.pem"
done
p export chain --ca root >"$T/root.pem"
p export chain --ca issuing-1 >"$T/chain.pem"

case_start "one list, for every certificate, without a distribution point"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000002 \
	--reason keyCompromise
expect_equal "$(ls "$H/publish/crl/issuing-1")" 0.crl "lists"
for i in 1 2 3; do
	openssl x509 -in "$T/$i.pem" -noout -ext crlDistributionPoints |
		grep -q issuing-1/0.crl || fail "certificate $i"
done
p export crl --ca issuing-1 >"$T/list.pem"
p export crl --ca root >"$T/top.pem"
openssl crl -in "$T/list.pem" -noout -text >"$T/text"
! grep -q -i "distribution" "$T/text" || fail "$(cat "$T/text")"

case_start "OpenSSL refuses the revoked one, and no other"
cat "$T/list.pem" "$T/top.pem" >"$T/lists.pem"
for i in 1 2 3; do
	openssl verify -CAfile "$T/root.pem" -untrusted "$T/chain.pem" \
		-CRLfile "$T/lists.pem" -crl_check_all "$T/$i.pem" \
		>"$T/out" 2>&1
	expect_equal "$?" "$([ $i = 2 ] && echo 2 || echo 0)" "certificate $i"
done

case_start "and so does GnuTLS"
if command -v certtool >/dev/null; then
	for i in 1 2 3; do
		cat "$T/$i.pem" "$T/chain.pem" >"$T/whole.pem"
		certtool --verify --load-ca-certificate "$T/root.pem" \
			--load-crl "$T/lists.pem" --infile "$T/whole.pem" \
			>"$T/out" 2>&1
		expect_equal "$?" "$([ $i = 2 ] && echo 1 || echo 0)" \
			"certificate $i: $(tail -n 2 "$T/out")"
	done
else
	skip_case "no certtool"
fi
tests_end
