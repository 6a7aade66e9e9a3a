#!/bin/sh
# A TPM (swtpm) attests with tpm2-tools, and lib/evidence verifies: the quote
# passes; with other PCRs, another key, another nonce it is refused for that.
# What MakeCredential gives is taken by the TPM's ActivateCredential, for an
# endorsement key of either kind, and by no other TPM key's name. 77 without
# swtpm or tpm2-tools.
#
#     swtpm.sh [PATH/tpm2]
set -eu
LC_ALL=C
export LC_ALL

# shellcheck source=tests/flip.sh
. "$(dirname "$0")/../flip.sh"
bin=${1:-${builddir:-.}/tests/interop/tpm2}
case $bin in /*) ;; *) bin=$(pwd)/$bin ;; esac
for tool in swtpm tpm2_quote tpm2_activatecredential; do
	command -v $tool >/dev/null || {
		echo "ok - swtpm # SKIP no $tool"
		exit 77
	}
done
tmp=$(mktemp -d "${TMPDIR:-/tmp}/provctl-swtpm.XXXXXX") || exit 2
pid=
clean_up() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || :
	rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"

bad() {
	echo "not ok - swtpm: $*"
	tail -n 5 out 2>/dev/null
	exit 1
}
ok() {
	echo "ok - swtpm: $*"
}
# tpm COMMAND...: the TPM has room for three objects, so nothing stays.
tpm() {
	"$@" >out 2>&1 || bad "$*"
	tpm2_flushcontext -t >/dev/null 2>&1 || :
}

mkdir state
swtpm socket --tpm2 --tpmstate dir="$tmp/state" \
	--server type=unixio,path="$tmp/tpm" \
	--ctrl type=unixio,path="$tmp/tpm.ctrl" \
	--flags not-need-init,startup-clear >log 2>&1 &
pid=$!
TPM2TOOLS_TCTI=swtpm:path=$tmp/tpm
export TPM2TOOLS_TCTI
tries=0
until tpm2_getrandom 1 >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || bad "it does not start: $(cat log)"
	sleep 0.1
done

for kind in ecc rsa; do
	tpm tpm2_createek -c ek.$kind -G $kind -f pem -u ek.$kind.pem
	openssl pkey -pubin -in ek.$kind.pem -outform DER -out ek.$kind.der
	tpm tpm2_createak -C ek.$kind -c ak.$kind -G ecc -g sha256 -s ecdsa \
		-u ak.$kind.pub -n ak.$kind.name
	"$bin" name ak.$kind.pub >name
	[ "$(cat name)" = "$(od -An -v -tx1 ak.$kind.name | tr -d ' \n')" ] ||
		bad "name of the key under $kind: $(cat name)"
done
ok "the attestation key's name is the TPM's"

secret=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
# activate KIND CREDENTIAL: the secret, in hex; fails as the TPM does.
activate() {
	tpm tpm2_startauthsession --policy-session -S session
	tpm2_policysecret -S session -c e >out 2>&1 || bad "policy"
	rm -f got
	tpm2_activatecredential -c "ak.$1" -C "ek.$1" -i "$2" -o got \
		-P session:session >out 2>&1
	status=$?
	tpm2_flushcontext session >/dev/null 2>&1 || :
	tpm2_flushcontext -t >/dev/null 2>&1 || :
	[ $status -eq 0 ] && od -An -v -tx1 got | tr -d ' \n'
}
for kind in ecc rsa; do
	for value in $secret 00 ffee; do
		"$bin" credential ek.$kind.der ak.$kind.pub $value cred ||
			bad "credential for $kind"
		[ "$(activate $kind cred)" = $value ] ||
			bad "$kind: ActivateCredential gives $(cat got)"
	done
	# For the key of another name, or changed on the way: nothing.
	[ $kind = ecc ] && other=rsa || other=ecc
	"$bin" credential ek.$kind.der ak.$other.pub $secret cred
	activate $kind cred >got.out && bad "$kind: for another key's name"
	"$bin" credential ek.$kind.der ak.$kind.pub $secret cred
	flip cred 20
	activate $kind cred >got.out && bad "$kind: with a byte changed"
	ok "ActivateCredential takes what is made for the $kind endorsement key"
done

a=3333333333333333333333333333333333333333333333333333333333333333
zero=0000000000000000000000000000000000000000000000000000000000000000
# quote KEY A PCRS: msg and sig, and the values beside them.
quote() {
	tpm tpm2_quote -c "$1" -l "sha256:$3" -q "$2" -m msg -s sig -g sha256
	tpm tpm2_pcrread "sha256:$3" -o values -F values
}
# expect VERDICT WHAT ARGUMENT...: of `tpm2 quote'.
expect() {
	want=$1 what=$2
	shift 2
	got=$("$bin" quote "$@") || bad "$what: not verified"
	[ "$got" = "$want" ] || bad "$what: $got, not $want"
	ok "$what: $want"
}
quote ak.ecc $a 0,7
expect ok "a quote of PCR 0 and 7" \
	ak.ecc.pub $a msg sig values pcr0=$zero pcr7=$zero
expect "5 evidence.signature" "another attestation key" \
	ak.rsa.pub $a msg sig values pcr0=$zero pcr7=$zero
expect "4 evidence.nonce" "another nonce" \
	ak.ecc.pub $zero msg sig values pcr0=$zero pcr7=$zero
expect "4 evidence.measurement" "a PCR that was not asked for" \
	ak.ecc.pub $a msg sig values pcr0=$zero
expect "4 evidence.measurement" "a PCR that is not quoted" \
	ak.ecc.pub $a msg sig values pcr0=$zero pcr1=$zero pcr7=$zero

tpm tpm2_pcrextend 7:sha256=$a
cp values before
tpm tpm2_pcrread sha256:0,7 -o values -F values
expect "5 evidence.signature" "values that the quote is not of" \
	ak.ecc.pub $a msg sig values pcr0=$zero pcr7=$zero
quote ak.ecc $a 0,7
expect "4 evidence.measurement" "an extended PCR" \
	ak.ecc.pub $a msg sig values pcr0=$zero pcr7=$zero
expect "5 evidence.signature" "the values from before" \
	ak.ecc.pub $a msg sig before pcr0=$zero pcr7=$zero
{
	head -c 32 /dev/zero
	head -c 32 /dev/zero | tr '\0' '\063'
} >extended
seven=$(openssl dgst -sha256 -r extended | cut -d ' ' -f 1)
expect ok "the extended PCR as its reference" \
	ak.ecc.pub $a msg sig values pcr0=$zero pcr7="$seven"

# A key that signs what comes from outside, or that may leave its TPM.
tpm tpm2_createprimary -C e -c primary -G ecc
tpm tpm2_create -C primary -u loose.pub -r loose.priv -G ecc:ecdsa-sha256 \
	-a "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign"
"$bin" name loose.pub >out 2>&1 && bad "an unrestricted key is taken"
grep -q ak.attributes out || bad "unrestricted key: $(cat out)"
ok "an unrestricted key is refused"
