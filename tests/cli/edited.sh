#!/bin/sh
# A database that somebody has edited: what does not agree with the log is not
# signed and not given out (5), spoils no other device, and audit verify finds
# it (policy.md, "Trusting the store"; reliability.md, case 34).
. "$(dirname "$0")/../lib.sh"
SQL=$builddir/tests/cli/sql

sql() {
	"$SQL" "$H/store.db" "pragma foreign_keys=off" "$@" 2>"$T/err" ||
		fail "sql: $(cat "$T/err")"
}

# fresh: H becomes a new copy of the authority that was prepared.
copies=0
fresh() {
	[ "$copies" -eq 0 ] || rm -rf "$H"
	copies=$((copies + 1))
	H=$base
	copy_authority "$T/copy$copies"
}

# finds NAME SQL...: audit verify refuses the edited store.
finds() {
	finds_name=$1
	shift
	fresh
	sql "$@"
	run "$PROVCTL" -C "$H" audit verify
	expect_equal "$rc" 5 "audit verify, $finds_name: exit"
}

# no_token TEMPLATE DEVICE: the intent is made durable, then the token fails.
no_token() {
	cp "$H/provctl.json" "$T/module.json"
	sed -i "s|\"module\": \"[^\"]*\"|\"module\": \"$builddir/tests/fault/shim.so\"|" \
		"$H/provctl.json"
	accept_module
	FAULT_C_Sign_RV=0x30 "$PROVCTL" -C "$H" issue --template "$1" \
		--device "$2" >"$T/out" 2>"$T/err" </dev/null
	expect_equal "$?" 6 "exit without the token"
	cp "$T/module.json" "$H/provctl.json"
	accept_module
}

things() {
	i=$1
	while [ "$i" -lt "$2" ]; do
		printf '{"device":"thing-%012x","fields":{"lot":"LOT1"}}\n' "$i"
		i=$((i + 1))
	done
}

batch() {
	"$PROVCTL" -C "$H" -q issue --template aws-iot --jobs 1 \
		--from "$T/in.jsonl" >"$T/out" 2>"$T/err" </dev/null
}

# Kills the signer of a batch until some of its intents are open and some of
# its devices are not yet begun.
leave_open() {
	delay=20
	while [ "$delay" -lt 2000 ]; do
		fresh
		batch &
		shell=$!
		echo "$shell" >>"$T/pids"
		parent=
		tries=0
		while [ -z "$parent" ] && [ "$tries" -lt 200 ]; do
			parent=$(child_of "$shell" provctl)
			tries=$((tries + 1))
		done
		sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
		signer=$(child_of "${parent:-0}" signer)
		[ -z "$signer" ] || kill -9 "$signer" 2>/dev/null
		wait "$shell"
		verify_audit
		[ "$(audit_number open_intents)" -gt 0 ] &&
			[ "$(audit_number devices)" -lt \
				"$(wc -l <"$T/in.jsonl")" ] && return 0
		delay=$((delay + 20))
	done
	fail "no open intent after a kill"
}

new_authority
mkdir -p "$H/certs"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/backend.key" \
	-out "$H/certs/backend.pem" -subj /CN=backend -days 2 2>/dev/null
mkdir -p "$T/certs"
cp "$H/certs/backend.pem" "$T/certs/backend.pem"
case_start "what the edits are made to"
adopt_changed symmetric-sensor escrowed \
	-e 's|{"random": {"bytes": 48}}|{"random": {"bytes": 48}, "escrow": "backend"}|' \
	-e 's|"seal": {|"escrow": {"backend": "certs/backend.pem"}, &|' \
	-e 's|"limits": {|"limits": {"per_hour": 1000, |'
i=0
while [ "$i" -lt 6 ]; do
	printf '{"device":"S000000000%d"}\n' "$i"
	i=$((i + 1))
done >"$T/six.jsonl"
expect_exit 0 "$PROVCTL" -C "$H" issue --template escrowed \
	--from "$T/six.jsonl"
new_device tls-client client-000000a1
issue tls-client client-000000a1
expect_equal "$rc" 0 "issue tls-client"
new_device azure-dps pump-1
issue azure-dps pump-1
expect_equal "$rc" 0 "issue azure-dps"
verify_audit
base=$H

# ---- what is given out ----

case_start "one damaged row: 5 for its device, the others are answered"
fresh
sql "update bundle set bh=x'00' where number=(select number from device \
	where device='S0000000002')"
{
	cat "$T/six.jsonl"
	echo '{"device":"S0000000009"}'
} >"$T/in.jsonl"
run "$PROVCTL" -C "$H" issue --template escrowed --from "$T/in.jsonl"
expect_equal "$rc" 5 exit
expect_equal "$(jq -r .status "$T/out" | tr '\n' ' ')" \
	"existing existing failed existing existing existing issued " statuses
expect_equal "$(jq -r 'select(.error) | .error.code' "$T/out")" 5 code

