#!/bin/sh
# The receiver on mbed TLS gives what it gives on OpenSSL: device_tables.sh.
# Every test of the receiver runs with each table of cryptography, on the same
# inputs, and each case must end alike.
set -u
bin=${builddir:?}/tests/unit
tmp=$(mktemp -d "${TMPDIR:-/tmp}/provctl-tables.XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
failed=0
ran=0
CK_VERBOSITY=verbose
export CK_VERBOSITY

# cases FILE: what each case ended with.
cases() {
	grep -a -E '^[^ ]+:[0-9]+:[A-Z]:' "$1"
}

for program in "$bin"/check_device "$bin"/check_device_*; do
	name=$(basename "$program")
	case $name in *.*) continue ;; esac # objects and results
	[ -x "$program" ] || continue
	(unset FX_CRYPTO && "$program") >"$tmp/openssl.out" 2>&1
	FX_CRYPTO=mbedtls "$program" >"$tmp/mbedtls.out" 2>&1
	cases "$tmp/openssl.out" >"$tmp/openssl"
	cases "$tmp/mbedtls.out" >"$tmp/mbedtls"
	if [ -s "$tmp/openssl" ] && ! grep -qv ':P:' "$tmp/openssl" &&
		cmp -s "$tmp/openssl" "$tmp/mbedtls"; then
		echo "ok - $name: $(wc -l <"$tmp/mbedtls") cases end alike"
		ran=$((ran + 1))
	else
		diff "$tmp/openssl" "$tmp/mbedtls"
		tail -n 20 "$tmp/mbedtls.out"
		echo "not ok - $name"
		failed=$((failed + 1))
	fi
done
exit $((failed > 0 || ran == 0))
