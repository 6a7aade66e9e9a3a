# Shared by ./check and ./demo: what they need and how they build. The caller
# stands in the top folder. Safe to run again: what is there is left alone.

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# One package a line; Node and npm only where neither is there already.
wanted_packages() {
	sed -e 's/#.*//' packages.txt | awk 'NF { print $1 }'
	command -v node >/dev/null 2>&1 || echo nodejs
	command -v npm >/dev/null 2>&1 || echo npm
}

missing_packages() {
	wanted_packages | while read -r package; do
		status=$(dpkg-query -W -f '${db:Status-Status}' "$package" \
			2>/dev/null) || status=
		[ "$status" = installed ] || printf '%s ' "$package"
	done
}

# Package lists may be older than the mirror, so they are always fetched.
apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 \
		-o Acquire::Retries=3 -o APT::Color=0 "$@"
}

setup_packages() {
	if ! command -v dpkg-query >/dev/null 2>&1; then
		say "setup: no dpkg here: packages.txt is taken to be installed"
		return
	fi
	missing=$(missing_packages)
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		die "packages are missing; as root, once:" \
			"apt-get install --no-install-recommends $missing"
	fi
	say "setup: installing $missing"
	apt_get update || die "apt-get update failed"
	# shellcheck disable=SC2086  # a list of names
	apt_get install -y --no-install-recommends $missing >"$1" 2>&1 || {
		tail -n 20 "$1" >&2
		die "apt-get install failed"
	}
	rm -f "$1"
}

# Made anew when one of its sources is newer; make does the rest.
setup_bootstrap() {
	for made in configure Makefile.in config.h.in aclocal.m4; do
		for from in configure.ac Makefile.am bootstrap m4/*.m4; do
			if [ ! -e "$made" ] || [ "$from" -nt "$made" ]; then
				say "setup: bootstrap"
				./bootstrap >"$1" 2>&1 || {
					cat "$1" >&2
					die "bootstrap failed"
				}
				# Those that did not change stay as old.
				touch aclocal.m4
				touch Makefile.in config.h.in configure
				rm -f "$1"
				return
			fi
		done
	done
}

# setup_build [TARGET]...: packages, bootstrap, configure, make in build/.
setup_build() {
	setup_log=${TMPDIR:-/tmp}/provctl-setup.$$
	setup_packages "$setup_log"
	setup_bootstrap "$setup_log"
	mkdir -p build
	if [ ! -f build/Makefile ] || [ configure -nt build/config.status ]; then
		say "setup: configure"
		(cd build && ../configure -q --enable-werror) \
			>"$setup_log" 2>&1 || {
			cat "$setup_log" >&2
			die "configure failed"
		}
	fi
	say "setup: make"
	make -s -C build -j"$(nproc)" "$@" >"$setup_log" 2>&1 || {
		tail -n 60 "$setup_log" >&2
		die "make failed"
	}
	rm -f "$setup_log"
}
