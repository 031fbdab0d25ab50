/* SPDX-License-Identifier: ISC */
#include "base/on.h"
#include "conf/regex.h"
#include "tap.h"

#include <regex.h>

TAP_GP_BUG

static struct regex_step steps[REGEX_STEPS_MAX];

static struct conf_regex *compile(const char *pattern, const char **why)
{
	static struct {
		struct conf_regex re;
		struct regex_step room[REGEX_STEPS_MAX];
	} made;
	size_t n = regex_compile(bytes_of(pattern), steps, why);

	if (n == 0)
		return NULL;
	made.re.n = (uint32_t)n;
	memcpy(made.re.step, steps, n * sizeof(*steps));
	return &made.re;
}

static const struct {
	const char *pattern, *text;
	bool matches;
} table[] = {
	{"a", "a", true}, {"a", "b", false}, {"a", "", false}, {"a", "xax", true},
	{"abc", "xabcx", true}, {"abc", "abx", false}, {"ABC", "abc", true}, {"abc", "aBC", true},
	{"^a", "ab", true}, {"^a", "ba", false}, {"a$", "ba", true}, {"a$", "ab", false},
	{"^$", "", true}, {"^$", "a", false}, {"^a$", "a", true}, {"^a$", "aa", false},
	{".", "x", true}, {".", "", false}, {"^.$", "xy", false}, {"a.c", "abc", true}, {"a.c", "ac", false},
	{"^a*$", "", true}, {"^a*$", "aaaa", true}, {"^a*$", "aab", false},
	{"^a+$", "", false}, {"^a+$", "a", true}, {"^a+$", "aaa", true}, {"^a?b$", "b", true},
	{"^a?b$", "ab", true}, {"^a?b$", "aab", false},
	{"a|b", "b", true}, {"^(a|bc|d)$", "bc", true}, {"^(a|bc|d)$", "b", false}, {"^(a|bc|d)$", "d", true},
	{"^(ab)*$", "abab", true}, {"^(ab)*$", "aba", false}, {"^(a|b)+c$", "abbac", true},
	{"^(|a)b$", "b", true}, {"^(a|)b$", "ab", true}, {"^(|a)b$", "cb", false},
	{"^a{2}$", "aa", true}, {"^a{2}$", "a", false}, {"^a{2}$", "aaa", false}, {"^a{2,}$", "aaaaa", true},
	{"^a{2,}$", "a", false}, {"^a{1,3}$", "aaa", true}, {"^a{1,3}$", "aaaa", false}, {"^a{0,2}$", "", true},
	{"^a{0,2}$", "aaa", false}, {"^a{0,}b$", "aab", true}, {"^a{0}b$", "b", true}, {"^a{0}b$", "ab", false},
	{"^(ab){2}$", "abab", true}, {"^([ab]c){1,2}$", "acbc", true}, {"^a{1}$", "a", true},
	{"[abc]", "b", true}, {"[abc]", "d", false}, {"^[^abc]$", "d", true}, {"^[^abc]$", "a", false},
	{"^[^abc]$", "A", false}, {"^[a-c]+$", "cab", true}, {"^[a-c]+$", "cabd", false}, {"^[A-C]+$", "cab", true},
	{"^[]a]+$", "]a]", true}, {"^[^]a]$", "]", false}, {"^[a-]$", "-", true}, {"^[-a]$", "-", true},
	{"^[.*]+$", ".*.", true}, {"^[\\]+$", "\\\\", true}, {"^[a-c0-9-]+$", "a-9", true},
	{"^[[:digit:]]+$", "0123", true}, {"^[[:digit:]]+$", "0a", false}, {"^[[:alpha:]_]+$", "aB_", true},
	{"^[[:upper:]]$", "a", true}, {"^[^[:alnum:]]$", "-", true}, {"^[[:xdigit:]]+$", "09afAF", true},
	{"^[[:space:]]$", " ", true}, {"^[[:blank:]]$", "\t", true}, {"^[[:punct:]]$", ".", true},
	{"^[[:print:]]$", " ", true}, {"^[[:graph:]]$", " ", false}, {"^[[:cntrl:]]$", "\x01", true},
	{"^[[:lower:][:digit:]]+$", "a1", true},
	{"\\.example\\.com$", "mail.example.com", true}, {"\\.example\\.com$", "mailexample.com", false},
	{"\\.", "a", false}, {"\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\^\\$\\\\", "*+?()[]{}|^$\\", true},
	{"^(a*)*$", "aaa", true}, {"^(a*)+$", "", true}, {"^((a|b)*c)*$", "abcbc", true}, {"(a?){3}$", "", true},
	{"^(a|b|c|d)e$", "de", true}, {"x^y", "xy", false}, {"a$b", "ab", false}, {"(^a|b$)", "xb", true},
	{"\xc3\xbc", "m\xc3\xbcnchen", true},
};

