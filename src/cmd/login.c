/* SPDX-License-Identifier: ISC */
/* `gatepost login`: a person lets the relay log in with OAuth 2.0. */
#include "cmd/cmd.h"

#include "base/digest.h"
#include "cmd/ask.h"
#include "cmd/grant.h"
#include "conf/print.h"
#include "io/clock.h"
#include "io/errtext.h"
#include "io/random.h"
#include "run/refresh.h"
#include "run/settings.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct grant login;

/* How what a provider said ends the command. */
static int ends(enum oauth_outcome outcome, const struct fmt *why)
{
	return cmd_fail(outcome == OAUTH_FINAL ? EX_NOPERM : EX_UNAVAILABLE, "%s", why->p);
}

/* ---- the running relay ---- */

/* It reads its configuration again, and with that tries the login anew. */
static int tell_relay(void)
{
	pid_t pid = ask_relay(login.file);

	if (pid == 0)
		cmd_say("No relay is running with this configuration; it will log in once it "
			"does.\n");
	else if (kill(pid, SIGHUP) < 0)
		cmd_say("The running relay could not be told (%s): send SIGHUP to process %d.\n",
		    errtext(errno), pid);
	else
		cmd_say("The running relay (process %d) was told and tries the login anew.\n",
		    pid);
	return EX_OK;
}

/* ---- what was given ---- */

static int store(void)
{
	static char path_text[1100];
	struct fmt path, *why = cmd_why();
	char name[OAUTH_NAME];

	if (grant_given()->nrefresh == 0)
		return cmd_fail(EX_UNAVAILABLE,
		    "the provider let us in but gave no refresh token: is OAuth2_Scope right? "
		    "(Microsoft wants offline_access in it)");
	fmt_init(&path, name, sizeof(name));
	oauth_name(&path, login.key);
	fmt_init(&path, path_text, sizeof(path_text));
	refresh_path(&path, login.file, name);
	if (!grant_store(&login, why))
		return cmd_fail(EX_CANTCREAT, "%s", why->p);
	cmd_say("Logged in as %s. The refresh token is kept in %s%s.\n", login.key->login_user,
	    path_text,
	    settings_store(login.file, login.store) != NULL ? PHRASE(" and in the store") : "");
	return tell_relay();
}

/* ---- client ---- */

static int with_secret(void)
{
	struct fmt *why = cmd_why(), form = grant_form();
	enum oauth_outcome outcome;

	oauth_form_client(&form, login.key);
	outcome = grant_tokens(&login, &form, why);
	if (outcome != OAUTH_GIVEN)
		return ends(outcome, why);
	cmd_say("It works: the provider gave a token for %u seconds. Nothing needs to be kept.\n",
	    grant_given()->life);
	return tell_relay();
}

/* ---- device ---- */

static enum oauth_outcome ask_for_code(struct oauth_device *d, struct fmt *why)
{
	struct fmt form = grant_form();
	enum oauth_outcome outcome;
	struct bytes body;
	unsigned status;

	oauth_form_device(&form, login.key);
	if (!grant_post(&login, OAUTH_DEVICE, &form, &status, &body, why))
		return OAUTH_FAILED;
	outcome = oauth_device(d, status, body);
	if (outcome != OAUTH_GIVEN)
		fmt_str(why, d->why);
	return outcome;
}

/* A connection that fails while somebody is typing the code is no reason to give up (RFC 8628). */
static int wait_for_person(struct oauth_device *d)
{
	uint64_t end = clock_monotonic_ms() + (uint64_t)d->life * 1000;
	unsigned failures = 0;

	while (clock_monotonic_ms() < end) {
		enum oauth_outcome outcome;
		struct fmt *why, form;

		poll(NULL, 0, (int)d->interval * 1000);
		form = grant_form();
		oauth_form_poll(&form, login.key, d->code);
		why = cmd_why();
		outcome = grant_tokens(&login, &form, why);
		if (outcome == OAUTH_GIVEN)
			return store();
		if (outcome == OAUTH_PENDING)
			failures = 0;
		else if (outcome == OAUTH_SLOW_DOWN)
			d->interval += OAUTH_SLOWER;
		else if (outcome == OAUTH_FINAL || ++failures == 3)
			return ends(outcome, why);
	}
	return cmd_fail(EX_NOPERM, "the code expired before it was used");
}

static int with_device(void)
{
	static struct oauth_device d;
	struct fmt *why = cmd_why();
	enum oauth_outcome outcome = ask_for_code(&d, why);

	if (outcome != OAUTH_GIVEN)
		return ends(outcome, why);
	cmd_say("Open this address in a browser, on any device:\n\n    %s\n\n"
		"Type in this code, and log in as %s:\n\n    %s\n\n"
		"Waiting for that, %u minutes at the most ...\n",
	    d.address, login.key->login_user, d.user_code, d.life >= 60 ? d.life / 60 : 1);
	return wait_for_person(&d);
}

