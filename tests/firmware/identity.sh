#!/bin/sh
# What is provisioned in the example firmware, as a C header on stdout:
# identity.sh DEVICE_FOLDER DEVICE_ID TEMPLATE.json BUNDLE_KEY.pem
# Its private keys are in the header: for simulated devices only.
set -eu
device=$1 id=$2 template=$3 bundle=$4

# part WORD: hex of "priv:" or "pub:" of the key's text on stdin.
part() {
	awk -v word="$1:" '$1 == word { on = 1; next }
	on && /^ / { gsub(/[ :]/, ""); printf "%s", $0; next } { on = 0 }'
}

scalar() {
	hex=$(openssl pkey -in "$1" -noout -text | part priv)
	# a leading 00 is a sign, and small scalars come short
	printf '%64s' "$hex" | tr ' ' 0 | tail -c 64
}

point() {
	openssl pkey "$@" -noout -text_pub | part pub
}

kid() { # SHA-256 of the SPKI
	openssl pkey "$@" -pubout -outform DER | openssl dgst -sha256 -r |
		cut -d ' ' -f 1
}

array() { # NAME HEX
	echo "static const uint8_t $1[] = {"
	echo "$2" | fold -w 24 | sed 's/../0x&, /g'
	echo "};"
}

case $(cat "$device/form") in
plain) form=PVDEV_FORM_PLAIN ;;
batch) form=PVDEV_FORM_BATCH ;;
*) echo "identity.sh: this firmware takes plain and batch" >&2; exit 1 ;;
esac
echo "#define IDENTITY_DEVICE \"$id\""
echo "#define IDENTITY_FORM $form"
echo "#define IDENTITY_SEED { $(openssl rand -hex 32 | sed 's/../0x&, /g') }"
array identity_certified "$(scalar "$device/key.pem")"
array identity_sealing "$(scalar "$device/seal.pem")"
array identity_seal_point "$(point -in "$device/seal.pem")"
array identity_seal_key_id "$(kid -in "$device/seal.pem")"
array identity_receipt_kid "$(kid -in "$device/key.pem" | cut -c 1-16)"
array identity_bundle_point "$(point -pubin -in "$bundle")"
array identity_bundle_kid "$(kid -pubin -in "$bundle" | cut -c 1-16)"
array identity_vendor "$(jq -r .vendor "$template" | tr -d -)"
array identity_class "$(jq -r .class "$template" | tr -d -)"
