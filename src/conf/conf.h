/* SPDX-License-Identifier: ISC */
/*
 * The configuration: loaded once, then immutable. Every value in force for a listener, a client,
 * a binding and a recipient's domain is asked here.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/inet.h"
#include "base/num.h"

enum conf_severity {
	CONF_ERROR,
	CONF_WARNING,
};

enum conf_kind {
	CONF_KIND_NONE, /* there is nothing of that name, or it cannot be looked at */
	CONF_KIND_FILE,
	CONF_KIND_FOLDER,
	CONF_KIND_OTHER, /* a socket, a device … */
};

enum conf_file {
	CONF_FILE_CONF,        /* one with secrets in it: a warning where others can read it */
	CONF_FILE_CA,
	CONF_FILE_CERTIFICATE,
	CONF_FILE_KEY,
	/* the folder, which need not be there: on what does it lie? In memory: that is wrong */
	CONF_FILE_SPOOL,
};

#define CONF_NAME_MAX   255u  /* octets of one name in a folder */
#define CONF_PATH_MAX   1023u /* octets of a file's name with its folders */
#define CONF_STRING_MAX 1000u /* octets of one value */
#define CONF_SECRET_MAX 8192u /* of one that is a password or token */

/* Where something stands: line and column begin at 1, the column counts octets. */
struct conf_place {
	const char *file;
	uint32_t line;
	uint32_t column;
};

/* What the edge supplies. Names are C strings. A callback called optional may be NULL. */
struct conf_source {
	void *ctx;

	enum conf_kind (*kind)(void *ctx, const char *path);

	/*
	 * Reads all of the file into mem. Returns NULL and the size in *used, or why not, in words
	 * that fit behind a colon ("permission denied"). More than n octets: conf_too_large.
	 */
	const char *(*read)(void *ctx, const char *path, void *mem, size_t n, size_t *used);

	/*
	 * The entry of the folder that comes next after `after` in the order of octets ("" for the
	 * first), into name. False when there is none. Names that begin with a dot may be given:
	 * they are skipped here.
	 */
	bool (*next)(void *ctx, const char *path, const char *after, char name[CONF_NAME_MAX + 1]);

	/* An error or a warning. text is one line. */
	void (*report)(
	    void *ctx, enum conf_severity severity, const struct conf_place *at, struct bytes text);

	/* Is there a user of that name? Optional: every user is taken to exist. */
	bool (*user_exists)(void *ctx, const char *name);

	/*
	 * Looks into a file that the configuration names: NULL, or what is wrong with it, in words
	 * behind its name ("no such file"). For CONF_FILE_KEY other is its certificate chain. A
	 * warning: begins with "!". Optional: all is taken to be right.
	 */
	const char *(*look)(void *ctx, enum conf_file what, const char *path, const char *other);

	/* An address of this machine (of the interface, unless NULL)? Optional: only loopback. */
	bool (*own_address)(void *ctx, const uint8_t a[16], const char *interface);

	const char *hostname; /* the system's name; NULL or not a host name: "gatepost" */
	bool changes_user;    /* warn where the default user is missing */
	bool gateway_may_lack; /* then a configuration without one is right: conf.no_gateway */
};

extern const char conf_too_large[];

enum conf_log {
	CONF_LOG_DEFAULT, /* no Log in the configuration: stderr, or syslog with -d */
	CONF_LOG_STDERR,
	CONF_LOG_SYSLOG,
	CONF_LOG_SYSLOG_ADDR, /* over UDP to log_addr */
};

enum conf_spool {
	CONF_SPOOL_OFF,
	CONF_SPOOL_FALLBACK,
	CONF_SPOOL_ALWAYS,
};

enum conf_clock {
	CONF_CLOCK_RTC,
	CONF_CLOCK_NTP,
};

