/* SPDX-License-Identifier: ISC */
/*
 * OAuth 2.0 (RFC 6749) as an unattended mailer needs it: what to send to which address of the
 * provider, and what its answers mean. Three grants: device (RFC 8628), code (with PKCE, RFC 7636;
 * the address that the browser ended at is pasted back), client credentials. And the renewal by a
 * refresh token, which the first two give.
 */
#ifndef TOKEN_OAUTH_H
#define TOKEN_OAUTH_H

#include "base/fmt.h"
#include "conf/conf.h"

#define OAUTH_TOKEN 8192u /* octets of an access token or a refresh token at the most */

#endif
