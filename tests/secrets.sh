# Stored secrets for tests/cli/*.sh: values that are looked for, a template that
# names one, and devices that open what was sealed for them. Sourced behind
# tests/lib.sh.
scan=$builddir/tests/cli/scan
needles=$T/needles

# new_programmer: who gets the devices' keys, and the key of H's bundles.
new_programmer() {
	p export key --purpose bundle >"$T/bundle.pem"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/programmer.key" \
		-out "$T/programmer.pem" -subj /CN=programmer -days 2 2>/dev/null
}

# value NAME TEXT: a private file with that text, which is a needle, too.
value() {
	printf '%s' "$2" >"$T/$1.value"
	chmod 600 "$T/$1.value"
	printf '%s %s\n' "$1" "$(od -An -v -tx1 "$T/$1.value" | tr -d ' \n')" \
		>>"$needles"
}

# template NAME VERSION [sed-SCRIPT]...: the sensor with a stored secret in
# place of its random one.
template() {
	stored_name=$1
	stored_version=$2
	shift 2
	sed -e "s|\"template\": \"symmetric-sensor\"|\"template\": \"$stored_name\"|" \
		-e "s|\"version\": 1,|\"version\": $stored_version,|" \
		-e 's|{"random": {"bytes": 48}}|{"stored": "fleet-key"}|' \
		"$@" "$srcdir/templates/symmetric-sensor.json" \
		>"$T/$stored_name.json"
}

# has ID BUNDLE VALUE: the device opens it and has that value.
has() {
	run "$PROVDEV" open "$T/dev/$1" "$2" --bundle-key "$T/bundle.pem"
	expect_equal "$rc" 0 "provdev open ($(cat "$T/err"))"
	set -- "$T/dev/$1/active"/*/secrets/drbg_seed.bin "$T/$3.value"
	expect_equal "$#" 2 "files"
	same_bytes "$1" "$2"
}

new_sensor() {
	new_device symmetric-sensor "$1"
	p export kek --to "$T/programmer.pem" --device "$1" -o "$T/$1.cms"
	openssl cms -decrypt -inform DER -in "$T/$1.cms" -recip \
		"$T/programmer.pem" -inkey "$T/programmer.key" -out "$T/$1.kek"
	"$PROVDEV" program "$T/dev/$1" --from "$T/$1.kek"
}

# nothing_in PATH...|--pid PID...: no value that is looked for.
nothing_in() {
	"$scan" "$needles" "$@" >"$T/hits" 2>"$T/scan.err" ||
		fail "found: $(cat "$T/hits" "$T/scan.err" | head -n 5)"
}
