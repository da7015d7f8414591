-- What testers did is no result of the sub-campaign.
ALTER TABLE episode ADD COLUMN test {int} NOT NULL DEFAULT 0;
