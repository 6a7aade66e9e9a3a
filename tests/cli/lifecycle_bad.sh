#!/bin/sh
# Bad input of revoking, rotating, retiring and publishing, one row each: what
# is done, its exit code, the rule it is refused by. After all of them the log
# verifies, nobody is revoked who was not, and numbers went nowhere.
. "$(dirname "$0")/../lib.sh"
day=86400

clock_set() {
	printf '%-32d' "$1" | dd of="$T/offset" conv=notrunc 2>/dev/null
}

# row NAME CODE RULE PROVCTL-ARGUMENT...: refused so, as JSON too.
row() {
	case_start "$1"
	code=$2
	rule=$3
	shift 3
	expect_error "$code" "$rule" -C "$H" "$@"
}

# device_row NAME RULE BUNDLE: by the device, which keeps what it has.
device_row() {
	case_start "$1"
	before=$("$PROVDEV" show "$dev")
	run "$PROVDEV" open "$dev" "$3" --bundle-key "$T/bundle.pem"
	expect_equal "$rc" 4 "exit of the device"
	expect_text "$2"
	expect_equal "$("$PROVDEV" show "$dev")" "$before" "what it has"
}

# issued ID: a device with its first bundle, whose receipt came.
issued() {
	new_device tls-client "$1"
	issue same "$1" -o "$T/$1.pvb"
	[ "$rc" -eq 0 ] || fail "issue $1: $(cat "$T/err")"
	run "$PROVDEV" open "$T/dev/$1" "$T/$1.pvb" --bundle-key \
		"$T/bundle.pem"
	expect_exit 0 "$PROVCTL" -C "$H" attest receipt \
		"$T/dev/$1/receipt.cose"
}

# list_row NAME FILE CODE RULE: that file stands in the publish folder.
list_row() {
	case_start "$1"
	cp "$list" "$T/kept.crl"
	cp "$2" "$list"
	expect_error "$3" "$4" -C "$H" rotate crl
	same_bytes "$2" "$list"
	cp "$T/kept.crl" "$list"
}

# A list of the root's name and key identifier, by a key that is not the root's.
strangers_list() {
	p export chain --ca root >"$T/root.pem"
	ski=$(openssl x509 -in "$T/root.pem" -noout -ext subjectKeyIdentifier |
		tail -n 1 | tr -d ' ')
	cat >"$T/evil.cnf" <<-EOF
		[req]
		distinguished_name = dn
		string_mask = utf8only
		prompt = no
		[dn]
		O = acme
		CN = Root CA
		[ca]
		default_ca = c
		[c]
		database = $T/evil.index
		crlnumber = $T/evil.number
		default_md = sha256
		crl_extensions = ext
		[ext]
		authorityKeyIdentifier = keyid:always
	EOF
	: >"$T/evil.index"
	echo 7F >"$T/evil.number"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$T/evil.key" -config "$T/evil.cnf" -days 30 \
		-addext "subjectKeyIdentifier=$ski" -out "$T/evil.pem" \
		2>"$T/err" || fail "$(cat "$T/err")"
	openssl ca -config "$T/evil.cnf" -gencrl -keyfile "$T/evil.key" \
		-cert "$T/evil.pem" -crldays 7 -out "$T/stranger.pem" \
		2>"$T/err" || fail "$(cat "$T/err")"
	openssl crl -in "$T/stranger.pem" -outform DER -out "$T/stranger.crl"
}

new_authority
clock_set 0
CLOCK_FILE=$T/offset
LD_PRELOAD=$builddir/tests/cli/clock.so
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export CLOCK_FILE LD_PRELOAD ASAN_OPTIONS
jq '.template = "same" | .class = "0d4f3a52-8e19-4c6b-9d27-51b8e0c7f301" |
	.rotation = {same_key: true}' "$templates/tls-client.json" >"$T/t.json"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/t.json"
p export key --purpose bundle >"$T/bundle.pem"
for i in 1 2 3 4; do
	issued client-0000000$i
done
dev=$T/dev/client-00000001
expect_exit 0 "$PROVCTL" -C "$H" rotate device client-00000001 -o "$T/r.pvb"
run "$PROVDEV" open "$dev" "$T/r.pvb" --bundle-key "$T/bundle.pem"
cp "$dev/receipt.cose" "$T/late.cose"
expect_exit 0 "$PROVCTL" -C "$H" attest receipt "$dev/receipt.cose"
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000002 \
	--reason superseded
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000003 \
	--reason superseded --retire
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
list=$H/publish/crl/root/0.crl

# Case 38: what a device is given.
device_row "38: a bundle of another device" other-device \
	"$T/client-00000004.pvb"
device_row "38: a bundle of an older number" old-seq "$T/client-00000001.pvb"
device_row "38: the bundle that it has" old-seq "$T/r.pvb"

# Case 40: lists that are not the CA's newest.
perl -e 'local $/; $_ = <>; substr($_, -1, 1) ^= "\x01"; print' "$list" \
	>"$T/forged.crl"
cp "$list" "$T/older.crl"
list_row "40: a list of another CA" "$H/publish/crl/matter-paa/0.crl" 5 \
	publish.foreign
