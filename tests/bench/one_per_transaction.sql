-- One reservation in one transaction, as it is usually done: lock, count down, write down, commit.
\set buyer random(1, 1000000000)
BEGIN;
SELECT available FROM reference.stock WHERE event = 'default' FOR UPDATE;
UPDATE reference.stock SET available = available - 1 WHERE event = 'default' AND available >= 1;
INSERT INTO reference.ledger (event, buyer, qty) VALUES ('default', :buyer, 1);
COMMIT;
