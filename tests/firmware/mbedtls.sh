#!/bin/sh
# Sources of mbed TLS 2.28 from Debian's source package: mbedtls.sh DIR. Debian
# has the library for hosts only. apt verifies what it gets; its state is in DIR
# alone, and no root is needed. Nothing is done when DIR/mbedtls is there. Exit
# 77 when there is no way to the archive.
set -eu
dir=$1
[ -d "$dir/mbedtls" ] && exit 0
mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
dir=$(cd "$dir" && pwd)

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
if ! command -v apt-get >/dev/null 2>&1 || [ ! -f "$keyring" ]; then
	echo "skipped: no apt-get, or no keys of Debian's archive"
	exit 77
fi
# The mirror of the machine where it names one.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
	/etc/apt/sources.list.d/*.sources 2>/dev/null |
	grep -v '^#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1) || :
echo "deb-src [signed-by=$keyring] ${mirror:-http://deb.debian.org/debian}" \
	"${release:-bookworm} main" >"$dir/apt/sources.list"

apt() {
	apt-get -q -o Dir::Etc::SourceList="$dir/apt/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$dir/apt/lists" \
		-o Dir::Cache="$dir/apt/cache" -o Debug::NoLocking=1 \
		-o APT::Sandbox::User="$(id -un)" "$@"
}

cd "$dir"
if ! apt update >apt.log 2>&1 ||
	! apt source --download-only mbedtls >>apt.log 2>&1; then
	tail -n 5 apt.log
	echo "skipped: cannot get Debian's source package of mbedtls"
	exit 77
fi
case $(ls mbedtls_*.dsc) in
mbedtls_2.28.*) ;;
*)
	echo "skipped: this Debian has another mbed TLS than 2.28"
	exit 77
	;;
esac
rm -rf mbedtls.new
mkdir mbedtls.new
tar -xzf mbedtls_*.orig.tar.gz -C mbedtls.new --strip-components=1
mv mbedtls.new mbedtls
rm -rf apt
