-- A conversation from a beginning to an end, with its session variables. `told` orders what is told of episodes.
CREATE TABLE episode (
    id {key} PRIMARY KEY,
    told {key} NOT NULL,
    account {int} NOT NULL,
    sub_campaign {key} NOT NULL,
    device {key} NOT NULL,
    source TEXT NOT NULL,
    client_id TEXT,
    version {key},
    began_at {int} NOT NULL,
    at {int} NOT NULL,
    ended {int} NOT NULL,
    variables TEXT NOT NULL,
    erased {int} NOT NULL DEFAULT 0
) {plain};
CREATE INDEX episode_sub_campaign ON episode (account, sub_campaign, told);
CREATE INDEX episode_version ON episode (account, version, ended);
CREATE INDEX episode_device ON episode (account, device);
