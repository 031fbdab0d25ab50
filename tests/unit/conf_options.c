/* SPDX-License-Identifier: ISC */
/* Every option: what it takes, what it says to the rest, and the value that comes out. */
#include "conf/option.h"
#include "lib/conf_load.h"

#include "base/on.h"

TAP_GP_BUG

#define G "Gateway = gw\n"

/* What is written at global scope behind a Gateway, and what eval makes of it. */
static const struct {
	const char *text, *ask, *answer;
} good[] = {
	{"", "hostname", "Hostname = \"box.example.net\""},
	{"Hostname = \"relay\"", "hostname", "Hostname = \"relay\""},
	{"hostname = relay_1.example.com", "hostname", "Hostname = \"relay_1.example.com\""},
	{"", "open_relay", "Open_Relay = false"},
	{"Open_Relay = YES", "open_relay", "Open_Relay = true"},
	{"Open_Relay = off", "open_relay", "Open_Relay = false"},
	{"Open_Relay = 1", "open_relay", "Open_Relay = true"},
	{"Open_Relay = 0", "open_relay", "Open_Relay = false"},
	{"Open_Relay = On", "open_relay", "Open_Relay = true"},
	{"Open_Relay = no", "open_relay", "Open_Relay = false"},
	{"", "spool", "Spool = off"},
	{"Spool = \"off\"", "spool", "Spool = off"},
	{"Spool = OFF", "spool", "Spool = off"},
	{"Spool = no", "spool", "Spool = off"},
	{"", "user", "User = \"gatepost\""},
	{"User = nobody", "user", "User = \"nobody\""},
	{"User = 65534", "user", "User = \"65534\""},
	{"", "control_socket", "Control_Socket = \"/run/gatepost/control.sock\""},
	{"Control_Socket = \"/tmp/c\"", "control_socket", "Control_Socket = \"/tmp/c\""},
	{"", "log", "Log = stderr"},
	{"Log = STDERR", "log", "Log = stderr"},
	{"", "clock", "Clock = rtc"},
	{"Clock = NTP", "clock", "Clock = ntp"},
	{"", "max_message_size", "Max_Message_Size = 50m"},
	{"Max_Message_Size = 1g", "max_message_size", "Max_Message_Size = 1g"},
	{"Max_Message_Size = \"1024k\"", "max_message_size", "Max_Message_Size = 1m"},
	{"Max_Message_Size = 1025", "max_message_size", "Max_Message_Size = 1025"},
	{"Max_Message_Size = 1536K", "max_message_size", "Max_Message_Size = 1536k"},
	{"Max_Message_Size = 0", "max_message_size", "Max_Message_Size = none"},
	{"Max_Message_Size = None", "max_message_size", "Max_Message_Size = none"},
	{"", "max_recipients_per_message", "Max_Recipients_Per_Message = 100"},
	{"Max_Recipients_Per_Message = 7", "max_recipients_per_message", "Max_Recipients_Per_Message = 7"},
	{"", "peer_sessions", "Peer_Sessions = none"},
	{"Peer_Sessions = 2", "peer_sessions", "Peer_Sessions = 2"},
	{"Peer_Sessions = 0", "peer_sessions", "Peer_Sessions = none"},
	{"", "inbound_throttle_messages", "Inbound_Throttle_Messages = none"},
	{"Inbound_Throttle_Messages = \"100/60\"", "inbound_throttle_messages", "Inbound_Throttle_Messages = \"100/60\""},
	{"Inbound_Throttle_Messages = \"0100/060\"", "inbound_throttle_messages", "Inbound_Throttle_Messages = \"100/60\""},
	{"Inbound_Throttle_Messages = none", "inbound_throttle_messages", "Inbound_Throttle_Messages = none"},
	{"Inbound_Throttle_Messages = 0", "inbound_throttle_messages", "Inbound_Throttle_Messages = none"},
	{"", "client_timeout", "Client_Timeout = 5m"},
	{"Client_Timeout = 300", "client_timeout", "Client_Timeout = 5m"},
	{"Client_Timeout = 1h30m", "client_timeout", "Client_Timeout = 90m"},
	{"Client_Timeout = 2H", "client_timeout", "Client_Timeout = 2h"},
	{"Client_Timeout = 7d", "client_timeout", "Client_Timeout = 7d"},
	{"Client_Timeout = 3601", "client_timeout", "Client_Timeout = 3601s"},
	{"", "client_patience", "Client_Patience = 20s"},
	{"Client_Patience = 1", "client_patience", "Client_Patience = 1s"},
	{"", "binding", "unset"},
	{"Binding = b Binding b { }", "binding", "Binding = \"b\""},
	{"Binding = default", "binding", "Binding = \"default\""},
	{"", "starttls", "Starttls = no"},
	{"Starttls = false", "starttls", "Starttls = no"},
	{"", "auth", "Auth = no"},
	{"Auth = off", "auth", "Auth = no"},
	{"", "rfc2822_date_header", "RFC2822_Date_Header = ifneeded"},
	{"RFC2822_Date_Header = no", "rfc2822_date_header", "RFC2822_Date_Header = no"},
	{"RFC2822_Date_Header = false", "rfc2822_date_header", "RFC2822_Date_Header = no"},
	{"", "rfc2822_messageid_header", "RFC2822_MessageID_Header = ifneeded"},
	{"RFC2822_MessageID_Header = NO", "rfc2822_messageid_header", "RFC2822_MessageID_Header = no"},
	{"RFC2822_MessageID_Header = IfNeeded", "rfc2822_messageid_header", "RFC2822_MessageID_Header = ifneeded"},
	{"", "rfc2822_lone_lf_in_body", "RFC2822_Lone_LF_In_Body = fix"},
	{"RFC2822_Lone_LF_In_Body = pedantic", "rfc2822_lone_lf_in_body", "RFC2822_Lone_LF_In_Body = pedantic"},
	{"", "rfc2822_lone_lf_in_headers", "RFC2822_Lone_LF_In_Headers = fix"},
	{"RFC2822_Lone_LF_In_Headers = pedantic", "rfc2822_lone_lf_in_headers", "RFC2822_Lone_LF_In_Headers = pedantic"},
	{"", "lone_lf_ends_data", "Lone_LF_Ends_Data = false"},
	{"Lone_LF_Ends_Data = true", "lone_lf_ends_data", "Lone_LF_Ends_Data = true"},
	{"", "domain_for_unqualified_sender_address", "unset"},
	{"Domain_For_Unqualified_Sender_Address = a.b", "domain_for_unqualified_sender_address",
		"Domain_For_Unqualified_Sender_Address = \"a.b\""},
	{"", "domain_for_unqualified_recipient_addresses", "unset"},
	{"Domain_For_Unqualified_Recipient_Addresses = \"[192.0.2.1]\"", "domain_for_unqualified_recipient_addresses",
		"Domain_For_Unqualified_Recipient_Addresses = \"[192.0.2.1]\""},
	{"", "local_recipient", "unset"},
	{"Local_Recipient = root@example.com", "local_recipient", "Local_Recipient = \"root@example.com\""},
	{"Local_Recipient = none", "local_recipient", "Local_Recipient = none"},
	{"", "allowed_senders", "Allowed_Senders = none"},
	{"Allowed_Senders = ( \"a@b.c\" \"@d.e\" \"<>\" )", "allowed_senders", "Allowed_Senders = ( \"a@b.c\" \"@d.e\" \"<>\" )"},
	{"Allowed_Senders = a@b.c", "allowed_senders", "Allowed_Senders = ( \"a@b.c\" )"},
	{"Allowed_Senders = ( none )", "allowed_senders", "Allowed_Senders = none"},
	{"", "allowed_recipients", "Allowed_Recipients = none"},
	{"Allowed_Recipients = ( \"@[IPv6:2001:db8::1]\" )", "allowed_recipients",
		"Allowed_Recipients = ( \"@[IPv6:2001:db8::1]\" )"},
	{"", "gateway", "Gateway = \"gw\""},
	{"", "routes", "unset"},
	{"Routes = ( \"a\" \"b:26\" )", "routes", "Routes = ( \"a\" \"b:26\" )"},
	{"Routes = a", "routes", "Routes = ( \"a\" )"},
	{"Routes = ( \"a\" )", "gateway", "unset"},
	{"", "remote_smtp_port", "Remote_SMTP_Port = 25"},
	{"Remote_SMTP_Port = 0587", "remote_smtp_port", "Remote_SMTP_Port = 587"},
	{"", "bind_address", "unset"},
	{"Bind_Address = 192.0.2.1", "bind_address", "Bind_Address = \"192.0.2.1\""},
	{"Bind_Address = \"[2001:db8::1]\"", "bind_address", "Bind_Address = \"[2001:db8::1]\""},
	{"Bind_Address = 2001:db8::1", "bind_address", "Bind_Address = \"2001:db8::1\""},
	{"Bind_Address = none", "bind_address", "Bind_Address = none"},
	{"", "ehlo_hostname", "EHLO_Hostname = \"box.example.net\""},
	{"Hostname = box", "ehlo_hostname", "unset"},
	{"Hostname = box.", "ehlo_hostname", "unset"},
	{"EHLO_Hostname = \"[192.0.2.1]\"", "ehlo_hostname", "EHLO_Hostname = \"[192.0.2.1]\""},
	{"EHLO_Hostname = \"[IPv6:2001:db8::1]\"", "ehlo_hostname", "EHLO_Hostname = \"[IPv6:2001:db8::1]\""},
	{"Max_Outbound_Connections = 3", "max_outbound_connections", "Max_Outbound_Connections = 3"},
	{"Max_Outbound_Connections = none", "max_outbound_connections", "Max_Outbound_Connections = none"},
	{"", "max_deliveries_per_connection", "Max_Deliveries_Per_Connection = 100"},
	{"Max_Deliveries_Per_Connection = 0", "max_deliveries_per_connection", "Max_Deliveries_Per_Connection = none"},
	{"", "idle_timeout", "Idle_Timeout = 60s"},
	{"Idle_Timeout = 1m", "idle_timeout", "Idle_Timeout = 60s"},
	{"Idle_Timeout = 1d", "idle_timeout", "Idle_Timeout = 1d"},
	{"", "connect_timeout", "Connect_Timeout = 10s"},
	{"", "ehlo_timeout", "EHLO_Timeout = 30s"},
	{"", "mailfrom_timeout", "MailFrom_Timeout = 30s"},
	{"", "rcptto_timeout", "RcptTo_Timeout = 30s"},
	{"", "body_timeout", "Body_Timeout = 10m"},
	{"", "host_failure_retry", "Host_Failure_Retry = 60s"},
	{"", "prohibited_hosts", "unset"},
	{"Prohibited_Hosts = ( \"10.0.0.0/8\", \"[fd00::]/8\" 192.0.2.7 \"::1\" )", "prohibited_hosts",
		"Prohibited_Hosts = ( \"10.0.0.0/8\" \"[fd00::]/8\" \"192.0.2.7\" \"::1\" )"},
	{"Prohibited_Hosts = none", "prohibited_hosts", "Prohibited_Hosts = none"},
	{"Prohibited_Hosts = ( )", "prohibited_hosts", "Prohibited_Hosts = ( )"},
	{"", "tls", ON(CONFIG_TLS) ? "TLS = ifavailable" : "TLS = no"},
	{"TLS = no", "tls", "TLS = no"},
	{"", "outbound_throttle_messages", "Outbound_Throttle_Messages = none"},
	{"Outbound_Throttle_Messages = \"2000/86400\"", "outbound_throttle_messages",
		"Outbound_Throttle_Messages = \"2000/86400\""},
	{"", "envelope_from", "unset"},
	{"Envelope_From = \"scan@example.com\"", "envelope_from", "Envelope_From = \"scan@example.com\""},
	{"Envelope_From = '\"a b\"@example.com'", "envelope_from", "Envelope_From = \"\\\"a b\\\"@example.com\""},
	{"", "header_from", "unset"},
	{"Header_From = m\xc3\xbcller@b\xc3\xbc.example", "header_from", "Header_From = \"m\xc3\xbcller@b\xc3\xbc.example\""},
	{"", "add_reply_to", "Add_Reply_To = false"},
	{"Add_Reply_To = true", "add_reply_to", "Add_Reply_To = true"},
	{"", "relay_hosts",
		"Relay_Hosts = ( \"127.0.0.0/8\" \"::1/128\" \"10.0.0.0/8\" \"172.16.0.0/12\" \"192.168.0.0/16\" "
		"\"169.254.0.0/16\" \"fc00::/7\" \"fe80::/10\" )"},
	{"ESMTP_Listener { Listen \"eth0:26\" {} }", "relay_hosts", "Relay_Hosts = ( \"127.0.0.0/8\" \"::1/128\" \"local\" )"},
	{"Relay_Hosts = local", "relay_hosts", "Relay_Hosts = ( \"local\" )"},
	{"Relay_Hosts = ( )", "relay_hosts", "Relay_Hosts = ( )"},
	{"ESMTP_Listener { Listen \":26\" { } }", "listen :26 listener_sessions", "Listener_Sessions = none"},
	{"ESMTP_Listener { Listen \":26\" { Listener_Sessions = 2 } }", "listen :26 listener_sessions",
		"Listener_Sessions = 2"},
	{"ESMTP_Listener { Listener_Sessions = 2 Listen \":26\" {} }", "listen :26 listener_sessions", "Listener_Sessions = 2"},
	{"ESMTP_Listener { Listen \":26\" { Enable = false } Listen \":27\" {} }", "listen :26 enable", "Enable = false"},
	/* the later value wins, in the same stanza or in one opened again */
	{"Clock = ntp Clock = rtc", "clock", "Clock = rtc"},
	{"Binding b { Bind_Address = 192.0.2.1 } Binding b { Bind_Address = 192.0.2.2 }", "binding b bind_address",
		"Bind_Address = \"192.0.2.2\""},
};

