/* SPDX-License-Identifier: ISC */
/*
 * OAuth 2.0 (RFC 6749) as an unattended mailer needs it: what to send to which address of the
 * provider, and what its answers mean. Three grants: device (RFC 8628), code (with PKCE, RFC 7636;
 * the address that the browser ended at is pasted back), client credentials. And the renewal by a
 * refresh token, which the first two give.
 *
 * Of the sending options only those of the login are read: oauth_*, login_user.
 */
#ifndef TOKEN_OAUTH_H
#define TOKEN_OAUTH_H

#include "base/fmt.h"
#include "conf/conf.h"

#define OAUTH_TOKEN    8192u /* octets of an access token or a refresh token at the most */
#define OAUTH_NAME     64u   /* octets of oauth_name, NUL included */
#define OAUTH_URL      3072u /* octets of an address, NUL included */
#define OAUTH_WHY      200u  /* octets of a reason, NUL included */
#define OAUTH_CODE     2048u /* octets of a code that is pasted or of a device's, NUL included */
#define OAUTH_RANDOM   32u   /* octets that a verifier, and a state, are made of */
#define OAUTH_VERIFIER 44u   /* octets of its text, NUL included */
#define OAUTH_LIFE     3600u /* seconds of a token whose provider does not say */
#define OAUTH_SLOWER   5u    /* seconds that slow_down adds to the interval */

/* Are all options there that the login needs? False: what is missing, as an option's name. */
bool oauth_is_ready(const struct conf_sending *s, struct fmt *why);

/* Are access tokens got with a refresh token, else with the client's secret alone? */
bool oauth_uses_refresh(const struct conf_sending *s);

/*
 * The name of the file that the refresh token of this login is kept in: what is plain of the user's
 * name, and 8 hexadecimal digits of a hash over token address, client id and user.
 */
void oauth_name(struct fmt *f, const struct conf_sending *s);
bool oauth_is_name(struct bytes name);

/* ---- addresses ---- */

enum oauth_address {
	OAUTH_TOKENS, /* OAuth2_Token_URL, else the provider's */
	OAUTH_DEVICE, /* the provider's; with OAuth2_Token_URL its last part: devicecode */
	OAUTH_AUTHORIZE, /* the same: authorize */
};

void oauth_address(struct fmt *f, const struct conf_sending *s, enum oauth_address which);

/*
 * The address to be opened by a person for the grant code. verifier and state come from
 * oauth_verifier.
 */
void oauth_browse(
    struct fmt *f, const struct conf_sending *s, const char *verifier, const char *state);

/* OAUTH_RANDOM random octets as text. */
void oauth_verifier(char text[OAUTH_VERIFIER], const uint8_t *random);

enum oauth_paste {
	OAUTH_PASTED,        /* code is the code */
	OAUTH_REFUSED_THERE, /* whoever was asked said no: code holds the reason */
	OAUTH_STRANGE_STATE, /* the address belongs to another login */
	OAUTH_NO_CODE,
};

/* What was pasted: the address that the browser ended at, its query, or the bare code. */
enum oauth_paste oauth_pasted(struct bytes text, const char *state, struct fmt *code);

/* ---- forms: what to POST to the address ---- */

void oauth_form_device(struct fmt *f, const struct conf_sending *s);
void oauth_form_poll(struct fmt *f, const struct conf_sending *s, const char *device_code);
void oauth_form_code(
    struct fmt *f, const struct conf_sending *s, struct bytes code, const char *verifier);
void oauth_form_client(struct fmt *f, const struct conf_sending *s);
void oauth_form_refresh(struct fmt *f, const struct conf_sending *s, struct bytes refresh_token);

/* ---- answers: HTTP status and body ---- */

enum oauth_outcome {
	OAUTH_GIVEN,
	OAUTH_PENDING,   /* device: not yet */
	OAUTH_SLOW_DOWN, /* the same; and from now on OAUTH_SLOWER more between two questions */
	OAUTH_FINAL,     /* this grant or refresh token will never do again */
	OAUTH_FAILED,    /* anything else; it may help to try again, or to change an option */
};

struct oauth_tokens {
	uint32_t life;              /* seconds, > 0 */
	uint32_t naccess, nrefresh; /* nrefresh 0: none came */
	char access[OAUTH_TOKEN + 1], refresh[OAUTH_TOKEN + 1];
	char why[OAUTH_WHY]; /* unless given: in words, printable, without a secret */
};

enum oauth_outcome oauth_answer(struct oauth_tokens *t, unsigned status, struct bytes body);

struct oauth_device {
	uint32_t interval, life; /* seconds between two questions; until the code expires */
	char code[OAUTH_CODE], user_code[64], address[512];
	char why[OAUTH_WHY];
};

/* OAUTH_GIVEN or OAUTH_FAILED. */
enum oauth_outcome oauth_device(struct oauth_device *d, unsigned status, struct bytes body);

#endif
