#!/bin/sh
# The next generation of the authority's own keys: bundle, kdf, store, log. What
# was sealed and derived before stays what it was, what comes after is by the
# new key, and an interrupted rotation goes on.
. "$(dirname "$0")/../lib.sh"
SQL=$builddir/tests/cli/sql

new_sensor() {
	new_device symmetric-sensor "$1"
	export_kek "$1"
	"$PROVDEV" program "$T/dev/$1" --from "$T/$1.kek" >"$T/out" 2>&1 ||
		fail "program: $(cat "$T/out")"
}

export_kek() {
	rm -f "$T/$1.cms"
	expect_exit 0 "$PROVCTL" -C "$H" export kek --to "$T/programmer.pem" \
		--device "$1" -o "$T/$1.cms"
	openssl cms -decrypt -inform DER -in "$T/$1.cms" -recip \
		"$T/programmer.pem" -inkey "$T/programmer.key" \
		-out "$T/$1.kek" 2>"$T/err" || fail "cms: $(cat "$T/err")"
}

# opens ID BUNDLE KEY: a copy of the device takes the bundle with that key.
opens() {
	rm -rf "$T/dev/copy"
	cp -R "$T/dev/$1" "$T/dev/copy"
	run "$PROVDEV" open "$T/dev/copy" "$2" --bundle-key "$3"
	[ "$rc" -eq 0 ]
}

# The label that provctl.json names for that purpose.
named() {
	jq -r ".keys[\"$1\"].label // empty" "$H/provctl.json"
}

rotations() {
	p --json audit show --key "$1" --type key.rotate |
		grep -c '"type":"key.rotate"'
}

kid_of() {
	openssl pkey -pubin -in "$1" -outform DER | sha256sum | cut -c 1-16
}

# holds FILE HEX: the bytes stand in it.
holds() {
	od -An -v -tx1 "$1" | tr -d ' \n' | grep -q "$2"
}

new_authority
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/programmer.key" \
	-out "$T/programmer.pem" -subj /CN=programmer -days 2 2>/dev/null
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$srcdir/templates/symmetric-sensor.json"
p export key --purpose bundle >"$T/bundle1.pem"
new_device tls-client client-00000001
issue tls-client client-00000001 -o "$T/c1.pvb"
new_sensor S0000000001
issue symmetric-sensor S0000000001 -o "$T/s1.pvb"
cp "$T/S0000000001.kek" "$T/s1.kek"

case_start "words and options"
expect_error 2 usage.argument -C "$H" rotate
expect_error 2 usage.argument -C "$H" rotate root
expect_error 2 usage.option -C "$H" rotate bundle --prepare --finish
expect_error 2 usage.option -C "$H" rotate bundle --finish
expect_error 9 rotate.ended -C "$H" rotate log --finish
expect_error 10 authority.key -C "$H" rotate log-ecdsa

case_start "bundle: prepared, it can be exported and seals nothing yet"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate bundle --prepare
expect_equal "$(json_field state "$T/out")" prepared state
expect_equal "$(json_field to "$T/out")" acme/bundle/2 label
expect_exit 0 "$PROVCTL" -C "$H" --json rotate bundle --prepare
expect_equal "$(json_field made "$T/out")" '' "made again"
p export key --purpose bundle --generation 2 >"$T/bundle2.pem"
p export key --purpose bundle >"$T/now.pem"
same_bytes "$T/now.pem" "$T/bundle1.pem"
expect_error 10 authority.key -C "$H" export key --purpose bundle --generation 3
expect_equal "$(rotations acme/bundle/2)" 0 "key.rotate entries"
verify_audit

case_start "bundle: in use, manifests are signed anew, old bundles still open"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate bundle
expect_equal "$(json_field from "$T/out")" acme/bundle/1 "old label"
expect_equal "$(json_field generation "$T/out")" 2 generation
[ "$(json_field manifests "$T/out")" -ge 2 ] || fail "manifests: $(cat "$T/out")"
expect_equal "$(named bundle)" acme/bundle/2 "label in use"
expect_equal "$(rotations acme/bundle/2)" 1 "key.rotate entries"
p export key --purpose bundle >"$T/now.pem"
same_bytes "$T/now.pem" "$T/bundle2.pem"
issue tls-client client-00000001 -o "$T/c1.again"
expect_equal "$rc" 0 "exit of a retry"
same_bytes "$T/c1.pvb" "$T/c1.again"
opens client-00000001 "$T/c1.pvb" "$T/bundle1.pem" || fail "the old bundle: $(cat "$T/err")"
new_device tls-client client-00000002
issue tls-client client-00000002 -o "$T/c2.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
holds "$T/c1.pvb" "$(kid_of "$T/bundle1.pem")" || fail "the old kid"
if holds "$T/c2.pvb" "$(kid_of "$T/bundle1.pem")"; then
	fail "the old key's kid is in a new bundle"
