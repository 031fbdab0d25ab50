#!/bin/sh
# SPDX-License-Identifier: ISC
# firmware/phrases.c, phrase_book.c: what it packs is what the relay's own code reads; nothing else is touched; what it cannot pack is told.
set -u
. tests/build/lib/tree.sh

strict='-std=c11 -O1 -Wall -Wextra -Werror -Isrc'
mkdir "$work/packing"
cat >"$work/packing/as" <<END
#!/bin/sh
for file; do :; done
'$work/phrases' "\$file" >>'$work/told' && exec as "\$@"
END
chmod +x "$work/packing/as"

# shellcheck disable=SC2086 # flags
ok 'the packer compiles' quiet gcc $strict -fsanitize=address,undefined -fno-sanitize-recover=all -o "$work/phrases" firmware/phrases.c firmware/phrase_book.c

# --- there and back: every line of these texts is a phrase ---

# texts FILE...: those of at most 500 octets, which are ASCII
texts() { cat "$@" | LC_ALL=C grep -avE '[^	-~]|^.{500}'; }
texts src/INTERNALS.md README.md CHANGES.md LICENSE src/cmd/*.c src/run/*.c >"$work/texts"
# The same twice, none at all, one octet, runs of one octet, and what C and the assembler escape.
printf '%s\n' 'twice, to be packed once' 'twice, to be packed once' '' 'x' 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' \
	'aaa' 'a "quoted" \ back\\slash \012 100%' '7' >>"$work/texts"
head -c 60000 "$work/texts" | sed '$d' >"$work/lines"
tail -n 8 "$work/texts" >>"$work/lines"
{
	printf '#include "base/bug.h"\n#include "base/fmt.h"\n#include <stdio.h>\n#include <stdlib.h>\nstatic const char *const texts[] = {\n'
	sed 's/[\\"]/\\&/g; s/	/\\t/g; s/.*/PHRASE("&\\n"),/' "$work/lines"
	cat <<'END'
};
void gp_stop(const char *what) { puts(what); abort(); }
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char line[64];
		struct fmt f;

		fmt_init(&f, line, sizeof(line));
		fmt_add(&f, "%s, ", argv[i]);
		fmt_str(&f, argv[i]);
		puts(line);
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char line[1024];
		struct fmt f;

		fmt_init(&f, line, sizeof(line));
		fmt_add(&f, "%%%s%04x|", texts[i], 165u);
		fputs(line, stdout);
	}
}
END
} >"$work/sample.c"
sed 's/^/%/; s/$//' "$work/lines" | awk '{ printf "%s\n00a5|", $0 }' >"$work/expected"

# shellcheck disable=SC2086,SC2317
program() {
	out=$1
	shift
	gcc $strict -g -ffunction-sections "$@" -o "$work/$out" "$work/sample.c" src/base/fmt.c src/base/phrase.c src/base/bytes.c
}
# shellcheck disable=SC2317
gives() { "$work/$1" | cmp -s - "$work/expected"; }

ok 'a sample of texts, built without it' quiet program plain
ok '… says them' gives plain
ok 'built with it' quiet program packed -flto=1 -flto-partition=one "-B$work/packing/"
ok '… says the same' gives packed
# A text from outside is none, whatever its first octet.
{ printf '\036abc%%s, \036abc%%s\n' && cat "$work/expected"; } >"$work/marked"
ok '… and a text from outside as it is, with the mark in front' sh -c "'$work/packed' \"\$(printf '\036abc%%s')\" | cmp -s - '$work/marked'"
ok '… and holds none of them as they were' never grep -qa 'to be packed once' "$work/packed"
ok 'to less than 45 %, the table and all' awk '/ phrases/ && $3 > 50000 { good = $7 < 0.45 * $3 } END { exit !good }' FS='[ ,:]+' "$work/told"
ok 'the same twice is packed once' sh -c "[ \$(nm '$work/packed' | grep -c ' phrase_book') = 1 ]"
ok 'its size is told' sh -c "[ \$(nm -S '$work/packed' | sed -n 's/^[0-9a-f]* 0*\\([0-9a-f]*\\) . phrase_book/\\1/p') = \
	\$(awk -F '[ ,:]+' '\$3 > 50000 { printf \"%x\", \$7 }' '$work/told') ]"
ok 'as a movable program' quiet program moved -flto=1 -flto-partition=one "-B$work/packing/" -fPIC -pie -Os
ok '… says the same' gives moved

# --- one file ---

cat >"$work/one.s" <<'END'
	.section	.debug_str,"MS",@progbits,1
.LASF0:
	.string	"\036not this: no text of the program"
	.section	.rodata.table,"a"
table:
	.string	"\036nor an array of it"
	.section	.rodata.f.str1.1,"aMS",@progbits,1
.LC0:
	.string	"nor without the mark"
.LC1:
	.ascii	"\036this, of"
	.string	" two pieces"
.LC2:
	.ascii	"\036and this\000"
	.text
f:
	.long	.LC1
	.section	.rodata.f.str1.1
.LC3:
	.asciz	"\036and this"
	.data
.LC4:
	.string	"\036nor variables"
END
cp "$work/one.s" "$work/again.s"
cp "$work/one.s" "$work/before.s"
ok 'a file of the assembler' quiet "$work/phrases" "$work/one.s"
ok '… has three phrases' says '^3 phrases,'
"$work/phrases" "$work/again.s" >/dev/null
ok '… and gives the same again' cmp -s "$work/one.s" "$work/again.s"
ok '… is one still' quiet as -o "$work/one.o" "$work/one.s"
grep -v -e '^.LC[123]:' -e 'this, of' -e 'two pieces' -e 'and this' "$work/before.s" >"$work/rest"
sed '/phrase_book/,$d' "$work/one.s" >"$work/left"
ok 'nothing else is touched' cmp -s "$work/rest" "$work/left"
ok 'the same text is at one place' sh -c "grep -A 1 -x '.LC2:' '$work/one.s' | grep -qx '.LC3:'"

printf '\t.text\nf:\n\t.section\t.rodata.str1.1\n.LC0:\n\t.string\t"nothing"' >"$work/none.s"
cp "$work/none.s" "$work/before.s"
ok 'a file without phrases' quiet "$work/phrases" "$work/none.s"
ok '… stays as it is' cmp -s "$work/none.s" "$work/before.s"

# refused TEXT WHY: lines of the assembler in a section of strings
refused() {
	printf '\t.section\t.rodata.str1.1,"aMS",@progbits,1\n%b' "$1" >"$work/bad.s"
	cp "$work/bad.s" "$work/before.s"
	ok "refused: $2" never quiet "$work/phrases" "$work/bad.s"
	ok '… and told, with the line' says "phrases: .*bad.s:[0-9]*: $2"
	ok '… the file stays' cmp -s "$work/bad.s" "$work/before.s"
}
refused '.LC0:\n\t.string\t"\\036caf\\303\\251"\n' 'octet 195 in a phrase'
refused '.LC0:\n\t.ascii\t"\\036a\\001b\\000"\n' 'octet 1 in a phrase'
refused '.LC0:\n\t.string\t"\\036a \\x41"\n' 'an escape that is not known: .x'
refused '\t.string\t"\\036a"\n' 'a phrase without a label'
refused '.LC0:\n\t.ascii\t"\\036a"\n\t.text\n' 'a phrase without an end'
refused '.LC0:\n\t.string\t"\\036a\n' 'a string that is not quoted'
ok 'no such file: refused' never quiet "$work/phrases" "$work/nowhere.s"
ok 'a call without a file too' never quiet "$work/phrases"
finish
