/* SPDX-License-Identifier: ISC */
#include "base/likeness.h"
#include "tap.h"

TAP_GP_BUG

static const char *near(const char *name)
{
	static const char *const known[] = { "Gateway", "Remote_SMTP_Port", "User", "status", "send", "sendmail" };
	struct likeness l;

	likeness_begin(&l, bytes_of(name));
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		likeness_try(&l, known[i]);
	return l.best ? l.best : "";
}

int main(void)
{
	char text[300];

	is_str(near("Gatway"), "Gateway", "a letter left out");
	is_str(near("gaetway"), "Gateway", "two swapped");
	is_str(near("RemoteSmtpPort"), "Remote_SMTP_Port", "other letters and marks");
	is_str(near("stat"), "status", "the begin");
	is_str(near("sned"), "send", "the nearest of several");
	is_str(near("sendmial"), "sendmail", "and the other");
	is_str(near("Usr"), "User", "a short one");
	is_str(near("xyz"), "", "nothing like it");
	is_str(near(""), "", "nothing at all");
	is_str(near("___"), "", "only marks");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	is_str(near(text), "", "too long for any");
	return done();
}