list_row "40: a list whose signature is wrong" "$T/forged.crl" 5 publish.foreign
strangers_list
list_row "40: a list signed by another key, under the CA's name" \
	"$T/stranger.crl" 5 publish.foreign
expect_text "is signed by another key"
list_row "40: what is no list" "$T/bundle.pem" 5 publish.foreign
case_start "40: an older list of the CA is replaced by the newest"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
cp "$list" "$T/newest.crl"
cp "$T/older.crl" "$list"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
same_bytes "$T/newest.crl" "$list"
case_start "40: a list that would go backwards: the store was set back"
cp -a "$H" "$T/back"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
rm -rf "$T/back/publish"
cp -a "$H/publish" "$T/back/publish"
sed -i "s|$H/|$T/back/|" "$T/back/softhsm/softhsm2.conf"
expect_error 5 publish.newer -C "$T/back" rotate crl
same_bytes "$list" "$T/back/publish/crl/root/0.crl"
printf '{"name":"a","ca":"root","file":"%s"}\n' "$T/forged.crl" >"$T/places"
row "40: a dependant that shows a foreign list" 5 dependant.alarm \
	status --dependants "$T/places"
printf '{"name":"a","ca":"root","file":"%s"}\n' "$T/stranger.crl" >"$T/places"
row "40: a dependant that shows a list signed by another key" 5 \
	dependant.alarm status --dependants "$T/places"
printf '{"name":"a","ca":"root","file":"%s"}\n' "$T/older.crl" >"$T/places"
row "40: a dependant that shows an older list" 4 dependant.behind \
	status --dependants "$T/places"
clock_set $((8 * day))
row "40: an expired list, given out" 5 crl.expired export crl --ca root
row "40: an expired list, published" 5 crl.expired status
printf '{"name":"a","ca":"root","file":"%s"}\n' "$list" >"$T/places"
row "40: a dependant that shows an expired list" 4 dependant.behind \
	status --dependants "$T/places"
clock_set 0

# Case 41.
row "41: revoking a device that is unknown" 10 device.unknown revoke \
	--device client-000000ff --reason superseded
row "41: revoking a serial that is unknown" 10 '' revoke \
	--serial 0123456789abcdef0123456789abcdef --reason superseded
case_start "41: revoking twice: 0, the date unchanged"
revoked() {
	p export inventory | jq -c 'select(.device == "client-00000002") |
		[.revoked, .reason]'
}
was=$(revoked)
clock_set 3600
expect_exit 0 "$PROVCTL" -C "$H" revoke --device client-00000002 \
	--reason keyCompromise
expect_equal "$(revoked)" "$was" "date and reason"
row "a reason that no device has" 2 '' revoke --device client-00000004 \
	--reason caCompromise

# Devices that are past it.
row "rotating a retired device" 4 device.retired rotate device client-00000003
row "rotating a revoked device" 4 '' rotate device client-00000002
row "rotating a device that is unknown" 10 device.unknown rotate device \
	client-000000ff
row "rollback after a receipt" 9 rotate.received rotate device \
	client-00000001 --rollback
row "rollback of what was never rotated" 9 rotate.first rotate device \
	client-00000004 --rollback
row "withdrawing a CA's generation where none waits" 9 rotate.pending \
	rotate ca issuing-1 --withdraw
row "letting go of a device that is not held" 9 '' revoke \
	--device client-00000002 --reason removeFromCRL

# The clock went back.
clock_set 0
row "a clock that went back: revoke" 4 clock.backwards revoke \
	--device client-00000004 --reason superseded
row "a clock that went back: retire" 4 clock.backwards revoke \
	--device client-00000004 --reason superseded --retire
row "a clock that went back: rotate crl" 4 clock.backwards rotate crl --all
row "a clock that went back: rotate due" 4 clock.backwards rotate due
row "a clock that went back: status" 4 clock.backwards status
row "a clock that went back: rotate device" 4 clock.backwards rotate device \
	client-00000004
row "a clock that went back: rollback" 4 clock.backwards rotate device \
	client-00000001 --rollback
row "a clock that went back: rotate ca" 4 clock.backwards rotate ca issuing-1
row "a clock that went back: withdrawing a CA's generation" 4 \
	clock.backwards rotate ca issuing-1 --withdraw
row "a clock that went back: rotate bundle" 4 clock.backwards rotate bundle
clock_set 3600

# A CA that is revoked.
cp -a "$H" "$T/revoked"
kept=$H
H=$T/revoked
sed -i "s|$kept/|$H/|" "$H/softhsm/softhsm2.conf"
expect_exit 0 "$PROVCTL" -C "$H" revoke --ca issuing-1 --reason cACompromise
new_device tls-client client-0000000e
issue same client-0000000e -o "$T/e.pvb"
expect_equal "$rc" 4 "exit of issue under a revoked CA"
expect_text ca.revoked
row "a revoked CA: its device is rotated" 4 ca.revoked rotate device \
	client-00000004
row "a revoked CA: status" 4 ca.revoked status
H=$kept

case_start "log and store agree, and nobody else is revoked"
verify_audit
expect_equal "$(p export inventory | jq -r \
	'select(.state == "issued").device' | sort | tr '\n' ' ')" \
	"client-00000001 client-00000004 " "devices with a valid credential"

tests_end
