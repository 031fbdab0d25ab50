/* SPDX-License-Identifier: ISC */
/* TLS between two ends: handshakes, octets, ends of several kinds, places, what is told. */
#include "unit/lib/tls_wire.h"

#include "io/loop.h"

#include <sys/wait.h>

TAP_GP_BUG

static struct ca_set root;

static struct tls_client_how usual(void)
{
	return how_of("mail.example.net", TLS_VERIFY_HOST, &root);
}

static void is_read(struct tls *t, const char *want, const char *name)
{
	char text[256] = "";
	int n = tls_read(t, (uint8_t *)text, sizeof(text) - 1);

	if (n < 0)
		snprintf(text, sizeof(text), "error %d, %s", -n, tls_why(t));
	is_str(text, want, "%s", name);
}

static int put(struct tls *t, const char *text)
{
	return tls_write(t, (const uint8_t *)text, strlen(text));
}

/* ---- octets ---- */

static void test_versions(void)
{
	static const char *const pairs[] = {"ec", "rsa"};

	for (int i = 0; i < 4; i++) {
		struct tls_client_how how = usual();
		char chain[16], key[16];
		struct wire w;
		uint8_t one;

		snprintf(chain, sizeof(chain), "%s.pem", pairs[i / 2]);
		snprintf(key, sizeof(key), "%s.key", pairs[i / 2]);
		load(0, chain, key);
		how.versions = i % 2 ? TLS_1_3 : TLS_1_2;
		ok(wire_connect(&w, &how, 0), "%s, version %d", chain, 2 + i % 2);
		is_str(tls_version(w.client), i % 2 ? "TLSv1.3" : "TLSv1.2", "the client's version");
		is_str(tls_version(w.server), i % 2 ? "TLSv1.3" : "TLSv1.2", "the server's version");
		is_str(tls_why(w.client), "", "nothing to say");
		ok(tls_verified(w.client) && !tls_resumed(w.client), "verified");
		is_num(tls_read(w.client, &one, 1), -EAGAIN, "nothing comes yet");
		is_num(put(w.client, "EHLO a\r\n"), 8, "a line goes");
		is_read(w.server, "EHLO a\r\n", "and comes");
		is_num(put(w.server, "250 b\r\n"), 7, "a line goes back");
		is_num(put(w.server, "250 c\r\n"), 7, "and another");
		ok(!tls_pending(w.client), "nothing is inside before the descriptor was read");
		is_read(w.client, "250 b\r\n", "the first");
		ok(tls_pending(w.client), "the second is inside");
		is_read(w.client, "250 c\r\n", "the second");
		ok(!tls_pending(w.client), "nothing is left");
		ok(tls_wire_sent(w.client) > 200 && tls_wire_sent(w.client) < 1500,
		   "octets on the wire: %u", (unsigned)tls_wire_sent(w.client));
		wire_close(&w);
	}
}

static void test_newest(void)
{
	struct tls_client_how how = usual();
	struct wire w;

	ok(wire_connect(&w, &how, 0), "both versions are offered");
	is_str(tls_version(w.client), "TLSv1.3", "the newer one is taken");
	wire_close(&w);
}

/* Octets whose order is seen, through a descriptor that is full most of the time. */
static void test_bulk(uint8_t version)
{
	static uint8_t sent[300000], got[300000];
	struct tls_client_how how = usual();
	size_t out = 0, in = 0, offer;
	struct wire w;
	unsigned again = 0;
	int n = 0, small = 4608;

	how.versions = version;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 7 + i / 251);
	ok(wire_connect(&w, &how, 0), "for octets in bulk");
	setsockopt(w.fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	offer = 1000;
	for (unsigned turn = 0; in < sizeof(sent) && turn < 100000; turn++) {
		offer = out + offer > sizeof(sent) ? sizeof(sent) - out : offer;
		n = offer > 0 ? tls_write(w.client, sent + out, offer) : 0;
		if (n == -EAGAIN) {
			again++;
			offer += 1 + turn % 3000; /* more has come meanwhile */
		} else if (n > 0) {
			out += (size_t)n;
			offer = 1 + turn * 37 % 9000;
		}
		if (turn % 3 == 0)
			n = tls_read(w.server, got + in, sizeof(got) - in);
		if (n < 0 && n != -EAGAIN)
			break;
		in += turn % 3 == 0 && n > 0 ? (size_t)n : 0;
	}
	ok(again > 20, "the descriptor was full %u times", again);
	ok(in == sizeof(sent) && !memcmp(sent, got, sizeof(sent)), "every octet, in order");
	wire_close(&w);
}

/* ---- ends ---- */

