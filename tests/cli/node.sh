#!/bin/sh
# Somebody else's reader on our bundles: tests/interop/open_bundle.mjs, written
# from the format page alone, opens what provctl issued, with segments in random
# order, and refuses every flipped bit of descriptor and first segment.
. "$(dirname "$0")/../lib.sh"
interop=$srcdir/tests/interop

reader_missing() {
	command -v node >/dev/null 2>&1 || { echo "no node"; return 0; }
	[ -d "$interop/node_modules/cborg" ] || { echo "no npm ci"; return 0; }
	return 1
}

# The reader's lines for device $1 and bundle $2.
open_with_node() {
	RUN_S=240 run node "$interop/open_bundle.mjs" --bundle "$2" \
		--device-dir "$T/dev/$1" --role device \
		--bundle-key "$T/bundle.pem" --seed 11 --flip
	if [ "$rc" -ne 0 ]; then
		fail "the reader ends with $rc"
		show_output
	fi
}

program() {
	expect_exit 0 "$PROVCTL" -C "$H" export kek --to "$T/programmer.pem" \
		--device "$1" -o "$T/$1.cms"
	openssl cms -decrypt -inform DER -in "$T/$1.cms" \
		-recip "$T/programmer.pem" -inkey "$T/programmer.key" \
		-out "$T/$1.kek" 2>"$T/err" || fail "cms: $(cat "$T/err")"
	"$PROVDEV" program "$T/dev/$1" --from "$T/$1.kek" >"$T/err" 2>&1 ||
		fail "program: $(cat "$T/err")"
}

# case NAME TEMPLATE FIELDS ID...: issues, then opens the first.
one_case() {
	case_start "$1"
	template=$2 fields=$3 id=$4
	shift 3
	if why=$(reader_missing); then
		skip_case "$why"
		return
	fi
	: >"$T/in.jsonl"
	for device in "$@"; do
		new_device "$template" "$device"
		request_line "$device" "{fields: $fields}" >>"$T/in.jsonl"
	done
	expect_exit 0 "$PROVCTL" -C "$H" issue --template "$template" \
		--jobs 1 --from "$T/in.jsonl" --out "$T/$template"
	case $template in
	aws-iot | symmetric-sensor) program "$id" ;;
	esac
	open_with_node "$id" "$T/$template/bundles/$id.operational.pvb"
	# Everything but the plaintexts.
	sed 's/,"components":{[^}]*}//; s/^/# /' "$T/out" | cut -c 1-300
}

new_authority
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/programmer.key" \
	-out "$T/programmer.pem" -subj /CN=programmer -days 2 2>/dev/null
p export key --purpose bundle >"$T/bundle.pem"

one_case "sealing key, plain descriptor" tls-client '{}' client-0000000a
one_case "certified key, batch descriptor" azure-dps '{}' dev-1 dev-2 dev-3
one_case "KDF and host key, plain descriptor" aws-iot '{"lot":"L042"}' \
	thing-00000000000a
one_case "KDF, no ECC, MAC descriptor" symmetric-sensor '{}' S00000000AB
tests_end