case_start "bundles of two devices swapped: neither gets the other's"
fresh
sql "update bundle set number=case number \
	when (select number from device where device='S0000000000') \
	then (select number from device where device='S0000000001') else \
	(select number from device where device='S0000000000') end where number \
	in (select number from device where device in \
	('S0000000000','S0000000001'))"
for id in S0000000000 S0000000001; do
	expect_exit 5 "$PROVCTL" -C "$H" issue --template escrowed --device $id
	expect_error 5 store.edited -C "$H" export bundle --device $id
	expect_error 5 store.edited -C "$H" export escrow --device $id
done
expect_exit 5 "$PROVCTL" -C "$H" export escrow --all --out "$T/escrows"

case_start "a device's name edited: no second certificate, no other's answer"
fresh
sql "update device set device='client-000000a2' \
	where device='client-000000a1'"
issue tls-client client-000000a1
expect_equal "$rc" 5 "exit for the real name"
expect_exit 5 "$PROVCTL" -C "$H" export inventory
expect_equal "$(sql "select count(*) from cert")" 2 certificates

for column in "body=zeroblob(32)" "role='other'" "station='line-9'" \
	"created_ms=1" "why=1" "ca_generation=2" "template=1" "request='r-9'" "ord='o-9'" \
	"seal=zeroblob(32)"; do
	case_start "a device's row edited: $column"
	fresh
	sql "update device set $column where device='client-000000a1'"
	issue tls-client client-000000a1
	expect_equal "$rc" 5 "exit of issue"
	expect_error 5 '' -C "$H" export bundle --device client-000000a1
	run "$PROVCTL" -C "$H" audit verify
	expect_equal "$rc" 5 "exit of audit verify"
done

case_start "a deleted bundle is no answer without one"
fresh
sql "delete from bundle where number in (select number from device where \
	device in ('S0000000002', 'client-000000a1'))"
issue escrowed S0000000002
expect_equal "$rc" 5 "exit without a certificate"
expect_text store.edited
issue tls-client client-000000a1
expect_equal "$rc" 5 "exit with a certificate"
expect_text store.edited

case_start "the deleted row of an open intent leaves no device without bundle"
fresh
no_token escrowed S0000000009
verify_audit
expect_equal "$(audit_number open_intents)" 1 "open intents"
sql "delete from intent"
expect_error 5 audit.bundle -C "$H" audit verify
issue escrowed S0000000009
expect_equal "$rc" 5 "exit of issue"

# damage_sealed row|file AT: two of the sealed bytes change where they are.
damage_sealed() {
	if [ "$1" = row ]; then
		sql "update sealed set bytes = cast(substr(bytes, 1, $2 - start) \
			|| x'ffff' || substr(bytes, $2 - start + 3) as blob) \
			where start <= $2 and start + length(bytes) > $2"
		return
	fi
	sealed_to_file
	flip "$H/sealed.dat" "$2"
}

for where in row file; do
	case_start "bits of a sealed bundle flipped in its $where: not given out"
	fresh
	at=$(sql "select start+len-40 from bundle where number=(select number \
		from device where device='client-000000a1')" | tail -n 1)
	damage_sealed $where "$at"
	issue tls-client client-000000a1
	expect_equal "$rc" 5 "exit of issue"
	expect_error 5 store.edited -C "$H" export bundle \
		--device client-000000a1
	run "$PROVCTL" -C "$H" audit verify
	expect_equal "$rc" 5 "exit of audit verify"

	case_start "an escrowed value edited in its $where: not given out"
	fresh
	at=$(sql "select escrow_start+escrow_len-40 from bundle where \
		number=(select number from device where device='S0000000003')" |
		tail -n 1)
	damage_sealed $where "$at"
	expect_error 5 store.edited -C "$H" export escrow --device S0000000003
	run "$PROVCTL" -C "$H" audit verify
	expect_equal "$rc" 5 "exit of audit verify"
done

case_start "rows of sealed bytes deleted: the store is damaged"
finds "the first row" "delete from sealed where start = (select min(start) \
	from sealed)"
finds "the last row" "delete from sealed where start = (select max(start) \
	from sealed)"

case_start "an intent for a device that has its certificate is not signed"
fresh
sql "insert into intent select number, 1, x'3000', null from device where \
	device='client-000000a1'"
issue tls-client client-000000a1
expect_equal "$rc" 5 "exit of issue"
run "$PROVCTL" -C "$H" audit verify
expect_equal "$rc" 5 "exit of audit verify"

case_start "the token's key is not the one recorded: 7, nothing is issued"
for purpose in store kdf bundle; do
	for edit in "key_id=zeroblob(16)" "attributes=zeroblob(32)" \
		"generated=0"; do
		fresh
		sql "update own_key set $edit where purpose='$purpose'"
		expect_error 7 hsm.key -C "$H" issue --template escrowed \
			--device S0000000009
	done
done
for edit in "key_id=zeroblob(16)" "attributes=zeroblob(32)"; do
	fresh
	sql "update own_key set $edit where purpose='kdf'"
	expect_error 7 hsm.key -C "$H" export kek --to "$T/certs/backend.pem" \
		--device S0000000000
done

# ---- what audit verify finds ----