static void test_ends(void)
{
	struct tls_client_how how = usual();
	struct wire w;
	uint8_t one;

	ok(wire_connect(&w, &how, 0), "an end that is said");
	put(w.client, "QUIT\r\n");
	tls_shut(w.client);
	is_read(w.server, "QUIT\r\n", "what came before it");
	is_read(w.server, "", "the end");
	is_read(w.server, "", "again");
	is_num(put(w.server, "221 bye\r\n"), 9, "the other way is still open");
	is_read(w.client, "221 bye\r\n", "and comes");
	wire_close(&w);

	ok(wire_connect(&w, &how, 0), "an end that is not said");
	put(w.client, "250 half");
	tls_end(w.client, true);
	close(w.fd[0]);
	is_read(w.server, "250 half", "what came before it");
	is_num(tls_read(w.server, &one, 1), -ECONNRESET, "a lost connection");
	is_str(tls_why(w.server), "it closed the connection without saying so", "the reason");
	is_num(put(w.server, "x"), -ECONNRESET, "nothing goes any more");
	tls_end(w.server, false);
	close(w.fd[1]);

	wire_open(&w);
	w.client = tls_connect(w.fd[0], &how);
	w.server = tls_accept(w.fd[1], 0);
	tls_handshake(w.client);
	tls_handshake(w.client);
	tls_end(w.server, true);
	close(w.fd[1]);
	for (int i = 0; i < 10 && w.c != TLS_FAILED; i++)
		w.c = tls_handshake(w.client);
	is_num(w.c, TLS_FAILED, "an end in the handshake");
	is_str(tls_why(w.client), "it closed the connection in the handshake", "the reason");
	ok(!tls_is_certificate(w.client), "not the certificate");
	tls_end(w.client, false);
	close(w.fd[0]);
}

/* ---- peers that are none ---- */

/* A server is sent these octets; why it fails. */
static const char *server_gets(const void *p, size_t n, char offered[16])
{
	static char text[TLS_WHY];
	struct wire w;

	wire_open(&w);
	w.server = tls_accept(w.fd[1], 0);
	if (write(w.fd[0], p, n) != (ssize_t)n)
		exit(1);
	shutdown(w.fd[0], SHUT_WR);
	for (int i = 0; i < 50 && w.s != TLS_FAILED; i++)
		w.s = tls_handshake(w.server);
	snprintf(text, sizeof(text), "%s", w.s == TLS_FAILED ? tls_why(w.server) : "not failed");
	snprintf(offered, 16, "%s", tls_offered(w.server));
	tls_end(w.server, false);
	close(w.fd[0]);
	close(w.fd[1]);
	return text;
}

/* A ClientHello of an old device: this version, one cipher, no extensions. */
static const char *old_hello(uint8_t major, uint8_t minor, char offered[16])
{
	uint8_t hello[] = {22, 3, 0, 0, 45, 1, 0, 0, 41, major, minor, [43] = 0, 0, 2, 0, 0x2f, 1, 0};

	return server_gets(hello, sizeof(hello), offered);
}

static void test_strangers(void)
{
	static const uint8_t ssl2[] = {0x80, 46, 1, 3, 1, 0, 3, 0, 0, 0, 16, [47] = 0};
	static const char ehlo[] = "EHLO scanner\r\n", get[] = "GET / HTTP/1.1\r\n\r\n";
	struct tls_client_how how = usual();
	char offered[16];
	struct wire w;

	is_str(server_gets(ehlo, sizeof(ehlo) - 1, offered),
	       "it does not speak TLS: it sent clear text", "a client that speaks SMTP");
	is_str(offered, "", "offered nothing");
	is_str(server_gets(get, sizeof(get) - 1, offered),
	       "it does not speak TLS: it sent clear text", "a browser");
	is_str(old_hello(3, 1, offered), "it speaks no TLS 1.2 or 1.3", "TLS 1.0");
	is_str(offered, "TLS 1.0", "is known");
	old_hello(3, 2, offered);
	is_str(offered, "TLS 1.1", "TLS 1.1");
	old_hello(3, 0, offered);
	is_str(offered, "SSL 3", "SSL 3");
	ok(!strncmp(server_gets(ssl2, sizeof(ssl2), offered), "it does not speak TLS", 21),
	   "a hello of SSL 2");
	is_str(offered, "TLS 1.0", "is known too");
	is_str(server_gets("", 0, offered), "it closed the connection in the handshake", "nothing");
	ok(!strncmp(server_gets("\x16\x03\x01\x00\x02\x01\x00", 7, offered), "it ", 3), "a stump");
	is_str(server_gets("\x16\x03\x01\xff\xff\x01\x00", 7, offered),
	       "it sent a message that is too large (mbedTLS -0x7100)", "a record that is too long");

	wire_open(&w);
	w.client = tls_connect(w.fd[0], &how);
	if (write(w.fd[1], "220 mx ESMTP\r\n", 14) != 14)
		exit(1);
	for (int i = 0; i < 50 && w.c != TLS_FAILED; i++)
		w.c = tls_handshake(w.client);
	is_str(tls_why(w.client), "it does not speak TLS at this port: it answers in clear text",
	       "a gateway without TLS");
	is_str(tls_offered(w.client), "", "no client");
	tls_end(w.client, false);
	close(w.fd[0]);
	close(w.fd[1]);
}

