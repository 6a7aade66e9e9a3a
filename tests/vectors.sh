#!/bin/sh
# The table of vectors and corpora: which cases of which file pass, are refused
# as our profile says, or are not ours with the reason. Unit tests wrote a row
# for each case into VECTORS_DIR; here they are counted, and every file below
# tests/data/vectors and tests/data/corpora must have rows.
set -u
LC_ALL=C
export LC_ALL
src=${srcdir:?}/tests/data
rows=${VECTORS_DIR:?}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/provctl-vectors.XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM

cat "$rows"/*.tsv >"$tmp/all" 2>/dev/null || {
	echo "not ok - vectors: no rows in $rows"
	exit 1
}
awk -F '\t' '
NF < 3 || $3 !~ /^(pass|refused|not-ours)$/ || ($3 != "pass" && $4 == "") {
	print "bad row: " $0
	bad = 1
}
{
	n[$1, $3]++
	file[$1] = 1
	all[$3]++
}
END {
	for (f in file)
		printf "%-60s %6d pass %6d refused %6d not ours\n", f, \
			n[f, "pass"], n[f, "refused"], n[f, "not-ours"]
	exit bad
}' "$tmp/all" >"$tmp/table"
status=$?
sort "$tmp/table"
# A file's rows name it by its path below tests/data.
cut -f 1 "$tmp/all" | sort -u >"$tmp/named"
(cd "$src" && find vectors corpora -type f | sort) >"$tmp/files"
grep -v -x -F -f "$tmp/named" "$tmp/files" >"$tmp/unlisted"
sed 's/^/unlisted: /' "$tmp/unlisted"
awk -F '\t' '{ n[$3]++ } END {
	printf "vectors: %d cases: %d pass, %d refused, %d not ours\n", NR,
		n["pass"], n["refused"], n["not-ours"]
}' "$tmp/all"
echo "vectors: $(wc -l <"$tmp/files") files, $(wc -l <"$tmp/unlisted") unlisted"
if [ "$status" -ne 0 ] || [ -s "$tmp/unlisted" ]; then
	exit 1
fi
exit 0
