#!/bin/sh
# A CA whose rows are not what was logged: its own lists are not made, and that
# is told; those of all other CAs are made and given out.
. "$(dirname "$0")/../lib.sh"
SQL=$builddir/tests/cli/sql

number() { # CA
	openssl crl -inform DER -in "$H/publish/crl/$1/0.crl" -noout -crlnumber |
		sed 's/crlNumber=0x//'
}

new_authority
expect_exit 0 "$PROVCTL" -C "$H" rotate crl
cp -a "$H" "$T/kept"

while IFS='|' read -r what rule sql; do
	case_start "$what: the others' lists are made"
	"$SQL" "$H/store.db" "$sql" || fail "sql: $sql"
	expect_error 5 "$rule" -C "$H" rotate crl --all
	expect_equal "$(number issuing-1) $(number root) $(number matter-pai)" \
		"01 03 03" "numbers of the lists"
	expect_exit 0 "$PROVCTL" -C "$H" export crl --ca root
	expect_error 5 "$rule" -C "$H" export crl --ca issuing-1 --shard 0
	expect_error 5 "$rule" -C "$H" export crl --ca issuing-1 --jsonl
	echo "{\"name\":\"x\",\"ca\":\"root\",\"file\":\"$H/publish/crl/root/0.crl\"}" \
		>"$T/list"
	expect_exit 0 "$PROVCTL" -C "$H" status --dependants "$T/list"
	echo "{\"name\":\"x\",\"ca\":\"issuing-1\",\"file\":\"$H/publish/crl/issuing-1/0.crl\"}" \
		>"$T/list"
	expect_error 5 "$rule" -C "$H" status --dependants "$T/list"
	expect_exit 5 "$PROVCTL" -C "$H" audit verify
	rm -rf "$H"
	cp -a "$T/kept" "$H"
done <<'END'
another certificate|store.edited|UPDATE ca SET cert = CAST(cert || x'20' AS BLOB) WHERE name = 'issuing-1'
another name|store.edited|UPDATE ca SET name = 'other' WHERE name = 'issuing-1'
another key|context.key|UPDATE own_key SET spki = x'3000' WHERE label LIKE '%issuing-1%'
END

case_start "as it was, all are made again"
expect_exit 0 "$PROVCTL" -C "$H" rotate crl --all
expect_equal "$(number issuing-1) $(number root)" "02 02" "numbers of the lists"
tests_end
