"""The judge finds each violation that is planted, and nothing where nothing is wrong.

    python3 -m unittest discover -s perf/judge
"""

import contextlib
import hashlib
import io
import json
import os
import tempfile
import unittest

import judge


def record(sequence, visible_id, destination, outcome="delivered", remote_id="", **more):
    fields = {
        "sequence": sequence, "id": f"final-{visible_id}-1", "kind": "final", "direction": "mt",
        "outbox": {"commit": sequence, "index": 0, "of": 1},
        "origin_class": "user", "visible_id": visible_id, "source": "12345", "destination": destination,
        "outcome": outcome, "remote_id": remote_id, "possible_duplicate": False,
    }
    fields.update(more)
    return fields


class Run:
    """The logs and CDRs of six messages: two in each of two closed files, one in an open one, one still open."""

    def __init__(self):
        self.esme, self.smsc = [], []
        for marker in range(6):
            number = f"44770090000{marker}"
            self.esme.append({"e": "submit", "m": marker, "source": "12345", "destination": number})
            self.esme.append({"e": "response", "m": marker, "id": f"a{marker}", "status": 0})
            if marker == 5:
                continue
            self.smsc.append({"e": "submit", "m": marker, "source": "12345", "destination": number,
                              "id": f"{marker + 171:x}", "status": 0})
            stat = "UNDELIV" if marker == 4 else "DELIVRD"
            self.smsc.append({"e": "receipt", "m": marker, "id": f"{marker + 171}", "stat": stat})
            self.esme.append({"e": "receipt", "m": marker, "id": f"a{marker}", "stat": stat, "status": 0})
        self.files = {
            1: [record(i + 1, f"a{i}", f"44770090000{i}", remote_id=f"{i + 171}") for i in (0, 1)],
            2: [record(i + 1, f"a{i}", f"44770090000{i}", remote_id=f"{i + 171:X}") for i in (2, 3)],
        }
        self.part = [record(5, "a4", "447700900004", "failed", "175")]
        self.open = 1
        self.options = {"receipts": True}
        self.trailers = {}

    def write(self, folder):
        def log(name, events):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(event) + "\n" for event in events)
            return path

        esme, smsc = log("esme.log", self.esme), log("smsc.log", self.smsc)
        cdr = os.path.join(folder, "cdr")
        os.mkdir(cdr)
        for serial, records in self.files.items():
            body = "".join(json.dumps(value) + "\n" for value in records).encode()
            trailer = {
                "serial": serial, "count": len(records), "octets": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
                "first_sequence": records[0]["sequence"], "last_sequence": records[-1]["sequence"],
                "first_commit": records[0]["outbox"]["commit"], "last_commit": records[-1]["outbox"]["commit"],
            }
            trailer.update(self.trailers.get(serial, {}))
            with open(os.path.join(cdr, f"test-{serial:010}.cdr"), "wb") as file:
                file.write(body + json.dumps({"trailer": trailer}).encode() + b"\n")
        with open(os.path.join(cdr, f"test-{max(self.files) + 1:010}.cdr.part"), "wb") as file:
            file.write("".join(json.dumps(value) + "\n" for value in self.part).encode() + b'{"sequ')
        return [esme], [smsc], cdr

    def judge(self):
        with tempfile.TemporaryDirectory() as folder:
            return judge.judge(*self.write(folder), open_messages=self.open, **self.options)


class Clean(unittest.TestCase):
    def test_nothing_is_found_where_nothing_is_wrong(self):
        verdict = Run().judge()
        self.assertEqual(verdict.to_json()["violations"], {})
        self.assertEqual(verdict.counts["accepted"], 6)
        self.assertEqual(verdict.counts["outcomes"], {"delivered": 4, "failed": 1})

    def test_ids_are_compared_over_their_forms(self):
        self.assertTrue(judge.same_id("0000beef", "BEEF"))
        self.assertTrue(judge.same_id("48879", "beef"))
        self.assertTrue(judge.same_id("0xBEEF", "48879"))
        self.assertFalse(judge.same_id("48879", "bee0"))

    def test_a_marked_duplicate_within_the_bound_is_no_violation(self):
        run = Run()
        run.smsc.append(dict(run.smsc[0], id="ff"))
        run.files[1][0]["possible_duplicate"] = True
        run.options["max_duplicates"] = 1
        self.assertEqual(run.judge().to_json()["violations"], {})

    def test_a_submit_in_doubt_may_have_a_cdr_or_not(self):
        run = Run()
        run.esme.append({"e": "submit", "m": 6, "source": "12345", "destination": "447700900006"})
        run.esme.append({"e": "ambiguous", "m": 6})
        self.assertEqual(run.judge().to_json()["violations"], {})
        run.part.append(record(6, "a6", "447700900006", "failed"))
        self.assertEqual(run.judge().to_json()["violations"], {})
        run.part.pop()
        run.open = 2
        self.assertEqual(run.judge().to_json()["violations"], {})

    def test_an_unfinished_commit_of_the_open_file_is_not_published(self):
        run = Run()
        run.part.append(record(6, "a5", "447700900005", "failed", outbox={"commit": 6, "index": 0, "of": 2}))
        self.assertEqual(run.judge().to_json()["violations"], {})


