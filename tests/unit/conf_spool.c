/* SPDX-License-Identifier: ISC */
/* The options of the spool, and the rules between them. */
#include "lib/conf_load.h"

#include "conf/option.h"

TAP_GP_BUG

#define G "Gateway = gw\n"
#define B G "Spoolbase = \"/s\"\n"

/* What is written at global scope, and what eval makes of it. */
static const struct {
	const char *text, *ask, *answer;
} good[] = {
	{G, "spool", "Spool = off"},
	{B, "spool", "Spool = fallback"},
	{B "Spool = off", "spool", "Spool = off"},
	{B "Spool = fallback", "spool", "Spool = fallback"},
	{B "Spool = ALWAYS", "spool", "Spool = always"},
	{"Spool = always\n" B, "spool", "Spool = always"},
	{G, "spoolbase", "unset"},
	{B, "spoolbase", "Spoolbase = \"/s\""},
	{G "Spoolbase = none", "spool", "Spool = off"},
	{B "Spoolbase = none", "spool", "Spool = off"},
	{B, "spool_max_size", "unset"},
	{B "Spool_Max_Size = 64m", "spool_max_size", "Spool_Max_Size = 64m"},
	{B "Spool_Max_Size = 5000g", "spool_max_size", "Spool_Max_Size = 5000g"},
	{B "Spool_Max_Size = none", "spool_max_size", "Spool_Max_Size = none"},
	{B, "spool_reserve", "Spool_Reserve = 1m"},
	{B "Spool_Reserve = 0", "spool_reserve", "Spool_Reserve = none"},
	{B "Spool_Reserve = 16g", "spool_reserve", "Spool_Reserve = 16g"},
	{B, "spool_write_limit", "unset"},
	{B "Spool_Write_Limit = 64m", "spool_write_limit", "Spool_Write_Limit = 64m"},
	{B "Spool_Write_Limit = none", "spool_write_limit", "Spool_Write_Limit = none"},
	{B, "spool_volatile", "Spool_Volatile = false"},
	{B "Spool_Volatile = yes", "spool_volatile", "Spool_Volatile = true"},
	{B, "suspend_delivery", "Suspend_Delivery = false"},
	{B "Suspend_Delivery = true", "suspend_delivery", "Suspend_Delivery = true"},
	{B, "retry_interval", "Retry_Interval = 60s"},
	{B "Retry_Interval = 90", "retry_interval", "Retry_Interval = 90s"},
	{B, "max_retry_interval", "Max_Retry_Interval = 1h"},
	{B "Max_Retry_Interval = 7d", "max_retry_interval", "Max_Retry_Interval = 7d"},
	{B, "message_expiration", "Message_Expiration = 4d"},
	{B "Message_Expiration = 30d", "message_expiration", "Message_Expiration = 30d"},
	{B, "generate_bounces", "Generate_Bounces = true"},
	{B "Generate_Bounces = false", "generate_bounces", "Generate_Bounces = false"},
	{B, "mdn_failures_notify", "unset"},
	{B "MDN_Failures_Notify = it@example.com", "mdn_failures_notify", "MDN_Failures_Notify = \"it@example.com\""},
	{B "MDN_Failures_Notify = none", "mdn_failures_notify", "MDN_Failures_Notify = none"},
	{B "Domain d.e { Retry_Interval = 5m }", "domain d.e retry_interval", "Retry_Interval = 5m"},
	{B "Binding b { Retry_Interval = 5m } Retry_Interval = 2m", "binding b retry_interval", "Retry_Interval = 5m"},
	{B "Binding_Group g { Binding b { } Message_Expiration = 1h }", "binding b message_expiration",
		"Message_Expiration = 1h"},
};

#define WARNING "warning: "
#define ERROR "error: "

