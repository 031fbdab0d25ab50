/* SPDX-License-Identifier: ISC */
#include "relay/txn.h"

static const char *const phases[TXN_PHASES] = {
	[TXN_IDLE] = "idle",
	[TXN_OPEN] = "open",
	[TXN_OPENING] = "opening",
	[TXN_HELD] = "held",
	[TXN_MAIL_SENT] = "mail-sent",
	[TXN_RCPT_SENT] = "rcpt-sent",
	[TXN_ENVELOPE] = "envelope",
	[TXN_AGAIN_MAIL] = "again-mail",
	[TXN_AGAIN_RCPT] = "again-rcpt",
	[TXN_DATA_SENT] = "data-sent",
	[TXN_BODY] = "body",
	[TXN_VOID] = "void",
	[TXN_END_SENT] = "end-sent",
	[TXN_REFUSED] = "refused",
	[TXN_FAILED] = "failed",
};

static const char *const events[TXN_EVENTS] = {
	[TXN_MAIL] = "MAIL",
	[TXN_RCPT] = "RCPT",
	[TXN_RCPT_OTHER] = "RCPT-other",
	[TXN_DATA] = "DATA",
	[TXN_EOM] = "EOM",
	[TXN_FAULT] = "fault",
	[TXN_RESET] = "reset",
	[TXN_GONE] = "gone",
	[TXN_PATIENCE] = "patience",
	[TXN_READY] = "ready",
	[TXN_OK] = "ok",
	[TXN_DEFER] = "defer",
	[TXN_REJECT] = "reject",
	[TXN_EARLY] = "early",
	[TXN_FAIL] = "fail",
	[TXN_WANTED] = "wanted",
};

const char *txn_phase_name(enum txn_phase p)
{
	return p < TXN_PHASES ? phases[p] : "?";
}

const char *txn_event_name(enum txn_event e)
{
	return e < TXN_EVENTS ? events[e] : "?";
}
