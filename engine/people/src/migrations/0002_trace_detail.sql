-- Why it went the way it did: JSON of whoever recorded it.
ALTER TABLE trace ADD COLUMN detail TEXT;