/* Strings of a configuration have a NUL behind them: p is a C string. Unset: n = 0. */
struct conf_global {
	struct bytes hostname;
	struct bytes user; /* name, or a decimal number */
	/* absolute path, fits sun_path; so does submit.sock beside it */
	struct bytes control_socket;
	struct inet_addr log_addr; /* port filled in */
	uint8_t log;               /* enum conf_log */
	uint8_t clock;             /* enum conf_clock */
	uint8_t spool;             /* enum conf_spool */
	bool open_relay;
	bool spool_volatile;
	bool suspend_delivery;     /* mail is kept, none is sent */
	const char *spoolbase;     /* a folder, absolute; NULL: there is no spool */
	/* octets; 0: 3/4 of what is free at the start; UINT64_MAX: no limit */
	uint64_t spool_max_size;
	uint64_t spool_reserve;    /* octets that stay free */
	/* octets a day; 0: none; UINT64_MAX: not set, by the kind of file system */
	uint64_t spool_write_limit;
};

enum conf_listen_kind {
	CONF_LISTEN_ANY,       /* `:25`: IPv4 and IPv6 */
	CONF_LISTEN_ANY_V4,    /* `*:25`, `0.0.0.0:25` */
	CONF_LISTEN_ANY_V6,    /* `[*]:25`, `[::]:25`: IPv6 only */
	CONF_LISTEN_ADDRESS,   /* addr, zone included */
	CONF_LISTEN_INTERFACE, /* both families, bound to the interface `name` */
	CONF_LISTEN_UNIX,      /* path `name` */
};

struct conf_listen {
	struct bytes text; /* as written */
	struct bytes name;
	struct inet_addr addr;      /* CONF_LISTEN_ADDRESS only */
	uint32_t listener_sessions; /* 0: no limit */
	uint16_t port;              /* 0: any; none for CONF_LISTEN_UNIX */
	/*
	 * files, absolute or beside the configuration file; NULL: none; both or neither
	 */
	const char *tls_certificate, *tls_key;
	uint8_t kind;               /* enum conf_listen_kind */
	bool enable;                /* always true outside conf/ */
	bool use_ssl;               /* TLS from the first octet */
	const struct conf_scope *scope;
};

/* Blocks of addresses. */
struct conf_nets {
	uint32_t n;
	bool local;      /* the word `local` is among them */
	bool is_default; /* Relay_Hosts was not set */
	struct inet_net net[];
};

struct conf_list {
	uint32_t n;
	struct bytes item[];
};

/* One gateway of a route list. */
struct conf_route {
	struct bytes host;     /* as written, without brackets, zone, port and a dot at its end */
	struct inet_addr addr; /* where `literal`: address and zone; its port is `port` */
	uint32_t pref;         /* from 0; lower first, equal ones share */
	uint16_t port;         /* 0: none given, Remote_SMTP_Port counts */
	bool literal;
	bool explicit_port;
};

/* At least one, sorted by pref, otherwise in the order written. */
struct conf_routes {
	uint32_t n;
	struct conf_route route[];
};

enum conf_auth {
	CONF_AUTH_NO,
	CONF_AUTH_YES,
	CONF_AUTH_ANY,
};

enum conf_tls {
	CONF_TLS_DEFAULT, /* see conf_tls_of */
	CONF_TLS_NO,
	CONF_TLS_IFAVAILABLE,
	CONF_TLS_REQUIRED,
	CONF_TLS_IMPLICIT,
};

enum conf_verify {
	CONF_VERIFY_DEFAULT, /* see conf_verify_of */
	CONF_VERIFY_NO,
	CONF_VERIFY_CA,
	CONF_VERIFY_HOST,
};

enum conf_login {
	CONF_LOGIN_AUTO,
	CONF_LOGIN_PLAIN,
	CONF_LOGIN_LOGIN,
	CONF_LOGIN_CRAM_MD5,
	CONF_LOGIN_SCRAM_SHA_256,
	CONF_LOGIN_XOAUTH2,
};

enum conf_provider {
	CONF_PROVIDER_NONE,
	CONF_PROVIDER_MICROSOFT,
	CONF_PROVIDER_GOOGLE,
};

enum conf_grant {
	CONF_GRANT_DEFAULT, /* see conf_grant_of */
	CONF_GRANT_DEVICE,
	CONF_GRANT_CODE,
	CONF_GRANT_CLIENT,
};

/* TLS_Pin */
struct conf_pins {
	uint32_t n;
	uint8_t pin[][32];
};

