/* SPDX-License-Identifier: ISC */
#include "relay/verdict.h"

/* Codes that speak of the gateway or the login, never of the mail. */
static bool is_gateways_own(unsigned code)
{
	static const uint16_t codes[] = { 421, 432, 454, 500, 502, 503, 530, 534, 535, 538 };

	for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i] == code)
			return true;
	return false;
}

static enum verdict refusal(unsigned code)
{
	if (code < 400 || code > 599 || is_gateways_own(code))
		return VERDICT_FAIL;
	return code < 500 ? VERDICT_DEFER : VERDICT_REJECT;
}

enum verdict verdict_of(enum client_command cmd, const struct reply *r)
{
	unsigned class = r->code / 100;

	switch (cmd) {
	case CLIENT_CMD_NONE:
		return refusal(r->code);
	case CLIENT_CMD_GREETING:
		return r->code == 220 ? VERDICT_OK : VERDICT_FAIL;
	case CLIENT_CMD_DATA:
		return r->code == 354 ? VERDICT_OK : refusal(r->code);
	case CLIENT_CMD_MAIL:
	case CLIENT_CMD_RCPT:
	case CLIENT_CMD_END:
		return class == 2 ? VERDICT_OK : refusal(r->code);
	case CLIENT_CMD_EHLO:
	case CLIENT_CMD_HELO:
	case CLIENT_CMD_STARTTLS:
	case CLIENT_CMD_AUTH:
	case CLIENT_CMD_RSET:
	case CLIENT_CMD_NOOP:
	case CLIENT_CMD_QUIT:
		break;
	}
	return class == 2 ? VERDICT_OK : VERDICT_FAIL;
}

enum verdict_trouble verdict_trouble_of(const struct reply *r)
{
	switch (r->code) {
	case 530:
	case 534:
	case 535:
	case 538:
		return VERDICT_LOGIN;
	default:
		return VERDICT_PROTOCOL;
	}
}

const char *verdict_enhanced(enum verdict_trouble trouble)
{
	switch (trouble) {
	case VERDICT_NO_NAME:
	case VERDICT_NO_CONNECT:
		return "4.4.1";
	case VERDICT_TLS:
	case VERDICT_CERTIFICATE:
	case VERDICT_LOGIN:
		return "4.7.0";
	case VERDICT_TIMEOUT:
	case VERDICT_LOST:
	case VERDICT_PROTOCOL:
		break;
	}
	return "4.4.2";
}