/* Without a pair nobody is let in. */
static void test_no_pair(void)
{
	struct tls_client_how how = usual();
	struct wire w;

	ok(!wire_connect(&w, &how, CONFIG_LISTENERS), "a pair that is none");
	is_num(w.s, TLS_FAILED, "no handshake");
	ok(!strncmp(tls_why(w.server), "there is no certificate here to show it", 39), "%s",
	   tls_why(w.server));
	wire_close(&w);
}

/* ---- pairs ---- */

static void test_pairs(void)
{
	static const struct { const char *chain, *key, *why; } pairs[] = {
		{"ec.pem", "ec.key", ""},
		{"ec.pem", "ec-sec1.key", ""},
		{"rsa.pem", "rsa.key", ""},
		{"rsa.pem", "rsa-pkcs1.key", ""},
		{"rsa.pem", "ec.key", "the key does not fit the certificate"},
		{"ec.pem", "self.key", "the key does not fit the certificate"},
		{"ec.key", "ec.key", "there is no certificate in it"},
		{"ec.pem", "ec.pem", "there is no private key in it"},
		{"ec.pem", "locked.key", "the key is locked by a passphrase"},
		{"rsa.pem", "locked-old.key", "the key is locked by a passphrase"},
		{"ec.pem", "ed25519.key", "the key cannot be read: RSA up to 4096 bits and EC (P-256, "
		 "P-384) are known"},
		{"usage.pem", "usage.key", "the certificate is not one for a server"},
	};
	static const char broken[] = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
	static char many[20000];
	char text[256];
	struct fmt why;
	struct bytes one;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		fmt_init(&why, text, sizeof(text));
		is_num(tls_check_pair(file_of(pairs[i].chain), file_of(pairs[i].key), &why),
		       !*pairs[i].why, "%s with %s", pairs[i].chain, pairs[i].key);
		is_str(text, pairs[i].why, "the words");
	}
	fmt_init(&why, text, sizeof(text));
	ok(!tls_check_pair(bytes_of(broken), file_of("ec.key"), &why), "not a certificate");
	is_str(text, "certificate 1 cannot be read: RSA up to 4096 bits and EC (P-256, P-384) are known", "the words");
	one = file_of("rsa.pem");
	while (n < 9000) {
		memcpy(many + n, one.p, one.n);
		n += one.n;
	}
	fmt_init(&why, text, sizeof(text));
	ok(!tls_check_pair((struct bytes){(uint8_t *)many, n}, file_of("rsa.key"), &why),
	   "a chain that is too long to be sent");
	ok(strstr(text, "the chain has ") == text, "%s", text);
}

/* ---- places ---- */

static unsigned room_told;

static void on_room(void)
{
	room_told++;
	loop_stop();
}

static void on_late(struct deadline *d)
{
	(void)d;
	loop_stop();
}

static bool room_is_told(void)
{
	static struct deadline late;

	room_told = 0;
	loop_after(&late, 100, on_late);
	loop_run();
	loop_deadline_clear(&late);
	return room_told > 0;
}

static void test_handshakes(void)
{
	static struct wire w[CONFIG_TLS_HANDSHAKES];
	struct tls_client_how how = usual();
	unsigned n = 0;

	while (tls_has_room(false)) {
		wire_open(&w[n]);
		w[n].server = tls_accept(w[n].fd[1], 0);
		n++;
	}
	is_num(n, CONFIG_TLS_HANDSHAKES - 1, "handshakes with clients");
	wire_open(&w[n]);
	ok(!tls_accept(w[n].fd[1], 0), "no further one");
	ok(tls_has_room(true), "the last place is for a gateway");
	w[n].client = tls_connect(w[n].fd[0], &how);
	ok(w[n].client && !tls_has_room(true), "who takes it");
	tls_when_room(on_room);
	ok(!room_is_told(), "nothing is free");
	tls_end(w[0].server, true);
	ok(room_is_told(), "now there is");
	ok(tls_has_room(true), "a place for a gateway");
	for (unsigned i = 1; i < n; i++)
		tls_end(w[i].server, true);
	tls_end(w[n].client, true);
	for (unsigned i = 0; i <= n; i++) {
		close(w[i].fd[0]);
		close(w[i].fd[1]);
	}
	is_num(tls_count(), 0, "all are given back");
}

