-- A sub-campaign is sent to a list. Its place in the list is the last contact that was taken from it.
CREATE TABLE pass (
    id {id},
    account {int} NOT NULL,
    node TEXT NOT NULL,
    sub_campaign {key} NOT NULL,
    list {int} NOT NULL,
    state TEXT NOT NULL,
    rate {int},
    kinds TEXT NOT NULL,
    starts_at {int},
    ends_at {int},
    place {int} NOT NULL,
    begun {int} NOT NULL,
    replied {int} NOT NULL,
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    ended_at {int}
) {plain};
CREATE INDEX pass_account ON pass (account, id);
CREATE INDEX pass_node ON pass (node, state);

-- One attempt for each contact of a pass.
CREATE TABLE pass_contact (
    pass {int} NOT NULL,
    contact {int} NOT NULL,
    state TEXT NOT NULL,
    status TEXT,
    reason TEXT,
    replied {int} NOT NULL,
    at {int} NOT NULL,
    PRIMARY KEY (pass, contact)
) {clustered};
CREATE INDEX pass_contact_state ON pass_contact (pass, state, contact);

-- How attempts ended, counted as they do.
CREATE TABLE pass_tally (
    pass {int} NOT NULL,
    status {key} NOT NULL,
    reason {key} NOT NULL,
    contacts {int} NOT NULL,
    PRIMARY KEY (pass, status, reason)
) {clustered};
