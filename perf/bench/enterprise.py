"""A whole node with the catalog of one enterprise, for the benches of the dialog server: links, a short code with an
approved program, and what a bench adds."""

import json
import os
import shutil
import tempfile

from load import Process, free_port, refuse_memory

CODE = "60777"

ENTERPRISE = """
[[account]]
name = 'bench'
enterprise = 'bench'
organization = 'bench'
system_id = 'bench'
password = 'bench'
sources = ['*']
[[enterprise]]
name = 'bench'
[[carrier]]
name = 'mobile'
prefixes = ['4']
[[program]]
name = 'bench'
kind = 'interactive'
account = 'bench'
[[source_address]]
name = 'code'
address = '{code}'
sharing = 'dedicated'
country = 'GB'
links = ['{link}']
carriers = ['mobile']
programs = ['bench']
account = 'bench'
default_sub_campaign = 'inbound'
[[approval]]
name = 'bench'
program = 'bench'
source_address = 'code'
carrier = 'mobile'
status = 'approved'
[[sub_campaign]]
name = 'inbound'
account = 'bench'
kind = 'inbound'
state = 'running'
programs = ['bench']
instructions = {instructions}
"""

LINK = """
[[link]]
name = '{name}'
host = '127.0.0.1'
port = {port}
system_id = 'signalbox'
password = 'secret'
sessions = 4
window = 200
inbound_window = 1000
reconnect = {{ min = '50ms', max = '300ms' }}
"""

SETTINGS = """
[node]
name = "{name}"
data_directory = {data}
[[smpp.listen]]
name = "smpp"
address = "127.0.0.1:{smpp}"
[api]
address = "127.0.0.1:{api}"
[admin]
address = "127.0.0.1:{admin}"
[log]
level = "warn"
[cdr]
serial_prefix = "{name}"
[counters]
max_keys = 4_000_000
timestamp_memory = "256MiB"
[catalog]
seed = {seed}
"""


class Site:
    """A node that runs, in a folder that goes with it. The first link is that of the short code; `instructions` are
    those of its default sub-campaign `inbound`, `rows` what the catalog has besides."""

    def __init__(self, options, name, links, instructions, rows):
        self.binary = options.binary
        os.makedirs(options.folder, exist_ok=True)
        refuse_memory(options.folder)
        self.folder = tempfile.mkdtemp(prefix=f"{name}-", dir=options.folder)
        self.data = f"{self.folder}/data"
        self.processes = []
        self.links = {link: free_port() for link in links}
        ports = {port: free_port() for port in ("smpp", "api", "admin")}
        with open(f"{self.folder}/catalog.toml", "w", encoding="utf-8") as catalog:
            catalog.write(ENTERPRISE.format(code=CODE, link=links[0], instructions=instructions))
            catalog.writelines(LINK.format(name=link, port=port) for link, port in self.links.items())
            catalog.write(rows)
        with open(f"{self.folder}/settings.toml", "w", encoding="utf-8") as settings:
            quoted = {"data": json.dumps(self.data), "seed": json.dumps(f"{self.folder}/catalog.toml")}
            settings.write(SETTINGS.format(name=name, **quoted, **ports))
        self.node = self.start("node", ["run", "--config", f"{self.folder}/settings.toml"])
        self.node.admin = f"http://127.0.0.1:{ports['admin']}"

    def __enter__(self):
        try:
            self.node.wait_for(r"admin +http")
        except SystemExit:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, arguments):
        process = Process([self.binary, *arguments], f"{self.folder}/{name}.log")
        self.processes.append(process)
        return process

    def smsc(self, link, rate, count, first, devices, texts, *more):
        """One that brings so many messages at a rate to the short code, from so many devices in turn."""
        said = [argument for text in texts for argument in ("--mo-text", text)]
        return self.start(link, [
            "sim", "smsc", "--listen", f"127.0.0.1:{self.links[link]}", "--mo-rate", str(rate), "--mo-count", str(count),
            "--mo-source", first, "--mo-sources", str(devices), "--mo-destination", CODE, *said, *more,
        ])
