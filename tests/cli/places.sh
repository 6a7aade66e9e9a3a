#!/bin/sh
# Files, folders, modules and PINs where they must not be: cases 10 to 15 of
# the list of attacks, with their exit codes.
. "$(dirname "$0")/../lib.sh"

# A value of provctl.json replaced in place.
configure() {
	sed -i "$1" "$H/provctl.json"
}

# Each part starts from an untouched copy.
fresh() {
	rm -rf "$T/copy"
	H=$T/original
	copy_authority "$T/copy"
}

new_authority "$T/original"
copy_authority "$T/copy"
new_device azure-dps dev-1
issued=0

case_start "10 symlink, FIFO, device and folder as input"
mkfifo "$T/fifo"
ln -s "$T/dev/dev-1/csr.pem" "$T/link"
mkdir "$T/folder"
for input in "$T/fifo" "$T/link" /dev/zero /dev/full "$T/folder"; do
	RUN_S=20 expect_exit 3 "$PROVCTL" -C "$H" issue --template azure-dps \
		--from "$input"
	RUN_S=20 expect_exit 3 "$PROVCTL" -C "$H" issue --template azure-dps \
		--device dev-1 --csr "$input"
	RUN_S=20 expect_exit 3 "$PROVCTL" -C "$H" issue --template matter-dac \
		--device MT-FFF1-8000-00000001 --csr "$T/dev/dev-1/csr.pem" \
		--seal-key "$input" --seal-key-sig "$input"
done
for input in "$T/fifo" /dev/zero "$T/folder"; do
	RUN_S=20 expect_exit 3 "$PROVCTL" policy lint "$input"
	RUN_S=20 expect_exit 3 "$PROVCTL" -C "$H" policy adopt "$input"
	RUN_S=20 expect_exit 3 "$PROVCTL" -C "$H" export kek --to "$input" \
		--device S0000000001
done
mkfifo "$T/folder/a.csr"
ln -s "$T/dev/dev-1/csr.pem" "$T/folder/b.csr"
mkdir "$T/folder/c.csr"
ln -s /dev/zero "$T/folder/d.csr"
for name in a b c d; do
	printf '{"device":"dev-1","csr_file":"%s.csr"}\n' "$name" \
		>"$T/folder/in.jsonl"
	RUN_S=20 expect_exit 3 "$PROVCTL" -C "$H" issue --template azure-dps \
		--from "$T/folder/in.jsonl"
done
run "$PROVCTL" -C "$H" issue --template azure-dps --from "$T/none.jsonl"
case $rc in
3 | 10) ;;
*) fail "exit $rc for a file that is not there" ;;
esac
expect_equal "$(certificates)" "$issued" certificates

case_start "10 endless and very long input is bounded"
# A line without end: refused at its limit, not read to the end.
yes '"' | tr -d '\n' | RUN_S=20 timeout 20 "$PROVCTL" -C "$H" issue \
	--template azure-dps --from - >"$T/out" 2>"$T/err"
expect_equal "$?" 3 "exit for an endless line"
timeout 20 "$PROVCTL" -C "$H" issue --template azure-dps --stream \
	</dev/zero >"$T/out" 2>"$T/err"
expect_equal "$?" 3 "exit for /dev/zero as co-process input"
# One bad line does not stop those that follow.
new_device azure-dps dev-2
{
	perl -e 'print "{\"device\":\"", "x" x 200000, "\"}\n"'
	request_line dev-2
} >"$T/in.jsonl"
expect_exit 3 "$PROVCTL" -C "$H" issue --template azure-dps \
	--from "$T/in.jsonl"
expect_equal "$(jq -r .status "$T/out" | tr '\n' ' ')" "denied issued " \
	"statuses"
issued=$((issued + 1))
expect_equal "$(certificates)" "$issued" certificates

case_start "11 output that exists or is a symlink"
issue azure-dps dev-1 -o "$T/1.pvb"
expect_equal "$rc" 0 exit
issued=$((issued + 1))
issue azure-dps dev-1 -o "$T/1.pvb"
expect_equal "$rc" 0 "exit with the same bytes there"
cp "$T/1.pvb" "$T/other.pvb"
echo >>"$T/other.pvb"
cp "$T/other.pvb" "$T/before"
issue azure-dps dev-1 -o "$T/other.pvb"
expect_equal "$rc" 9 "exit with other bytes there"
same_bytes "$T/other.pvb" "$T/before"
ln -s "$T/target" "$T/dangling.pvb"
issue azure-dps dev-1 -o "$T/dangling.pvb"
expect_equal "$rc" 9 "exit for a dangling symlink"
[ ! -e "$T/target" ] || fail "the link was followed"
ln -s "$T/1.pvb" "$T/same.pvb"
issue azure-dps dev-1 -o "$T/same.pvb"
expect_equal "$rc" 9 "exit for a symlink to the same bytes"
mkdir "$T/dir.pvb"
issue azure-dps dev-1 -o "$T/dir.pvb"
expect_equal "$rc" 9 "exit for a folder"
request_line dev-1 >"$T/in.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template azure-dps \
	--from "$T/in.jsonl" --out "$T/o"
