/* SPDX-License-Identifier: ISC */
#include "relay/net.h"

const char *net_state_name(enum net_state s)
{
	switch (s) {
	case NET_LIVE:
		return "live";
	case NET_KEEPING:
		return "keeping";
	case NET_ALONE:
		return "alone";
	case NET_VOID:
		return "void";
	case NET_SETTLING:
		return "settling";
	case NET_PARTED:
		return "parted";
	case NET_STATES:
		break;
	}
	return "?";
}

const char *net_event_name(unsigned event)
{
	switch (event) {
	case NET_OPENED:
		return "opened";
	case NET_REFUSED:
		return "no file";
	case NET_LOST:
		return "file lost";
	case NET_SAFE:
		return "safe";
	case NET_UNSAFE:
		return "unsafe";
	case NET_HALF:
		return "half";
	default:
		return txn_event_name((enum txn_event)event);
	}
}
