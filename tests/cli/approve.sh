#!/bin/sh
# An officer's own machine: the binary, a token of the officer's own, and a
# request. Nothing of the authority is there.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/people.sh"

if ! command -v softhsm2-util >/dev/null 2>&1; then
	case_start "officers with tokens"
	skip_case "no softhsm2-util"
	tests_end
fi
new_authority
module=$(jq -r .module "$H/provctl.json")

# laptop NAME: a folder with the binary, and a token that holds a new key.
laptop() {
	L=$T/laptop-$1
	mkdir -p "$L/tokens"
	cp "$PROVCTL" "$L/provctl"
	printf 'directories.tokendir = %s/tokens\nlog.level = ERROR\n' "$L" \
		>"$L/softhsm2.conf"
	echo "pin-of-$1-4711" >"$L/pin"
	SOFTHSM2_CONF=$L/softhsm2.conf softhsm2-util --init-token --free \
		--label "$1" --so-pin so-pin-0815 --pin "pin-of-$1-4711" \
		>"$T/out" 2>&1 || fail "softhsm2-util: $(cat "$T/out")"
	on_laptop "$1" officer key new --name "$1" --token "$(uri "$1")" \
		--pin-source file:pin
	expect_equal "$rc" 0 "exit of key new for $1"
	cp "$T/out" "$T/keys/$1.vkey"
}

uri() {
	printf 'pkcs11:token=%s;object=%s-key?module-path=%s' "$1" "$1" \
		"$module"
}

# on_laptop NAME ARGUMENT...: in that folder, with that token alone.
on_laptop() {
	L=$T/laptop-$1
	shift
	cd "$L" || exit 2
	SOFTHSM2_CONF=$L/softhsm2.conf
	export SOFTHSM2_CONF
	run ./provctl "$@"
	unset SOFTHSM2_CONF
	cd "$T" || exit 2
	if grep -q -a -F -f "$L/pin" "$T/out" "$T/err"; then
		fail "an officer's PIN stands in the output"
	fi
}

case_start "a key in a token of one's own"
laptop alice
laptop bob
laptop carol
grep -q '^alice+[0-9a-f]\{8\}+' "$T/keys/alice.vkey" || fail "no vkey"
on_laptop alice officer key new --name alice --token "$(uri alice)" \
	--pin-source file:pin
expect_equal "$rc" 9 "exit for a name that is taken"
on_laptop alice officer key new --name alice --token 'pkcs11:token=alice' \
	--pin-source file:pin
expect_equal "$rc" 3 "exit for a URI without module and object"
on_laptop alice officer key new --name alice --pin-source file:pin --token \
	"pkcs11:token=alice;object=x;pin-value=1?module-path=$module"
expect_equal "$rc" 3 "exit for a PIN in the URI"

case_start "the request goes there, the note comes back"
# shellcheck disable=SC2046  # words
make_roster "$T/r1.json" 1 '"roster": 2' $(for n in alice bob carol; do
	echo "$n:security-officer"; done)
jq -e '[.officers[].keys[0].kind == "token"] | all' "$T/r1.json" >/dev/null ||
	fail "kinds: $(cat "$T/r1.json")"
expect_exit 0 "$PROVCTL" -C "$H" officer roster "$T/r1.json"
sed 's|"version": 1,|"version": 2,|' "$srcdir/templates/tls-client.json" \
	>"$T/tls.json"
expect_exit 11 "$PROVCTL" -C "$H" policy adopt "$T/tls.json" \
	--request "$T/adopt.json"
"$PROVCTL" -C "$H" export key --purpose log --vkey -o "$T/log.vkey"
"$PROVCTL" -C "$H" export chain --ca root -o "$T/root.pem" 2>/dev/null ||
	"$PROVCTL" -C "$H" export chain -o "$T/root.pem"
for name in alice bob; do
	cp "$T/adopt.json" "$T/laptop-$name/adopt.json"
	on_laptop "$name" approve adopt.json --as "$name" --key "$(uri "$name")" \
		--pin-source file:pin --log-vkey "$(cat "$T/log.vkey")" \
		-o approval.note --yes
	expect_equal "$rc" 0 "exit of approve by $name"
	cp "$T/laptop-$name/approval.note" "$T/notes/$name.note"
done
sha=$(sha256sum <"$T/tls.json" | cut -d ' ' -f 1)
expect_text "subject sha256:$sha"
expect_text "$(echo "$sha" | sed 's/..../& /g; s/ $//')"
expect_text "Template tls-client, version 2"
expect_text "requester os:$(id -u)"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/tls.json" \
	--approval "$T/notes/alice.note" --approval "$T/notes/bob.note"
verify_audit

case_start "one note that goes from hand to hand carries both signatures"
sed 's|"version": 2,|"version": 3,|' "$T/tls.json" >"$T/tls3.json"
expect_exit 11 "$PROVCTL" -C "$H" policy adopt "$T/tls3.json" \
	--request "$T/adopt3.json"
