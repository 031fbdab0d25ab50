/* SPDX-License-Identifier: ISC */
#include "conf/regex.h"

#include "base/fmt.h"

size_t regex_compile(struct bytes pattern, struct regex_step *steps, const char **why)
{
	(void)pattern;
	(void)steps;
	*why = PHRASE("patterns are not built into this gatepost (CONFIG_CONF_REGEX)");
	return 0;
}

bool regex_match(const struct conf_regex *re, struct bytes text)
{
	(void)re;
	(void)text;
	return false;
}
