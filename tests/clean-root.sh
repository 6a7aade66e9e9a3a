#!/bin/sh
# What a stranger does: makes a fresh Debian 12 root with none of the packages,
# clones this repository (what is committed) into it, runs ./demo twice and
# ./check there, in a chroot, and says how each ended: clean-root.sh [ROOT].
# Asks for root and for mmdebstrap or debootstrap. Takes long: not part of
# `make check'. A ROOT given is made where missing and kept; else one below
# /tmp, removed at the end. Certificates that this machine trusts on top of
# Debian's, its resolv.conf and its npm configuration go in as well.
set -eu
src=$(cd "$(dirname "$0")/.." && pwd)
root=${1:-}
keep=yes

[ "$(id -u)" -eq 0 ] || {
	echo "clean-root: only root can chroot" >&2
	exit 2
}
if [ -z "$root" ]; then
	root=$(mktemp -d /tmp/provctl-root.XXXXXX)
	keep=no
fi

# Deepest first; nothing is removed while something is still mounted.
clean_up() {
	for mount in dev/shm dev/pts dev proc; do
		umount "$root/$mount" 2>/dev/null || true
	done
	if [ "$keep" = no ] && ! grep -q " $root/" /proc/mounts; then
		rm -rf --one-file-system "$root"
	fi
}
trap clean_up EXIT
trap 'exit 2' HUP INT TERM

if [ ! -d "$root/usr/bin" ]; then
	if command -v mmdebstrap >/dev/null 2>&1; then
		mmdebstrap --quiet --variant=minbase bookworm "$root" \
			>"$root.log" 2>&1 || { cat "$root.log" >&2; exit 1; }
	else
		debootstrap --variant=minbase bookworm "$root" \
			>"$root.log" 2>&1 || { cat "$root.log" >&2; exit 1; }
	fi
	rm -f "$root.log"
fi
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
mkdir -p "$root/usr/local/share/ca-certificates"
cp /usr/local/share/ca-certificates/*.crt \
	"$root/usr/local/share/ca-certificates/" 2>/dev/null || true
# Before ca-certificates is there, and for a client that asks for this file.
mkdir -p "$root/etc/ssl/certs"
[ -e "$root/etc/ssl/certs/ca-certificates.crt" ] ||
	cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
[ ! -f "${HOME:-/root}/.npmrc" ] || cp "$HOME/.npmrc" "$root/root/.npmrc"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount --bind /dev/pts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"

rm -rf "$root/root/provctl"
git clone -q "$src" "$root/root/provctl"
echo "clean-root: $(git -C "$src" rev-parse --short HEAD) in $root," \
	"$(chroot "$root" dpkg-query -f '.\n' -W | wc -l) packages"

status=0
inside() {
	start=$(date +%s)
	echo "clean-root: $1"
	chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		/bin/sh -c "cd /root/provctl && $1" </dev/null || {
		echo "clean-root: $1 ended with $?"
		status=1
	}
	echo "clean-root: $1 took $(($(date +%s) - start)) s"
}
inside ./demo
inside ./demo
inside ./check
[ "$status" -eq 0 ] && echo "clean-root: all ended with 0"
exit "$status"
