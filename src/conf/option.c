/* SPDX-License-Identifier: ISC */
#include "conf/option.h"

#include "base/fmt.h"
#include "base/likeness.h"
#include "base/limits.h"
#include "base/on.h"
#include "conf/conf.h"

#include <string.h>

#define AT(kind) (1u << SCOPE_##kind)

#define SCOPES_G AT(GLOBAL)
#define SCOPES_R (AT(PEER) | AT(LISTEN) | AT(ESMTP_LISTENER) | AT(GLOBAL))
#define SCOPES_A (SCOPES_R | AT(AUTH_USER))
#define SCOPES_U AT(AUTH_USER)
#define SCOPES_C (SCOPES_L | AT(GLOBAL))
#define SCOPES_L (AT(LISTEN) | AT(ESMTP_LISTENER))
#define SCOPES_S (AT(DOMAIN) | AT(BINDING) | AT(BINDING_GROUP) | AT(GLOBAL))
#define SCOPES_D (AT(DOMAIN) | AT(GLOBAL))
#define SCOPES_B (AT(BINDING) | AT(BINDING_GROUP) | AT(GLOBAL))

#define GROUP_OF_G GROUP_GLOBAL
#define GROUP_OF_R GROUP_RECEIVE
#define GROUP_OF_A GROUP_RECEIVE
#define GROUP_OF_U GROUP_AUTH_USER
#define GROUP_OF_C GROUP_LISTEN
#define GROUP_OF_L GROUP_LISTEN
#define GROUP_OF_S GROUP_SENDING
#define GROUP_OF_D GROUP_SENDING
#define GROUP_OF_B GROUP_HEADER

#define FIELD_G(field) offsetof(struct conf_global, field)
#define FIELD_R(field) offsetof(struct conf_receive, field)
#define FIELD_A(field) offsetof(struct conf_receive, field)
#define FIELD_U(field) offsetof(struct conf_auth_user, field)
#define FIELD_C(field) offsetof(struct conf_listen, field)
#define FIELD_L(field) offsetof(struct conf_listen, field)
#define FIELD_S(field) offsetof(struct conf_sending, field)
#define FIELD_D(field) offsetof(struct conf_sending, field)
#define FIELD_B(field) offsetof(struct conf_header, field)

#define COMPUTED(words) "*"

/* Name, spec and default of each, and where they begin: much smaller than tables of pointers. */
struct texts {
#define OPTION(id, name, type, scopes, field, spec, max, value, help)   \
	char of_##id[sizeof(name "\0" spec "\0" value)];
#define REFUSED(name, why)
#include "conf/options.def"
#undef OPTION
#undef REFUSED
};

static const struct texts texts = {
#define OPTION(id, name, type, scopes, field, spec, max, value, help) name "\0" spec "\0" value,
#define REFUSED(name, why)
#include "conf/options.def"
#undef OPTION
#undef REFUSED
};

const struct option option_table[OPTIONS] = {
#define OPTION(id, name, type, scopes, field, spec, max, value, help)                         \
	[OPTION_##id] = { offsetof(struct texts, of_##id), FIELD_##scopes(field), max,        \
		TYPE_##type, GROUP_OF_##scopes, SCOPES_##scopes },
#define REFUSED(name, why)
#include "conf/options.def"
#undef OPTION
#undef REFUSED
};

const char *option_name(const struct option *o)
{
	return (const char *)&texts + o->texts;
}

static const char *behind(const char *text)
{
	return text + strlen(text) + 1;
}

const char *option_spec(const struct option *o)
{
	return behind(option_name(o));
}

const char *option_value(const struct option *o)
{
	return behind(option_spec(o));
}

struct bytes option_word(const struct option *o, unsigned i)
{
	struct bytes spec = bytes_of(option_spec(o)), word;

	while (i-- > 0)
		spec = bytes_skip(spec, bytes_find(spec, '|') + 1);
	word = bytes_first(spec, bytes_find(spec, '|'));
	return word.n > 0 && option_is_mark(word.p[0]) ? bytes_skip(word, 1) : word;
}

static const struct {
	const char *name, *why;
} refused[] = {
#define OPTION(id, name, type, scopes, field, spec, max, value, help)
#define REFUSED(name, why) { name, PHRASE(why) },
#include "conf/options.def"
#undef OPTION
#undef REFUSED
};

static const struct {
	const char *name;
	uint8_t parents;
} scopes[SCOPES] = {
	[SCOPE_GLOBAL] = { "global scope", 0 },
	[SCOPE_BINDING_GROUP] = { "Binding_Group", AT(GLOBAL) },
	[SCOPE_BINDING] = { "Binding", AT(GLOBAL) | AT(BINDING_GROUP) },
	[SCOPE_DOMAIN] = { "Domain", AT(GLOBAL) | AT(BINDING_GROUP) | AT(BINDING) },
	[SCOPE_ESMTP_LISTENER] = { "ESMTP_Listener", AT(GLOBAL) },
	[SCOPE_LISTEN] = { "Listen", AT(ESMTP_LISTENER) },
	[SCOPE_PEER] = { "Peer", AT(ESMTP_LISTENER) | AT(LISTEN) },
	[SCOPE_AUTH_USER] = { "Auth_User", AT(GLOBAL) },
};

enum option_id option_find(struct bytes name)
{
	for (unsigned i = 0; i < OPTIONS; i++) {
		if (bytes_same_fold(name, bytes_of(option_name(&option_table[i]))))
			return (enum option_id)i;
	}
	return OPTIONS;
}

const char *option_refused(struct bytes name)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (bytes_same_fold(name, bytes_of(refused[i].name)))
			return refused[i].why;
	}
	return NULL;
}

const char *option_nearest(struct bytes name)
{
	struct likeness l;

	likeness_begin(&l, name);
	for (unsigned i = 0; i < OPTIONS; i++)
		likeness_try(&l, option_name(&option_table[i]));
	return l.best;
}

enum scope_kind scope_find(struct bytes name)
{
	for (unsigned i = SCOPE_GLOBAL + 1; i < SCOPES; i++) {
		if (bytes_same_fold(name, bytes_of(scopes[i].name)))
			return (enum scope_kind)i;
	}
	return SCOPES;
}

const char *scope_nearest(struct bytes name)
{
	struct likeness l;

	likeness_begin(&l, name);
	for (unsigned i = SCOPE_GLOBAL + 1; i < SCOPES; i++)
		likeness_try(&l, scopes[i].name);
	return l.best;
}

const char *scope_name(enum scope_kind kind)
{
	return kind < SCOPES ? scopes[kind].name : "?";
}

unsigned scope_parents(enum scope_kind kind)
{
	return kind < SCOPES ? scopes[kind].parents : 0;
}

bool option_is_mark(uint8_t c)
{
	return c != 0 && memchr("~+@^&%", c, 6) != NULL;
}

bool option_is_built(uint8_t c)
{
	switch (c) {
	case '%':
		return ON(CONFIG_SPOOL);
	case '~':
		return ON(CONFIG_TLS);
	case '+':
		return ON(CONFIG_SERVER_AUTH);
	case '@':
		return ON(CONFIG_OAUTH);
	case '^':
		return ON(CONFIG_SASL_CRAM);
	case '&':
		return ON(CONFIG_SASL_SCRAM);
	default:
		return true;
	}
}

bool option_is_list(const struct option *o)
{
	return o->type == TYPE_NETS || o->type == TYPE_ALLOWED || o->type == TYPE_ROUTES ||
	       o->type == TYPE_PINS;
}

bool option_is_bare(const struct option *o)
{
	return o->type <= TYPE_TIME || o->type == TYPE_PORT;
}
