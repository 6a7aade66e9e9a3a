#!/bin/sh
# The example firmware for QEMU's Cortex-M4 board: build.sh IDENTITY.h MBEDTLS
# OUT. Leaves OUT/firmware.elf and OUT/sizes: "name text data bss" of the
# receiver, the example and mbed TLS.
set -eu
identity=$1 mbedtls=$2 out=$3
src=${srcdir:?}
prefix=${FIRMWARE_PREFIX:-arm-none-eabi-}
mkdir -p "$out/receiver" "$out/example" "$out/mbedtls"
cp "$identity" "$out/identity.h"

cpu="-mcpu=cortex-m4 -mthumb"
flags="$cpu -std=c99 -Os -g -ffreestanding -ffunction-sections -fdata-sections
	-Wall -Wextra -Werror -I$src"
# mbed TLS wants a C library's headers; so does the table on top of it.
hosted="$cpu -std=c99 -Os -g -ffunction-sections -fdata-sections
	-I$mbedtls/include -DMBEDTLS_CONFIG_FILE=<docs/firmware/mbedtls_config.h>
	-I$src"

# compile FOLDER FLAGS FILE...
compile() {
	to=$out/$1
	how=$2
	shift 2
	for file in "$@"; do
		# shellcheck disable=SC2086  # flags are words
		"${prefix}gcc" $how -c "$file" \
			-o "$to/$(basename "$file" .c).o"
	done
}

receiver=
for file in "$src"/lib/device/*.c; do
	case $(basename "$file") in
	crypto_*) ;;
	*) receiver="$receiver $file" ;;
	esac
done
# shellcheck disable=SC2086
compile receiver "$flags" $receiver "$src"/lib/base/cbor.c \
	"$src"/lib/base/cbor_float.c "$src"/lib/base/cbor_read.c "$src"/lib/base/cbor_write.c \
	"$src"/lib/base/cose.c "$src"/lib/base/cobs.c "$src"/lib/base/linkframe.c
compile example "$hosted -Wall -Wextra -Werror -I$out" \
	"$src"/docs/firmware/*.c "$src"/lib/device/crypto_mbedtls.c
for name in aes asn1parse asn1write bignum cipher cipher_wrap \
	constant_time ecdh ecdsa ecp ecp_curves gcm hmac_drbg md \
	memory_buffer_alloc platform platform_util sha256; do
	compile mbedtls "$hosted -w" "$mbedtls/library/$name.c"
done

# shellcheck disable=SC2086
"${prefix}gcc" $cpu --specs=nano.specs -nostartfiles \
	-Wl,--gc-sections -Wl,-Map="$out/firmware.map" -Wl,--no-warn-rwx-segments \
	-T "$src/docs/firmware/mps2.ld" "$out"/example/*.o \
	"$out"/receiver/*.o "$out"/mbedtls/*.o -o "$out/firmware.elf"
for part in receiver example mbedtls; do
	"${prefix}size" "$out/$part"/*.o | awk -v part="$part" 'NR > 1 {
		text += $1; data += $2; bss += $3
	}
	END { print part, text, data, bss }'
done >"$out/sizes"
