# SPDX-License-Identifier: ISC
# Sourced: what is known of a key that signs images. An uncompressed point on P-256 ends each of the usual forms, of a
# private key (SEC1: 121 octets, PKCS#8: 138) and of a public one (91).

# key_read FILE: key_point gets the public half as C writes octets, key_name what it is called.
key_read() {
	key_hex=$(key_octets "$1" | od -An -v -tx1 | tr -d ' \n') || key_hex=
	case ${#key_hex}:$key_hex in
	242:30*2a8648ce3d030107*04* | 276:30*2a8648ce3d030107*04* | 182:30*2a8648ce3d030107*04*) ;;
	*)
		echo "SIGN_KEY=$1: not a key on the curve P-256 with its public half, in PEM" >&2
		return 1
		;;
	esac
	key_point=$(key_octets "$1" | tail -c 65 | od -An -v -tx1 | tr -d '\n' | sed 's/ \(..\)/, 0x\1/g; s/^, //')
	key_hash=$(key_octets "$1" | tail -c 65 | sha256sum | cut -c1-16)
	key_name="key $key_hash"
	if [ "$key_hash" = "$(key_octets firmware/keys/development.key | tail -c 65 | sha256sum | cut -c1-16)" ]; then
		key_name="development key, which is public"
	fi
}

key_octets() {
	sed -n '/^-----BEGIN .*KEY-----/,/^-----END /{/^-----/!p;}' "$1" | base64 -d
}
