-- How many contacts each account holds: an account may be bounded, and to count millions takes seconds.
CREATE TABLE contact_count (
    account {int} NOT NULL,
    contacts {int} NOT NULL,
    PRIMARY KEY (account)
) {clustered};
INSERT INTO contact_count (account, contacts) SELECT account, COUNT(*) FROM contact GROUP BY account;