static void test_sessions(void)
{
	enum { KEPT = CONFIG_TLS_SESSIONS / 8 > 0 ? CONFIG_TLS_SESSIONS / 8 : 1 };
	static struct wire w[CONFIG_TLS_SESSIONS + 1];
	struct tls_client_how how = usual();
	unsigned n = 0;

	while (n < CONFIG_TLS_SESSIONS && tls_has_room(false)) {
		/* The last that a client may take: no room for both sides, so it stays alone. */
		if (tls_count() + 1 >= CONFIG_TLS_SESSIONS - KEPT)
			break;
		if (!wire_connect(&w[n++], &how, 0))
			break;
	}
	ok(n == 0 || w[n - 1].c == TLS_DONE, "%u sessions stand", tls_count());
	if (tls_count() < CONFIG_TLS_SESSIONS - KEPT) {
		wire_open(&w[n]);
		w[n].server = tls_accept(w[n].fd[1], 0);
		ok(w[n++].server, "one more client");
	}
	is_num(tls_count(), CONFIG_TLS_SESSIONS - KEPT, "places for clients");
	ok(!tls_has_room(false), "are taken");
	ok(tls_has_room(true), "but not those for gateways");
	while (n > 0) {
		n--;
		if (w[n].client)
			tls_end(w[n].client, true);
		tls_end(w[n].server, true);
		close(w[n].fd[0]);
		close(w[n].fd[1]);
	}
	is_num(tls_count(), 0, "all are given back");
}

/* ---- through a wire that is cut in pieces ---- */

/*
 * Moves what one end sent to the other, in records of at most `size` octets of content where that
 * is > 0 (and the record is a handshake in clear text), octet by octet where it is 0.
 */
static void carry(int from, int to, size_t size, bool *clear)
{
	uint8_t in[20000];
	ssize_t n = read(from, in, sizeof(in));

	for (ssize_t at = 0; at < n;) {
		size_t len = (size_t)in[at + 3] << 8 | in[at + 4];

		if (size == 0) {
			if (write(to, in + at++, 1) != 1)
				exit(1);
			return;
		}
		for (size_t i = 0; i < len; i += size) {
			size_t part = *clear && in[at] == 22 && len - i > size ? size : len - i;
			uint8_t head[5] = {in[at], 3, 3, (uint8_t)(part >> 8), (uint8_t)part};

			if (write(to, head, 5) != 5 ||
			    write(to, in + at + 5 + i, part) != (ssize_t)part)
				exit(1);
			if (part > size)
				break;
		}
		at += 5 + (ssize_t)len;
		*clear = false;
	}
}

static bool shake_through(struct wire *w, struct wire *other, size_t size)
{
	struct tls_client_how how = usual();
	bool clear[2] = {true, true};

	wire_open(w);
	wire_open(other);
	w->client = tls_connect(w->fd[0], &how);
	w->server = tls_accept(other->fd[1], 0);
	for (int i = 0; i < 400; i++) {
		if (w->c != TLS_DONE && w->c != TLS_FAILED)
			w->c = tls_handshake(w->client);
		carry(w->fd[1], other->fd[0], size, &clear[0]);
		if (w->s != TLS_DONE && w->s != TLS_FAILED)
			w->s = tls_handshake(w->server);
		carry(other->fd[0], w->fd[1], size, &clear[1]);
	}
	printf("# %s | %s\n", tls_why(w->client), tls_why(w->server));
	tls_end(w->client, true);
	tls_end(w->server, true);
	for (int i = 0; i < 2; i++) {
		close(w->fd[i]);
		close(other->fd[i]);
	}
	return w->c == TLS_DONE && w->s == TLS_DONE;
}

static void test_pieces(void)
{
	static const size_t sizes[] = {16384, 100, 20, 4};
	struct wire w, other;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		ok(shake_through(&w, &other, sizes[i]), "hello in records of %zu octets", sizes[i]);
}

/* ---- another process ---- */

static void test_fork(void)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		struct tls_client_how how = usual();
		struct fmt why;
		char text[100];
		struct wire w;

		fmt_init(&why, text, sizeof(text));
		_exit(tls_init(&why) && wire_connect(&w, &how, 0) ? 0 : 1);
	}
	waitpid(child, &status, 0);
	is_num(status, 0, "in a process forked later");
}

int main(void)
{
	static struct timer *slots[4];
	char text[256];
	struct fmt why;

	fmt_init(&why, text, sizeof(text));
	loop_init(slots, 4);
	ok(tls_init(&why), "begun%s", text);
	ok(tls_is_there(), "TLS is there");
	root = ca_of("root.crt");
	test_versions();
	test_newest();
	test_bulk(TLS_1_2);
	test_bulk(TLS_1_3);
	test_ends();
	test_strangers();
	test_no_pair();
	test_pairs();
	test_pieces();
	test_handshakes();
	test_sessions();
	test_fork();
	return done();
}
