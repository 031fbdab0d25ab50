/* SPDX-License-Identifier: ISC */
#include "conf/option.h"

#include "base/limits.h"
#include "conf/conf.h"

#include <string.h>

#define AT(kind) (1u << SCOPE_##kind)

#define SCOPES_G AT(GLOBAL)
#define SCOPES_R (AT(PEER) | AT(LISTEN) | AT(ESMTP_LISTENER) | AT(GLOBAL))
#define SCOPES_L (AT(LISTEN) | AT(ESMTP_LISTENER))
#define SCOPES_S (AT(DOMAIN) | AT(BINDING) | AT(BINDING_GROUP) | AT(GLOBAL))
#define SCOPES_D (AT(DOMAIN) | AT(GLOBAL))
#define SCOPES_B (AT(BINDING) | AT(BINDING_GROUP) | AT(GLOBAL))

#define GROUP_OF_G GROUP_GLOBAL
#define GROUP_OF_R GROUP_RECEIVE
#define GROUP_OF_L GROUP_LISTEN
#define GROUP_OF_S GROUP_SENDING
#define GROUP_OF_D GROUP_SENDING
#define GROUP_OF_B GROUP_HEADER

#define FIELD_G(field) offsetof(struct conf_global, field)
#define FIELD_R(field) offsetof(struct conf_receive, field)
#define FIELD_L(field) offsetof(struct conf_listen, field)
#define FIELD_S(field) offsetof(struct conf_sending, field)
#define FIELD_D(field) offsetof(struct conf_sending, field)
#define FIELD_B(field) offsetof(struct conf_header, field)

/* One text behind the other, and where each begins: half the size of a table of pointers. */
struct texts {
#define OPTION(id, name, type, scopes, field, spec, max, value, help)   \
	char name_##id[sizeof(name)];                                   \
	char spec_##id[sizeof(spec)];                                   \
	char value_##id[sizeof(value)];
#define REFUSED(name, why)
#include "conf/options.def"
#undef OPTION
#undef REFUSED
};

static const struct texts texts = {
#define OPTION(id, name, type, scopes, field, spec, max, value, help) name, spec, value,
#define REFUSED(name, why)
#include "conf/options.def"
#undef OPTION
#undef REFUSED
};

#define TEXT(member) offsetof(struct texts, member)

const struct option option_table[OPTIONS] = {
#define OPTION(id, name, type, scopes, field, spec, max, value, help)                         \
	[OPTION_##id] = { TEXT(name_##id), TEXT(spec_##id), TEXT(value_##id),                 \
		FIELD_##scopes(field), max, TYPE_##type, GROUP_OF_##scopes, SCOPES_##scopes },
#define REFUSED(name, why)
#include "conf/options.def"
#undef OPTION
#undef REFUSED
};

const char *option_name(const struct option *o)
{
	return (const char *)&texts + o->name;
}

const char *option_spec(const struct option *o)
{
	return (const char *)&texts + o->spec;
}

const char *option_value(const struct option *o)
{
	return (const char *)&texts + o->value;
}

static const struct {
	const char *name;
	const char *why;
} refused[] = {
#define OPTION(id, name, type, scopes, field, spec, max, value, help)
#define REFUSED(name, why) { name, why },
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

#define NAME_MAX_COMPARED 63

/* Letters and digits of a name, lower case; 0 if they are too many to be like any of ours. */
static size_t plain_name(struct bytes name, uint8_t out[NAME_MAX_COMPARED])
{
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '_' || name.p[i] == '-')
			continue;
		if (n == NAME_MAX_COMPARED)
			return 0;
		out[n++] = byte_lower(name.p[i]);
	}
	return n;
}

static uint8_t least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return (uint8_t)(m < c ? m : c);
}

/*
 * Octets to insert, leave out, change or swap with their neighbour to make one name of the
 * other.
 */
static unsigned distance(struct bytes one, struct bytes two)
{
	uint8_t a[NAME_MAX_COMPARED], b[NAME_MAX_COMPARED];
	uint8_t row[3][NAME_MAX_COMPARED + 1] = { { 0 } };
	size_t na = plain_name(one, a), nb = plain_name(two, b);

	if (na == 0 || nb == 0)
		return NAME_MAX_COMPARED;
	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (uint8_t)j;
	for (size_t i = 1; i <= na; i++) {
		uint8_t *now = row[i % 3], *last = row[(i - 1) % 3], *before = row[(i + 1) % 3];

		now[0] = (uint8_t)i;
		for (size_t j = 1; j <= nb; j++) {
			bool same = a[i - 1] == b[j - 1];

			now[j] = least(last[j] + 1u, now[j - 1] + 1u, last[j - 1] + !same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1u, UINT8_MAX);
		}
	}
	return row[na % 3][nb];
}

/*
 * Keeps the better of the candidates; more than a third of the letters wrong is no likeness,
 * unless the name is the begin of the candidate.
 */
static void consider(
    struct bytes name, const char *candidate, const char **best, unsigned *least_far)
{
	struct bytes known = bytes_of(candidate);
	unsigned far = distance(name, known);
	size_t shorter = known.n < name.n ? known.n : name.n;
	bool like = far <= 1 || far <= shorter / 3 ||
		    (name.n >= 4 && bytes_begins_fold(known, name));

	if (far < *least_far && like) {
		*best = candidate;
		*least_far = far;
	}
}

const char *option_nearest(struct bytes name)
{
	const char *best = NULL;
	unsigned least_far = NAME_MAX_COMPARED;

	for (unsigned i = 0; i < OPTIONS; i++)
		consider(name, option_name(&option_table[i]), &best, &least_far);
	return best;
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
	const char *best = NULL;
	unsigned least_far = NAME_MAX_COMPARED;

	for (unsigned i = SCOPE_GLOBAL + 1; i < SCOPES; i++)
		consider(name, scopes[i].name, &best, &least_far);
	return best;
}

const char *scope_name(enum scope_kind kind)
{
	return kind < SCOPES ? scopes[kind].name : "?";
}

unsigned scope_parents(enum scope_kind kind)
{
	return kind < SCOPES ? scopes[kind].parents : 0;
}

bool option_is_list(const struct option *o)
{
	return o->type == TYPE_NETS || o->type == TYPE_ALLOWED || o->type == TYPE_ROUTES;
}

bool option_is_bare(const struct option *o)
{
	return o->type <= TYPE_TIME || o->type == TYPE_PORT;
}
