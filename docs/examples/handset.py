#!/usr/bin/env python3
"""A handset over SMPP, with the public library smpplib: it writes to a short code and shows what comes back.

    handset.py TEXT [TEXT ...] [--number NUMBER] [--to ADDRESS] [--host HOST] [--port PORT]
               [--system-id ID] [--password PASSWORD] [--patience SECONDS]

Each text is sent once an answer to the one before has come, or PATIENCE has run out. Without texts it reads them from
the terminal, a line each. The exit code is 0 when every text but the last was answered.
"""

import argparse
import socket
import sys
import time

import smpplib.client
import smpplib.consts
import smpplib.gsm


def arguments():
    parser = argparse.ArgumentParser(description="writes to a short code over SMPP and shows what comes back")
    parser.add_argument("texts", nargs="*", metavar="TEXT")
    parser.add_argument("--number", default="12025550123", help="the handset's number, without +")
    parser.add_argument("--to", default="60777", help="the short code")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2775)
    parser.add_argument("--system-id", default="handsets")
    parser.add_argument("--password", default="handsets")
    parser.add_argument("--patience", type=float, default=5.0, help="seconds to wait for an answer")
    return parser.parse_args()


def text_of(pdu):
    octets = pdu.short_message or b""
    if pdu.esm_class & 0x40:
        octets = octets[octets[0] + 1:]
    return octets.decode("utf-16-be" if pdu.data_coding == 8 else "latin-1")


def main():
    options = arguments()
    answers = []
    client = smpplib.client.Client(options.host, options.port, timeout=0.2, allow_unknown_opt_params=True)

    def deliver(pdu):
        if pdu.esm_class & 0x3C != 0x04:
            text, to = text_of(pdu), pdu.destination_addr.decode()
            # The account has all handsets: what comes for another one is shown, and answers nothing.
            if to == options.number:
                answers.append(text)
            print(f"  {pdu.source_addr.decode()} > {text}" + ("" if to == options.number else f" (to {to})"), flush=True)
        return smpplib.consts.SMPP_ESME_ROK

    client.set_message_sent_handler(lambda pdu: None)
    client.set_message_received_handler(deliver)
    client.connect()
    client.bind_transceiver(system_id=options.system_id, password=options.password)

    unanswered = 0
    texts = iter(options.texts) if options.texts else (line.rstrip("\n") for line in sys.stdin)
    for text in texts:
        print(f"{options.number} > {text}", flush=True)
        parts, data_coding, esm_class = smpplib.gsm.make_parts(text)
        for part in parts:
            client.send_message(
                source_addr_ton=smpplib.consts.SMPP_TON_INTL,
                source_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
                source_addr=options.number,
                dest_addr_ton=smpplib.consts.SMPP_TON_NWSPEC,
                dest_addr_npi=smpplib.consts.SMPP_NPI_UNK,
                destination_addr=options.to,
                short_message=part,
                data_coding=data_coding,
                esm_class=esm_class,
                registered_delivery=False,
            )
        before, until = len(answers), time.monotonic() + options.patience
        while time.monotonic() < until and len(answers) == before:
            try:
                client.read_once(auto_send_enquire_link=False)
            except socket.timeout:
                continue
        if len(answers) == before:
            unanswered += 1
            print("  (no answer)", flush=True)
    client.unbind()
    client.disconnect()
    sys.exit(0 if unanswered <= 1 else f"{unanswered} texts were not answered")


if __name__ == "__main__":
    main()
