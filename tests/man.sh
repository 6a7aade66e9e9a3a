#!/bin/sh
# The man pages: man.sh. They render without a warning (where groff is there),
# are installed, and provctl-bundle(5) has the numbers that the code has.
set -u
src=${srcdir:?}
page=$src/docs/provctl-bundle.5
failed=0
tmp=$(mktemp -d "${TMPDIR:-/tmp}/provctl-man.XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM

fail() {
	echo "FAILED: $*"
	failed=$((failed + 1))
}

sed 's/\\-/-/g' "$page" >"$tmp/plain"

# has TEXT: a line of the page, blanks squeezed.
has() {
	tr -s ' ' <"$tmp/plain" | grep -q -F -e "$1" || fail "no \"$1\" in it"
}

# defined HEADER NAME: the number behind a #define.
defined() {
	awk -v name="$2" '$1 == "#define" && $2 == name {
		sub(/[^0-9].*/, "", $3)
		print $3
	}' "$src/$1"
}

# Every result number with its name.
sed -n 's/^\t*PVDEV_\([A-Z0-9_]*\) = \([0-9]*\).*/\2 \1/p' \
	"$src/lib/device/result.h" | tr 'A-Z_' 'a-z-' >"$tmp/results"
[ "$(wc -l <"$tmp/results")" -ge 40 ] || fail "result.h was not read"
while read -r line; do
	has "$line"
done <"$tmp/results"

thousands() {
	echo "$1" | sed 's/\([0-9]\)\([0-9]\{3\}\)$/\1,\2/'
}

# The limits: host and receiver have one number, and the page says it.
limit() { # host header, name, device header, name, text before, behind
	host=$(defined "$1" "$2")
	device=$(defined "$3" "$4")
	[ -n "$host" ] && [ "$host" = "$device" ] ||
		fail "$2 is \"$host\", $4 is \"$device\""
	has "$5$(thousands "$host")$6"
}
impl=lib/device/impl.h
port=lib/device/port.h
limit lib/seal/bundle.h SEAL_NAME_MAX $port PVDEV_ID_MAX \
	"role, stage 1 to " " bytes"
limit lib/seal/bundle.h SEAL_MASTER_ID_LEN $port PVDEV_MASTER_ID_LEN \
	"32 bytes for kind 1, " " for kind 2"
limit lib/seal/bundle.h SEAL_COMPONENTS_MAX $port PVDEV_COMPONENTS_MAX \
	"sealed components of a bundle 1 to " ""
limit lib/seal/bundle.h SEAL_DESCRIPTOR_MAX $impl PVDEV_PAYLOAD_MAX \
	"descriptor payload at most " " bytes"
limit lib/seal/manifest.h MANIFEST_SIZE_MAX $impl PVDEV_MANIFEST_MAX \
	"the whole COSE message at most " " bytes"
limit lib/seal/manifest.h MANIFEST_ROLES_MAX $impl PVDEV_ROLES_MAX \
	"roles of a manifest 1 to " ""
limit lib/seal/manifest.h MANIFEST_NAME_MAX $impl PVDEV_VERSION_MAX \
	"version, min-version 1 to " " bytes"
limit lib/seal/manifest.h MANIFEST_ORIGIN_MAX $impl PVDEV_ORIGIN_MAX \
	"log origin 1 to " " bytes"
limit lib/seal/batch_impl.h BATCH_NAME_MAX $impl PVDEV_ISSUER_MAX \
	"batch: issuer 1 to " " bytes"
limit lib/seal/content.h CONTENT_ITEMS_MAX lib/device/content.c ITEMS_MAX \
	"secrets, files of a component 1 to " " of each"
limit lib/seal/content.h CONTENT_NAME_MAX lib/device/content.c NAME_MAX_LEN \
	"name of a secret or file 1 to " " bytes"

if command -v groff >/dev/null 2>&1; then
	for one in "$src"/docs/*.[15]; do
		groff -man -Tutf8 -ww -z "$one" 2>"$tmp/warn" || fail "$one"
		[ ! -s "$tmp/warn" ] || fail "$(cat "$tmp/warn")"
	done
else
	echo "not rendered: no groff"
fi

# A jobserver of the caller is none of ours.
unset MAKEFLAGS MFLAGS MAKELEVEL
if make -s -C "${builddir:?}" install-man DESTDIR="$tmp/root" \
	>"$tmp/out" 2>&1; then
	for one in "$src"/docs/*.[15]; do
		find "$tmp/root" -name "${one##*/}" | grep -q . ||
			fail "${one##*/} is not installed"
	done
else
	fail "make install-man: $(tail -n 3 "$tmp/out")"
fi
[ "$failed" -gt 0 ] || echo "man: pages render, are installed and agree"
exit $((failed > 0))
