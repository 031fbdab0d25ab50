/* SPDX-License-Identifier: ISC */
/*
 * ON(CONFIG_X) is 1 where the option was chosen, else 0: a constant expression, so that a table may
 * say ON(CONFIG_X) ? &x : NULL, and x need not be linked where it was left out.
 */
#ifndef BASE_ON_H
#define BASE_ON_H

#include "base/limits.h"

#define ON(option) ON_VALUE(option)
#define ON_VALUE(value) ON_PICK(ON_IS_##value 1, 0, 0)
#define ON_IS_1 0,
#define ON_PICK(junk, ...) ON_SECOND(junk, __VA_ARGS__)
#define ON_SECOND(junk, value, ...) value

#endif
