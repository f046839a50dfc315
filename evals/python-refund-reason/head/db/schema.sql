CREATE TABLE refunds (
  id bigint PRIMARY KEY,
  order_id bigint NOT NULL,
  cents integer NOT NULL,
  reason varchar(80) NOT NULL
);
