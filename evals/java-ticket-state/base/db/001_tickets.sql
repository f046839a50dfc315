CREATE TABLE ticket (
  id bigint PRIMARY KEY,
  state varchar(16) NOT NULL CHECK (state IN ('OPEN', 'CLOSED'))
);
