# staged.sh OUT: the demo's device in two stages, under an order: bootstrap, its
# evidence, the operational bundle over a line that damages one frame in twenty
# and resets the device three times, the receipt. Ends 0 once the order misses no
# receipt. Run by ./demo from the top folder; $provctl and $provdev are set, and
# OUT/.work/templates has the templates.
set -eu
out=$1
work=$out/.work/staged
id=gw-00000001
dev=$out/devices/$id
template=$out/.work/templates/examples/gateway.json
mkdir -p "$work"

p() {
	"$provctl" -q -C "$out/authority" "$@"
}

fail() {
	echo "staged: $*" >&2
	exit 1
}

p policy adopt "$template"
jq -n --slurpfile t "$template" \
	--arg sha "$(sha256sum <"$template" | cut -d ' ' -f 1)" \
	'{order: "demo-gateways", template: $t[0].template,
	version: $t[0].version, template_sha256: $sha, quantity: 1}' \
	>"$work/order.json"
p order open "$work/order.json"
"$provdev" keygen "$dev" --id $id --sealing
p issue --template gateway --order demo-gateways --device $id \
	--csr "$dev/csr.pem" --seal-key "$dev/seal_pub.pem" \
	--seal-key-sig "$dev/seal_sig.b64" --set site=hall-1 \
	-o "$out/bundles/$id.bootstrap.pvb" >"$work/issued"
jq -j .certificate "$work/issued" >"$out/certs/$id.pem"
"$provdev" open "$dev" "$out/bundles/$id.bootstrap.pvb" \
	--bundle-key "$out/keys/bundle.pem"

"$provdev" attest-key "$dev" --format psa
p attest enrol --device $id --format psa --key "$dev/iak_pub.pem"
p attest challenge --device $id -o "$work/challenge"
"$provdev" attest "$dev" --format psa --seal-key \
	--challenge "$work/challenge" --out "$work/evidence" \
	--measure "BL=$(jq -r '.attestation.reference[0].digest[7:]' \
	"$template")"
p attest verify --device $id --challenge "$work/challenge" \
	--evidence "$work/evidence" -o "$out/bundles/$id.operational.pvb"

build/tests/cli/relay "$work/line" 7 50 0 0 3 8 "$provdev" receive "$dev" \
	--link fd:3 --idle 1 --bundle-key "$out/keys/bundle.pem" \
	--nonce "$(jq -r .nonce "$work/challenge")" \
	--evidence "$work/evidence" >"$work/device" 2>&1 &
device=$!
while [ ! -S "$work/line" ]; do
	kill -0 "$device" 2>/dev/null || fail "$(cat "$work/device")"
	sleep 0.05
done
p export stream --link "$work/line" --device $id --stage operational \
	--mtu 64 --wait 60 --tries 12 --receipt "$work/receipt"
wait "$device" || fail "$(cat "$work/device")"
grep '^relay: ' "$work/device"
p attest receipt "$work/receipt"
p --json order show demo-gateways | jq -e '.receipts == 1 and .missing == []' \
	>"$work/missing" || fail "the order misses a receipt"
