/* SPDX-License-Identifier: ISC */
/*
 * The body of a token endpoint's answer, as JSON and as what it means. First octet: the HTTP
 * status. What is given is fit for a login; what is not is told in printable words.
 */
#include "token/json.h"
#include "token/oauth.h"

#include "base/bug.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held, const char *what)
{
	if (!held)
		gp_stop(what);
}

static bool is_printable(const char *text, size_t n, char lowest)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] < lowest || text[i] > '~')
			return false;
	}
	return true;
}

static void check_members(struct bytes x)
{
	struct json_member m[2];
	char text[100];
	struct fmt f;

	if (!json_object(x, "access_token n", m, 2))
		return;
	for (unsigned i = 0; i < 2; i++) {
		must(m[i].text.n == 0 ||
			 (m[i].text.p >= x.p && m[i].text.p + m[i].text.n <= x.p + x.n),
		    "a slice of the whole");
		fmt_init(&f, text, sizeof(text));
		if (json_string(&f, &m[i]))
			must(memchr(text, '\0', f.n) == NULL && f.n <= m[i].text.n, "a string");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct oauth_tokens t;
	static struct oauth_device d;
	enum oauth_outcome outcome;
	unsigned status;
	struct bytes x;

	if (size < 1)
		return 0;
	x = (struct bytes){ data + 1, size - 1 };
	status = data[0] < 128 ? 200 : 200u + (data[0] - 128u) * 3u;
	check_members(x);
	outcome = oauth_answer(&t, status, x);
	must((outcome == OAUTH_GIVEN) == (t.naccess > 0), "a token where it is given");
	must(is_printable(t.access, t.naccess, '!') && is_printable(t.refresh, t.nrefresh, '!'),
	    "tokens without blanks and controls");
	must(t.naccess <= OAUTH_TOKEN && t.nrefresh <= OAUTH_TOKEN, "within their limit");
	must(outcome != OAUTH_GIVEN || t.life > 0, "a life");
	must((outcome == OAUTH_GIVEN) == (t.why[0] == '\0'), "a reason where it is not");
	must(is_printable(t.why, strlen(t.why), ' '), "printable");
	outcome = oauth_device(&d, status, x);
	must(outcome == OAUTH_GIVEN || outcome == OAUTH_FAILED, "given or not");
	must(is_printable(d.why, strlen(d.why), ' '), "printable");
	if (outcome == OAUTH_GIVEN)
		must(d.interval > 0 && is_printable(d.address, strlen(d.address), ' ') &&
			 is_printable(d.user_code, strlen(d.user_code), ' '),
		    "what is shown");
	return 0;
}
