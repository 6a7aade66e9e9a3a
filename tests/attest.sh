# What tests of attestation share; sourced behind lib.sh.

# staged NAME VERSION JQ: a template whose operational bundle is sealed on
# evidence, adopted; JQ is the section "attestation".
staged() {
	jq -c --argjson version "$2" --argjson at "$3" --arg name "$1" \
		'.template = $name | .version = $version | .stages =
		{bootstrap: ["identity"], operational: {components: ["service"],
		requires: "attestation"}} | .attestation = $at' \
		"$srcdir/templates/tls-client.json" >"$T/$1.json"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/$1.json"
}

# staged_device TEMPLATE ID: issued, with its bootstrap bundle.
staged_device() {
	new_device tls-client "$2"
	issue "$1" "$2" -o "$T/$2.pvb"
	expect_equal "$rc" 0 "issue $2 ($(cat "$T/err"))"
}

# new_key NAME: $T/NAME.pem and its public half $T/NAME.pub.
new_key() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out "$T/$1.pem" 2>/dev/null &&
		openssl pkey -in "$T/$1.pem" -pubout -out "$T/$1.pub" ||
		fail "no key $1"
}

# entries TYPE: how many the log has.
entries() {
	p --json audit show --type "$1" 2>/dev/null | grep -c "\"$1\""
}