static const struct {
	const char *pattern, *why;
} wrong[] = {
	{"(", "( without )"}, {"a)", ") without ("}, {"[a", "[ without ]"}, {"[", "[ without ]"}, {"[]", "[ without ]"},
	{"*a", "there is nothing before"}, {"+", "there is nothing before"}, {"?", "there is nothing before"},
	{"(*a)", "there is nothing before"}, {"a|*", "there is nothing before"}, {"{2}", "there is nothing before"},
	{"a{", "{ wants numbers"}, {"a{x}", "{ wants numbers"}, {"a{2", "{ wants numbers"}, {"a{3,2}", "{ wants numbers"},
	{"a{256}", "at most 255"}, {"a{1,9999999999}", "at most 255"}, {"a{99}{99}", "too long"}, {"[b-a]", "a range runs"},
	{"[[:foo:]]", "no such class"}, {"[[:alpha]", "no such class"}, {"[[.a.]]", "[. .]"}, {"[[=a=]]", "[. .]"},
	{"\\", "a backslash at the end"}, {"\\d", "a backslash before"}, {"(a)\\1", "a backslash before"},
	{"(((((((((((((((((a)))))))))))))))))", "too many brackets"}, {"", "empty"},
};

static void test_tables(void)
{
	const char *why = NULL;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct conf_regex *re = compile(table[i].pattern, &why);

		ok(re && regex_match(re, bytes_of(table[i].text)) == table[i].matches, "/%s/ %s \"%s\"",
			table[i].pattern, table[i].matches ? "matches" : "does not match", table[i].text);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		why = "";
		ok(!compile(wrong[i].pattern, &why) && strstr(why, wrong[i].why), "/%s/ is refused: %s",
			wrong[i].pattern, why);
	}
}

static void test_limits(void)
{
	char longest[REGEX_PATTERN_MAX + 2], text[256];
	const char *why = NULL;
	struct conf_regex *re;

	memset(longest, 'a', sizeof(longest));
	longest[REGEX_PATTERN_MAX + 1] = '\0';
	ok(!compile(longest, &why), "a pattern of 256 octets is refused");
	longest[REGEX_PATTERN_MAX] = '\0';
	ok(compile(longest, &why) != NULL, "one of 255 is not");
	ok(compile("((((((((((((((((a))))))))))))))))", &why) != NULL, "16 brackets within each other");
	memset(text, 'a', 255);
	text[255] = '\0';
	/* the classic that makes a backtracking matcher run for ages */
	re = compile("^(a?){60}(a*)*(a|aa)+(a+)+$", &why);
	ok(re && regex_match(re, bytes_of(text)), "255 octets through stars within stars");
	text[254] = 'b';
	ok(re && !regex_match(re, bytes_of(text)), "... and without a match");
}

/* --- against the C library --- */

static uint32_t state = 7;

static uint32_t roll(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % n;
}

static bool libc_matches(const char *pattern, const char *text)
{
	regex_t ref;
	bool held;

	if (regcomp(&ref, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	held = regexec(&ref, text, 0, NULL, 0) == 0;
	regfree(&ref);
	return held;
}

/* Some C libraries (musl 1.2) go wrong where a group is repeated a number of times: they are not asked such things. */
static bool counts_groups;

static void grow(char *p, unsigned depth)
{
	static const char *const atoms[] = {"a", "b", "c", ".", "[ab]", "[^a]", "[b-c]", "\\."};
	static const char *const repeats[] = {"", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "{0,2}"};
	unsigned pieces = 1 + roll(3);

	while (pieces-- > 0 && strlen(p) < 60) {
		if (depth > 0 && roll(3) == 0) {
			strcat(p, "(");
			grow(p, depth - 1);
			if (roll(2)) {
				strcat(p, "|");
				grow(p, depth - 1);
			}
			strcat(p, ")");
			strcat(p, repeats[roll(counts_groups ? 10 : 6)]);
		} else {
			strcat(p, atoms[roll(8)]);
			strcat(p, repeats[roll(counts_groups ? 10 : 6)]);
		}
	}
}

static void test_against_libc(void)
{
	unsigned compared = 0, differing = 0;

	counts_groups = !libc_matches("^(([^a]{2,}c+(\\.{0,2}.b{0,2}|[^a][b-c])*|(aa?[ab]{2})){1,3})$", "abc");

	for (unsigned i = 0; i < 3000; i++) {
		char pattern[400] = "";
		const char *why = NULL;
		struct conf_regex *re;
		regex_t ref;

		if (roll(2))
			strcat(pattern, "^");
		grow(pattern, 3);
		if (roll(2))
			strcat(pattern, "$");
		re = compile(pattern, &why);
		if (!re || regcomp(&ref, pattern, REG_EXTENDED | REG_NOSUB) != 0)
			continue;
		for (unsigned k = 0; k < 12; k++) {
			char text[16] = "";

			for (unsigned n = roll(10), at = 0; at < n; at++)
				text[at] = "abc."[roll(4)];
			compared++;
			if (regex_match(re, bytes_of(text)) != (regexec(&ref, text, 0, NULL, 0) == 0)) {
				if (differing++ < 5)
					printf("# /%s/ and \"%s\"\n", pattern, text);
			}
		}
		regfree(&ref);
	}
	ok(compared > 20000, "%u texts held against patterns", compared);
	is_num(differing, 0, "the C library agrees");
}

int main(void)
{
	const char *why = NULL;

	if (!ON(CONFIG_CONF_REGEX)) {
		ok(!compile("a", &why) && strstr(why, "not built into this gatepost"), "patterns are not built in");
		return done();
	}
	test_tables();
	test_limits();
	test_against_libc();
	return done();
}
