#!/bin/sh
# Two rooms and an air gap: the shipped plans of an offline root and of an
# issuing authority, each on a terminal, with a token folder and a home of its
# own. The medium changes hands twice.
. "$(dirname "$0")/../lib.sh"
. "$srcdir/tests/gap.sh"
command -v expect >/dev/null || {
	echo "ok - ceremony_rooms: # SKIP no expect for a terminal"
	exit 77
}
TERM=xterm
export TERM

line() {
	printf '%s\t%s\n' "$1" "$2"
}

# prepare SIDE: a token that is there; its PIN is typed.
prepare() {
	new_side "$1"
	on "$1" softhsm2-util --init-token --free --label "acme-$1" \
		--pin 12345678 --so-pin 87654321 >/dev/null 2>&1 ||
		fail softhsm2-util
	jq '.pin_source = "prompt" | del(.so_pin_source)' "$T/$1.binding" \
		>"$T/binding" && mv "$T/binding" "$T/$1.binding"
}

# room WORD SIDE: on a terminal, by the script on standard input.
room() {
	word=$1
	side=$2
	cat >"$T/script"
	set -- --home "$T/acme-$side" --templates "$templates" \
		--binding "$T/$side.binding" --media "$T/media"
	[ "$word" = resume ] || set -- "$@" --rehearsal "$T/rehearsal-$side"
	on "$side" expect "$srcdir/tests/cli/room.exp" "$T/script" "$PROVCTL" \
		ceremony "$word" "$(plan_of "$side")" "$@" >"$T/raw" 2>"$T/err"
	rc=$?
	tr -d '\r' <"$T/raw" >"$T/out"
	grep "NEVER [AE]" "$T/out" >"$T/never" && fail "$(cat "$T/never")"
	grep -q 12345678 "$T/out" && fail "a PIN was shown"
}

# shows HASH: as it is read aloud, eight groups a line.
shows() {
	grep -q -F "$(echo "$1" | sed 's/..../& /g' | cut -c 1-39)" \
		"$T/out" || fail "$1 was not shown"
}

case_start "both are rehearsed"
rehearse_both
mkdir "$T/media"

case_start "the issuing room: a request, and people stop to carry it"
prepare issuing
room run issuing <<END
$(line "PIN for acme-issuing: " 12345678)
$(line "Step 1 of 12: go on? [yes/stop]" yes)
$(line "write it down. Done? [yes/stop]" yes)
$(line "Step 3 of 12: go on? [yes/stop]" yes)
$(line "Step 4 of 12: go on? [yes/stop]" yes)
$(line "Step 5 of 12: go on? [yes/stop]" yes)
$(line "Step 6 of 12: go on? [yes/stop]" yes)
$(line "Step 7 of 12: go on? [yes/stop]" yes)
$(line "Step 8 of 12: go on? [yes/stop]" yes)
$(line "Step 9 of 12: go on? [yes/stop]" yes)
$(line "[yes/stop]" yes)
$(line "bring the medium back. Done? [yes/stop]" stop)
END
expect_equal "$rc" 130 exit
request=$(sha256sum "$T/media/acme-issuing/issuing-1.csr" | cut -d ' ' -f 1)
shows "$request"
bound_to() {
	jq -r ".steps[] | select(.step == \"$2\").template_sha256" \
		"$(plan_of "$1")"
}
shows "$(bound_to issuing make-csr)"

case_start "the root's room: from the token to the certificates"
prepare root
room run root <<END
$(line ... 12345678)
END
expect_equal "$rc" 0 exit
shows "$request"
shows "$(bound_to root sign-csr)"
shows "$(bound_to root self-signed)"
for hash in $(jq -r 'select(.event == "sign").facts.tbs_sha256' \
	"$root_log/transcript.jsonl"); do
	shows "$hash"
done

case_start "the issuing room goes on with what came back"
room resume issuing <<END
$(line ... 12345678)
END
expect_equal "$rc" 0 exit
expect_text "$(openssl x509 -in "$T/media/acme-root/root.pem" -outform DER |
	sha256sum | cut -c 1-32 | sed 's/..../& /g; s/ $//')"

case_start "both transcripts"
for side in root issuing; do
	log=$T/acme-$side/ceremonies/$(basename "$(plan_of $side)" .json)-1
	expect_exit 0 "$PROVCTL" ceremony verify "$log/transcript.jsonl" \
		--plan "$(plan_of $side)"
	expect_text "mode run"
	expect_text "0 unrecorded objects"
	grep -q 12345678 "$log/transcript.jsonl" && fail "a PIN was written"
	expect_exit 0 env SOFTHSM2_CONF="$T/$side.conf" "$PROVCTL" \
		-C "$T/acme-$side" audit verify
done

case_start "a device's chain by OpenSSL, GnuTLS, NSS and Go"
H=$I
SOFTHSM2_CONF=$T/issuing.conf
export SOFTHSM2_CONF
jq --arg pin "file:$T/pin" '.pin_source = $pin' "$H/provctl.json" >"$T/conf" &&
	cat "$T/conf" >"$H/provctl.json"
new_device tls-client client-00000001
issue tls-client client-00000001 -o "$T/1.pvb"
expect_equal "$rc" 0 "exit of issue ($(cat "$T/err"))"
json_field certificate "$T/out" >"$T/1.pem"
root=$T/media/acme-root/root.pem
issuing=$T/media/acme-root/issuing-1.pem
openssl verify -x509_strict -purpose sslclient -CAfile "$root" \
	-untrusted "$issuing" "$T/1.pem" >"$T/out" 2>&1 ||
	fail "OpenSSL: $(cat "$T/out")"
cat "$T/1.pem" "$issuing" >"$T/chain"
certtool --verify --verify-profile low --load-ca-certificate "$root" \
	--infile "$T/chain" >"$T/out" 2>&1 || fail "GnuTLS: $(cat "$T/out")"
if command -v certutil >/dev/null; then
	mkdir "$T/nss"
	certutil -N -d "sql:$T/nss" --empty-password
	certutil -A -d "sql:$T/nss" -n root -t CT,C,C -a -i "$root"
	certutil -A -d "sql:$T/nss" -n issuing -t ,, -a -i "$issuing"
	certutil -A -d "sql:$T/nss" -n device -t ,, -a -i "$T/1.pem"
	certutil -V -d "sql:$T/nss" -n device -u C -e >"$T/out" 2>&1 ||
		fail "NSS: $(cat "$T/out")"
fi
if command -v go >/dev/null; then
	GO111MODULE=off GOCACHE=$T/cache GOFLAGS='' go build \
		-o "$T/verify_chain" "$srcdir/tests/interop/verify_chain.go" ||
		fail "go build"
	"$T/verify_chain" "$root" "$T/media/acme-root/root.crl" "$issuing" \
		"$T/1.pem" >"$T/out" 2>&1 || fail "Go: $(cat "$T/out")"
	expect_text "verified 1"
fi

tests_end
