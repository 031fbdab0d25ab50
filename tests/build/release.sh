#!/bin/sh
# SPDX-License-Identifier: ISC
# make release: not with the development key; with another one, whose public half is then the binary's, under the name
# that signing gives it.
set -u
. tests/build/lib/tree.sh

gatepost=${GATEPOST:-build/host/gatepost}
told() { quiet make -n "O=$work/o" "$@"; }
name() { sed -n 's/^#define IMAGE_KEY_NAME "\(.*\)"/\1/p' "$work/o/version.h"; }
key() { sed -n 's/^#define IMAGE_KEY //p' "$work/o/version.h"; }

ok 'make release with the development key is refused' never told release
ok '… and what to do is told' says 'make release BOARD=host SIGN_KEY=FILE'
ok '… by whatever path' never told release "SIGN_KEY=$PWD/firmware/keys/development.key"
openssl pkcs8 -topk8 -nocrypt -in firmware/keys/development.key -out "$work/copy.key"
ok '… and in another form' never told release "SIGN_KEY=$work/copy.key"
ok 'what is no key is refused by every goal' never told all SIGN_KEY=Makefile
ok '… with the reason' says 'SIGN_KEY=Makefile: not a key'
openssl ecparam -name secp384r1 -genkey -noout -out "$work/p384.key"
ok '… and so is a key on another curve' never told all "SIGN_KEY=$work/p384.key"
ok '… and one that is not there' never told all "SIGN_KEY=$work/nix"

openssl ecparam -name prime256v1 -genkey -noout -out "$work/own.key"
openssl pkcs8 -topk8 -nocrypt -in "$work/own.key" -out "$work/own.p8"
openssl ec -in "$work/own.key" -pubout -out "$work/own.pub" 2>/dev/null
ok 'a key of one'\''s own is taken' told release "SIGN_KEY=$work/own.key"
first=$(key)
for form in p8 pub; do
	ok "… in the form $form" told release "SIGN_KEY=$work/own.$form"
	ok '… and is the same' test "$first" = "$(key)"
done
head -c 5000 /dev/zero >"$work/part"
/usr/bin/python3 firmware/set.py -b x -v 1 -k "$work/part" -a "$work/part" -r "$work/part" -o "$work/image"
ok 'an image is signed with it' quiet "$gatepost" image sign -k "$work/own.key" "$work/image"
ok '… under the name that the build knows' says "signed with the $(name)\$"
openssl ecparam -name prime256v1 -genkey -out "$work/params.key"
ok 'a key behind its parameters is taken' told release "SIGN_KEY=$work/params.key"
finish
