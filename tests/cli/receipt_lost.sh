#!/bin/sh
# A device is rotated, its power goes at every step, its receipt is lost, then
# found. At each step both device and authority are asked: exactly one
# configuration is active, and its certificate is valid, by its chain and the
# revocation list that is published then.
. "$(dirname "$0")/../lib.sh"
id=client-00000001

# configs DIR: what the device says it has, as "STATE SEQ SERIAL;...".
configs() {
	"$PROVDEV" show --json "$1" >"$T/show" 2>"$T/show.err" ||
		fail "provdev show: $(cat "$T/show.err")"
	jq -r '.configurations | map("\(.state) \(.seq) \(.serial)") |
		join(";")' "$T/show"
}

# one_active DIR: and its certificate is valid now.
one_active() {
	configs "$1" >"$T/configs"
	expect_equal "$(jq '.configurations | map(select(.state == "active")) |
		length' "$T/show")" 1 "active configurations in $(cat \
		"$T/configs")"
	valid "$1/active/identity/certificate.pem" ||
		fail "the device has no valid credential: $(cat "$T/verified")"
}

# The list that the certificate names, as it is published.
valid() {
	shard=$(openssl x509 -in "$1" -noout -ext crlDistributionPoints |
		sed -n 's/.*URI:.*-1\/\(.*\)\.crl/\1/p')
	openssl crl -inform DER -in "$H/publish/crl/issuing-1/$shard.crl" \
		-out "$T/list.pem" 2>"$T/verified" || return 1
	openssl verify -crl_check -CAfile "$T/root.pem" -untrusted \
		"$T/chain.pem" -CRLfile "$T/list.pem" "$1" >"$T/verified" 2>&1
}

# credentials: "SERIAL STATE;..." by the authority, the first one first.
credentials() {
	p export inventory >"$T/inventory"
	jq -r '[.serial, .state] | join(" ")' "$T/inventory" | sort |
		tr '\n' ';'
}

new_authority
p export key --purpose bundle >"$T/bundle.pem"
p export chain --ca root >"$T/root.pem"
p export chain --ca issuing-1 >"$T/chain.pem"
jq '.template = "same" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f301" |
	.rotation = {same_key: true}' "$templates/tls-client.json" >"$T/t.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/t.json"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl

case_start "the first credential"
new_device tls-client "$id"
dev=$T/dev/$id
expect_equal "$(configs "$dev")" "" "configurations of a fresh device"
issue same "$id" -o "$T/1.pvb"
expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
first=$(json_field serial "$T/out")
run "$PROVDEV" open "$dev" "$T/1.pvb" --bundle-key "$T/bundle.pem"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt "$dev/receipt.cose"
one_active "$dev"
expect_equal "$(configs "$dev")" "active 1 $first" configurations
cp "$dev/active/identity/certificate.pem" "$T/first.pem"

case_start "rotated: the device does not know yet"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate device "$id" -o "$T/2.pvb"
second=$(json_field serial "$T/out")
[ "$first" != "$second" ] || fail "the serial is the same"
one_active "$dev"
expect_equal "$(configs "$dev")" "active 1 $first" configurations
expect_equal "$(credentials)" "$first issued;$second issued;" credentials

case_start "the power goes at every step of receiving"
seen=
n=0
while :; do
	n=$((n + 1))
	rm -rf "$T/cut"
	cp -a "$dev" "$T/cut"
	run "$PROVDEV" open "$T/cut" "$T/2.pvb" --bundle-key "$T/bundle.pem" \
		--crash-at "$n"
	[ "$rc" -eq 99 ] || break
	one_active "$T/cut"
	case $(cat "$T/configs") in
	"active 1 $first") seen="$seen before" ;;
	"active 1 $first;staged 2 null") seen="$seen staging" ;;
	"active 1 $first;staged 2 $second") seen="$seen staged" ;;
	"active 2 $second;previous 1 $first") seen="$seen after" ;;
	*) fail "after step $n: $(cat "$T/configs")" ;;
	esac
	# And it goes on from there.
	run "$PROVDEV" open "$T/cut" "$T/2.pvb" --bundle-key "$T/bundle.pem"
	one_active "$T/cut"
	expect_equal "$(configs "$T/cut")" \
		"active 2 $second;previous 1 $first" "after step $n and again"
done
expect_equal "$rc" 0 "exit of step $n, which is none"
expect_equal "$(echo "$seen" | tr ' ' '\n' | sed 1d | uniq | tr '\n' ' ')" \
	"before staging staged after " "states in turn"
expect_equal "$(credentials)" "$first issued;$second issued;" credentials

case_start "it is active, and the receipt is lost"
run "$PROVDEV" open "$dev" "$T/2.pvb" --bundle-key "$T/bundle.pem"
expect_equal "$rc" 0 "exit of the device"
mv "$dev/receipt.cose" "$T/lost.cose"
one_active "$dev"
expect_equal "$(configs "$dev")" "active 2 $second;previous 1 $first" \
	configurations
expect_equal "$(credentials)" "$first issued;$second issued;" credentials
valid "$T/first.pem" || fail "the one before: $(cat "$T/verified")"
expect_exit 0 "$PROVCTL" -C "$H" rotate due
expect_exit 0 "$PROVCTL" -C "$H" --json rotate device "$id" -o "$T/2.pvb"
expect_equal "$(json_field status "$T/out") $(json_field serial "$T/out")" \
	"existing $second" "asked for again"
one_active "$dev"

case_start "the receipt is found: the one before is revoked"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt "$T/lost.cose"
expect_equal "$(json_field superseded "$T/out")" 1 superseded
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
one_active "$dev"
expect_equal "$(credentials)" "$first revoked;$second issued;" credentials
if valid "$T/first.pem"; then
	fail "the one before is taken"
fi
grep -q revoked "$T/verified" || fail "not for that: $(cat "$T/verified")"
expect_error 9 rotate.received -C "$H" rotate device "$id" --rollback
# The device makes one again, when it is asked.
run "$PROVDEV" open "$dev" "$T/2.pvb" --bundle-key "$T/bundle.pem"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt "$dev/receipt.cose"
expect_equal "$(json_field status "$T/out")" existing "the same again"
run "$PROVDEV" open "$dev" "$T/1.pvb" --bundle-key "$T/bundle.pem"
expect_equal "$rc" 4 "exit of the device with the bundle of before"
expect_equal "$(configs "$dev")" "active 2 $second;previous 1 $first" \
	configurations
verify_audit

tests_end
