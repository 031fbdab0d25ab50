#!/bin/sh
# SPDX-License-Identifier: ISC
# Makes the certificates of the unit tests anew, with openssl, into this folder. Needed only where one is to be added:
# what is here is valid until 2090, or expired, or not yet valid, on purpose.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/ca.cnf" <<END
[ca]
default_ca = us
[us]
database = $work/index
new_certs_dir = $work
rand_serial = yes
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = optional
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[small]
basicConstraints = critical,CA:TRUE
[leaf]
subjectAltName = DNS:mail.example.net,DNS:*.wild.example.net,IP:127.0.0.1,IP:::1
extendedKeyUsage = serverAuth
[other]
subjectAltName = DNS:a.example.org,DNS:b.example.org,DNS:c.example.org
[cn]
extendedKeyUsage = serverAuth
[nul]
# DNS:mail.example.net, NUL, .evil.example
subjectAltName = DER:3020821e6d61696c2e6578616d706c652e6e6574002e6576696c2e6578616d706c65
[usage]
subjectAltName = DNS:mail.example.net
extendedKeyUsage = clientAuth
END
: >"$work/index"

ec() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
rsa() { openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:"$2" -out "$1"; }

# sign NAME SUBJECT SIGNER EXTENSIONS [FROM [TO [more]]]; SIGNER "self" signs by itself
sign() {
	name=$1 subject=$2 signer=$3 ext=$4 from=${5:-20200101000000Z} to=${6:-20900101000000Z} more=${7-}
	openssl req -new -key "$name.key" -subj "$subject" -out "$work/$name.csr"
	if [ "$signer" = self ]; then
		by="-selfsign -keyfile $name.key"
	else
		by="-cert $signer.crt -keyfile $signer.key"
	fi
	# shellcheck disable=SC2086
	openssl ca -batch -notext -config "$work/ca.cnf" -extensions "$ext" -startdate "$from" -enddate "$to" -md sha256 \
		$more $by -in "$work/$name.csr" -out "$name.crt" 2>/dev/null
}

ec root.key
sign root /CN=Test\ Root self root
ec elsewhere.key
sign elsewhere /CN=Other\ Root self root
ec inter.key
sign inter /CN=Test\ Intermediate root root

ec ec.key
sign ec /CN=mail.example.net inter leaf
rsa rsa.key 2048
sign rsa /CN=mail.example.net inter leaf
ec expired.key
sign expired /CN=mail.example.net inter leaf 20200101000000Z 20260103120000Z
ec future.key
sign future /CN=mail.example.net inter leaf 20800101000000Z
ec other.key
sign other /CN=mail.example.net inter other
ec cn.key
sign cn /CN=mail.example.net inter cn
ec nul.key
sign nul /CN=mail.example.net inter nul
ec usage.key
sign usage /CN=mail.example.net inter usage
ec self.key
sign self /CN=mail.example.net self leaf
ec sha1.key
sign sha1 /CN=mail.example.net inter leaf '' '' '-md sha1'
rsa short.key 1024
sign short /CN=mail.example.net inter leaf

# Chains: leaf first.
for name in ec rsa expired future other cn nul usage sha1 short; do
	cat "$name.crt" inter.crt >"$name.pem"
done
cp self.crt self.pem
cat root.crt elsewhere.crt >both.pem

# A CA whose certificate has expired.
ec old.key
sign old /CN=Old\ Root self root 20200101000000Z 20260103120000Z
ec under.key
sign under /CN=mail.example.net old leaf
cp under.crt under.pem

# A long chain.
ec deep.key
cp deep.key deep0.key
sign deep0 /CN=0 root small
n=1
while [ $n -le 9 ]; do
	cp deep.key deep$n.key
	sign deep$n /CN=$n deep$((n - 1)) small
	n=$((n + 1))
done
cp deep.key deep10.key
sign deep10 /CN=mail.example.net deep9 cn
cat deep10.crt deep9.crt deep8.crt deep7.crt deep6.crt deep5.crt deep4.crt deep3.crt deep2.crt deep1.crt deep0.crt >deep.pem
rm -f deep?.key deep10.key deep?.crt deep10.crt

# Keys in other forms.
openssl pkey -in rsa.key -traditional -out rsa-pkcs1.key
openssl pkey -in ec.key -traditional -out ec-sec1.key
openssl pkey -in ec.key -aes128 -passout pass:x -out locked.key
openssl rsa -in rsa.key -traditional -aes128 -passout pass:x -out locked-old.key 2>/dev/null
openssl genpkey -quiet -algorithm ED25519 -out ed25519.key

# Not needed for tests.
rm -f sha1.crt short.crt expired.crt future.crt other.crt cn.crt nul.crt usage.crt self.crt under.crt elsewhere.key old.key root.key inter.key
