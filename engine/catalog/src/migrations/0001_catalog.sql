CREATE TABLE head (
    id {id} CHECK (id = 1),
    version {int} NOT NULL,
    hash {octets}
) {plain};
INSERT INTO head (id, version) VALUES (1, 0);

CREATE TABLE item (
    kind {key} NOT NULL,
    id {int} NOT NULL,
    name {key} NOT NULL,
    version {int} NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, id),
    UNIQUE (kind, name)
) {clustered};

CREATE TABLE numbering (
    kind {key} PRIMARY KEY,
    last {int} NOT NULL
) {clustered};

-- Append-only: each entry holds a hash of itself and of the one before.
CREATE TABLE audit (
    version {int} NOT NULL,
    step {int} NOT NULL,
    at {int} NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    kind {key} NOT NULL,
    id {int} NOT NULL,
    name {key} NOT NULL,
    before TEXT,
    after TEXT,
    hash {octets},
    PRIMARY KEY (version, step)
) {clustered};