/* What is said: where, and the words. */
static const struct {
	const char *text, *said;
} told[] = {
	/* values */
	{G "Spoolbase = spool", "t:2:13: " ERROR "Spoolbase: \"spool\" is not the whole path of a folder, beginning with a "
		"slash\n"},
	{G "Spoolbase = \"\"", "t:2:13: " ERROR "Spoolbase: \"\" is not the whole path of a folder, beginning with a slash\n"},
	{G "Spoolbase = \"/\"", "t:2:13: " ERROR "Spoolbase: \"/\" is not the whole path of a folder, beginning with a slash\n"},
	{G "Spoolbase = ( a )", "t:2:13: " ERROR "Spoolbase takes one value, not a list\n"},
	{B "Spool = maybe", "t:3:9: " ERROR "Spool: \"maybe\" is not one of off, fallback, always\n"},
	{B "Spool_Max_Size = big", "t:3:18: " ERROR "Spool_Max_Size: \"big\" is not a size: write octets, or 64k, 25m, 1g, or "
		"none\n"},
	{B "Message_Expiration = 31d", "t:3:22: " ERROR "Message_Expiration: \"31d\" is too long: at most 30d\n"},
	{B "Message_Expiration = none", "t:3:22: " ERROR "Message_Expiration: \"none\" is not safe here: this wait must end\n"},
	{B "Max_Retry_Interval = 8d", "t:3:22: " ERROR "Max_Retry_Interval: \"8d\" is too long: at most 7d\n"},
	{B "Retry_Interval = 0", "t:3:18: " ERROR "Retry_Interval: \"0\" is too short: at least 1s\n"},
	{B "MDN_Failures_Notify = root", "t:3:23: " ERROR "MDN_Failures_Notify: \"root\" is not an address like "
		"scanner@example.com\n"},
	/* no spool */
	{G "Spool = fallback", "t:2:9: " ERROR "Spool = fallback wants a Spoolbase, the folder in which mail is kept: Spoolbase "
		"= \"/var/spool/gatepost\"\n"},
	{G "Spoolbase = none Spool = always", "t:2:26: " ERROR "Spool = always wants a Spoolbase, the folder in which mail is "
		"kept: Spoolbase = \"/var/spool/gatepost\"\n"},
	{G "Suspend_Delivery = true", "t:2:20: " ERROR "Suspend_Delivery = true keeps all mail, and there is no spool to keep "
		"it in: set Spoolbase\n"},
	{B "Suspend_Delivery = true Spool = off", "t:3:20: " ERROR "Suspend_Delivery = true keeps all mail, and there is no "
		"spool to keep it in: set Spoolbase\n"},
	{G "Suspend_Delivery = false", ""},
	{G "Spool_Max_Size = 1m", "t:2:18: " WARNING "Spool_Max_Size has no say without a spool\n"},
	{B "Spool_Max_Size = 1m Spool = off", ""},
	{G "Spool_Volatile = true\nSpool_Reserve = 0\nSpool_Write_Limit = 1g",
		"t:3:17: " WARNING "Spool_Reserve has no say without a spool\n"
		"t:4:21: " WARNING "Spool_Write_Limit has no say without a spool\n"
		"t:2:18: " WARNING "Spool_Volatile has no say without a spool\n"},
	/* where it lies */
	{G "Spoolbase = \"/file\"", "t:2:13: " ERROR "Spoolbase: /file: is no folder\n"},
	{G "Spoolbase = \"/dev/zero\"", "t:2:13: " ERROR "Spoolbase: /dev/zero: is no folder\n"},
	{G "Spool = off Spoolbase = \"/file\"", ""},
	{B "Spool_Max_Size = 10", "t:3:18: " ERROR "Spool_Max_Size is too small to keep mail: it is in octets, 64k at least "
		"(100m, say)\n"},
	{B "Spool_Max_Size = 64k", ""},
	{G "Spoolbase = \"/ram\"", "t:2:13: " ERROR "Spoolbase: /ram: lies in memory, so that mail that waits there is lost with "
		"the power: name a folder on a disk, or allow that with Spool_Volatile = true\n"},
	{G "Spoolbase = \"/ram/\"\nSpool_Volatile = true", "t:2:13: " WARNING "Spoolbase: /ram: lies in memory: mail that waits "
		"there is lost with the power\n"},
	{G "Spoolbase = \"/flash\"", "t:2:13: " WARNING "Spoolbase: /flash: wears\n"},
	{G "Spoolbase = \"/flash\" Spool_Volatile = true", "t:2:13: " WARNING "Spoolbase: /flash: wears\n"},
	{G "Spool = off Spoolbase = \"/ram\"", ""},
	{B "Spool_Volatile = true", ""},
	{"Spool = off\n" G "Spoolbase = \"/kept\"", "t:1:9: " WARNING "Spool = off, but mail waits in /kept: it stays there, "
		"and is not delivered\n"},
	{"Spool = off\n" G "Spoolbase = \"/empty\"", ""},
	/* waits */
	{B "Retry_Interval = 2h", "t:3:18: " ERROR "Max_Retry_Interval is shorter than Retry_Interval, from which the wait "
		"grows: set both\n"},
	{B "Retry_Interval = 2h Max_Retry_Interval = 2h", ""},
	{B "Max_Retry_Interval = 59", "t:3:22: " ERROR "Max_Retry_Interval is shorter than Retry_Interval, from which the wait "
		"grows: set both\n"},
	{B "Domain d.e { Max_Retry_Interval = 1 }\nBinding b { } Binding c { }", "t:3:35: " ERROR "Max_Retry_Interval is "
		"shorter than Retry_Interval, from which the wait grows: set both\n"},
	{B "Binding b { Retry_Interval = 1d }", "t:3:30: " ERROR "Max_Retry_Interval is shorter than Retry_Interval, from "
		"which the wait grows: set both\n"},
	{B "Message_Expiration = 30s", "t:3:22: " WARNING "Message_Expiration is not longer than Retry_Interval: mail that is "
		"kept is given up without another try\n"},
	{B "Message_Expiration = 61s", ""},
	/* reports */
	{B "Generate_Bounces = false MDN_Failures_Notify = a@b.c", "t:3:48: " WARNING "MDN_Failures_Notify has no say where "
		"Generate_Bounces = false\n"},
	{"Spoolbase = \"/s\"\nDomain d.e { Gateway = gw }\nMDN_Failures_Notify = 'it@\"@b.c'\n",
		"t:3:23: " ERROR "MDN_Failures_Notify: \"it@\"@b.c\" is not an address like scanner@example.com\n"},
	{"Spoolbase = \"/s\"\nDomain d.e { Gateway = gw }\nMDN_Failures_Notify = it@b.c\n",
		"t:3:23: " WARNING "MDN_Failures_Notify: no gateway is in force for mail to it@b.c, so that reports never get "
		"there: write Domain \"b.c\" { Gateway = ... }\n"},
	{"Spoolbase = \"/s\"\nDomain d.e { Gateway = gw }\nMDN_Failures_Notify = '\"a@b\"@D.e'\n", ""},
	{"Spoolbase = \"/s\"\nBinding b { Gateway = gw MDN_Failures_Notify = a@b.c }\n", ""},
};

