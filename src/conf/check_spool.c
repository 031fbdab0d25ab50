/* SPDX-License-Identifier: ISC */
/* Rules of the spool, and of sending what waits in it. */
#include "conf/build.h"

#include "base/on.h"

#include <string.h>

#define LEAST_SIZE (64u << 10) /* of a spool: below it hardly a mail fits */
#define SAID_MAX   32u         /* places that are remembered, so that each is told of once */

struct check {
	struct build *b;
	const struct conf *c;
	struct conf_place main;
	unsigned nsaid;
	const struct conf_place *said[SAID_MAX];
};

static const struct bytes nothing;

/* --- the whole box --- */

static bool is_new(struct check *k, const struct conf_place *at)
{
	for (unsigned i = 0; i < k->nsaid; i++) {
		if (k->said[i] == at)
			return false;
	}
	if (k->nsaid < SAID_MAX)
		k->said[k->nsaid++] = at;
	return true;
}

static const struct conf_setting *global(const struct check *k, enum option_id id)
{
	return tree_setting(k->b->tree->global, id);
}

static void check_folder(struct check *k)
{
	const struct conf_source *src = k->b->src;
	const struct conf_global *g = &k->c->global;
	const struct conf_setting *set = global(k, OPTION_SPOOLBASE);
	const char *wrong;

	if (global(k, OPTION_SPOOL_MAX_SIZE) && g->spool_max_size < LEAST_SIZE)
		build_error(k->b, global(k, OPTION_SPOOL_MAX_SIZE)->at,
		    "Spool_Max_Size is too small to keep mail: it is in octets, 64k at least "
		    "(100m, say)");
	if (sizeof(CONFIG_SPOOLBASE) > 1 && !set) /* the build's own: what is wrong is told later */
		return;
	switch (src->kind(src->ctx, g->spoolbase)) {
	case CONF_KIND_FILE:
	case CONF_KIND_OTHER:
		check_file(k->b, set->at, "Spoolbase", g->spoolbase, "is no folder");
		return;
	case CONF_KIND_FOLDER:
	case CONF_KIND_NONE:
		break;
	}
	wrong = src->look ? src->look(src->ctx, CONF_FILE_SPOOL, g->spoolbase, NULL) : NULL;
	if (!wrong)
		return;
	if (wrong[0] == '#')
		check_file(k->b, set->at, "Spoolbase", g->spoolbase, wrong + 1);
	else if (wrong[0] != '!' && g->spool_volatile)
		build_warning(k->b, set->at,
		    "Spoolbase: %s: %s: mail that waits there is lost with the power", g->spoolbase,
		    wrong);
	else if (wrong[0] != '!')
		build_error(k->b, set->at,
		    "Spoolbase: %s: %s, so that mail that waits there is lost with the power: name "
		    "a folder on a disk, or allow that with Spool_Volatile = true",
		    g->spoolbase, wrong);
	else
		check_file(k->b, set->at, "Spoolbase", g->spoolbase, wrong);
}

/* Is there a mail in the folder? Its name is an id of 20 octets; there are few other files. */
static bool holds_mail(const struct conf_source *src, const char *folder)
{
	char name[CONF_NAME_MAX + 1] = "", after[CONF_NAME_MAX + 1];

	for (unsigned i = 0; i < 8; i++) {
		memcpy(after, name, sizeof(after));
		if (!src->next(src->ctx, folder, after, name))
			return false;
		if (strlen(name) == 20)
			return true;
	}
	return false;
}

/* What is set for a spool that is not used. */
static void check_unused(struct check *k)
{
	const struct conf_setting *suspend = global(k, OPTION_SUSPEND_DELIVERY);

	if (k->c->global.suspend_delivery)
		build_error(k->b, suspend->at,
		    "Suspend_Delivery = true keeps all mail, and there is no spool to keep it in: "
		    "set Spoolbase");
	if (k->c->global.spoolbase && holds_mail(k->b->src, k->c->global.spoolbase))
		build_warning(k->b, global(k, OPTION_SPOOL)->at,
		    "Spool = off, but mail waits in %s: it stays there, and is not delivered",
		    k->c->global.spoolbase);
	for (unsigned id = OPTION_SPOOL_MAX_SIZE; id < OPTION_SUSPEND_DELIVERY; id++) {
		const struct conf_setting *set = global(k, (enum option_id)id);

		if (set && !k->c->global.spoolbase)
			build_warning(k->b, set->at, "%s has no say without a spool",
			    option_name(&option_table[id]));
	}
}