expect_exit 0 "$PROVCTL" -C "$H" issue --template azure-dps \
	--from "$T/in.jsonl" --out "$T/o"
for file in certs/dev-1.pem bundles/dev-1.operational.pvb; do
	cp "$T/o/$file" "$T/kept"
	echo x >>"$T/o/$file"
	expect_exit 9 "$PROVCTL" -C "$H" issue --template azure-dps \
		--from "$T/in.jsonl" --out "$T/o"
	rm "$T/o/$file"
	ln -s "$T/kept" "$T/o/$file"
	expect_exit 9 "$PROVCTL" -C "$H" issue --template azure-dps \
		--from "$T/in.jsonl" --out "$T/o"
	rm "$T/o/$file"
	cp "$T/kept" "$T/o/$file"
done
expect_exit 0 "$PROVCTL" -C "$H" issue --template azure-dps \
	--from "$T/in.jsonl" --out "$T/o"
rm "$T/o/results.jsonl"
ln -s "$T/target" "$T/o/results.jsonl"
expect_exit 9 "$PROVCTL" -C "$H" issue --template azure-dps \
	--from "$T/in.jsonl" --out "$T/o"
ln -s "$T/o" "$T/olink"
expect_exit 9 "$PROVCTL" -C "$H" issue --template azure-dps \
	--from "$T/in.jsonl" --out "$T/olink"
for verb in "export key --purpose bundle" "export chain" \
	"export bundle --device dev-1" "export inventory"; do
	echo other >"$T/there"
	rm -f "$T/there.link"
	ln -s "$T/target" "$T/there.link"
	# shellcheck disable=SC2086  # words
	expect_exit 9 "$PROVCTL" -C "$H" $verb -o "$T/there"
	# shellcheck disable=SC2086
	expect_exit 9 "$PROVCTL" -C "$H" $verb -o "$T/there.link"
	expect_equal "$(cat "$T/there")" other "the file"
done
[ ! -e "$T/target" ] || fail "a link was followed"
expect_exit 9 "$PROVCTL" init "$H" --softhsm --templates "$templates"
expect_equal "$(certificates)" "$issued" certificates

case_start "12 configuration, store and module that others can write"
for file in provctl.json store.db sealed.dat; do
	fresh
	chmod 666 "$H/$file"
	run "$PROVCTL" -C "$H" issue --template azure-dps --device dev-1 \
		--csr "$T/dev/dev-1/csr.pem"
	expect_equal "$rc" 4 "exit with $file 0666"
	run "$PROVCTL" -C "$H" status
	[ "$rc" -ne 0 ] || fail "status is content with $file 0666"
	chmod 600 "$H/$file"
	run "$PROVCTL" -C "$H" status
	expect_equal "$rc" 0 "exit after chmod 600 $file"
done
fresh
chmod 777 "$H"
run "$PROVCTL" -C "$H" issue --template azure-dps --device dev-1 \
	--csr "$T/dev/dev-1/csr.pem"
expect_equal "$rc" 4 "exit with the folder 0777"
fresh
module=$(sed -n 's/.*"module": "\(.*\)",/\1/p' "$H/provctl.json")
cp "$module" "$T/module.so"
configure "s|\"module\": .*|\"module\": \"$T/module.so\",|"
chmod 644 "$T/module.so"
accept_module
run "$PROVCTL" -C "$H" issue --template azure-dps --device dev-1 \
	--csr "$T/dev/dev-1/csr.pem"
expect_equal "$rc" 0 "exit with a module of mode 0644"
chmod 666 "$T/module.so"
expect_exit 4 "$PROVCTL" -C "$H" issue --template azure-dps --device dev-1 \
	--csr "$T/dev/dev-1/csr.pem"
expect_exit 4 "$PROVCTL" init "$T/init12" --module "$T/module.so" \
	--token pkcs11:token=x --templates "$templates"

case_start "13 module from environment or current folder"
fresh
for bad in libsofthsm2.so ./module.so ../module.so module.so '' \
	'$PKCS11_MODULE' '~/module.so'; do
	chmod 644 "$T/module.so"
	configure "s|\"module\": .*|\"module\": \"$bad\",|"
	(
		cd "$T" || exit 1
		PKCS11_MODULE=$T/module.so PROVCTL_MODULE=$T/module.so \
			LD_LIBRARY_PATH=$T "$PROVCTL" -C "$H" issue \
			--template azure-dps --device dev-1 \
			--csr "$T/dev/dev-1/csr.pem"
	) >"$T/out" 2>"$T/err" </dev/null
	expect_equal "$?" 4 "exit for module $bad"
