# SPDX-License-Identifier: ISC
"""The hops that are compared: the relay, nginx's mail proxy, and the sink alone."""

import os
import shutil
import tempfile

from lib_peers.programs import Program, answers, free_port
from lib_peers.relay import BINARY, Relay
from lib_peers.tap import wait_for

NGINX = """
{user}
daemon off;
worker_processes 1;
pid {dir}/pid;
error_log {dir}/error.log error;
load_module {modules}/ngx_mail_module.so;
events {{ worker_connections 8192; }}
mail {{
	server_name box.example;
	auth_http 127.0.0.1:{auth}/;
	proxy_pass_error_message on;
	server {{
		listen 127.0.0.1:{port};
		protocol smtp;
		smtp_auth none;
		xclient off;
		smtp_capabilities "PIPELINING" "8BITMIME" "SIZE 52428800";
	}}
}}
http {{
	access_log off;
	client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
	uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
	server {{
		listen 127.0.0.1:{auth};
		location / {{
			add_header Auth-Status OK;
			add_header Auth-Server 127.0.0.1;
			add_header Auth-Port {sink};
			return 200;
		}}
	}}
}}
"""


class Nginx:
    """nginx as an SMTP proxy, its own auth_http server in the same worker."""

    name = "nginx"

    def __init__(self, top, sink, wrap=(), text=NGINX):
        self.dir = tempfile.mkdtemp(prefix="gatepost-bench-")
        self.port = free_port()
        top = os.path.join(top, "nginx")
        conf = os.path.join(self.dir, "nginx.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write(text.format(dir=self.dir, modules=os.path.join(top, "usr/lib/nginx/modules"), sink=sink,
                                    port=self.port, auth=free_port(), user="user root;" if os.geteuid() == 0 else ""))
        self.program = Program([*wrap, os.path.join(top, "usr/sbin/nginx"), "-p", self.dir, "-e",
                                os.path.join(self.dir, "error.log"), "-c", conf])
        wait_for(lambda: answers(self.port), 15, "nginx")

    def pids(self):
        return self.program.pids()

    def stop(self):
        self.program.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class Gatepost:
    name = "gatepost"

    def __init__(self, sink, wrap=(), more=""):
        self.relay = Relay(f'Gateway = "127.0.0.1:{sink}"\nMax_Message_Size = 200m\n'
                           f'Max_Outbound_Connections = 200\n{more}', hostname="box.example", wrap=wrap)
        self.port = self.relay.port

    def pids(self):
        found = [p for p in self.relay.pids() if os.path.realpath(f"/proc/{p}/exe") == os.path.realpath(BINARY)]
        if len(found) < 3:
            raise RuntimeError(f"only {len(found)} processes of the relay are left")
        return found

    def stop(self):
        self.relay.stop()
