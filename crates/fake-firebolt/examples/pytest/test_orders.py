"""Four things that happen to whoever writes to a warehouse, each arranged and none waited for."""

import http.client
import threading

import pytest

from conftest import Refused


def load(session, order):
    """The program under test: one order in one transaction."""
    session.sql("BEGIN")
    session.sql(f"INSERT INTO orders VALUES ({order}, 'new')")
    session.sql("COMMIT")


def test_the_reply_to_a_commit_is_lost_and_the_commit_is_not(fake):
    fake.fault("lost", on="commit", at="committed", does="drop-connection", at_most=1)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        load(fake.session(), 7)
    assert fake.fired("lost") == 1
    assert fake.rows("SELECT id FROM orders") == [["7"]], "whoever loads again has it twice"


def test_a_conflict_is_clean_and_the_transaction_can_be_run_again(fake):
    fake.fault("conflict", on="commit", does="conflict", first=1)
    session = fake.session()
    with pytest.raises(Refused) as refused:
        load(session, 7)
    assert refused.value.status == 409
    session.sql("ROLLBACK")
    assert fake.rows("SELECT id FROM orders") == []
    load(session, 7)
    assert fake.rows("SELECT id FROM orders") == [["7"]]


def test_two_writers_meet_because_one_is_held(fake):
    session = fake.session()
    session.sql("INSERT INTO orders VALUES (7, 'new')")
    rule = {"name": "first", "on": "update", "at": "executing", "nth": 1}
    fake.admin("POST /admin/holds", rule)
    outcome = []

    def slow():
        try:
            outcome.append(fake.session().sql("UPDATE orders SET state = 'slow' WHERE id = 7"))
        except Refused as refused:
            outcome.append(refused.status)

    writer = threading.Thread(target=slow)
    writer.start()
    fake.admin("GET /admin/holds?wait=1&timeout=30s")
    session.sql("UPDATE orders SET state = 'quick' WHERE id = 7")
    fake.admin("POST /admin/holds/release", {"rule": "first"})
    writer.join(timeout=30)
    assert outcome == [409], "the first to commit wins"
    assert fake.rows("SELECT state FROM orders") == [["quick"]]


def test_tables_go_back_to_a_snapshot_and_the_log_tells_what_was_asked(fake):
    session = fake.session()
    load(session, 1)
    fake.admin("POST /admin/snapshot", {"name": "one order"})
    session.sql("DELETE FROM orders WHERE id = 1", label="cleaner")
    assert fake.rows("SELECT id FROM orders") == []
    fake.admin("POST /admin/restore", {"name": "one order"})
    assert fake.rows("SELECT id FROM orders") == [["1"]]
    logged = fake.admin("GET /admin/statements?label=cleaner")["statements"]
    assert [(entry["on"], entry["status"]) for entry in logged] == [("delete", 200)]
    commits = fake.admin("GET /admin/history?table=orders")["commits"]
    assert [commit["changes"][0]["deleted"] for commit in commits] == [0, 1]
