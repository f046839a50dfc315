CREATE TABLE members (
  id bigint PRIMARY KEY,
  -- two members may have the same name
  name varchar(80) NOT NULL,
  email varchar(120) NOT NULL UNIQUE
);