/* What is written on line 2, the column, and the error. */
static const struct {
	const char *text;
	unsigned column;
	const char *error;
} bad[] = {
	{"Hostname = \"a b\"", 12, "Hostname: \"a b\" is not a host name"},
	{"Hostname = -a", 12, "Hostname: \"-a\" is not a host name"},
	{"Hostname = a-.b", 12, "Hostname: \"a-.b\" is not a host name"},
	{"Hostname = 10.0.0.1", 12, "Hostname: \"10.0.0.1\" is not a host name"},
	{"Hostname = \"\"", 12, "Hostname: \"\" is not a host name"},
	{"Hostname = b\xc3\xbc", 12, "Hostname: \"b\xc3\xbc\" is not a host name"},
	{"Hostname = ( a )", 12, "Hostname takes one value, not a list"},
	{"Open_Relay = maybe", 14, "Open_Relay: \"maybe\" is neither true nor false"},
	{"Open_Relay = 2", 14, "Open_Relay: \"2\" is neither true nor false"},
	{"Spool = on", 9, "Spool: \"on\" is not one of off, fallback, always"},
	{"User = nosuch", 8, "User: there is no user \"nosuch\" on this system: adduser --system --group "
		"--no-create-home nosuch"},
	{"User = \"a b\"", 8, "User: \"a b\" is not the name or number of a user"},
	{"User = -1", 8, "User: \"-1\" is not the name or number of a user"},
	{"User = 4294967295", 8, "User: \"4294967295\" is not the name or number of a user"},
	{"Control_Socket = control", 18, "Control_Socket: \"control\" is not the whole path of a socket, beginning with a slash"},
	{"Control_Socket = \"/run/\"", 18, "Control_Socket: \"/run/\" is not the whole path of a socket, beginning with a slash"},
	{"Control_Socket = \"/run/submit.sock\"", 18, "Control_Socket: \"/run/submit.sock\" is the name of the socket for "
		"sendmail, which lies beside it"},
	{"Log = file", 7, "Log: \"file\" is none of stderr, syslog, \"syslog://ADDRESS\" and \"syslog://ADDRESS:PORT\" "
		"(an IPv6 address in brackets)"},
	{"Log = \"syslog://loghost\"", 7, "Log: \"syslog://loghost\" is none of stderr, syslog, \"syslog://ADDRESS\" and "
		"\"syslog://ADDRESS:PORT\" (an IPv6 address in brackets)"},
	{"Clock = gps", 9, "Clock: \"gps\" is not one of rtc, ntp"},
	{"Max_Message_Size = 5q", 20, "Max_Message_Size: \"5q\" is not a size: write octets, or 64k, 25m, 1g, or none"},
	{"Max_Message_Size = -1", 20, "Max_Message_Size: \"-1\" is not a size: write octets, or 64k, 25m, 1g, or none"},
	{"Peer_Sessions = -1", 17, "Peer_Sessions: \"-1\" is not a number (0 or none: no limit)"},
	{"Peer_Sessions = 10k", 17, "Peer_Sessions: \"10k\" is not a number (0 or none: no limit)"},
	{"Inbound_Throttle_Messages = 100", 29, "Inbound_Throttle_Messages: \"100\" is not a rate: write \"100/60\" for "
		"100 in 60 seconds, or none"},
	{"Inbound_Throttle_Messages = \"100/0\"", 29, "Inbound_Throttle_Messages: \"100/0\" is not a rate: write "
		"\"100/60\" for 100 in 60 seconds, or none"},
	{"Client_Timeout = 0", 18, "Client_Timeout: \"0\" is too short: at least 1s"},
	{"Client_Timeout = none", 18, "Client_Timeout: \"none\" is not safe here: this wait must end"},
	{"Client_Timeout = 8d", 18, "Client_Timeout: \"8d\" is too long: at most 7d"},
	{"Client_Timeout = 5x", 18, "Client_Timeout: \"5x\" is not a time: write seconds, or 30s, 5m, 2h, 4d"},
	{"Client_Patience = \"\"", 19, "Client_Patience: \"\" is not a time: write seconds, or 30s, 5m, 2h, 4d"},
	{"Binding = nowhere", 11, "there is no Binding \"nowhere\": write Binding \"nowhere\" { ... } at global scope or in a "
		"Binding_Group"},
	{"Binding = \"\"", 11, "Binding: \"\" is not the name of a Binding"},
	{"Auth = plain", 8, "Auth: \"plain\" is not one of no, yes, any"},
	{"RFC2822_Date_Header = yes", 23, "RFC2822_Date_Header: \"yes\" is not one of no, ifneeded"},
	{"RFC2822_MessageID_Header = always", 28, "RFC2822_MessageID_Header: \"always\" is not one of no, ifneeded"},
	{"RFC2822_Lone_LF_In_Body = ignore", 27, "RFC2822_Lone_LF_In_Body: \"ignore\" is not one of fix, pedantic"},
	{"RFC2822_Lone_LF_In_Headers = no", 30, "RFC2822_Lone_LF_In_Headers: \"no\" is not one of fix, pedantic"},
	{"Domain_For_Unqualified_Sender_Address = @a.b", 41, "Domain_For_Unqualified_Sender_Address: \"@a.b\" is not a domain: "
		"write it without the @"},
	{"Domain_For_Unqualified_Recipient_Addresses = a..b", 46, "Domain_For_Unqualified_Recipient_Addresses: \"a..b\" is "
		"not a domain"},
	{"Local_Recipient = root", 19, "Local_Recipient: \"root\" is not an address like scanner@example.com"},
	{"Local_Recipient = <a@b>", 19, "Local_Recipient: \"<a@b>\" is not an address: write it without < and >"},
	{"Allowed_Senders = ( )", 1, "Allowed_Senders: an empty list would let nobody pass: write none to let all pass"},
	{"Allowed_Senders = ( a@b c )", 25, "Allowed_Senders: \"c\" is neither an address nor a domain like \"@example.com\""},
	{"Allowed_Recipients = *", 22, "Allowed_Recipients: \"*\" is neither an address nor a domain like \"@example.com\""},
	{"Gateway = \"\"", 11, "Gateway: \"\" is empty: a gateway is an address or a host name"},
	{"Routes = ( )", 1, "Routes: the list wants at least one gateway"},
	{"Remote_SMTP_Port = 0", 20, "Remote_SMTP_Port: \"0\" is not a port: 1 to 65535"},
	{"Remote_SMTP_Port = 65536", 20, "Remote_SMTP_Port: \"65536\" is not a port: 1 to 65535"},
	{"Remote_SMTP_Port = smtp", 20, "Remote_SMTP_Port: \"smtp\" is not a port: 1 to 65535"},
	{"Bind_Address = eth0", 16, "Bind_Address: \"eth0\" is not an address, which is written without a port"},
	{"Bind_Address = 192.0.2.1:25", 16, "Bind_Address: \"192.0.2.1:25\" is not an address, which is written without a port"},
	{"Bind_Address = 0.0.0.0", 16, "Bind_Address: \"0.0.0.0\" is not the address of an interface"},
	{"Bind_Address = 224.0.0.1", 16, "Bind_Address: \"224.0.0.1\" is not the address of an interface"},
	{"Bind_Address = ff02::1", 16, "Bind_Address: \"ff02::1\" is not the address of an interface"},
	{"EHLO_Hostname = 192.0.2.1", 17, "EHLO_Hostname: \"192.0.2.1\" is neither a host name nor an address literal like "
		"\"[192.0.2.1]\" or \"[IPv6:2001:db8::1]\""},
	{"EHLO_Hostname = \"[2001:db8::1]\"", 17, "EHLO_Hostname: \"[2001:db8::1]\" is neither a host name nor an address "
		"literal like \"[192.0.2.1]\" or \"[IPv6:2001:db8::1]\""},
	{"Max_Deliveries_Per_Connection = 1000001", 33, "Max_Deliveries_Per_Connection: \"1000001\" is too large: at most 1000000"},
	{"Idle_Timeout = 0s", 16, "Idle_Timeout: \"0s\" is too short: at least 1s"},
	{"Connect_Timeout = 1w", 19, "Connect_Timeout: \"1w\" is not a time: write seconds, or 30s, 5m, 2h, 4d"},
	{"EHLO_Timeout = none", 16, "EHLO_Timeout: \"none\" is not safe here: this wait must end"},
	{"MailFrom_Timeout = 0", 20, "MailFrom_Timeout: \"0\" is too short: at least 1s"},
	{"RcptTo_Timeout = 0", 18, "RcptTo_Timeout: \"0\" is too short: at least 1s"},
	{"Body_Timeout = 0", 16, "Body_Timeout: \"0\" is too short: at least 1s"},
	{"Host_Failure_Retry = 0", 22, "Host_Failure_Retry: \"0\" is too short: at least 1s"},
	{"Prohibited_Hosts = local", 20, "Prohibited_Hosts: \"local\" is known in Relay_Hosts only"},
	{"Prohibited_Hosts = a.b", 20, "Prohibited_Hosts: \"a.b\" is neither an address nor a block like \"192.168.0.0/16\" or "
		"\"fd00::/8\""},
	{"Prohibited_Hosts = \"10.0.0.1/8\"", 20, "Prohibited_Hosts: \"10.0.0.1/8\" has bits behind its prefix: write "
		"\"10.0.0.0/8\""},
	{"Prohibited_Hosts = \"fd00::1/8\"", 20, "Prohibited_Hosts: \"fd00::1/8\" has bits behind its prefix: write "
		"\"fd00::/8\""},
	{"Prohibited_Hosts = \"10.0.0.0/33\"", 20, "Prohibited_Hosts: \"10.0.0.0/33\" is neither an address nor a block like "
		"\"192.168.0.0/16\" or \"fd00::/8\""},
	{"Relay_Hosts = ( \"10.0.0.0/8\" x )", 30, "Relay_Hosts: \"x\" is neither an address nor a block like "
		"\"192.168.0.0/16\" or \"fd00::/8\""},
	{"TLS = yes", 7, "TLS: \"yes\" is not one of auto, no, ifavailable, required, implicit"},
	{"Outbound_Throttle_Messages = \"1/x\"", 30, "Outbound_Throttle_Messages: \"1/x\" is not a rate: write \"100/60\" for "
		"100 in 60 seconds, or none"},
	{"Envelope_From = a@", 17, "Envelope_From: \"a@\" is not an address like scanner@example.com"},
	{"Envelope_From = \"a b@c\"", 17, "Envelope_From: \"a b@c\" is not an address like scanner@example.com"},
	{"Envelope_From = .a@c", 17, "Envelope_From: \".a@c\" is not an address like scanner@example.com"},
	{"Envelope_From = a..b@c", 17, "Envelope_From: \"a..b@c\" is not an address like scanner@example.com"},
	{"Header_From = '\"a@b'", 15, "Header_From: \"\"a@b\" is not an address like scanner@example.com"},
	{"Header_From = '\"a\"b\"@c'", 15, "Header_From: \"\"a\"b\"@c\" is not an address like scanner@example.com"},
	{"Header_From = '\"a\\'", 15, "Header_From: \"\"a\\\" is not an address like scanner@example.com"},
	{"Add_Reply_To = perhaps", 16, "Add_Reply_To: \"perhaps\" is neither true nor false"},
	{"ESMTP_Listener { Enable = never }", 27, "Enable: \"never\" is neither true nor false"},
	/* names */
	{"Gatway = x", 1, "unknown option \"Gatway\": is Gateway meant?"},
	{"Max_Mesage_Size = 1", 1, "unknown option \"Max_Mesage_Size\": is Max_Message_Size meant?"},
	{"max-message-size = 1", 1, "unknown option \"max-message-size\": is Max_Message_Size meant?"},
	{"Host_Name = a", 1, "unknown option \"Host_Name\": is Hostname meant?"},
	{"TSL = no", 1, "unknown option \"TSL\": is TLS meant?"},
	{"Xyzzy = 1", 1, "unknown option \"Xyzzy\": see gatepost.conf(5) for those that there are"},
	{"Domain = x", 1, "Domain is a stanza: write Domain \"name\" { ... }"},
};

