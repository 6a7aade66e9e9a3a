# flip FILE OFFSET: one bit of the byte there is another, whatever it was. A
# byte that is only overwritten is the same one time in 256.
flip() {
	flip_byte=$(dd if="$1" bs=1 skip="$2" count=1 2>/dev/null | od -An -tu1)
	# shellcheck disable=SC2059  # the format is the byte
	printf "\\$(printf %03o $((flip_byte ^ 1)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