case_start "audit verify finds every edited row"
finds "clock" "update state set last_ms=1"
finds "rate deleted" "delete from rate"
finds "rate zeroed" "update rate set n=0"
finds "order" "insert into ord values ('o-1', 3, 0)"
for state in 2 3 4; do
	finds "state $state" "update device set state=$state where \
		device='client-000000a1'"
done
finds "shards" "update ca set shards=shards+1 where name='issuing-1'"
finds "CA's key" "update ca set label=(select label from own_key where \
	purpose='root') where name='issuing-1'"
finds "generation" "update own_key set generation=2 where purpose='store'"
finds "key's attributes" "update own_key set attributes=zeroblob(32) where \
	purpose='store'"
finds "key deleted" "delete from own_key where purpose='kdf'"
finds "authority" "update meta set name='acmf'"
finds "origin" "update meta set origin='acmf'"
finds "adoption" "update template set adopted_ms=adopted_ms+1 where \
	name='tls-client'"
finds "adopter" "update template set actor='os:9' where name='tls-client'"
finds "bundle's stage" "update bundle set stage='bootstrap'"
finds "bundle's seq" "update bundle set seq=2"
finds "container hash" "update bundle set container_sha256=zeroblob(32)"
finds "escrow hash" "update bundle set escrow_sha256=zeroblob(32) where \
	escrow_len>0"
finds "escrow gone" "update bundle set escrow_len=0, escrow_sha256=null \
	where escrow_len>0"
finds "bundle's template" "update bundle set template=1"

case_start "audit verify: manifests and descriptors are signed by our key"
fresh
sql "update own_key set spki=(select spki from own_key where purpose='root') \
	where purpose='bundle'"
expect_error 5 audit.signature -C "$H" audit verify

case_start "audit verify: a manifest is looked at though a key is not named"
fresh
jq 'del(.keys.kdf)' "$H/provctl.json" >"$T/config" &&
	cat "$T/config" >"$H/provctl.json"
run "$PROVCTL" -C "$H" audit verify
expect_equal "$rc" 0 "exit before the edit ($(cat "$T/err"))"
sql "update manifest set bytes=cast(substr(bytes,1,length(bytes)-1) || x'00' \
	as blob) where template=(select id from template where name='escrowed')"
run "$PROVCTL" -C "$H" audit verify
expect_equal "$rc" 5 "exit after"

# ---- open intents ----

case_start "versions that cannot be loaded take no place of one that can"
fresh
for version in 1 2 3 4 5 6 7 8 9 10; do
	jq ".template = \"many\" | .version = $version" \
		"$srcdir/templates/symmetric-sensor.json" >"$T/many.json"
	expect_exit 0 "$PROVCTL" -C "$H" policy adopt "$T/many.json"
	[ "$version" -lt 10 ] || break
	no_token many "S100000000$version"
done
sql "delete from manifest where template in (select id from template where \
	name='many' and version < 9)"
issue many S1000000009
expect_equal "$rc" 0 "exit for the version that can be loaded"
issue many S1000000008
expect_equal "$rc" 6 "exit for one that cannot"
expect_text template.changed

things 0 400 >"$T/in.jsonl"
case_start "an open intent that was edited is not signed"
leave_open
base=$H
copies=$((copies + 1))
victim=$(sql "select device from device join intent using (number) limit 1" |
	tail -n 1)
other=$(printf '%s' "$victim" | sed 's/...$/fff/')
in_tbs="instr(tbs, cast('$victim' as blob))"
edit_tbs="update intent set tbs=cast(substr(tbs,1,$in_tbs-1) || \
	cast('$other' as blob) || substr(tbs,$in_tbs+length('$victim')) as blob) \
	where number=(select number from device where device='$victim')"
copies=0
for edit in "$edit_tbs" \
	"update intent set seq=2" \
	"update intent set tbs=null" \
	"update intent set secrets=cast(substr(secrets,1,length(secrets)-1) || \
		case when substr(secrets,-1)=x'00' then x'01' else x'00' end as blob)" \
	"update device set body=x'00' where device='$victim'" \
	"delete from datakey"; do
	H=$base
	copies=$((copies + 1))
	copy_authority "$T/open$copies"
	sql "$edit"
	run "$PROVCTL" -C "$H" audit verify
	expect_equal "$rc" 5 "audit verify: exit"
	batch
	expect_equal "$?" 5 "issue: exit ($edit)"
	jq -r "select(.device == \"$victim\") | .error.code" "$T/out" >"$T/code"
	expect_equal "$(cat "$T/code")" 5 "code of $victim ($edit)"
	[ "$(jq -r 'select(.status == "issued") | .device' "$T/out" |
		wc -l)" -gt 0 ] || fail "the others were not issued"
	p export inventory 2>"$T/none" | grep -q "$other" &&
		fail "a certificate for $other"
	rm -rf "$H"
done

case_start "an open intent that was not edited is finished"
H=$base
batch
expect_equal "$?" 0 exit
verify_audit
expect_equal "$(audit_number open_intents)" 0 "open intents"

tests_end