static const char *look(void *ctx, enum conf_file what, const char *path, const char *other)
{
	(void)ctx;
	(void)other;
	if (what != CONF_FILE_SPOOL)
		return NULL;
	return strcmp(path, "/ram") == 0 ? "lies in memory" : strcmp(path, "/flash") == 0 ? "!wears" : NULL;
}

static void load_with_files(const char *text)
{
	static struct mem_file files[] = {{"t", NULL}, {"/file", ""}, {"/kept/corrupt/x", ""}, {"/kept/0123456789abcdefghij", ""},
		{"/empty/corrupt/x", ""}, {NULL, NULL}};

	fresh_source();
	conf_src.look = look;
	files[0].text = text;
	load_files(files);
}

static void test_numbers(void)
{
	struct conf_sending s;

	loads(B);
	ok(conf.global.spool_max_size == 0, "Spool_Max_Size is not set: by what is free");
	ok(conf.global.spool_write_limit == UINT64_MAX, "Spool_Write_Limit is not set: by the file system");
	is_num(conf.global.spool_reserve, 1048576, "a reserve of 1 MiB");
	conf_sending(&conf, 0, BYTES("a.b"), &s);
	is_num(s.retry_interval, 60, "Retry_Interval");
	is_num(s.max_retry_interval, 3600, "Max_Retry_Interval");
	is_num(s.message_expiration, 345600, "Message_Expiration");
	ok(s.generate_bounces && !s.mdn_failures_notify, "reports, to nobody else");
	loads(B "Spool_Max_Size = 0 Spool_Write_Limit = 0 Spool_Reserve = none MDN_Failures_Notify = a@b.c");
	ok(conf.global.spool_max_size == UINT64_MAX, "no Spool_Max_Size");
	ok(conf.global.spool_write_limit == 0, "no Spool_Write_Limit");
	is_num(conf.global.spool_reserve, 0, "no reserve");
	conf_sending(&conf, 0, BYTES("a.b"), &s);
	is_str(s.mdn_failures_notify, "a@b.c", "MDN_Failures_Notify");
	loads(G "Spoolbase = \"/s/t//\"");
	is_str(conf.global.spoolbase, "/s/t", "a folder without slashes at its end");
	loads(G);
	ok(!conf.global.spoolbase && conf.global.spool == CONF_SPOOL_OFF, "no spool");
}

