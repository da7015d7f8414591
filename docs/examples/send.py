#!/usr/bin/env python3
"""Sends one message over SMPP with the public library smpplib and waits for its receipt.

    send.py DESTINATION TEXT [--host HOST] [--port PORT] [--system-id ID] [--password PASSWORD] [--source ADDRESS]

The exit code is 0 when the receipt says that the message was delivered.
"""

import argparse
import socket
import sys
import time

import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm


def arguments():
    parser = argparse.ArgumentParser(description="sends one message over SMPP and waits for its receipt")
    parser.add_argument("destination", help="number in the international form without +")
    parser.add_argument("text")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2775)
    parser.add_argument("--system-id", default="demo")
    parser.add_argument("--password", default="demo")
    parser.add_argument("--source", default="12345")
    parser.add_argument("--wait", type=float, default=30.0, help="seconds to wait for the receipt")
    return parser.parse_args()


def main():
    options = arguments()
    # id -> state of the receipts that came; ids of the parts that were accepted.
    receipts, accepted = {}, []

    client = smpplib.client.Client(options.host, options.port, timeout=2, allow_unknown_opt_params=True)

    def response(pdu):
        message_id = pdu.message_id.decode()
        accepted.append(message_id)
        print(f"accepted  id {message_id}")

    def deliver(pdu):
        text = (pdu.short_message or b"").decode("latin-1")
        if pdu.esm_class & 0x3C != 0x04:
            print(f"message   from {pdu.source_addr.decode()}: {text}")
            return smpplib.consts.SMPP_ESME_ROK
        fields = dict(field.split(":", 1) for field in text.split() if ":" in field)
        receipts[fields.get("id")] = fields.get("stat")
        print(f"receipt   {text}")
        return smpplib.consts.SMPP_ESME_ROK

    client.set_message_sent_handler(response)
    client.set_message_received_handler(deliver)
    client.connect()
    client.bind_transceiver(system_id=options.system_id, password=options.password)
    print(f"bound     to {options.host}:{options.port} as {options.system_id}")

    parts, data_coding, esm_class = smpplib.gsm.make_parts(options.text)
    for part in parts:
        client.send_message(
            source_addr_ton=smpplib.consts.SMPP_TON_UNK,
            source_addr_npi=smpplib.consts.SMPP_NPI_UNK,
            source_addr=options.source,
            dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
            dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
            destination_addr=options.destination,
            short_message=part,
            data_coding=data_coding,
            esm_class=esm_class,
            registered_delivery=True,
        )

    until = time.monotonic() + options.wait
    while time.monotonic() < until and not (len(accepted) == len(parts) and set(accepted) <= set(receipts)):
        try:
            client.read_once(auto_send_enquire_link=False)
        except socket.timeout:
            continue
    client.unbind()
    client.disconnect()
    if len(accepted) < len(parts):
        sys.exit("not accepted")
    states = [receipts.get(message_id, "no receipt") for message_id in accepted]
    if any(state != "DELIVRD" for state in states):
        sys.exit(f"not delivered: {', '.join(states)}")


if __name__ == "__main__":
    main()
