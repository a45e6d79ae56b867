-- The state of an event's waiting room, and of its waiting list, as JSON; NULL where it has none.
ALTER TABLE {schema}.events ADD COLUMN queue jsonb, ADD COLUMN waitlist jsonb;

-- The place of an entry in the waiting list, as JSON; NULL for all other holds.
ALTER TABLE {schema}.holds ADD COLUMN waiting jsonb;

-- The waiting lists in their order. A table, because an index of table `holds` would stop sales while it is built.
CREATE TABLE {schema}.waiting (
    event text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    hold uuid NOT NULL,
    PRIMARY KEY (event, number)
);

-- The places of waiting rooms, each with its pass once that is claimed.
CREATE TABLE {schema}.places (
    event text COLLATE "C" NOT NULL,
    leaf bytea NOT NULL,
    index bigint NOT NULL,
    pass uuid,
    claimed_at_ms bigint,
    expires_at_ms bigint,
    spent_on uuid,
    PRIMARY KEY (event, leaf)
) WITH (fillfactor = 70);

-- The functions with the new column and table. Those of older versions stay, and leave them as they are.

-- Begins a batch: locks its events in the order of their names, then reads what it touches. To be called once in a transaction
-- with events, and again without for what else is touched of the same events. One result for all, by kind:
--   event     event, n1 seq, n2 settings_seq, n3 at_ms, n4 live_holds, t1 settings, t2 stocks, t6 queue, t7 waitlist, b1 head
--   time      n1 milliseconds, by the clock once the locks are granted, n2 events in all, n3 live holds in all (0 if not asked)
--   hold, due, waiting (the first entries of the waiting list, in order)
--             id, event, n1 created_at_ms, n2 expires_at_ms, n3 seq, n4 confirmed_seq, n5 what its customer has,
--             t1 items, t2 live, t3 customer, t4 state, t5 payment_ref, t6 terms, t7 waiting
--   customer  event, t3 customer, n5 qty
--   key       t1 key, n1 expires_at_ms, b1 fingerprint, b2 body of its record
--   place     event, id pass, n1 index, n2 claimed_at_ms, n3 expires_at_ms, t1 spent_on, b1 leaf
CREATE FUNCTION {schema}.load_batch_3(
    events_ text[], holds_ uuid[], customer_events_ text[], customers_ text[], keys_ text[],
    caller_ms_ bigint, due_max_ bigint, totals_ boolean, lock_timeout_ text,
    place_events_ text[], leaves_ bytea[], waiting_max_ bigint
) RETURNS TABLE (
    kind text, event text, id uuid, n1 bigint, n2 bigint, n3 bigint, n4 bigint, n5 bigint,
    t1 text, t2 text, t3 text, t4 text, t5 text, b1 bytea, b2 bytea, t6 text, t7 text
) LANGUAGE plpgsql VOLATILE AS $function$
#variable_conflict use_column
DECLARE
    names_ text[] := events_;
    now_ms_ bigint;
    live_ boolean := false;
    waiting_ boolean := false;
    found_ record;
    ignored_ text;
