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

static const char *const actions[TXN_ACTIONS] = {
	[TXN_DIAL] = "dial",
	[TXN_NEXT] = "next",
	[TXN_SEND_MAIL] = "send-mail",
	[TXN_SEND_RCPT] = "send-rcpt",
	[TXN_SEND_AGAIN] = "send-again",
	[TXN_SEND_DATA] = "send-data",
	[TXN_SEND_END] = "send-end",
	[TXN_LEG_KEEP] = "keep",
	[TXN_LEG_RESET] = "reset",
	[TXN_LEG_CUT] = "cut",
	[TXN_SAVE] = "save",
	[TXN_SAY_GATEWAY] = "say-gateway",
	[TXN_SAY_SAVED] = "say-saved",
	[TXN_SAY_FAILED] = "say-failed",
	[TXN_SAY_OTHER] = "say-other",
	[TXN_SAY_NONE] = "say-none",
	[TXN_SAY_PUT_OFF] = "say-put-off",
	[TXN_SAY_GO] = "say-go",
	[TXN_SAY_FAULT] = "say-fault",
	[TXN_OVER] = "over",
};

const char *txn_phase_name(enum txn_phase p)
{
	return p < TXN_PHASES ? phases[p] : "?";
}

const char *txn_event_name(enum txn_event e)
{
	return e < TXN_EVENTS ? events[e] : "?";
}

const char *txn_action_name(enum txn_action a)
{
	return a < TXN_ACTIONS ? actions[a] : "?";
}
