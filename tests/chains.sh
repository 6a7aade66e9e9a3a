# Devices and who verifies their chains, by OpenSSL and by GnuTLS; sourced after
# lib.sh.

# new_client NUMBER: $T/NUMBER.pem, its bundle, and its chain in NUMBER.chain.
new_client() {
	new_device tls-client "client-$1"
	issue tls-client "client-$1" -o "$T/$1.pvb"
	expect_equal "$rc" 0 "exit of issue $1 ($(cat "$T/err"))"
	json_field certificate "$T/out" >"$T/$1.pem"
	# What the device has and sends: its own chain.
	expect_exit 0 "$PROVCTL" -C "$H" export chain --device "client-$1"
	cp "$T/out" "$T/$1.chain"
}

# The parts of a PEM file: $T/part.1, $T/part.2 ...
parts() {
	rm -f "$T"/part.*
	awk -v to="$T/part." '/BEGIN/ { n++ } { print > (to n) }' "$1"
}

# helped HELP...: what the party is sent besides, as options of openssl verify.
helped() {
	[ $# -eq 0 ] || {
		cat "$@" >"$T/help"
		printf '%s\n' -untrusted "$T/help"
	}
}

# by_gnutls TRUSTED CERT...: the chain, device first.
by_gnutls() {
	command -v certtool >/dev/null || return 0
	trusted=$1
	shift
	cat "$@" >"$T/bundle"
	certtool --verify --verify-profile low --load-ca-certificate \
		"$trusted" --infile "$T/bundle" >"$T/out" 2>&1
}

# takes TRUSTED CERT HELP...: by OpenSSL and by GnuTLS.
takes() {
	trusted=$1
	cert=$2
	shift 2
	# shellcheck disable=SC2046  # words
	openssl verify -purpose sslclient -partial_chain -trusted "$trusted" \
		$(helped "$@") "$cert" >"$T/out" 2>&1 ||
		fail "openssl: $cert: $(cat "$T/out")"
	by_gnutls "$trusted" "$cert" "$@" ||
		fail "certtool: $cert: $(cat "$T/out")"
}

# takes_over TRUSTED CERT CROSS: the same through a cross-certificate. GnuTLS
# counts self-issued ones in pathLenConstraint, which RFC 5280 4.2.1.9 does not:
# it verifies CROSS once and has it among what it trusts then.
takes_over() {
	openssl verify -purpose sslclient -partial_chain -trusted "$1" \
		-untrusted "$3" "$2" >"$T/out" 2>&1 ||
		fail "openssl: $2: $(cat "$T/out")"
	by_gnutls "$1" "$3" || fail "certtool: $3: $(cat "$T/out")"
	cat "$1" "$3" >"$T/trusted"
	by_gnutls "$T/trusted" "$2" || fail "certtool: $2: $(cat "$T/out")"
}

refuses() {
	if openssl verify -purpose sslclient -partial_chain -trusted "$1" \
		"$2" >"$T/out" 2>&1; then
		fail "openssl: $2 is taken"
	fi
	if command -v certtool >/dev/null && by_gnutls "$1" "$2"; then
		fail "certtool: $2 is taken"
	fi
}
