-- Requests that came with an Idempotency-Key, and how they were answered; `status` is 0 before that. Of an answer that
-- is not kept, or was erased, `kept` is 0.
CREATE TABLE asked (
    id {key} PRIMARY KEY,
    owner {key} NOT NULL,
    account {int} NOT NULL,
    request TEXT NOT NULL,
    node TEXT NOT NULL,
    at {int} NOT NULL,
    status {int} NOT NULL DEFAULT 0,
    kept {int} NOT NULL DEFAULT 0,
    octets {int} NOT NULL DEFAULT 0,
    headers TEXT NOT NULL DEFAULT '',
    body TEXT NOT NULL DEFAULT ''
) {plain};
CREATE INDEX asked_owner ON asked (owner, at);
CREATE INDEX asked_at ON asked (at);
-- People who have logged in, by the digest of their token.
CREATE TABLE session (
    token {key} PRIMARY KEY,
    person TEXT NOT NULL,
    password TEXT NOT NULL,
    ends {int} NOT NULL
) {plain};
CREATE INDEX session_ends ON session (ends);
