#!/bin/sh
# Holds the sources to the limits of the style page and to the direction of
# includes (ARCHITECTURE.md): lint.sh [SRCDIR]. One line per finding,
# "path:line: rule: what", and exit 1 when there is one. Exceptions stand in
# tests/lint.allow, "rule path reason" each; one that allows nothing is a
# finding too.
set -u
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")" && pwd) || exit 2
src=$(cd "${1:-${srcdir:-.}}" && pwd) || exit 2
tmp=$(mktemp -d "${TMPDIR:-/tmp}/provctl-lint.XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM

sources() {
	for top in cmd lib pkcs11 policy tests; do
		if [ -d "$src/$top" ]; then
			find "$src/$top" -name node_modules -prune -o \
				-type f -name '*.[ch]' -print
		fi
	done | sort
}

# What stands at the top: in a clone what git would take, else everything.
top_names() {
	if [ -e "$src/.git" ] && command -v git >/dev/null 2>&1 &&
		git -C "$src" ls-files -co --exclude-standard >"$tmp/git" \
			2>/dev/null; then
		sed 's|/.*||' "$tmp/git" | sort -u
	else
		ls -A "$src"
	fi
}

check_top() {
	top_names | while read -r name; do
		case $name in
		cmd | lib | pkcs11 | policy | templates | tests | docs) ;;
		configure.ac | Makefile.am | README.md | ARCHITECTURE.md) ;;
		LICENSE | COPYING | NEWS | CHANGELOG.md) ;;
		bootstrap | check | demo | packages.txt | m4 | build-aux) ;;
		.git | .gitignore | .gitattributes | .clang-format | .ci) ;;
		# made by bootstrap, configure and make
		configure | Makefile.in | aclocal.m4 | autom4te.cache) ;;
		config.h.in | config.h | config.log | config.status) ;;
		_build | _inst) ;; # make distcheck
		Makefile | stamp-h1 | libtool | build | demo-out | *~) ;;
		.deps | .libs | .dirstamp | *.o | *.log | *.trs) ;;
		*) printf 'top-level\t%s\t1\tnot of the fixed tree\n' "$name" ;;
		esac
	done
}

sources >"$tmp/sources"
: >"$tmp/found"
if [ -s "$tmp/sources" ]; then
	tr '\n' '\0' <"$tmp/sources" |
		xargs -0 awk -v root="$src" -f "$here/lint.awk" \
			>"$tmp/found" || exit 2
fi
check_top >>"$tmp/found"

allow=$src/tests/lint.allow
[ -f "$allow" ] || allow=/dev/null
awk -F '\t' -v allow="$allow" '
BEGIN {
	while ((getline line < allow) > 0) {
		number++
		n = split(line, part, " ")
		if (line ~ /^#/ || n == 0)
			continue
		key = part[1] " " part[2]
		allowed[key] = number
		if (n < 3) {
			print "tests/lint.allow:" number ": no-reason: " key
			bad = 1
		}
	}
}
($1 " " $2) in allowed {
	used[$1 " " $2] = 1
	next
}
{
	print $2 ":" $3 ": " $1 ": " $4
	bad = 1
}
END {
	for (key in allowed)
		if (!(key in used)) {
			print "tests/lint.allow:" allowed[key] \
				": stale-allowance: " key
			bad = 1
		}
	exit bad
}' "$tmp/found" >"$tmp/out"
rc=$?
sort -t : -k 1,1 -k 2,2n "$tmp/out"
if [ "$rc" -eq 0 ]; then
	echo "lint: $(wc -l <"$tmp/sources") sources, no findings"
fi
exit "$rc"
