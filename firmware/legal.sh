#!/bin/sh
# SPDX-License-Identifier: ISC
# Tells what of others is in a product: BUILD/legal/README.txt, with the texts of the licences, patches and configurations
# beside it. Everything that it says is taken from what the build used.
#
# usage: legal.sh BOARD BUILD PART...
# in the environment, for each PART: PART_VERSION, _LICENCE, _SHA256, _POOL, _UPSTREAM (as in firmware/sources.mk), _TEXTS
#	(files and folders in the archive), _CONFIG and _PATCHES (files that went in); CC, CACHE; CA (not empty: CAs are built
#	in); SOURCES (not empty: the archives themselves are put there as well)
set -eu

board=$1 build=$2
shift 2
LC_ALL=C
export LC_ALL
out=$build/legal
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

define() { sed -n "s/^#define $1 \"*\([^\"]*\)\"*\$/\1/p" "$build/version.h"; }
word() { eval "printf '%s' \"\${$1_$2-}\""; }
sum() { sha256sum <"$1" | cut -d' ' -f1; }

# usage: line NAME VALUE
line() { printf '%-15s %s\n' "$1:" "$2"; }

# The files $2… go to the folder $1; prints where each lies, with its sum.
# usage: files NAME FOLDER FILE...
files() {
	name=$1 folder=$2
	shift 2
	for f; do
		mkdir -p "$work/out/$folder"
		cp "$f" "$work/out/$folder/"
		line "$name" "$folder/${f##*/}"
		line '' "sha256 $(sum "$f")"
	done | sed 's/^: /  /'
}

# The licences' own words, from the archive itself.
# usage: texts PART ARCHIVE PATH...
texts() {
	part=$1 archive=$2
	shift 2
	mkdir -p "$work/out/licences/$part"
	top=$(tar -tf "$archive" 2>/dev/null | head -n 1 | cut -d/ -f1)
	for t; do set -- "$@" "$top/$t"; shift; done
	tar -xf "$archive" -C "$work/out/licences/$part" --strip-components=1 "$@"
	chmod -R u=rwX,go=rX "$work/out/licences/$part"
}

part() {
	pool=$(word "$1" POOL)
	archive=$(sh firmware/fetch.sh "$CACHE" "$pool" "$(word "$1" SHA256)" "$(word "$1" UPSTREAM)")
	echo
	line Part "${1%_old}"
	line Version "$(word "$1" VERSION)"
	line Licence "$(word "$1" LICENCE)"
	line Source "${pool##*/}"
	line '  sha256' "$(word "$1" SHA256)"
	line '  from' "DEBIAN-ARCHIVE/$pool"
	[ -z "$(word "$1" UPSTREAM)" ] || line '  or' "$(word "$1" UPSTREAM)"
	# shellcheck disable=SC2046 # lists of files
	files Patch "patches/${1%_old}" $(word "$1" PATCHES)
	# shellcheck disable=SC2046
	files Configuration "config/${1%_old}" $(word "$1" CONFIG)
	line Texts "licences/${1%_old}/"
	# shellcheck disable=SC2046
	texts "${1%_old}" "$archive" $(word "$1" TEXTS)
	if [ -n "${SOURCES-}" ]; then
		mkdir -p "$work/out/sources"
		cp "$archive" "$work/out/sources/"
	fi
}

# A part that comes with the machine that builds: its Debian package, that package's own text, and the sum of what went in.
# usage: package PART LICENCE PACKAGE FILE
package() {
	echo
	line Part "$1"
	line Version "$(dpkg-query -W -f '${Version}' "$3" 2>/dev/null || echo unknown)"
	line Licence "$2"
	line Source "Debian's source package $(dpkg-query -W -f '${source:Package} ${source:Version}' "$3" 2>/dev/null || echo unknown)"
	line File "${4##*/}"
	line '  sha256' "$(sum "$4")"
	line Texts "licences/$1/"
	mkdir -p "$work/out/licences/$1"
	cp "/usr/share/doc/$3/copyright" "$work/out/licences/$1/copyright"
}

mkdir -p "$work/out/licences/gatepost"
cp LICENSE "$work/out/licences/gatepost/"
{
	echo "What is in Gatepost for $board"
	echo
	line Part gatepost
	line Version "$(define GATEPOST_VERSION)"
	commit=$(define GATEPOST_COMMIT)
	[ -z "$commit" ] || line Commit "$commit"
	line Licence ISC
	line Texts licences/gatepost/
	line Configuration config/gatepost/config
	mkdir -p "$work/out/config/gatepost"
	cp "$build/.config" "$work/out/config/gatepost/config"
	for p; do part "$p"; done
	archive=$($CC -print-libgcc-file-name)
	libgcc=$(dpkg-query -S "$archive" 2>/dev/null | head -n 1 | cut -d: -f1)
	package libgcc 'GPL-3.0-or-later WITH GCC-exception-3.1' "${libgcc:-gcc}" "$archive"
	[ -z "${CA-}" ] || package ca-certificates 'MPL-2.0 (the certificates: data of the CAs that Mozilla trusts)' ca-certificates \
		"$build/ca.idx"
	cat <<EOF

To whoever passes the product on
--------------------------------
EOF
	case " $* " in
	*' linux '*)
		cat <<EOF
Linux, BusyBox and U-Boot (where it is in the list) are under the GNU General Public License, version 2. It asks of you
what it asks of us: whoever gets the product from you has a right to the complete source of these parts, to the patches,
the configurations and the scripts that build them. All of this is the source archives above, unchanged, with the sums
above; the patches and configurations in this folder; and Gatepost's own source of this version, whose folder firmware/
holds the scripts. "make legal BOARD=$board SOURCE_ARCHIVES=y" puts the archives into the folder sources/ beside this file.

Either give all of it along with the product, or write with it an offer, valid for at least three years, to give any third
party the same for no more than what copying costs (section 3 of the licence). Such an offer may read:

    The firmware of this device contains Linux, BusyBox and U-Boot, free software under the GNU General Public License,
    version 2. For three years from the day you received it, we will send you, or anyone, the complete source of these
    parts on a customary medium for the cost of copying and postage. Write to: (your name and address)

The texts of all licences are to go along as well: they are in the folder licences/.
EOF
		;;
	*) echo 'Give the texts in the folder licences/ along with it.' ;;
	esac
} >"$work/README.txt"
mv "$work/README.txt" "$work/out/README.txt"
rm -rf "$out"
mkdir -p "$build"
cp -R "$work/out" "$out"
echo "$out/README.txt"
