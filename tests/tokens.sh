# SoftHSM tokens of tests/cli/ceremony*.sh, and the files of PINs and of answers
# that a binding and a run name; sourced behind tests/lib.sh.
#
#   $T/pin, $T/so-pin   what they are first; $T/yes   yes to whatever is asked
#   $T/binding.json     what bind_tokens made
#   $softhsm            SoftHSM's module
printf 12345678 >"$T/pin"
printf 87654321 >"$T/so-pin"
yes yes | head -n 200 >"$T/yes"
softhsm=$(sed -n 's/^SOFTHSM_MODULE = //p' "$builddir/Makefile")

# conf_tokens DIR FILE: the file has SoftHSM look for its tokens in that folder.
conf_tokens() {
	printf 'directories.tokendir = %s\nobjectstore.backend = file\n' "$1" \
		>"$2"
}

# use_tokens DIR: what is started from here on looks there. Made when missing.
use_tokens() {
	mkdir -p "$1"
	conf_tokens "$1" "$1.conf"
	SOFTHSM2_CONF=$1.conf
	export SOFTHSM2_CONF
}

# keep_home: the home $H and its tokens in $T/tokens as they are now, in
# $T/home.kept and $T/tokens.kept; home_again: so they are once more.
keep_home() {
	rm -rf "$T/home.kept" "$T/tokens.kept"
	cp -R "$H" "$T/home.kept"
	cp -R "$T/tokens" "$T/tokens.kept"
}

home_again() {
	rm -rf "$H" "$T/tokens"
	cp -R "$T/home.kept" "$H"
	cp -R "$T/tokens.kept" "$T/tokens"
}

# new_token LABEL
new_token() {
	softhsm2-util --init-token --free --label "$1" --pin 12345678 \
		--so-pin 87654321 >/dev/null 2>&1 || fail "softhsm2-util: $1"
}

# bind_tokens MODULE LABEL...
bind_tokens() {
	bind_module=$1
	shift
	jq -n --arg lib "$bind_module" --arg pin "file:$T/pin" \
		--arg so "file:$T/so-pin" '{binding: "b", "module": $lib,
		tokens: ($ARGS.positional | map("pkcs11:token=" + .)),
		pin_source: $pin, so_pin_source: $so}' --args "$@" \
		>"$T/binding.json"
}

# token PIN OPTION...: p11tool, logged in.
token() {
	token_pin=$1
	shift
	GNUTLS_PIN=$token_pin p11tool --batch --provider "$softhsm" --login \
		"$@" 2>/dev/null
}

# objects LABEL [PIN]: how many the token has.
objects() {
	token "${2:-12345678}" --list-all "pkcs11:token=$1" | grep -c '^Object'
}