class Planted(unittest.TestCase):
    def found(self, plant):
        run = Run()
        plant(run)
        return set(run.judge().violations)

    def test_each_violation_is_found(self):
        def no_cdr(run):
            run.files[1].pop(0)

        def second_cdr(run):
            run.part.append(record(6, "a0", "447700900000", remote_id="171", id="final-again"))

        def other_number(run):
            run.files[1][0]["destination"] = "447700900999"

        def wrong_open(run):
            run.open = 0

        def too_many_open(run):
            run.open = 2

        def invented(run):
            run.part.append(record(6, "zz", "447700900777"))

        def lost(run):
            run.smsc = [event for event in run.smsc if event["m"] != 2]

        def other_remote(run):
            run.files[2][0]["remote_id"] = "999"

        def never_delivered(run):
            for event in run.smsc:
                if event["e"] == "receipt" and event["m"] == 1:
                    event["stat"] = "UNDELIV"

        def unmarked_duplicate(run):
            run.smsc.append(dict(run.smsc[0], id="ff"))
            run.options["max_duplicates"] = 1

        def unanswered_duplicate(run):
            run.smsc.append(dict(run.smsc[0], id="ff", status=None))
            run.options["max_duplicates"] = 1

        def too_many_duplicates(run):
            run.smsc.append(dict(run.smsc[0], id="ff"))
            run.files[1][0]["possible_duplicate"] = True

        def gap(run):
            run.part[0]["sequence"] = 6

        def repeat(run):
            run.part[0]["sequence"] = 4

        def same_cdr_id(run):
            run.part.append(dict(run.files[1][0], sequence=6, kind="amendment"))

        def missing_file(run):
            run.files[4] = run.files.pop(2)

        def wrong_count(run):
            run.trailers[1] = {"count": 3}

        def wrong_hash(run):
            run.trailers[2] = {"sha256": "0" * 64}

        def wrong_range(run):
            run.trailers[2] = {"last_commit": 77}

        def receipt_for_nobody(run):
            run.esme.append({"e": "receipt", "m": None, "id": "nobody", "stat": "DELIVRD", "status": 0})

        def receipt_twice(run):
            run.esme.append({"e": "receipt", "m": 0, "id": "a0", "stat": "DELIVRD", "status": 0})

        def receipt_says_otherwise(run):
            for event in run.esme:
                if event["e"] == "receipt" and event["m"] == 3:
                    event["stat"] = "UNDELIV"

        def no_receipt(run):
            run.esme = [event for event in run.esme if (event["e"], event["m"]) != ("receipt", 3)]

        def id_given_twice(run):
            for event in run.esme:
                if event["e"] == "response" and event["m"] == 1:
                    event["id"] = "a0"

        def invented_submit(run):
            run.smsc.append({"e": "submit", "m": 99, "source": "1", "destination": "2", "id": "5", "status": 0})

        def lost_mo(run):
            run.smsc.append({"e": "mo_answer", "m": 0, "source": "447", "destination": "12345", "status": 0})
            run.part.append(record(6, "m0", "12345", "accepted", direction="mo", source="447"))
            run.open = 0

        def mo_without_cdr(run):
            run.smsc.append({"e": "mo_answer", "m": 0, "source": "447", "destination": "12345", "status": 0})
            run.esme.append({"e": "mo", "m": 0, "source": "447", "destination": "12345", "status": 0})

        table = [
            (no_cdr, {"balance", "sequence", "told"}), (second_cdr, {"final"}), (other_number, {"final"}),
            (wrong_open, {"balance"}), (too_many_open, {"balance"}), (invented, {"unknown"}), (lost, {"lost"}),
            (other_remote, {"lost"}), (never_delivered, {"receipt"}), (unmarked_duplicate, {"duplicate"}),
            (unanswered_duplicate, {"duplicate"}), (too_many_duplicates, {"duplicate"}), (gap, {"sequence"}),
            (repeat, {"sequence"}), (same_cdr_id, {"sequence"}), (missing_file, {"file"}), (wrong_count, {"file"}),
            (wrong_hash, {"file"}), (wrong_range, {"file"}), (receipt_for_nobody, {"told"}),
            (receipt_twice, {"told"}), (receipt_says_otherwise, {"told"}), (no_receipt, {"told"}),
            (id_given_twice, {"final", "lost", "unknown"}), (invented_submit, {"unknown"}),
            (lost_mo, {"mo", "balance"}), (mo_without_cdr, {"balance"}),
        ]
        for plant, expected in table:
            with self.subTest(plant.__name__):
                self.assertEqual(self.found(plant), expected)

    def test_the_exit_code_tells(self):
        for plant, code in ((lambda run: None, 0), (lambda run: run.part.clear(), 1)):
            run = Run()
            plant(run)
            with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as out:
                esme, smsc, cdr = run.write(folder)
                arguments = ["--esme", *esme, "--smsc", *smsc, "--cdr", cdr, "--open", "1", "--receipts"]
                self.assertEqual(judge.main(arguments), code)
                self.assertEqual(json.loads(out.getvalue())["ok"], code == 0)
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(judge.main(["--esme", "none", "--smsc", "none", "--cdr", "none"]), 2)


if __name__ == "__main__":
    unittest.main()