static const char *const not_needed[] = {
	"Require_EHLO", "Starttls_Injection_Policy", "Allow_Trailing_Whitespace_In_Commands", "Delivery_Method",
	"RFC2822_Trace_Headers", "TLS_Ifavailable_Fallback", "Received_Hostname", "Banner_Hostname", "TLS_Client_CA",
	"Max_Receptions_Per_Connection",
};

/* Where each option may stand, as DESIGN 3.4 says; the order of enum scope_kind. */
static void test_scopes(void)
{
	static const char *const around[SCOPES][2] = {
		{"%s", ""}, {"Binding_Group g { %s }", ""}, {"Binding b { %s }", ""}, {"Domain d.e { %s }", ""},
		{"ESMTP_Listener { %s }", ""}, {"ESMTP_Listener { Listen \":26\" { %s } }", ""},
		{"ESMTP_Listener { Peer 10.0.0.1 { %s } }", ""}, {"Auth_User u { Password = p %s }", ""}};
	unsigned held = 0, tried = 0;

	for (unsigned i = 0; i < OPTIONS; i++) {
		for (unsigned k = 0; k < SCOPES - !ON(CONFIG_SERVER_AUTH); k++) {
			const struct option *o = &option_table[i];
			char setting[200], text[400];
			bool valid = o->scopes >> k & 1, refused;

			/* a value that any type takes */
			snprintf(setting, sizeof(setting), "%s = %s", option_name(o),
				o->type == TYPE_BOOL ? "true"
				: o->type == TYPE_RATE ? "\"1/1\""
				: o->type == TYPE_SOCKET || o->type == TYPE_FOLDER ? "\"/s\""
				: o->type == TYPE_LOG ? "stderr"
				: o->type == TYPE_USER ? "nobody"
				: o->type == TYPE_BINDING ? "default"
				: o->type == TYPE_MAILBOX || o->type == TYPE_CONTACT || o->type == TYPE_ALLOWED ? "a@b"
				: o->type == TYPE_HOST || o->type == TYPE_HELO || o->type == TYPE_DOMAIN ||
						o->type == TYPE_GATEWAY || o->type == TYPE_ROUTES ? "a.b"
				: o->type == TYPE_ADDRESS || o->type == TYPE_NETS ? "10.0.0.1"
				: o->type == TYPE_PINS || o->type == TYPE_FILE || o->type == TYPE_URL ||
						o->type == TYPE_TEXT || o->type == TYPE_TENANT ? "none"
				: o->type == TYPE_PEER_NAME ? "a.b"
				: o->type == TYPE_PROTOCOLS ? "1.3"
				: "1");
			if (o->type == TYPE_WORD)
				snprintf(setting, sizeof(setting), "%s = %.*s", option_name(o), (int)strcspn(option_spec(o), "|"),
					option_spec(o));
			snprintf(text, sizeof(text), G);
			snprintf(text + strlen(text), sizeof(text) - strlen(text), around[k][0], setting);
			load(text);
			refused = strstr(said, "is not valid") != NULL;
			tried++;
			held += refused == !valid;
			if (refused == valid)
				printf("# %s: %s", text, said);
		}
	}
	is_num(held, tried, "each of %u options is valid in its scopes and in no others", OPTIONS);
}

