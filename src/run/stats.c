/* SPDX-License-Identifier: ISC */
#include "run/stats.h"

struct stats stats;
