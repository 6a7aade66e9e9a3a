#!/bin/sh
# Verifies the receipts of simulated devices without our code: receipt.sh
# DEVICE-DIR... Each must be the COSE message of formats 4: signed by the
# certified key (or MACed with the receipt key), naming the bundle that is
# active and the result 0.
set -u
LC_ALL=C
export LC_ALL

# Prints: tag, payload in hex, signature in hex; writes what was signed.
parts() {
	perl -e '
	use strict;
	my ($file, $out) = @ARGV;
	local $/;
	open(my $f, "<:raw", $file) or die "$file: $!\n";
	my $b = <$f>;
	my $at = 0;
	sub head {
		my $h = ord(substr($b, $at++, 1));
		my ($major, $n) = ($h >> 5, $h & 31);
		if ($n == 24) {
			$n = ord(substr($b, $at++, 1));
		} elsif ($n == 25) {
			$n = unpack("n", substr($b, $at, 2));
			$at += 2;
		} elsif ($n > 25) {
			die "$file: a length that no receipt has\n";
		}
		return ($major, $n);
	}
	sub bytes {
		my ($major, $n) = head();
		die "$file: no byte string\n" if $major != 2;
		my $s = substr($b, $at, $n);
		$at += $n;
		return $s;
	}
	sub bstr {
		my $n = length($_[0]);
		return ($n < 24 ? chr(0x40 + $n) : "\x58" . chr($n)) . $_[0];
	}
	my ($major, $tag) = head();
	die "$file: no tag\n" if $major != 6;
	my ($array, $four) = head();
	die "$file: no array of 4\n" if $array != 4 || $four != 4;
	my $protected = bytes();
	my ($map, $none) = head();
	die "$file: unprotected headers\n" if $map != 5 || $none != 0;
	my $payload = bytes();
	my $signature = bytes();
	die "$file: trailing bytes\n" if $at != length($b);
	my $context = $tag == 18 ? "Signature1" : "MAC0";
	open(my $o, ">:raw", $out) or die "$out: $!\n";
	print $o "\x84", chr(0x60 + length($context)), $context,
		bstr($protected), "\x40", bstr($payload);
	print join(" ", $tag, unpack("H*", $payload),
		unpack("H*", $signature)), "\n";
	' "$1" "$2"
}

# DER of a raw r||s in hex.
der_of() {
	perl -e '
	my $out = "";
	for my $part (0, 64) {
		my $n = substr($ARGV[0], $part, 64);
		$n =~ s/^(?:00)+//;
		$n = "00$n" if $n eq "" || hex(substr($n, 0, 2)) > 127;
		$out .= sprintf("02%02x%s", length($n) / 2, $n);
	}
	print pack("H*", sprintf("30%02x%s", length($out) / 2, $out));
	' "$1"
}

verify() {
	dir=$1
	line=$(parts "$dir/receipt.cose" "$tmp/tbs") || return 1
	read -r tag payload signature <<-END
		$line
	END
	# {7: bundle-id, -70001: bh, -70002: seq, -70003: 0}
	want=a40750$(jq -r .bundle_id "$dir/state")3a000111705820$(jq -r .bh \
		"$dir/state")3a000111710$(jq -r .seq "$dir/state")3a0001117200
	if [ "$payload" != "$want" ]; then
		echo "$dir: receipt says $payload, not $want" >&2
		return 1
	fi
	if [ "$tag" = 17 ]; then
		mac=$(openssl dgst -sha256 -mac HMAC -macopt \
			"hexkey:$(cat "$dir/receipt.hex")" -hex "$tmp/tbs")
		[ "${mac##* }" = "$signature" ]
	else
		der_of "$signature" >"$tmp/sig"
		openssl pkey -in "$dir/key.pem" -pubout -out "$tmp/pub" &&
			openssl dgst -sha256 -verify "$tmp/pub" \
				-signature "$tmp/sig" "$tmp/tbs" >/dev/null
	fi
}

tmp=$(mktemp -d "${TMPDIR:-/tmp}/provctl-receipt.XXXXXX") || exit 2
trap 'rm -rf "$tmp"' EXIT
bad=0
for device in "$@"; do
	if ! verify "$device"; then
		echo "$device: no valid receipt" >&2
		bad=$((bad + 1))
	fi
done
echo "$# receipts, $bad not valid"
[ "$bad" -eq 0 ] && [ "$#" -gt 0 ]