static void test_scope_messages(void)
{
	load(G "Domain d.e { Max_Message_Size = 1 }");
	is_str(said, "t:2:14: error: Max_Message_Size is not valid in Domain: it is valid in Peer, Listen, ESMTP_Listener and "
		"at global scope\n", "an option of receiving in a Domain");
	load(G "Binding b { Routes = a }");
	is_str(said, "t:2:13: error: Routes is not valid in Binding: it is valid in Domain and at global scope\n",
		"Routes in a Binding");
	load(G "Enable = true");
	is_str(said, "t:2:1: error: Enable is not valid at global scope: it is valid in Listen and ESMTP_Listener\n",
		"Enable at global scope");
	load(G "ESMTP_Listener { Hostname = a }");
	is_str(said, "t:2:18: error: Hostname is not valid in ESMTP_Listener: it is valid at global scope\n",
		"Hostname in a listener");
	load(G "Domain d.e { Envelope_From = a@b.c }");
	is_str(said, "t:2:14: error: Envelope_From is not valid in Domain: it is valid in Binding, Binding_Group and at global "
		"scope\n", "an option of the header in a Domain");
	load(G "ESMTP_Listener { Peer 10.0.0.1 { Gateway = a } }");
	is_str(said, "t:2:34: error: Gateway is not valid in Peer: it is valid in Domain, Binding, Binding_Group and at "
		"global scope\n", "Gateway in a Peer");
}

