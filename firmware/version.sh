#!/bin/sh
# SPDX-License-Identifier: ISC
# Writes version.h, only if it changes. The version is that of the first heading in CHANGES.md; the build date is
# SOURCE_DATE_EPOCH, else the date of the commit, else that of CHANGES.md. The key for `gatepost image verify` is the
# public half of the one that images are signed with.
#
# usage: version.sh FILE [BOARD [KEY]]
set -eu

file=$1 board=${2:-host} key=${3:-firmware/keys/development.key}
version=$(sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' CHANGES.md | head -n 1)
commit='' when=''
if [ -e .git ] && command -v git >/dev/null; then
	log=$(git -c safe.directory="$PWD" log -1 --format='%h %ct' 2>/dev/null) || log=
	commit=${log% *} when=${log#* }
fi
: "${when:=$(stat -c %Y CHANGES.md)}"

mkdir -p "$(dirname "$file")"
. firmware/key.sh
key_read "$key"
cat >"$file.new" <<END
/* made by firmware/version.sh */
#define GATEPOST_VERSION "${version:?CHANGES.md names no version}"
#define GATEPOST_COMMIT "$commit"
#define BUILD_DATE ${SOURCE_DATE_EPOCH:-$when}
#define IMAGE_BOARD "$(if [ "$board" != host ]; then echo "$board"; fi)"
#define IMAGE_KEY_NAME "$key_name"
#define IMAGE_KEY $key_point
END
if cmp -s "$file.new" "$file"; then rm -f "$file.new"; else mv -f "$file.new" "$file"; fi
