#!/bin/sh
# SPDX-License-Identifier: ISC
# firmware/guard.awk: a stack that is overwritten is noticed as before, and nothing else is changed.
set -u
. tests/build/lib/tree.sh

cc=arm-linux-gnueabihf-gcc
if ! command -v $cc >/dev/null || ! command -v qemu-arm-static >/dev/null; then
	skip 'the guard on ARM' "no $cc or qemu-arm-static"
	finish
fi

cat >"$work/sample.c" <<'END'
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int numbers[4] = { 3, 1, 4, 1 };
int counter;

/* Words of several kinds behind the function, one argument in r3, a result in two registers. */
__attribute__((noinline)) long long put(char *to, size_t n, const char *text, int times)
{
	char room[24];

	for (int i = 0; i < times; i++)
		counter += numbers[i % 4];
	memcpy(room, text, n);
	room[sizeof(room) - 1] = '\0';
	strcpy(to, room);
	return counter * 0x100000001LL;
}

__attribute__((noinline)) static void say(const char *format, int a, int b, int c, int d, int e)
{
	char line[80];

	snprintf(line, sizeof(line), format, a, b, c, d, e);
	puts(line);
	numbers[1] = (int)strlen(line);
}

/* The count of arguments varies: it returns in another way. */
__attribute__((noinline)) static int sum(int n, ...)
{
	char line[40];
	va_list args;
	int all = 0;

	va_start(args, n);
	for (int i = 0; i < n; i++)
		all += va_arg(args, int);
	va_end(args);
	return all + snprintf(line, sizeof(line), "%d", all);
}

int main(int argc, char **argv)
{
	char text[400] = "short", got[400];

	(void)argv;
	memset(text + 5, 'x', 90);
	printf("%lld %s %d\n", put(got, argc > 1 ? 90 : 6, text, 7), argc > 1 ? "" : got, counter);
	say("%d %d %d %d %d", 1, 2, 3, 4, 5);
	printf("%d %d\n", numbers[1], sum(3, 10, 20, 70));
	return 0;
}
END

flags='-std=c11 -g -Oz -fno-pie -fno-schedule-insns2 -mthumb -march=armv7-a+fp -fstack-protector-strong -fno-shrink-wrap -U_FORTIFY_SOURCE -w'
# shellcheck disable=SC2086,SC2317 # flags
made() { $cc $flags -S -o "$work/sample.s" "$work/sample.c" && $cc -no-pie -static -o "$work/before" "$work/sample.s"; }
# shellcheck disable=SC2317
changed() {
	awk -f firmware/guard.awk "$work/sample.s" "$work/sample.s" >"$work/less.s" && $cc -no-pie -static -o "$work/less" "$work/less.s"
}
# shellcheck disable=SC2317
same() { qemu-arm-static "$work/before" >"$work/expected" && qemu-arm-static "$work/less" | cmp -s - "$work/expected"; }
# shellcheck disable=SC2317
noticed() { qemu-arm-static "$work/$1" overwritten 2>&1 | grep -q 'stack smashing'; }
# shellcheck disable=SC2317
count_is() { [ "$(grep -c "$1" "$work/less.s")" = "$2" ]; }

ok 'a sample for ARM' quiet made
ok '… whose stack is overwritten: noticed' noticed before
ok 'with the check in one place' quiet changed
ok '… it does the same' same
ok '… and an overwritten stack is noticed' noticed less
ok '… no function checks by itself' count_is 'bl	__stack_chk_fail' 1
ok '… none has the address of the guard, but the one whose r3 was taken' count_is '\.word	__stack_chk_guard' 2
ok '… each of them calls at its end' count_is 'bl	stack_check' 4

awk -f firmware/guard.awk "$work/less.s" "$work/less.s" >"$work/again.s"
ok 'what is done is left alone' sh -c "sed '/text.stack_guard/,\$d' '$work/less.s' | cmp -s - '$work/again.s' || cmp -s '$work/less.s' '$work/again.s'"

# A word that something else needs, too, stays, and so do the places of all words behind it.
sed 's/^main:/other:\n\tldr\tr0, .L1000\n\tldr\tr1, .L1000+4\n\tbx\tlr\n.L1000:\n\t.word\t__stack_chk_guard\n\t.word\tcounter\nmain:/' \
	"$work/sample.s" >"$work/needed.s"
awk -f firmware/guard.awk "$work/needed.s" "$work/needed.s" >"$work/kept.s"
ok 'a word that is needed stays' sh -c "sed -n '/^other:/,/^main:/p' '$work/needed.s' >'$work/a' && sed -n '/^other:/,/^main:/p' '$work/kept.s' | cmp -s - '$work/a'"

# Something that only looks like it: the word is another one.
sed '/__stack_chk_fail/!s/__stack_chk_guard/counter/' "$work/sample.s" >"$work/like.s"
awk -f firmware/guard.awk "$work/like.s" "$work/like.s" >"$work/like"
ok 'what only looks like it stays' cmp -s "$work/like" "$work/like.s"

# The compiler keeps a value in lr: over the beginning, over the end.
sed 's/^\t\(push\|stmdb\)\t.*lr}$/&\n\tldr\tlr, [sp, #8]/' "$work/sample.s" >"$work/begin.s"
awk -f firmware/guard.awk "$work/begin.s" "$work/begin.s" >"$work/begin"
ok 'a value in lr at the beginning: that stays' never grep -q 'bl	stack_guard' "$work/begin"
ok '… and the end does not' grep -q 'bl	stack_check' "$work/begin"
sed -e 's/^\t\(pop\|ldmia\tsp!,\).*\(pc\|lr\)}$/\tmov\tr0, lr\n&/' -e 's/^\tldr\t\(pc\|lr\), .sp., #4$/\tmov\tr0, lr\n&/' "$work/sample.s" >"$work/end.s"
awk -f firmware/guard.awk "$work/end.s" "$work/end.s" >"$work/end"
ok 'one at the end: that stays' never grep -q 'bl	stack_check' "$work/end"
ok '… and the beginning does not' grep -q 'bl	stack_guard' "$work/end"

gcc -O1 -g -fstack-protector-strong -w -S -o "$work/host.s" "$work/sample.c"
awk -f firmware/guard.awk "$work/host.s" "$work/host.s" >"$work/host"
ok "another machine's file stays as it is" cmp -s "$work/host" "$work/host.s"
finish