static void test_caps(void)
{
	static const struct {
		const char *name;
		unsigned long most;
		const char *symbol;
	} caps[] = {
		{"Max_Recipients_Per_Message", CONFIG_RECIPIENTS_MAX, "CONFIG_RECIPIENTS_MAX"},
		{"Peer_Sessions", CONFIG_SESSIONS, "CONFIG_SESSIONS"},
		{"Max_Outbound_Connections", CONFIG_GATEWAY_CONNECTIONS, "CONFIG_GATEWAY_CONNECTIONS"},
	};
	char text[200], want[300];

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		snprintf(text, sizeof(text), G "%s = %lu", caps[i].name, caps[i].most);
		ok(load(text) == CONF_OK, "%s = %lu loads", caps[i].name, caps[i].most);
		snprintf(text, sizeof(text), G "%s = %lu", caps[i].name, caps[i].most + 1);
		snprintf(want, sizeof(want),
			"t:2:%zu: error: %s: \"%lu\" is more than this gatepost has room for: at most %lu (%s)\n",
			strlen(caps[i].name) + 4, caps[i].name, caps[i].most + 1, caps[i].most, caps[i].symbol);
		load(text);
		is_str(said, want, "%s = %lu does not", caps[i].name, caps[i].most + 1);
	}
	snprintf(text, sizeof(text), G "Max_Message_Size = %lum", CONFIG_MESSAGE_SIZE_MAX + 1ul);
	snprintf(want, sizeof(want), "is more than this gatepost has room for: at most %dm (CONFIG_MESSAGE_SIZE_MAX)\n",
		CONFIG_MESSAGE_SIZE_MAX);
	ok(load(text) == CONF_BAD && strstr(said, want), "Max_Message_Size is capped");
	snprintf(want, sizeof(want), "Max_Recipients_Per_Message = %d", CONFIG_RECIPIENTS_MAX);
	load(G "Max_Recipients_Per_Message = none");
	is_str(eval("max_recipients_per_message"), want, "no limit to recipients: as many as there is room for");
}