/* An Auth_User stanza. */
struct conf_auth_user {
	struct bytes name, password;
	uint32_t binding; /* id; CONF_BINDING_DEFAULT also where none was given */
	bool has_binding; /* false: the Peer's or Listen's counts */
};

enum conf_lf {
	CONF_LF_FIX,
	CONF_LF_PEDANTIC,
};

/* Receiving options, resolved. Pointers lead into the configuration. */
struct conf_receive {
	const struct conf_nets *relay_hosts;
	uint64_t max_message_size;                 /* octets; 0: no limit */
	uint32_t max_recipients_per_message;       /* 1 … CONFIG_RECIPIENTS_MAX */
	uint32_t peer_sessions;                    /* 0: no limit */
	struct num_rate inbound_throttle_messages; /* count 0: no limit */
	uint32_t client_timeout, client_patience;  /* seconds, > 0 */
	uint32_t binding;                          /* id; CONF_BINDING_DEFAULT: none given */
	struct bytes domain_for_unqualified_sender_address;
	struct bytes domain_for_unqualified_recipient_addresses;
	struct bytes local_recipient;            /* mailbox without angle brackets */
	const struct conf_list *allowed_senders; /* NULL: all; see conf_allows */
	const struct conf_list *allowed_recipients;
	bool starttls;            /* never true without a certificate */
	uint8_t auth;             /* enum conf_auth */
	bool auth_requires_tls;
	bool rfc2822_date_header; /* add where missing */
	bool rfc2822_messageid_header;
	uint8_t rfc2822_lone_lf_in_body; /* enum conf_lf */
	uint8_t rfc2822_lone_lf_in_headers;
	bool lone_lf_ends_data;
};

/*
 * Sending options, resolved: the delivery key. Two recipients travel together if and only if their
 * structs are equal by memcmp: there is no padding, and equal values are equal pointers, all into
 * the configuration.
 */
struct conf_sending {
	struct bytes ehlo_hostname;           /* n = 0: the address literal of the connection */
	const struct conf_routes *routes;     /* NULL: no gateway is in force */
	const struct inet_addr *bind_address; /* NULL: the system's choice; port 0 */
	const char *mdn_failures_notify;      /* a mailbox; NULL: none */
	const char *none;                     /* NULL: see unused */
	const struct conf_nets *prohibited_hosts;   /* NULL: none */
	struct num_rate outbound_throttle_messages; /* count 0: no limit */
	uint32_t max_outbound_connections;          /* 0: no limit but the pool's */
	uint32_t max_deliveries_per_connection;     /* 0: no limit */
	uint32_t idle_timeout, connect_timeout, ehlo_timeout, mailfrom_timeout, rcptto_timeout,
	    body_timeout, host_failure_retry, retry_interval, max_retry_interval,
	    message_expiration; /* seconds, > 0 */
	uint16_t remote_smtp_port;
	bool generate_bounces;
	/* from here on: what makes another gateway of one (run/gateway.c) */
	uint8_t tls;            /* enum conf_tls; see conf_tls_of */
	uint8_t tls_verify;     /* enum conf_verify; see conf_verify_of */
	uint8_t tls_protocols;  /* bits: 1 TLS 1.2, 2 TLS 1.3 */
	uint8_t login_type;     /* enum conf_login */
	bool login_plaintext;   /* Outbound_SMTP_AUTH_Allow_Plaintext */
	uint8_t oauth_provider; /* enum conf_provider */
	uint8_t oauth_grant;    /* enum conf_grant */
	uint8_t unused[6]; /* 0: every octet belongs to a member, see above */
	const struct conf_pins *tls_pin; /* NULL: none */
	/* The rest are strings of the configuration, NULL where unset. */
	const char *tls_name;
	const char *tls_ca; /* a file; never NULL where TLS is built in: there is a default */
	const char *login_user, *login_pass;
	const char *oauth_client_id, *oauth_client_secret, *oauth_tenant, *oauth_scope,
	    *oauth_token_url, *oauth_refresh_token;
};

_Static_assert(sizeof(struct conf_sending) <= 256, "a delivery key is compared and copied often");

/* Header options, resolved. n = 0: leave as it is. */
struct conf_header {
	struct bytes envelope_from; /* mailbox without angle brackets */
	struct bytes header_from;
	bool add_reply_to;
};