/* In a build whose Spoolbase has a default. */
#define D CONFIG_SPOOLBASE
static void test_default(void)
{
	static const struct {
		const char *text, *ask, *answer;
	} in_force[] = {
		{ G, "spoolbase", "Spoolbase = \"" D "\"" },
		{ G, "spool", "Spool = fallback" },
		{ G "Spool = off", "spool", "Spool = off" },
		{ G "Spool = always", "spool", "Spool = always" },
		{ G "Spoolbase = none", "spool", "Spool = off" },
		{ B, "spoolbase", "Spoolbase = \"/s\"" },
		{ B, "spool", "Spool = fallback" },
	};
	static const char *const good_all_the_same[] = { G, G "Spool = fallback", G "Spool = off", G "Retry_Interval = 5s",
		G "Spool_Volatile = true", G "Suspend_Delivery = true" };
	static struct mem_file file[] = { { "t", NULL }, { D, "" }, { NULL, NULL } };
	static struct mem_file mail[] = { { "t", G "Spool = off" }, { D "/0123456789abcdefghij", "" }, { NULL, NULL } };

	for (size_t i = 0; i < sizeof(in_force) / sizeof(in_force[0]); i++) {
		if (loads(in_force[i].text))
			is_str(eval(in_force[i].ask), in_force[i].answer, "by default, ... %s", in_force[i].ask);
	}
	conf_src.look = look;
	for (size_t i = 0; i < sizeof(good_all_the_same) / sizeof(good_all_the_same[0]); i++) {
		file[0].text = good_all_the_same[i];
		ok(load_files(file) == CONF_OK, "a default that cannot be used is no error: case %zu", i);
		is_str(said, "", "and nothing is said");
	}
	file[0].text = G "Spoolbase = \"" D "\"";
	ok(load_files(file) == CONF_BAD, "where the same folder is written it is one");
	is_str(said, "t:2:13: " ERROR "Spoolbase: " D ": is no folder\n", "and that is said");
	load(G "Spool_Max_Size = 10");
	is_str(said, "t:2:18: " ERROR "Spool_Max_Size is too small to keep mail: it is in octets, 64k at least (100m, say)\n",
	    "its size counts");
	load_files(mail);
	is_str(said, "t:2:9: " WARNING "Spool = off, but mail waits in " D ": it stays there, and is not delivered\n",
	    "mail in it is told of");
}

/* In a build without it. */
static void test_left_out(void)
{
	char text[200];

	for (unsigned id = OPTION_SPOOLBASE; id <= OPTION_MDN_FAILURES_NOTIFY; id++) {
		const char *name = option_name(&option_table[id]);

		snprintf(text, sizeof(text), G "%s = 1", name);
		ok(load(text) == CONF_BAD && strstr(said, name) && strstr(said, " is not built into this gatepost\n"),
			"%s is not built in", name);
	}
	load(G "Spool = fallback");
	is_str(said, "t:2:9: error: Spool: \"fallback\" is not built into this gatepost\n", "fallback is not built in");
	load(G "Spool = always");
	is_str(said, "t:2:9: error: Spool: \"always\" is not built into this gatepost\n", "always is not built in");
	loads(G "Spool = off");
	is_str(eval("spool"), "Spool = off", "off is");
	is_str(eval("retry_interval"), "unset", "there is no Retry_Interval");
}

int main(void)
{
	if (!ON(CONFIG_SPOOL)) {
		test_left_out();
		return done();
	}
	if (CONFIG_SPOOLBASE[0] != '\0') {
		test_default();
		return done();
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (loads(good[i].text))
			is_str(eval(good[i].ask), good[i].answer, "... %s", good[i].ask);
	}
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		load_with_files(told[i].text);
		is_str(said, told[i].said, "what is said of case %zu", i);
	}
	conf_src.look = NULL;
	test_numbers();
	return done();
}