static void test_names(void)
{
	char text[200];

	for (size_t i = 0; i < sizeof(not_needed) / sizeof(not_needed[0]); i++) {
		snprintf(text, sizeof(text), G "%s = x", not_needed[i]);
		ok(load(text) == CONF_BAD && strstr(said, " is not needed: ") && strlen(strstr(said, "needed: ")) > 20,
			"%s is not needed", not_needed[i]);
	}
	for (unsigned i = 0; i < OPTIONS; i++) {
		const char *name = option_name(&option_table[i]);

		if (strlen(name) < 6)
			continue;
		snprintf(text, sizeof(text), "%.3s%s", name, name + 4); /* a letter is lost */
		ok(option_nearest(bytes_of(text)) && strcmp(option_nearest(bytes_of(text)), name) == 0,
			"%s is like %s", text, name);
	}
}

static void test_log(void)
{
	if (!ON(CONFIG_LOG_SYSLOG)) {
		ok(load(G "Log = syslog") == CONF_BAD && strstr(said, "not built into this gatepost"),
			"syslog is not built in");
		return;
	}
	loads(G "Log = syslog");
	is_num(conf.global.log, CONF_LOG_SYSLOG, "Log = syslog");
	is_str(eval("log"), "Log = syslog", "... and printed");
	loads(G "Log = \"syslog://192.0.2.1\"");
	is_num(conf.global.log, CONF_LOG_SYSLOG_ADDR, "syslog over the network");
	is_num(conf.global.log_addr.port, 514, "... to port 514");
	loads(G "Log = \"SYSLOG://[2001:db8::1]:1514\"");
	is_num(conf.global.log_addr.port, 1514, "... or another");
	is_num(conf.global.log_addr.a[0], 0x20, "... at an IPv6 address");
	is_str(eval("log"), "Log = \"SYSLOG://[2001:db8::1]:1514\"", "... printed in quotes");
	loads(G "Log = stderr");
	is_num(conf.global.log, CONF_LOG_STDERR, "Log = stderr");
	loads(G);
	is_num(conf.global.log, CONF_LOG_DEFAULT, "no Log");
}

int main(void)
{
	char text[500], want[500];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), G "%s\n", good[i].text);
		if (loads(text))
			is_str(eval(good[i].ask), good[i].answer, "... %s", good[i].ask);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), G "%s\n", bad[i].text);
		snprintf(want, sizeof(want), "t:2:%u: error: %s\n", bad[i].column, bad[i].error);
		ok(load(text) == CONF_BAD, "refused: %s", bad[i].text);
		is_str(said, want, "... in these words");
	}
	load(G);
	test_scopes();
	test_scope_messages();
	test_caps();
	test_names();
	test_log();
	return done();
}
