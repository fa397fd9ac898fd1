CREATE TABLE IF NOT EXISTS events (
  source   TEXT NOT NULL, -- the chat, or the commands
  id       TEXT NOT NULL, -- one event for ever, however often it is read
  type     TEXT NOT NULL,
  chat     TEXT,
  sequence INTEGER,       -- 1, 2, 3, ... of a source; a result has none
  at       TEXT NOT NULL, -- when the connector read it
  data     TEXT,          -- JSON; none where it was too large for the bus
  dataref  TEXT,          -- where it lies then
  PRIMARY KEY (source, id)
) WITHOUT ROWID;

-- A chat that is attached again is opened again: its first time counts.
CREATE VIEW IF NOT EXISTS chats AS
SELECT source, chat, min(at) AS opened_at
FROM events WHERE type = 'com.brightpattern.chat.session.opened.v1' GROUP BY source;

CREATE VIEW IF NOT EXISTS chats_per_hour AS
SELECT strftime('%Y-%m-%dT%H:00Z', opened_at) AS hour, count(*) AS chats
FROM chats GROUP BY hour ORDER BY hour;

-- A message does not say who its party is: party_joined does. Agents are internal.
CREATE VIEW IF NOT EXISTS first_responses AS
SELECT chats.source, chats.chat, (julianday(min(said.at)) - julianday(chats.opened_at)) * 86400 AS seconds
FROM chats
JOIN events AS agent ON agent.source = chats.source
  AND agent.type = 'com.brightpattern.chat.event.party_joined.v1' AND agent.data ->> 'partyType' = 'internal'
JOIN events AS said ON said.source = chats.source
  AND said.type = 'com.brightpattern.chat.event.message.v1' AND said.data ->> 'partyId' = agent.data ->> 'partyId'
GROUP BY chats.source;

CREATE VIEW IF NOT EXISTS median_first_response AS
SELECT round(avg(seconds), 3) AS seconds, max(chats) AS chats
FROM (SELECT seconds, row_number() OVER (ORDER BY seconds) AS place, count(*) OVER () AS chats FROM first_responses)
WHERE place IN ((chats + 1) / 2, (chats + 2) / 2);

-- The proof that nothing is missing: empty, or the chats of which not all has come yet.
CREATE VIEW IF NOT EXISTS holes AS
SELECT source, max(sequence) - count(sequence) AS missing
FROM events GROUP BY source HAVING missing > 0;