for name in bob carol; do
	cp "$T/adopt3.json" "$T/laptop-$name/adopt3.json"
	on_laptop "$name" -q approve adopt3.json --as "$name" \
		--key "$(uri "$name")" --pin-source file:pin --yes
	cp "$T/out" "$T/notes/$name.note"
done
{
	cat "$T/notes/bob.note"
	tail -n 1 "$T/notes/carol.note"
} >"$T/notes/both.note"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/tls3.json" \
	--approval "$T/notes/both.note"
verify_audit

case_start "what an officer knows from elsewhere is compared"
cp "$T/adopt.json" "$T/laptop-alice/adopt.json"
on_laptop alice -q approve adopt.json --as alice --key "$(uri alice)" \
	--pin-source file:pin --log-vkey "$(cat "$T/keys/bob.vkey")" --yes
expect_equal "$rc" 5 "exit for another log"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$T/x.key" -out "$T/laptop-alice/other.pem" -subj /CN=x \
	2>/dev/null
on_laptop alice -q approve adopt.json --as alice --key "$(uri alice)" \
	--pin-source file:pin --root other.pem --yes
expect_equal "$rc" 5 "exit for another root"
root=$(jq -r .root "$T/adopt.json")
found=
csplit -s -z -f "$T/ca-" "$T/root.pem" '/BEGIN/' '{*}'
for pem in "$T"/ca-*; do
	[ "$(openssl x509 -in "$pem" -noout -pubkey | openssl pkey -pubin \
		-outform DER | sha256sum | cut -d ' ' -f 1)" = "$root" ] ||
		continue
	found=1
	cp "$pem" "$T/laptop-alice/root.pem"
	on_laptop alice -q approve adopt.json --as alice --key "$(uri alice)" \
		--pin-source file:pin --root root.pem --yes
	expect_equal "$rc" 0 "exit for the root"
done
[ -n "$found" ] || fail "no root of ours is named in the request"

case_start "nobody is asked without a terminal, nothing is signed unseen"
cd "$T/laptop-alice" || exit 2
run setsid ./provctl approve adopt.json --as alice --key "$(uri alice)" \
	--pin-source file:pin
cd "$T" || exit 2
expect_equal "$rc" 4 "exit without a terminal and without --yes"
jq -c '.subject = ("{\"template\": \"\\u202e\"}" | @base64)' "$T/adopt.json" \
	>"$T/laptop-alice/bidi.json"
on_laptop alice approve bidi.json --as alice --key "$(uri alice)" \
	--pin-source file:pin --yes -o bidi.note
expect_equal "$rc" 3 "exit for a subject that cannot be shown"
[ ! -e "$T/laptop-alice/bidi.note" ] || fail "it was signed"
jq -c '.expires = "2020-01-01T00:00:00Z"' "$T/adopt.json" \
	>"$T/laptop-alice/old.json"
on_laptop alice approve old.json --as alice --key "$(uri alice)" \
	--pin-source file:pin --yes -o old.note
expect_equal "$rc" 4 "exit for an expired request"

case_start "a wrong PIN is tried once, and said"
echo wrong-pin-000 >"$T/laptop-alice/wrong"
chmod 600 "$T/laptop-alice/wrong"
on_laptop alice -q approve adopt.json --as alice --key "$(uri alice)" \
	--pin-source file:wrong --yes
expect_equal "$rc" 7 "exit for a wrong PIN"
on_laptop alice -q approve adopt.json --as alice --key "$(uri alice)" \
	--pin-source file:pin --yes
expect_equal "$rc" 0 "exit with the right one"

case_start "P-256 signs, too"
label=$(jq -r .keys.bundle.label "$H/provctl.json")
token=$(jq -r '.tokens[0]' "$H/provctl.json")
SOFTHSM2_CONF=$H/softhsm/softhsm2.conf run "$PROVCTL" -q approve \
	"$T/adopt.json" --as acme --yes --pin-source "file:$H/softhsm/pin" \
	--key "$token;object=$(echo "$label" | sed 's|/|%2F|g')?module-path=$module"
expect_equal "$rc" 0 "exit with a P-256 key"

case_start "acting with a token, beside the authority's own"
sed 's|"version": 2,|"version": 4,|' "$T/tls.json" >"$T/tls4.json"
SOFTHSM2_CONF=$T/laptop-alice/softhsm2.conf
export SOFTHSM2_CONF
expect_exit 0 "$PROVCTL" -C "$H" --as alice --key "$(uri alice)" \
	--pin-source "file:$T/laptop-alice/pin" export chain -o "$T/chain"
expect_exit 11 "$PROVCTL" -C "$H" --as alice --key "$(uri alice)" \
	--pin-source "file:$T/laptop-alice/pin" policy adopt "$T/tls4.json" \
	--request "$T/adopt4.json"
expect_text "may still give one: bob, carol"
unset SOFTHSM2_CONF
p --json audit show >"$T/story"
jq -e -s 'map(select(.type == "export" and .actor == "alice")) | length == 1' \
	"$T/story" >/dev/null || fail "the log does not say who exported"
verify_audit

tests_end
