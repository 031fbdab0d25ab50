/* SPDX-License-Identifier: ISC */
#include "io/errtext.h"
#include "lib/said.h"
#include "tap.h"

#include <errno.h>
#include <signal.h>

TAP_GP_BUG

int main(void)
{
	bool good = true;

	is_str(said(errtext(ENOENT)), "No such file or directory", "an error of files");
	is_str(said(errtext(EADDRINUSE)), "Address already in use", "one of the network");
	is_str(said(errtext(ESTALE)), "Stale file handle", "the last of the table");
	is_str(said(errtext(4000)), "error 4000", "one that nobody knows");
	for (int i = 0; i < 200; i++)
		good &= said(errtext(i))[0] != '\0' && strlen(said(errtext(i))) < 40;
	ok(good, "there is a text for each");
	is_str(errtext_signal(SIGSEGV), "SIGSEGV", "a signal");
	is_str(errtext_signal(SIGHUP), "SIGHUP", "a short one");
	is_str(errtext_signal(60), "signal 60", "one without a name");
	return done();
}