#define CONF_BINDING_DEFAULT 0u /* mail that was given no binding */

struct conf_scope;
struct conf_tree;

/* The result. What is not commented is for conf/ alone. */
struct conf {
	struct conf_global global;
	const struct conf_listen *listen; /* those to be opened */
	uint32_t listens;
	const struct conf_auth_user *auth_user;
	uint32_t auth_users;
	uint32_t bindings; /* ids are 0 (default) to bindings - 1 */
	uint32_t memory;   /* octets of mem in use */
	bool no_gateway;   /* in no scope; only where conf_source.gateway_may_lack */
	bool login_set;    /* in some scope there is an option of a login at gateways */
	const struct conf_tree *tree;
};

enum conf_status {
	CONF_OK,  /* perhaps with warnings */
	CONF_BAD, /* reported; *c is all zero */
};

/*
 * Loads `file` and all that it includes into mem (n octets, CONFIG_CONF_MEMORY; aligned for any
 * type), which belongs to *c from then on. Every error is reported. Nothing is allocated elsewhere,
 * nothing has to be freed.
 */
enum conf_status conf_load(
    struct conf *c, void *mem, size_t n, const struct conf_source *src, const char *file);

/*
 * What is in force for a client at listener `listen` (index into c->listen; CONF_LISTEN_NONE where
 * it did not come through one: ESMTP_Listener and global count). peer is NULL for a client without
 * an address.
 */
#define CONF_LISTEN_NONE UINT32_MAX
void conf_receive(
    const struct conf *c, uint32_t listen, const uint8_t *peer, struct conf_receive *out);

/*
 * What is in force for mail of that binding to that domain (without @; case and a dot at its end do
 * not matter; n = 0: none).
 */
void conf_sending(
    const struct conf *c, uint32_t binding, struct bytes domain, struct conf_sending *out);

/*
 * Has all mail of that binding, whatever its recipient, one delivery key, and that a gateway? Then
 * it is *out. May say no where a pattern makes it hard to tell.
 */
bool conf_only_gateway(const struct conf *c, uint32_t binding, struct conf_sending *out);

void conf_header(const struct conf *c, uint32_t binding, struct conf_header *out);

/*
 * TLS towards a gateway at that port, never CONF_TLS_DEFAULT: as set, else implicit at 465, else
 * required with a login, else ifavailable.
 */
enum conf_tls conf_tls_of(const struct conf_sending *s, uint16_t port);

/*
 * What is verified of its certificate: as set, else host with a login or where TLS was set to
 * required, else no. Pins count beside it.
 */
enum conf_verify conf_verify_of(const struct conf_sending *s);

/*
 * How tokens are got, never CONF_GRANT_DEFAULT: as set, else device for microsoft, code for google,
 * else client.
 */
enum conf_grant conf_grant_of(const struct conf_sending *s);

/* Is a login configured? Does it want a token of OAuth 2.0 (XOAUTH2)? */
bool conf_has_login(const struct conf_sending *s);
bool conf_wants_token(const struct conf_sending *s);

/* The Auth_User of that name (case counts), or NULL. */
const struct conf_auth_user *conf_auth_user(const struct conf *c, struct bytes name);

/*
 * The i-th distinct file that TLS_CA names anywhere, the default included where it is in force
 * somewhere; NULL behind the last.
 */
const char *conf_ca_file(const struct conf *c, unsigned i);

/* The TLS_CA by default; NULL where TLS is not built in. */
const char *conf_ca_default(const struct conf *c);

/*
 * In a process that needs no password: overwrites them, but for what OAuth 2.0 uses. c is its own
 * copy (behind a fork).
 */
void conf_wipe_passwords(struct conf *c);

/*
 * Does p point to a string within the configuration's memory? (A message of another process may say
 * so.)
 */
bool conf_owns(const struct conf *c, const char *p);

/* "default" for CONF_BINDING_DEFAULT. */
struct bytes conf_binding_name(const struct conf *c, uint32_t binding);

/*
 * Is the address (local-part@domain, or empty: the null sender) in the list? Items are addresses,
 * @domains or `<>`; case does not matter. NULL: every address is.
 */
bool conf_allows(const struct conf_list *list, struct bytes address);

#endif
