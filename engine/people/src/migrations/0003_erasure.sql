-- A line whose words were erased takes none when it is told again.
ALTER TABLE trace ADD COLUMN erased {int} NOT NULL DEFAULT 0;