done
expect_exit 4 "$PROVCTL" init "$T/init13" --module module.so \
	--token pkcs11:token=x --templates "$templates"
fresh
# A token folder named in the environment is not the one that is used.
mkdir "$T/empty"
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' "$T/empty" \
	>"$T/other.conf"
SOFTHSM2_CONF=$T/other.conf timeout 60 "$PROVCTL" -C "$H" issue \
	--template azure-dps --device dev-1 --csr "$T/dev/dev-1/csr.pem" \
	>"$T/out" 2>"$T/err" </dev/null
expect_equal "$?" 0 "exit with another SOFTHSM2_CONF"

case_start "14 PIN in argv, PIN file 0644"
fresh
pin=$(cat "$H/softhsm/pin")
for option in --pin "--pin=$pin" --so-pin "--user-pin=$pin" "--password=x"; do
	expect_exit 2 "$PROVCTL" -C "$H" issue --template azure-dps \
		--device dev-1 --csr "$T/dev/dev-1/csr.pem" "$option" "$pin"
	expect_exit 2 "$PROVCTL" "$option" "$pin" -C "$H" status
done
expect_exit 3 "$PROVCTL" init "$T/init14" --module "$module" \
	--token "pkcs11:token=acme;pin-value=$pin" \
	--templates "$templates"
for mode in 644 640 604 666; do
	chmod "$mode" "$H/softhsm/pin"
	expect_error 4 '' -C "$H" issue --template azure-dps --device dev-1 \
		--csr "$T/dev/dev-1/csr.pem"
done
chmod 600 "$H/softhsm/pin"
mv "$H/softhsm/pin" "$T/pin"
ln -s "$T/pin" "$H/softhsm/pin"
run "$PROVCTL" -C "$H" issue --template azure-dps --device dev-1 \
	--csr "$T/dev/dev-1/csr.pem"
case $rc in
3 | 4) ;;
*) fail "exit $rc with a symlink as PIN file" ;;
esac
rm "$H/softhsm/pin"
: >"$H/softhsm/pin"
expect_exit 3 "$PROVCTL" -C "$H" issue --template azure-dps --device dev-1 \
	--csr "$T/dev/dev-1/csr.pem"
rm "$H/softhsm/pin"
cp "$T/pin" "$H/softhsm/pin"
configure 's|"pin_source": .*|"pin_source": "fd:9",|'
timeout 60 "$PROVCTL" -C "$H" issue --template azure-dps --device dev-1 \
	--csr "$T/dev/dev-1/csr.pem" >"$T/out" 2>"$T/err" </dev/null 9<"$T/pin"
expect_equal "$?" 0 "exit with an open descriptor"

case_start "14 PIN wrong: once, and no second try"
fresh
printf 'wrong-pin-0000\n' >"$H/softhsm/pin"
run "$PROVCTL" -C "$H" issue --template azure-dps --device dev-3 \
	--csr "$T/dev/dev-1/csr.pem"
case $rc in
4 | 7) ;;
*)
	fail "exit $rc with a wrong PIN"
	show_output
	;;
esac
if grep -q wrong-pin "$T/out" "$T/err"; then
	fail "the PIN is repeated"
fi

case_start "15 edges of PKCS#11 URIs"
for uri in '' pkcs11 token=acme 'http://token=acme' 'pkcs11:token=%zz' \
	'pkcs11:token=%' 'pkcs11:token=a;token=b' 'pkcs11:nonsense=1' \
	'pkcs11:token=acme?pin-value=1234' 'pkcs11:token=acme?pin-source=/x' \
	'pkcs11:token=acme?module-path=/tmp/x.so' 'pkcs11:token=acme;pin-value=1' \
	'pkcs11:slot-id=-1' 'pkcs11:slot-id=x' 'pkcs11:token=a%00b' \
	'pkcs11:' "pkcs11:token=$(printf 'a%.0s' $(seq 200))"; do
	rm -rf "$T/init15"
	expect_exit 3 "$PROVCTL" init "$T/init15" --module "$module" \
		--token="$uri" --pin-source "file:$T/pin" \
		--templates "$templates"
	[ ! -e "$T/init15/provctl.json" ] || fail "an authority for $uri"
	fresh
	configure "s|\"pkcs11:token=acme\"|\"$uri\"|"
	expect_exit 3 "$PROVCTL" -C "$H" issue --template azure-dps \
		--device dev-1 --csr "$T/dev/dev-1/csr.pem"
done
fresh
verify_audit

tests_end
