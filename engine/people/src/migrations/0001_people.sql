-- Ids come in blocks, so that a writer knows them before it inserts.
CREATE TABLE id_block (
    name {key} PRIMARY KEY,
    next {int} NOT NULL
) {clustered};
INSERT INTO id_block (name, next) VALUES ('id', 1);

CREATE TABLE contact (
    id {id},
    account {int} NOT NULL,
    client_id {key} NOT NULL,
    first_name TEXT,
    last_name TEXT,
    company TEXT,
    email TEXT,
    zone TEXT,
    language TEXT,
    consent_at {int},
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL
) {plain};
CREATE UNIQUE INDEX contact_client ON contact (account, client_id);

CREATE TABLE device (
    id {id},
    account {int} NOT NULL,
    address {key} NOT NULL,
    medium TEXT NOT NULL,
    line_type TEXT,
    line_type_at {int},
    line_type_source TEXT,
    carrier TEXT,
    carrier_at {int},
    carrier_source TEXT,
    version {int} NOT NULL
) {plain};
CREATE UNIQUE INDEX device_address ON device (account, address);

-- The kind (home, work, cell) is what the device is to this contact: a couple shares a home number.
CREATE TABLE contact_device (
    contact {int} NOT NULL,
    place {int} NOT NULL,
    device {int} NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (contact, place)
) {clustered};
CREATE INDEX contact_device_device ON contact_device (device);

CREATE TABLE field (
    contact {int} NOT NULL,
    name {key} NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (contact, name)
) {clustered};

CREATE TABLE list (
    id {id},
    account {int} NOT NULL,
    name {key} NOT NULL,
    state TEXT NOT NULL,
    members {int} NOT NULL,
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL
) {plain};
CREATE UNIQUE INDEX list_name ON list (account, name);

CREATE TABLE list_member (
    list {int} NOT NULL,
    contact {int} NOT NULL,
    upload {int},
    PRIMARY KEY (list, contact)
) {clustered};
CREATE INDEX list_member_contact ON list_member (contact);

-- Who needs a list: a sub-campaign that runs on it.
CREATE TABLE list_use (
    list {int} NOT NULL,
    holder {key} NOT NULL,
    PRIMARY KEY (list, holder)
) {clustered};

CREATE TABLE upload (
    id {id},
    account {int} NOT NULL,
    list {int} NOT NULL,
    node TEXT NOT NULL,
    file TEXT NOT NULL,
    state TEXT NOT NULL,
    problem TEXT,
    started_at {int} NOT NULL,
    finished_at {int},
    octets {int} NOT NULL,
    lines {int} NOT NULL,
    accepted {int} NOT NULL,
    created {int} NOT NULL,
    rejected {int} NOT NULL,
    rejects_kept {int} NOT NULL,
    repeated_in_file {int} NOT NULL,
    repeated_in_list {int} NOT NULL,
    opted_out {int} NOT NULL
) {plain};
CREATE INDEX upload_account ON upload (account, id);
CREATE INDEX upload_list ON upload (list, state);

CREATE TABLE upload_reject (
    upload {int} NOT NULL,
    line {int} NOT NULL,
    reason TEXT NOT NULL,
    column_name TEXT,
    PRIMARY KEY (upload, line)
) {clustered};

-- Append-only: each change of consent with its evidence.
CREATE TABLE consent (
    id {id},
    event {key} NOT NULL,
    account {int} NOT NULL,
    level TEXT NOT NULL,
    level_id {key} NOT NULL,
    subject {key} NOT NULL,
    action TEXT NOT NULL,
    channels {int} NOT NULL,
    at {int} NOT NULL,
    who TEXT NOT NULL,
    how TEXT NOT NULL,
    wording TEXT,
    source TEXT,
    evidence TEXT
) {plain};
CREATE UNIQUE INDEX consent_event ON consent (event);
CREATE INDEX consent_subject ON consent (account, subject, id);

-- What the ledger comes to: channels that are shut for a subject.
CREATE TABLE suppression (
    level TEXT NOT NULL,
    level_id {key} NOT NULL,
    subject {key} NOT NULL,
    channels {int} NOT NULL,
    since {int} NOT NULL,
    PRIMARY KEY (level, level_id, subject)
) {clustered};

-- All contacts with an end user, by event: what is applied twice stands here once.
CREATE TABLE trace (
    event {key} PRIMARY KEY,
    account {int} NOT NULL,
    device {key} NOT NULL,
    client_id {key},
    at {int} NOT NULL,
    direction TEXT NOT NULL,
    channel TEXT NOT NULL,
    source TEXT NOT NULL,
    sub_campaign TEXT,
    status TEXT NOT NULL,
    status_at {int} NOT NULL,
    body TEXT
) {plain};
CREATE INDEX trace_device ON trace (account, device, at, event);
CREATE INDEX trace_client ON trace (account, client_id, at, event);