/* ---- code ---- */

/* A line of standard input; n = 0 at its end. */
static struct bytes read_line(void)
{
	static uint8_t line[2 * OAUTH_CODE];
	size_t n = 0;

	while (n < sizeof(line) && read(STDIN_FILENO, line + n, 1) == 1) {
		if (line[n++] == '\n' && n > 1)
			break;
		if (n == 1 && line[0] == '\n')
			n = 0;
	}
	return (struct bytes){ line, n };
}

static int take_pasted(const char *state, struct fmt *code)
{
	struct bytes line = read_line();

	if (line.n == 0)
		return cmd_fail(EX_NOINPUT, "nothing was pasted");
	switch (oauth_pasted(line, state, code)) {
	case OAUTH_PASTED:
		return EX_OK;
	case OAUTH_REFUSED_THERE:
		for (size_t i = 0; i < code->n; i++)
			code->p[i] = code->p[i] >= ' ' && code->p[i] <= '~' ? code->p[i] : '?';
		return cmd_fail(EX_NOPERM, "the provider did not agree: %s", code->p);
	case OAUTH_STRANGE_STATE:
		return cmd_fail(EX_DATAERR,
		    "that address does not belong to this login: open the one above, and paste "
		    "what the browser ends at");
	case OAUTH_NO_CODE:
		break;
	}
	return cmd_fail(EX_DATAERR, "there is no code in what was pasted");
}

static int redeem(struct bytes code, const char *verifier)
{
	struct fmt *why = cmd_why(), form = grant_form();
	enum oauth_outcome outcome;

	oauth_form_code(&form, login.key, code, verifier);
	outcome = grant_tokens(&login, &form, why);
	return outcome == OAUTH_GIVEN ? store() : ends(outcome, why);
}

static int with_code(void)
{
	static char url[OAUTH_URL], code[OAUTH_CODE];
	char verifier[OAUTH_VERIFIER], state[OAUTH_VERIFIER];
	uint8_t random[2 * OAUTH_RANDOM];
	struct fmt f;
	int status;

	random_bytes(random, sizeof(random));
	oauth_verifier(verifier, random);
	oauth_verifier(state, random + OAUTH_RANDOM);
	fmt_init(&f, url, sizeof(url));
	oauth_browse(&f, login.key, verifier, state);
	cmd_say("Open this address in a browser, on any device, and log in as %s:\n\n%s\n\n"
		"The browser then goes to an address that begins with http://localhost and finds "
		"nothing\nthere: that is right. Paste that whole address here:\n\n",
	    login.key->login_user, url);
	fmt_init(&f, code, sizeof(code));
	status = take_pasted(state, &f);
	if (status == EX_OK)
		status = redeem(fmt_done(&f), verifier);
	digest_wipe(code, sizeof(code));
	return status;
}

/* ---- all ---- */

static int log_in(void)
{
	struct fmt *why = cmd_why();
	int status = grant_begin(&login, why);

	if (status != EX_OK)
		return cmd_fail(status, "%s", why->p);
	switch (conf_grant_of(login.key)) {
	case CONF_GRANT_DEVICE:
		return with_device();
	case CONF_GRANT_CODE:
		return with_code();
	case CONF_GRANT_CLIENT:
	case CONF_GRANT_DEFAULT:
		break;
	}
	return with_secret();
}

static int none_configured(bool scope)
{
	return cmd_fail(EX_CONFIG,
	    "no login with OAuth 2.0 is configured %s. This makes one:\n    "
	    "OAuth2_Provider = microsoft\n    OAuth2_Client_Id = \"the id of the application\"\n   "
	    " Outbound_SMTP_AUTH_User = \"user@example.com\"%s",
	    scope ? "there" : PHRASE("outside the stanzas"),
	    scope ? "" : PHRASE("\nFor one in a stanza name it: gatepost login binding NAME"));
}

int cmd_login(int argc, char **argv)
{
	enum { CONF, STORE, OPTIONS };
	const char *value[OPTIONS] = { [CONF] = SETTINGS_FILE };
	static struct conf_sending key;
	const struct conf *conf;
	struct fmt *why = cmd_why();
	int at = opts_take(argc, argv, "c:file s:store", value), status;

	if (at == 0)
		return EX_USAGE;
	conf = cmd_conf(value[CONF]);
	if (conf == NULL)
		return EX_CONFIG;
	if (!conf_sending_at(
		conf, (const char *const *)(argv + at), (size_t)(argc - at), &key, why))
		return cmd_usage(why->p);
	if (!conf_wants_token(&key))
		return none_configured(at < argc);
	login = (struct grant){ .file = value[CONF], .store = value[STORE], .key = &key };
	signal(SIGPIPE, SIG_IGN);
	status = log_in();
	grant_end();
	return status;
}
