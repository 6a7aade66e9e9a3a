#!/bin/sh
# Behind its first ceremony an authority gets one more CA, whose key was made
# where the root is: a transport key of its own for it, the key, a certificate.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"
. "$srcdir/tests/transport.sh"

jq '.template = "tls-client-2" | .certificate.issuer = "issuing-2"' \
	"$templates/tls-client.json" >"$templates/tls-client-2.json"

two_to_send

# in_token NAME: how many keys of that name the issuing authority's token has.
in_token() {
	SOFTHSM2_CONF=$T/issuing.conf token 12345678 --list-privkeys \
		"pkcs11:token=acme-issuing" | grep -c "Label: $1\$"
}

case_start "the first ceremonies"
first_transport
root=$T/acme-issuing/ceremonies/transport-issuing-1/root.pem
old=$T/acme-issuing/ceremonies/transport-issuing-1/issuing-1.pem
H=$I
SOFTHSM2_CONF=$T/issuing.conf
export SOFTHSM2_CONF
device 1 tls-client "$old"

case_start "keys that a later plan does not take"
# unfit CODE RULE STEPS
unfit() {
	printf '{"plan": "unfit", "version": 1, "steps": [%s]}\n' "$3" \
		>"$T/unfit.json"
	bind_plan "$T/unfit.json" "$templates"
	expect_error "$1" "$2" ceremony rehearse "$T/unfit.json" --home \
		"$T/rehearsal-issuing" --templates "$templates" \
		--media "$T/rehearsed"
}
make='{"step": "make-transport-key"}'
unfit 3 plan.transport "$make"
unfit 3 plan.key_own "$make,
	{\"step\": \"take-key\", \"purpose\": \"issuing-1\", \"from\": \"acme-root\"}"
unfit 10 plan.unknown "$make,
	{\"step\": \"take-key\", \"purpose\": \"issuing-2\", \"from\": \"acme-root\"}"

case_start "the later plans, explained and rehearsed"
later_transport
expect_exit 0 "$PROVCTL" ceremony explain "$issuing_plan"
expect_text "Take key \"issuing-2\" that \"acme-root\" put on the medium"
rehearse_later_transport

case_start "a transport key of its own, and the authority issues meanwhile"
mkdir "$T/media"
later_ends 10 media.file run issuing
to=$T/media/acme-issuing/transport.key
grep -qx 'label acme-issuing/transport/2' "$to" || fail "$(cat "$to")"
expect_equal "$(in_token acme-issuing/transport/2)" 1 "transport keys"
device 2 tls-client "$old"
expect_exit 0 "$PROVCTL" -C "$I" audit verify

case_start "a key that was sent to the one before"
later_ends 10 media.file run root
cp -R "$T/media/acme-root" "$T/kept-root"
sent=$T/media/acme-root/issuing-2.transport
sed 's/^purpose .*/purpose issuing-2/' \
	"$T/media-1/acme-root/issuing-1.transport" >"$sent"
resum acme-root
later_ends 5 '' resume issuing
rm -rf "$T/media/acme-root"
cp -R "$T/kept-root" "$T/media/acme-root"
flip "$sent" 300
resum acme-root
later_ends 5 '' resume issuing
rm -rf "$T/media/acme-root"
cp -R "$T/kept-root" "$T/media/acme-root"
expect_equal "$(in_token acme-issuing/issuing-2/1)" 0 "keys taken"

case_start "it is taken, asked for, certified and put to use"
later_ends 10 media.file resume issuing
expect_equal "$(in_token acme-issuing/issuing-2/1)" 1 "keys taken"
expect_equal "$(in_token acme-issuing/transport/2)" 0 "transport keys"
device 3 tls-client "$old"
expect_exit 0 "$PROVCTL" -C "$I" audit verify
later_ends 0 '' resume root
new=$T/media/acme-root/issuing-2.pem
later_ends 0 '' resume issuing
same_bytes "$issuing_log/issuing-2.pem" "$new"
for side in issuing root; do
	eval "log=\$${side}_log"
	expect_exit 0 "$PROVCTL" ceremony verify --unattended \
		"$log/transcript.jsonl" --plan "$(plan_of "$side")"
	books "$side"
done
expect_exit 0 "$PROVCTL" -C "$I" policy adopt "$templates/tls-client-2.json"
device 4 tls-client-2 "$new"
device 5 tls-client "$old"
expect_exit 0 "$PROVCTL" -C "$I" audit show --type key.take
expect_text issuing-2
books issuing
later_ends 0 '' resume issuing
grep -q "nothing done" "$T/out" || fail "something was done twice"

tests_end
