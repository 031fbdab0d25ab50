# SPDX-License-Identifier: ISC
"""A scripted token endpoint (OAuth 2.0 over HTTPS) that speaks as Microsoft and Google do, or as one that takes each
refresh token only once. It refuses what is not asked for in the right form, and keeps what it was asked.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from .tap import check, wait_for
from .tlsgateway import TlsLiar, Login, context
from . import certs

CLIENT, SECRET, ACCOUNT = "4b1e-client", "s3cret/of+the=client", "scanner@example.com"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def _token(kind, octets=40):
    return kind + "." + secrets.token_urlsafe(octets)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.owner.wrong.append(f"GET {self.path}")
        self.send_error(405)

    def do_POST(self):
        owner = self.server.owner
        length = self.headers.get("Content-Length", "")
        body = self.rfile.read(int(length)).decode("ascii") if length.isdigit() else ""
        form = dict(parse_qsl(body, keep_blank_values=True, strict_parsing=bool(body)))
        for good, what in ((length.isdigit(), "no Content-Length"),
                           (self.headers.get("Content-Type") == "application/x-www-form-urlencoded", "not a form"),
                           (self.headers.get("Host") == f"{owner.name}:{owner.port}", "Host"),
                           (len(form) == body.count("&") + 1, "a member twice"),
                           (form.get("client_id") == CLIENT, "client_id")):
            if not good:
                owner.wrong.append(what)
        with owner.lock:
            owner.busy += 1
            owner.busiest = max(owner.busiest, owner.busy)
        time.sleep(owner.delay)
        answer = owner.answer(self.path, form)
        with owner.lock:
            owner.busy -= 1
        if callable(answer):
            answer(self)
            return
        status, value = answer
        octets = value if isinstance(value, bytes) else json.dumps(value, indent=2).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.send_header("x-long", "x" * 400)
        self.send_header("Connection", "close")
        if owner.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(octets), 100):
                piece = octets[at:at + 100]
                self.wfile.write(b"%X\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\nX-Trailer: 1\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)
        self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def get_request(self):
        sock, peer = super().get_request()
        sock.settimeout(60)
        return self.ctx.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), peer

    def handle_error(self, request, client_address):
        pass


def raw(octets, wait=0, cut=False):
    """An answer of its own making: these octets; cut: without the end that TLS has (close_notify)."""
    def act(handler):
        handler.wfile.write(octets)
        handler.wfile.flush()
        time.sleep(wait)
        if not cut:
            handler.connection.settimeout(5)
            try:
                handler.connection.unwrap()
            except OSError:
                pass
        handler.close_connection = True
    return act


class Endpoint:
    """dialect: microsoft, google, once (a refresh token is good once). script: answers to token requests that come
    before the usual ones, each (status, value), or a function of the request's handler, or None: as usual. name: the
    host's, as the address has it."""

    def __init__(self, dialect="microsoft", cert="good", pending=0, life=3599, grant=None, script=(), secret=None, size=40,
                 at="127.0.0.1", name=None):
        self.dialect, self.pending, self.life, self.script = dialect, pending, life, list(script)
        self.grant, self.secret, self.size = grant, secret, size
        self.chunked = dialect == "google"
        self.requests, self.wrong, self.access = [], [], []
        self.refresh = set()            # those that are good
        self.given = []                 # every refresh token ever given
        self.codes, self.device = {}, None
        self.device_answer = None
        self.delay = 0
        self.busy = self.busiest = 0
        self.lock = threading.Lock()
        self.name = name or at
        self.server = _Server((at, 0), Handler)
        self.server.ctx = context(certs.get(cert) if isinstance(cert, str) else cert)
        self.server.owner = self
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.server.shutdown()
        self.server.server_close()
        if kind is None:
            check(not self.wrong, f"requests that were wrong: {self.wrong}")

    @property
    def base(self):
        return f"https://{self.name}:{self.port}/common/oauth2/v2.0/"

    def conf(self, ca="root", refresh=None, user=ACCOUNT, more=""):
        provider = {"microsoft": "microsoft", "google": "google"}.get(self.dialect)
        rows = [f'Outbound_SMTP_AUTH_User = "{user}"', f'OAuth2_Client_Id = "{CLIENT}"',
                f'OAuth2_Token_URL = "{self.base}token"']
        if provider:
            rows.append(f"OAuth2_Provider = {provider}")
        if self.secret:
            rows.append(f'OAuth2_Client_Secret = "{self.secret}"')
        if self.grant:
            rows.append(f"OAuth2_Grant = {self.grant}")
        if refresh:
            rows.append(f'OAuth2_Refresh_Token = "{refresh}"')
        if ca:
            rows.append(f'TLS_CA = "{certs.get(ca).path}"')
        return "\n".join(rows) + "\n" + more

    def asked(self, grant=None):
        return [f for p, f in self.requests if p.endswith("token") and grant in (None, f.get("grant_type"))]

    # --- answers ---

    def answer(self, path, form):
        with self.lock:
            self.requests.append((path, form))
            if path.endswith("/devicecode"):
                return self._device(form)
            if not path.endswith("/token"):
                self.wrong.append(path)
                return 404, {"error": "not_found"}
            special = self.script.pop(0) if self.script else None
            return special if special is not None else self._grant(form)

    def error(self, name, text="", status=400):
        value = {"error": name}
        if text:
            value["error_description"] = text
        if self.dialect == "microsoft":
            value["error_description"] = (f"AADSTS70000: {text or name} Trace ID: 0f8a-1 Correlation ID: 77c1-2 "
                                          "Timestamp: 2026-11-25 10:00:00Z")
            value.update({"error_codes": [70000], "timestamp": "2026-11-25 10:00:00Z", "trace_id": "0f8a-1",
                          "correlation_id": "77c1-2", "error_uri": "https://login.example/error?code=70000"})
        return status, value

    def _device(self, form):
        if self.device_answer:
            return self.device_answer
        if self.dialect == "microsoft" and "offline_access" not in form.get("scope", ""):
            self.wrong.append("scope of the device")
        self.device = _token("DEVICE")
        return 200, {"user_code": "FJC3-LPQ7", "device_code": self.device, "expires_in": 900, "interval": 1,
                     "verification_uri": "https://login.example/device",
                     "message": "To sign in, use a web browser \u2026 \"FJC3\"."}

    def _tokens(self, refresh):
        access = _token("ACCESS", self.size)
        self.access.append(access)
        value = {"token_type": "Bearer", "access_token": access, "scope": "mail/\u00fc [\"a\", {\"b\": 1}]"}
        if self.life is not None:
            value["expires_in"] = self.life
        if refresh:
            value["refresh_token"] = self.new_refresh()
        if self.dialect == "microsoft":
            value.update({"ext_expires_in": 3599, "id_token": "e30." + "A" * 900 + ".x"})
        return 200, value

    def new_refresh(self):
        token = _token("REFRESH", self.size)
        self.refresh.add(token)
        self.given.append(token)
        return token

    def _client_is_known(self, form):
        return form.get("client_secret") == self.secret if self.secret else "client_secret" not in form

    def _grant(self, form):
        kind = form.get("grant_type")
        if not self._client_is_known(form):
            return self.error("invalid_client", "Invalid client secret provided.", 401)
        if kind == DEVICE:
            if form.get("device_code") != self.device:
                return self.error("bad_verification_code")
            if self.pending > 0:
                self.pending -= 1
                return self.error("authorization_pending", "the user has not finished")
            return self._tokens(True)
        if kind == "authorization_code":
            return self._code(form)
        if kind == "client_credentials":
            if self.dialect == "microsoft" and not form.get("scope", "").endswith("/.default"):
                return self.error("invalid_scope")
            return self._tokens(False)
        if kind == "refresh_token":
            old = form.get("refresh_token")
            if old not in self.refresh:
                return self.error("invalid_grant", "Token has been expired or revoked.")
            if self.dialect == "once":
                self.refresh.discard(old)
            return self._tokens(self.dialect != "google")
        return self.error("unsupported_grant_type")

    # --- the browser ---

    def browse(self, address):
        """What the browser's address line shows at the end."""
        parts = urlsplit(address)
        query = dict(parse_qsl(parts.query, strict_parsing=True))
        check(address.startswith(self.base + "authorize?"), f"the address to open: {address}")
        for name, value in (("response_type", "code"), ("client_id", CLIENT), ("code_challenge_method", "S256"),
                            ("redirect_uri", "http://localhost")):
            check(query.get(name) == value, f"{name}: {query.get(name)}")
        check(len(query["state"]) >= 32, "state is short")
        if self.dialect == "google":
            check(query.get("access_type") == "offline" and query["scope"] == "https://mail.google.com/", f"{query}")
        code = "4/0A" + secrets.token_urlsafe(30)
        self.codes[code] = query["code_challenge"]
        return "http://localhost/?" + urlencode({"state": query["state"], "iss": "https://a.example", "code": code},
                                                quote_via=quote)

    def _code(self, form):
        challenge = self.codes.pop(form.get("code"), None)
        verifier = form.get("code_verifier", "")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if challenge is None or digest != challenge or form.get("redirect_uri") != "http://localhost":
            return self.error("invalid_grant", "Malformed auth code.")
        return self._tokens(True)

    def wait_asked(self, number, grant=None, seconds=10):
        wait_for(lambda: len(self.asked(grant)) >= number, seconds, f"token request {number}")


class TokenLogin(Login):
    """The gateway's side of XOAUTH2: takes the tokens that the endpoint gave, but those in `revoked`."""

    def __init__(self, endpoint, mechanisms="LOGIN XOAUTH2", user=ACCOUNT, **more):
        super().__init__(user=user, mechanisms=mechanisms, **more)
        self.endpoint, self.revoked, self.seen = endpoint, set(), []

    def is_for(self, line):
        """Is this AUTH line, with its token in it, that of our user?"""
        return b"user=" + self.user + b"\1" in base64.b64decode(line.split(b" ")[2])

    def take_xoauth2(self, conn, initial):
        got = (base64.b64decode(initial, validate=True) if initial is not None else self.ask(conn, raw="")) or b""
        for token in self.endpoint.access:
            if got == b"user=%s\1auth=Bearer %s\1\1" % (self.user, token.encode()):
                self.seen.append(token)
                if token not in self.revoked:
                    return True
        self.ask(conn, b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}')
        return False


__all__ = ["ACCOUNT", "CLIENT", "DEVICE", "SECRET", "Endpoint", "TlsLiar", "TokenLogin", "raw"]