/* --- sending what waits --- */

/* The place of the first of two options that is set there, else of the other. */
static const struct conf_place *place_of(
    const struct check *k, const struct tree_spot *spot, enum option_id a, enum option_id b)
{
	const struct conf_setting *set = tree_in_force(spot, a);

	if (!set)
		set = tree_in_force(spot, b);
	return set ? set->at : &k->main;
}

static void check_waits(struct check *k, const struct tree_spot *spot)
{
	const struct conf_sending *s = &spot->sending;
	const struct conf_place *at = place_of(
	    k, spot, OPTION_MAX_RETRY_INTERVAL, OPTION_RETRY_INTERVAL);

	if (s->max_retry_interval < s->retry_interval && is_new(k, at))
		build_error(k->b, at,
		    "Max_Retry_Interval is shorter than Retry_Interval, from which the wait grows: "
		    "set both");
	at = place_of(k, spot, OPTION_MESSAGE_EXPIRATION, OPTION_RETRY_INTERVAL);
	if (s->message_expiration <= s->retry_interval && is_new(k, at))
		build_warning(k->b, at,
		    "Message_Expiration is not longer than Retry_Interval: mail that is kept is "
		    "given up without another try");
}

/* A report goes its own way: to the domain of its recipient, with the binding of the mail. */
static void check_contact(struct check *k, const struct tree_spot *spot)
{
	const struct conf_setting *set = tree_in_force(spot, OPTION_MDN_FAILURES_NOTIFY);
	const char *contact = spot->sending.mdn_failures_notify;
	struct bytes domain = contact ? bytes_of(contact) : nothing;
	struct conf_sending s;

	if (!set || !contact)
		return;
	while (bytes_find(domain, '@') < domain.n)
		domain = bytes_skip(domain, bytes_find(domain, '@') + 1);
	conf_sending(k->c, spot->binding, domain, &s);
	if (!s.routes && is_new(k, set->at))
		build_warning(k->b, set->at,
		    "MDN_Failures_Notify: no gateway is in force for mail to %s, so that reports "
		    "never get there: write Domain \"%.*s\" { Gateway = ... }",
		    contact, SPAN(domain));
	else if (!spot->sending.generate_bounces && is_new(k, set->at))
		build_warning(
		    k->b, set->at, "MDN_Failures_Notify has no say where Generate_Bounces = false");
}

static void check_spot(void *ctx, const struct tree_spot *spot)
{
	struct check *k = ctx;

	if (build_is_over(k->b))
		return;
	check_waits(k, spot);
	check_contact(k, spot);
}

void check_spool(struct build *b, struct conf *c)
{
	struct check k = { .b = b, .c = c, .main = { b->main_file, 1, 1 } };
	const struct conf_setting *spool = global(&k, OPTION_SPOOL);
	const struct conf_global *g = &c->global;

	if (!ON(CONFIG_SPOOL) || !b->spool_seen)
		return;
	if (g->spool != CONF_SPOOL_OFF && !g->spoolbase) {
		struct bytes word = option_word(&option_table[OPTION_SPOOL], g->spool);

		build_error(b, spool->at,
		    "Spool = %.*s wants a Spoolbase, the folder in which mail is kept: Spoolbase = "
		    "\"/var/spool/gatepost\"",
		    SPAN(word));
	} else if (g->spool != CONF_SPOOL_OFF) {
		check_folder(&k);
	} else {
		check_unused(&k);
	}
	tree_each(b->tree, b->bindings, check_spot, &k);
}
