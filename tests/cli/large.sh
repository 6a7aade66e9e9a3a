#!/bin/sh
# Large bundles: more of them than one channel's buffer holds, two stages that
# are large together, and one that is larger than a bundle may be.
. "$(dirname "$0")/../lib.sh"

# A template names a value of 1 KiB that each request brings, many times.
value=$(head -c 1024 /dev/zero | tr '\0' v)

# large NAME BOOTSTRAP-KIB OPERATIONAL-KIB MAX-SIZE: a template of two
# components, both of that max_size.
large() {
	jq --arg name "$1" --argjson one "$2" --argjson two "$3" \
		--argjson max "$4" '
		def blob($n): [range($n)] | map({("v\(.)"): "${device.a}"}) | add;
		.template = $name
		| .device.fields = {a: {pattern: "v+"}}
		| .components = {
			first: {sealed: true, config: blob($one),
				max_size: $max},
			second: {sealed: true, config: blob($two),
				max_size: $max}}
		| .stages = {bootstrap: ["first"], operational: ["second"]}' \
		"$srcdir/templates/symmetric-sensor.json" >"$T/$1.json"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/$1.json"
}

lines() {
	i=0
	while [ "$i" -lt "$2" ]; do
		printf '{"device":"S%s%08X","fields":{"a":"%s"}}\n' "$1" "$i" \
			"$value"
		i=$((i + 1))
	done
}

new_authority

case_start "130 devices of 560 KiB each, one signer"
large heavy 1 560 700000
lines 01 130 >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template heavy --jobs 1 \
	--from "$T/in.jsonl" --out "$T/o" || show_output
expect_equal "$(jq -r .status "$T/o/results.jsonl" | sort | uniq -c |
	tr -s ' \n' ' ')" " 130 issued " statuses
verify_audit
expect_equal "$(audit_number open_intents)" 0 "open intents"

case_start "and their stored answers"
expect_exit 0 "$PROVCTL" -C "$H" issue --template heavy --jobs 2 \
	--from "$T/in.jsonl"
expect_equal "$(jq -r .status "$T/out" | sort | uniq -c |
	tr -s ' \n' ' ')" " 130 existing " statuses

case_start "two stages of 700 KiB each for one device"
large both 700 700 780000
expect_exit 0 "$PROVCTL" -C "$H" issue --template both --device S0200000001 \
	--set "a=$value"
expect_equal "$(jq -r '.bundle | keys | length' "$T/out")" 2 bundles

case_start "one that is larger than its component may be fails alone"
large edge 1 700 700000
{
	lines 03 2
	printf '{"device":"S0400000001","fields":{"a":"v"}}\n'
} >"$T/in.jsonl"
expect_exit 3 "$PROVCTL" -C "$H" issue --template edge --from "$T/in.jsonl"
expect_equal "$(jq -r .status "$T/out" | tr '\n' ' ')" "denied denied issued " \
	statuses
verify_audit

tests_end