fi
opens client-00000002 "$T/c2.pvb" "$T/bundle2.pem" || fail "the new bundle: $(cat "$T/err")"
if opens client-00000002 "$T/c2.pvb" "$T/bundle1.pem"; then
	fail "a new bundle opens with the old key"
fi
verify_audit

case_start "a key on the token that is not recorded is refused, not taken up"
mkdir "$T/before"
cp -a "$H/checkpoint" "$H/provctl.json" "$H"/store.db* "$H/sealed.dat" \
	"$T/before"
expect_exit 0 "$PROVCTL" -C "$H" rotate bundle --prepare
cp -a "$T/before"/* "$H" # it ended before the store knew
expect_error 9 hsm.label-taken -C "$H" rotate bundle
expect_text acme/bundle/3
expect_equal "$(named bundle)" acme/bundle/2 "label in use"
verify_audit

case_start "kdf: new devices have the new master, the old ones theirs"
expect_exit 0 "$PROVCTL" -C "$H" rotate kdf
expect_text "acme/kdf/2 is in use in place of acme/kdf/1"
export_kek S0000000001
same_bytes "$T/S0000000001.kek" "$T/s1.kek"
opens S0000000001 "$T/s1.pvb" "$T/bundle1.pem" || fail "the old sensor: $(cat "$T/err")"
new_sensor S0000000002
issue symmetric-sensor S0000000002 -o "$T/s2.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
opens S0000000002 "$T/s2.pvb" "$T/bundle2.pem" || fail "the new sensor: $(cat "$T/err")"
for i in 1 2; do
	"$SQL" "$H/store.db" "select lower(hex(key_id)) from own_key where \
		label = 'acme/kdf/$i'" >"$T/id"
	holds "$T/s$i.pvb" "$(cat "$T/id")" || fail "sensor $i does not name master $i"
done
verify_audit

case_start "store: an intent of before is finished, its key's row opens"
sed 's|{"random": {"bytes": 48}}|{"stored": "fleet-key"}|
s|"template": "symmetric-sensor"|"template": "fleet"|' \
	"$srcdir/templates/symmetric-sensor.json" >"$T/fleet.json"
printf 'canary-fleet-0001' >"$T/fleet.value"
expect_exit 0 "$PROVCTL" -C "$H" secret add fleet-key --from "$T/fleet.value"
expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/fleet.json"
# A durable intent that nothing was sealed for.
module=$(jq -r .module "$H/provctl.json")
new_sensor S0000000003
use_module() {
	jq --arg to "$1" '.module = $to' "$H/provctl.json" \
		>"$T/provctl.json" && cat "$T/provctl.json" >"$H/provctl.json"
	accept_module
}
use_module "$builddir/tests/fault/shim.so"
FAULT_C_Sign_RV=50 # CKR_DEVICE_REMOVED
export FAULT_C_Sign_RV
issue fleet S0000000003
unset FAULT_C_Sign_RV
[ "$rc" -ne 0 ] || fail "a token that does not sign has sealed"
use_module "$module"
expect_exit 0 "$PROVCTL" -C "$H" rotate store
issue fleet S0000000003 -o "$T/s3.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
opens S0000000003 "$T/s3.pvb" "$T/bundle2.pem" || fail "the sensor: $(cat "$T/err")"
new_sensor S0000000004
issue fleet S0000000004 -o "$T/s4.pvb"
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
printf 'canary-fleet-0002' >"$T/fleet.value"
expect_exit 0 "$PROVCTL" -C "$H" secret rotate fleet-key --from "$T/fleet.value"
"$SQL" "$H/store.db" "select lower(hex(key_id)) from own_key where \
	label = 'acme/store/2'" >"$T/id"
"$SQL" "$H/store.db" "select lower(substr(hex(sealed), 1, 32)) from secret \
	where version = 2" >"$T/by"
same_bytes "$T/id" "$T/by"
verify_audit

lines() {
	grep -c '^— acme ' "$1"
}

case_start "log: both keys sign until the rotation ends"
p export key --purpose log --vkey >"$T/log1.vkey"
expect_exit 0 "$PROVCTL" -C "$H" rotate log --prepare
expect_equal "$(lines "$H/checkpoint")" 1 "lines while it is prepared"
p export key --purpose log --generation 2 --vkey >"$T/log2.vkey"
expect_exit 0 "$PROVCTL" -C "$H" rotate log
expect_text "both sign until rotate log --finish"
expect_equal "$(lines "$H/checkpoint")" 1 "lines of who vouches for the new key"
expect_error 9 rotate.ended -C "$H" rotate log
expect_text "provctl rotate log --finish"
new_device tls-client client-00000003
issue tls-client client-00000003
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
expect_equal "$(lines "$H/checkpoint")" 2 "lines of an issue's checkpoint"
p -q export log --out "$T/log" >"$T/out"
for i in 1 2; do
	expect_exit 0 "$PROVCTL" audit verify --log "$T/log" \
		--key "$(cat "$T/log$i.vkey")"
done
verify_audit

case_start "log: afterwards the new one signs alone, and is asked for"
cp "$H/checkpoint" "$T/both"
cp "$H/provctl.json" "$T/transition"
expect_exit 0 "$PROVCTL" -C "$H" rotate log --finish
expect_text "acme/log/2 signs without acme/log/1"
expect_equal "$(lines "$H/checkpoint")" 1 "lines"
expect_equal "$(named log-old)" '' "the old key's name"
p -q export log --out "$T/log" >"$T/out"
expect_exit 0 "$PROVCTL" audit verify --log "$T/log" \
	--key "$(cat "$T/log2.vkey")"
expect_error 5 log.checkpoint audit verify --log "$T/log" \
	--key "$(cat "$T/log1.vkey")"
verify_audit
cp "$H/provctl.json" "$T/ended"
cp "$T/transition" "$H/provctl.json" # the last step is not there
expect_exit 0 "$PROVCTL" -C "$H" export key --purpose log
expect_exit 0 "$PROVCTL" -C "$H" rotate log --finish
same_bytes "$H/provctl.json" "$T/ended"
expect_equal "$(rotations acme/log/2)" 2 "key.rotate entries"
verify_audit
# A checkpoint of the transition is as old as it is, not more.
cp "$H/checkpoint" "$T/alone"
cp "$T/both" "$H/checkpoint"
expect_exit 0 "$PROVCTL" -C "$H" export key --purpose log
jq 'del(.keys.log.from)' "$H/provctl.json" >"$T/config"
new_device tls-client client-00000004
issue tls-client client-00000004
expect_equal "$rc" 0 "exit ($(cat "$T/err"))"
verify_audit

case_start "an interrupted rotation goes on with the key that is recorded"
cp "$H/provctl.json" "$T/config"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate kdf
cp "$T/config" "$H/provctl.json" # the last step is not there
expect_equal "$(named kdf)" acme/kdf/2 "label in use"
expect_exit 0 "$PROVCTL" -C "$H" --json rotate kdf
expect_equal "$(json_field to "$T/out")" acme/kdf/3 label
expect_equal "$(json_field made "$T/out")" '' "made again"
expect_equal "$(named kdf)" acme/kdf/3 "label in use"
expect_equal "$(rotations acme/kdf/3)" 1 "key.rotate entries"
verify_audit

case_start "killed at any moment"
i=0
while [ $i -lt 8 ]; do
	i=$((i + 1))
	rm -rf "$T/tokens"
	cp -a "$H/softhsm/tokens" "$T/tokens"
	setsid "$PROVCTL" -C "$H" rotate kdf >"$T/out" 2>"$T/err" \
		</dev/null &
	pid=$!
	sleep "0.0$((i * 3 % 10))"
	kill -9 "-$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	# SoftHSM writes a token's file anew in place: a kill may cut it.
	if find "$H/softhsm/tokens" -name token.object -size 0 | grep -q .; then
		rm -rf "$H/softhsm/tokens"
		cp -a "$T/tokens" "$H/softhsm/tokens"
	fi
	verify_audit
	run "$PROVCTL" -C "$H" rotate kdf
	case $rc in
	0) ;;
	# The token had made a key that the store does not know.
	9) expect_text hsm.label-taken && break ;;
	*) fail "exit $rc after a kill: $(cat "$T/err")" ;;
	esac
done
verify_audit
export_kek S0000000001
same_bytes "$T/S0000000001.kek" "$T/s1.kek"

tests_end