BEGIN
    -- Bounds that hold without the caller, so that it can neither wait nor keep others waiting for ever; and never less durable
    -- than a commit must be.
    ignored_ := set_config('lock_timeout', lock_timeout_, true);
    ignored_ := set_config('idle_in_transaction_session_timeout', lock_timeout_, true);
    -- Plans that fit any arguments, made once. They are made when tables may still be empty, and must stay good when these have grown:
    -- so every row is found by an index.
    ignored_ := set_config('plan_cache_mode', 'force_generic_plan', true);
    ignored_ := set_config('enable_seqscan', 'off', true);
    ignored_ := set_config('enable_hashjoin', 'off', true);
    ignored_ := set_config('enable_mergejoin', 'off', true);
    IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
        ignored_ := set_config('synchronous_commit', 'on', true);
    END IF;

    IF cardinality(holds_) > 0 THEN
        names_ := ARRAY(SELECT unnest(events_) UNION SELECT h.event FROM {schema}.holds h WHERE h.id = ANY(holds_));
    END IF;
    FOR found_ IN
        SELECT e.name, e.seq, e.settings_seq, e.at_ms, e.live_holds, e.settings::text AS settings, e.stocks::text AS stocks, e.head,
            e.queue::text AS queue, e.waitlist::text AS waitlist
        FROM {schema}.events e WHERE e.name = ANY(names_) ORDER BY e.name FOR UPDATE
    LOOP
        live_ := live_ OR found_.live_holds > 0;
        kind := 'event'; event := found_.name;
        n1 := found_.seq; n2 := found_.settings_seq; n3 := found_.at_ms; n4 := found_.live_holds;
        t1 := found_.settings; t2 := found_.stocks; t6 := found_.queue; t7 := found_.waitlist; b1 := found_.head;
        waiting_ := waiting_ OR found_.waitlist IS NOT NULL;
        RETURN NEXT;
    END LOOP;

    now_ms_ := coalesce(caller_ms_, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
    kind := 'time'; event := NULL; n1 := now_ms_; n2 := 0; n3 := 0; n4 := NULL; t1 := NULL; t2 := NULL; t6 := NULL; t7 := NULL; b1 := NULL;
    IF totals_ THEN
        SELECT count(*), coalesce(sum(live_holds), 0)::bigint INTO n2, n3 FROM {schema}.events;
    END IF;
    RETURN NEXT;

    IF cardinality(holds_) > 0 THEN
        RETURN QUERY
            SELECT 'hold'::text, h.event, h.id, h.created_at_ms, h.expires_at_ms, h.seq, h.confirmed_seq, c.qty,
                h.items::text, h.live::text, h.customer, h.state, h.payment_ref, NULL::bytea, NULL::bytea, h.terms::text, h.waiting::text
            FROM {schema}.holds h LEFT JOIN {schema}.customers c ON c.event = h.event AND c.customer = h.customer
            WHERE h.id = ANY(holds_);
    END IF;
    IF live_ AND due_max_ > 0 THEN
        RETURN QUERY
            SELECT 'due'::text, h.event, h.id, h.created_at_ms, h.expires_at_ms, h.seq, h.confirmed_seq, c.qty,
                h.items::text, h.live::text, h.customer, h.state, h.payment_ref, NULL::bytea, NULL::bytea, h.terms::text, h.waiting::text
            FROM {schema}.events e CROSS JOIN LATERAL (
                SELECT * FROM {schema}.holds o
                WHERE o.event = e.name AND o.state = 'held' AND o.expires_at_ms <= greatest(e.at_ms, now_ms_)
                ORDER BY o.expires_at_ms, o.id LIMIT due_max_
            ) h LEFT JOIN {schema}.customers c ON c.event = h.event AND c.customer = h.customer
            WHERE e.live_holds > 0 AND e.name = ANY(names_) LIMIT due_max_;
    END IF;
    IF waiting_ AND waiting_max_ > 0 THEN
        RETURN QUERY
            SELECT 'waiting'::text, h.event, h.id, h.created_at_ms, h.expires_at_ms, h.seq, h.confirmed_seq, c.qty,
                h.items::text, h.live::text, h.customer, h.state, h.payment_ref, NULL::bytea, NULL::bytea, h.terms::text, h.waiting::text
            FROM {schema}.events e CROSS JOIN LATERAL (
                SELECT * FROM {schema}.waiting o WHERE o.event = e.name ORDER BY o.number LIMIT waiting_max_
            ) w JOIN {schema}.holds h ON h.id = w.hold
            LEFT JOIN {schema}.customers c ON c.event = h.event AND c.customer = h.customer
            WHERE e.name = ANY(names_) ORDER BY w.event, w.number;
    END IF;
    IF cardinality(customers_) > 0 THEN
        RETURN QUERY
            SELECT 'customer'::text, c.event, NULL::uuid, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, c.qty,
                NULL::text, NULL::text, c.customer, NULL::text, NULL::text, NULL::bytea, NULL::bytea, NULL::text, NULL::text
            FROM unnest(customer_events_, customers_) AS w(event, customer)
            JOIN {schema}.customers c ON c.event = w.event AND c.customer = w.customer;
    END IF;
    IF cardinality(keys_) > 0 THEN
        RETURN QUERY
            SELECT 'key'::text, NULL::text, NULL::uuid, k.expires_at_ms, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
                k.key, NULL::text, NULL::text, NULL::text, NULL::text, k.fingerprint, l.body, NULL::text, NULL::text
            FROM {schema}.keys k LEFT JOIN {schema}.ledger l ON l.event = k.event AND l.seq = k.seq
            WHERE k.key = ANY(keys_);
    END IF;
    IF cardinality(leaves_) > 0 THEN
        RETURN QUERY
            SELECT 'place'::text, p.event, p.pass, p.index, p.claimed_at_ms, p.expires_at_ms, NULL::bigint, NULL::bigint,
                p.spent_on::text, NULL::text, NULL::text, NULL::text, NULL::text, p.leaf, NULL::bytea, NULL::text, NULL::text
            FROM unnest(place_events_, leaves_) AS w(event, leaf)
            JOIN {schema}.places p ON p.event = w.event AND p.leaf = w.leaf;
    END IF;
END
$function$;

-- Writes a batch: its records, and the events, keys, holds, customers and places that they changed; a customer who has nothing any more
-- goes. Tells when the next hold of each event runs out. Last before the commit: from here on no statement has a time limit. A server that waits for its synchronous standby when a statement's time is over says
-- that it has committed, with no more than a warning that the standby has not. So only the caller stops waiting, and then asks.
CREATE FUNCTION {schema}.write_batch_3(
    ledger_events_ text[], ledger_seqs_ bigint[], ledger_bodies_ bytea[],
    names_ text[], existed_ boolean[], seqs_ bigint[], settings_seqs_ bigint[], heads_ bytea[], at_ms_ bigint[], live_holds_ bigint[],
    settings_ text[], stocks_ text[],
    keys_ text[], fingerprints_ bytea[], key_events_ text[], key_seqs_ bigint[], key_expires_at_ms_ bigint[],
    holds_ uuid[], hold_events_ text[], hold_items_ text[], hold_live_ text[], hold_customers_ text[], hold_states_ text[],
    hold_created_at_ms_ bigint[], hold_expires_at_ms_ bigint[], hold_payment_refs_ text[], hold_seqs_ bigint[],
    hold_confirmed_seqs_ bigint[], hold_terms_ text[],
    customer_events_ text[], customers_ text[], customer_qtys_ bigint[],
    now_ms_ bigint, replaying_ boolean,
    queues_ text[], waitlists_ text[], hold_waiting_ text[],
    waiting_events_ text[], waiting_numbers_ bigint[], waiting_holds_ uuid[], left_events_ text[], left_numbers_ bigint[],
    place_events_ text[], leaves_ bytea[], place_indexes_ bigint[], passes_ uuid[], pass_claimed_at_ms_ bigint[],
    pass_expires_at_ms_ bigint[], pass_spent_on_ uuid[]
) RETURNS TABLE (event text, next_expiry_ms bigint) LANGUAGE plpgsql VOLATILE AS $function$
#variable_conflict use_column
DECLARE
    live_ boolean := false;
    written_ bigint;
    ignored_ text;
BEGIN
    ignored_ := set_config('statement_timeout', '0', true);
    INSERT INTO {schema}.ledger (event, seq, body) SELECT * FROM unnest(ledger_events_, ledger_seqs_, ledger_bodies_);
    FOR i_ IN 1 .. cardinality(names_) LOOP
        live_ := live_ OR live_holds_[i_] > 0;
        IF existed_[i_] THEN
            UPDATE {schema}.events SET seq = seqs_[i_], settings_seq = settings_seqs_[i_], head = heads_[i_], at_ms = at_ms_[i_],
                live_holds = live_holds_[i_], settings = settings_[i_]::jsonb, stocks = stocks_[i_]::jsonb,
                queue = queues_[i_]::jsonb, waitlist = waitlists_[i_]::jsonb
            WHERE name = names_[i_];
        ELSE
            INSERT INTO {schema}.events (name, seq, settings_seq, head, at_ms, live_holds, settings, stocks, queue, waitlist)
            VALUES (names_[i_], seqs_[i_], settings_seqs_[i_], heads_[i_], at_ms_[i_], live_holds_[i_],
                settings_[i_]::jsonb, stocks_[i_]::jsonb, queues_[i_]::jsonb,
                waitlists_[i_]::jsonb);
        END IF;
    END LOOP;
    IF cardinality(keys_) > 0 AND replaying_ THEN
        INSERT INTO {schema}.keys AS k (key, fingerprint, event, seq, expires_at_ms)
        SELECT * FROM unnest(keys_, fingerprints_, key_events_, key_seqs_, key_expires_at_ms_)
        ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, event = excluded.event, seq = excluded.seq,
            expires_at_ms = excluded.expires_at_ms
        WHERE k.expires_at_ms < excluded.expires_at_ms;
    ELSIF cardinality(keys_) > 0 THEN
        -- A key whose time is over makes room for its next use. One that is still in use was used by another process meanwhile.
        INSERT INTO {schema}.keys AS k (key, fingerprint, event, seq, expires_at_ms)
        SELECT * FROM unnest(keys_, fingerprints_, key_events_, key_seqs_, key_expires_at_ms_)
        ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, event = excluded.event, seq = excluded.seq,
            expires_at_ms = excluded.expires_at_ms
        WHERE k.expires_at_ms <= now_ms_;
        GET DIAGNOSTICS written_ = ROW_COUNT;
        IF written_ <> cardinality(keys_) THEN
            RAISE unique_violation USING MESSAGE = 'a key is in use';
        END IF;
    END IF;
    IF cardinality(holds_) > 0 THEN
        INSERT INTO {schema}.holds
            (id, event, items, live, customer, state, created_at_ms, expires_at_ms, payment_ref, seq, confirmed_seq, terms,
                waiting)
        SELECT a, b, c::jsonb, d::jsonb, e, f, g, h, i, j, k, l::jsonb, m::jsonb
        FROM unnest(holds_, hold_events_, hold_items_, hold_live_, hold_customers_, hold_states_, hold_created_at_ms_,
            hold_expires_at_ms_, hold_payment_refs_, hold_seqs_, hold_confirmed_seqs_, hold_terms_,
            hold_waiting_)
            AS n(a, b, c, d, e, f, g, h, i, j, k, l, m)
        ON CONFLICT (id) DO UPDATE SET live = excluded.live, state = excluded.state, expires_at_ms = excluded.expires_at_ms,
            payment_ref = excluded.payment_ref, seq = excluded.seq, confirmed_seq = excluded.confirmed_seq,
            terms = excluded.terms, waiting = excluded.waiting,
            created_at_ms = excluded.created_at_ms;
    END IF;
    IF cardinality(customers_) > 0 THEN
        INSERT INTO {schema}.customers (event, customer, qty)
        SELECT n.event, n.customer, n.qty FROM unnest(customer_events_, customers_, customer_qtys_) AS n(event, customer, qty)
        WHERE n.qty > 0
        ON CONFLICT (event, customer) DO UPDATE SET qty = excluded.qty;
        IF 0 = ANY(customer_qtys_) THEN
            DELETE FROM {schema}.customers c
            USING unnest(customer_events_, customers_, customer_qtys_) AS n(event, customer, qty)
            WHERE n.qty = 0 AND c.event = n.event AND c.customer = n.customer;
        END IF;
    END IF;
    IF cardinality(waiting_holds_) > 0 THEN
        INSERT INTO {schema}.waiting (event, number, hold) SELECT * FROM unnest(waiting_events_, waiting_numbers_, waiting_holds_);
    END IF;
    IF cardinality(left_numbers_) > 0 THEN
        DELETE FROM {schema}.waiting w USING unnest(left_events_, left_numbers_) AS n(event, number)
        WHERE w.event = n.event AND w.number = n.number;
    END IF;
    IF cardinality(leaves_) > 0 THEN
        INSERT INTO {schema}.places (event, leaf, index, pass, claimed_at_ms, expires_at_ms, spent_on)
        SELECT * FROM unnest(place_events_, leaves_, place_indexes_, passes_, pass_claimed_at_ms_, pass_expires_at_ms_,
            pass_spent_on_)
        ON CONFLICT (event, leaf) DO UPDATE SET pass = excluded.pass, claimed_at_ms = excluded.claimed_at_ms,
            expires_at_ms = excluded.expires_at_ms, spent_on = excluded.spent_on;
    END IF;
    IF live_ THEN
        RETURN QUERY
            SELECT e.name, (SELECT h.expires_at_ms FROM {schema}.holds h WHERE h.event = e.name AND h.state = 'held'
                ORDER BY h.expires_at_ms LIMIT 1)
            FROM {schema}.events e WHERE e.name = ANY(names_) AND e.live_holds > 0;
    END IF;
END
$function$;
