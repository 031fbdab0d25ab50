/* SPDX-License-Identifier: ISC */
/* One look-up from question to answer: an address, /etc/hosts, name servers, mail exchangers. */
#ifndef RUN_LOOKUP_H
#define RUN_LOOKUP_H

#include "io/prefer.h"
#include "run/mx.h"
#include "run/names.h"
#include "run/resolver.h"

enum lookup_stage {
	LOOKUP_IDLE,
	LOOKUP_HOST,      /* addresses of the name, in the search domains first */
	LOOKUP_MX,
	LOOKUP_EXCHANGER, /* addresses of one of its mail exchangers */
};

/* All zeros before its first use. */
struct lookup {
	enum lookup_stage stage;
	struct resolver resolver;
	void (*done)(struct lookup *l); /* l->answer is complete, l may be used again */
	struct names_question q;
	struct names_answer answer;
	struct bytes search;            /* domains not tried yet */
	bool plain;                     /* the name as it stands was tried */
	char name[NAMES_HOST + NAMES_HOST]; /* with a search domain */
	unsigned found;
	struct inet_addr addr[PREFER_MAX];
	bool temporary;                 /* an exchanger could not be looked up */
	unsigned nmx, at;
	struct mx_host mx[MX_HOSTS];
};

/* Begins with l->q. l->done is called once, perhaps before this returns. */
void lookup_start(struct lookup *l);

#endif
