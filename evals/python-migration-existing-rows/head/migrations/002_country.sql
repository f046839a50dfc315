-- Users have a country.
ALTER TABLE users ADD COLUMN country char(2) NOT NULL;
