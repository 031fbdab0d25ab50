#!/bin/sh
# SPDX-License-Identifier: ISC
# Writes version.h, only if it changes. The version is that of the first heading in CHANGES.md; the build date is
# SOURCE_DATE_EPOCH, else the date of the commit, else that of CHANGES.md.
#
# usage: version.sh FILE
set -eu

file=$1
version=$(sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' CHANGES.md | head -n 1)
commit='' when=''
if [ -e .git ] && command -v git >/dev/null; then
	log=$(git -c safe.directory="$PWD" log -1 --format='%h %ct' 2>/dev/null) || log=
	commit=${log% *} when=${log#* }
fi
: "${when:=$(stat -c %Y CHANGES.md)}"
mkdir -p "$(dirname "$file")"
cat >"$file.new" <<EOF
/* made by firmware/version.sh */
#define GATEPOST_VERSION "${version:?CHANGES.md names no version}"
#define GATEPOST_COMMIT "$commit"
#define BUILD_DATE ${SOURCE_DATE_EPOCH:-$when}
EOF
if cmp -s "$file.new" "$file"; then rm -f "$file.new"; else mv -f "$file.new" "$file"; fi
